import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { IdentityStore, LinkedIdentity } from "../core/identities.ts";
import type { IdentityRef } from "../core/issuers.ts";
import { toUser, USER_COLUMNS, UserRow } from "./d1-users.ts";
import { type Audit, byCaller } from "./audit-sql.ts";
import { isFree } from "./free-email.ts";
import type { NoticeSql } from "./d1-notices.ts";
import type { Background } from "./background.ts";
import type { Database } from "./database.ts";
import { callerIsActive, USER_IS_ACTIVE } from "./active-sql.ts";

const HOUR_MS = 3_600_000;

const FoundRow = v.object({ ...UserRow.entries, used_at: v.nullable(v.number()) });

export function d1Identities(
  db: Database,
  audit: Audit,
  notices: NoticeSql,
  background: Background,
): Pick<IdentityStore, "find" | "open"> {
  return {
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
        SELECT ${newUserId}, ${email}, '', ${nowMs}, ${nowMs}, ${verified === 1 ? nowMs : null}
        WHERE NOT EXISTS (SELECT 1 FROM identities WHERE issuer = ${issuer} AND subject = ${subject})
          AND ${isFree(email, newUserId ?? "", nowMs)}
        ON CONFLICT (email) WHERE deleted_on IS NULL DO NOTHING`;
      // To the account that was just made, or to one whose owner has proven here what the issuer
      // says of her there. Both, or whoever signed up first with another's e-mail would be let in.
      // `iat` is in whole seconds.
      const link = sql`INSERT INTO identities (issuer, subject, user_id, created_at, email, used_at)
        SELECT ${issuer}, ${subject}, id, ${nowMs}, email, ${nowMs - (nowMs % HOUR_MS)} FROM users
        WHERE email = ${email} AND ${USER_IS_ACTIVE}
          AND (id IS ${newUserId} OR (${verified} = 1 AND verified_on IS NOT NULL
            AND COALESCE(identities_revoked_on, 0) < ${issuedAtMs + 1000}))
        ON CONFLICT DO NOTHING`;
      const holder = sql`SELECT id FROM users WHERE email = ${email} AND ${USER_IS_ACTIVE}
        UNION ALL SELECT id FROM users WHERE undo_email = ${email} AND undo_until > ${nowMs}`;
      const owner = sql`(SELECT user_id FROM identities WHERE issuer = ${issuer} AND subject = ${subject})`;
      const event = { credentialId: null, subjectId: null };
      const made = { what: "user.created" as const, ...event };
      const linked = { what: "identity.linked" as const, userId: owner, actorId: owner };
      const subjectId = await idOf(identity);
      const results = await db.batch([
        ...(newUserId === null
          ? []
          : [account, audit.after({ ...made, userId: newUserId, actorId: newUserId }, nowMs)]),
        link,
        audit.after({ ...linked, ...event, subjectId }, nowMs),
        // Who has just made the account by it knows.
        ...notices.queue(
          "identity_linked",
          owner,
          sql`changes() > 0 AND users.id IS NOT ${newUserId}`,
          nowMs,
          subjectId,
        ),
        openedBy(identity),
        holder,
      ]);
      const [[row] = [], held = []] = results.slice(-2);
      if (row !== undefined) return toUser(v.parse(UserRow, row));
      return held.length > 0 ? "conflict" : null;
    },
  };
}

function openedBy({ issuer, subject }: IdentityRef): Sql {
  return sql`SELECT ${USER_COLUMNS}, identities.used_at FROM identities JOIN users ON users.id = identities.user_id
    WHERE identities.issuer = ${issuer} AND identities.subject = ${subject}
      AND ${USER_IS_ACTIVE}`;
}

const LinkedRow = v.object({
  issuer: v.string(),
  subject: v.string(),
  email: v.nullable(v.string()),
  created_at: v.number(),
  used_at: v.nullable(v.number()),
});

/** What a user sees of them, and ends. */
export function d1LinkedIdentities(
  db: Database,
  audit: Audit,
  notices: NoticeSql,
): Pick<IdentityStore, "list" | "remove"> {
  async function list(userId: string): Promise<LinkedIdentity[]> {
    const rows = await db.all(
      sql`SELECT issuer, subject, email, created_at, used_at FROM identities
        WHERE user_id = ${userId} ORDER BY created_at DESC, issuer`,
      LinkedRow,
    );
    return Promise.all(
      rows.map(async ({ issuer, subject, email, created_at, used_at }) => ({
        id: await idOf({ issuer, subject }),
        issuer,
        subject,
        email,
        linkedAtMs: created_at,
        lastUsedAtMs: used_at,
      })),
    );
  }

  return {
    list,

    async remove(id, caller, nowMs) {
      const { userId } = caller;
      const { issuer, subject } = (await list(userId)).find((each) => each.id === id) ?? {};
      if (issuer === undefined || subject === undefined) return "unknown";
      const isActive = callerIsActive(caller, nowMs);
      const removed = { what: "identity.unlinked" as const, ...byCaller(caller), subjectId: id };
      const [gone = [], ...rest] = await db.batch([
        sql`DELETE FROM identities WHERE issuer = ${issuer} AND subject = ${subject} AND user_id = ${userId}
            AND ${isActive}
            AND (EXISTS (SELECT 1 FROM users WHERE id = ${userId} AND password NOT IN ('', '!'))
              OR (SELECT COUNT(*) FROM identities WHERE user_id = ${userId}) > 1)
          RETURNING issuer`,
        audit.after(removed, nowMs),
        ...notices.queue("identity_unlinked", userId, sql`changes() > 0`, nowMs, id),
        sql`UPDATE users SET identities_revoked_on = ${nowMs} WHERE id = ${userId} AND changes() > 0`,
        sql`SELECT ${isActive} AS is_active, EXISTS (SELECT 1 FROM identities
          WHERE issuer = ${issuer} AND subject = ${subject} AND user_id = ${userId}) AS is_there`,
      ]);
      if (gone.length > 0) return "removed";
      const { is_active: isCaller, is_there } = v.parse(
        v.object({ is_active: v.number(), is_there: v.number() }),
        rest.at(-1)?.[0],
      );
      if (isCaller === 0) return "caller_gone";
      return is_there === 0 ? "unknown" : "last";
    },
  };
}

/** A UUIDv8 (RFC 9562 section 5.8) of its digest. */
async function idOf({ issuer, subject }: IdentityRef): Promise<string> {
  const text = new TextEncoder().encode(`${issuer}\n${subject}`);
  const hex = new Uint8Array(await crypto.subtle.digest("SHA-256", text)).toHex();
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
