import { DERIVATION_FAULTS, type Fault } from "../../core/fault.ts";
import type { HttpResult } from "../../http/answer.ts";
import { challenges, scopeChallenge } from "../../http/challenge.ts";
import type { RequestFault } from "../../http/request-fault.ts";
import type { RefusalContext } from "../../http/surface.ts";

/** The `/rest` surface's shape for all that goes wrong: the status stands in the body too. */
export function restRefusal(fault: Fault | RequestFault, { request }: RefusalContext): HttpResult {
  const error = (
    status: number,
    message: string,
    headers?: Record<string, string>,
  ): HttpResult => ({
    status,
    body: { success: false, message, status },
    ...(headers && { headers }),
  });
  const unauthorized = (message: string, shown: "nothing" | "token" | "password") =>
    error(401, message, { "www-authenticate": challenges(request, shown) });

  switch (fault.code) {
    case "fields_invalid":
      return error(
        400,
        fault.problems.map(({ path, message }) => `${path} ${message}`.trim()).join("; "),
      );
    case "password_common":
      return error(400, "password is among the most common ones: choose another");
    case "password_pwned":
      return error(400, "password is known to have leaked elsewhere: choose another");
    case "current_password_missing":
      return error(
        400,
        fault.field === "password"
          ? "password is required"
          : "current_password is required to change the e-mail or the password",
      );
    case "body_malformed":
      return error(400, `The body is not ${fault.expected}`);
    case "credentials_doubled":
      return error(400, "More than one credential was sent");
    case "caller_missing":
    case "credentials_missing":
      return unauthorized("Authentication required", "nothing");
    case "caller_refused":
      return fault.shown === "token"
        ? unauthorized("Invalid token", "token")
        : unauthorized("Wrong credentials", "password");
    case "credentials_wrong":
      return unauthorized("Wrong credentials", "password");
    case "token_invalid":
      return unauthorized("Invalid token", "token");
    case "scope_insufficient":
    case "scope_exceeded":
      return error(403, `This token does not have the scope ${fault.scope}`, {
        "www-authenticate": scopeChallenge(fault.scope),
      });
    case "derivation_refused": {
      const { status, message } = DERIVATION_FAULTS[fault.reason];
      return error(status, message);
    }
    case "sent_across_sites":
      return error(403, "Sent by a page of another site");
    case "encoding_unsupported":
      return error(415, "The content encoding is not supported", { "accept-encoding": "identity" });
    case "sign_up_closed":
      return error(403, "Sign-up is closed");
    case "path_not_found":
      return error(404, "Not found");
    case "token_not_found":
      return error(404, "Token not found");
    case "not_found":
      return error(404, `${fault.what} not found`);
    case "method_not_allowed":
      return error(405, "Method not allowed", { allow: fault.allow.join(", ") });
    case "user_exists":
      return error(409, "User already exists");
    case "last_way_in":
      return error(409, "Nothing else opens this account: choose a password first");
    case "identity_conflict":
      return error(409, "This e-mail has an account that this identity does not open");
    case "body_late":
      return error(408, "The body did not arrive in time");
    case "client_closed":
      return error(499, "Client closed the connection");
    case "body_too_large":
      return error(413, "The body is too large");
    case "media_type_unsupported":
      return error(415, "The body must be JSON: send Content-Type: application/json");
    case "throttled":
      return error(429, "Too many attempts, try again later", {
        "retry-after": String(fault.retryAfterSeconds),
      });
    case "unavailable":
      return error(503, "Service unavailable, try again later", {
        "retry-after": String(fault.retryAfterSeconds),
      });
    case "internal":
    // No route of this surface meets these.
    case "token_wrong_type":
    case "action_unknown":
    case "payload_invalid":
    case "reference_unknown":
    case "action_refused":
    case "idempotency_mismatch":
      return error(500, "Internal server error");
  }
}
