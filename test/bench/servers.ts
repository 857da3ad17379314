import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { newKey } from "../../src/cli/keys/rotation.ts";
import { type Bundle, build } from "./build.ts";
import { type Server, start } from "./server.ts";
import { removeDirectory, temporaryDirectory } from "./temporary.ts";
import { type Signer, signer } from "./signer.ts";
import { ROWS } from "./workers/reference-sql.ts";

/**
 * Latchkey stands here once for each number of the promise that is measured; and once with a line in
 * the log for each request, which all others leave out as a large deployment does.
 */
export const SERVERS = [
  "bare",
  "hello",
  "reference",
  "latchkey-0",
  "latchkey-10",
  "latchkey-300",
  "latchkey-300-logged",
  "latchkey-86400",
  "better-auth",
] as const;
export type ServerName = (typeof SERVERS)[number];

/** Not on loopback: there, answers say what they cost. */
export const ISSUER = "https://auth.example.com";

/** All that was started, each server once and only if it is used. */
export interface Fleet {
  readonly builds: Builder;
  /** The service's secret. */
  readonly jwtKeys: string;
  readonly signer: Signer;
  server(name: ServerName): Promise<Server>;
  /** The service with other settings, and a database of its own. */
  latchkey(settings: Readonly<Record<string, string>>, directory?: string): Promise<Server>;
  /** better-auth that counts its queries, which `GET /count` tells and begins anew. */
  countingBetterAuth(): Promise<Server>;
  /** A new one, for what a server is to keep; it goes when the fleet stops. */
  directory(): Promise<string>;
  stop(): Promise<void>;
}

export async function newFleet(): Promise<Fleet> {
  const key = await newKey("ES256", Date.now());
  const jwtKeys = JSON.stringify({ keys: [{ ...key, state: "active" }] });
  const builds = builder();
  const named = new Map<ServerName, Promise<Server>>();
  const started: Promise<Server>[] = [];
  const directories: string[] = [];
  const keep = (starting: Promise<Server>) => {
    started.push(starting);
    return starting;
  };
  const latchkey: Fleet["latchkey"] = (settings, directory) =>
    keep(startLatchkey(builds, { ISSUER, JWT_KEYS: jwtKeys, ...settings }, directory));

  return {
    builds,
    jwtKeys,
    signer: signer(jwtKeys, ISSUER),
    server(name) {
      const starting =
        named.get(name) ??
        (name.startsWith("latchkey-")
          ? latchkey(settingsOf(name))
          : keep(startOther(name, builds)));
      named.set(name, starting);
      return starting;
    },
    latchkey,
    countingBetterAuth: () => keep(startBetterAuth(builds, { COUNT: "on" })),
    async directory() {
      const made = await temporaryDirectory();
      directories.push(made);
      return made;
    },
    async stop() {
      const servers = await Promise.allSettled(started);
      const up = servers.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
      await Promise.all(up.map((server) => server.stop()));
      for (const made of directories) await removeDirectory(made);
    },
  };
}

function settingsOf(name: string): Readonly<Record<string, string>> {
  const [, lag = "0", logged] = name.split("-");
  return { REVOCATION_LAG_SECONDS: lag, LOG: logged === undefined ? "errors" : "requests" };
}

/** The bundles, each built once and only if it is used. */
function builder() {
  const built = new Map<string, Promise<Bundle>>();
  const once = (name: string, make: () => Promise<Bundle>) => {
    const found = built.get(name) ?? make();
    built.set(name, found);
    return found;
  };
  return {
    latchkey: () => once("latchkey", () => build()),
    other: (name: string, more: readonly string[] = []) =>
      once(name, () => build(`${name}.ts`, more)),
  };
}
export type Builder = ReturnType<typeof builder>;

async function startLatchkey(
  builds: Builder,
  settings: Readonly<Record<string, string>>,
  directory?: string,
): Promise<Server> {
  const bundle = await builds.latchkey();
  const kept = directory === undefined ? {} : { directory };
  const server = await start({ bundle, settings, hasStorage: true, ...kept });
  await server.sql(await schema());
  return server;
}

async function startOther(name: ServerName, builds: Builder): Promise<Server> {
  if (name === "better-auth") return startBetterAuth(builds, {});
  if (name !== "reference") return start({ bundle: await builds.other(name) });
  const server = await start({ bundle: await builds.other(name), hasStorage: true });
  await server.sql([...(await schema()), ...ROWS]);
  await server.putKv("token", JSON.stringify({ kind: "session" }));
  return server;
}

async function startBetterAuth(
  builds: Builder,
  settings: Readonly<Record<string, string>>,
): Promise<Server> {
  const flags = ["nodejs_compat"];
  const bundle = await builds.other("better-auth", ["--compatibility-flags", ...flags]);
  const server = await start({ bundle, settings, hasStorage: true, flags });
  await fetch(new URL("/migrate", server.origin));
  return server;
}

/** The statements of schema.sql; no text in it holds a semicolon. */
async function schema(): Promise<string[]> {
  const text = await readFile(resolve(import.meta.dirname, "../../schema.sql"), "utf8");
  return text
    .replace(/--.*$/gm, "")
    .split(";")
    .map((statement) => statement.trim())
    .filter(Boolean);
}
