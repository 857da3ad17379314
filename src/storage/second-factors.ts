import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { CallerRef } from "../core/caller.ts";
import type { FactorChange, SecondFactorStore } from "../core/second-factor.ts";
import type { StorageContext } from "./context.ts";
import { digestOf } from "./d1.ts";
import { callerIsActive } from "./revocation.ts";
import { uuid } from "../core/uuid.ts";

const FactorRow = v.object({
  sealed: v.string(),
  confirmedAtMs: v.nullable(v.number()),
  recoveryCodesLeft: v.number(),
});

/** Random enough that no one finds it by its digest; the user's id makes each worth a search of its own. */
const digestOfCode = (userId: string, code: string) => digestOf(`${userId} ${code}`);

const isOn = (userId: string) =>
  sql`EXISTS (SELECT 1 FROM second_factors WHERE user_id = ${uuid(userId)} AND confirmed_at IS NOT NULL)`;

/** One that counts; with an event and a notice after it. @param where what else must hold */
export const removingFactor = (userId: string, where: Sql): Sql =>
  sql`DELETE FROM second_factors WHERE user_id = ${uuid(userId)} AND confirmed_at IS NOT NULL AND ${where} RETURNING user_id`;

/** After it. */
export const removingItsCodes = (userId: string): Sql =>
  sql`DELETE FROM recovery_codes WHERE user_id = ${uuid(userId)} AND NOT ${isOn(userId)}`;

export function createSecondFactors({ db, events, notices }: StorageContext): SecondFactorStore {
  const IsActive = v.object({ is_active: v.number() });

  /** What the last statement of the batch says of one that changed nothing. */
  const outcome = (changed: readonly unknown[], asked: readonly unknown[]): FactorChange => {
    if (changed.length > 0) return "done";
    return v.parse(IsActive, asked[0]).is_active === 1 ? "refused" : "caller_gone";
  };
  const ask = (caller: CallerRef, nowMs: number) =>
    sql`SELECT ${callerIsActive(caller, nowMs)} AS is_active`;

  async function insertCodes(userId: string, codes: readonly string[], onlyIf: Sql, nowMs: number) {
    const digests = await Promise.all(codes.map((code) => digestOfCode(userId, code)));
    return sql`INSERT INTO recovery_codes (user_id, digest, created_at)
      SELECT ${uuid(userId)}, value, ${nowMs} FROM json_each(${JSON.stringify(digests)}) WHERE ${onlyIf} RETURNING user_id`;
  }

  return {
    find: (userId) =>
      db.first(
        sql`SELECT secret AS sealed, confirmed_at AS confirmedAtMs, (SELECT COUNT(*) FROM recovery_codes
            WHERE recovery_codes.user_id = second_factors.user_id AND used_at IS NULL) AS recoveryCodesLeft
          FROM second_factors WHERE user_id = ${uuid(userId)}`,
        FactorRow,
      ),

    async begin(caller, sealed, nowMs) {
      // guard: a-factor-that-counts-is-not-replaced
      const { begun, asked } = await db.batch({
        begun: sql`INSERT INTO second_factors (user_id, secret, created_at)
          SELECT ${uuid(caller.userId)}, ${sealed}, ${nowMs} WHERE ${callerIsActive(caller, nowMs)}
          ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at
            WHERE second_factors.confirmed_at IS NULL
          RETURNING user_id`,
        asked: ask(caller, nowMs),
      });
      return outcome(begun, asked);
    },

    async confirm(caller, sealed, step, recoveryCodes, nowMs) {
      const { userId } = caller;
      const { confirmed, asked } = await db.batch({
        // guard: a-factor-is-confirmed-once
        confirmed: sql`UPDATE second_factors SET confirmed_at = ${nowMs}, last_step = ${step}
          WHERE user_id = ${uuid(userId)} AND secret = ${sealed} AND confirmed_at IS NULL
            AND ${callerIsActive(caller, nowMs)} RETURNING user_id`,
        // Right after it, so that only one of many who confirm at once creates codes.
        codes: await insertCodes(userId, recoveryCodes, sql`changes() > 0`, nowMs),
        event: events.afterCaller("second_factor.added", caller, null, nowMs),
        notices: notices.queue("second_factor_added", userId, sql`changes() > 0`, nowMs),
        asked: ask(caller, nowMs),
      });
      return outcome(confirmed, asked);
    },

    async remove(caller, nowMs) {
      const { userId } = caller;
      const { removed, asked } = await db.batch({
        removed: removingFactor(userId, callerIsActive(caller, nowMs)),
        event: events.afterCaller("second_factor.removed", caller, null, nowMs),
        notices: notices.queue("second_factor_removed", userId, sql`changes() > 0`, nowMs),
        codes: removingItsCodes(userId),
        asked: ask(caller, nowMs),
      });
      return outcome(removed, asked);
    },

    async replaceRecoveryCodes(caller, recoveryCodes, nowMs) {
      const { userId } = caller;
      const mayChange = sql`${isOn(userId)} AND ${callerIsActive(caller, nowMs)}`;
      const { created, asked } = await db.batch({
        erased: sql`DELETE FROM recovery_codes WHERE user_id = ${uuid(userId)} AND ${mayChange}`,
        created: await insertCodes(userId, recoveryCodes, mayChange, nowMs),
        event: events.afterCaller("recovery_codes.created", caller, null, nowMs),
        asked: ask(caller, nowMs),
      });
      return outcome(created, asked);
    },

    async useStep(userId, sealed, step, next) {
      // guard: a-code-works-once
      const used = await db.all(
        sql`UPDATE second_factors SET last_step = ${step}, secret = ${next}
          WHERE user_id = ${uuid(userId)} AND secret = ${sealed} AND confirmed_at IS NOT NULL AND last_step < ${step}
          RETURNING user_id`,
        v.object({ user_id: v.string() }),
      );
      return used.length > 0;
    },

    async useRecoveryCode(userId, code, nowMs) {
      const row = { userId, actorId: userId, credentialId: null, subjectId: null };
      const { used } = await db.batch({
        // guard: a-recovery-code-works-once
        used: sql`UPDATE recovery_codes SET used_at = ${nowMs} WHERE user_id = ${uuid(userId)}
          AND digest = ${await digestOfCode(userId, code)} AND used_at IS NULL AND ${isOn(userId)} RETURNING user_id`,
        event: events.after({ what: "recovery_code.used", ...row }, nowMs),
        notices: notices.queue("recovery_code_used", userId, sql`changes() > 0`, nowMs),
      });
      return used.length > 0;
    },
  };
}
