import { VerifyError } from "./verify-error.ts";

export interface Fetched<T> {
  readonly value: T;
  readonly freshUntilMs: number;
}

/** Something is fetched again at most so often because a token asks for what it has not got. */
const REFETCH_MS = 30_000;
/** After a failure nobody asks for so long: a service that is down is not hammered. */
const PAUSE_MS = 1_000;
/** While one request fetches, others use the value that has just expired. */
const TIMEOUT_MS = 5_000;

export const timeout = () => AbortSignal.timeout(TIMEOUT_MS);

/**
 * A value that is fetched again when it is no longer fresh. Requests share values and never a promise: in
 * workerd one that was aborted would hang all the others.
 * @param load throws for whatever cannot be had
 */
export function remote<T>(load: () => Promise<Fetched<T>>, now: () => number) {
  let known: Fetched<T> | null = null;
  let askedMs = Number.NEGATIVE_INFINITY;
  let failedMs = Number.NEGATIVE_INFINITY;
  let isAsking = false;

  /** @throws VerifyError `unavailable` */
  return async (mayBeNewer = false): Promise<T> => {
    const nowMs = now();
    if (known !== null) {
      const isFresh = nowMs < known.freshUntilMs;
      // guard: unknown-key-is-looked-for-seldom
      if (isFresh && (!mayBeNewer || nowMs - askedMs < REFETCH_MS)) return known.value;
      if (isAsking && nowMs < known.freshUntilMs + TIMEOUT_MS) return known.value;
    }
    if (nowMs - failedMs < PAUSE_MS) throw new VerifyError("unavailable");
    askedMs = nowMs;
    isAsking = true;
    try {
      known = await load();
      return known.value;
    } catch (cause) {
      failedMs = now();
      if (known !== null && failedMs < known.freshUntilMs) return known.value;
      throw new VerifyError("unavailable", { cause });
    } finally {
      isAsking = false;
    }
  };
}
