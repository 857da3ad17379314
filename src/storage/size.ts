import { type Room, roomLevel } from "../core/room.ts";

/** An isolate that is refused everything else must notice that there is room again. */
const KNOWN_MS = 60_000;

/** The database's size, which D1 tells with every answer: no statement is run to learn it. */
export interface DatabaseSize extends Room {
  note(meta: Pick<D1Meta, "size_after">): void;
}

export function databaseSize(limitBytes: number): DatabaseSize {
  let bytes: number | null = null;
  let atMs = 0;
  return {
    limitBytes,
    note(meta) {
      bytes = meta.size_after;
      atMs = Date.now();
    },
    used: () => bytes,
    isFull: () =>
      bytes !== null &&
      Math.abs(Date.now() - atMs) < KNOWN_MS &&
      roomLevel(bytes, limitBytes) === "full",
  };
}
