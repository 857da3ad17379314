import sql from "sql-template-tag";
import { hintOf, TTL_SECONDS } from "../../core/token.ts";
import { uuid } from "../../core/uuid.ts";
import { createSecrets } from "../../crypto/secrets.ts";
import { deleting, erasePersonalData } from "../../storage/operations.ts";
import { CliError } from "../cli-error.ts";
import type { D1 } from "../database.ts";
import {
  asText,
  audited,
  enqueueTombstones,
  find,
  insertion,
  iso,
  literal,
  literalId,
  type Told,
} from "./accounts.ts";

/** What stands in the place of its email: no email has this form, so no one can log in or sign up with it. */
export const serviceEmail = (name: string): string => `service:${name}`;

export interface ServiceToken {
  readonly scopes: readonly string[];
  readonly days: number;
  /** Of the deployment's API tokens: the first of TOKEN_PREFIX. */
  readonly prefix: string;
}

export const LONGEST_DAYS = TTL_SECONDS.api.max / 86_400;

const DAY_MS = 86_400_000;

/** An account without a log-in of any kind, for a program. @returns its first API token, shown once */
export async function createService(
  database: D1,
  email: string,
  token: ServiceToken,
  nowMs: number,
): Promise<Told> {
  const id = crypto.randomUUID();
  const times = { created_on: nowMs, modified_on: nowMs, verified_on: null };
  const row = { id, kind: "service", email, password: "", role: "User" as const, ...times };
  await database.run([
    insertion([row]),
    ...audited("user.created", `id = ${literalId(id)}`, nowMs),
  ]);
  if ((await find(database, email)).id !== id) throw new CliError(`${email} already exists.`);
  const { lines, json } = await createServiceToken(database, email, token, nowMs);
  return { lines: [`Created ${email}: ${id}`, ...lines], json };
}

/** Another API token of a service account, which depends on none of its others. */
export async function createServiceToken(
  database: D1,
  email: string,
  { scopes, days, prefix }: ServiceToken,
  nowMs: number,
): Promise<Told> {
  const owner = await find(database, email);
  if (owner.disabled_on !== null) throw new CliError(`${email} is disabled, so it gets no token.`);
  const { secret, id } = await createSecrets([prefix]).create("api");
  const expiresAtMs = nowMs + days * DAY_MS;
  const name = "created by an operator";
  const detail = { name, hint: hintOf(secret), scopes, metadata: {} };
  const isOwner = `id = ${literalId(owner.id)} AND kind = 'service' AND disabled_on IS NULL`;
  await database.run([
    `INSERT INTO tokens (id, kind, user_id, credential_version, api_token_version, created_at, modified_at,
      expires_at, detail)
      SELECT ${literalId(id)}, 'api', id, credential_version, api_token_version, ${literal(nowMs)}, ${literal(nowMs)},
        ${literal(expiresAtMs)}, ${literal(JSON.stringify(detail))} FROM users WHERE ${isOwner}`,
    ...audited("token.created", isOwner, nowMs, id),
  ]);
  const expires_on = iso(expiresAtMs);
  return {
    lines: [
      `API token (shown only once): ${secret}`,
      `It has ${scopes.join(", ")} and expires on ${expires_on?.slice(0, 10)}.`,
    ],
    json: { id: owner.id, email, token: secret, token_id: id, scopes, expires_on },
  };
}

/**
 * As its owner would: revokes all that the account has, and erases what is stored about it. Rows of actions' own
 * tables, which only the deployment's code names, are left to housekeeping.
 */
export async function deleteUser(database: D1, email: string, nowMs: number): Promise<Told> {
  const { id } = await find(database, email);
  const isIt = `id = ${literalId(id)}`;
  await database.run([
    enqueueTombstones("credential_version", `${isIt} AND deleted_on IS NULL`, nowMs),
    asText(deleting(sql`id = ${uuid(id)}`, nowMs)),
    enqueueTombstones("credential_version - 1", `${isIt} AND deleted_on IS NOT NULL`, nowMs),
    ...audited("user.deleted", `${isIt} AND deleted_on = ${literal(nowMs)}`, nowMs),
    ...erasePersonalData(id, []).map(asText),
  ]);
  return {
    lines: [
      `${email} is deleted: ${id}`,
      "Existing tokens stop working within REVOCATION_LAG_SECONDS (plus up to a minute if that is 60 or more).",
    ],
    json: { id, email, deleted: true },
  };
}
