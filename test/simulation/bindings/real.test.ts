import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { type D1, outcome } from "./case.ts";
import { D1_CASES, D1_TABLES } from "./d1-cases.ts";
import { KV_CASES } from "./kv-cases.ts";

// Kept the same as in simulated.node.test.ts: the two differ in their bindings alone.
const check = (found: unknown, gives: unknown) =>
  gives instanceof RegExp ? expect(String(found)).toMatch(gives) : expect(found).toEqual(gives);

/** The binding without the tests' guard around it, which would answer before the runtime does. */
function unguarded<T extends object>(binding: T): T {
  const own: object = Object.getPrototypeOf(binding);
  return new Proxy(binding, {
    get(target, name) {
      const value: unknown = Reflect.get(own, name);
      return typeof value === "function" ? value.bind(target) : Reflect.get(target, name);
    },
  });
}

const DB = unguarded(env.DB);
const KV = unguarded(env.KV);

describe("D1 as workerd has it", () => {
  beforeEach(async () => void (await DB.batch(D1_TABLES.map((sql) => DB.prepare(sql)))));
  it.each(D1_CASES)("$name", async (each) => {
    const found = await outcome<D1>(each, DB);
    expect(found instanceof Error).toBe(each.gives instanceof RegExp);
    check(found, each.gives);
  });
});

describe("KV as workerd has it", () => {
  it.each(KV_CASES)("$name", async (each) => {
    const found = await outcome(each, KV);
    expect(found instanceof Error).toBe(each.gives instanceof RegExp);
    check(found, each.gives);
  });
});
