import { existsSync } from "node:fs";
import { basename } from "node:path";
import { readLifetimes } from "../config.ts";
import type { JwtKeySet } from "../crypto/keys.ts";
import { parsedArguments, runCommand } from "./arguments.ts";
import { CliError, UsageError } from "./cli-error.ts";
import {
  ALGORITHMS,
  type Algorithm,
  add,
  type Changed,
  checkedSet,
  drop,
  lastJwtSeconds,
  listing,
  newKey,
  promote,
  type RotationTime,
  retire,
} from "./keys/rotation.ts";
import { changeSetting, readSettings } from "./vars-file.ts";

const SECRET = "JWT_KEYS";
const DEVELOPMENT = ".dev.vars";
const DEPLOYMENT = ".deploy.vars";

/** Keys of npm run dev, or of its environments, must never sign for a deployment. */
const isDevelopment = (file: string) => /^\.dev\.vars(?:\.|$)/.test(basename(file));

const environmentOf = (file: string) => /^\.deploy\.vars\.([\w-]+)$/.exec(basename(file))?.[1];

/**
 * For any shell. `npm run` uses the Node that runs TypeScript, and `--silent` keeps npm's lines out of the
 * pipe. `bulk` does nothing with an empty pipe, whereas `secret put` would upload an empty secret.
 */
function uploadOf(file: string): string {
  const environment = environmentOf(file);
  const env = environment === undefined ? "" : ` --env ${environment}`;
  return `npm run --silent keys -- export --file ${file} | npx wrangler secret bulk${env}`;
}

const HELP = `Usage: npm run keys -- <command> [--file <file>]

The keys that sign JWTs: JWT_KEYS in .deploy.vars if it exists, where npm run deploy keeps a deployment's
(--env staging: .deploy.vars.staging), otherwise in .dev.vars, npm run dev's; or in the file that you name.
Exactly one key is active and signs; all of them verify. A new key stands by until others have it, and an
old one stays until everything that it signed has expired.

  list                 the keys, their states, and when each is safe to drop
  add [--alg ES256]    creates a standby key: ES256, EdDSA, RS256 or HS256
  promote <kid>        makes a standby key the active one, and the active one retires
  retire <kid>         retires a standby key: it will not sign
  drop <kid>           removes a standby key, or a retiring one when everything it signed has expired
  export               prints the set, for the upload only; not from .dev.vars

To rotate: add, upload; after 5 minutes promote, upload; when list says that the old one is safe to drop (a
day and 5 minutes, unless lifetimes are set), drop, upload. If you shortened a lifetime since, wait for the
longer one. The upload is one command, which every change of a deployment's keys prints:

  ${uploadOf(DEPLOYMENT)}

Exit codes: 0 success, 1 failure, 2 invalid arguments.`;

