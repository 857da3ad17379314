import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import * as v from "valibot";
import { printable } from "../core/text.ts";
import type { Role } from "../core/user.ts";
import { knownEmail, SignUp } from "../routes/rest-fields.ts";
import { CannotStart } from "./dev/cannot-start.ts";
import { takenByNpm } from "./dev/taken-by-npm.ts";
import type { D1, Target } from "./users/d1.ts";
import { importUsers } from "./users/import.ts";
import { openDatabase } from "./users/open.ts";
import { addUser, disableUsers, enableUsers, listUsers, setRole } from "./users/operate.ts";
import { Refused } from "./users/refused.ts";

const HELP = `Usage: npm run users -- <verb> [--remote [--env <name>] [--config <file>] | --persist-to <directory>]

Accounts, for whoever runs the service. Without --remote it is the local database of npm run dev.
--env and --config name the deployment, as with npm run deploy.

  import <file.jsonl>        accounts of another system, one JSON object a line:
                             email, password_hash (Django's, bcrypt's or Argon2's; null for none),
                             and if known first_name, last_name, phone_number, dob, gender, role,
                             email_verified, created_on, disabled. The first good login replaces the hash.
                             Can be done again: an e-mail that has an account is skipped.
  add <email> [--role Admin] [--password-stdin]
                             an account, with a password that is shown once or read from stdin
  disable <email>…           ends all that the accounts hold, and refuses them until they are enabled;
                             with --stdin the e-mails are read from stdin, one a line
  enable <email>…            lets them log in again; the same
  set-role <email> <role>    User or Admin
  list [--limit 50] [--cursor <email>]
                             the accounts by e-mail

Exit code: 0 if done, 1 if refused, 2 for arguments that are not understood.`;

interface Surroundings {
  readonly nowMs: number;
  readonly write: (line: string) => void;
  /** A line that the next one replaces, where somebody looks on. */
  readonly progress: (line: string) => void;
  readonly writeError: (line: string) => void;
  readonly stdin: () => Promise<string>;
  readonly stop: AbortSignal;
  readonly database: (target: Target, stop: AbortSignal) => D1;
}

type Verb = (
  around: Surroundings,
  database: D1,
  words: readonly string[],
  flags: Flags,
) => Promise<readonly string[]>;

interface Flags {
  readonly role?: string;
  readonly "password-stdin"?: boolean;
  readonly stdin?: boolean;
  readonly limit?: string;
  readonly cursor?: string;
}

class Misunderstood extends Error {}

const OPTIONS = {
  remote: { type: "boolean" },
  "persist-to": { type: "string" },
  env: { type: "string" },
  config: { type: "string" },
  role: { type: "string" },
  "password-stdin": { type: "boolean" },
  stdin: { type: "boolean" },
  limit: { type: "string" },
  cursor: { type: "string" },
} as const;

const VERBS: Readonly<
  Record<
    string,
    { readonly words: number | "emails"; readonly flags: readonly string[]; readonly run: Verb }
  >
> = {
  import: {
    words: 1,
    flags: [],
    async run({ nowMs, write, progress, writeError }, database, [file = ""]) {
      await importUsers(file, database, nowMs, { write, progress, writeError });
      return [];
    },
  },
  add: {
    words: 1,
    flags: ["role", "password-stdin"],
    async run({ nowMs, stdin }, database, [email], flags) {
      const address = emailOf(email, SignUp.entries.email);
      const role = roleOf(flags.role ?? "User");
      const password = flags["password-stdin"] ? (await stdin()).replace(/\r?\n$/, "") : null;
      return addUser(database, address, role, password, nowMs);
    },
  },
  disable: {
    words: "emails",
    flags: ["stdin"],
    run: async (around, database, words, flags) =>
      disableUsers(database, await emailsOf(around, words, flags), around.nowMs),
  },
  enable: {
    words: "emails",
    flags: ["stdin"],
    run: async (around, database, words, flags) =>
      enableUsers(database, await emailsOf(around, words, flags), around.nowMs),
  },
  "set-role": {
    words: 2,
    flags: [],
    run: ({ nowMs }, database, [email, role]) =>
      setRole(database, emailOf(email), roleOf(role), nowMs),
  },
  list: {
    words: 0,
    flags: ["limit", "cursor"],
    run: (_, database, __, { limit = "50", cursor = "" }) => {
      if (!/^[1-9]\d{0,3}$/.test(limit)) throw new Misunderstood("--limit is a number up to 9999.");
      return listUsers(database, Number(limit), cursor);
    },
  },
};

