import { DERIVATION_FAULTS } from "../../core/fault.ts";
import { OTP_CODE, OTP_REQUIRED, PLAIN_TEXTS, refusals } from "../../http/refusals.ts";
import type { Surface } from "../../http/surface.ts";
import { adminRoutes, type AdminServices } from "./admin.ts";
import { type AccountServices, accountRoutes } from "./accounts.ts";
import { type LoginServices, loginRoutes } from "./logins.ts";
import { type PasskeyServices, passkeyRoutes } from "./passkeys.ts";
import { type ApiTokenServices, apiTokenRoutes } from "./api-tokens.ts";
import { type EmailLoginServices, emailLoginRoutes } from "./log-in.ts";
import { type SecondFactorServices, secondFactorRoutes } from "./second-factor.ts";

/** Contract `rest-tokens`: Opentact's named API tokens, and the accounts of all surfaces. */
export const restTokens = (
  services: AccountServices &
    ApiTokenServices &
    LoginServices &
    EmailLoginServices &
    PasskeyServices &
    SecondFactorServices &
    AdminServices,
): Surface => ({
  name: "rest-tokens",
  owns: (path) => path === "/rest" || path.startsWith("/rest/") || path.startsWith("/token/"),
  refuse,
  routes: [
    ...accountRoutes(services),
    ...loginRoutes(services),
    ...secondFactorRoutes(services),
    ...passkeyRoutes(services),
    ...emailLoginRoutes(services),
    ...apiTokenRoutes(services),
    ...adminRoutes(services),
  ],
});

const REQUIRED = "Authentication required";
const INVALID = "Invalid token";
const WRONG = "Wrong credentials";

/** Every refusal repeats its status in the body. */
const refuse = refusals({
  toBody: (message, status) => ({ success: false, message, status }),
  texts: {
    ...PLAIN_TEXTS,
    password_common: "password is among the most common ones: choose another",
    password_pwned: "password is known to have leaked elsewhere: choose another",
    current_password_missing: ({ field }) =>
      field === "password"
        ? "password is required"
        : "current_password is required to change the email or the password",
    credentials_doubled: "More than one credential was sent",
    caller_missing: REQUIRED,
    credentials_missing: REQUIRED,
    caller_refused: ({ presented }) => (presented === "token" ? INVALID : WRONG),
    credentials_wrong: WRONG,
    otp_required: { success: false, message: OTP_REQUIRED, status: 401, ...OTP_CODE },
    token_invalid: INVALID,
    audience_unknown: "audience must be one that this service issues tokens for",
    scope_exceeded: ({ scope }) => `This token does not have the scope ${scope}`,
    derivation_refused: ({ reason }) => DERIVATION_FAULTS[reason].message,
    sign_up_closed: "Sign-up is closed",
    path_not_found: "Not found",
    token_not_found: "Token not found",
    not_found: ({ what }) => `${what} not found`,
    method_not_allowed: "Method not allowed",
    idempotency_mismatch: "This Idempotency-Key was used with another request",
    otp_wrong: "otp is not the code of now: check the clock of the device that shows it",
    second_factor_on: "There is a second factor already: remove it first",
    user_exists: "User already exists",
    operator_required: ({ lacks }) =>
      lacks === "role" ? "Only for operators" : "Operators need a second factor: set one up first",
    last_way_in: "Nothing else opens this account: choose a password first",
    identity_conflict: "This email has an account that this identity does not open",
    passkey_unverified: "This passkey could not be verified: ask for new options and try again",
    passkeys_full: "There are too many passkeys: remove one first",
    media_type_unsupported: "The body must be JSON: send Content-Type: application/json",
    unavailable: "Service unavailable, try again later",
  },
});
