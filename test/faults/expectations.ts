import type { Answered } from "../support/client.ts";
import type { StorageCall } from "../support/stores.ts";
import type { Outcome, Reference } from "./cell.ts";
import { type FaultKind, isWrite } from "./injections.ts";
import type { Case } from "./requests.ts";
import { difference, isAlike, isSame, judge, madeUp, remarks, type Verdict } from "./state.ts";

/** 503 in the shape of the surface that owns the path. */
export const UNAVAILABLE: Readonly<Record<string, unknown>> = {
  "jwt-pair": { detail: "Service temporarily unavailable, try again later." },
  "action-tokens": { message: "Service Unavailable" },
  "session-tokens": { error: "storage is not available, try again later" },
  oauth: {
    error: "temporarily_unavailable",
    error_description: "Storage is not available, try again later",
  },
  service: { type: "about:blank", title: "Service Unavailable", status: 503 },
  "rest-tokens": { success: false, message: "Service unavailable, try again later", status: 503 },
};

/** Only copies, what KV has taken by then, and the notes of a token's use, a right password, its device, a refused credential: a failure of theirs fails no request. */
const COURTESY =
  /^KV (put (token|user):|delete )|^D1 UPDATE tokens\.used_at( \+ INSERT events)?$|^D1 DELETE login_attempts \+ UPDATE login_attempts$|^D1 INSERT events$|^D1 (INSERT events \+ )?(INSERT notices \+ )?INSERT devices \+ DELETE devices$|^D1 SELECT tokens\.user_id$|^D1 DELETE pending_revocations$/;
/** By then D1 has committed, and only the mark in KV is missing; below 60 the answer does not wait for it. */
const SETTLING = /^KV put revoked:/;

/** Done after the answer, so that the answer says nothing of an account. */
const UNSEEN = /^D1 INSERT mails \+ INSERT (tokens|email_logins) \+ INSERT events$/;

/** A code is counted before it is compared, which is no change that anyone asked for. */
const TRY = /^D1 UPDATE email_logins \+ UPDATE mails/;

const STALE = /^answers stale/;

export interface Cell {
  readonly case: Case;
  readonly surface: string;
  readonly lag: number;
  readonly call: StorageCall;
  readonly fault: FaultKind;
  readonly refused: boolean;
}

/** One row of the printed table. */
export interface Row {
  readonly request: string;
  readonly lag: number;
  readonly call: string;
  readonly fault: string;
  readonly answer: string;
  readonly state: string;
  readonly retry: string;
}

export function rowOf(cell: Cell, number: number, outcome: Outcome, to: Reference): Row {
  const verdict = judge(outcome.state, to.before, to.after);
  const reached = verdict === "before" ? to.before : to.after;
  const also = remarks(outcome.state, reached);
  return {
    request: `${cell.case.routeKey} (${cell.case.as})`,
    lag: cell.lag,
    call: `${number} ${cell.call.label}`,
    fault: cell.fault.name,
    answer: String(outcome.answer?.status ?? "none"),
    state: also === "" ? verdict : `${verdict}, ${also}`,
    retry: String(outcome.retry.status),
  };
}

/** @returns what is wrong with a cell; nothing if it is as it must be */
export function flawsOf(cell: Cell, outcome: Outcome, to: Reference): string[] {
  const verdict = judge(outcome.state, to.before, to.after);
  return [
    ...flawsOfAnswer(cell, outcome.answer),
    ...flawsOfState(cell, verdict, outcome, to),
    ...flawsOfRetry(cell, verdict, outcome, to),
  ];
}

function flawsOfAnswer(cell: Cell, answer: Answered | null): string[] {
  if (answer === null) return ["no answer"];
  const allowed = allowedStatuses(cell);
  if (!allowed.includes(answer.status)) {
    return [`answered ${answer.status}, not ${allowed.join(" or ")}: ${answer.text}`];
  }
  if (answer.status !== 503) return [];
  const shape = JSON.stringify(UNAVAILABLE[cell.surface]);
  return [
    JSON.stringify({ ...Object(answer.json), request_id: undefined }) !== shape &&
      `503 in another shape: ${answer.text}`,
    !/^[1-9]\d*$/.test(answer.headers.get("retry-after") ?? "") && "503 without Retry-After",
  ].filter((flaw) => flaw !== false);
}

function allowedStatuses({ case: { status }, fault, call, ...cell }: Cell): number[] {
  if (UNSEEN.test(call.label)) return [status];
  if (!isHarmless({ fault, call, lag: cell.lag })) return [503];
  return isWithinPromise(fault, cell) ? [status, 200] : [status];
}

/** Where KV may answer, it may not know yet what was ended: that is what the revocation lag allows. */
function isWithinPromise(fault: FaultKind, { lag, refused }: Pick<Cell, "lag" | "refused">) {
  return refused && lag >= 60 && STALE.test(fault.name);
}

function isHarmless({ fault, call, lag }: Pick<Cell, "fault" | "call" | "lag">): boolean {
  if (lag < 60 && SETTLING.test(call.label)) return true;
  return COURTESY.test(call.label) || STALE.test(fault.name) || fault.name === "answers 429 once";
}

function flawsOfState({ call, fault, lag }: Cell, verdict: Verdict, now: Outcome, to: Reference) {
  if (verdict === "unchanged") return [];
  const done =
    isHarmless({ fault, call, lag }) ||
    SETTLING.test(call.label) ||
    (fault.commits === true && isWrite(call) && call.store === "D1" && !TRY.test(call.label));
  const wanted = done ? "after" : "before";
  if (verdict === wanted) return [];
  const reached = done ? to.after : to.before;
  const copies = madeUp(now.state, to.before, to.after).map((copy) => `copy ${copy}`);
  return [`state ${verdict}, not ${wanted}`, ...difference(now.state, reached), ...copies];
}

function flawsOfRetry(cell: Cell, verdict: Verdict, { retry, end }: Outcome, to: Reference) {
  const { status, again, orAgain = again } = cell.case;
  const hadEffect = verdict === "after";
  const wanted = hadEffect ? [again, orAgain] : [status];
  if (isWithinPromise(cell.fault, cell)) wanted.push(200);
  const flaws: string[] = [];
  if (!wanted.includes(retry.status)) {
    flaws.push(`retry answered ${retry.status}, not ${wanted.join(" or ")}: ${retry.text}`);
  }
  // What comes late may come on top of the retry: as if it had been asked twice.
  const comesOnTop = cell.fault.late === "after the retry";
  const endsRight = comesOnTop
    ? isAlike(end, to.after) || isAlike(end, to.afterAgain)
    : isSame(end, hadEffect ? to.afterAgain : to.after);
  if (!endsRight) flaws.push("ends wrong", ...difference(end, to.after));
  if (end.owed.length > 0) flaws.push(`still owed: ${end.owed.join()}`);
  return flaws;
}
