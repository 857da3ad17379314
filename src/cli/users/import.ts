import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { storedText } from "../../core/text.ts";
import { METADATA_MAX } from "../../core/user.ts";
import { readImportedHash } from "../../crypto/imported-hash.ts";
import { profileOrNull, SignUp } from "../../surfaces/rest/fields.ts";
import { CliError } from "../cli-error.ts";
import type { D1 } from "../database.ts";
import { audited, insertion, literalId, type NewUser } from "./accounts.ts";
import { type Format, type Given, givenIn, type Row } from "./import-formats.ts";

/** Matches no password: the user has to reset it. */
const NO_PASSWORD = "!";

const DATE_TIME = "must be a date and time as 2021-05-04T12:00:00Z";
const BOOLEAN = "must be true or false";

const passwordHash = v.nullable(
  v.pipe(
    v.string("must be a string, or null for none"),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const hash = readImportedHash(dataset.value);
      if ("wrong" in hash) addIssue({ message: hash.wrong });
    }),
  ),
);

const createdOn = v.pipe(
  v.string(DATE_TIME),
  v.isoTimestamp(DATE_TIME),
  v.transform((text) => Date.parse(text)),
  v.check((ms) => Number.isSafeInteger(ms), DATE_TIME),
);

const EXTERNAL_ID = "must be text of 1 to 128 characters, or a whole number";

const externalId = v.union(
  [
    v.pipe(
      v.string(),
      v.check((text) => storedText(text) === text && text !== "" && text.length <= 128),
    ),
    v.pipe(v.number(), v.safeInteger()),
  ],
  EXTERNAL_ID,
);

const METADATA = `must be a JSON object of at most ${METADATA_MAX} bytes`;

const Line = v.strictObject(
  {
    id: v.optional(
      v.pipe(
        v.string("must be a UUID"),
        v.uuid("must be a UUID"),
        v.transform((id) => id.toLowerCase()),
      ),
    ),
    external_id: v.optional(externalId),
    email: SignUp.entries.email,
    password_hash: passwordHash,
    ...profileOrNull,
    role: v.optional(v.picklist(["User", "Admin"], "must be User or Admin"), "User"),
    email_verified: v.optional(v.boolean(BOOLEAN), false),
    created_on: v.optional(createdOn),
    disabled: v.optional(v.boolean(BOOLEAN), false),
    metadata: v.optional(
      v.pipe(
        v.record(v.string(), v.unknown(), METADATA),
        v.transform((metadata) => JSON.stringify(metadata)),
        v.check((text) => Buffer.byteLength(text) <= METADATA_MAX, METADATA),
      ),
    ),
  },
  (issue) => (issue.expected === "never" ? "is not known" : "must be an object"),
);

/** What `--fix` does with a value that cannot be taken, by the member; `twin` is an email that comes again. */
export const FIXES = {
  email: "the account is left out",
  twin: "the account is left out",
  password_hash: "imported without a password",
  first_name: "cut after 24 characters",
  last_name: "cut after 24 characters",
  gender: "left out",
  phone_number: "left out",
  dob: "left out",
} as const;

export type Fix = keyof typeof FIXES;

const isFix = (text: string): text is Fix => Object.hasOwn(FIXES, text);

interface ImportedUser {
  readonly at: string;
  readonly user: NewUser;
}

interface Accounts {
  readonly users: readonly ImportedUser[];
  readonly errors: readonly string[];
  /** What was done by `--fix`, a line each. */
  readonly fixed: readonly string[];
  /** Which of `--fix` would make the errors go; null where some stay. */
  readonly wanted: ReadonlySet<Fix> | null;
}

/** One JSON object per line. */
function lines(text: string): Given[] {
  const all = text.replace(/^\uFEFF/, "").split("\n");
  return all.flatMap((content, index) =>
    content.trim() === "" ? [] : [{ at: `line ${index + 1}`, fields: content, raw: {} }],
  );
}

const Json = v.pipe(v.string(), v.parseJson(undefined, "is not JSON"), Line);

/** The rest of a value that is fixed; undefined for none. */
function remainder(member: Fix, value: unknown): unknown {
  if (member === "password_hash") return null;
  if (member !== "first_name" && member !== "last_name") return undefined;
  const text = typeof value === "string" ? storedText(value) : null;
  return text ? [...text].slice(0, 24).join("").trim() : undefined;
}

