import sql from "sql-template-tag";
import * as v from "valibot";
import type { Rotation } from "../core/jwt-pairs.ts";
import type { RefreshClaims } from "../core/jwt.ts";
import { JWT_LIFETIMES, ROTATION_GRACE_SECONDS } from "../core/token.ts";
import type { Audit } from "./audit-sql.ts";
import type { PendingRevocations } from "./pending-revocations.ts";
import { tombstoneKey } from "./keys.ts";
import { TOKEN_IS_ACTIVE } from "./active-sql.ts";

const GRACE_MS = ROTATION_GRACE_SECONDS * 1000;
const REFRESH_MS = JWT_LIFETIMES.refresh * 1000;
const FAMILY_MAX_MS = JWT_LIFETIMES.sinceLogin * 1000;

const FamilyRow = v.object({
  rotation: v.number(),
  rotated_at: v.number(),
  claim: v.string(),
});

/**
 * One batch (RFC 9700 section 4.14.2). The first statement picks one winner. The next ends the
 * family if the token shown is spent and past its grace, and commits although the answer is a
 * refusal. The last tells the winner, and who was a moment later, of the same successor.
 */
export async function rotateFamily(
  revocations: PendingRevocations,
  audit: Audit,
  { sid, userId, credentialVersion, rotation, jti: shown }: RefreshClaims,
  jti: string,
  nowMs: number,
): Promise<Rotation | null> {
  const family = sql`tokens.id = ${sid} AND tokens.kind = 'family' AND tokens.user_id = ${userId}
    AND tokens.credential_version = ${credentialVersion}`;
  // guard: revoked-family-does-not-rotate
  const isActive = sql`${family} AND tokens.expires_at > ${nowMs}
    AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${TOKEN_IS_ACTIVE})`;
  const which = { userId, credentialId: shown, subjectId: sid };
  // guard: grace-is-for-the-last-token-alone
  const inGrace = sql`tokens.rotation = ${rotation + 1} AND tokens.rotated_at > ${nowMs - GRACE_MS}`;
  const [, , , , [row] = []] = await revocations.commit(
    {
      batch: [
        // guard: rotation-has-one-winner
        sql`UPDATE tokens SET rotation = ${rotation + 1}, rotated_at = ${nowMs}, claim = ${jti},
            modified_at = ${nowMs}, expires_at = MIN(${nowMs + REFRESH_MS}, tokens.created_at + ${FAMILY_MAX_MS})
          WHERE ${isActive} AND tokens.rotation = ${rotation}`,
        audit.after({ what: "jwt.refreshed", actorId: userId, ...which }, nowMs),
        // guard: theft-revokes-the-family
        sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
          WHERE ${family} AND tokens.revoked_at IS NULL AND tokens.rotation > ${rotation}
            AND NOT (${inGrace})`,
        // The thief may be either of the two who showed it.
        audit.after({ what: "family.revoked", actorId: null, ...which }, nowMs),
        sql`SELECT rotation, rotated_at, claim FROM tokens WHERE ${isActive} AND ${inGrace}`,
      ],
      key: tombstoneKey(sid),
      // guard: theft-leaves-a-tombstone
      onlyIf: sql`EXISTS (SELECT 1 FROM tokens WHERE id = ${sid} AND revoked_at = ${nowMs})`,
      untilMs: nowMs + FAMILY_MAX_MS,
    },
    nowMs,
  );
  if (row === undefined) return null;
  const successor = v.parse(FamilyRow, row);
  return {
    jti: successor.claim,
    rotation: successor.rotation,
    rotatedAtMs: successor.rotated_at,
  };
}
