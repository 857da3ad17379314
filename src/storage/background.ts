import { FaultError } from "../core/fault.ts";

/** Work that may fail: D1 has the truth, this is a copy or a courtesy. A failure is only logged. */
export interface Background {
  /** Before the answer goes out. */
  bestEffort(what: string, work: Promise<unknown>): Promise<void>;
  /** After the answer has gone out. */
  afterResponse(what: string, work: Promise<unknown>): void;
  /**
   * A copy for KV: before the answer where KV is read, otherwise after it. It is written at every
   * revocation lag, so that it is there when the lag is raised.
   */
  copy(what: string, work: Promise<unknown>): Promise<void>;
}

export type WaitUntil = (work: Promise<unknown>) => void;

/** @param requestId of the request that the work is for; empty where there is none */
export function createBackground(
  waitUntil: WaitUntil,
  requestId: () => string,
  { readsFromKv }: { readonly readsFromKv: boolean },
): Background {
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
  const afterResponse = (what: string, work: Promise<unknown>) => waitUntil(attempt(what, work));
  return {
    bestEffort: attempt,
    afterResponse,
    copy: async (what, work) => (readsFromKv ? attempt(what, work) : afterResponse(what, work)),
  };
}
