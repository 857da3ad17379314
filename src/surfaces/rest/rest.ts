import { DERIVATION_FAULTS } from "../../core/fault.ts";
import { refusals } from "../../http/refusals.ts";
import type { Surface } from "../../http/surface.ts";
import { type AccountServices, accountRoutes } from "./accounts.ts";
import { type ApiTokenServices, apiTokenRoutes } from "./api-tokens.ts";

/** Contract `rest-tokens`: Opentact's named API tokens, and the accounts of all surfaces. */
export const restTokens = (services: AccountServices & ApiTokenServices): Surface => ({
  name: "rest-tokens",
  owns: (path) => path === "/rest" || path.startsWith("/rest/") || path.startsWith("/token/"),
  refuse,
  routes: [...accountRoutes(services), ...apiTokenRoutes(services)],
});

/** Every refusal repeats its status in the body. */
const refuse = refusals({
  toBody: (message, status) => ({ success: false, message, status }),
  describe(fault) {
    switch (fault.code) {
      case "fields_invalid":
        return fault.problems.map(({ path, message }) => `${path} ${message}`.trim()).join("; ");
      case "password_common":
        return "password is among the most common ones: choose another";
      case "password_pwned":
        return "password is known to have leaked elsewhere: choose another";
      case "current_password_missing":
        return fault.field === "password"
          ? "password is required"
          : "current_password is required to change the e-mail or the password";
      case "body_malformed":
        return `The body is not ${fault.expected}`;
      case "credentials_doubled":
        return "More than one credential was sent";
      case "caller_missing":
      case "credentials_missing":
        return "Authentication required";
      case "caller_refused":
        return fault.shown === "token" ? "Invalid token" : "Wrong credentials";
      case "credentials_wrong":
        return "Wrong credentials";
      case "token_invalid":
        return "Invalid token";
      case "scope_insufficient":
      case "scope_exceeded":
        return `This token does not have the scope ${fault.scope}`;
      case "derivation_refused":
        return DERIVATION_FAULTS[fault.reason].message;
      case "sent_across_sites":
        return "Sent by a page of another site";
      case "encoding_unsupported":
        return "The content encoding is not supported";
      case "sign_up_closed":
        return "Sign-up is closed";
      case "path_not_found":
        return "Not found";
      case "token_not_found":
        return "Token not found";
      case "not_found":
        return `${fault.what} not found`;
      case "method_not_allowed":
        return "Method not allowed";
      case "user_exists":
        return "User already exists";
      case "last_way_in":
        return "Nothing else opens this account: choose a password first";
      case "identity_conflict":
        return "This e-mail has an account that this identity does not open";
      case "body_late":
        return "The body did not arrive in time";
      case "client_closed":
        return "Client closed the connection";
      case "body_too_large":
        return "The body is too large";
      case "media_type_unsupported":
        return "The body must be JSON: send Content-Type: application/json";
      case "throttled":
        return "Too many attempts, try again later";
      case "unavailable":
        return "Service unavailable, try again later";
      case "internal":
        return "Internal server error";
      default:
        return null;
    }
  },
});
