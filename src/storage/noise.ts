/** How long what a network does is gathered before it is written again. */
export const NOISE_MS = 600_000;

const MAX_NETWORKS = 1_000;
/** Written by one isolate in that time, however many networks there are. */
const MAX_WRITTEN = 100;

interface Gathered<T> {
  /** The first of them, which stands for all. */
  readonly what: T;
  readonly untilMs: number;
  count: number;
}

export interface Noise<T> {
  /** Counts one. @returns what is to be written now, each with how many there were */
  add(network: string, what: T, nowMs: number): readonly (readonly [T, count: number])[];
}

/**
 * What anybody can cause without end is counted in memory, and written at most once per network in ten
 * minutes: the first at once, with it what came since the last time. What an isolate still holds when it ends is lost.
 */
export function noise<T>(): Noise<T> {
  // A Map keeps the order in which things were put in: the first is the one whose time is over first.
  const networks = new Map<string, Gathered<T>>();
  let written = 0;
  let writtenSinceMs = 0;

  /** @returns false where this isolate has written enough for now */
  function mayWrite(nowMs: number): boolean {
    if (nowMs - writtenSinceMs >= NOISE_MS) {
      writtenSinceMs = nowMs;
      written = 0;
    }
    return ++written <= MAX_WRITTEN;
  }

  function* over(nowMs: number) {
    for (const [network, { what, untilMs, count }] of networks) {
      if (nowMs < untilMs) return;
      networks.delete(network);
      if (count > 0 && mayWrite(nowMs)) yield [what, count] as const;
    }
  }

  return {
    add(network, what, nowMs) {
      const present = networks.get(network);
      if (present !== undefined) present.count++;
      const due = [...over(nowMs)];
      if (networks.has(network)) return due;
      const isNew = present === undefined && mayWrite(nowMs);
      networks.set(network, { what, untilMs: nowMs + NOISE_MS, count: 0 });
      const [oldest] = networks.size > MAX_NETWORKS ? networks.keys() : [];
      if (oldest !== undefined) networks.delete(oldest);
      return isNew ? [...due, [what, 1] as const] : due;
    },
  };
}
