import type { HonoRequest } from "hono";
import type { EventStore } from "../core/events.ts";
import { DERIVATION_FAULTS, STALE_LOGINS } from "../core/fault.ts";
import { FRESH_SECONDS } from "../core/caller.ts";
import { enforceRateLimit, type RateLimits } from "../core/login-throttle.ts";
import type { Scope } from "../core/scopes.ts";
import type { Json } from "../core/token.ts";
import { type AnyFault, faultOf } from "./request-fault.ts";
import type { HttpResult, RefusalContext } from "./surface.ts";

/** The status of each fault. A surface whose contract has another one names it in its `statuses`. */
const STATUSES: Readonly<
  Record<Exclude<AnyFault["code"], "derivation_refused" | "login_not_fresh">, number>
> = {
  audience_unknown: 400,
  body_malformed: 400,
  credentials_doubled: 400,
  current_password_missing: 400,
  fields_invalid: 400,
  grant_unsupported: 400,
  passkey_unverified: 400,
  otp_wrong: 400,
  password_common: 400,
  password_pwned: 400,
  subject_invalid: 400,
  caller_missing: 401,
  caller_refused: 401,
  credentials_missing: 401,
  credentials_wrong: 401,
  otp_required: 401,
  token_invalid: 401,
  token_wrong_type: 401,
  operator_required: 403,
  scope_exceeded: 403,
  scope_insufficient: 403,
  sent_across_sites: 403,
  sign_up_closed: 403,
  not_found: 404,
  path_not_found: 404,
  token_not_found: 404,
  method_not_allowed: 405,
  body_late: 408,
  identity_conflict: 409,
  last_way_in: 409,
  passkeys_full: 409,
  second_factor_on: 409,
  user_exists: 409,
  body_too_large: 413,
  encoding_unsupported: 415,
  media_type_unsupported: 415,
  action_refused: 422,
  action_unknown: 422,
  idempotency_mismatch: 422,
  payload_invalid: 422,
  reference_unknown: 422,
  throttled: 429,
  client_closed: 499,
  internal: 500,
  unavailable: 503,
  storage_full: 507,
};

type JsonObject = { readonly [name: string]: Json };

/** The kind of credential that was presented; decides what a 401 challenges for. */
type Presented = "nothing" | "token" | "password";

/** One row a fault: a value, or how to get it from the fault and the rest of what decides it. */
export type ByFault<T, Rest> = {
  readonly [C in AnyFault["code"]]:
    | T
    | ((fault: Extract<AnyFault, { readonly code: C }>, rest: Rest) => T);
};

export function forFault<T, Rest>(
  table: Partial<ByFault<T, Rest>>,
  fault: AnyFault,
  rest: Rest,
): T | undefined {
  const row: unknown = table[fault.code];
  return (typeof row === "function" ? row(fault, rest) : row) as T | undefined;
}

/** Texts for `toBody`, or whole bodies. */
type FaultTexts = Partial<ByFault<string | JsonObject, HonoRequest>>;

/** The member by which programs know it: `code` is in no contract, so it stands beside the text. */
export const OTP_CODE = { code: "otp_required" } as const;
export const OTP_REQUIRED =
  "A code of the second factor is required: otp in the body of a log-in, otherwise the header X-OTP";

/** What a surface says of a fault where its contract has no text of its own. */
export const PLAIN_TEXTS = {
  fields_invalid: ({ problems }) =>
    problems.map(({ path, message }) => `${path} ${message}`.trim()).join("; "),
  body_malformed: ({ expected }) => `The body is not ${expected}`,
  scope_insufficient: ({ scope }) => `This token does not have the scope ${scope}`,
  sent_across_sites: "Sent by a page of another site",
  encoding_unsupported: "The content encoding is not supported",
  body_late: "The body did not arrive in time",
  client_closed: "Client closed the connection",
  body_too_large: "The body is too large",
  login_not_fresh: ({ reason }) => STALE_LOGINS[reason].message,
  throttled: "Too many attempts, try again later",
  storage_full: "The service can store nothing new at the moment",
  internal: "Internal server error",
} satisfies FaultTexts;

/** What a surface adds to the table: its texts, and the shape that it puts them in. */
export interface RefusalRules {
  /** A fault without one is met by none of the surface's routes: that is 500. */
  readonly texts: FaultTexts;
  toBody(text: string, status: number, fault: AnyFault): JsonObject;
  readonly statuses?: Readonly<Partial<Record<AnyFault["code"], number>>>;
  /** The value of `WWW-Authenticate`, where it is not `challenges`. */
  challenge?(request: HonoRequest, presented: Presented): string;
  readonly contentType?: string;
}

