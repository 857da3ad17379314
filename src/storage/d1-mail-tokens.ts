import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import { MAIL_INTERVAL_SECONDS, MAILS, type MailToken, type MailTokens } from "../core/mail.ts";
import { type Audit, byCaller } from "./audit-sql.ts";
import type { Database } from "./database.ts";
import { callerStands, USER_STANDS } from "./standing-sql.ts";

const INTERVAL_MS = MAIL_INTERVAL_SECONDS * 1000;

/**
 * One batch. The first statement takes the account's turn to get a mail, if there is an account and
 * a turn; the second issues the token to who has the turn. Nobody else can have it: it names the
 * token. `internal` keeps the token out of its user's lists.
 * @param who the account, among `users`
 */
function issue(who: Sql, { id, type, createdAtMs, expiresAtMs }: MailToken, event: Sql): Sql[] {
  const { action } = MAILS[type];
  const account = sql`${USER_STANDS} AND ${who}`;
  return [
    sql`INSERT INTO mails (id, token_id, sent_at)
      SELECT users.id, ${id}, ${createdAtMs} FROM users WHERE ${account}
      ON CONFLICT (id) DO UPDATE SET token_id = excluded.token_id, sent_at = excluded.sent_at
        WHERE mails.sent_at <= ${createdAtMs - INTERVAL_MS}`,
    sql`INSERT INTO tokens (id, kind, user_id, epoch, created_at, modified_at, expires_at, max_uses,
        detail)
      SELECT ${id}, 'action', users.id, users.epoch, ${createdAtMs}, ${createdAtMs}, ${expiresAtMs},
        1, json_object('action', ${action}, 'payload', json_object('email', users.email),
          'audience', users.id, 'internal', json('true'))
      FROM users JOIN mails ON mails.id = users.id
      WHERE mails.token_id = ${id} AND ${account}
      RETURNING json_extract(detail, '$.payload.email') AS email`,
    event,
  ];
}

const Issued = v.object({ email: v.string() });
const Asked = v.object({ stands: v.number() });

export function d1MailTokens(db: Database, audit: Audit): MailTokens {
  return {
    async issueFor(email, token) {
      // Whoever asked showed nothing.
      const event = audit.afterToken("mail.issued", token.id, token.createdAtMs, null);
      const [, [issued] = []] = await db.batch(issue(sql`users.email = ${email}`, token, event));
      return issued !== undefined;
    },

    async issueTo(caller, token) {
      const stands = callerStands(caller, token.createdAtMs);
      const who = sql`users.id = ${caller.userId} AND users.verified_on IS NULL AND ${stands}`;
      const row = { what: "mail.issued" as const, ...byCaller(caller), subjectId: token.id };
      const [, [issued] = [], , [asked] = []] = await db.batch([
        ...issue(who, token, audit.after(row, token.createdAtMs)),
        sql`SELECT ${stands} AS stands`,
      ]);
      if (issued !== undefined) return v.parse(Issued, issued);
      return v.parse(Asked, asked).stands === 1 ? null : "caller_gone";
    },
  };
}
