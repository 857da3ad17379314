import { existsSync, readFileSync, statSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import {
  type Address,
  isHealthy,
  originAt,
  originOf,
  readAddress,
  requireFree,
} from "./dev/address.ts";
import { optionValues } from "./dev/arguments.ts";
import { CannotStart } from "./dev/cannot-start.ts";
import { DEV_FLAGS } from "./dev/flags.ts";
import { EMULATOR_HOST, LAN, lanAddresses, lanArguments } from "./dev/lan.ts";
import { OUTBOX_ON, ownArguments, quietArguments, variable } from "./dev/own-arguments.ts";
import { addMissingSecrets, readSettings } from "./dev/secrets.ts";
import { takenByNpm } from "./dev/taken-by-npm.ts";
import { runWrangler } from "./dev/wrangler.ts";
import { updateLocalSchema } from "./schema/local.ts";
import { Refused } from "./users/refused.ts";

const PROJECT_FILE = "wrangler.toml";
const SECRETS_FILE = ".dev.vars";
const DEFAULT_STATE_DIRECTORY = ".wrangler/state";

const HELP = `Usage: npm run dev -- [options]

Serves this project at http://localhost:8787, with keys and a database of its own.

  --lan                     for phones, emulators and other machines of the same network too
  --lan --local-protocol https
                            the same with a certificate that wrangler makes and no device knows
  --port <number>           another port than 8787
  --persist-to <directory>  another place for the data than ${DEFAULT_STATE_DIRECTORY}

and whatever wrangler dev takes:
`;

/**
 * Makes the local secrets that are missing, brings the local D1 to schema.sql, and runs
 * `wrangler dev` with the arguments given, on the project in the working directory.
 * @returns the exit code: 0 after a stop that was asked for, else wrangler's
 * @throws CannotStart for what the caller can mend
 */
async function dev(words: readonly string[], stop: AbortSignal): Promise<number> {
  if (words.includes("--help") || words.includes("-h")) {
    console.log(HELP);
    return (await runWrangler(["dev", "--help"], { stop, output: "shown" })).code;
  }
  requireProject(words);
  const lan = words.includes(LAN) ? lanAddresses() : null;
  const args = lan === null ? words : lanArguments(words);
  const address = readAddress(args);
  await requireFree(address);
  const added = await addMissingSecrets(SECRETS_FILE);
  if (added.length > 0) console.log(`Made ${added.join(" and ")} in ${SECRETS_FILE}.`);
  await updateSchema(args, stop);
  if (stop.aborted) return 0;
  const settings = await configured(args);
  const issuer = settings.ISSUER ?? (lan ? originAt(lan[0], address) : undefined);
  const own = [
    ...ownArguments(args, address, issuer, lan !== null),
    ...quietArguments(args, settings, lan !== null),
  ];
  const run = async () => {
    let isReady = false;
    const { code } = await runWrangler(["dev", ...args, ...own], {
      stop,
      output: "shown",
      onReady: () => {
        isReady = true;
        void welcome({ address, args, lan, hasOutbox: own.includes(OUTBOX_ON) });
      },
    });
    return { code, isReady };
  };
  return stop.aborted ? 0 : untilDone(run, stop);
}

/**
 * wrangler gives up where it finds wrangler.toml empty, as it is for an instant when git or an editor
 * writes it anew. It is then started again.
 */
async function untilDone(
  run: () => Promise<{ readonly code: number; readonly isReady: boolean }>,
  stop: AbortSignal,
): Promise<number> {
  for (;;) {
    const { mtimeMs } = statSync(PROJECT_FILE);
    const { code, isReady } = await run();
    if (stop.aborted) return 0;
    if (code === 0 || !isReady || !(await isRewritten(PROJECT_FILE, mtimeMs))) return code;
    console.log(`${PROJECT_FILE} was changed, and wrangler ended of it. It is started again.`);
  }
}

/** Whether the file was changed since, and holds something again, or does so within a moment. */
async function isRewritten(file: string, sinceMs: number): Promise<boolean> {
  for (let left = 20; left > 0; left--) {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found !== undefined && found.size > 0) return found.mtimeMs !== sinceMs;
    await wait(100);
  }
  return false;
}

