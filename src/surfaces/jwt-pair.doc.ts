import * as v from "valibot";
import type { RoutesOf, SurfaceDoc } from "../openapi/description.ts";
import {
  answer,
  describe,
  emptyList,
  errorAnswers,
  OTP,
  requestId,
  text,
} from "../openapi/shapes.ts";
import { type jwtPairRoutes, Refresh, Verify } from "./jwt-pair.ts";

const jwt = describe(text, "A JWT signed with ES256; `/.well-known/jwks.json` has the key.");

const JwtPair = v.object({
  refresh: describe(jwt, "Valid for a day by default; gets new access JWTs."),
  access: describe(jwt, "Valid for five minutes by default; authenticates on every surface."),
});
const AccessJwt = v.object({
  access: describe(jwt, "Valid for five minutes by default."),
  refresh: v.optional(
    describe(
      jwt,
      "The next refresh JWT, if the deployment rotates them: the one that was sent is used up.",
    ),
  ),
});
const JwtError = v.object({
  detail: text,
  code: v.optional(v.picklist(["token_not_valid", "otp_required"])),
});
const JwtFailure = v.object({ detail: text, request_id: requestId });
const JwtFieldErrors = v.record(v.string(), v.array(text));

const otp = v.optional(describe(v.nullable(text), OTP));
const LoginByEmail = v.object({ email: text, password: text, otp });
const LoginByUsername = v.object({ username: text, password: text, otp });

/** A number is taken for its digits, as Django REST framework does. */
const charField = { type: ["string", "number"], minLength: 1 };
const password = { ...charField, description: "Taken exactly as sent, spaces included." };

const REFUSES = { refuses: [401, 429] };

export const jwtPairDoc: SurfaceDoc<RoutesOf<typeof jwtPairRoutes>> = {
  title: "JWT pairs",
  description:
    "Access and refresh JWTs, with the answers of simplejwt on Django REST framework. No authentication required.",
  prefix: "JwtPair",
  unfit: 400,
  wrongMediaType: 415,
  components: {
    LoginByEmail: { schema: LoginByEmail, fields: { email: charField, password } },
    LoginByUsername: {
      schema: LoginByUsername,
      description: "`username` is the email, as some clients of simplejwt call it.",
      fields: { username: charField, password },
    },
    RefreshRequest: { schema: Refresh, fields: { refresh: charField } },
    VerifyRequest: {
      schema: Verify,
      fields: { token: { ...charField, description: "Any JWT of this service." } },
    },
    JwtPair: { schema: JwtPair },
    AccessJwt: { schema: AccessJwt },
    JwtError: { schema: JwtError },
    JwtFieldErrors: { schema: JwtFieldErrors, description: "By field, what is wrong with it." },
    JwtFailure: { schema: JwtFailure },
  },
  operations: {
    "POST /api/token": {
      id: "obtainJwtPair",
      summary: "Log in with email and password for a pair of JWTs",
      description:
        "The access JWT authenticates; the refresh JWT gets the next one, for up to 30 days after the login by default.",
      body: v.union([LoginByEmail, LoginByUsername]),
      answers: answer("Logged in.", JwtPair),
      ...REFUSES,
    },
    "POST /api/token/refresh": {
      id: "refreshJwt",
      summary: "Get a new access JWT for a refresh JWT",
      description:
        "If the deployment rotates refresh JWTs, the answer has the next one, and presenting a used one again ends the login.",
      answers: answer("A new access JWT.", AccessJwt),
      ...REFUSES,
    },
    "POST /api/token/verify": {
      id: "verifyJwt",
      summary: "Verify a JWT",
      description: "Checks the signature, the expiry, and that the JWT was not revoked.",
      answers: answer("The token is valid.", describe(emptyList, "Always the empty list.")),
      ...REFUSES,
    },
    "POST /api/token/blacklist": {
      id: "blacklistJwt",
      summary: "Revoke a refresh JWT and everything its login obtained",
      description: "This is the logout of a JWT pair.",
      answers: answer("Revoked.", describe(v.object({}), "Always the empty object.")),
      ...REFUSES,
    },
  },
  errors: {
    ...errorAnswers({ error: JwtError, failure: JwtFailure }, [401, 403, 408, 413, 415, 429], {
      401: "No account opens with these, or the JWT is not valid, or it has another type.",
      403: "A page of another site sent the request.",
    }),
    400: {
      description: "The body is malformed (`detail`), or by field, what is wrong with it.",
      schema: v.union([JwtFieldErrors, JwtError]),
    },
  },
};
