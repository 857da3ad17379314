import type { Passwords } from "../../src/core/passwords.ts";
import type { Bindings } from "../../src/services.ts";
import { CHEAP } from "../support/service.ts";
import { type StorageCall, intercept } from "../support/stores.ts";
import { createWaves } from "./waves.ts";

/** What requests cost, as it is paid for. */
export interface Cost {
  get: number;
  put: number;
  delete: number;
  /** At D1's primary. */
  query: number;
  /** At D1's nearest replica. */
  near: number;
  read: number;
  written: number;
  hash: number;
}

const NOTHING: Cost = {
  get: 0,
  put: 0,
  delete: 0,
  query: 0,
  near: 0,
  read: 0,
  written: 0,
  hash: 0,
};

/** The real bindings and a password hash, all of whose work is counted. */
export function meter(): {
  readonly bindings: Bindings;
  readonly passwords: Passwords;
  /** @returns what was spent since it was last read */
  read(): Cost;
  /** @returns how many round trips, one after another, there were since the last `read`: an answer waits for so many */
  trips: ReturnType<typeof createWaves>["count"];
} {
  let cost: Cost = { ...NOTHING };
  const waves = createWaves();
  const hashed = <T>(work: Promise<T>): Promise<T> => {
    cost.hash++;
    return work;
  };
  return {
    bindings: intercept(async (call, run) => {
      cost[operationOf(call)]++;
      const result = await waves.through(run, call.store === "D1" && !call.isReplica);
      for (const { rows_read, rows_written } of metaOf(result)) {
        cost.read += rows_read;
        cost.written += rows_written;
      }
      return result;
    }),
    passwords: {
      ...CHEAP,
      hash: (password) => hashed(CHEAP.hash(password)),
      verify: (password, phc) => hashed(CHEAP.verify(password, phc)),
    },
    read() {
      const spent = cost;
      cost = { ...NOTHING };
      waves.begin();
      return spent;
    },
    trips: waves.count,
  };
}

function operationOf({
  store,
  operation,
  isReplica,
}: StorageCall): "get" | "put" | "delete" | "query" | "near" {
  if (store === "D1") return isReplica ? "near" : "query";
  if (operation === "get" || operation === "put" || operation === "delete") return operation;
  throw new Error(`KV ${operation} has no place in the budget`);
}

/** `3 get, 1 put; 2 queries, 4 read, 1 written; 1 hash` in short: `3g 1p · 2q 4r 1w · 1h`. */
export function short(cost: Cost): string {
  const part = (...units: readonly (readonly [number, string])[]) =>
    units
      .filter(([count]) => count > 0)
      .map(([count, unit]) => `${count}${unit}`)
      .join(" ");
  const { query, read, written } = cost;
  const kv = part([cost.get, "g"], [cost.put, "p"], [cost.delete, "d"]);
  const d1 = query === 0 ? "" : `${query}q ${read}r ${written}w`;
  return [kv, d1, part([cost.hash, "h"])].filter((each) => each !== "").join(" · ") || "-";
}

interface Meta {
  readonly rows_read: number;
  readonly rows_written: number;
}

function metaOf(result: unknown): Meta[] {
  if (Array.isArray(result)) return result.flatMap(metaOf);
  if (typeof result !== "object" || result === null || !("meta" in result)) return [];
  const { rows_read, rows_written } = Object(result.meta);
  return [{ rows_read: Number(rows_read), rows_written: Number(rows_written) }];
}
