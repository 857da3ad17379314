import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { app } from "../../src/app.ts";
import { type Config, readConfig } from "../../src/config.ts";
import type { Caller } from "../../src/core/caller.ts";
import { FaultError } from "../../src/core/fault.ts";
import type { Passwords } from "../../src/core/passwords.ts";
import { type Services, servicesOver } from "../../src/services.ts";
import { type Clock, clock } from "./clock.ts";
import type { Version } from "./credential.ts";
import { count, type Figures } from "./figures.ts";
import { memoryKv } from "./memory-kv.ts";
import { type Outbox, outbox } from "./outbox.ts";
import type { Simulated } from "./patches.ts";
import { COMMITTED, type Receiver, receiver } from "./receiver.ts";
import { replicasOf } from "./replicas.ts";
import { newOrigin, type Origin, type Scheduler, scheduler } from "./scheduler.ts";
import { type SqliteD1, sqliteD1, type Through } from "./sqlite-d1.ts";

/** The settings leave HA1B off. */
export const ha1bHashes = () => {
  throw new Error("HA1B is off here");
};

export const ORIGIN = "https://latchkey.test";
/** 2026-11-22, any instant would do. */
export const START_MS = 1_795_305_600_000;

/** Isolates, each with a memory of its own, and the location whose view of KV it has. */
const LOCATION_OF_ISOLATE = [0, 0, 1, 2] as const;
export const ISOLATES = LOCATION_OF_ISOLATE.length;

/** What one run is set to. */
export interface Setup {
  /** REVOCATION_LAG_SECONDS of the first version, and of the one that operators deploy. */
  readonly lags: readonly [number, number];
  /** READ_REPLICAS of both. */
  readonly replicas: readonly [boolean, boolean];
  readonly kvLagSeconds: number;
  readonly rotates: boolean;
  readonly kvLimitsWrites: boolean;
  /** Whether there is a receiver of events. */
  readonly hasReceiver: boolean;
  readonly sendsMail: boolean;
}

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
}

/** What no contract of JSON has: a page for people calls the service itself. */
export interface Called {
  readonly credential: Parameters<Services["authenticate"]>[0];
  readonly call: (services: Services, caller: Caller, nowMs: number) => Promise<unknown>;
}

/** A page that nobody is logged in to. */
export interface Opened {
  readonly open: (services: Services, nowMs: number) => Promise<unknown>;
}

/** An email, as its receiver gets it. */
export interface Mail {
  readonly type: string;
  readonly to: string;
  readonly token: string;
  /** Of a log-in by email. */
  readonly code: string;
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
  readonly outbox: Outbox;
  /** Whom every event reaches; null where the deployment has no receiver. */
  readonly receiver: Receiver | null;
  versionOf(isolate: number): Version;
  versions(): readonly Version[];
  skewMsOf(isolate: number): number;
  /** A new version takes the isolate's place. What the old one has begun, it finishes. */
  deploy(isolate: number, which: 0 | 1): void;
  setSkew(isolate: number, skewMs: number): void;
  send(isolate: number, sent: Sent | Called | Opened, origin: Origin): Promise<Answered>;
  housekeeping(isolate: number, origin: Origin): Promise<unknown>;
}

// One key for every isolate, and symmetric, so that signing needs no thread.
export const JWT_KEYS = JSON.stringify({
  keys: [
    { kty: "oct", alg: "HS256", kid: "simulated", k: "c2ltdWxhdG9y".repeat(5), state: "active" },
  ],
});

/** What is simulated is storage, so a password's hash is the password in other clothes. */
export const passwords: Passwords = {
  hash: async (password) => `plain:${password}`,
  verify: async (password, phc) => (phc === `plain:${password}` ? "match" : "mismatch"),
  isCommon: () => false,
};

export const SCHEMA = String(readFileSync(fileURLToPath(import.meta.resolve("../../schema.sql"))));

// A database takes longer to make than to empty.
let database: SqliteD1 | undefined;

