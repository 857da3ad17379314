/** Entries an isolate keeps at the most: it has 128 MB in all. */
const MAX_ENTRIES = 10_000;

/** What this isolate was last told, for as long as the promise lets it be trusted. */
export interface Cache<T> {
  get(id: string, nowMs: number): T | null;
  set(id: string, value: T, nowMs: number): void;
  delete(id: string): void;
  clear(): void;
}

export function cache<T>(trustMs: number): Cache<T> {
  // A Map keeps the order in which things were put in: the first is the one that is out of date first.
  const entries = new Map<string, { value: T; untilMs: number }>();
  return {
    get(id, nowMs) {
      const entry = entries.get(id);
      // guard: cache-forgets
      return entry !== undefined && nowMs < entry.untilMs ? entry.value : null;
    },
    set(id, value, nowMs) {
      if (trustMs <= 0) return;
      entries.delete(id);
      entries.set(id, { value, untilMs: nowMs + trustMs });
      const [oldest] = entries.size > MAX_ENTRIES ? entries.keys() : [];
      if (oldest !== undefined) entries.delete(oldest);
    },
    delete: (id) => void entries.delete(id),
    clear: () => entries.clear(),
  };
}
