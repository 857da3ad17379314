import { readFileSync, statSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { runCommand, stopSignal, takenByNpm } from "./arguments.ts";
import { CliError } from "./cli-error.ts";
import { migrateLocal, requireProject, STATE_DIRECTORY } from "./database.ts";
import {
  type Address,
  DEV_FLAGS,
  hasOutbox,
  lanAddresses,
  optionValues,
  originOf,
  readAddress,
  variable,
  wranglerArguments,
} from "./dev-arguments.ts";
import { addMissingSecrets, readSettings } from "./vars-file.ts";
import { runWrangler } from "./wrangler.ts";

const PROJECT_FILE = "wrangler.toml";
const SECRETS_FILE = ".dev.vars";
const LAN = "--lan";
/** What Android's emulator calls the machine that it runs on. */
const EMULATOR_HOST = "10.0.2.2";

const HELP = `Usage: npm run dev -- [options]

Serves this project at http://localhost:8787, with its own keys and database.

  --lan                     also for phones, emulators and other machines in this network
  --lan --local-protocol https
                            the same with a certificate from wrangler, which no device trusts
  --port <number>           another port than 8787
  --persist-to <directory>  another folder for the data than ${STATE_DIRECTORY}

and all options of wrangler dev:
`;

/**
 * Creates the local secrets that are missing, applies the migrations to the local database, and runs
 * `wrangler dev` with the arguments given, in the project of the working directory.
 * @returns the exit code: 0 after a stop that was asked for, else wrangler's
 */
async function dev(words: readonly string[], stop: AbortSignal): Promise<number> {
  if (words.includes("--help") || words.includes("-h")) {
    console.log(HELP);
    return (await runWrangler(["dev", "--help"], { stop, output: "shown" })).code;
  }
  requireProject();
  const taken = takenByNpm(words, DEV_FLAGS);
  if (taken !== null) throw new CliError(taken);
  // npm takes `--port` of `npm run dev --port 8799` for itself and leaves the number.
  const [first] = words;
  if (first !== undefined && /^\d+$/.test(first)) {
    throw new CliError(`npm needs -- before arguments: npm run dev -- --port ${first}.`);
  }
  const lan = words.includes(LAN) ? lanAddresses() : null;
  const given = words.filter((word) => word !== LAN);
  if (lan && optionValues(given, "ip").length === 0) given.push("--ip=0.0.0.0");
  await requireFree(readAddress(given));
  const added = await addMissingSecrets(SECRETS_FILE);
  if (added.length > 0) console.log(`Created ${added.join(" and ")} in ${SECRETS_FILE}.`);
  const directory = optionValues(given, "persist-to").at(-1) ?? STATE_DIRECTORY;
  const applied = await migrateLocal(directory, stop);
  if (applied.length > 0) console.log(`Applied to the local database: ${applied.join(", ")}.`);
  const args = wranglerArguments(given, { settings: await configured(given), lan });
  for (;;) {
    const { mtimeMs } = statSync(PROJECT_FILE);
    let isReady = false;
    const onReady = () => {
      isReady = true;
      void welcome({ address: readAddress(args), args, lan, directory });
    };
    const env = { LATCHKEY_TERMINAL: "lines" };
    const { code } = await runWrangler(["dev", ...args], { stop, output: "shown", onReady, env });
    if (stop.aborted) return 0;
    if (code === 0 || !isReady || !(await isRewritten(PROJECT_FILE, mtimeMs))) return code;
    console.log(`${PROJECT_FILE} changed, which ended wrangler. Starting it again.`);
  }
}

/**
 * Whether the file was changed since and is not empty, now or within a moment. wrangler gives up if
 * wrangler.toml is empty, as it is for an instant when git or an editor rewrites it.
 */
async function isRewritten(file: string, sinceMs: number): Promise<boolean> {
  for (let left = 20; left > 0; left--) {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found !== undefined && found.size > 0) return found.mtimeMs !== sinceMs;
    await wait(100);
  }
  return false;
}

