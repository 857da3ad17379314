/** Numbers that follow from a seed alone. */
export interface Random {
  /** From 0 to under 1. */
  next(): number;
  /** A whole number from 0 to under `below`. */
  int(below: number): number;
  chance(probability: number): boolean;
}

/** mulberry32: small, quick, and even enough to pick between tasks. */
export function random(seed: number): Random {
  let state = seed | 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    int: (below) => Math.floor(next() * below),
    chance: (probability) => next() < probability,
  };
}
