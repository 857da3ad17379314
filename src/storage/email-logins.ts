import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import {
  CODE_TRIES,
  type EmailLogin,
  type EmailLoginStore,
  type EraseUnproven,
  WRONG_CODES_A_DAY,
} from "../core/email-login.ts";
import type { StorageContext } from "./context.ts";
import { digestOf, flag, json, networkDigest } from "./d1.ts";
import { isKnownNetwork } from "./devices.ts";
import { carryUndo, hasTurn, takeTurn } from "./mail.ts";
import { USER_IS_ACTIVE } from "./revocation.ts";
import { hasSecondFactor, isFree, toUser, USER_COLUMNS, UserRow } from "./rows.ts";
import { uuid } from "../core/uuid.ts";

const DAY_MS = 86_400_000;

const nullable = v.nullable(v.string());
const Device = v.object({ browser: nullable, system: nullable, country: nullable, city: nullable });

const FoundRow = v.object({
  id: v.string(),
  asked_for: v.string(),
  asked_at: v.number(),
  device: v.pipe(json, Device),
});
const TriedRow = v.object({ is_right: flag });

/** Log-ins by email, in D1. */
export function createEmailLogins(
  context: StorageContext,
  eraseUnproven: EraseUnproven,
): EmailLoginStore {
  const { db, events, served } = context;

  /**
   * One that is neither spent nor expired, and its account, if the credentials it had then are still its own; an account
   * that came later began with version 0.
   */
  const usable = (where: Sql, nowMs: number): Sql =>
    // guard: email-login-is-usable-once
    sql`SELECT logins.id, logins.email AS asked_for, logins.created_at AS asked_at, logins.device, ${USER_COLUMNS}
      FROM email_logins AS logins LEFT JOIN users ON users.email = logins.email AND users.deleted_on IS NULL
      WHERE ${where} AND logins.used_at IS NULL AND logins.expires_at > ${nowMs}
        AND (users.id IS NULL AND logins.credential_version IS NULL OR ${USER_IS_ACTIVE}
          AND COALESCE(logins.credential_version, 0) = users.credential_version)`;

  return {
    async insert(login, mayCreate) {
      const { id, email, createdAtMs: nowMs, expiresAtMs } = login;
      const [address, from] = await Promise.all([digestOf(email), networkDigest(served.network())]);
      const account = sql`${USER_IS_ACTIVE} AND users.email = ${email}`;
      const hasAccount = sql`EXISTS (SELECT 1 FROM users WHERE ${account})`;
      const mayGet = mayCreate ? sql`(${hasAccount} OR ${isFree(email, "", nowMs)})` : hasAccount;
      const owner = sql`(SELECT users.id FROM users WHERE ${account})`;
      const who = { userId: owner, actorId: null, credentialId: null, subjectId: id };
      const { inserted } = await db.batch({
        turn: takeTurn(
          { address, by: id, onlyIf: mayGet, nowMs },
          isKnownNetwork(sql`(SELECT id FROM users WHERE ${account})`, from, nowMs),
        ),
        // guard: email-login-has-a-turn
        inserted: sql`INSERT INTO email_logins (id, challenge, code, email, address, credential_version, device,
            created_at, expires_at)
          SELECT ${uuid(id)}, ${uuid(login.challengeId)}, ${login.codeDigest}, ${email}, ${address},
            (SELECT credential_version FROM users WHERE ${account}), ${JSON.stringify(login.device)}, ${nowMs}, ${expiresAtMs}
          WHERE ${hasTurn(address, id)} RETURNING id`,
        event: events.where(
          { what: "mail.issued", ...who },
          sql`FROM users WHERE changes() > 0 AND ${account}`,
          nowMs,
        ),
      });
      return inserted.length > 0;
    },

    async find(id, nowMs) {
      const row = await db.first(usable(sql`logins.id = ${uuid(id)}`, nowMs), v.looseObject({}));
      return row === null ? null : loginOf(row);
    },

    async tryCode(challengeId, codeDigest, nowMs) {
      const isIt = sql`email_logins.challenge = ${uuid(challengeId)}`;
      const recent = sql`json_each(mails.wrong_codes) WHERE value > ${nowMs - DAY_MS}`;
      const isOpen = sql`COALESCE((SELECT (SELECT COUNT(*) FROM ${recent}) FROM mails
        WHERE mails.id = email_logins.address), 0) < ${WRONG_CODES_A_DAY}`;
      const wrong = sql`SELECT address FROM email_logins WHERE ${isIt} AND code <> ${codeDigest}`;
      const { tried, found, owner } = await db.batch({
        // guard: code-tries-are-limited
        tried: sql`UPDATE email_logins SET tries = tries + 1
          WHERE ${isIt} AND used_at IS NULL AND expires_at > ${nowMs} AND tries < ${CODE_TRIES} AND ${isOpen}
          RETURNING code = ${codeDigest} AS is_right`,
        counted: sql`UPDATE mails SET wrong_codes = (SELECT json_group_array(value) FROM (SELECT value FROM ${recent}
            UNION ALL SELECT ${nowMs})) WHERE changes() > 0 AND id IN (${wrong})`,
        found: usable(
          sql`logins.challenge = ${uuid(challengeId)} AND logins.code = ${codeDigest}`,
          nowMs,
        ),
        owner: sql`SELECT users.id FROM email_logins JOIN users ON users.email = email_logins.email
          WHERE ${isIt} AND ${USER_IS_ACTIVE}`,
      });
      const isRight = tried[0] !== undefined && v.parse(TriedRow, tried[0]).is_right;
      const [row] = found;
      return {
        login: isRight && row !== undefined ? loginOf(row) : null,
        userId: owner[0] === undefined ? null : v.parse(v.object({ id: v.string() }), owner[0]).id,
      };
    },

    async spending({ id, email, user }, newUserId, nowMs) {
      const userId = user?.id ?? newUserId;
      const by = crypto.randomUUID();
      const won = sql`EXISTS (SELECT 1 FROM email_logins WHERE id = ${uuid(id)} AND used_by = ${uuid(by)})`;
      const isUnproven = user !== null && user.emailVerifiedAtMs === null;
      const hasFactor = !isUnproven && user?.hasSecondFactor === true;
      // One that was turned on meanwhile must be asked for: nothing is spent then, and the next try asks.
      // guard: new-second-factor-is-asked-for
      const noNewFactor =
        isUnproven || hasFactor ? sql`TRUE` : sql`NOT ${hasSecondFactor(sql`users.id`)}`;
      const isAsFound =
        user === null
          ? isFree(email, "", nowMs)
          : sql`EXISTS (SELECT 1 FROM users WHERE users.id = ${uuid(userId)} AND users.email = ${email} AND ${USER_IS_ACTIVE}
              AND users.credential_version = ${user.credentialVersion} AND users.verified_on IS ${user.emailVerifiedAtMs}
              AND ${noNewFactor})`;
      const who = { userId, actorId: userId, credentialId: null, subjectId: null };
      return {
        id: userId,
        credentialVersion: (user?.credentialVersion ?? 0) + (isUnproven ? 1 : 0),
        hasSecondFactor: hasFactor,
        writes: [
          // guard: email-login-is-spent-once
          sql`UPDATE email_logins SET used_at = ${nowMs}, used_by = ${uuid(by)}
            WHERE id = ${uuid(id)} AND used_at IS NULL AND expires_at > ${nowMs} AND ${isAsFound}`,
          ...(user === null
            ? [
                sql`INSERT INTO users (id, email, password, created_on, modified_on, verified_on, email_login_at)
                  SELECT ${uuid(userId)}, ${email}, '', ${nowMs}, ${nowMs}, ${nowMs}, ${nowMs} WHERE ${won}`,
                ...events.after({ what: "user.created", ...who }, nowMs),
              ]
            : []),
          // guard: unproven-account-is-taken-over
          ...(isUnproven ? eraseUnproven(userId, nowMs, won) : []),
          ...(user === null
            ? []
            : [
                sql`UPDATE users SET email_login_at = ${nowMs} WHERE id = ${uuid(userId)} AND ${won}`,
              ]),
          ...(isUnproven
            ? [
                ...events.after({ what: "email.verified", ...who }, nowMs),
                ...[carryUndo(userId, won)].flat(),
              ]
            : []),
        ],
        won,
        revokesCredentials: isUnproven,
      };
    },
  };
}

function loginOf(row: unknown): EmailLogin {
  const { id, asked_for, asked_at, device } = v.parse(FoundRow, row);
  const { user_id } = v.parse(v.looseObject({ user_id: nullable }), row);
  return {
    id,
    email: asked_for,
    user: user_id === null ? null : toUser(v.parse(UserRow, row)),
    device,
    createdAtMs: asked_at,
  };
}