/** The command. @returns its exit code */
export async function users(args: readonly string[], given: Surroundings): Promise<number> {
  // Whoever signs up chooses what is printed here: nothing of it may speak to the terminal.
  const around = {
    ...given,
    write: (line: string) => given.write(printable(line)),
    progress: (line: string) => given.progress(printable(line)),
    writeError: (line: string) => given.writeError(printable(line)),
  };
  const taken = takenByNpm(args, OPTIONS);
  if (taken !== null) {
    around.writeError(taken);
    return 2;
  }
  try {
    if (args.length === 0 || args.includes("--help") || args.includes("-h")) {
      around.write(HELP);
      return 0;
    }
    const { verb, words, flags, target } = readOptions(args);
    const database = around.database(target, around.stop);
    for (const line of await verb.run(around, database, words, flags)) {
      around.write(line);
    }
    return 0;
  } catch (error) {
    if (error instanceof Misunderstood) {
      around.writeError(`${error.message}\n\n${HELP}`);
      return 2;
    }
    if (!(error instanceof Refused || error instanceof CannotStart)) throw error;
    around.writeError(error.message);
    return 1;
  }
}

function readOptions(args: readonly string[]) {
  const { values, positionals } = parsed(args);
  const [name = "", ...words] = positionals;
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (verb === undefined) throw new Misunderstood(`There is no verb ${JSON.stringify(name)}.`);
  if (verb.words === "emails" && words.length === 0 && !values.stdin) {
    throw new Misunderstood(`${name} takes an e-mail after it, or more, or --stdin.`);
  }
  if (verb.words !== "emails" && words.length !== verb.words) {
    throw new Misunderstood(`${name} takes ${verb.words} words after it, not ${words.length}.`);
  }
  const { remote = false, "persist-to": persistTo, env, config, ...flags } = values;
  const stray = Object.keys(flags).find((flag) => !verb.flags.includes(flag));
  if (stray !== undefined) throw new Misunderstood(`${name} takes no --${stray}.`);
  if (remote && persistTo !== undefined) {
    throw new Misunderstood("--persist-to is for the local database.");
  }
  if (!remote && (env ?? config) !== undefined) {
    throw new Misunderstood("--env and --config are for a deployment, with --remote.");
  }
  const project = [
    ...(env === undefined ? [] : [`--env=${env}`]),
    ...(config === undefined ? [] : [`--config=${config}`]),
  ];
  return {
    verb,
    words,
    flags,
    target: { remote, persistTo, project, configFile: config, environment: env },
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS });
  } catch (error) {
    const [sentence = ""] = (error instanceof Error ? error.message : String(error)).split(". ");
    throw new Misunderstood(`${sentence.replace(/\.$/, "")}.`);
  }
}

/** Those of the command line, and with --stdin one a line. */
async function emailsOf(
  { stdin }: Surroundings,
  words: readonly string[],
  flags: Flags,
): Promise<string[]> {
  const lines = flags.stdin ? (await stdin()).split("\n") : [];
  const emails = [...words, ...lines]
    .filter((line) => line.trim() !== "")
    .map((each) => emailOf(each));
  return [...new Set(emails)];
}

/** As it compares. */
function emailOf(
  given: string | undefined,
  schema: v.GenericSchema<string, string> = knownEmail,
): string {
  const result = v.safeParse(schema, given);
  if (!result.success) throw new Misunderstood(`The e-mail ${result.issues[0].message}.`);
  return result.output;
}

function roleOf(given: string | undefined): Role {
  if (given === "User" || given === "Admin") return given;
  throw new Misunderstood("The role is User or Admin.");
}

if (import.meta.main) {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => stop.abort());
  }
  const { stdout } = process;
  const clear = () => {
    if (stdout.isTTY) stdout.write("\r\x1b[2K");
  };
  process.exitCode = await users(process.argv.slice(2), {
    nowMs: Date.now(),
    write(line) {
      clear();
      console.log(line);
    },
    progress(line) {
      clear();
      stdout.write(stdout.isTTY ? line : `${line}\n`);
    },
    writeError(line) {
      clear();
      console.error(line);
    },
    stdin: () => text(process.stdin),
    stop: stop.signal,
    database: (target, around) => openDatabase(target, around, (line) => console.log(line)),
  });
}
