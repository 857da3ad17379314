import { refuse } from "./fault.ts";

/** Of the database's limit, from which share on operators are warned; at `full` only what log-ins need is still stored. */
const LEVELS = { full: 0.95, nearly_full: 0.8, filling: 0.6 } as const;
export type RoomLevel = keyof typeof LEVELS;

/** The highest level that has been reached; null below all. */
export function roomLevel(bytes: number, limitBytes: number): RoomLevel | null {
  const levels: readonly RoomLevel[] = ["full", "nearly_full", "filling"];
  return levels.find((each) => bytes >= LEVELS[each] * limitBytes) ?? null;
}

/** How much is left in the database, as the answers to other statements have told. */
export interface Room {
  /** In bytes; null where no statement has told yet. */
  used(): number | null;
  readonly limitBytes: number;
  /** False where nothing has told it lately: then the next statement does. */
  isFull(): boolean;
}

/**
 * Asked before anything is stored that no one needs to log in: so what is left stays for log-ins, refreshes,
 * revocations and new passwords.
 * @throws FaultError `storage_full`
 */
export function requireRoom(room: Pick<Room, "isFull">): void {
  // guard: full-database-takes-nothing-new
  if (room.isFull()) refuse({ code: "storage_full" });
}
