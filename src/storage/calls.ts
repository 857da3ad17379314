import pRetry, { AbortError } from "p-retry";
import { FaultError } from "../core/fault.ts";

const RETRY_AFTER_SECONDS = 5;

/** KV takes one write a second for each key; the next attempt comes a second later, with random spread. */
const RETRY = { retries: 5, minTimeout: 250, maxTimeout: 1_000, randomize: true } as const;

/**
 * One call to a store, bounded in time.
 * @throws FaultError `unavailable` if it fails or is late; a late one may still take effect.
 */
export type Deadline = <T>(store: StoreOperation, call: () => Promise<T>) => Promise<T>;

export type StoreOperation = keyof Calls | "rate limiter" | "R2";

/** How often each was called. */
interface Calls {
  "KV get": number;
  "KV put": number;
  "KV delete": number;
  D1: number;
}

/** The store calls of one request, and how long it waited; concurrent calls are added up. */
export interface StoreUsage extends Calls {
  kvMs: number;
  d1Ms: number;
}

/**
 * D1 is known to stall for half a minute; no request waits that long.
 * @param usage where the request being served counts its calls; null where there is none
 */
export function createDeadline(
  deadlineMs: number,
  usage: () => StoreUsage | null = () => null,
): Deadline {
  return async (store, call) => {
    const spent = usage();
    const begunMs = Date.now();
    let hasTimedOut = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`${store} did not answer in ${deadlineMs} ms`)),
        deadlineMs,
      );
    });
    try {
      const counted = () => {
        if (hasTimedOut) throw new AbortError("too late to try again");
        if (spent !== null && store !== "rate limiter" && store !== "R2") spent[store]++;
        return call();
      };
      const answer = store.startsWith("KV") ? retryingTooManyRequests(counted) : counted();
      return await Promise.race([answer, late]);
    } catch (cause) {
      throw new FaultError(
        { code: "unavailable", retryAfterSeconds: RETRY_AFTER_SECONDS },
        { cause },
      );
    } finally {
      hasTimedOut = true;
      clearTimeout(timer);
      if (spent !== null && store === "D1") spent.d1Ms += Date.now() - begunMs;
      if (spent !== null && store.startsWith("KV")) spent.kvMs += Date.now() - begunMs;
    }
  };
}

/** The first call is made without p-retry, which costs more than the call and is rarely needed. */
async function retryingTooManyRequests<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (busy) {
    if (!isTooManyRequests(busy)) throw busy;
    const retry = (attempt: number) => (attempt === 1 ? Promise.reject(busy) : call());
    return pRetry(retry, { ...RETRY, shouldRetry: ({ error }) => isTooManyRequests(error) });
  }
}

/** KV has no error codes: the binding's message carries the status, as in "KV PUT failed: 429 Too Many Requests". */
function isTooManyRequests(error: unknown): boolean {
  return error instanceof Error && /\b429\b/.test(error.message);
}

/** Work that may fail: D1 has the truth, this is a copy or a courtesy. A failure is only logged. */
export interface Background {
  /** Before the answer goes out. */
  bestEffort(what: string, work: Promise<unknown>): Promise<void>;
  /** After the answer has gone out. */
  afterResponse(what: string, work: Promise<unknown>): void;
}

export type WaitUntil = (work: Promise<unknown>) => void;

/** @param requestId of the request that the work is for; empty where there is none */
export function createBackground(waitUntil: WaitUntil, requestId: () => string): Background {
  async function attempt(what: string, work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      const cause = error instanceof FaultError ? error.cause : error;
      console.warn(
        JSON.stringify({
          level: "warn",
          request_id: requestId(),
          failed: what,
          cause: String(cause),
        }),
      );
    }
  }
  return {
    bestEffort: attempt,
    afterResponse: (what, work) => waitUntil(attempt(what, work)),
  };
}