/** @throws CliError if the address cannot be listened on. wrangler would say so only seconds later. */
export async function requireFree({ host, port }: Address): Promise<void> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ port, host: host === "*" ? "::" : host }, resolve);
  try {
    await promise;
  } catch (error) {
    const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    throw new CliError(
      isTaken
        ? `Port ${port} is in use. Stop the other process or pick another port: npm run dev -- --port ${port + 1}`
        : `Cannot listen on ${host}, port ${port}: ${error instanceof Error ? error.message : error}`,
    );
  } finally {
    server.close();
  }
}

/** Settings from the files that wrangler reads, and ISSUER of the environment. */
async function configured(args: readonly string[]): Promise<NodeJS.Dict<string>> {
  const files = optionValues(args, "env-file");
  const settings = await readSettings(files.length > 0 ? files : [SECRETS_FILE]);
  const { ISSUER = settings.ISSUER } = process.env;
  return { ...settings, ISSUER };
}

interface Started {
  readonly address: Address;
  readonly args: readonly string[];
  readonly lan: readonly string[] | null;
  readonly directory: string;
}

/** wrangler is ready before the service is, and holds back the first request until that is too. */
async function welcome({ address, args, lan, directory }: Started): Promise<void> {
  if (!(await isHealthy(address))) return;
  const origin = originOf(address);
  const where = lan
    ? `Latchkey serves at ${lan.map((host) => originOf(address, host)).join(", ")} for this network
  On this machine    ${origin}
  Android emulator   ${originOf(address, EMULATOR_HOST)}`
    : `Latchkey serves at ${origin}`;
  console.log(`
  ${where}
  Console            ${origin}/console
  API docs           ${origin}/docs
  Outbox             ${await outboxOf(args)}
  Data               ${directory}
  Changed files are served at once. Press Ctrl-C to stop.
`);
}

/** Accepts the certificate that wrangler makes itself. */
async function isHealthy(address: Address): Promise<boolean> {
  const { get } = address.protocol === "https" ? https : http;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  get(`${originOf(address)}/health`, { rejectUnauthorized: false }, (response) => {
    response.resume();
    resolve(response.statusCode === 200);
  }).once("error", () => resolve(false));
  return promise;
}

/** Reads MAIL_WEBHOOK_URL as wrangler does: from the command line, the settings' files, then the project's file. */
async function outboxOf(args: readonly string[]): Promise<string> {
  const NAME = "MAIL_WEBHOOK_URL";
  const config = optionValues(args, "config").at(-1) ?? PROJECT_FILE;
  let webhook: unknown = variable(args, NAME) ?? (await configured(args))[NAME];
  if (webhook === undefined && readFileSync(config, "utf8").includes(NAME)) {
    // Loaded only here, because it is large.
    const { unstable_readConfig } = await import("wrangler");
    const env = optionValues(args, "env").at(-1);
    webhook = unstable_readConfig({ config, ...(env && { env }) }).vars[NAME];
  }
  if (webhook) return "none: emails go to MAIL_WEBHOOK_URL";
  return hasOutbox(args)
    ? "emails are printed in this terminal, with their links"
    : "none, and no MAIL_WEBHOOK_URL: no email is sent";
}

/** @returns the exit code */
export function command(args: readonly string[]): Promise<number> {
  const stop = stopSignal();
  if (process.env.npm_lifecycle_event !== undefined) {
    // npm passes a signal only to the shell between it and this process, and only the shell dies of it.
    const shell = process.ppid;
    setInterval(() => {
      if (process.ppid !== shell) stop.abort();
    }, 250).unref();
  }
  const writeError = (line: string) => console.error(line);
  return runCommand("dev", { args, flags: {}, writeError }, async () => {
    try {
      return await dev(args, stop.signal);
    } catch (error) {
      if (stop.signal.aborted && error instanceof CliError) return 0;
      throw error;
    }
  });
}
