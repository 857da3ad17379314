import { env } from "cloudflare:workers";
import { app } from "../../../src/app.ts";
import { readConfig } from "../../../src/config.ts";
import { platform } from "../../../src/latchkey.ts";
import { servicesOver } from "../../../src/services.ts";
import { intercept } from "../../support/stores.ts";
import type { Spent } from "../spent.ts";

/** As many isolates as one location may have, each with caches of its own. */
const ISOLATES = 10;

/** What is measured is storage: a password's hash is the password. */
const passwords = {
  hash: async (password: string) => `plain:${password}`,
  verify: async (password: string, phc: string) =>
    phc === `plain:${password}` ? ("match" as const) : ("mismatch" as const),
  isCommon: () => false,
};

const nothing = (): Spent => ({
  queries: 0,
  near: 0,
  rowsRead: 0,
  rowsWritten: 0,
  sqlMs: 0,
  kvReads: 0,
  kvWrites: 0,
  sizeBytes: 0,
});

/** The service over the real bindings, all of whose calls are counted. */
function counted() {
  let spent = nothing();
  function add(result: unknown): void {
    if (Array.isArray(result)) for (const each of result) add(each);
    const meta = Object(Object(result).meta);
    spent.rowsRead += Number(meta.rows_read ?? 0);
    spent.rowsWritten += Number(meta.rows_written ?? 0);
    spent.sqlMs += Number(meta.duration ?? 0);
    spent.sizeBytes = Number(meta.size_after ?? spent.sizeBytes);
  }
  const bindings = intercept(async ({ store, operation, isReplica }, run) => {
    if (store === "KV") spent[operation === "get" ? "kvReads" : "kvWrites"] += 1;
    else spent[isReplica ? "near" : "queries"] += 1;
    const result = await run();
    if (store === "D1") add(result);
    return result;
  });
  const config = readConfig({ ...env });
  const make = () => {
    const services = servicesOver(bindings, config, { ...platform, passwords });
    return { services, fetch: app(services, config).fetch };
  };
  return {
    make,
    read() {
      const before = spent;
      spent = nothing();
      return before;
    },
  };
}

const visits = counted();
const isolates = Array.from({ length: ISOLATES }, visits.make);
const keeping = counted();
const { services } = keeping.make();

export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/measured")
      return Response.json({ visits: visits.read(), housekeeping: keeping.read() });
    if (pathname === "/housekeeping")
      return Response.json(await services.housekeeping(Number(searchParams.get("at"))));
    // Each request to another one, as a user's back end may be anywhere.
    const isolate = isolates[Math.floor(Math.random() * ISOLATES)];
    return isolate === undefined ? Response.error() : isolate.fetch(request);
  },
} satisfies ExportedHandler;