/** A surface's answer to every fault, from the table above and the surface's own rules. */
export function refusals(rules: RefusalRules) {
  const { texts, toBody, statuses = {}, challenge = challenges, contentType } = rules;
  return (met: AnyFault, { request }: RefusalContext): HttpResult => {
    const fault: AnyFault = met.code in texts ? met : { code: "internal" };
    const text = forFault(texts, fault, request) ?? PLAIN_TEXTS.internal;
    const status = statuses[fault.code] ?? statusOf(fault);
    const headers = {
      ...headersOf(fault),
      ...(status === 401 && {
        "www-authenticate":
          fault.code === "login_not_fresh"
            ? FRESH_CHALLENGE
            : challenge(request, presentedIn(fault)),
      }),
      ...(status === 403 &&
        (fault.code === "scope_insufficient" || fault.code === "scope_exceeded") && {
          "www-authenticate": scopeChallenge(fault.scope),
        }),
      ...(contentType !== undefined && { "content-type": contentType }),
    };
    return { status, body: typeof text === "string" ? toBody(text, status, fault) : text, headers };
  };
}

export function statusOf(fault: AnyFault): number {
  if (fault.code === "derivation_refused") return DERIVATION_FAULTS[fault.reason].status;
  return fault.code === "login_not_fresh"
    ? STALE_LOGINS[fault.reason].status
    : STATUSES[fault.code];
}

/** What the status requires; challenges apart, which pages do not have. */
export function headersOf(fault: AnyFault): Readonly<Record<string, string>> {
  switch (fault.code) {
    case "method_not_allowed":
      return { allow: fault.allow.join(", ") };
    case "encoding_unsupported":
      return { "accept-encoding": "identity" };
    case "throttled":
    case "unavailable":
      return { "retry-after": String(fault.retryAfterSeconds) };
    default:
      return {};
  }
}

function presentedIn(fault: AnyFault): Presented {
  if (fault.code === "caller_refused") return fault.presented;
  if (fault.code === "token_invalid") return "token";
  return fault.code === "credentials_wrong" || fault.code === "otp_required"
    ? "password"
    : "nothing";
}

const REALM = 'realm="latchkey"';
const BASIC = `Basic ${REALM}, charset="UTF-8"`;

/**
 * The value of `WWW-Authenticate` (RFC 7617, RFC 6750 section 3). If nothing was sent, it has
 * both schemes and no `error`, because curl --anyauth looks for each. A browser's script is never
 * offered Basic: the browser would open a password prompt over the page.
 */
export function challenges(request: HonoRequest, presented: Presented): string {
  const bearer =
    presented === "token" ? `Bearer ${REALM}, error="invalid_token"` : `Bearer ${REALM}`;
  const mode = request.header("sec-fetch-mode");
  return mode === undefined || mode === "navigate" ? `${BASIC}, ${bearer}` : bearer;
}

/** A log-in is active, but too old (RFC 9470 section 3). */
const FRESH_CHALLENGE = `Bearer ${REALM}, error="insufficient_user_authentication", max_age="${FRESH_SECONDS}"`;

/** Names the scope that the caller's token lacks. */
function scopeChallenge(scope: Scope): string {
  return `Bearer ${REALM}, error="insufficient_scope", scope="${scope}"`;
}

/** Writes a failed login or a refused credential to the audit log, for every surface. */
export function auditRefusal(fault: AnyFault, refused: EventStore["refused"]): void {
  if (!("attempted" in fault) || fault.attempted === undefined) return;
  const isLogin =
    fault.code === "credentials_wrong" ||
    (fault.code === "caller_refused" && fault.presented === "password");
  refused(isLogin ? "login.failed" : "credential.refused", fault.attempted);
}

/**
 * Credentials that name no user are counted by network, after they were refused: so valid credentials
 * from the same network never meet this limit. Too many are answered 429 and leave no audit event.
 */
export async function throttledJunk(
  fault: AnyFault,
  isMalformed: boolean,
  limits: RateLimits,
): Promise<AnyFault> {
  if (!isJunk(fault, isMalformed)) return fault;
  try {
    await enforceRateLimit(limits, "credential");
    return fault;
  } catch (error) {
    return faultOf(error);
  }
}

function isJunk(fault: AnyFault, isMalformed: boolean): boolean {
  if (fault.code === "action_refused") return fault.reason === "unknown";
  if (!("attempted" in fault) || fault.attempted === undefined || fault.attempted.userId !== null)
    return false;
  const isPassword =
    fault.code === "credentials_wrong" ||
    (fault.code === "caller_refused" && fault.presented === "password");
  // Passwords have their own limit, which applies before they are hashed.
  return isMalformed || !isPassword;
}

/** Which limit it was, beside `Retry-After` (draft-ietf-httpapi-ratelimit-headers). */
export function limitHeaders(fault: AnyFault): Readonly<Record<string, string>> {
  if (fault.code !== "throttled" || fault.policy === undefined) return {};
  const { name, quota, windowSeconds } = fault.policy;
  return {
    ratelimit: `"${name}";r=0;t=${fault.retryAfterSeconds}`,
    "ratelimit-policy": `"${name}";q=${quota};w=${windowSeconds}`,
  };
}
