import pRetry from "p-retry";
import { FaultError } from "../core/fault.ts";

const RETRY_AFTER_SECONDS = 5;

/** KV takes one write a second for a key; the next try comes a second later, spread by chance. */
const RETRY = { retries: 5, minTimeout: 250, maxTimeout: 1_000, randomize: true } as const;

/**
 * One call to a store, bounded in time.
 * @throws FaultError `unavailable` where it fails or is late. Late, it may still happen afterwards.
 */
export type Deadline = <T>(
  store: "KV" | "D1" | "rate limiter",
  call: () => Promise<T>,
) => Promise<T>;

/** D1 is known to stall for half a minute: nobody is made to wait for that. */
export function deadline(deadlineMs: number): Deadline {
  return async (store, call) => {
    const giveUp = new AbortController();
    let timer: ReturnType<typeof setTimeout> | null = null;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`${store} did not answer in ${deadlineMs} ms`)),
        deadlineMs,
      );
    });
    try {
      const answer = store === "KV" ? retryingTooManyRequests(call, giveUp.signal) : call();
      return await Promise.race([answer, late]);
    } catch (cause) {
      throw new FaultError(
        { code: "unavailable", retryAfterSeconds: RETRY_AFTER_SECONDS },
        { cause },
      );
    } finally {
      clearTimeout(timer);
      giveUp.abort();
    }
  };
}

function retryingTooManyRequests<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  return pRetry(call, {
    ...RETRY,
    signal,
    shouldRetry: ({ error }) => isTooManyRequests(error),
  });
}

/** KV has no error codes: the binding's message carries the status, as in "KV PUT failed: 429 Too Many Requests". */
function isTooManyRequests(error: unknown): boolean {
  return error instanceof Error && /\b429\b/.test(error.message);
}
