import { parentPort, workerData } from "node:worker_threads";
import { readConfig } from "../../src/config.ts";
import { jwts } from "../../src/crypto/jwt.ts";
import { keyRing, parseKeySet } from "../../src/crypto/keys.ts";
import { createSecrets } from "../../src/crypto/secrets.ts";
import { type Services, servicesOver } from "../../src/services.ts";
import type { Kv } from "./bindings/case.ts";
import { clock } from "./clock.ts";
import { MAX_SKEW_MS } from "./credential.ts";
import { ha1bHashes, JWT_KEYS, ORIGIN, passwords, SCHEMA, START_MS } from "./edge.ts";
import { noFigures } from "./figures.ts";
import { memoryKv } from "./memory-kv.ts";
import { idOf } from "./operations/sessions.ts";
import { withSimulated } from "./patches.ts";
import { random } from "./random.ts";
import { type ReplicaHabits, replicasOf } from "./replicas.ts";
import { type SqliteD1, sqliteD1, type Through } from "./sqlite-d1.ts";
import type { Answerer, Trace, Traced } from "./tracing.ts";

/** By KV's documentation; each read and each write takes up to half of it to be seen elsewhere. */
const KV_LAG_MS = 60_000;
const DAY_MS = 86_400_000;
const USERS = 50;
/** Of checks away from the location where the token's holder usually is. */
const ROAMING = 0.05;
/** How long a revoked token is shown after its bound. */
const AFTER_MS = 10_000;

/** As D1's are said to be: within a second as a rule, and once in a while not. */
const HABITS: ReplicaHabits = {
  lagsMs: [
    ...Array(40).fill(50),
    ...Array(40).fill(200),
    ...Array(16).fill(1_000),
    5_000,
    5_000,
    60_000,
    1e12,
  ],
  phasesMs: [10_000, 30_000, 60_000],
  goneChance: 0.005,
};

interface Isolate {
  readonly services: Services;
  readonly skewMs: number;
  readonly endsAtMs: number;
}

/** A token that was revoked, and is shown again and again. */
interface Revoked {
  readonly secret: string;
  readonly home: number;
  readonly atMs: number;
  nextMs: number;
  lastMs: number | null;
  /** The isolates that took it when it was last shown there. */
  readonly accepting: number[];
}