const OPTIONS = {
  alg: { type: "string" },
  file: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

interface CliContext {
  readonly file: string;
  readonly nowMs: number;
  readonly write: (line: string) => void;
  readonly writeError: (line: string) => void;
  /** The settings that wrangler's configuration has for the environment. */
  readonly variables: (
    environment: string | undefined,
  ) => Promise<Readonly<Record<string, unknown>>>;
  /** Whether a person sees what is written. */
  readonly isTerminal: boolean;
}

interface Options {
  readonly kid: string;
  readonly alg: Algorithm;
}

type Run = (context: CliContext, options: Options) => Promise<void>;

const COMMANDS: Readonly<Record<string, { readonly takesKid: boolean; readonly run: Run }>> = {
  list: { takesKid: false, run: list },
  add: { takesKid: false, run: addKey },
  promote: { takesKid: true, run: changing(promote) },
  retire: { takesKid: true, run: changing(retire) },
  drop: { takesKid: true, run: changing(drop) },
  export: { takesKid: false, run: exportSet },
};

/** @returns the exit code */
export function keys(args: readonly string[], context: CliContext): Promise<number> {
  const { writeError } = context;
  return runCommand("keys", { args, flags: OPTIONS, writeError }, async () => {
    const { values, positionals } = parsedArguments(args, OPTIONS);
    if (values.help || args.length === 0) {
      context.write(HELP);
      return 0;
    }
    const { run, ...options } = understood(positionals, values.alg);
    await run({ ...context, file: values.file ?? context.file }, options);
    return 0;
  });
}

/** @throws UsageError */
function understood(
  [name = "", kid = "", ...more]: readonly string[],
  algorithm: string | undefined,
): Options & { readonly run: Run } {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new UsageError(`Unknown command: ${name}.`);
  // npm takes `--alg` of `npm run keys add --alg EdDSA` for itself and leaves the name.
  if (name === "add" && ALGORITHMS.some((each) => each === kid)) {
    throw new UsageError(`npm needs -- before arguments: npm run keys -- add --alg ${kid}.`);
  }
  if (command.takesKid && kid === "") throw new UsageError(`${name} needs a kid.`);
  if (!command.takesKid && kid !== "") throw new UsageError(`${name} takes no "${kid}".`);
  if (more.length > 0) throw new UsageError(`${name} takes one kid.`);
  if (algorithm !== undefined && name !== "add") throw new UsageError(`${name} takes no --alg.`);
  const alg = ALGORITHMS.find((each) => each === (algorithm ?? "ES256"));
  if (alg === undefined) throw new UsageError(`--alg is one of ${ALGORITHMS.join(", ")}.`);
  return { run: command.run, kid, alg };
}

async function list(context: CliContext): Promise<void> {
  const { file, write, isTerminal } = context;
  const lines = listing((await read(file)).set, await timeOf(context));
  if (isTerminal) write(`Keys in ${file}:`);
  for (const line of lines) write(line);
}

/** @throws CliError where the lifetimes are no settings that the service would start with */
async function timeOf({ file, nowMs, variables }: CliContext): Promise<RotationTime> {
  const settings = { ...(await variables(environmentOf(file))), ...(await readSettings([file])) };
  try {
    return { nowMs, lastJwtSeconds: lastJwtSeconds(readLifetimes(settings)) };
  } catch {
    throw new CliError("The settings for lifetimes would stop the service: see its log.");
  }
}

async function exportSet({ file, write, isTerminal }: CliContext): Promise<void> {
  const { text } = await read(file);
  if (isDevelopment(file)) {
    throw new CliError(
      `The keys in ${file} belong to npm run dev. Uploading them would replace a deployment's keys, and all of its JWTs would be refused. A deployment's keys are in ${DEPLOYMENT}; name another file with --file.`,
    );
  }
  if (isTerminal) {
    throw new CliError(
      `This prints private keys. Pipe it to the upload command:\n  ${uploadOf(file)}`,
    );
  }
  write(JSON.stringify({ [SECRET]: text }));
}

async function addKey(context: CliContext, { alg }: Options): Promise<void> {
  const { file, nowMs } = context;
  const { [SECRET]: present } = await readSettings([file]);
  const set = present === undefined ? { keys: [] } : await checkedSet(present);
  const key = await newKey(alg, nowMs);
  const state = set.keys.length === 0 ? "is active, as the only key" : "is a standby key";
  const secrecy =
    alg === "HS256" ? ["It is not in the JWK set, so no one else can verify what it signs."] : [];
  const first =
    set.keys.length === 0 && !isDevelopment(file)
      ? ["Warning: a deployment that has other keys would refuse every JWT signed with those."]
      : [];
  const messages = [`${key.kid} (${alg}) ${state}.`, ...secrecy, ...first];
  await save(context, add(set.keys, key, nowMs), messages);
}

function changing(change: (set: JwtKeySet, kid: string, time: RotationTime) => Changed): Run {
  return async (context, { kid }) => {
    const { keys: changed, messages } = change(
      (await read(context.file)).set,
      kid,
      await timeOf(context),
    );
    await save(context, changed, messages);
  };
}

async function read(file: string): Promise<{ readonly text: string; readonly set: JwtKeySet }> {
  const { [SECRET]: text } = await readSettings([file]);
  if (text === undefined) {
    throw new CliError(
      `There is no ${SECRET} in ${file}. Create the first key: npm run keys -- add`,
    );
  }
  return { text, set: await checkedSet(text) };
}

/** Writes nothing with which the service would not start. */
async function save(
  { file, write }: CliContext,
  changed: readonly object[],
  messages: readonly string[],
): Promise<void> {
  const set = { keys: changed };
  await checkedSet(JSON.stringify(set));
  if (!(await changeSetting(file, SECRET, set))) {
    throw new CliError(
      `This command cannot safely change ${SECRET} in ${file}. Put it on its own line: ${SECRET}='…'`,
    );
  }
  for (const line of messages) write(line);
  if (isDevelopment(file)) {
    write(`Changed ${file}. Restart npm run dev to use it.`);
    return;
  }
  write(`Changed ${file}. Upload it:`);
  write(`  ${uploadOf(file)}`);
}

/** @returns the exit code */
export function command(args: readonly string[]): Promise<number> {
  return keys(args, {
    file: existsSync(DEPLOYMENT) ? DEPLOYMENT : DEVELOPMENT,
    nowMs: Date.now(),
    write: (line) => console.log(line),
    writeError: (line) => console.error(line),
    async variables(environment) {
      // Loaded only here, because it is large.
      const { unstable_readConfig } = await import("wrangler");
      return unstable_readConfig(environment === undefined ? {} : { env: environment }).vars;
    },
    isTerminal: process.stdout.isTTY === true,
  });
}
