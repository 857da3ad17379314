import type { JwtKey, JwtKeySet } from "../../crypto/keys.ts";
import { droppableFromMs, inWords } from "./changes.ts";

const HEAD = ["kid", "alg", "state", "since", "may be dropped"];

/** The keys as a table, with nothing that is secret. */
export function listing({ keys }: JwtKeySet, nowMs: number): string[] {
  const rows = [
    HEAD,
    ...keys.map((key) => [key.kid, key.alg, key.state, since(key), whenToDrop(key, nowMs)]),
  ];
  const widths = HEAD.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function since({ state, created_at, activated_at, retired_at }: JwtKey): string {
  const at = { standby: created_at, active: activated_at ?? created_at, retiring: retired_at }[
    state
  ];
  return at === undefined ? "unknown" : inWords(Date.parse(at));
}

function whenToDrop(key: JwtKey, nowMs: number): string {
  if (key.state === "active") return "no: it signs";
  const fromMs = droppableFromMs(key);
  if (fromMs === null) return "unknown";
  return fromMs < nowMs ? "now" : `from ${inWords(fromMs)}`;
}
