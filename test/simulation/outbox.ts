import type { DatabaseSync } from "node:sqlite";
import type { Fact } from "./credential.ts";

/**
 * When KV was told of what was revoked. A tombstone that D1 has yet to hand over is a row; once all
 * rows are gone that were there when a request was answered, KV has taken that request's.
 */
export interface Outbox {
  /** Of a request that is answered now. */
  watch(nowMs: number): Fact;
  /** To be called when rows may have been deleted. */
  look(nowMs: number): void;
}

export function outbox(sqlite: DatabaseSync): Outbox {
  const pending = sqlite.prepare("SELECT key FROM pending_revocations");
  const keysNow = () => new Set(pending.all().map(({ key }) => String(key)));
  let watched: { readonly keys: Set<string>; toldMs: number }[] = [];
  return {
    watch(nowMs) {
      const keys = keysNow();
      const own = {
        keys,
        endMs: nowMs,
        toldMs: keys.size === 0 ? nowMs : Number.POSITIVE_INFINITY,
      };
      if (keys.size > 0) watched.push(own);
      return own;
    },
    look(nowMs) {
      if (watched.length === 0) return;
      const now = keysNow();
      for (const each of watched) {
        for (const key of each.keys) if (!now.has(key)) each.keys.delete(key);
        if (each.keys.size === 0) each.toldMs = nowMs;
      }
      watched = watched.filter(({ keys }) => keys.size > 0);
    },
  };
}
