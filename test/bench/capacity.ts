import { cp, readFile } from "node:fs/promises";
import { Agent, request as httpRequest } from "node:http";
import { cpus } from "node:os";
import { join } from "node:path";
import { build, removeDirectory, temporaryDirectory } from "./build.ts";
import { CAPACITY_HEAD, capacityRows, missed, type RecordedCapacity } from "./capacity-report.ts";
import { clone, emailOf, readTemplate, type Template, usedBytes } from "./clone.ts";
import { keep, markdown } from "./report.ts";
import { ISSUER, newJwtKeys, schema, type Server, start } from "./servers.ts";
import type { Spent } from "./spent.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const PEOPLE = 10;
const CHECKS = 12;
const PASSWORD = "correct horse battery";

/** After so long it is looked at what of a visit is still there. */
const AGES_MS = [
  0,
  HOUR_MS,
  6 * HOUR_MS,
  25 * HOUR_MS,
  ...[2, 3, 4, 8, 15, 32, 92].map((days) => days * DAY_MS + HOUR_MS),
];

export interface Plan {
  /** Of the filled database. */
  readonly bytes: number;
  /** Under each revocation lag. */
  readonly visits: number;
  readonly expiredPerSecond: number;
  readonly minutes: number;
}

const FULL: Plan = { bytes: 5e9, visits: 1_500, expiredPerSecond: 1_000, minutes: 10 };

/** A log-in for a JWT pair, twelve checks of its access JWT and a refresh, each in another isolate. */
export interface Visited {
  readonly lagSeconds: number;
  readonly readReplicas: boolean;
  /** On average of a visit. */
  readonly visit: Omit<Spent, "sizeBytes">;
}

export interface Kept {
  /** Of a user who has not come for longer than anything is kept. */
  readonly userBytes: number;
  readonly users: number;
  /** What a visit reads in this small database, at a lag of 0. */
  readonly rowsRead: number;
  /** What a visit has added, and what is left of it after so long. */
  readonly visitBytes: readonly { readonly afterMs: number; readonly bytes: number }[];
}

export interface Swept {
  readonly expiredPerSecond: number;
  readonly minutes: number;
  readonly deletedPerSecond: number;
  /** What of each minute statements took, on average and at most. */
  readonly busyMsPerMinute: { readonly mean: number; readonly max: number };
  readonly rowsReadPerRow: number;
  /** For how long the oldest row that is left at the end should have been gone, to two minutes. */
  readonly lagSeconds: number;
}

export interface Capacity {
  readonly date: string;
  readonly machine: string;
  readonly bytes: number;
  readonly users: number;
  readonly visits: readonly Visited[];
  readonly kept: Kept;
  readonly swept: Swept;
}

/** What one database carries, of this code, measured on workerd's D1 on disk. */
export async function measureCapacity(
  plan: Plan,
  progress: (said: string) => void,
): Promise<Capacity> {
  const [large, small] = [await temporaryDirectory(), await temporaryDirectory()];
  try {
    return await measureIn(large, small, plan, progress);
  } finally {
    // Also in a test, whose process ends without telling what it made.
    await Promise.all([large, small].map(removeDirectory));
  }
}

