import { argon2Sync, randomBytes } from "node:crypto";
import type { Sql } from "sql-template-tag";
import * as v from "valibot";
import { EVENT_KINDS } from "../../core/events.ts";
import { LONGEST_LIFE_SECONDS } from "../../core/token.ts";
import type { profileToRow, Role } from "../../core/user.ts";
import { idAsText, uuid } from "../../core/uuid.ts";
import { isCommonPassword } from "../../crypto/common-passwords.ts";
import { CURRENT_COST, formatPhc, SALT_BYTES, TAG_BYTES } from "../../crypto/phc.ts";
import { isOneOf, type OneByOne, revokingOne, whatIsRevoked } from "../../storage/operations.ts";
import { CliError } from "../cli-error.ts";
import type { D1 } from "../database.ts";

/** What means nothing in SQL: ids, hashes and most emails. */
const PLAIN = /^(?!.*--)[\w@.+$=/-]*$/;

/**
 * A value as an SQL literal, because `wrangler d1 execute` takes no parameters. Other text is written as the
 * hexadecimal of its UTF-8: only 0 to 9 and A to F reach the statement, so nothing in it can end the
 * literal, and wrangler, which splits a file into statements itself, finds nothing to split at.
 */
export function literal(value: string | number | null | Uint8Array): string {
  if (value === null) return "NULL";
  if (value instanceof Uint8Array) return `X'${Buffer.from(value).toString("hex").toUpperCase()}'`;
  if (typeof value === "string") {
    if (PLAIN.test(value)) return `'${value}'`;
    return `CAST(X'${Buffer.from(value, "utf8").toString("hex").toUpperCase()}' AS TEXT)`;
  }
  if (!Number.isSafeInteger(value)) throw new Error("only integers go into the database");
  return String(value);
}

/** The service's own statement, with its values as literals. */
export const asText = ({ strings, values }: Sql): string =>
  strings.reduce(
    (text, next, index) => `${text}${literal(v.parse(Value, values[index - 1]))}${next}`,
  );

const Value = v.nullable(v.union([v.string(), v.number(), v.instance(Uint8Array)]));

/** The same for an id, which the database has as 16 bytes. Another text stays one, which no id equals. */
export const literalId = (id: string | null): string => literal(uuid(id));

/** What a command says: lines for people, and with --json one value for programs. */
export interface Told {
  readonly lines: readonly string[];
  readonly json: unknown;
}

/** What one log-in or token that is revoked is, in an event. */
const REVOKED = ["session.revoked", "jwt.revoked", "token.revoked", "action.revoked"] as const;

/** Events of `core/events.ts` that an operator causes. */
type OperatorEvent =
  | (typeof REVOKED)[number]
  | "account.viewed"
  | "credentials.revoked"
  | "mail.issued"
  | "user.created"
  | "user.disabled"
  | "user.enabled"
  | "user.deleted"
  | "role.changed"
  | "metadata.changed"
  | "second_factor.removed"
  | "token.created";

