import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { LegacyClaims, LegacyStore } from "../core/legacy-jwts.ts";
import type { StorageContext } from "./context.ts";
import { USER_IS_ACTIVE } from "./revocation.ts";
import { nextStatusIndex } from "./rows.ts";
import { uuid } from "../core/uuid.ts";

const FoundRow = v.object({
  id: v.string(),
  created_at: v.nullable(v.number()),
  status_index: v.nullable(v.number()),
});

const isUuid = (id: unknown): id is string => v.is(v.pipe(v.string(), v.uuid()), id);

/** simplejwt writes a number as a number or, since 5.5, as text. */
const spellings = (id: string | number): readonly string[] => {
  const text = String(id);
  return /^(?:0|[1-9]\d{0,15})$/.test(text) ? [text, JSON.stringify(text)] : [JSON.stringify(id)];
};

/** Otherwise a password alone would log in at the other system, for as long as that runs. */
const isBeforeFactor = ({ issuedAt }: LegacyClaims): Sql =>
  // guard: legacy-jwts-do-not-pass-the-second-factor
  sql`NOT EXISTS (SELECT 1 FROM second_factors WHERE user_id = users.id AND confirmed_at <= ${issuedAt * 1000})`;

/** The accounts and log-ins of an earlier system's JWTs, in D1. */
export function createLegacyJwts({ db, events }: StorageContext): LegacyStore {
  const accountOf = ({ userId }: LegacyClaims): Sql =>
    isUuid(userId)
      ? sql`users.id = ${uuid(userId.toLowerCase())}`
      : sql`users.external_id IN (${join([...spellings(userId)])}) AND users.deleted_on IS NULL`;

  const find = (claims: LegacyClaims) =>
    db.first(
      sql`SELECT users.id, family.created_at, family.status_index FROM users LEFT JOIN tokens AS family
          ON family.id = ${uuid(claims.type === "refresh" ? claims.id : null)} AND family.kind = 'family' AND family.user_id = users.id
        WHERE ${accountOf(claims)} AND ${isBeforeFactor(claims)} AND ${USER_IS_ACTIVE}`,
      FoundRow,
    );

  return {
    async adopt(claims, nowMs) {
      const { type, id, expiresAt } = claims;
      if (type === "access") {
        const account = await find(claims);
        return account === null ? null : { userId: account.id, family: null };
      }
      let found = await find(claims);
      if (found !== null && found.created_at === null) {
        const who = { userId: found.id, actorId: found.id, credentialId: null, subjectId: id };
        await db.batch({
          // With the version of an imported account: of one that has changed its password it is not active.
          // guard: legacy-account-is-as-imported
          adopted: sql`INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at,
              status_index, detail)
            SELECT ${uuid(id)}, 'family', users.id, 0, ${nowMs}, ${nowMs}, ${expiresAt * 1000}, ${nextStatusIndex}, '{}'
            FROM users WHERE users.id = ${uuid(found.id)} AND users.login_version = 0 AND ${USER_IS_ACTIVE}
            ON CONFLICT DO NOTHING`,
          // Its id does not tell when it expires.
          expiry: sql`INSERT OR IGNORE INTO family_expiries (at, id) SELECT expires_at, id FROM tokens WHERE id = ${uuid(id)} AND changes() > 0`,
          event: events.after({ what: "jwt.obtained", ...who }, nowMs),
        });
        found = await find(claims);
      }
      if (found === null || found.created_at === null) return null;
      const { id: userId, created_at: createdAtMs, status_index: statusIndex } = found;
      return { userId, family: { createdAtMs, statusIndex } };
    },
  };
}
