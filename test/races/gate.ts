/** Numbers in [0, 1), the same from the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

export interface Gate {
  /** Waits in this lot until every racer has come to it, or has left. */
  wait(racer: number, lot: number): Promise<void>;
  /** The racer has its answer and will come to no further lot. */
  leave(racer: number): void;
}

/**
 * Lets nobody go on before all have come this far, and then all in an order of chance. Each racer
 * comes to a lot once: who has waited in it passes.
 */
export function gate(racers: number, lots: number, random: () => number): Gate {
  const held = Array.from({ length: lots }, () => ({
    came: new Set<number>(),
    waiting: [] as (() => void)[],
  }));

  function come(racer: number, lot: (typeof held)[number]): void {
    lot.came.add(racer);
    if (lot.came.size < racers) return;
    for (const go of shuffled(lot.waiting.splice(0), random)) go();
  }

  return {
    wait(racer, index) {
      const lot = held[index];
      if (lot === undefined || lot.came.has(racer)) return Promise.resolve();
      return new Promise((resolve) => {
        lot.waiting.push(resolve);
        come(racer, lot);
      });
    },
    leave(racer) {
      for (const lot of held) if (!lot.came.has(racer)) come(racer, lot);
    },
  };
}
