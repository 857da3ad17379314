/** A clock that only moves when it is told to, and the timers that hang on it. */
export interface Clock {
  now(): number;
  /** Moves on by so much; what falls due is fired by {@link fireNext}, not here. */
  tick(ms: number): void;
  /** @returns a handle for `cancel` */
  after(ms: number, run: () => void): number;
  cancel(handle: number): void;
  /** Moves to the next timer, at `limitMs` at the latest, and fires it. @returns false for none */
  fireNext(limitMs: number): boolean;
  /** Moves to this instant, if it is ahead. */
  moveTo(ms: number): void;
}

export function clock(startMs: number): Clock {
  let nowMs = startMs;
  let handles = 0;
  const timers = new Map<number, { readonly atMs: number; readonly run: () => void }>();
  return {
    now: () => nowMs,
    tick(ms) {
      nowMs += ms;
    },
    after(ms, run) {
      handles += 1;
      timers.set(handles, { atMs: nowMs + Math.max(0, ms), run });
      return handles;
    },
    cancel: (handle) => void timers.delete(handle),
    fireNext(limitMs) {
      let next: [number, { atMs: number; run: () => void }] | null = null;
      for (const timer of timers) if (next === null || timer[1].atMs < next[1].atMs) next = timer;
      if (next === null || next[1].atMs > limitMs) return false;
      const [handle, { atMs, run }] = next;
      timers.delete(handle);
      nowMs = Math.max(nowMs, atMs);
      run();
      return true;
    },
    moveTo(ms) {
      nowMs = Math.max(nowMs, ms);
    },
  };
}
