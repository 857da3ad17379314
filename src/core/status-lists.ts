import { enforceRateLimit, type RateLimits } from "./login-throttle.ts";
import type { SignedStatusList, StatusListSigner, StatusListStore } from "./ports.ts";

/** How many logins one list holds: 4 KiB before compression, whatever is ended. */
export const STATUS_LIST_SIZE = 32_768;

/** Where the status of the login with this index stands. */
export function statusRefOf(statusIndex: number): { readonly list: number; readonly idx: number } {
  return {
    list: Math.floor(statusIndex / STATUS_LIST_SIZE),
    idx: statusIndex % STATUS_LIST_SIZE,
  };
}

export type StatusLists = ReturnType<typeof statusLists>;

interface Deps {
  readonly store: StatusListStore;
  readonly signer: StatusListSigner;
  readonly limits: RateLimits;
}

/**
 * Token Status Lists (draft-ietf-oauth-status-list): a verifier far away learns of ended logins
 * without asking for each token. Each login has one bit; when a list is full the next one begins.
 */
export function statusLists({ store, signer, limits }: Deps) {
  return {
    /**
     * @returns the signed list, or null where no login has got that far
     * @throws FaultError `throttled`, `unavailable`
     */
    async read(list: number, nowMs: number): Promise<SignedStatusList | null> {
      await enforceRateLimit(limits, "status_list");
      const from = list * STATUS_LIST_SIZE;
      const ended = await store.ended(from, from + STATUS_LIST_SIZE, nowMs);
      if (ended === null) return null;
      const bits = new Uint8Array(STATUS_LIST_SIZE / 8);
      for (const statusIndex of ended) {
        const idx = statusIndex - from;
        // The lowest bit of the first byte is index 0 (section 4.1).
        bits[idx >> 3] = (bits[idx >> 3] ?? 0) | (1 << (idx & 7));
      }
      return signer.signStatusList(list, bits, nowMs);
    },
  };
}
