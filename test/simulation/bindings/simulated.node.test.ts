import { beforeEach, describe, expect, it } from "vitest";
import { clock } from "../clock.ts";
import { memoryKv } from "../memory-kv.ts";
import { random } from "../random.ts";
import { sqliteD1 } from "../sqlite-d1.ts";
import { type Kv, outcome } from "./case.ts";
import { D1_CASES, D1_TABLES } from "./d1-cases.ts";
import { KV_CASES } from "./kv-cases.ts";

// Kept the same as in real.test.ts: the two differ in their bindings alone.
const check = (found: unknown, gives: unknown) =>
  gives instanceof RegExp ? expect(String(found)).toMatch(gives) : expect(found).toEqual(gives);

const atOnce = async <T>(_: string, work: () => T) => work();

describe("D1 as the simulator has it", () => {
  const { sqlite, binding } = sqliteD1("");
  const db = binding(atOnce);
  beforeEach(() => {
    for (const sql of D1_TABLES) sqlite.exec(sql);
  });
  it.each(D1_CASES)("$name", async (each) => {
    const found = await outcome(each, db);
    expect(found instanceof Error).toBe(each.gives instanceof RegExp);
    check(found, each.gives);
  });
});

describe("KV as the simulator has it, where nothing lags", () => {
  const numbers = random(1);
  const kv = memoryKv({
    clock: clock(0),
    locations: 1,
    lagMs: 0,
    limitsWrites: false,
    random: () => numbers,
  });
  const here: Kv = kv.location(0, atOnce);
  it.each(KV_CASES)("$name", async (each) => {
    const found = await outcome(each, here);
    expect(found instanceof Error).toBe(each.gives instanceof RegExp);
    check(found, each.gives);
  });
});
