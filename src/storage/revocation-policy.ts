/**
 * `REVOCATION_LAG_SECONDS`: what has been revoked is refused everywhere within so many seconds.
 * Which stores a check asks follows from that number here, and nowhere else.
 */
export interface RevocationPolicy {
  /** For how long an isolate may trust its own last yes. */
  readonly cacheTtlMs: number;
  /** Whether KV may say yes. Where it has no copy, or one that seems to have ended, D1 is asked. */
  readonly readsFromKv: boolean;
  /**
   * An access JWT that lives no longer than this needs no question at all: whenever it was ended,
   * it is gone within the promise. Its whole life counts and not what is left of it, or one that
   * was ended long ago would pass again shortly before its end.
   */
  readonly signatureOnlyMaxLifeMs: number;
}

/** What KV itself takes until a write is seen everywhere, as its documentation has it. */
const KV_LAG_SECONDS = 60;

export function revocationPolicy(lagSeconds: number): RevocationPolicy {
  // guard: kv-answers-from-its-own-lag-on
  const readsFromKv = lagSeconds >= KV_LAG_SECONDS;
  return {
    readsFromKv,
    // guard: cache-counts-kvs-own-lag
    cacheTtlMs: (lagSeconds - (readsFromKv ? KV_LAG_SECONDS : 0)) * 1000,
    signatureOnlyMaxLifeMs: lagSeconds * 1000,
  };
}
