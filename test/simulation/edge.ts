import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { app } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import type { Passwords } from "../../src/core/ports.ts";
import { wire } from "../../src/wire.ts";
import { noHa1b } from "../support/no-ha1b.ts";
import { type Clock, clock } from "./clock.ts";
import type { Figures } from "./figures.ts";
import { memoryKv } from "./memory-kv.ts";
import type { Simulated } from "./patches.ts";
import { newOrigin, type Origin, type Scheduler, scheduler } from "./scheduler.ts";
import { type SqliteD1, sqliteD1 } from "./sqlite-d1.ts";

export const ORIGIN = "https://latchkey.test";
/** 2026-11-22, any instant would do. */
const START_MS = 1_795_305_600_000;

/** Isolates, each with a memory of its own, and the location whose view of KV it has. */
const LOCATION_OF_ISOLATE = [0, 0, 1, 2] as const;
export const ISOLATES = LOCATION_OF_ISOLATE.length;

/** What one run is set to. */
export interface Setup {
  readonly promiseSeconds: number;
  readonly kvLagSeconds: number;
  readonly rotates: boolean;
  readonly kvLimitsWrites: boolean;
}

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
}

export interface Answered {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly json: unknown;
  readonly text: string;
}

export interface Edge extends Simulated {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly database: SqliteD1;
  /** What the Worker logged, the last lines of it. */
  readonly logged: string[];
  send(isolate: number, sent: Sent, origin: Origin): Promise<Answered>;
  housekeeping(isolate: number, origin: Origin): Promise<unknown>;
}

// One key for every isolate, and symmetric, so that signing needs no thread.
const JWT_KEYS = JSON.stringify({
  keys: [
    { kty: "oct", alg: "HS256", kid: "simulated", k: "c2ltdWxhdG9y".repeat(5), state: "active" },
  ],
});

/** What is simulated is storage, so a password's hash is the password in other clothes. */
const passwords: Passwords = {
  hash: async (password) => `plain:${password}`,
  verify: async (password, phc) => (phc === `plain:${password}` ? "match" : "mismatch"),
  isCommon: () => false,
};

const SCHEMA = String(readFileSync(fileURLToPath(import.meta.resolve("../../schema.sql"))));

// A database takes longer to make than to empty.
let database: SqliteD1 | undefined;

/** The real Worker in several isolates on one simulated KV and one simulated D1. */
export function edge(setup: Setup, figures: Figures): Edge {
  const time = clock(START_MS);
  const logged: string[] = [];
  const nobody = newOrigin(1, 0, []);
  const schedule = scheduler(time, nobody, figures);
  database ??= sqliteD1(SCHEMA);
  database.clear();
  const store = database;
  const kv = memoryKv({
    clock: time,
    locations: new Set(LOCATION_OF_ISOLATE).size,
    lagMs: setup.kvLagSeconds * 1000,
    limitsWrites: setup.kvLimitsWrites,
    random: () => schedule.origin().random,
  });
  const config = readConfig({
    ISSUER: ORIGIN,
    JWT_KEYS,
    REVOCATION_LAG_SECONDS: String(setup.promiseSeconds),
    ROTATE_REFRESH_TOKENS: setup.rotates ? "on" : "off",
    LOG: "errors",
  });
  const isolates = LOCATION_OF_ISOLATE.map((location) => {
    const services = wire(
      {
        // As much of the platform's interfaces as the Worker uses; `bindings/` holds it to them.
        KV: kv.location(location, schedule.through("KV")) as unknown as KVNamespace,
        DB: store.binding(schedule.through("D1")) as unknown as D1Database,
      },
      config,
      { waitUntil: () => undefined, passwords, ha1bHashes: noHa1b },
    );
    return { services, fetch: app(services, config).fetch };
  });
  let addresses = 0;
  const isolateOf = (index: number) => {
    const isolate = isolates[index % ISOLATES];
    if (isolate === undefined) throw new Error("no isolate");
    return isolate;
  };

  return {
    clock: time,
    scheduler: schedule,
    database: store,
    logged,
    random: () => schedule.origin().ids,
    log(line) {
      if (logged.push(line) > 20) logged.shift();
    },
    async send(index, { method, path, headers, json }, origin) {
      figures.requests += 1;
      // Each from a network of its own, and with no tries of others before it: an old password may be
      // shown here more often than one may try it.
      database?.sqlite.exec("DELETE FROM password_tries");
      addresses += 1;
      const address = `10.0.${addresses >> 8}.${addresses & 0xff}`;
      const init: RequestInit = { method, headers: { ...headers, "cf-connecting-ip": address } };
      if (json !== undefined) {
        init.body = JSON.stringify(json);
        init.headers = { ...init.headers, "content-type": "application/json" };
      }
      const request = new Request(ORIGIN + path, init);
      const response = await schedule.within(origin, async () => isolateOf(index).fetch(request));
      const text = await response.text();
      return {
        status: response.status,
        retryAfter: response.headers.get("retry-after"),
        json: text === "" ? undefined : JSON.parse(text),
        text,
      };
    },
    housekeeping: (index, origin) =>
      schedule.within(origin, async () => isolateOf(index).services.housekeeping(time.now())),
  };
}
