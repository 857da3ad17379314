import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { Passkey, PasskeyStore } from "../core/passkeys.ts";
import { PASSKEYS_MAX } from "../core/passkeys.ts";
import type { StorageContext } from "./context.ts";
import { digestId, digestOf, flag, json } from "./d1.ts";
import { hasAnotherWayIn } from "./identities.ts";
import { callerIsActive, USER_IS_ACTIVE } from "./revocation.ts";
import { toUser, USER_COLUMNS, UserRow } from "./rows.ts";
import { uuid } from "../core/uuid.ts";

const COLUMNS = sql`passkeys.id, passkeys.credential_id, passkeys.public_key, passkeys.name, passkeys.aaguid, passkeys.transports,
  passkeys.counter, passkeys.is_backup_eligible, passkeys.is_backed_up, passkeys.created_at, passkeys.used_at`;

const transports = v.pipe(json, v.array(v.string()));

const Row = v.object({
  id: v.string(),
  credential_id: v.string(),
  public_key: v.string(),
  name: v.string(),
  aaguid: v.nullable(v.string()),
  transports,
  counter: v.number(),
  is_backup_eligible: flag,
  is_backed_up: flag,
  created_at: v.number(),
  used_at: v.nullable(v.number()),
});

const toPasskey = (row: v.InferOutput<typeof Row>): Passkey => ({
  id: row.id,
  credentialId: row.credential_id,
  publicKey: row.public_key,
  name: row.name,
  aaguid: row.aaguid,
  transports: row.transports,
  counter: row.counter,
  isBackupEligible: row.is_backup_eligible,
  isBackedUp: row.is_backed_up,
  createdAtMs: row.created_at,
  lastUsedAtMs: row.used_at,
});

const OfEmail = v.object({
  decoys: v.string(),
  passkeys: v.pipe(
    json,
    v.array(v.object({ credentialId: v.string(), transports: v.array(v.string()) })),
  ),
});

const CallerState = v.object({ is_active: flag, is_there: flag });

