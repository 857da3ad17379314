import * as v from "valibot";
import type { SurfaceDoc } from "../../openapi/description.ts";
import { count, describe, errorAnswers, otpCode, requestId, text } from "../../openapi/shapes.ts";
import { adminComponents, adminOperations } from "./admin.doc.ts";
import { accountComponents, accountOperations } from "./accounts.doc.ts";
import { loginComponents, loginOperations } from "./logins.doc.ts";
import { passkeyComponents, passkeyOperations } from "./passkeys.doc.ts";
import { apiTokenComponents, apiTokenOperations } from "./api-tokens.doc.ts";
import { emailLoginComponents, emailLoginOperations } from "./log-in.doc.ts";
import { secondFactorComponents, secondFactorOperations } from "./second-factor.doc.ts";

const error = {
  success: v.literal(false),
  message: text,
  status: describe(count, "The HTTP status."),
  code: otpCode,
};
const RestError = v.object(error);
const RestFailure = v.object({ ...error, request_id: requestId });

export const restDoc: SurfaceDoc<
  | keyof typeof accountOperations
  | keyof typeof secondFactorOperations
  | keyof typeof loginOperations
  | keyof typeof emailLoginOperations
  | keyof typeof apiTokenOperations
  | keyof typeof passkeyOperations
  | keyof typeof adminOperations
> = {
  title: "Accounts and API tokens",
  description: "The accounts of all surfaces, and named tokens for programs, in Opentact's form.",
  prefix: "Rest",
  unfit: 400,
  wrongMediaType: 415,
  components: {
    ...accountComponents,
    ...loginComponents,
    ...emailLoginComponents,
    ...secondFactorComponents,
    ...apiTokenComponents,
    ...passkeyComponents,
    ...adminComponents,
    RestError: { schema: RestError },
    RestFailure: { schema: RestFailure },
  },
  operations: {
    ...accountOperations,
    ...loginOperations,
    ...emailLoginOperations,
    ...secondFactorOperations,
    ...apiTokenOperations,
    ...passkeyOperations,
    ...adminOperations,
  },
  errors: errorAnswers(
    { error: RestError, failure: RestFailure },
    [400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 507],
    {
      403: "The credential lacks the scope that `WWW-Authenticate` names, or would give more than it has; or can never be a fresh log-in, which the act needs; or sign-up is closed; or it is for operators; or a page of another site sent the request.",
      409: "The email belongs to another account, the token was replaced by its rotation, there is a second factor already, nothing else can log in to the account, or it has as many passkeys as it may.",
      415: "The body is not JSON by its type, or it is compressed.",
    },
  ),
};
