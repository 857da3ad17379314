import type { Kv } from "./bindings/case.ts";
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";
import type { Through } from "./sqlite-d1.ts";

export interface KvRules {
  readonly clock: Clock;
  readonly locations: number;
  /** The longest that any location may go on seeing what was before a write. */
  readonly lagMs: number;
  /** Whether a second write to a key within a second is refused with 429. */
  readonly limitsWrites: boolean;
  random(): Random;
}

interface Write {
  /** null: deleted. */
  readonly value: string | null;
  readonly expiresAtMs: number;
  /** From when each location sees it. */
  readonly visibleAtMs: readonly number[];
}

interface Cached {
  readonly value: string | null;
  readonly untilMs: number;
}

const MIN_TTL_SECONDS = 60;
const MAX_KEY_BYTES = 512;
const MAX_BULK_KEYS = 100;

export interface MemoryKv {
  /** KV as it is seen from one location, each call by way of `through`. */
  location(index: number, through: Through): Kv;
}

/**
 * One KV seen from several locations. A write reaches each location in its own time, a location
 * keeps what it read, a miss too, and the last write wins. Both delays together stay within `lagMs`.
 */
export function memoryKv({ clock, locations, lagMs, limitsWrites, random }: KvRules): MemoryKv {
  const writes = new Map<string, Write[]>();
  const lastWriteMs = new Map<string, number>();
  const caches = Array.from({ length: locations }, () => new Map<string, Cached>());
  const halfMs = lagMs / 2;

  /** Nothing and the most there is are the delays that find bugs. */
  function delay(): number {
    const chance = random().next();
    return chance < 0.3 ? 0 : chance < 0.7 ? halfMs : Math.floor(random().next() * halfMs);
  }

  function read(location: number, key: string): string | null {
    const now = clock.now();
    const cache = caches[location];
    const cached = cache?.get(key);
    if (cached !== undefined && now < cached.untilMs) return cached.value;
    const seen = writes.get(key)?.findLast((write) => (write.visibleAtMs[location] ?? 0) <= now);
    const value = seen === undefined || seen.expiresAtMs <= now ? null : seen.value;
    if (halfMs > 0) cache?.set(key, { value, untilMs: now + delay() });
    return value;
  }

  function write(location: number, key: string, value: string | null, ttlSeconds: number): void {
    const now = clock.now();
    if (limitsWrites && now - (lastWriteMs.get(key) ?? Number.NEGATIVE_INFINITY) < 1_000) {
      throw new Error("KV PUT failed: 429 Too Many Requests");
    }
    lastWriteMs.set(key, now);
    // "Usually" seen at once where it was made.
    const atOnce = random().chance(0.8);
    if (atOnce) caches[location]?.delete(key);
    const visibleAtMs = Array.from(
      { length: locations },
      (_, other) => now + (other === location && atOnce ? 0 : delay()),
    );
    const earlier = (writes.get(key) ?? []).slice(-8);
    writes.set(key, [...earlier, { value, expiresAtMs: now + ttlSeconds * 1000, visibleAtMs }]);
  }

  function get(through: Through, location: number, key: string): Promise<string | null>;
  function get(
    through: Through,
    location: number,
    keys: string[],
  ): Promise<Map<string, string | null>>;
  async function get(through: Through, location: number, key: string | string[]): Promise<unknown> {
    const keys = typeof key === "string" ? [key] : key;
    if (keys.length > MAX_BULK_KEYS) {
      throw new Error(`KV GET_BULK failed: 400 You can request at most ${MAX_BULK_KEYS} keys`);
    }
    for (const each of keys) checkKey(each, "GET");
    return typeof key === "string"
      ? through("GET", () => read(location, key))
      : through("GET", () => new Map(keys.map((each) => [each, read(location, each)])));
  }

  return {
    location: (index, through) => ({
      get: get.bind(null, through, index) as Kv["get"],
      async put(key, value, { expirationTtl = Number.POSITIVE_INFINITY } = {}) {
        checkKey(key, "PUT");
        if (!(expirationTtl >= MIN_TTL_SECONDS)) {
          throw new Error(
            `KV PUT failed: 400 Invalid expiration_ttl of ${expirationTtl}. Expiration TTL must be at least ${MIN_TTL_SECONDS}.`,
          );
        }
        await through("PUT", () => write(index, key, value, expirationTtl));
      },
      async delete(key) {
        checkKey(key, "DELETE");
        await through("DELETE", () => write(index, key, null, Number.POSITIVE_INFINITY));
      },
    }),
  };
}

function checkKey(key: string, verb: string): void {
  if (key === "") throw new TypeError("Key name cannot be empty.");
  if (key === "." || key === "..") throw new TypeError(`"${key}" is not allowed as a key name.`);
  const bytes = new TextEncoder().encode(key).length;
  if (bytes > MAX_KEY_BYTES) {
    throw new Error(
      `KV ${verb} failed: 414 UTF-8 encoded length of ${bytes} exceeds key length limit of ${MAX_KEY_BYTES}.`,
    );
  }
}
