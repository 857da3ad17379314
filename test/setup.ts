import { env } from "cloudflare:workers";
import { afterAll, afterEach, beforeEach, expect, inject, vi } from "vitest";
import { backgroundDone } from "./support/background.ts";
import { rules } from "./support/guard.ts";
import "./support/quick-hashes.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The statements of schema.sql, read in Node: workerd sees no files. */
    schema: string[];
  }
}

// Files share a workerd, and each begins with empty stores. `reset()` of cloudflare:test leaves rows behind at times.
const { results } = await env.DB.prepare(
  "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'",
).all();
await env.DB.batch([
  env.DB.prepare("PRAGMA defer_foreign_keys = on"),
  ...results.map(({ name }) => env.DB.prepare(`DROP TABLE ${name}`)),
]);
// Of its own: both together may be more statements than D1 takes in one.
await env.DB.batch(inject("schema").map((statement) => env.DB.prepare(statement)));
const listed = async () => (await env.KV.list({ limit: 500 })).keys;
for (let keys = await listed(); keys.length > 0; keys = await listed()) {
  rules.secondPasses();
  rules.begin();
  await Promise.all(keys.map(({ name }) => env.KV.delete(name)));
}
rules.secondPasses();

beforeEach(() => rules.begin());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  expect(rules.broken, "rules of production that were broken").toEqual([]);
});
// What a file leaves running would write into the stores of the next.
afterAll(backgroundDone);
