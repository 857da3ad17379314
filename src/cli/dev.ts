import { existsSync } from "node:fs";
import { type Address, isHealthy, originOf, readAddress, requireFree } from "./dev/address.ts";
import { optionValues } from "./dev/arguments.ts";
import { CannotStart } from "./dev/cannot-start.ts";
import { OUTBOX_ON, ownArguments } from "./dev/own-arguments.ts";
import { addMissingSecrets, readSettings } from "./dev/secrets.ts";
import { runWrangler } from "./dev/wrangler.ts";
import { updateLocalSchema } from "./schema/local.ts";
import { Refused } from "./users/refused.ts";

const SECRETS_FILE = ".dev.vars";
const DEFAULT_STATE_DIRECTORY = ".wrangler/state";

/**
 * Makes the local secrets that are missing, brings the local D1 to schema.sql, and runs
 * `wrangler dev` with the arguments given, on the project in the working directory.
 * @returns the exit code: 0 after a stop that was asked for, else wrangler's
 * @throws CannotStart for what the caller can mend
 */
async function dev(args: readonly string[], stop: AbortSignal): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    return (await runWrangler(["dev", "--help"], { stop, output: "shown" })).code;
  }
  requireProject(args);
  const address = readAddress(args);
  await requireFree(address);
  const added = await addMissingSecrets(SECRETS_FILE);
  if (added.length > 0) console.log(`Made ${added.join(" and ")} in ${SECRETS_FILE}.`);
  await updateSchema(args, stop);
  if (stop.aborted) return 0;
  const own = ownArguments(args, address, await configuredIssuer(args));
  const { code } = await runWrangler(["dev", ...args, ...own], {
    stop,
    output: "shown",
    onReady: () => void welcome(address, stateDirectory(args), own.includes(OUTBOX_ON)),
  });
  return stop.aborted ? 0 : code;
}

function requireProject([first]: readonly string[]): void {
  if (!existsSync("wrangler.toml")) {
    throw new CannotStart("There is no wrangler.toml here. Start in the project's directory.");
  }
  // npm takes `npm run dev --port 8799` to itself and leaves the number.
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

/** The issuer that the environment or the settings' files name, if they do. */
async function configuredIssuer(args: readonly string[]): Promise<string | undefined> {
  const files = optionValues(args, "env-file");
  const settings = await readSettings(files.length > 0 ? files : [SECRETS_FILE]);
  return process.env.ISSUER ?? settings.ISSUER;
}

/** wrangler is ready before the service is, and holds the first request back until that is too. */
async function welcome(address: Address, directory: string, hasOutbox: boolean): Promise<void> {
  if (!(await isHealthy(address))) return;
  const origin = originOf(address);
  console.log(`
  Latchkey serves at ${origin}
  Console            ${origin}/console
  API documents      ${origin}/docs
  Outbox             ${hasOutbox ? "mails are printed in this terminal, with their links" : "none: mails go to MAIL_WEBHOOK_URL"}
  Data               ${directory}
  A changed file is served at once. Ctrl-C stops it.
`);
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
