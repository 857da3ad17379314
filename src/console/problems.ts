import { DERIVATION_FAULTS, type Fault } from "../core/fault.ts";
import type { RequestFault } from "../http/request-fault.ts";

export interface FieldProblem {
  /** The name of the input; empty for the whole form. */
  readonly field: string;
  readonly message: string;
}

/** A fault as a page shows it: next to an input, or above the form. */
export interface Problem extends FieldProblem {
  readonly status: number;
  /** Errors of further inputs. */
  readonly others?: readonly FieldProblem[];
  readonly retryAfterSeconds?: number;
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
export function problemOf(fault: Fault | RequestFault, passwordField?: string): Problem {
  const problem = (status: number, message: string, field = ""): Problem => ({
    status,
    field,
    message,
  });
  const ofFields = (status: number, problems: readonly { path: string; message: string }[]) => {
    const [first = { field: "", message: sentence("does not fit") }, ...others] = problems.map(
      ({ path, message }) => ({ field: path, message: sentence(message) }),
    );
    return { status, ...first, others };
  };
  switch (fault.code) {
    case "credentials_wrong":
      return passwordField === undefined
        ? problem(401, "The e-mail or the password is wrong.")
        : problem(401, "The password is wrong.", passwordField);
    case "current_password_missing":
      return problem(400, "Enter your current password.", fault.field);
    case "password_common":
      return problem(
        400,
        "This password is among the most common ones. Choose another.",
        "password",
      );
    case "password_pwned":
      return problem(400, "This password has leaked elsewhere. Choose another.", "password");
    case "user_exists":
      return problem(409, "There is an account with this e-mail already.", "email");
    case "sign_up_closed":
      return problem(403, "This service takes no new accounts.");
    case "identity_conflict":
      return problem(409, "This e-mail has an account that this identity does not open.");
    case "last_way_in":
      return problem(409, "Nothing else opens this account. Choose a password first.");
    case "scope_exceeded":
      return problem(403, `You cannot give the scope ${fault.scope}.`, "scopes");
    case "derivation_refused": {
      const { status, message } = DERIVATION_FAULTS[fault.reason];
      return problem(status, `${message}.`);
    }
    case "not_found":
      return problem(404, "This is not there any more.");
    case "token_not_found":
      return problem(404, "There is no such token among yours. It may have ended already.");
    case "token_invalid":
    case "token_wrong_type":
      return problem(401, "This is no longer valid.");
    case "action_unknown":
      return problem(422, "There is no such action.", "action");
    case "payload_invalid":
      return ofFields(422, fault.problems);
    case "reference_unknown":
      return problem(422, "This does not exist any more.", inputOf(fault.field));
    case "action_refused":
      return problem(422, fault.message);
    case "idempotency_mismatch":
      return problem(422, "This form was sent before, with something else in it.", "run_key");
    case "throttled":
      return {
        ...problem(429, `Too many tries. Try again in ${waitOf(fault.retryAfterSeconds)}.`),
        retryAfterSeconds: fault.retryAfterSeconds,
      };
    case "unavailable":
      return {
        ...problem(
          503,
          "We couldn't confirm the change. It may have happened: reload before you try again.",
        ),
        retryAfterSeconds: fault.retryAfterSeconds,
      };
    case "fields_invalid":
      return ofFields(400, fault.problems);
    case "caller_missing":
    case "caller_refused":
    case "credentials_missing":
      return problem(401, "Log in first.");
    case "credentials_doubled":
    case "body_malformed":
      return problem(400, "The form did not arrive whole. Send it again.");
    case "scope_insufficient":
      return problem(403, `This needs the scope ${fault.scope}.`);
    case "sent_across_sites":
      return problem(403, "This form was sent from a page of another site, so nothing was done.");
    case "encoding_unsupported":
      return problem(415, "The form came in a coding that is not understood.");
    case "path_not_found":
      return problem(404, "There is no such page.");
    case "method_not_allowed":
      return problem(405, "Not available.");
    case "body_late":
      return problem(408, "The form did not arrive in time. Send it again.");
    case "client_closed":
      return problem(499, "The connection was closed before the form had arrived.");
    case "body_too_large":
      return problem(413, "The form is too large.");
    case "media_type_unsupported":
      return problem(415, "The form came in a form that is not understood.");
    case "internal":
      return problem(500, "Something went wrong here. It has been written down.");
  }
}

export function retryAfter({ retryAfterSeconds }: Problem): Readonly<Record<string, string>> {
  return retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
}

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