/** The real checks, caches and revocations in many isolates, over the simulator's stores, whose calls take no time here. */
async function run(trace: Trace): Promise<Traced> {
  const { seed, lagSeconds, readReplicas, isolates: count, locations, perSecond } = trace;
  const lagMs = lagSeconds * 1000;
  const draw = random(seed);
  const time = clock(START_MS);
  const now = () => Math.floor(time.now());
  let skewMs = 0;

  const database = sqliteD1(SCHEMA);
  database.setClock(now);
  const replicas = readReplicas
    ? replicasOf(database.sqlite, SCHEMA, time, noFigures(), HABITS)
    : null;
  const kv = memoryKv({
    clock: time,
    locations,
    lagMs: KV_LAG_MS,
    limitsWrites: false,
    random: () => draw,
  });

  const asked = { kv: 0, d1: 0, replica: 0 };
  const throughKv: Through = async (what, work) => {
    if (what === "GET") asked.kv += 1;
    return work();
  };
  const throughD1: Through = async (what, work) => {
    if (what.startsWith("SELECT")) asked.d1 += 1;
    try {
      return work();
    } finally {
      replicas?.commit();
    }
  };

  const config = readConfig({
    ISSUER: ORIGIN,
    JWT_KEYS,
    ENCRYPTION_KEYS: btoa("x".repeat(32)),
    REVOCATION_LAG_SECONDS: String(lagSeconds),
    READ_REPLICAS: readReplicas ? "on" : "off",
    LOG: "errors",
  });
  const later: Promise<unknown>[] = [];
  const servicesAt = (location: number, given: Kv = kv.location(location, throughKv)) => {
    const nearest = () => {
      asked.replica += 1;
      return replicas?.nearest(draw, location) ?? database.sqlite;
    };
    return servicesOver(
      {
        KV: given as unknown as KVNamespace,
        DB: database.binding(throughD1, nearest) as unknown as D1Database,
      },
      config,
      { waitUntil: (work) => void later.push(work), passwords, ha1bHashes },
    );
  };
  const settle = async () => {
    while (later.length > 0) await later.pop();
  };
  const start = (slot: number): Isolate => ({
    services: servicesAt(slot % locations),
    skewMs: draw.int(2 * MAX_SKEW_MS + 1) - MAX_SKEW_MS,
    endsAtMs: now() - Math.log(1 - draw.next()) * trace.isolateSeconds * 1000,
  });
  const isolates: Isolate[] = [];
  const isolateOf = (slot: number): Isolate => {
    const known = isolates[slot];
    if (known !== undefined && known.endsAtMs > now()) return known;
    const started = start(slot);
    isolates[slot] = started;
    return started;
  };
  const anySlot = () => draw.int(count);
  const slotAt = (location: number) =>
    location + locations * draw.int(Math.floor((count - location - 1) / locations) + 1);

  async function at<T>(slot: number, work: (services: Services) => Promise<T>): Promise<T> {
    const isolate = isolateOf(slot);
    skewMs = isolate.skewMs;
    try {
      return await work(isolate.services);
    } finally {
      await settle();
      skewMs = 0;
    }
  }

  const isAccepted = (slot: number, secret: string) =>
    at(
      slot,
      async ({ introspection }) => (await introspection.verify(secret, Date.now())) !== null,
    );

  function answerer(): Answerer {
    if (asked.d1 > asked.replica) return "primary";
    if (asked.kv > 0) return "KV";
    return asked.replica > 0 ? "replica" : "memory";
  }

  async function simulated(): Promise<Traced> {
    const ranks = zipf(trace.tokens, draw);
    const steps = Math.round((trace.seconds + lagSeconds) * perSecond);
    const order = Uint32Array.from({ length: steps }, ranks);
    const make = await templates(servicesAt, kv.location(0, throughKv), database, settle);
    /** By the token's place in the order, which decides how often it is checked. */
    const secrets = new Map<number, string>();
    const renew = async (rank: number) => void secrets.set(rank, await make(rank));
    const secretOf = (rank: number) => secrets.get(rank) ?? "";
    for (const rank of new Set(order)) await renew(rank);
    replicas?.commit();
    time.tick(KV_LAG_MS);

    const answered: Record<Answerer, number> = { memory: 0, replica: 0, KV: 0, primary: 0 };
    const acceptedForMs: number[] = [];
    const shown = new Set<Revoked>();
    const countsFromMs = now() + lagMs;

    async function revoke(rank: number): Promise<void> {
      const [secret, home] = [secretOf(rank), rank % locations];
      await at(slotAt(home), ({ introspection }) => introspection.revoke(secret, null, Date.now()));
      const accepting = Array.from({ length: count }, (_, slot) => slot).filter(
        (slot) => slot % locations === home,
      );
      shown.add({ secret, home, atMs: now(), nextMs: now(), lastMs: null, accepting });
      await renew(rank);
    }

    async function show(one: Revoked): Promise<void> {
      one.nextMs += 1000 / trace.shownPerSecond;
      const taken = one.accepting[draw.int(one.accepting.length)];
      const slot =
        taken !== undefined && draw.chance(0.7)
          ? taken
          : draw.chance(0.5)
            ? anySlot()
            : slotAt(one.home);
      const index = one.accepting.indexOf(slot);
      if (await isAccepted(slot, one.secret)) {
        one.lastMs = now();
        if (index < 0) one.accepting.push(slot);
      } else if (index >= 0) one.accepting.splice(index, 1);
      if (now() < one.atMs + lagMs + AFTER_MS) return;
      shown.delete(one);
      acceptedForMs.push(one.lastMs === null ? 0 : one.lastMs - one.atMs);
    }

    for (let step = 0; step < steps || shown.size > 0; step++) {
      time.tick(1000 / perSecond);
      for (const one of shown) if (now() >= one.nextMs) await show(one);
      const rank = order[step];
      if (rank === undefined) continue;
      Object.assign(asked, { kv: 0, d1: 0, replica: 0 });
      const slot = draw.chance(ROAMING) ? anySlot() : slotAt(rank % locations);
      if (!(await isAccepted(slot, secretOf(rank)))) throw new Error("an active token was refused");
      if (now() < countsFromMs) continue;
      answered[answerer()] += 1;
      if (draw.chance(trace.revokedPerSecond / perSecond))
        await revoke(order[draw.int(steps)] ?? 0);
    }
    return { trace, answered, acceptedForMs: acceptedForMs.sort((one, other) => one - other) };
  }

  const platform = {
    clock: time,
    nowMs: () => now() + skewMs,
    random: () => draw,
    log: (line: string) => {
      // A replica that is gone is logged, and the primary asked.
      if (!line.includes("ask a replica")) throw new Error(line);
    },
    mail: () => false,
  };
  return withSimulated(platform, simulated);
}

