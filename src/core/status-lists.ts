import { enforceRateLimit, type RateLimits } from "./login-throttle.ts";

/** How many log-ins one list has: 4 KiB before compression, however many are revoked. */
export const STATUS_LIST_SIZE = 32_768;

/** Where the status of the log-in with this index is. */
export function statusRefOf(statusIndex: number): { readonly list: number; readonly idx: number } {
  return {
    list: Math.floor(statusIndex / STATUS_LIST_SIZE),
    idx: statusIndex % STATUS_LIST_SIZE,
  };
}

export interface StatusListStore {
  /** @returns the indexes from `from` up to `to` whose log-in was revoked, or null where none is allocated yet */
  revoked(from: number, to: number, nowMs: number): Promise<readonly number[] | null>;
}

export interface SignedStatusList {
  readonly jwt: string;
  /** The same for two JWTs that say the same, by the same key, and expire at nearly the same time. */
  readonly version: string;
}

export interface StatusListSigner {
  /** @param bits one for each log-in, set where it was revoked */
  signStatusList(
    list: number,
    bits: Uint8Array<ArrayBuffer>,
    nowMs: number,
  ): Promise<SignedStatusList>;
}

export type StatusLists = ReturnType<typeof statusLists>;

interface Deps {
  readonly store: StatusListStore;
  readonly signer: StatusListSigner;
  readonly limits: RateLimits;
}

/**
 * Token Status Lists (draft-ietf-oauth-status-list): a remote verifier learns of revoked log-ins
 * without asking about each token. Each log-in has one bit; when a list is full, the next one begins.
 */
export function statusLists({ store, signer, limits }: Deps) {
  return {
    /**
     * @returns the signed list, or null where no log-in has such an index yet
     * @throws FaultError `throttled`, `unavailable`
     */
    async read(list: number, nowMs: number): Promise<SignedStatusList | null> {
      await enforceRateLimit(limits, "status_list");
      const from = list * STATUS_LIST_SIZE;
      const revoked = await store.revoked(from, from + STATUS_LIST_SIZE, nowMs);
      if (revoked === null) return null;
      const bits = new Uint8Array(STATUS_LIST_SIZE / 8);
      for (const statusIndex of revoked) {
        const idx = statusIndex - from;
        // The lowest bit of the first byte is index 0 (section 4.1).
        bits[idx >> 3] = (bits[idx >> 3] ?? 0) | (1 << (idx & 7));
      }
      return signer.signStatusList(list, bits, nowMs);
    },
  };
}
