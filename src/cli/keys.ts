import { existsSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import type { JwtKeySet } from "../crypto/keys.ts";
import { changeSetting, readSettings } from "./dev/secrets.ts";
import { takenByNpm } from "./dev/taken-by-npm.ts";
import { add, type Changed, drop, promote, retire } from "./keys/changes.ts";
import { checkedSet } from "./keys/check.ts";
import { listing } from "./keys/list.ts";
import { ALGORITHMS, type Algorithm, newKey } from "./keys/new-key.ts";
import { Refused } from "./keys/refused.ts";

const SECRET = "JWT_KEYS";
const DEVELOPMENT = ".dev.vars";
const DEPLOYMENT = ".deploy.vars";

/** Keys of npm run dev, or of its environments, are never to sign for a deployment. */
const isDevelopment = (file: string) => /^\.dev\.vars(?:\.|$)/.test(basename(file));

/**
 * For any shell. `npm run` brings the Node that runs TypeScript, `--silent` keeps npm's lines out of
 * the pipe; and `bulk` does nothing with an empty pipe, where `secret put` uploads an empty secret.
 */
function uploadOf(file: string): string {
  const [, environment] = /^\.deploy\.vars\.([\w-]+)$/.exec(basename(file)) ?? [];
  const env = environment === undefined ? "" : ` --env ${environment}`;
  return `npm run --silent keys -- export --file ${file} | npx wrangler secret bulk${env}`;
}

const HELP = `Usage: npm run keys -- <verb> [--file <file>]

The keys that sign JWTs, in JWT_KEYS of a file: of .deploy.vars where it is, in which npm run deploy
keeps a deployment's (--env staging: .deploy.vars.staging), else of .dev.vars, npm run dev's; or of
the file that is named. Exactly one key is active and signs; all of them verify. A new key stands by
until others have it, and an old one is kept until nothing that it signed is alive.

  list                 the keys, their states, and when each may be dropped
  add [--alg ES256]    makes a key that stands by: ES256, EdDSA, RS256 or HS256
  promote <kid>        a standby key becomes the active one, and the active one retires
  retire <kid>         a standby key goes out of line
  drop <kid>           a standby key goes, or a retiring one when nothing of it is alive
  export               the set, for the upload only; not of .dev.vars

A rotation: add, upload; after 5 minutes promote, upload; after a day and 5 minutes drop, upload.
The upload is one command, which every change of a deployment's keys prints:

  ${uploadOf(DEPLOYMENT)}

Exit code: 0 if done, 1 if refused, 2 for arguments that are not understood.`;

const OPTIONS = {
  alg: { type: "string" },
  file: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

interface Surroundings {
  readonly file: string;
  readonly nowMs: number;
  readonly write: (line: string) => void;
  readonly writeError: (line: string) => void;
  /** Whether a person would see what is written. */
  readonly isTerminal: boolean;
}

type Verb = (around: Surroundings, options: Options) => Promise<void>;

const VERBS: Readonly<Record<string, { readonly takesKid: boolean; readonly run: Verb }>> = {
  list: { takesKid: false, run: list },
  add: { takesKid: false, run: addKey },
  promote: { takesKid: true, run: changing(promote) },
  retire: { takesKid: true, run: changing(retire) },
  drop: { takesKid: true, run: changing(drop) },
  export: { takesKid: false, run: exportSet },
};

/** The command. @returns its exit code */
export async function keys(args: readonly string[], around: Surroundings): Promise<number> {
  const taken = takenByNpm(args, OPTIONS);
  if (taken !== null) {
    around.writeError(taken);
    return 2;
  }
  const options = readOptions(args);
  if ("wrong" in options) {
    around.writeError(`${options.wrong} Try: npm run keys -- --help`);
    return 2;
  }
  const verb = VERBS[options.verb];
  if (options.help || verb === undefined) {
    around.write(HELP);
    return 0;
  }
  try {
    await verb.run({ ...around, file: options.file ?? around.file }, options);
    return 0;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    around.writeError(error.message);
    return 1;
  }
}

interface Options {
  readonly help: boolean;
  readonly verb: string;
  readonly kid: string;
  readonly alg: Algorithm;
  readonly file: string | undefined;
}

function readOptions(args: readonly string[]): Options | { readonly wrong: string } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: OPTIONS,
    });
    const [verb = "", kid = "", ...more] = positionals;
    const help = values.help === true || args.length === 0;
    const alg = ALGORITHMS.find((known) => known === (values.alg ?? "ES256"));
    const wrong = help ? undefined : wrongWith(verb, kid, more, values.alg, alg);
    return wrong === undefined
      ? { help, verb, kid, alg: alg ?? "ES256", file: values.file }
      : { wrong };
  } catch (error) {
    const [sentence = ""] = (error instanceof Error ? error.message : String(error)).split(". ");
    return { wrong: `${sentence.replace(/\.$/, "")}.` };
  }
}

