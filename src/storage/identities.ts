import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { IdentityStore, LinkedIdentity } from "../core/identities.ts";
import type { UsedStateStore } from "../core/issuer-login.ts";
import type { IdentityRef } from "../core/issuers.ts";
import type { StorageContext, WaysIn } from "./context.ts";
import { digestId, digestOf } from "./d1.ts";
import { callerIsActive, USER_IS_ACTIVE } from "./revocation.ts";
import { isFree, toUser, USER_COLUMNS, UserRow } from "./rows.ts";
import { uuid } from "../core/uuid.ts";

const HOUR_MS = 3_600_000;

const FoundRow = v.object({ ...UserRow.entries, used_at: v.nullable(v.number()) });

const LinkedRow = v.object({
  issuer: v.string(),
  subject: v.string(),
  email: v.nullable(v.string()),
  linkedAtMs: v.number(),
  lastUsedAtMs: v.nullable(v.number()),
});

const WhyNotRow = v.object({ is_active: v.number(), is_there: v.number() });

export function createIdentities({
  db,
  events,
  notices,
  background,
  waysIn,
}: StorageContext): IdentityStore & UsedStateStore {
  async function list(userId: string): Promise<LinkedIdentity[]> {
    const rows = await db.all(
      sql`SELECT issuer, subject, email, created_at AS linkedAtMs, used_at AS lastUsedAtMs FROM identities
        WHERE user_id = ${uuid(userId)} ORDER BY created_at DESC, issuer`,
      LinkedRow,
    );
    return Promise.all(rows.map(async (row) => ({ id: await idOf(row), ...row })));
  }

  return {
    async use(state, expiresAtMs) {
      const id = await digestOf(state);
      return (
        (await db.run(
          sql`INSERT INTO used_challenges (id, expires_at) VALUES (${id}, ${expiresAtMs}) ON CONFLICT DO NOTHING`,
        )) > 0
      );
    },

    async find(identity, nowMs) {
      const row = await db.first(openedBy(identity), FoundRow);
      if (row === null) return null;
      const hourMs = nowMs - (nowMs % HOUR_MS);
      if (row.used_at === null || row.used_at < hourMs) {
        const { issuer, subject } = identity;
        background.afterResponse(
          "note the use of an identity",
          db.run(sql`UPDATE identities SET used_at = ${hourMs}
            WHERE issuer = ${issuer} AND subject = ${subject} AND (used_at IS NULL OR used_at < ${hourMs})`),
        );
      }
      return toUser(row);
    },

    async open(identity, newUserId, nowMs) {
      const { issuer, subject, email, issuedAtMs } = identity;
      const verified = identity.emailVerified ? 1 : 0;
      const account = sql`INSERT INTO users (id, email, password, created_on, modified_on, verified_on)
        SELECT ${uuid(newUserId)}, ${email}, '', ${nowMs}, ${nowMs}, ${verified === 1 ? nowMs : null}
        WHERE NOT EXISTS (SELECT 1 FROM identities WHERE issuer = ${issuer} AND subject = ${subject})
          AND ${isFree(email, newUserId ?? "", nowMs)}
        ON CONFLICT (email) WHERE deleted_on IS NULL DO NOTHING`;
      // To the account that was just created, or to one whose owner has proven the same email here.
      // Both sides must, or someone who signed up first with another's email would share the account.
      // `iat` is in whole seconds.
      const link = sql`INSERT INTO identities (issuer, subject, user_id, created_at, email, used_at)
        SELECT ${issuer}, ${subject}, id, ${nowMs}, email, ${nowMs - (nowMs % HOUR_MS)} FROM users
        WHERE email = ${email} AND ${USER_IS_ACTIVE}
          AND (id IS ${uuid(newUserId)} OR (${verified} = 1 AND verified_on IS NOT NULL
            AND COALESCE(identities_revoked_on, 0) < ${issuedAtMs + 1000}))
        ON CONFLICT DO NOTHING`;
      const holder = sql`SELECT id FROM users WHERE email = ${email} AND ${USER_IS_ACTIVE}
        UNION ALL SELECT id FROM users WHERE undo_email = ${email} AND undo_until > ${nowMs}`;
      const owner = sql`(SELECT user_id FROM identities WHERE issuer = ${issuer} AND subject = ${subject})`;
      const ids = { credentialId: null, subjectId: null };
      const made = { what: "user.created" as const, ...ids };
      const linked = { what: "identity.linked" as const, userId: owner, actorId: owner };
      const subjectId = await idOf(identity);
      const { opened, held } = await db.batch({
        account:
          newUserId === null
            ? []
            : [account, ...events.after({ ...made, userId: newUserId, actorId: newUserId }, nowMs)],
        link,
        linked: events.after({ ...linked, ...ids, subjectId }, nowMs),
        // Not for an account that it has just created.
        notices: notices.queue(
          "identity_linked",
          owner,
          sql`changes() > 0 AND users.id IS NOT ${uuid(newUserId)}`,
          nowMs,
          subjectId,
        ),
        opened: openedBy(identity),
        held: holder,
      });
      if (opened[0] !== undefined) return toUser(v.parse(UserRow, opened[0]));
      return held.length > 0 ? "conflict" : null;
    },

    async link(identity, caller, nowMs) {
      const { issuer, subject } = identity;
      const { userId } = caller;
      const isActive = callerIsActive(caller, nowMs);
      const id = await idOf(identity);
      const { state } = await db.batch({
        // guard: only-an-active-caller-links
        linked: sql`INSERT INTO identities (issuer, subject, user_id, created_at, email, used_at)
          SELECT ${issuer}, ${subject}, users.id, ${nowMs}, users.email, ${nowMs - (nowMs % HOUR_MS)} FROM users
          WHERE users.id = ${uuid(userId)} AND ${isActive} ON CONFLICT DO NOTHING`,
        event: events.afterCaller("identity.linked", caller, id, nowMs),
        notices: notices.queue("identity_linked", userId, sql`changes() > 0`, nowMs, id),
        state: sql`SELECT ${isActive} AS is_active, EXISTS (SELECT 1 FROM identities
          WHERE issuer = ${issuer} AND subject = ${subject} AND user_id = ${uuid(userId)}) AS is_there`,
      });
      const { is_active, is_there } = v.parse(WhyNotRow, state[0]);
      if (is_active === 0) return "caller_gone";
      return is_there === 0 ? "taken" : "linked";
    },

    list,

    async remove(id, caller, nowMs) {
      const { userId } = caller;
      const { issuer, subject } = (await list(userId)).find((each) => each.id === id) ?? {};
      if (issuer === undefined || subject === undefined) return "unknown";
      const isActive = callerIsActive(caller, nowMs);
      const { deleted, why } = await db.batch({
        deleted: sql`DELETE FROM identities WHERE issuer = ${issuer} AND subject = ${subject} AND user_id = ${uuid(userId)}
            AND ${isActive}
            AND ${hasAnotherWayIn(userId, waysIn)}
          RETURNING issuer`,
        event: events.afterCaller("identity.unlinked", caller, id, nowMs),
        user: sql`UPDATE users SET identities_revoked_on = ${nowMs} WHERE id = ${uuid(userId)} AND changes() > 0`,
        notices: notices.queue("identity_unlinked", userId, sql`changes() > 0`, nowMs, id),
        why: sql`SELECT ${isActive} AS is_active, EXISTS (SELECT 1 FROM identities
          WHERE issuer = ${issuer} AND subject = ${subject} AND user_id = ${uuid(userId)}) AS is_there`,
      });
      if (deleted.length > 0) return "removed";
      const { is_active, is_there } = v.parse(WhyNotRow, why[0]);
      if (is_active === 0) return "caller_gone";
      return is_there === 0 ? "unknown" : "last";
    },
  };
}

