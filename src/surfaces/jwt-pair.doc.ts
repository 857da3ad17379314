import * as v from "valibot";
import { Login, Refresh, Verify } from "./jwt-pair.ts";
import {
  type Component,
  MEDIA,
  type Operation,
  type SurfaceDocument,
} from "../openapi/operation.ts";
import {
  ALLOW,
  CHALLENGE,
  emptyList,
  ourFailures,
  THROTTLED,
  requestId,
  describe,
  text,
} from "../openapi/shapes.ts";

const jwt = describe(text, "A JWT signed with ES256; `/.well-known/jwks.json` has the key.");

const Pair = v.strictObject({
  refresh: describe(jwt, "Lives for a day, and gets new access JWTs."),
  access: describe(jwt, "Lives for five minutes, and logs in on every surface."),
});
const Access = v.strictObject({
  access: describe(jwt, "Lives for five minutes."),
  refresh: v.optional(
    describe(
      jwt,
      "The next refresh JWT, where the deployment rotates them; the one sent is spent.",
    ),
  ),
});
const DrfDetail = v.strictObject({ detail: text, code: v.optional(v.literal("token_not_valid")) });
const DrfFailure = v.strictObject({ detail: text, request_id: requestId });
const problems = v.optional(v.array(text));
const DrfFields = v.objectWithRest(
  {
    email: problems,
    password: problems,
    refresh: problems,
    token: problems,
    non_field_errors: problems,
  },
  // Of members that ask for less and are not taken, such as `scope`.
  v.array(text),
);

/** Django REST framework's CharField takes a number for its digits. */
const charField = { type: ["string", "number"], minLength: 1 };

const components: Readonly<Record<string, Component>> = {
  Login: {
    schema: Login,
    description: "An account's e-mail and password.",
    extra: {
      required: ["password"],
      anyOf: [{ required: ["email"] }, { required: ["username"] }],
    },
    fields: {
      email: charField,
      password: { ...charField, description: "Taken exactly as sent, spaces included." },
      username: { ...charField, description: "Taken for the e-mail where that is missing." },
    },
  },
  RefreshRequest: { schema: Refresh, fields: { refresh: charField } },
  VerifyRequest: {
    schema: Verify,
    fields: { token: { ...charField, description: "Any JWT of this service." } },
  },
  JwtPair: { schema: Pair },
  AccessJwt: { schema: Access },
  DrfDetail: { schema: DrfDetail, description: "What Django REST framework says went wrong." },
  DrfFields: { schema: DrfFields, description: "By field, what is wrong with it." },
  DrfFailure: { schema: DrfFailure },
};

const login: Operation = {
  id: "obtainJwtPair",
  summary: "Log in with e-mail and password for a pair of JWTs",
  access: "open",
  body: { schema: Login, media: MEDIA.fields },
  answers: { 200: { description: "Logged in.", schema: Pair } },
  refuses: [401, 429],
};
const refresh: Operation = {
  id: "refreshJwt",
  summary: "Get a new access JWT for a refresh JWT",
  access: "open",
  body: { schema: Refresh, media: MEDIA.fields },
  answers: { 200: { description: "A new access JWT.", schema: Access } },
  refuses: [401, 429],
};
const verify: Operation = {
  id: "verifyJwt",
  summary: "Ask whether a JWT stands",
  access: "open",
  body: { schema: Verify, media: MEDIA.fields },
  answers: {
    200: { description: "It stands.", schema: describe(emptyList, "Always the empty list.") },
  },
  refuses: [401, 429],
};

const blacklist: Operation = {
  id: "blacklistJwt",
  summary: "Revoke a refresh JWT and all that its login has given",
  access: "open",
  body: { schema: Refresh, media: MEDIA.fields },
  answers: {
    200: {
      description: "Revoked.",
      schema: describe(v.strictObject({}), "Always the empty object."),
    },
  },
  refuses: [401, 429],
};

/** The same route, served without the last slash as well. */
const withoutSlash = (operation: Operation): Operation => ({
  ...operation,
  id: `${operation.id}WithoutSlash`,
  summary: `${operation.summary} (without the last slash)`,
});

export const jwtPairDocument: SurfaceDocument = {
  name: "jwt-pair",
  title: "JWT pairs",
  description:
    "Access and refresh JWTs, with the answers of simplejwt on Django REST framework. Nobody is asked who they are.",
  prefix: "JwtPair",
  unfit: 400,
  wrongMediaType: 415,
  components,
  operations: {
    "POST /api/token/": login,
    "POST /api/token/refresh/": refresh,
    "POST /api/token/verify/": verify,
    "POST /api/token/blacklist/": blacklist,
    "POST /api/token": withoutSlash(login),
    "POST /api/token/refresh": withoutSlash(refresh),
    "POST /api/token/verify": withoutSlash(verify),
    "POST /api/token/blacklist": withoutSlash(blacklist),
  },
  errors: {
    400: {
      description: "The body does not parse (`detail`), or by field what is wrong with it.",
      schema: v.union([DrfFields, DrfDetail]),
    },
    401: {
      description:
        "No account opens with it, or the JWT does not stand, or is not of the type that is asked for.",
      schema: DrfDetail,
      headers: CHALLENGE,
    },
    403: { description: "A page of another site sent it.", schema: DrfDetail },
    404: { description: "There is nothing at this path.", schema: DrfDetail },
    405: { description: "The path takes other methods.", schema: DrfDetail, headers: ALLOW },
    408: { description: "The body did not arrive in time.", schema: DrfDetail },
    413: { description: "The body is larger than 64 KiB.", schema: DrfDetail },
    415: {
      description: "The body is neither JSON nor a form, or it is compressed.",
      schema: DrfDetail,
    },
    429: { description: "Too many tries.", schema: DrfDetail, headers: THROTTLED },
    ...ourFailures(DrfFailure),
  },
};
