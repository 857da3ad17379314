import * as v from "valibot";
import { TOKEN_KINDS } from "../../core/token.ts";
import type { Role } from "../../core/user.ts";
import { audited } from "./audit.ts";
import type { D1 } from "./d1.ts";
import { checkPassword, hashed, newPassword } from "./hash.ts";
import { literal } from "./literal.ts";
import { insertion } from "./new-user.ts";
import { Refused } from "./refused.ts";

const Row = v.object({
  id: v.string(),
  email: v.string(),
  role: v.string(),
  created_on: v.number(),
  disabled_on: v.nullable(v.number()),
});

const COLUMNS = "id, email, role, created_on, disabled_on";
const isOf = (email: string) => areOf([email]);
const areOf = (emails: readonly string[]) =>
  `email IN (${emails.map(literal).join(", ")}) AND deleted_on IS NULL`;

async function find(database: D1, email: string): Promise<v.InferOutput<typeof Row>> {
  const [row] = await database.query(`SELECT ${COLUMNS} FROM users WHERE ${isOf(email)}`, Row);
  return row ?? refuse(`${email} has no account.`);
}

function refuse(why: string): never {
  throw new Refused(why);
}

/** @param password what was given, or null for one that is made here and shown once */
export async function addUser(
  database: D1,
  email: string,
  role: Role,
  password: string | null,
  nowMs: number,
): Promise<string[]> {
  const chosen = password ?? newPassword();
  checkPassword(chosen);
  const id = crypto.randomUUID();
  await database.run([
    insertion({
      id,
      email,
      password: hashed(chosen),
      role,
      first_name: null,
      last_name: null,
      phone_number: null,
      dob: null,
      gender: null,
      created_on: nowMs,
      modified_on: nowMs,
      verified_on: null,
    }),
    audited("user.created", `id = ${literal(id)}`, nowMs),
  ]);
  if ((await find(database, email)).id !== id) refuse(`${email} has an account already.`);
  return [
    `${email} has an account (${role}): ${id}`,
    ...(password === null ? [`Its password, shown this once: ${chosen}`] : []),
  ];
}

/** Accounts a file of statements. */
const PIECE = 500;

/** @returns what is wrong with some, which all others do not suffer from */
async function inPieces(
  database: D1,
  emails: readonly string[],
  statementsFor: (areThey: string) => readonly string[],
): Promise<readonly v.InferOutput<typeof Row>[]> {
  const rows: v.InferOutput<typeof Row>[] = [];
  for (let at = 0; at < emails.length; at += PIECE) {
    const areThey = areOf(emails.slice(at, at + PIECE));
    await database.run(statementsFor(areThey));
    rows.push(...(await database.query(`SELECT ${COLUMNS} FROM users WHERE ${areThey}`, Row)));
  }
  const found = new Set(rows.map(({ email }) => email));
  const missing = emails.filter((email) => !found.has(email));
  if (missing.length === 0) return rows;
  const done = rows.length > 0 ? [`${rows.length} others are done.`] : [];
  return refuse([...missing.map((email) => `${email} has no account.`), ...done].join("\n"));
}

/**
 * The mark that ends an credential version where KV answers is owed before the credential version is raised and again after:
 * if only some of the statements come through, the account is refused too much, never too little.
 * Housekeeping puts what is owed.
 */
export async function disableUsers(
  database: D1,
  emails: readonly string[],
  nowMs: number,
): Promise<string[]> {
  const untilMs = nowMs + TOKEN_KINDS.api.maxTtlSeconds * 1000;
  const rows = await inPieces(database, emails, (areThey) => {
    const owe = (credential_version: string, state: string) => `
      INSERT INTO pending_revocations (key, expires_at)
      SELECT 'revoked:' || id || ':' || (${credential_version}), ${literal(untilMs)} FROM users
      WHERE ${areThey} AND disabled_on ${state}
      ON CONFLICT (key) DO UPDATE SET expires_at = MAX(expires_at, excluded.expires_at)`;
    return [
      owe("credential_version", "IS NULL"),
      `UPDATE users SET disabled_on = ${literal(nowMs)}, modified_on = ${literal(nowMs)}, credential_version = credential_version + 1,
          identities_revoked_on = ${literal(nowMs)}
        WHERE ${areThey} AND disabled_on IS NULL`,
      owe("credential_version - 1", "IS NOT NULL"),
      `DELETE FROM identities WHERE user_id IN (SELECT id FROM users
        WHERE ${areThey} AND disabled_on IS NOT NULL)`,
      audited("user.disabled", `${areThey} AND disabled_on = ${literal(nowMs)}`, nowMs),
    ];
  });
  const enabled = rows.filter(({ disabled_on }) => disabled_on === null);
  if (enabled.length > 0) {
    const lines = enabled.map(
      ({ email }) => `${email} is not disabled: somebody enabled it meanwhile.`,
    );
    refuse(lines.join("\n"));
  }
  return [
    ...rows.map(({ email, id }) => `${email} is disabled: ${id}`),
    "Logging in is refused from now on, and whatever writes. What it holds is refused within",
    "REVOCATION_LAG_SECONDS; where that is 60 or more, within one more minute, in which the cron",
    "trigger tells KV.",
  ];
}

export async function enableUsers(
  database: D1,
  emails: readonly string[],
  nowMs: number,
): Promise<string[]> {
  const rows = await inPieces(database, emails, (areThey) => [
    `UPDATE users SET disabled_on = NULL, modified_on = ${literal(nowMs)}
      WHERE ${areThey} AND disabled_on IS NOT NULL`,
    audited(
      "user.enabled",
      `${areThey} AND disabled_on IS NULL AND modified_on = ${literal(nowMs)}`,
      nowMs,
    ),
  ]);
  return [
    ...rows.map(({ email, id }) => `${email} is enabled: ${id}`),
    "What was ended stays ended: they log in anew.",
  ];
}

export async function setRole(
  database: D1,
  email: string,
  role: Role,
  nowMs: number,
): Promise<string[]> {
  await database.run([
    `UPDATE users SET role = ${literal(role)}, modified_on = ${literal(nowMs)} WHERE ${isOf(email)}`,
    audited("role.changed", `${isOf(email)} AND modified_on = ${literal(nowMs)}`, nowMs),
  ]);
  const { id } = await find(database, email);
  return [
    `${email} is ${role}: ${id}`,
    "JWTs of GET /rest/auth say the role of their issue, for a day at the most. To end them: disable, enable.",
  ];
}

/** By e-mail, from after `cursor` on. */
export async function listUsers(database: D1, limit: number, cursor: string): Promise<string[]> {
  const rows = await database.query(
    `SELECT ${COLUMNS} FROM users WHERE deleted_on IS NULL AND email > ${literal(cursor)}
      ORDER BY email LIMIT ${literal(limit + 1)}`,
    Row,
  );
  const page = rows.slice(0, limit);
  const lines = page.map(({ id, email, role, created_on, disabled_on }) => {
    const state = disabled_on === null ? "" : `  disabled ${day(disabled_on)}`;
    return `${id}  ${role.padEnd(5)}  ${day(created_on)}  ${email}${state}`;
  });
  const last = rows.length > limit ? page.at(-1) : undefined;
  return [...lines, ...(last ? [`There are more: --cursor ${last.email}`] : [])];
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
