import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import { MAILS } from "../core/mail.ts";
import type { MailToken, MailTokenStore } from "../core/recovery.ts";
import { digestOf } from "./address-digest.ts";
import { type Audit, byCaller } from "./audit-sql.ts";
import { KNOWN_MS } from "./login-throttle.ts";
import type { Database } from "./database.ts";
import { isFree } from "./free-email.ts";
import { hasTurn, takeTurn } from "./mail-budget.ts";
import { callerIsActive, USER_IS_ACTIVE } from "./active-sql.ts";

const Issued = v.object({ user_id: v.string() });
const Asked = v.object({
  is_active: v.number(),
  email: v.nullable(v.string()),
});

/** @param network that the present request came from */
export function d1MailTokens(db: Database, audit: Audit, network: () => string): MailTokenStore {
  /**
   * One batch. The first statement takes the address's turn to get a mail, if there is an account and
   * a turn; the second issues the token to who has the turn. Nobody else can have it: it names the
   * token. `internal` keeps the token out of its user's lists.
   * @param who the account, among `users`
   */
  async function issue(
    email: string,
    who: Sql,
    { id, type, createdAtMs, expiresAtMs }: MailToken,
    rest: readonly Sql[],
  ): Promise<unknown[][]> {
    const [address, from] = await Promise.all([digestOf(email), digestOf(network())]);
    const { action } = MAILS[type];
    const account = sql`${USER_IS_ACTIVE} AND ${who}`;
    // What is kept for her own networks is not for whoever only wants the address.
    const isKnown = sql`EXISTS (SELECT 1 FROM users JOIN login_attempts AS attempt
      ON attempt.id = users.id || ${`/${from}`} WHERE ${account} AND users.email = ${email}
        AND attempt.last_login_at > ${createdAtMs - KNOWN_MS})`;
    const onlyIf = sql`EXISTS (SELECT 1 FROM users WHERE ${account})`;
    return db.batch([
      takeTurn({ address, by: id, onlyIf, nowMs: createdAtMs }, isKnown),
      sql`INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at, max_uses,
          detail)
        SELECT ${id}, 'action', users.id, users.credential_version, ${createdAtMs}, ${createdAtMs}, ${expiresAtMs},
          1, json_object('action', ${action}, 'payload', json_object('email', ${email}),
            'audience', users.id, 'internal', json('true'))
        FROM users WHERE ${hasTurn(address, id)} AND ${account}
        RETURNING user_id`,
      ...rest,
    ]);
  }

  return {
    async issueFor(email, token) {
      // Whoever asked showed nothing.
      const event = audit.afterToken("mail.issued", token.id, token.createdAtMs, null);
      const [, [issued] = []] = await issue(email, sql`users.email = ${email}`, token, [event]);
      return issued !== undefined;
    },

    async issueTo(caller, token) {
      const nowMs = token.createdAtMs;
      const isActive = callerIsActive(caller, nowMs);
      const asked = await db.first(
        sql`SELECT ${isActive} AS is_active, CASE WHEN verified_on IS NULL THEN email ELSE pending_email END AS email
          FROM users WHERE id = ${caller.userId}`,
        Asked,
      );
      if (asked === null || asked.is_active === 0) return "caller_gone";
      const { email } = asked;
      if (email === null) return null;
      const isHers = sql`(users.email = ${email} AND users.verified_on IS NULL
        OR users.pending_email = ${email} AND ${isFree(email, caller.userId, nowMs)})`;
      const who = sql`users.id = ${caller.userId} AND ${isHers} AND ${isActive}`;
      const row = { what: "mail.issued" as const, ...byCaller(caller), subjectId: token.id };
      const rest = [audit.after(row, nowMs), sql`SELECT ${isActive} AS is_active`];
      const [, [issued] = [], , [still] = []] = await issue(email, who, token, rest);
      if (issued !== undefined && v.is(Issued, issued)) return { email };
      return v.parse(v.object({ is_active: v.number() }), still).is_active === 1
        ? null
        : "caller_gone";
    },

    async issueToPending(userId, email, token) {
      const nowMs = token.createdAtMs;
      const who = sql`users.id = ${userId} AND users.pending_email = ${email}
        AND ${isFree(email, userId, nowMs)}`;
      const event = audit.afterToken("mail.issued", token.id, nowMs, userId);
      const [, [issued] = []] = await issue(email, who, token, [event]);
      return issued !== undefined;
    },
  };
}
