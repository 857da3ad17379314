import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, inject } from "vitest";
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
await env.DB.batch(inject("schema").map((statement) => env.DB.prepare(statement)));

beforeEach(() => rules.begin());
afterEach(() => expect(rules.broken, "rules of production that were broken").toEqual([]));
