import { type AttemptedSubject, type Fault, FaultError, type Problem } from "../core/fault.ts";
import type { Scope } from "../core/scopes.ts";

/** What is wrong with a request before the core is asked: a closed union, like the core's own. */
export type RequestFault =
  | { readonly code: "path_not_found" }
  | {
      readonly code: "method_not_allowed";
      readonly method: string;
      readonly allow: readonly string[];
    }
  /** A write that a browser sent for a page of another site (Fetch Metadata). */
  | { readonly code: "sent_across_sites" }
  | { readonly code: "body_too_large" }
  /** The body did not arrive in time. */
  | { readonly code: "body_late" }
  /** The client closed the connection before its body had arrived. The status is for the log only. */
  | { readonly code: "client_closed" }
  /** The body is compressed, or encoded in another way. */
  | { readonly code: "encoding_unsupported" }
  | { readonly code: "media_type_unsupported"; readonly mediaType: string }
  /** Not JSON, not UTF-8, not a form, or with more in it than is read. */
  | { readonly code: "body_malformed"; readonly expected: ExpectedBody }
  | { readonly code: "fields_invalid"; readonly problems: readonly Problem[] }
  | { readonly code: "credentials_doubled" }
  /** The route needs a caller, and no credential was sent. */
  | { readonly code: "caller_missing" }
  /** The credential that was sent is not valid. Answers never say why. */
  | {
      readonly code: "caller_refused";
      readonly presented: "token" | "password";
      readonly attempted?: AttemptedSubject;
    }
  /** The credential is valid, but lacks the scope of this route (RFC 6750 section 3.1). */
  | { readonly code: "scope_insufficient"; readonly scope: Scope }
  /** A `grant_type` that the token endpoint does not have (RFC 6749 section 5.2). */
  | { readonly code: "grant_unsupported" }
  /** Any other error. It is logged under the request's ID; its text goes nowhere else. */
  | { readonly code: "internal" };

/** All that can go wrong with a request: what the core refuses, and what HTTP refuses before it. */
export type AnyFault = Fault | RequestFault;

/** Follows "The body is not". */
export type ExpectedBody =
  | "valid JSON"
  | `JSON with at most ${number} commas, colons and brackets`
  | "a valid form"
  | `one of at most ${number} fields`;

export class RequestFaultError extends Error {
  override readonly name = "RequestFaultError";
  readonly fault: RequestFault;
  constructor(fault: RequestFault, options?: ErrorOptions) {
    super(fault.code, options);
    this.fault = fault;
  }
}

/** @throws RequestFaultError always */
export function refuseRequest(fault: RequestFault): never {
  throw new RequestFaultError(fault);
}

/** An answer lists at most this many problems of a request. */
export const MAX_PROBLEMS = 20;

/** In characters: for all problems together, and for each text that repeats part of the request. */
const MAX_TOLD = 4_000;
const MAX_PATH = 100;
const MAX_MESSAGE = 300;

export function faultOf(error: unknown): AnyFault {
  return error instanceof FaultError || error instanceof RequestFaultError
    ? bounded(error.fault)
    : { code: "internal" };
}

/** Keeps answers small: what they repeat of a request does not grow with the request. */
function bounded(fault: AnyFault): AnyFault {
  if ("mediaType" in fault) return { ...fault, mediaType: fault.mediaType.slice(0, MAX_PATH) };
  if (!("problems" in fault)) return fault;
  const problems: Problem[] = [];
  let told = 0;
  for (const { path, message } of fault.problems.slice(0, MAX_PROBLEMS)) {
    const problem = { path: path.slice(0, MAX_PATH), message: message.slice(0, MAX_MESSAGE) };
    if (told < MAX_TOLD) problems.push(problem);
    told += JSON.stringify(problem).length;
  }
  return { ...fault, problems };
}