/** The real Worker in several isolates on one simulated KV and one simulated D1. */
export function edge(
  setup: Setup,
  figures: Figures,
  violate: (error: unknown) => void,
  mailed: (by: Origin, mail: Mail) => void,
): Edge {
  const time = clock(START_MS);
  const logged: string[] = [];
  const nobody = newOrigin(1, 0, []);
  const schedule = scheduler(time, nobody, figures);
  database ??= sqliteD1(SCHEMA + COMMITTED);
  database.clear();
  const store = database;
  const kv = memoryKv({
    clock: time,
    locations: new Set(LOCATION_OF_ISOLATE).size,
    lagMs: setup.kvLagSeconds * 1000,
    limitsWrites: setup.kvLimitsWrites,
    random: () => schedule.origin().random,
  });
  const pending = outbox(store.sqlite);
  const events = setup.hasReceiver
    ? receiver(store.sqlite, time, () => schedule.origin().random, figures, violate)
    : null;
  store.setClock(time.now);
  const replicas = setup.replicas.includes(true)
    ? replicasOf(store.sqlite, SCHEMA, time, figures)
    : null;
  const throughD1 = schedule.through("D1");
  const watched =
    ({ failed }: Version): Through =>
    (what, work) => {
      const { met } = schedule.origin();
      const answer = throughD1(what, () => {
        try {
          return work();
        } catch (error) {
          failed.atMs = time.now();
          throw error;
        } finally {
          if (what.includes("DELETE")) pending.look(time.now());
          replicas?.commit();
        }
      });
      if (schedule.origin().met > met) failed.atMs = time.now();
      return answer;
    };
  const start = (location: number, which: 0 | 1): Isolate => {
    const lagSeconds = setup.lags[which];
    const readsReplicas = setup.replicas[which];
    const config = configOf(lagSeconds, setup, readsReplicas);
    const failed = { atMs: Number.NEGATIVE_INFINITY };
    const version = { lagSeconds, readsReplicas, startedMs: time.now(), failed };
    const nearest = () => replicas?.nearest(schedule.origin().random) ?? store.sqlite;
    const services = servicesOver(
      {
        // As much of the platform's interfaces as the Worker uses; `bindings/` holds it to them.
        KV: kv.location(location, schedule.through("KV")) as unknown as KVNamespace,
        DB: store.binding(watched(version), nearest) as unknown as D1Database,
      },
      config,
      { waitUntil: () => undefined, passwords, ha1bHashes },
      events === null ? {} : { on: events.on },
    );
    return { location, services, fetch: app(services, config).fetch, version, skewMs: 0 };
  };
  const isolates = LOCATION_OF_ISOLATE.map((location) => start(location, 0));
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
    nowMs: () => time.now() + schedule.origin().skewMs,
    random: () => schedule.origin().ids,
    log(line) {
      if (logged.push(line) > 20) logged.shift();
    },
    mail(body) {
      const by = schedule.origin();
      if (by.random.int(16) === 0) {
        count(figures.faults, "mail refused");
        return false;
      }
      const { type, data } = Object(body);
      mailed(by, { type, ...data });
      return true;
    },
    outbox: pending,
    receiver: events,
    versionOf: (index) => isolateOf(index).version,
    versions: () => isolates.map(({ version }) => version),
    skewMsOf: (index) => isolateOf(index).skewMs,
    deploy(index, which) {
      const { location, skewMs } = isolateOf(index);
      isolates[index % ISOLATES] = { ...start(location, which), skewMs };
    },
    setSkew(index, skewMs) {
      isolates[index % ISOLATES] = { ...isolateOf(index), skewMs };
    },
    async send(index, sent, origin) {
      figures.requests += 1;
      // Each from a network of its own, and with no tries of others before it: an old password may be
      // shown here more often than one may try it.
      database?.sqlite.exec("DELETE FROM login_attempts");
      // Nor has an address had its emails.
      database?.sqlite.exec("UPDATE mails SET sent_at = 0, noticed_at = 0, sent = '[]'");
      addresses += 1;
      const address = `10.0.${addresses >> 8}.${addresses & 0xff}`;
      const isolate = isolateOf(index);
      if ("call" in sent || "open" in sent)
        return schedule.within(origin, () => called(isolate.services, sent));
      const { method, path, headers, json } = sent;
      const init: RequestInit = { method, headers: { ...headers, "cf-connecting-ip": address } };
      if (json !== undefined) {
        init.body = JSON.stringify(json);
        init.headers = { ...init.headers, "content-type": "application/json" };
      }
      const request = new Request(ORIGIN + path, init);
      const response = await schedule.within(origin, async () => isolate.fetch(request));
      const text = await response.text();
      return {
        status: response.status,
        retryAfter: response.headers.get("retry-after"),
        json: text === "" ? undefined : JSON.parse(text),
        text,
      };
    },
    housekeeping: (index, origin) =>
      schedule.within(origin, async () => isolateOf(index).services.housekeeping(Date.now())),
  };
}

interface Isolate {
  readonly location: number;
  readonly services: Services;
  readonly fetch: (request: Request) => Response | Promise<Response>;
  readonly version: Version;
  readonly skewMs: number;
}

const configs = new Map<string, Config>();

/** Read once: each scenario deploys some dozens. */
function configOf(
  lagSeconds: number,
  { rotates, sendsMail }: Setup,
  readsReplicas: boolean,
): Config {
  const name = `${lagSeconds} ${rotates} ${readsReplicas} ${sendsMail}`;
  const config =
    configs.get(name) ??
    readConfig({
      ISSUER: ORIGIN,
      JWT_KEYS,
      ENCRYPTION_KEYS: btoa("x".repeat(32)),
      REVOCATION_LAG_SECONDS: String(lagSeconds),
      READ_REPLICAS: readsReplicas ? "on" : "off",
      ROTATE_REFRESH_TOKENS: rotates ? "on" : "off",
      ...(sendsMail && {
        MAIL_WEBHOOK_URL: "https://mail.test/",
        MAIL_WEBHOOK_SECRET: `whsec_${btoa("m".repeat(32))}`,
      }),
      LOG: "errors",
      EVENT_DAYS: "3650",
    });
  configs.set(name, config);
  return config;
}

const STATUS_OF: Readonly<Record<string, number>> = {
  credentials_wrong: 401,
  otp_required: 401,
  token_invalid: 401,
  token_not_found: 404,
  unavailable: 503,
};

async function called(services: Services, sent: Called | Opened): Promise<Answered> {
  try {
    const json =
      "open" in sent
        ? await sent.open(services, Date.now())
        : await sent.call(
            services,
            await services.authenticate(sent.credential, Date.now()),
            Date.now(),
          );
    return { status: 200, retryAfter: null, json, text: JSON.stringify(json) ?? "" };
  } catch (error) {
    const status = error instanceof FaultError ? STATUS_OF[error.fault.code] : undefined;
    if (status === undefined) throw error;
    return { status, retryAfter: "1", json: undefined, text: String(error) };
  }
}
