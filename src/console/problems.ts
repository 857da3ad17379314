import { type Problem as ApiProblem, DERIVATION_FAULTS } from "../core/fault.ts";
import { type ByFault, forFault, statusOf } from "../http/refusals.ts";
import type { AnyFault } from "../http/request-fault.ts";
import { problems as words, time } from "./words.ts";

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

/** Rounded up: who comes back then is not sent away again. */
const waitOf = (seconds: number): string =>
  seconds > 90 ? time.minutes(Math.ceil(seconds / 60)) : time.seconds(seconds);

/**
 * Every fault as a message for people, with the status that the API would answer.
 * @param passwordField the input for the user's current password, on forms that ask for it
 */
export function problemOf(fault: AnyFault, passwordField?: string): Problem {
  const told = forFault(MESSAGES, fault, passwordField) ?? [];
  const [first = { field: "", message: words.unfit }, ...others] =
    typeof told === "string" ? [{ field: "", message: told }] : told;
  return { status: statusOf(fault), ...first, others };
}

const at = (field: string, message: string): readonly FieldProblem[] => [{ field, message }];

const ofFields = ({ problems }: { readonly problems: readonly ApiProblem[] }) =>
  problems.map(({ path, message }) => ({ field: path, message: sentence(message, path) }));

/** For the whole form, or for its inputs. */
const MESSAGES: ByFault<string | readonly FieldProblem[], string | undefined> = {
  credentials_wrong: (_, passwordField) =>
    passwordField === undefined
      ? words.wrongLogin
      : at(passwordField, /otp|code/.test(passwordField) ? words.wrongCode : words.wrongPassword),
  otp_required: words.codeRequired,
  otp_wrong: at("otp", words.wrongAppCode),
  second_factor_on: words.secondFactorOn,
  current_password_missing: ({ field }) => at(field, words.currentPassword),
  password_common: at("password", words.passwordCommon),
  password_pwned: at("password", words.passwordPwned),
  user_exists: at("email", words.userExists),
  sign_up_closed: words.signUpClosed,
  identity_conflict: words.identityConflict,
  passkey_unverified: words.passkeyUnverified,
  passkeys_full: words.passkeysFull,
  last_way_in: words.lastWayIn,
  scope_exceeded: ({ scope }) => at("scopes", words.scopeExceeded(scope)),
  derivation_refused: ({ reason }) => `${DERIVATION_FAULTS[reason].message}.`,
  login_not_fresh: words.notFresh,
  not_found: words.gone,
  token_not_found: words.tokenNotFound,
  token_invalid: words.invalid,
  token_wrong_type: words.invalid,
  action_unknown: at("action", words.actionUnknown),
  payload_invalid: ofFields,
  reference_unknown: ({ field }) => at(inputOf(field), words.gone),
  action_refused: ({ message }) => message,
  idempotency_mismatch: at("run_key", words.formUsed),
  operator_required: ({ lacks }) =>
    lacks === "role" ? words.operatorsOnly : words.operatorsFactor,
  throttled: ({ retryAfterSeconds }) => words.throttled(waitOf(retryAfterSeconds)),
  unavailable: words.unconfirmed,
  storage_full: words.storageFull,
  fields_invalid: ofFields,
  // No page exchanges tokens.
  audience_unknown: words.invalid,
  subject_invalid: words.invalid,
  grant_unsupported: words.invalid,
  caller_missing: words.logIn,
  caller_refused: words.logIn,
  credentials_missing: words.logIn,
  credentials_doubled: words.incomplete,
  body_malformed: words.incomplete,
  scope_insufficient: ({ scope }) => words.scopeMissing(scope),
  sent_across_sites: words.crossSite,
  encoding_unsupported: words.encoding,
  path_not_found: words.pageNotFound,
  method_not_allowed: words.notAvailable,
  body_late: words.late,
  client_closed: words.closed,
  body_too_large: words.tooLarge,
  media_type_unsupported: words.encoding,
  internal: words.internal,
};

/** The name of the input for a field of the core. */
const inputOf = (field: string): string =>
  field === "audience" ? "token_audience" : field.replace(/^payload\./, "");

/** API messages that the pages put in other words: of a field, or of any. */
const REPHRASED: readonly (readonly [message: RegExp, text: string, field?: string])[] = [
  [/^is required$|^must not be empty$/, words.emailRequired, "email"],
  [/^is required$|^must not be empty$/, words.passwordRequired, "password"],
  [/^must be (?:an email address|5 to 80 characters)/, words.email],
  [/^must not be all white/, words.passwordBlank],
  [/^must be six digits/, words.codeDigits],
  [/^must be in E\.164 form/, words.phone],
  [/^must be a date as/, words.date],
  [/well-formed text|that are not shown$/, words.characters],
  [
    /^must be (?:a string|a list|one text|an object)$|^the body|^is missing$|^does not fit$/,
    words.incomplete,
  ],
  [/^is required$/, words.required],
];

/** Turns an API message, which follows a field's name, into a sentence. */
function sentence(message: string, field: string): string {
  const other = REPHRASED.find(([api, , of = field]) => of === field && api.test(message));
  if (other !== undefined) return other[1];
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return text.endsWith(".") ? text : `${text}.`;
}
