import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { readImportedHash } from "../../crypto/imported-hash.ts";
import { profileOrNull, SignUp } from "../../surfaces/rest/fields.ts";
import { CliError } from "../cli-error.ts";
import type { D1 } from "../database.ts";
import { audited, insertion, literal, type NewUser } from "./accounts.ts";

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

const Line = v.strictObject(
  {
    email: SignUp.entries.email,
    password_hash: passwordHash,
    ...profileOrNull,
    role: v.optional(v.picklist(["User", "Admin"], "must be User or Admin"), "User"),
    email_verified: v.optional(v.boolean(BOOLEAN), false),
    created_on: v.optional(createdOn),
    disabled: v.optional(v.boolean(BOOLEAN), false),
  },
  (issue) => (issue.expected === "never" ? "is not known" : "must be an object"),
);

interface NumberedUser {
  readonly line: number;
  readonly user: NewUser;
}

/** The account of each line, and all errors, which quote no values. */
export function readLines(
  text: string,
  nowMs: number,
): { readonly users: readonly NumberedUser[]; readonly errors: readonly string[] } {
  const users: NumberedUser[] = [];
  const errors: string[] = [];
  const firstWith = new Map<string, number>();
  for (const [index, content] of text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .entries()) {
    if (content.trim() === "") continue;
    const line = index + 1;
    const parsed = v.safeParse(
      v.pipe(v.string(), v.parseJson(undefined, "is not JSON"), Line),
      content,
    );
    if (!parsed.success) {
      for (const issue of parsed.issues) {
        const path = v.getDotPath(issue);
        const missing = issue.kind === "schema" && issue.received === "undefined";
        errors.push(
          `line ${line}: ${path ? `${path} ` : ""}${missing ? "is missing" : issue.message}`,
        );
      }
      continue;
    }
    const {
      password_hash,
      email_verified,
      disabled,
      created_on = nowMs,
      ...fields
    } = parsed.output;
    const first = firstWith.get(fields.email);
    if (first !== undefined) {
      errors.push(`line ${line}: email is the same as in line ${first}`);
      continue;
    }
    firstWith.set(fields.email, line);
    users.push({
      line,
      user: {
        ...fields,
        id: crypto.randomUUID(),
        password: password_hash ?? NO_PASSWORD,
        created_on,
        modified_on: nowMs,
        verified_on: email_verified ? nowMs : null,
        ...(disabled && { disabled_on: nowMs }),
      },
    });
  }
  return { users, errors };
}

/** Accounts per file of statements: far below the limits of wrangler and D1, and some seconds of work. */
const BATCH = 1_000;

export interface Output {
  readonly write: (line: string) => void;
  /** A line that the next one replaces in a terminal. */
  readonly progress: (line: string) => void;
  readonly writeError: (line: string) => void;
}

/**
 * Imports the accounts in a file of JSON lines. Nothing is written unless every line is valid. An email that
 * has an account is skipped, so that an interrupted run can be repeated.
 */
export async function importUsers(
  file: string,
  database: D1,
  nowMs: number,
  { write, progress, writeError }: Output,
): Promise<void> {
  const { users, errors } = readLines(await textOf(file), nowMs);
  if (errors.length > 0) {
    for (const each of errors) writeError(each);
    throw new CliError(`Nothing was imported: ${errors.length} errors in ${file}.`);
  }
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
      const existing = await importBatch(batch, database);
      for (const { line, user } of batch.filter(({ user }) => !existing.has(user.id))) {
        write(`line ${line}: ${user.email} already has an account; skipped`);
      }
      done += batch.length;
      created += existing.size;
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

/** @returns the ids that exist now; the other emails have an account already */
async function importBatch(
  batch: readonly NumberedUser[],
  database: D1,
): Promise<ReadonlySet<string>> {
  const ids = batch.map(({ user }) => literal(user.id)).join(", ");
  await database.run([
    ...batch.map(({ user }) => insertion(user)),
    ...audited("user.created", `id IN (${ids})`, Date.now()),
    ...audited("user.disabled", `id IN (${ids}) AND disabled_on IS NOT NULL`, Date.now()),
  ]);
  const rows = await database.query(
    `SELECT id FROM users WHERE id IN (${ids})`,
    v.object({ id: v.string() }),
  );
  return new Set(rows.map(({ id }) => id));
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : "it is not text";
    throw new CliError(`Cannot read ${file}: ${why}`);
  }
}