async function measureIn(
  large: string,
  small: string,
  plan: Plan,
  progress: (said: string) => void,
): Promise<Capacity> {
  progress("building");
  const bundle = await build("capacity.ts");
  const keys = await newJwtKeys();
  const at = (directory: string, lagSeconds = 0, readReplicas = false) =>
    start({
      bundle,
      hasStorage: true,
      directory,
      settings: {
        ISSUER,
        JWT_KEYS: keys,
        ENCRYPTION_KEYS: btoa("x".repeat(32)),
        REVOCATION_LAG_SECONDS: String(lagSeconds),
        READ_REPLICAS: readReplicas ? "on" : "off",
        LOG: "errors",
      },
    });
  await writeTemplate(large, at);
  await cp(large, small, { recursive: true });
  const template = await readTemplate(large);
  const kept = await measureKept(small, template, plan, at, progress);

  progress(`filling ${(plan.bytes / 1e9).toFixed(1)} GB`);
  const clones = Math.ceil(plan.bytes / (kept.cloneBytes || 1));
  await clone(large, template, { clones, series: 1, laterMs: (n) => -DAY_MS * (1 - n / clones) });
  const bytes = await usedBytes(large);

  const visits: Visited[] = [];
  for (const [lagSeconds, readReplicas] of [
    [0, false],
    [60, true],
  ] as const) {
    progress(`visits at a lag of ${lagSeconds}`);
    const server = await at(large, lagSeconds, readReplicas);
    await visitAll(server, personOf(clones), 100);
    await measured(server);
    await visitAll(server, personOf(clones), plan.visits);
    const { visits: spent } = await measured(server);
    await server.stop();
    visits.push({ lagSeconds, readReplicas, visit: each(spent, plan.visits) });
  }
  const swept = await measureSweep(large, template, plan, at, progress);
  const machine = `${cpus().length} processors, ${process.platform}`;
  const date = new Date().toISOString().slice(0, 10);
  return { date, machine, bytes, users: clones * PEOPLE, visits, kept: kept.kept, swept };
}

type Start = (directory: string, lagSeconds?: number, readReplicas?: boolean) => Promise<Server>;

/** People as the service has them: log-ins from one or two devices, sessions, API tokens and an action token. */
async function writeTemplate(directory: string, at: Start): Promise<void> {
  const server = await at(directory);
  await server.sql(await schema());
  for (let index = 0; index < PEOPLE; index++) {
    const { email, headers } = person(index);
    const signUp = { email, password: PASSWORD };
    await sent(server, "POST", "/rest/user", headers, signUp);
    const { access } = Object(await sent(server, "POST", "/api/token/", headers, signUp));
    if (index % 2 === 0)
      await sent(server, "POST", "/api/token/", { ...headers, "user-agent": PHONE }, signUp);
    if (index % 3 === 0)
      await sent(server, "POST", "/tokens", headers, { email_id: email, password: PASSWORD });
    const bearer = { ...headers, authorization: `Bearer ${access}` };
    if (index % 5 === 0)
      await sent(server, "POST", "/rest/token", bearer, { name: "their program" });
  }
  await server.stop();
}

const PHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
const LAPTOP =
  "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36";

interface Person {
  readonly email: string;
  readonly headers: Readonly<Record<string, string>>;
}

const person = (index: number): Person => ({
  email: `person-${index}@example.com`,
  headers: { "user-agent": LAPTOP, "cf-connecting-ip": `198.51.${index}.7` },
});

/** Somebody of the filled ones, always another. */
function personOf(clones: number): () => Person {
  let next = 0;
  return () => {
    const { email, headers } = person(next % PEOPLE);
    // A step that meets all of them once.
    const n = Math.floor((next++ * 0.618_033_988_7 * clones) % clones);
    return { email: emailOf(email, 1, n), headers };
  };
}

async function visit(server: Server, { email, headers }: Person): Promise<void> {
  const { access, refresh } = Object(
    await sent(server, "POST", "/api/token/", headers, { email, password: PASSWORD }),
  );
  for (let check = 0; check < CHECKS; check++)
    await sent(server, "POST", "/api/token/verify/", headers, { token: access });
  await sent(server, "POST", "/api/token/refresh/", headers, { refresh });
}

async function visitAll(server: Server, next: () => Person, count: number): Promise<void> {
  let left = count;
  const visitor = async () => {
    while (left-- > 0) await visit(server, next());
  };
  await Promise.all(Array.from({ length: 8 }, visitor));
}