/** Draws a place, the n-th 1/n as often as the first. */
function zipf(tokens: number, draw: { next(): number }): () => number {
  const upTo = new Float64Array(tokens);
  let sum = 0;
  for (let rank = 0; rank < tokens; rank++) upTo[rank] = sum += 1 / (rank + 1);
  return () => {
    const drawn = draw.next() * sum;
    let [from, to] = [0, tokens - 1];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((upTo[middle] ?? 0) > drawn) to = middle;
      else from = middle + 1;
    }
    return from;
  };
}

/** Makes tokens like those that the service gave some users: their row and their copy, or their claims, but for the id. */
async function templates(
  servicesAt: (location: number, kv: Kv) => Services,
  kv: Kv,
  { sqlite }: SqliteD1,
  settle: () => Promise<void>,
): Promise<(rank: number) => Promise<string>> {
  const parsed = parseKeySet(JWT_KEYS);
  if ("wrong" in parsed) throw new Error(parsed.wrong);
  const { sign, verify } = jwts(keyRing(parsed), ORIGIN);
  const { create } = createSecrets(["lk"]);
  const copies: { key: string; value: string }[] = [];
  const recording: Kv = {
    ...kv,
    async put(key, value, options) {
      copies.push({ key, value });
      await kv.put(key, value, options);
    },
  };
  const services = servicesAt(0, recording);
  const untilMs = Date.now() + DAY_MS;
  const made = await Promise.all(
    Array.from({ length: USERS }, async (_, index) => {
      const email = `person-${index}@latchkey.test`;
      const password = "correct horse battery";
      await services.accounts.signUp({ email, password }, Date.now());
      const session = await services.sessions.create(email, password, null, Date.now());
      await settle();
      const id = idOf(session.secret);
      const copy = copies.find(({ key }) => key.includes(id));
      const caller = await services.authenticate(
        { method: "password", email, password, otp: null },
        Date.now(),
      );
      const { jwt } = await services.jwtPairs.forCaller(caller, Date.now());
      const claims = await verify(jwt, Date.now());
      if (copy === undefined || claims === null) throw new Error("no copy of a session, or no JWT");
      return { id, copy, claims };
    }),
  );
  await settle();
  const rows = new Map(
    sqlite
      .prepare("SELECT * FROM tokens WHERE kind = 'session'")
      .all()
      .map((row) => [textOf(row.id), row]),
  );
  const columns = Object.keys([...rows.values()][0] ?? {});
  const insert = sqlite.prepare(
    `INSERT INTO tokens (${columns.join()}) VALUES (${columns.map(() => "?").join()})`,
  );
  return async (rank) => {
    const template = made[rank % USERS];
    if (template === undefined) throw new Error("no user");
    const jti = crypto.randomUUID();
    // The first of its chain, as the template.
    if (rank % 3 === 2) return sign({ ...template.claims, jti, rootJti: jti });
    const { id, secret } = await create("session");
    const row = rows.get(template.id);
    const own = row?.id instanceof Uint8Array ? Buffer.from(id.replaceAll("-", ""), "hex") : id;
    const values = { ...row, id: own, expires_at: untilMs };
    insert.run(...columns.map((column) => Reflect.get(values, column)));
    const { key, value } = template.copy;
    const copy = JSON.stringify({ ...JSON.parse(value), id, expiresAtMs: untilMs });
    await kv.put(key.replace(template.id, id), copy, { expirationTtl: DAY_MS / 1000 });
    return secret;
  };
}

const textOf = (id: unknown): string =>
  id instanceof Uint8Array
    ? Buffer.from(id)
        .toString("hex")
        .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
    : String(id);

parentPort?.postMessage(await run(workerData));
