import { reset } from "cloudflare:test";
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

// Files share a workerd, and each begins with an empty database.
await reset();
rules.secondPasses();
await env.DB.batch(inject("schema").map((statement) => env.DB.prepare(statement)));

beforeEach(() => rules.begin());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  expect(rules.broken, "rules of production that were broken").toEqual([]);
});
// What a file leaves running would write into the stores of the next.
afterAll(backgroundDone);