async function measureKept(
  directory: string,
  template: Template,
  { visits }: Plan,
  at: Start,
  progress: (said: string) => void,
): Promise<{ kept: Kept; cloneBytes: number }> {
  progress("what visits leave");
  const clones = Math.ceil(visits / PEOPLE);
  const empty = await usedBytes(directory);
  await clone(directory, template, { clones, series: 1, laterMs: () => 0 });
  const cloneBytes = ((await usedBytes(directory)) - empty) / clones;
  /** Until nothing is left to do: a run does only so much in a minute, and looks at some of the rows. */
  const sweep = async (atMs: number) => {
    const server = await at(directory);
    for (let [minute, idle] = [0, 0]; idle < 3; minute++) {
      const deleted = await keepHouse(server, atMs + minute * MINUTE_MS);
      idle = deleted === 0 ? idle + 1 : 0;
    }
    await server.stop();
    return usedBytes(directory);
  };
  // What their log-ins left is gone first.
  const begunMs = Date.now();
  const before = await sweep(begunMs + (AGES_MS.at(-1) ?? 0));
  const server = await at(directory);
  await visitAll(server, personOf(clones), clones * PEOPLE);
  const { visits: spent } = await measured(server);
  await server.stop();
  const visitBytes: { afterMs: number; bytes: number }[] = [];
  for (const afterMs of AGES_MS) {
    progress(`what visits leave: after ${afterMs / HOUR_MS} h`);
    const used = afterMs === 0 ? await usedBytes(directory) : await sweep(Date.now() + afterMs);
    visitBytes.push({ afterMs, bytes: (used - before) / (clones * PEOPLE) });
  }
  return {
    kept: {
      users: clones * PEOPLE,
      userBytes: (before - empty) / (clones * PEOPLE),
      rowsRead: spent.rowsRead / (clones * PEOPLE),
      visitBytes,
    },
    cloneBytes,
  };
}

/** One run of housekeeping, as if it were that time. @returns how many rows it deleted */
async function keepHouse(server: Server, atMs: number): Promise<number> {
  const path = `/housekeeping?at=${Math.floor(atMs)}`;
  return Number(Object(await sent(server, "GET", path, {})).deleted);
}

const STEP_MS = 15 * MINUTE_MS;
const LONGEST_KEPT_MS = 3 * DAY_MS;

/**
 * Refresh families that expire at a rate, long before all others, and a run of housekeeping each minute of their time.
 * Two that expired earlier tell how long they are kept.
 */
async function measureSweep(
  directory: string,
  template: Template,
  { expiredPerSecond, minutes }: Plan,
  at: Start,
  progress: (said: string) => void,
): Promise<Swept> {
  const said = `${expiredPerSecond} expire a second`;
  progress(`${said}: writing them`);
  const family = template.get("tokens")?.find(({ kind }) => kind === "family");
  if (family === undefined) throw new Error("a log-in leaves no family");
  const alone = new Map([["tokens", [family]]]);
  const beginMs = Date.now() - 20 * DAY_MS;
  const firstMs = beginMs - 2 * LONGEST_KEPT_MS;
  const from = (ms: number) => ms - Number(family.expires_at);
  await clone(directory, alone, {
    clones: 2,
    series: 2,
    laterMs: (n) => from(firstMs) + n * DAY_MS,
  });
  await clone(directory, alone, {
    clones: expiredPerSecond * 60 * (minutes + 2),
    series: 3,
    laterMs: (n) => from(beginMs) + (n * 1000) / expiredPerSecond,
  });

  const server = await at(directory);
  /** @returns how long after `fromMs` something is deleted, to a step */
  async function firstDeletedAfter(fromMs: number, stepMs: number, longestMs: number) {
    let ms = 0;
    while (ms < longestMs && (await keepHouse(server, fromMs + ms)) === 0) ms += stepMs;
    return ms;
  }
  // Whatever else there is to do is done first.
  progress(`${said}: how long they are kept`);
  while ((await keepHouse(server, firstMs - HOUR_MS)) > 0);
  const coarseMs = (await firstDeletedAfter(firstMs, STEP_MS, LONGEST_KEPT_MS)) - STEP_MS;
  const fineMs = await firstDeletedAfter(firstMs + DAY_MS + coarseMs, MINUTE_MS, STEP_MS);
  const keptMs = coarseMs + fineMs;

  await keepHouse(server, beginMs + keptMs);
  await measured(server);
  const busyMs: number[] = [];
  let [deleted, rowsRead] = [0, 0];
  for (let minute = 1; minute <= minutes; minute++) {
    progress(`${said}: minute ${minute}`);
    deleted += await keepHouse(server, beginMs + keptMs + minute * MINUTE_MS);
    const { housekeeping } = await measured(server);
    busyMs.push(housekeeping.sqlMs);
    rowsRead += housekeeping.rowsRead;
  }
  // What expired in the last minute is due within that minute.
  const [left] = await server.rows(
    `SELECT MIN(expires_at) AS at FROM tokens WHERE kind = 'family' AND expires_at BETWEEN ${beginMs} AND ${beginMs + DAY_MS}`,
  );
  await server.stop();
  const oldestMs = Number(left?.at ?? Number.POSITIVE_INFINITY);
  return {
    expiredPerSecond,
    minutes,
    deletedPerSecond: deleted / minutes / 60,
    busyMsPerMinute: {
      mean: busyMs.reduce((all, one) => all + one, 0) / minutes,
      max: Math.max(...busyMs),
    },
    rowsReadPerRow: rowsRead / Math.max(1, deleted),
    lagSeconds: Math.max(0, beginMs + (minutes - 1) * MINUTE_MS - oldestMs) / 1000,
  };
}