function wrongWith(
  verb: string,
  kid: string,
  more: readonly string[],
  given: string | undefined,
  alg: Algorithm | undefined,
): string | undefined {
  const known = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  if (known === undefined) return `There is no verb ${JSON.stringify(verb)}.`;
  // npm takes `npm run keys add --alg EdDSA` to itself and leaves the name.
  if (verb === "add" && ALGORITHMS.some((each) => each === kid)) {
    return `npm needs -- before arguments: npm run keys -- add --alg ${kid}.`;
  }
  if (known.takesKid && kid === "") return `${verb} needs a kid.`;
  if (!known.takesKid && kid !== "") return `${verb} takes no ${JSON.stringify(kid)}.`;
  if (more.length > 0) return `${verb} takes one kid.`;
  if (given !== undefined && verb !== "add") return `${verb} takes no --alg.`;
  if (alg === undefined) return `--alg is one of ${ALGORITHMS.join(", ")}.`;
  return undefined;
}

async function list({ file, nowMs, write, isTerminal }: Surroundings): Promise<void> {
  if (isTerminal) write(`The keys in ${file}:`);
  for (const line of listing((await read(file)).set, nowMs)) write(line);
}

async function exportSet({ file, write, isTerminal }: Surroundings): Promise<void> {
  const { text } = await read(file);
  if (isDevelopment(file)) {
    throw new Refused(
      `The keys in ${file} are npm run dev's. Uploaded, they would replace a deployment's, and every JWT of it be refused. A deployment's are in ${DEPLOYMENT}, or in the file that --file names.`,
    );
  }
  if (isTerminal) {
    throw new Refused(
      `This would print private keys. Pipe it to where they belong:\n  ${uploadOf(file)}`,
    );
  }
  write(JSON.stringify({ [SECRET]: text }));
}

async function addKey(around: Surroundings, { alg }: Options): Promise<void> {
  const { file, nowMs } = around;
  const { [SECRET]: present } = await readSettings([file]);
  const set = present === undefined ? { keys: [] } : await checkedSet(present);
  const key = await newKey(alg, nowMs);
  const state = set.keys.length === 0 ? "is active: it is the only one" : "stands by";
  const secrecy =
    alg === "HS256" ? ["It is not in the JWK set: nobody else can check what it signs."] : [];
  const first =
    set.keys.length === 0 && !isDevelopment(file)
      ? ["A deployment that has other keys would refuse every JWT that those have signed."]
      : [];
  const says = [`${key.kid} (${alg}) ${state}.`, ...secrecy, ...first];
  await save(around, add(set.keys, key, nowMs), says);
}

function changing(change: (set: JwtKeySet, kid: string, nowMs: number) => Changed): Verb {
  return async (around, { kid }) => {
    const { keys: changed, says } = change((await read(around.file)).set, kid, around.nowMs);
    await save(around, changed, says);
  };
}

async function read(file: string): Promise<{ readonly text: string; readonly set: JwtKeySet }> {
  const { [SECRET]: text } = await readSettings([file]);
  if (text === undefined) {
    throw new Refused(`There is no ${SECRET} in ${file}. Make the first key: npm run keys -- add`);
  }
  return { text, set: await checkedSet(text) };
}

/** Nothing is written that the service would not start with. */
async function save(
  { file, write }: Surroundings,
  changed: readonly object[],
  says: readonly string[],
): Promise<void> {
  const set = { keys: changed };
  await checkedSet(JSON.stringify(set));
  if (!(await changeSetting(file, SECRET, set))) {
    throw new Refused(
      `${SECRET} in ${file} is written in a way that this command does not change. Write it on one line of its own: ${SECRET}='…'`,
    );
  }
  for (const line of says) write(line);
  if (isDevelopment(file)) {
    write(`Changed ${file}. A running npm run dev has it when it is started again.`);
    return;
  }
  write(`Changed ${file}. The upload:`);
  write(`  ${uploadOf(file)}`);
}

if (import.meta.main) {
  process.exitCode = await keys(process.argv.slice(2), {
    file: existsSync(DEPLOYMENT) ? DEPLOYMENT : DEVELOPMENT,
    nowMs: Date.now(),
    write: (line) => console.log(line),
    writeError: (line) => console.error(line),
    isTerminal: process.stdout.isTTY === true,
  });
}
