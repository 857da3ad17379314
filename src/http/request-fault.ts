import type { AttemptedSubject, Problem } from "../core/fault.ts";
import type { Scope } from "../core/token.ts";

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
  /** The client went away before its body had arrived. Nobody reads the answer; the log does. */
  | { readonly code: "client_closed" }
  /** The body is compressed, or otherwise coded. */
  | { readonly code: "encoding_unsupported" }
  | { readonly code: "media_type_unsupported"; readonly mediaType: string }
  /** Not JSON, not UTF-8, not a form, or with more in it than is read. */
  | { readonly code: "body_malformed"; readonly expected: ExpectedBody }
  | { readonly code: "fields_invalid"; readonly problems: readonly Problem[] }
  | { readonly code: "credentials_doubled" }
  /** Somebody must be logged in here, and nothing was sent. */
  | { readonly code: "caller_missing" }
  /** What was sent logs nobody in; never says why. */
  | {
      readonly code: "caller_refused";
      readonly shown: "token" | "password";
      readonly attempted?: AttemptedSubject;
    }
  /** Who asks is known, and the credential that was sent may not do this (RFC 6750 section 3.1). */
  | { readonly code: "scope_insufficient"; readonly scope: Scope }
  /** Anything unforeseen. It was logged under the request's id; its text goes nowhere else. */
  | { readonly code: "internal" };

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