const measured = async (server: Server): Promise<{ visits: Spent; housekeeping: Spent }> =>
  Object(await sent(server, "GET", "/measured", {}));

const each = (spent: Spent, count: number): Visited["visit"] => ({
  queries: spent.queries / count,
  near: spent.near / count,
  rowsRead: spent.rowsRead / count,
  rowsWritten: spent.rowsWritten / count,
  sqlMs: spent.sqlMs / count,
  kvReads: spent.kvReads / count,
  kvWrites: spent.kvWrites / count,
});

const agent = new Agent({ keepAlive: true, maxSockets: 16 });

/** @returns the answer's JSON. @throws Error unless it is 2xx */
function sent(
  server: Server,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: unknown,
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const text = body === undefined ? "" : JSON.stringify(body);
  const all = {
    ...headers,
    ...(body !== undefined && {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(text)),
    }),
  };
  const request = httpRequest(server.origin + path, { agent, method, headers: all });
  request.on("error", reject);
  request.on("response", (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => {
      const answer = Buffer.concat(chunks).toString();
      const { statusCode = 0 } = response;
      if (statusCode >= 200 && statusCode < 300) resolve(JSON.parse(answer || "null"));
      else reject(new Error(`${method} ${path} was answered ${statusCode}: ${answer}`));
    });
  });
  request.end(text);
  return promise;
}

/** `npm run capacity`. @param gigabytes to fill instead of 5; nothing is recorded then */
export async function capacity(
  gigabytes: number | null,
  progress: (said: string) => void,
): Promise<number> {
  const plan = gigabytes === null ? FULL : smaller(gigabytes);
  const after = await measureCapacity(plan, progress);
  const file = join(import.meta.dirname, "results/capacity.json");
  const known: RecordedCapacity = JSON.parse(await readFile(file, "utf8"));
  const found = { before: known.before, after };
  console.log(`\n${markdown(CAPACITY_HEAD, capacityRows(found))}\n`);
  if (gigabytes === null) await keep({ "capacity.json": `${JSON.stringify(found, null, 2)}\n` });
  const wrong = missed(after);
  for (const each of wrong) console.log(`MISSED: ${each}.`);
  return wrong.length === 0 ? 0 : 1;
}

/** As much less of everything. */
const smaller = (gigabytes: number): Plan => ({
  bytes: gigabytes * 1e9,
  visits: Math.max(100, Math.min(FULL.visits, Math.round(FULL.visits * gigabytes))),
  expiredPerSecond: FULL.expiredPerSecond,
  minutes: gigabytes < 1 ? 2 : FULL.minutes,
});