/** A UUIDv7 (RFC 9562 section 5.7) but for its last 12 digits, so that a user's events sort by time. */
function timeOrdered(nowMs: number): string {
  const time = nowMs.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15, 24)}`;
}

/**
 * Writes the event of an operator's change. An operator is no user, so it has no actor and no address. Receivers of
 * events are those for which the cron trigger keeps its place.
 * @param changed a condition that holds for the rows of `users` changed in this run, and for no others
 */
export function audited(
  what: OperatorEvent,
  changed: string,
  nowMs: number,
  subject: string | null = null,
): string[] {
  const start = timeOrdered(nowMs);
  return [
    `INSERT INTO events (user_id, id, kind, done_by, subject)
      SELECT id, unhex(${literal(start)} || hex(randomblob(6)), '-'), ${EVENT_KINDS[what][0]}, 2, ${literalId(subject)}
      FROM users WHERE ${changed}`,
    queued(
      `(SELECT substr(task, 9) AS receiver, user_id, id AS event_id FROM housekeeping JOIN events
        ON id BETWEEN ${literalId(`${start}000000000000`)} AND ${literalId(`${start}ffffffffffff`)} AND user_id IN (SELECT id FROM users WHERE ${changed})
        WHERE task IN ('deliver:handler', 'deliver:webhook'))`,
      nowMs,
    ),
  ];
}

/** Queues events behind those of their users that wait. @param these a query for receiver, user_id and event_id */
export const queued = (these: string, nowMs: number) =>
  `INSERT INTO deliveries (receiver, user_id, position, event_id, queued_at, due_at)
    SELECT these.receiver, these.user_id, ROW_NUMBER() OVER (PARTITION BY these.receiver, these.user_id ORDER BY these.event_id)
        + COALESCE((SELECT MAX(position) FROM deliveries AS d WHERE d.receiver = these.receiver
          AND d.user_id = these.user_id), 0),
      these.event_id, ${literal(nowMs)}, ${literal(nowMs)} FROM ${these} AS these`;

/** A new row of `users`. */
export interface NewUser extends Partial<ReturnType<typeof profileToRow>> {
  readonly id: string;
  readonly kind?: string;
  readonly email: string;
  readonly password: string;
  readonly role: Role;
  readonly created_on: number;
  readonly modified_on: number;
  readonly verified_on: number | null;
  readonly disabled_on?: number;
  /** As JSON. */
  readonly external_id?: string;
  readonly metadata?: string;
}

const literalOf = (name: string, value: string | number | null) =>
  name === "id" && typeof value === "string" ? literalId(value) : literal(value);

/** Leaves out those whose email, id or external id has an account. */
export function insertion(users: readonly NewUser[]): string {
  const names = [...new Set(users.flatMap((user) => Object.keys(user)))];
  const defaults: Readonly<Record<string, string>> = { kind: "person", metadata: "{}" };
  const values = users.map((user) => {
    const given = new Map<string, string | number | null>(Object.entries(user));
    return `(${names.map((name) => literalOf(name, given.get(name) ?? defaults[name] ?? null)).join(", ")})`;
  });
  return `INSERT INTO users (${names.join(", ")}) VALUES ${values.join(",\n")} ON CONFLICT DO NOTHING`;
}

/** 120 bits, base64url. */
function newPassword(): string {
  return randomBytes(15).toString("base64url");
}

/** @throws CliError for a password that sign-up would refuse too */
function checkPassword(password: string): void {
  const { length } = [...password];
  if (length < 8 || length > 255) throw new CliError("The password must have 8 to 255 characters.");
  if (password.trim() === "") throw new CliError("The password can't be only spaces.");
  if (isCommonPassword(password))
    throw new CliError("This password is too common. Choose another one.");
}

/** As the service hashes, so that the first log-in has nothing to replace. */
function hashed(password: string): string {
  const salt = randomBytes(SALT_BYTES);
  const tag = argon2Sync("argon2id", {
    message: password,
    nonce: salt,
    memory: CURRENT_COST.memoryKiB,
    passes: CURRENT_COST.passes,
    parallelism: 1,
    tagLength: TAG_BYTES,
  });
  return formatPhc(CURRENT_COST, salt, tag);
}

const Row = v.object({
  id: v.string(),
  kind: v.picklist(["person", "service"]),
  email: v.string(),
  role: v.string(),
  credential_version: v.number(),
  created_on: v.number(),
  disabled_on: v.nullable(v.number()),
});

const COLUMNS = "id, kind, email, role, credential_version, created_on, disabled_on";
const isOf = (email: string) => areOf([email]);
const areOf = (emails: readonly string[]) =>
  `email IN (${emails.map(literal).join(", ")}) AND deleted_on IS NULL`;

export async function find(database: D1, email: string): Promise<v.InferOutput<typeof Row>> {
  const [row] = await database.query(`SELECT ${COLUMNS} FROM users WHERE ${isOf(email)}`, Row);
  return row ?? refuse(`${email} has no account.`);
}

function refuse(why: string): never {
  throw new CliError(why);
}

/** @param password null to generate one, which is shown once */
export async function addUser(
  database: D1,
  email: string,
  role: Role,
  password: string | null,
  nowMs: number,
): Promise<Told> {
  const given = password ?? newPassword();
  checkPassword(given);
  const id = crypto.randomUUID();
  await database.run([
    insertion([
      {
        id,
        email,
        password: hashed(given),
        role,
        created_on: nowMs,
        modified_on: nowMs,
        verified_on: null,
      },
    ]),
    ...audited("user.created", `id = ${literalId(id)}`, nowMs),
  ]);
  if ((await find(database, email)).id !== id) refuse(`${email} already has an account.`);
  const shown = password === null ? { password: given } : {};
  return {
    lines: [
      `Created ${email} (${role}): ${id}`,
      ...(password === null ? [`Password (shown only once): ${given}`] : []),
    ],
    json: { id, email, role, ...shown },
  };
}

/** Accounts per file of statements. */
const BATCH = 500;

/** @throws CliError naming the emails without an account, after the others are done */
async function inBatches(
  database: D1,
  emails: readonly string[],
  statementsFor: (areThey: string) => readonly string[],
): Promise<readonly v.InferOutput<typeof Row>[]> {
  const rows: v.InferOutput<typeof Row>[] = [];
  for (let at = 0; at < emails.length; at += BATCH) {
    const areThey = areOf(emails.slice(at, at + BATCH));
    await database.run(statementsFor(areThey));
    rows.push(...(await database.query(`SELECT ${COLUMNS} FROM users WHERE ${areThey}`, Row)));
  }
  const found = new Set(rows.map(({ email }) => email));
  const missing = emails.filter((email) => !found.has(email));
  if (missing.length === 0) return rows;
  const done = rows.length > 0 ? [`Done for the other ${rows.length}.`] : [];
  return refuse([...missing.map((email) => `${email} has no account.`), ...done].join("\n"));
}

/**
 * Everything that the account has issued or is logged in with; its ways to log in stay, and so does the link with
 * which a former email can be restored.
 */
export async function endAll(database: D1, email: string, nowMs: number): Promise<Told> {
  const { id, credential_version: version } = await find(database, email);
  const isIt = `id = ${literalId(id)} AND deleted_on IS NULL`;
  await database.run([
    enqueueTombstones("credential_version", isIt, nowMs),
    `UPDATE users SET credential_version = credential_version + 1, modified_on = ${literal(nowMs)}
      WHERE ${isIt} AND credential_version = ${literal(version)}`,
    `UPDATE tokens SET credential_version = ${literal(version + 1)} WHERE user_id = ${literalId(id)} AND kind = 'action'
      AND credential_version = ${literal(version)} AND revoked_at IS NULL AND uses < max_uses
      AND detail ->> '$.action' = 'undoEmailChange' AND EXISTS (SELECT 1 FROM users WHERE ${isIt}
        AND credential_version = ${literal(version + 1)})`,
    enqueueTombstones("credential_version - 1", isIt, nowMs),
    ...audited("credentials.revoked", isIt, nowMs),
  ]);
  return {
    lines: [
      `${email} is logged out everywhere, and all its tokens are revoked: ${id}`,
      "They can log in again: to stop that, disable the account. Existing tokens stop working within",
      "REVOCATION_LAG_SECONDS (plus up to a minute if that is 60 or more).",
    ],
    json: { id, email, revoked: true },
  };
}

/** One log-in, or one API or action token, by the id that `show` prints. */
export async function revokeOne(
  database: D1,
  email: string,
  kind: OneByOne,
  id: string,
  nowMs: number,
): Promise<Told> {
  const { id: userId } = await find(database, email);
  const which = isOneOf(kind, id, userId);
  const [found] = await database.query(
    `SELECT ${asText(whatIsRevoked(id))} AS what FROM tokens WHERE ${asText(which)}`,
    v.object({ what: v.picklist(REVOKED) }),
  );
  if (found === undefined) refuse(`${email} has no such ${kind === "login" ? "log-in" : "token"}.`);
  const isRevoked = `${asText(which)} AND revoked_at = ${literal(nowMs)}`;
  const untilMs = nowMs + LONGEST_LIFE_SECONDS * 1000;
  // Before, and not only after: if only this is run, too much is refused and never too little.
  const enqueue = `INSERT INTO pending_revocations (key, expires_at)
    SELECT 'revoked:' || ${idAsText("id")}, ${literal(untilMs)} FROM tokens WHERE ${asText(which)}
    ON CONFLICT (key) DO UPDATE SET expires_at = MAX(expires_at, excluded.expires_at)`;
  await database.run([
    enqueue,
    asText(revokingOne(which, nowMs)),
    ...audited(
      found.what,
      `id = ${literalId(userId)} AND EXISTS (SELECT 1 FROM tokens WHERE ${isRevoked})`,
      nowMs,
      id,
    ),
  ]);
  return {
    lines: [
      `Revoked for ${email}: ${id}`,
      "It stops working within REVOCATION_LAG_SECONDS (plus up to a minute if that is 60 or more).",
    ],
    json: { id, email, revoked: true },
  };
}

/** Tombstones for all that these users have of a credential version. Housekeeping writes them to KV. */
export function enqueueTombstones(version: string, areThey: string, nowMs: number): string {
  const untilMs = nowMs + LONGEST_LIFE_SECONDS * 1000;
  return `INSERT INTO pending_revocations (key, expires_at)
    SELECT 'revoked:' || ${idAsText("id")} || ':' || (${version}), ${literal(untilMs)} FROM users WHERE ${areThey}
    ON CONFLICT (key) DO UPDATE SET expires_at = MAX(expires_at, excluded.expires_at)`;
}

/**
 * The tombstone of the credential version is enqueued before the version is raised, and again after: if only
 * some statements are run, too much is refused and never too little. Housekeeping writes it to KV.
 */
export async function disableUsers(
  database: D1,
  emails: readonly string[],
  nowMs: number,
): Promise<Told> {
  const rows = await inBatches(database, emails, (areThey) => {
    const enqueue = (version: string, state: string) =>
      enqueueTombstones(version, `${areThey} AND disabled_on ${state}`, nowMs);
    return [
      enqueue("credential_version", "IS NULL"),
      `UPDATE users SET disabled_on = ${literal(nowMs)}, modified_on = ${literal(nowMs)}, credential_version = credential_version + 1,
          identities_revoked_on = ${literal(nowMs)}
        WHERE ${areThey} AND disabled_on IS NULL`,
      enqueue("credential_version - 1", "IS NOT NULL"),
      ...["identities", "passkeys"].map(
        (table) => `DELETE FROM ${table} WHERE user_id IN (SELECT id FROM users
        WHERE ${areThey} AND disabled_on IS NOT NULL)`,
      ),
      ...audited("user.disabled", `${areThey} AND disabled_on = ${literal(nowMs)}`, nowMs),
    ];
  });
  const enabled = rows.filter(({ disabled_on }) => disabled_on === null);
  if (enabled.length > 0) {
    const lines = enabled.map(
      ({ email }) => `${email} is not disabled: someone enabled it meanwhile.`,
    );
    refuse(lines.join("\n"));
  }
  return {
    lines: [
      ...rows.map(({ email, id }) => `${email} is disabled: ${id}`),
      "They can no longer log in or make changes. Existing tokens stop working within",
      "REVOCATION_LAG_SECONDS (plus up to a minute if that is 60 or more).",
    ],
    json: rows.map(({ email, id }) => ({ id, email, disabled: true })),
  };
}

export async function enableUsers(
  database: D1,
  emails: readonly string[],
  nowMs: number,
): Promise<Told> {
  const rows = await inBatches(database, emails, (areThey) => [
    `UPDATE users SET disabled_on = NULL, modified_on = ${literal(nowMs)}
      WHERE ${areThey} AND disabled_on IS NOT NULL`,
    ...audited(
      "user.enabled",
      `${areThey} AND disabled_on IS NULL AND modified_on = ${literal(nowMs)}`,
      nowMs,
    ),
  ]);
  return {
    lines: [
      ...rows.map(({ email, id }) => `${email} is enabled: ${id}`),
      "Revoked credentials stay revoked. They need to log in again.",
    ],
    json: rows.map(({ email, id }) => ({ id, email, disabled: false })),
  };
}

export async function setRole(
  database: D1,
  email: string,
  role: Role,
  nowMs: number,
): Promise<Told> {
  await database.run([
    `UPDATE users SET role = ${literal(role)}, modified_on = ${literal(nowMs)} WHERE ${isOf(email)}`,
    ...audited("role.changed", `${isOf(email)} AND modified_on = ${literal(nowMs)}`, nowMs),
  ]);
  const { id } = await find(database, email);
  return {
    lines: [
      `${email} is ${role}: ${id}`,
      "JWTs from GET /rest/auth keep the old role until they expire. To revoke them, disable and re-enable the account.",
    ],
    json: { id, email, role },
  };
}

/** @param metadata a JSON object, which replaces what there was */
export async function setMetadata(
  database: D1,
  email: string,
  metadata: string,
  nowMs: number,
): Promise<Told> {
  await database.run([
    `UPDATE users SET metadata = ${literal(metadata)}, modified_on = ${literal(nowMs)} WHERE ${isOf(email)}`,
    ...audited("metadata.changed", `${isOf(email)} AND modified_on = ${literal(nowMs)}`, nowMs),
  ]);
  const { id } = await find(database, email);
  return {
    lines: [
      `${email} has the metadata ${metadata}: ${id}`,
      "JWTs keep the claims that were made from the old metadata until they expire.",
    ],
    json: { id, email, metadata: JSON.parse(metadata) as unknown },
  };
}

/** For someone who has lost it: their first factor then opens the account alone. A proven email is told. */
export async function removeFactor(database: D1, email: string, nowMs: number): Promise<Told> {
  const { id } = await find(database, email);
  const own = `user_id = ${literalId(id)}`;
  const isOn = `EXISTS (SELECT 1 FROM second_factors WHERE ${own} AND confirmed_at IS NOT NULL)`;
  await database.run([
    ...audited("second_factor.removed", `id = ${literalId(id)} AND ${isOn}`, nowMs),
    // As `NoticeStatements.queue` does it: housekeeping sends it.
    `INSERT INTO notices (user_id, id, email, kind, at, due_at)
      SELECT id, unhex(${literal(timeOrdered(nowMs))} || hex(randomblob(6)), '-'), email, 'second_factor_removed', ${literal(nowMs)}, ${literal(nowMs)}
      FROM users WHERE id = ${literalId(id)} AND disabled_on IS NULL AND verified_on IS NOT NULL AND ${isOn}`,
    `DELETE FROM recovery_codes WHERE ${own}`,
    `DELETE FROM second_factors WHERE ${own}`,
  ]);
  return {
    lines: [
      `${email} has no second factor: ${id}`,
      "If their email is proven, and this deployment sends email, they are told within a minute. Otherwise tell them.",
    ],
    json: { id, email, second_factor: false },
  };
}

/** Sorted by email, after `cursor`. */
export async function listUsers(database: D1, limit: number, cursor: string): Promise<Told> {
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
  return {
    lines: [...lines, ...(last ? [`More results: add --cursor ${last.email}`] : [])],
    json: {
      users: page.map(({ id, kind, email, role, created_on, disabled_on }) => ({
        id,
        kind,
        email,
        role,
        created_on: iso(created_on),
        disabled_on: iso(disabled_on),
      })),
      next_cursor: last?.email ?? null,
    },
  };
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export const iso = (ms: number | null): string | null =>
  ms === null ? null : new Date(ms).toISOString();