export function createPasskeys({ db, events, notices, waysIn }: StorageContext): PasskeyStore {
  // guard: challenge-is-used-once
  const isUnused = (challengeId: string, expiresAtMs: number) =>
    sql`NOT EXISTS (SELECT 1 FROM used_challenges WHERE expires_at = ${expiresAtMs} AND id = ${challengeId})`;
  const isOwn = (id: string, userId: string) => sql`id = ${uuid(id)} AND user_id = ${uuid(userId)}`;
  const stateOf = (id: string, userId: string, isActive: Sql) =>
    sql`SELECT ${isActive} AS is_active, EXISTS (SELECT 1 FROM passkeys WHERE ${isOwn(id, userId)}) AS is_there`;

  async function list(userId: string, onlyIf = sql`TRUE`) {
    const rows = await db.all(
      sql`SELECT ${COLUMNS} FROM passkeys WHERE user_id = ${uuid(userId)} AND ${onlyIf} ORDER BY created_at DESC, id`,
      Row,
    );
    return rows.map(toPasskey);
  }

  return {
    list: (userId) => list(userId),

    // guard: unproven-passkeys-are-not-offered
    ofProven: (userId) =>
      list(
        userId,
        sql`EXISTS (SELECT 1 FROM users WHERE users.id = ${uuid(userId)} AND verified_on IS NOT NULL)`,
      ),

    async ofEmail(email) {
      const row = await db.first(
        sql`SELECT secret AS decoys, (SELECT json_group_array(json_object('credentialId', credential_id, 'transports', json(transports)))
          FROM users JOIN passkeys ON passkeys.user_id = users.id WHERE users.email = ${email} AND ${USER_IS_ACTIVE}) AS passkeys
          FROM decoys`,
        OfEmail,
      );
      if (row === null) throw new Error("the table decoys has no row");
      return row;
    },

    async find(credentialId, userId) {
      // Someone who was told the ID may have added it to their own account, but only after its owner had it.
      const row = await db.first(
        sql`SELECT ${COLUMNS}, ${USER_COLUMNS} FROM passkeys JOIN users ON users.id = passkeys.user_id
          WHERE credential_id = ${credentialId} AND user_id = ${userId === null ? sql`user_id` : uuid(userId)} AND ${USER_IS_ACTIVE}
          ORDER BY passkeys.created_at LIMIT 1`,
        v.object({ ...UserRow.entries, ...Row.entries }),
      );
      return row === null ? null : { passkey: toPasskey(row), user: toUser(row) };
    },

    async insert(passkey, { challenge, expiresAtMs }, caller) {
      const { userId } = caller;
      const { credentialId, createdAtMs: nowMs } = passkey;
      const [id, challengeId] = await Promise.all([
        idOf(credentialId, userId),
        digestOf(challenge),
      ]);
      const isActive = callerIsActive(caller, nowMs);
      const isFull = sql`(SELECT COUNT(*) FROM passkeys WHERE user_id = ${uuid(userId)}) >= ${PASSKEYS_MAX}`;
      const { state, inserted } = await db.batch({
        state: sql`SELECT ${isActive} AS is_active, ${isUnused(challengeId, expiresAtMs)} AS is_unused, ${isFull} AS is_full`,
        inserted: sql`INSERT INTO passkeys (id, user_id, credential_id, public_key, name, aaguid, transports, counter,
            is_backup_eligible, is_backed_up, created_at)
          SELECT ${uuid(id)}, ${uuid(userId)}, ${credentialId}, ${passkey.publicKey}, ${passkey.name}, ${passkey.aaguid},
            ${JSON.stringify(passkey.transports)}, ${passkey.counter}, ${passkey.isBackupEligible ? 1 : 0},
            ${passkey.isBackedUp ? 1 : 0}, ${nowMs}
          WHERE ${isActive} AND ${isUnused(challengeId, expiresAtMs)} AND NOT ${isFull}
          ON CONFLICT DO NOTHING RETURNING id`,
        event: events.afterCaller("passkey.added", caller, id, nowMs),
        notices: notices.queue("passkey_added", userId, sql`changes() > 0`, nowMs, id),
        used: sql`INSERT INTO used_challenges (id, expires_at) SELECT ${challengeId}, ${expiresAtMs} WHERE ${isActive}
          ON CONFLICT DO NOTHING`,
      });
      if (inserted.length > 0) return { id, ...passkey, lastUsedAtMs: null };
      const { is_active, is_unused, is_full } = v.parse(
        v.object({ is_active: flag, is_unused: flag, is_full: flag }),
        state[0],
      );
      if (!is_active) return "caller_gone";
      if (!is_unused) return "used";
      return is_full ? "full" : "known";
    },

    async spending(user, { id, counter, isBackedUp }, { challenge, expiresAtMs }, nowMs) {
      const challengeId = await digestOf(challenge);
      const by = crypto.randomUUID();
      // Where it was 0 always, the authenticator counts nothing, as Apple's.
      // guard: cloned-passkey-is-refused
      const rises = sql`(${counter} > counter OR ${counter} = 0 AND counter = 0)`;
      // guard: passkey-challenge-is-spent-once
      const won = sql`EXISTS (SELECT 1 FROM used_challenges WHERE expires_at = ${expiresAtMs} AND id = ${challengeId} AND used_by = ${uuid(by)})`;
      const refused = {
        what: "passkey.refused",
        outcome: "refused" as const,
        userId: user.id,
        actorId: null,
        credentialId: null,
        subjectId: id,
      };
      return {
        id: user.id,
        credentialVersion: user.credentialVersion,
        hasSecondFactor: user.hasSecondFactor,
        writes: [
          ...events.where(
            refused,
            sql`FROM passkeys WHERE id = ${uuid(id)} AND ${isUnused(challengeId, expiresAtMs)} AND NOT ${rises}`,
            nowMs,
          ),
          sql`INSERT INTO used_challenges (id, expires_at, used_by)
            SELECT ${challengeId}, ${expiresAtMs}, (SELECT ${uuid(by)} FROM passkeys WHERE id = ${uuid(id)} AND ${rises}) WHERE TRUE
            ON CONFLICT DO NOTHING`,
          sql`UPDATE passkeys SET counter = ${counter}, is_backed_up = ${isBackedUp ? 1 : 0}, used_at = ${nowMs}
            WHERE id = ${uuid(id)} AND ${won}`,
        ],
        won,
        revokesCredentials: false,
      };
    },

    async rename(id, name, caller, nowMs) {
      const { userId } = caller;
      const isActive = callerIsActive(caller, nowMs);
      const { renamed, state } = await db.batch({
        renamed: sql`UPDATE passkeys SET name = ${name} WHERE ${isOwn(id, userId)} AND ${isActive} RETURNING ${COLUMNS}`,
        event: events.afterCaller("passkey.renamed", caller, id, nowMs),
        state: stateOf(id, userId, isActive),
      });
      if (renamed[0] !== undefined) return toPasskey(v.parse(Row, renamed[0]));
      return v.parse(CallerState, state[0]).is_active ? "unknown" : "caller_gone";
    },

    async remove(id, caller, nowMs) {
      const { userId } = caller;
      const isActive = callerIsActive(caller, nowMs);
      const { removed, state } = await db.batch({
        removed: sql`DELETE FROM passkeys WHERE ${isOwn(id, userId)} AND ${isActive} AND ${hasAnotherWayIn(userId, waysIn)}
          RETURNING id`,
        event: events.afterCaller("passkey.removed", caller, id, nowMs),
        notices: notices.queue("passkey_removed", userId, sql`changes() > 0`, nowMs, id),
        state: stateOf(id, userId, isActive),
      });
      if (removed.length > 0) return "removed";
      const { is_active, is_there } = v.parse(CallerState, state[0]);
      if (!is_active) return "caller_gone";
      return is_there ? "last" : "unknown";
    },
  };
}

/**
 * Of a credential at one account, and not of the credential alone: an answer that it is another's already would say
 * which of the IDs that an email gets are real.
 */
const idOf = (credentialId: string, userId: string) => digestId(`${credentialId}\n${userId}`);