/** The account of each line, and all errors, which quote no values. */
export const readLines = (text: string, nowMs: number) => accountsOf(lines(text), new Set(), nowMs);

/** The account of each, and all errors, which quote no values. */
export function accountsOf(
  all: readonly Given[],
  fixes: ReadonlySet<Fix>,
  nowMs: number,
  metadata: readonly string[] = [],
): Accounts {
  const users: ImportedUser[] = [];
  const errors: string[] = [];
  const fixed: string[] = [];
  const wanted = new Set<Fix>();
  let isFixable = true;
  const firstWith = new Map<string, string>();

  /** @returns whether `--fix` takes care of it */
  function problem(at: string, member: string, says: string): boolean {
    if (isFix(member) && fixes.has(member)) {
      fixed.push(`${at}: ${says}; ${FIXES[member]}`);
      return true;
    }
    errors.push(`${at}: ${says}`);
    if (isFix(member)) wanted.add(member);
    else isFixable = false;
    return false;
  }

  function parsed({ at, fields, raw }: Given): v.InferOutput<typeof Line> | null {
    if (typeof fields === "string") {
      const { success, output, issues } = v.safeParse(Json, fields);
      if (success) return output;
      for (const issue of issues) problem(at, String(issue.path?.[0]?.key), saysOf(issue));
      return null;
    }
    const picked = Object.fromEntries(
      metadata.filter((name) => name in raw).map((name) => [name, raw[name]]),
    );
    const given: Row = {
      ...(fields as Row),
      ...(metadata.length > 0 && { metadata: picked }),
    };
    const first = v.safeParse(Line, given);
    if (first.success) return first.output;
    const bad = new Map(first.issues.map((issue) => [String(issue.path?.[0]?.key), issue]));
    const areFixed = [...bad].map(([member, issue]) => problem(at, member, saysOf(issue)));
    if (areFixed.includes(false) || bad.has("email")) return null;
    const rest = [...bad.keys()].map((name) => [
      name,
      isFix(name) ? remainder(name, given[name]) : undefined,
    ]);
    return v.parse(Line, { ...given, ...Object.fromEntries(rest) });
  }

  for (const each of all) {
    const { at } = each;
    const line = parsed(each);
    if (line === null) continue;
    const { password_hash, email_verified, disabled, created_on = nowMs, ...fields } = line;
    const { id = crypto.randomUUID(), external_id, metadata: facts, ...others } = fields;
    const known = [line.id, external_id]
      .filter((name) => name !== undefined)
      .map((name) => JSON.stringify(name));
    const twin = firstWith.get(fields.email);
    if (twin !== undefined) {
      problem(at, "twin", `email is the same as in ${twin}`);
      continue;
    }
    const other = known.map((name) => firstWith.get(name)).find((place) => place !== undefined);
    if (other !== undefined) {
      problem(at, "id", `id is the same as in ${other}`);
      continue;
    }
    for (const name of [fields.email, ...known]) firstWith.set(name, at);
    users.push({
      at,
      user: {
        ...others,
        id,
        password: password_hash ?? NO_PASSWORD,
        created_on,
        modified_on: nowMs,
        verified_on: email_verified ? nowMs : null,
        ...(external_id !== undefined && { external_id: JSON.stringify(external_id) }),
        ...(facts !== undefined && { metadata: facts }),
        ...(disabled && { disabled_on: nowMs }),
      },
    });
  }
  return { users, errors, fixed, wanted: isFixable ? wanted : null };
}

function saysOf(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  const missing = issue.kind === "schema" && issue.received === "undefined";
  return `${path ? `${path} ` : ""}${missing ? "is missing" : issue.message}`;
}

/** Accounts per transaction, and per start of wrangler for a remote database, which takes as long as some thousand. */
const BATCH = 20_000;

/** Bytes of values per statement: D1 takes 100,000, and each statement costs time of its own. */
const STATEMENT = 90_000;

export interface Output {
  readonly write: (line: string) => void;
  /** A line that the next one replaces in a terminal. */
  readonly progress: (line: string) => void;
  readonly writeError: (line: string) => void;
}

export interface ImportOptions {
  /** Null for lines of our own form. */
  readonly format: Format | null;
  readonly fixes: ReadonlySet<Fix>;
  /** Members of the other system that become the account's metadata. */
  readonly metadata: readonly string[];
  /** Says what would happen, and writes nothing. */
  readonly isDryRun: boolean;
}

