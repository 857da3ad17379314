import { type Problem as ApiProblem, DERIVATION_FAULTS } from "../core/fault.ts";
import { type ByFault, forFault, statusOf } from "../http/refusals.ts";
import type { AnyFault } from "../http/request-fault.ts";

export interface FieldProblem {
  /** The name of the input; empty for the whole form. */
  readonly field: string;
  readonly message: string;
}

/** A fault as a page shows it: next to an input, or above the form. */
export interface Problem extends FieldProblem {
  readonly status: number;
  /** Errors of further inputs. */
  readonly others: readonly FieldProblem[];
}

/** The wait in minutes or seconds, rounded up. */
function waitOf(seconds: number): string {
  const [count, unit] = seconds > 90 ? [Math.ceil(seconds / 60), "minute"] : [seconds, "second"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

/**
 * Every fault as a message for people, with the status that the API would answer.
 * @param passwordField the input for the user's current password, on forms that ask for it
 */
export function problemOf(fault: AnyFault, passwordField?: string): Problem {
  const told = forFault(MESSAGES, fault, passwordField) ?? [];
  const [first = { field: "", message: sentence("does not fit") }, ...others] =
    typeof told === "string" ? [{ field: "", message: told }] : told;
  return { status: statusOf(fault), ...first, others };
}

const at = (field: string, message: string): readonly FieldProblem[] => [{ field, message }];

const ofFields = ({ problems }: { readonly problems: readonly ApiProblem[] }) =>
  problems.map(({ path, message }) => ({ field: path, message: sentence(message) }));

export const WRONG_CODE = "This code is wrong, or it was used before.";
const LOG_IN = "Log in first.";
const INVALID = "This is no longer valid.";
const INCOMPLETE = "The form did not arrive whole. Send it again.";

/** For the whole form, or for its inputs. */
const MESSAGES: ByFault<string | readonly FieldProblem[], string | undefined> = {
  credentials_wrong: (_, passwordField) =>
    passwordField === undefined
      ? "The email or the password is wrong."
      : at(passwordField, passwordField === "otp" ? WRONG_CODE : "The password is wrong."),
  otp_required: "This account needs a code of its second factor too.",
  otp_wrong: at(
    "otp",
    "This is not the code that the app shows now. Check the clock of its device.",
  ),
  second_factor_on: "There is a second factor already. Remove it first.",
  current_password_missing: ({ field }) => at(field, "Enter your current password."),
  password_common: at("password", "This password is among the most common ones. Choose another."),
  password_pwned: at("password", "This password has leaked elsewhere. Choose another."),
  user_exists: at("email", "There is an account with this email already."),
  sign_up_closed: "This service takes no new accounts.",
  identity_conflict: "This email has an account that this identity does not open.",
  passkey_unverified: "The passkey could not be verified. Try again.",
  passkeys_full: "You have as many passkeys as you can. Remove one first.",
  last_way_in: "Nothing else opens this account. Choose a password first.",
  scope_exceeded: ({ scope }) => at("scopes", `You cannot give the scope ${scope}.`),
  derivation_refused: ({ reason }) => `${DERIVATION_FAULTS[reason].message}.`,
  login_not_fresh: "Your log-in is more than ten minutes old. Log in again, then try again.",
  not_found: "This is not there any more.",
  token_not_found: "There is no such token among yours. It may have ended already.",
  token_invalid: INVALID,
  token_wrong_type: INVALID,
  action_unknown: at("action", "There is no such action."),
  payload_invalid: ofFields,
  reference_unknown: ({ field }) => at(inputOf(field), "This does not exist any more."),
  action_refused: ({ message }) => message,
  idempotency_mismatch: at("run_key", "This form was sent before, with something else in it."),
  operator_required: ({ lacks }) =>
    lacks === "role"
      ? "This is for operators."
      : "Operators need a second factor. Set one up first.",
  throttled: ({ retryAfterSeconds }) =>
    `Too many tries. Try again in ${waitOf(retryAfterSeconds)}.`,
  unavailable: "We couldn't confirm the change. It may have happened: reload before you try again.",
  fields_invalid: ofFields,
  // No page exchanges tokens.
  audience_unknown: INVALID,
  subject_invalid: INVALID,
  grant_unsupported: INVALID,
  caller_missing: LOG_IN,
  caller_refused: LOG_IN,
  credentials_missing: LOG_IN,
  credentials_doubled: INCOMPLETE,
  body_malformed: INCOMPLETE,
  scope_insufficient: ({ scope }) => `This needs the scope ${scope}.`,
  sent_across_sites: "This form was sent from a page of another site, so nothing was done.",
  encoding_unsupported: "The form came in a coding that is not understood.",
  path_not_found: "There is no such page.",
  method_not_allowed: "Not available.",
  body_late: "The form did not arrive in time. Send it again.",
  client_closed: "The connection was closed before the form had arrived.",
  body_too_large: "The form is too large.",
  media_type_unsupported: "The form came in a form that is not understood.",
  internal: "Something went wrong here. It has been written down.",
};

/** The name of the input for a field of the core. */
const inputOf = (field: string): string =>
  field === "audience" ? "token_audience" : field.replace(/^payload\./, "");

/** API messages that the pages put in other words. */
const REPHRASED: readonly (readonly [RegExp, string])[] = [
  [/^must be in E\.164 form/, "Include the country code, like +15551234567."],
  [/^must be a date as/, "Enter a date that is in the calendar."],
  [/well-formed text/, "It contains characters that cannot be used."],
  [
    /^must be (?:a string|a list|one text|an object)$|^the body|^is missing$|^does not fit$/,
    "The form was incomplete. Reload the page and try again.",
  ],
];

/** Turns an API message, which follows a field's name, into a sentence. */
function sentence(message: string): string {
  const other = REPHRASED.find(([api]) => api.test(message));
  if (other !== undefined) return other[1];
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return text.endsWith(".") ? text : `${text}.`;
}