function requireProject(words: readonly string[]): void {
  if (!existsSync(PROJECT_FILE)) {
    throw new CannotStart("There is no wrangler.toml here. Start in the project's directory.");
  }
  const taken = takenByNpm(words, DEV_FLAGS);
  if (taken !== null) throw new CannotStart(taken);
  const [first] = words;
  if (first !== undefined && /^\d+$/.test(first)) {
    throw new CannotStart(`npm needs -- before arguments: npm run dev -- --port ${first}`);
  }
}

/** The schema goes where wrangler dev will look. */
async function updateSchema(args: readonly string[], stop: AbortSignal): Promise<void> {
  const directory = stateDirectory(args);
  try {
    const changes = await updateLocalSchema(directory, stop);
    if (changes.length > 0) {
      console.log(`The local database has now what schema.sql has: ${changes.join(", ")}.`);
    }
  } catch (error) {
    if (stop.aborted) return;
    if (!(error instanceof Refused)) throw error;
    throw new CannotStart(error.message);
  }
}

function stateDirectory(args: readonly string[]): string {
  return optionValues(args, "persist-to").at(-1) ?? DEFAULT_STATE_DIRECTORY;
}

/** What the settings' files say, and an ISSUER of the environment. */
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
  readonly hasOutbox: boolean;
}

/** wrangler is ready before the service is, and holds the first request back until that is too. */
async function welcome({ address, args, lan, hasOutbox }: Started): Promise<void> {
  if (!(await isHealthy(address))) return;
  const origin = originOf(address);
  const [first = "", ...others] = (lan ?? []).map((host) => originAt(host, address));
  const where =
    lan === null
      ? `Latchkey serves at ${origin}`
      : `Latchkey serves at ${[first, ...others].join(", ")} for this network
  On this machine    ${origin}
  Android emulator   ${originAt(EMULATOR_HOST, address)}`;
  console.log(`
  ${where}
  Console            ${origin}/console
  API documents      ${origin}/docs
  Outbox             ${await outboxOf(args, hasOutbox)}
  Data               ${stateDirectory(args)}
  A changed file is served at once. Ctrl-C stops it.
`);
}

async function outboxOf(args: readonly string[], hasOutbox: boolean): Promise<string> {
  const webhook = await webhookOf(args);
  if (webhook) return "none: mails go to MAIL_WEBHOOK_URL";
  return hasOutbox || variable(args, "MAIL_OUTBOX") === "on"
    ? "mails are printed in this terminal, with their links"
    : "none, and no MAIL_WEBHOOK_URL: no mail goes out";
}

/** As wrangler reads it: the command line, the settings' files, and then the project's file. */
async function webhookOf(args: readonly string[]): Promise<unknown> {
  const NAME = "MAIL_WEBHOOK_URL";
  const said = variable(args, NAME) ?? (await configured(args))[NAME];
  const config = optionValues(args, "config").at(-1) ?? PROJECT_FILE;
  if (said !== undefined || !readFileSync(config, "utf8").includes(NAME)) return said;
  // Loaded only here: it is large.
  const { unstable_readConfig } = await import("wrangler");
  const env = optionValues(args, "env").at(-1);
  return unstable_readConfig({ config, ...(env && { env }) }).vars[NAME];
}

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => stop.abort());
}
if (process.env.npm_lifecycle_event !== undefined) {
  // npm passes a signal to the shell between it and this process, and the shell dies of it alone.
  const shell = process.ppid;
  const watch = () => {
    if (process.ppid !== shell) stop.abort();
  };
  setInterval(watch, 250).unref();
}
try {
  process.exitCode = await dev(process.argv.slice(2), stop.signal);
} catch (error) {
  if (!(error instanceof CannotStart)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
