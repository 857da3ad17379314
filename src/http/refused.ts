import type { EventStore } from "../core/events.ts";
import { type Fault, FaultError, type Problem } from "../core/fault.ts";
import { enforceRateLimit, type RateLimits } from "../core/login-throttle.ts";
import { type RequestFault, RequestFaultError } from "./request-fault.ts";

/** More is not told of one request. */
export const MAX_PROBLEMS = 20;

/** In characters: of all problems together, and of a text in one that a request may have made long. */
const MAX_TOLD = 4_000;
const MAX_PATH = 100;
const MAX_MESSAGE = 300;

export function faultOf(error: unknown): Fault | RequestFault {
  return error instanceof FaultError || error instanceof RequestFaultError
    ? bounded(error.fault)
    : { code: "internal" };
}

/** What an answer repeats of a request does not grow with it. */
function bounded(fault: Fault | RequestFault): Fault | RequestFault {
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

/** Tells whoever wants to know of a failure to say who one is: in one place for every surface. */
export function auditRefusal(fault: Fault | RequestFault, refused: EventStore["refused"]): void {
  if (!("attempted" in fault) || fault.attempted === undefined) return;
  const isLogin =
    fault.code === "credentials_wrong" ||
    (fault.code === "caller_refused" && fault.shown === "password");
  refused(isLogin ? "login.failed" : "credential.refused", fault.attempted);
}

/**
 * What names nobody is counted by network once it was refused, so that good credentials from the same
 * network are none of its business; too many of them are told so, and written down nowhere.
 */
export async function throttledJunk(
  fault: Fault | RequestFault,
  isMalformed: boolean,
  limits: RateLimits,
): Promise<Fault | RequestFault> {
  if (!isJunk(fault, isMalformed)) return fault;
  try {
    await enforceRateLimit(limits, "credential");
    return fault;
  } catch (error) {
    return faultOf(error);
  }
}

function isJunk(fault: Fault | RequestFault, isMalformed: boolean): boolean {
  if (fault.code === "action_refused") return fault.reason === "unknown";
  if (!("attempted" in fault) || fault.attempted === undefined || fault.attempted.userId !== null)
    return false;
  const isPassword =
    fault.code === "credentials_wrong" ||
    (fault.code === "caller_refused" && fault.shown === "password");
  // Passwords have a limit of their own, before they are hashed.
  return isMalformed || !isPassword;
}

/** Which limit it was, beside `Retry-After` (draft-ietf-httpapi-ratelimit-headers). */
export function limitHeaders(fault: Fault | RequestFault): Readonly<Record<string, string>> {
  if (fault.code !== "throttled" || fault.policy === undefined) return {};
  const { name, quota, windowSeconds } = fault.policy;
  return {
    ratelimit: `"${name}";r=0;t=${fault.retryAfterSeconds}`,
    "ratelimit-policy": `"${name}";q=${quota};w=${windowSeconds}`,
  };
}
