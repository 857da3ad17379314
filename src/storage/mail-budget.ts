import sql, { type Sql } from "sql-template-tag";
import { MAIL_BUDGET } from "../core/mail.ts";

const INTERVAL_MS = MAIL_BUDGET.intervalSeconds * 1000;
const DAY_MS = 86_400_000;

interface Turn {
  /** Digest of the address. */
  readonly address: string;
  /** Who takes it: the id of a token, or of a sending. */
  readonly by: string;
  /** Whether there is anything to send. */
  readonly onlyIf: Sql;
  readonly nowMs: number;
}

/**
 * Takes the turn of an address to get a mail that a stranger can cause, if it has one. One statement: of two
 * at once one has it. The times of the last day are kept, and not a counter, so that the day's bound
 * holds for any 24 hours.
 * @param isKnown whether somebody asks from a network that the address's account knows
 */
export function takeTurn({ address, by, onlyIf, nowMs }: Turn, isKnown: Sql): Sql {
  const recent = sql`FROM json_each(mails.sent) WHERE value > ${nowMs - DAY_MS}`;
  // guard: mail-budget-has-an-interval
  return sql`INSERT INTO mails (id, token_id, sent_at, sent)
    SELECT ${address}, ${by}, ${nowMs}, json_array(${nowMs}) WHERE ${onlyIf}
    ON CONFLICT (id) DO UPDATE SET token_id = excluded.token_id, sent_at = excluded.sent_at,
      sent = (SELECT json_group_array(value) FROM (SELECT value ${recent} UNION ALL SELECT ${nowMs}))
    WHERE mails.sent_at <= ${nowMs - INTERVAL_MS}
      AND (SELECT COUNT(*) ${recent}) < CASE WHEN ${isKnown} THEN ${MAIL_BUDGET.aDayForKnown} ELSE ${MAIL_BUDGET.aDay} END`;
}

/** The same for what only its account's own doings cause: all of a minute in one mail, and no bound by day. */
export function takeNoticeTurn({ address, by, onlyIf, nowMs }: Turn): Sql {
  return sql`INSERT INTO mails (id, token_id, sent_at, noticed_at)
    SELECT ${address}, ${by}, 0, ${nowMs} WHERE ${onlyIf}
    ON CONFLICT (id) DO UPDATE SET token_id = excluded.token_id, noticed_at = excluded.noticed_at
    WHERE mails.noticed_at <= ${nowMs - INTERVAL_MS}`;
}

export const hasTurn = (address: string, by: string): Sql =>
  sql`EXISTS (SELECT 1 FROM mails WHERE mails.id = ${address} AND mails.token_id = ${by})`;
