import { text } from "node:stream/consumers";
import * as v from "valibot";
import { printable, UUID } from "../core/text.ts";
import { METADATA_MAX, PROFILE_COLUMNS, type Role } from "../core/user.ts";
import { knownEmail, SignUp } from "../surfaces/rest/fields.ts";
import { parsedArguments, runCommand, stopSignal } from "./arguments.ts";
import { UsageError } from "./cli-error.ts";
import { type D1, openDatabase, type Target, TARGET_OPTIONS, targetOf } from "./database.ts";
import {
  addUser,
  disableUsers,
  enableUsers,
  endAll,
  listUsers,
  removeFactor,
  revokeOne,
  setMetadata,
  setRole,
  type Told,
} from "./users/accounts.ts";
import { FIXES, type Fix, type ImportOptions, importUsers, type Output } from "./users/import.ts";
import { FORMATS } from "./users/import-formats.ts";
import { importTokens, TOKEN_FORMATS } from "./users/import-tokens.ts";
import { auditUser, findUser, resetPassword, showUser } from "./users/look.ts";
import {
  createService,
  createServiceToken,
  deleteUser,
  LONGEST_DAYS,
  serviceEmail,
  type ServiceToken,
} from "./users/services.ts";

const HELP = `Usage: npm run users -- <command> [--remote [--env <name>] [--config <file>] | --persist-to <directory>]

Manage accounts. Uses the local database of npm run dev unless you pass --remote. --env and --config name
the deployment, as with npm run deploy. With --json the answer is one JSON value (import has none).

  import <file> [--from ${FORMATS.join("|")}] [--fix <what>,…|all] [--metadata <field>,…] [--dry-run]
                             imports accounts of another system: from what it exports, or one JSON object
                             per line: email, password_hash (null for none), and if known id (a UUID),
                             external_id, ${PROFILE_COLUMNS.join(", ")},
                             role, email_verified, created_on, disabled, metadata. The first log-in replaces
                             the hash. Nothing is written unless all are valid; --fix leaves out or cuts what
                             cannot be taken: ${Object.keys(FIXES).join(", ")}.
                             --metadata keeps fields of the other system. --dry-run only reports.
                             Can be repeated: an email that has an account is skipped.
  import-tokens <file> --from ${TOKEN_FORMATS.join("|")} --until <date> [--dry-run]
                             imports opaque tokens of another system by their digests, as API tokens that end on
                             that day at last; the accounts come first. Can be repeated.
  add <email> [--role Admin] [--password-stdin]
                             creates an account; the password is shown once, or read from stdin
  find <email or id>         whose it is: the id of an account or of a token; or with --stdin the text of a token,
                             which would stay in your shell's history. Like show and audit, an event of the account
  show <email>               the account, where it is logged in, and its API tokens
  audit [<email>] [--limit 50] [--cursor <event id>]
                             its events, newest first; without an email, what was refused and what operators did
  reset <email> [--token-prefix lk]
                             prints a link with which they choose a new password, within an hour, for you to give
                             to them: no email is sent. Only for an email that is proven
  end-login <email> <id>     logs them out in one place, which show lists
  revoke-token <email> <id>  revokes one of their API or action tokens
  end <email>                logs them out everywhere and revokes all their tokens; they can log in again
  disable <email>…           revokes everything that the accounts have, and refuses them until they are
                             enabled; with --stdin the emails are read from stdin, one per line
  enable <email>…            lets them log in again; --stdin as above
  delete <email>             revokes everything that the account has, and erases it
  remove-factor <email>      for someone who has lost their second factor and its recovery codes
  set-role <email> <role>    User or Admin
  set-metadata <email> <json>
                             your own facts about them, a JSON object of at most 4 KB, which replaces what there
                             was: claims read it, and they see it at GET /rest/user
  create-service <name> [--scopes introspect,…] [--days 365] [--token-prefix lk]
                             creates an account for a program, which has API tokens and no log-in; its
                             first token is shown once. Everywhere else it is called service:<name>.
                             --token-prefix is the first of TOKEN_PREFIX.
  create-token <service> [--scopes introspect,…] [--days 365] [--token-prefix lk]
                             creates another API token of a service account
  list [--limit 50] [--cursor <email>]
                             lists the accounts, sorted by email

Exit codes: 0 success, 1 failure, 2 invalid arguments.`;

interface CliContext extends Output {
  readonly nowMs: number;
  readonly stdin: () => Promise<string>;
  readonly stop: AbortSignal;
  readonly database: (target: Target & { readonly name: () => Promise<string> }) => D1;
}