/**
 * For the statement that removes an identity or a passkey: whether something else opens the account, so that of two
 * at once the second removes nothing.
 */
export function hasAnotherWayIn(userId: string, { password, email }: WaysIn): Sql {
  const byPassword = password ? sql`(password NOT IN ('', '!'))` : sql`0`;
  const everyEmail = password ? sql`(email_login_at IS NOT NULL)` : sql`1`;
  // guard: last-way-in-stays
  return sql`(SELECT ${byPassword} + ${email ? everyEmail : sql`0`}
    + (SELECT COUNT(*) FROM identities WHERE user_id = users.id)
    + (SELECT COUNT(*) FROM passkeys WHERE user_id = users.id) FROM users WHERE users.id = ${uuid(userId)}) > 1`;
}

function openedBy({ issuer, subject }: IdentityRef): Sql {
  return sql`SELECT ${USER_COLUMNS}, identities.used_at FROM identities JOIN users ON users.id = identities.user_id
    WHERE identities.issuer = ${issuer} AND identities.subject = ${subject}
      AND ${USER_IS_ACTIVE}`;
}

const idOf = ({ issuer, subject }: IdentityRef) => digestId(`${issuer}\n${subject}`);

/** An ID token may have been fetched for the log-in that set the new password. */
const JUST_BEFORE_MS = 30_000;

export const identitiesRevoked = (nowMs: number): Sql =>
  sql`identities_revoked_on = ${nowMs - JUST_BEFORE_MS}`;

/**
 * For the batch of a new password: all but the one that was presented for it.
 * @param changed whether the password was set
 */
export function removeIdentitiesButOne(
  userId: string,
  kept: IdentityRef | null,
  changed: Sql,
): Sql {
  const isKept =
    kept === null ? sql`FALSE` : sql`issuer = ${kept.issuer} AND subject = ${kept.subject}`;
  // guard: new-password-unlinks-identities
  return sql`DELETE FROM identities WHERE user_id = ${uuid(userId)} AND NOT (${isKept}) AND ${changed}`;
}

/** For the batch of a new email: those that were linked under another one. */
export function removeIdentitiesOfOtherEmail(userId: string, email: string, changed: Sql): Sql {
  return sql`DELETE FROM identities WHERE user_id = ${uuid(userId)} AND email IS NOT ${email} AND ${changed}`;
}