/**
 * Imports the accounts in a file. Nothing is written unless each is valid, or made so by a fix. An email or id that
 * has an account is skipped, so that an interrupted run can be repeated.
 */
export async function importUsers(
  file: string,
  { format, fixes, metadata, isDryRun }: ImportOptions,
  database: D1,
  nowMs: number,
  { write, progress, writeError }: Output,
): Promise<void> {
  const text = await textOf(file);
  const given = format === null ? lines(text) : givenIn(text, format);
  const { users, errors, fixed, wanted } = accountsOf(given, fixes, nowMs, metadata);
  for (const each of fixed) write(each);
  for (const each of errors) writeError(each);
  if (isDryRun) for (const each of reportOn(users)) write(each);
  if (errors.length > 0) {
    const advice =
      wanted === null || wanted.size === 0 || format === null
        ? ""
        : `\nThe same with --fix ${[...fixes, ...wanted].join(",")} takes the others.`;
    throw new CliError(`Nothing was imported: ${errors.length} errors in ${file}.${advice}`);
  }
  if (isDryRun) return;
  let done = 0;
  let created = 0;
  const startedMs = Date.now();
  const status = () => {
    const rate = Math.round((done * 1000) / Math.max(Date.now() - startedMs, 1));
    return `${done} of ${users.length} accounts${done === 0 ? "" : `, ${rate}/s`}`;
  };
  try {
    progress(status());
    for (let at = 0; at < users.length; at += BATCH) {
      const batch = users.slice(at, at + BATCH);
      const imported = await importBatch(batch, database, nowMs);
      for (const { at, user } of batch.filter(({ user }) => !imported.has(user.id))) {
        write(`${at}: ${user.email} already has an account; skipped`);
      }
      done += batch.length;
      created += imported.size;
      progress(status());
    }
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    throw new CliError(
      `${error.message}\n${done} of ${users.length} accounts are done. Run it again to resume.`,
    );
  }
  write(`Imported ${created} accounts, skipped ${done - created}.`);
}

/** What `--dry-run` says of those that would be imported. */
function reportOn(users: readonly ImportedUser[]): string[] {
  const count = (is: (user: NewUser) => boolean) => users.filter(({ user }) => is(user)).length;
  return [
    `${users.length} accounts would be imported.`,
    `  ${count(({ password }) => password === NO_PASSWORD)} without a password, which they can reset by email`,
    `  ${count(({ verified_on }) => verified_on !== null)} with a verified email`,
    `  ${count(({ disabled_on }) => disabled_on !== undefined)} disabled`,
    `  ${count(({ external_id }) => external_id !== undefined)} with an external id`,
  ];
}

/** As many to a statement as fit. @param written as SQL, which is ASCII */
function chunked<T>(all: readonly T[], written: (each: T) => string): T[][] {
  const chunks: T[][] = [];
  let room = 0;
  for (const each of all) {
    const { length } = written(each);
    room -= length;
    if (room < 0) {
      chunks.push([]);
      room = STATEMENT - length;
    }
    chunks.at(-1)?.push(each);
  }
  return chunks;
}

const idsOf = (users: readonly NewUser[]) => users.map(({ id }) => literalId(id)).join(", ");

/**
 * @param nowMs when these were read, which tells them from accounts that had their ids before
 * @returns the ids that were imported; the others' emails or ids have an account already
 */
async function importBatch(
  batch: readonly ImportedUser[],
  database: D1,
  nowMs: number,
): Promise<ReadonlySet<string>> {
  const users = batch.map(({ user }) => user);
  const conditions = (some: readonly NewUser[]) =>
    chunked(some, (user) => `${idsOf([user])}, `).map(
      (these) => `id IN (${idsOf(these)}) AND modified_on = ${nowMs}`,
    );
  const disabled = users.filter(({ disabled_on }) => disabled_on !== undefined);
  await database.run([
    ...chunked(users, (user) => insertion([user])).map(insertion),
    ...conditions(users).flatMap((areThey) => audited("user.created", areThey, Date.now())),
    ...conditions(disabled).flatMap((areThey) => audited("user.disabled", areThey, Date.now())),
  ]);
  const rows = await database.query(
    conditions(users)
      .map((areThey) => `SELECT id FROM users WHERE ${areThey}`)
      .join(";\n"),
    v.object({ id: v.string() }),
  );
  return new Set(rows.map(({ id }) => id));
}

export async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : "it is not text";
    throw new CliError(`Cannot read ${file}: ${why}`);
  }
}