interface Flags {
  readonly role?: string;
  readonly "password-stdin"?: boolean;
  readonly stdin?: boolean;
  readonly limit?: string;
  readonly cursor?: string;
  readonly scopes?: string;
  readonly days?: string;
  readonly "token-prefix"?: string;
  readonly from?: string;
  readonly fix?: string;
  readonly metadata?: string;
  readonly "dry-run"?: boolean;
  readonly until?: string;
  readonly json?: boolean;
}

interface Command {
  /** How many words follow its name. */
  readonly words: number | readonly number[] | "emails";
  readonly flags: readonly (keyof Flags)[];
  readonly run: (
    context: CliContext,
    database: D1,
    words: readonly string[],
    flags: Flags,
  ) => Promise<Told>;
}

const OPTIONS = {
  ...TARGET_OPTIONS,
  role: { type: "string" },
  "password-stdin": { type: "boolean" },
  stdin: { type: "boolean" },
  limit: { type: "string" },
  cursor: { type: "string" },
  scopes: { type: "string" },
  days: { type: "string" },
  "token-prefix": { type: "string" },
  from: { type: "string" },
  fix: { type: "string" },
  metadata: { type: "string" },
  "dry-run": { type: "boolean" },
  until: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

const COMMANDS: Readonly<Record<string, Command>> = {
  import: {
    words: 1,
    flags: ["from", "fix", "metadata", "dry-run"],
    async run(context, database, [file = ""], flags) {
      await importUsers(file, importOptions(flags), database, context.nowMs, context);
      return { lines: [], json: null };
    },
  },
  "import-tokens": {
    words: 1,
    flags: ["from", "until", "dry-run"],
    async run(context, database, [file = ""], { from, until, "dry-run": dryRun }) {
      const format = TOKEN_FORMATS.find((each) => each === from);
      if (format === undefined)
        throw new UsageError(`--from is one of ${TOKEN_FORMATS.join(", ")}.`);
      const options = { untilMs: untilOf(until, context.nowMs), isDryRun: dryRun === true };
      await importTokens(file, format, options, database, context.nowMs, context);
      return { lines: [], json: null };
    },
  },
  add: {
    words: 1,
    flags: ["role", "password-stdin", "json"],
    async run({ nowMs, stdin }, database, [email], flags) {
      const address = emailOf(email, SignUp.entries.email);
      const role = roleOf(flags.role ?? "User");
      const password = flags["password-stdin"] ? (await stdin()).replace(/\r?\n$/, "") : null;
      return addUser(database, address, role, password, nowMs);
    },
  },
  find: {
    words: [0, 1],
    flags: ["stdin", "json"],
    async run({ nowMs, stdin }, database, [word], flags) {
      if ((word === undefined) !== (flags.stdin === true)) {
        throw new UsageError("find takes one email or id, or --stdin.");
      }
      return findUser(database, word ?? (await stdin()), word === undefined, nowMs);
    },
  },
  show: {
    words: 1,
    flags: ["json"],
    run: ({ nowMs }, database, [email]) => showUser(database, emailOf(email), nowMs),
  },
  audit: {
    words: [0, 1],
    flags: ["limit", "cursor", "json"],
    run: ({ nowMs }, database, [email], { limit, cursor = null }) => {
      if (cursor !== null && !UUID.test(cursor)) throw new UsageError("--cursor is an event's id.");
      const who = email === undefined ? null : emailOf(email);
      return auditUser(database, who, limitOf(limit), cursor, nowMs);
    },
  },
  reset: {
    words: 1,
    flags: ["token-prefix", "json"],
    run: ({ nowMs }, database, [email], flags) =>
      resetPassword(database, emailOf(email), tokenOf(flags).prefix, nowMs),
  },
  end: {
    words: 1,
    flags: ["json"],
    run: ({ nowMs }, database, [email]) => endAll(database, emailOf(email), nowMs),
  },
  "end-login": {
    words: 2,
    flags: ["json"],
    run: ({ nowMs }, database, [email, id]) =>
      revokeOne(database, emailOf(email), "login", idOf(id), nowMs),
  },
  "revoke-token": {
    words: 2,
    flags: ["json"],
    run: ({ nowMs }, database, [email, id]) =>
      revokeOne(database, emailOf(email), "token", idOf(id), nowMs),
  },
  disable: {
    words: "emails",
    flags: ["stdin", "json"],
    run: async (context, database, words, flags) =>
      disableUsers(database, await emailsOf(context, words, flags), context.nowMs),
  },
  enable: {
    words: "emails",
    flags: ["stdin", "json"],
    run: async (context, database, words, flags) =>
      enableUsers(database, await emailsOf(context, words, flags), context.nowMs),
  },
  delete: {
    words: 1,
    flags: ["json"],
    run: ({ nowMs }, database, [email]) => deleteUser(database, emailOf(email), nowMs),
  },
  "remove-factor": {
    words: 1,
    flags: ["json"],
    run: ({ nowMs }, database, [email]) => removeFactor(database, emailOf(email), nowMs),
  },
  "create-service": {
    words: 1,
    flags: ["scopes", "days", "token-prefix", "json"],
    run: ({ nowMs }, database, [name], flags) =>
      createService(database, serviceOf(name), tokenOf(flags), nowMs),
  },
  "create-token": {
    words: 1,
    flags: ["scopes", "days", "token-prefix", "json"],
    run: ({ nowMs }, database, [name], flags) =>
      createServiceToken(database, serviceOf(name), tokenOf(flags), nowMs),
  },
  "set-role": {
    words: 2,
    flags: ["json"],
    run: ({ nowMs }, database, [email, role]) =>
      setRole(database, emailOf(email), roleOf(role), nowMs),
  },
  "set-metadata": {
    words: 2,
    flags: ["json"],
    run: ({ nowMs }, database, [email, metadata]) =>
      setMetadata(database, emailOf(email), metadataOf(metadata), nowMs),
  },
  list: {
    words: 0,
    flags: ["limit", "cursor", "json"],
    run: (_, database, __, { limit, cursor = "" }) => listUsers(database, limitOf(limit), cursor),
  },
};

/** Not a secret: arguments stay in the shell's history. @throws UsageError */
function idOf(given = ""): string {
  const id = given.toLowerCase();
  if (!UUID.test(id)) throw new UsageError("The id is a UUID, as show prints it.");
  return id;
}

/** @throws UsageError */
function limitOf(limit = "50"): number {
  if (!/^[1-9]\d{0,3}$/.test(limit)) throw new UsageError("--limit is a number up to 9999.");
  return Number(limit);
}

/** @returns the exit code */
export function users(args: readonly string[], given: CliContext): Promise<number> {
  // Strangers choose what is printed here (names, emails): none of it may control the terminal.
  const context = {
    ...given,
    write: (line: string) => given.write(printable(line)),
    progress: (line: string) => given.progress(printable(line)),
    writeError: (line: string) => given.writeError(printable(line)),
  };
  const { write, writeError } = context;
  return runCommand("users", { args, flags: OPTIONS, writeError }, async () => {
    const { values, positionals } = parsedArguments(args, OPTIONS);
    if (values.help || args.length === 0) {
      write(HELP);
      return 0;
    }
    const [name = "", ...words] = positionals;
    const { remote, "persist-to": persistTo, env, config, help: _, ...flags } = values;
    const command = commandOf(name, words, flags);
    const database = context.database(targetOf({ remote, "persist-to": persistTo, env, config }));
    const { lines, json } = await command.run(context, database, words, flags);
    if (flags.json) write(JSON.stringify(json));
    else for (const line of lines) write(line);
    return 0;
  });
}

/** @throws UsageError */
function commandOf(name: string, words: readonly string[], flags: Flags): Command {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new UsageError(`Unknown command: ${name}.`);
  if (command.words === "emails" && words.length === 0 && !flags.stdin) {
    throw new UsageError(`${name} needs one or more emails, or --stdin.`);
  }
  const counts = command.words === "emails" ? [words.length] : [command.words].flat();
  if (!counts.includes(words.length)) {
    throw new UsageError(
      `${name} takes ${counts.join(" or ")} words after it, not ${words.length}.`,
    );
  }
  const stray = Object.keys(flags).find((flag) => !command.flags.some((each) => each === flag));
  if (stray !== undefined) throw new UsageError(`${name} takes no --${stray}.`);
  return command;
}

/** @throws UsageError */
function importOptions({ from, fix = "", metadata = "", "dry-run": dryRun }: Flags): ImportOptions {
  const format = FORMATS.find((each) => each === from) ?? null;
  if (from !== undefined && format === null) {
    throw new UsageError(`--from is one of ${FORMATS.join(", ")}.`);
  }
  if (format === null && fix + metadata !== "") {
    throw new UsageError(
      "--fix and --metadata need --from: lines of our own form are fixed by hand.",
    );
  }
  const listed = (text: string) => text.split(",").filter(Boolean);
  const all = Object.keys(FIXES) as Fix[];
  const fixes = fix === "all" ? all : all.filter((each) => listed(fix).includes(each));
  if (fix !== "all" && fixes.length !== new Set(listed(fix)).size) {
    throw new UsageError(`--fix takes ${all.join(", ")}, or all.`);
  }
  return { format, fixes: new Set(fixes), metadata: listed(metadata), isDryRun: dryRun === true };
}

/** The start of a day within the longest life of an API token. @throws UsageError */
function untilOf(until = "", nowMs: number): number {
  const ms = /^\d{4}-\d\d-\d\d$/.test(until) ? Date.parse(until) : Number.NaN;
  if (ms > nowMs && ms <= nowMs + LONGEST_DAYS * 86_400_000) return ms;
  throw new UsageError(`--until is a day such as 2027-03-01, within ${LONGEST_DAYS} days.`);
}

/** The emails of the command line, and with --stdin one per line. */
async function emailsOf(
  { stdin }: CliContext,
  words: readonly string[],
  flags: Flags,
): Promise<string[]> {
  const lines = flags.stdin ? (await stdin()).split("\n") : [];
  const emails = [...words, ...lines].filter((line) => line.trim() !== "");
  return [...new Set(emails.map((each) => emailOf(each)))];
}

const SERVICE = /^service:[a-z0-9][a-z0-9-]{0,62}$/;

/** By its name, or as the other commands have it. @throws UsageError */
function serviceOf(given = ""): string {
  const email = given.startsWith("service:") ? given : serviceEmail(given);
  if (SERVICE.test(email)) return email;
  throw new UsageError("A service's name is 1 to 63 of a to z, 0 to 9 and -.");
}

/** @throws UsageError */
function tokenOf(flags: Flags): ServiceToken {
  const {
    scopes = "introspect",
    days = String(LONGEST_DAYS),
    "token-prefix": prefix = "lk",
  } = flags;
  if (!/^[a-z][a-z0-9]{1,15}$/.test(prefix))
    throw new UsageError("--token-prefix is one of TOKEN_PREFIX.");
  const names = scopes.split(",");
  // RFC 6749 section 3.3. Whether a deployment has the scope is known only to its Worker.
  if (!names.every((name) => /^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/.test(name))) {
    throw new UsageError("--scopes are names with commas between.");
  }
  if (!/^[1-9]\d{0,2}$/.test(days) || Number(days) > LONGEST_DAYS) {
    throw new UsageError(`--days is a number from 1 to ${LONGEST_DAYS}.`);
  }
  return { scopes: [...new Set(names)], days: Number(days), prefix };
}

/** In its normal form; or the name of a service account. @throws UsageError */
function emailOf(
  given: string | undefined,
  schema: v.GenericSchema<string, string> = knownEmail,
): string {
  if (schema === knownEmail && given?.startsWith("service:")) return serviceOf(given);
  const result = v.safeParse(schema, given);
  if (!result.success) throw new UsageError(`The email ${result.issues[0].message}.`);
  return result.output;
}

/** As it is stored. @throws UsageError */
function metadataOf(given = ""): string {
  try {
    const value: unknown = JSON.parse(given);
    const text = JSON.stringify(value);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (isObject && Buffer.byteLength(text) <= METADATA_MAX) return text;
  } catch {
    // Said below.
  }
  throw new UsageError(`The metadata is a JSON object of at most ${METADATA_MAX} bytes.`);
}

function roleOf(given: string | undefined): Role {
  if (given === "User" || given === "Admin") return given;
  throw new UsageError("The role is User or Admin.");
}

/** @returns the exit code */
export function command(args: readonly string[]): Promise<number> {
  const { signal: stop } = stopSignal();
  const { stdout } = process;
  const clear = () => {
    if (stdout.isTTY) stdout.write("\r\x1b[2K");
  };
  const write = (line: string) => {
    clear();
    console.log(line);
  };
  return users(args, {
    nowMs: Date.now(),
    write,
    progress(line) {
      clear();
      stdout.write(stdout.isTTY ? line : `${line}\n`);
    },
    writeError(line) {
      clear();
      console.error(line);
    },
    stdin: () => text(process.stdin),
    stop,
    database: (target) => openDatabase(target, stop, write),
  });
}
