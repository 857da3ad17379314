import { FaultError } from "../core/fault.ts";
import type { RevocationPolicy } from "./revocation-policy.ts";

/** Work whose failure is logged and hurts nobody: D1 has the truth, this is a copy or a courtesy. */
export interface Background {
  /** Before the answer goes out. */
  bestEffort(what: string, work: Promise<unknown>): Promise<void>;
  /** After the answer has gone out. */
  afterResponse(what: string, work: Promise<unknown>): void;
  /**
   * What KV is to hold: before the answer where KV is read, else after it. It is written at every
   * revocation lag, so that a later raise of the lag finds it.
   */
  copy(what: string, work: Promise<unknown>): Promise<void>;
}

export type WaitUntil = (work: Promise<unknown>) => void;

/** @param requestId of the request that the work is for; empty where there is none */
export function background(
  waitUntil: WaitUntil,
  requestId: () => string,
  { readsFromKv }: Pick<RevocationPolicy, "readsFromKv">,
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
