import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { AccountRef, PasswordTries } from "../core/password-tries.ts";
import { digestOf } from "./address-digest.ts";
import type { Background } from "./background.ts";
import { toUser, USER_COLUMNS, UserRow } from "./d1-users.ts";
import type { Database } from "./database.ts";
import { USER_STANDS } from "./standing-sql.ts";

/** A try that was wrong is forgotten after so long, one after the other. */
const TRY_MS = 15 * 60_000;

/** How many wrong tries a counter holds. */
const TRIES = {
  /** Of an account, from all networks that are not known: with 96 more a day, under 200. */
  account: 80,
  /** Of an account from one network that is not known, so that one does not use up all of them. */
  network: 20,
  /** Of an account from one network from which somebody logged in: these count nowhere else. */
  knownNetwork: 80,
} as const;

/** How long a network is known after the last login from it. */
export const KNOWN_MS = 90 * 86_400_000;

const CountersRow = v.object({
  account_until: v.number(),
  network_until: v.number(),
  known: v.number(),
});
const IdRow = v.object({ id: v.string() });

/**
 * A counter is one number: when the last of its wrong tries will be forgotten (the generic cell rate
 * algorithm). A try is counted before the password is hashed, and taken back if it was right: so
 * failures alone remain, and many at once cannot all pass.
 * @param network that the present request came from; empty where it is not known
 */
export function d1PasswordTries(
  db: Database,
  background: Background,
  network: () => string,
): PasswordTries {
  return {
    async take(account, nowMs) {
      const [from, digest] = await Promise.all([
        digestOf(network()),
        "email" in account ? digestOf(account.email) : "",
      ]);
      const counters = countersOf(account, digest, from, nowMs);
      // One transaction: the counters that are read are those that decide.
      const [[found] = [], [read] = [], taken = []] = await db.batch([
        sql`SELECT ${USER_COLUMNS} FROM users WHERE ${USER_STANDS} AND ${isAccount(account)}`,
        counters,
        claim(counters, nowMs),
      ]);
      if (taken.length > 0) {
        return {
          isLeft: true,
          user: found === undefined ? null : toUser(v.parse(UserRow, found)),
          counters: v.parse(v.array(IdRow), taken).map(({ id }) => id),
        };
      }
      const { account_until, network_until, known } = v.parse(CountersRow, read);
      const freeFromMs = known
        ? network_until - (TRIES.knownNetwork - 1) * TRY_MS
        : Math.max(
            network_until - (TRIES.network - 1) * TRY_MS,
            account_until - (TRIES.account - 1) * TRY_MS,
          );
      const retryAfterSeconds = Math.max(1, Math.ceil((freeFromMs - nowMs) / 1000));
      return { isLeft: false, retryAfterSeconds };
    },

    // Nothing is left of the only one: a location whose clock is ahead holds back nobody elsewhere.
    giveBack(counters, nowMs) {
      background.later(
        "give back the try of a right password",
        db.run(sql`UPDATE password_tries SET forgotten_at =
              CASE WHEN forgotten_at - ${TRY_MS} > ${nowMs} THEN forgotten_at - ${TRY_MS} ELSE 0 END,
            known_at = CASE WHEN instr(id, '/') > 0 THEN ${nowMs} ELSE known_at END
          WHERE id IN (${join([...counters])})`),
      );
    },
  };
}

const isAccount = (account: AccountRef): Sql =>
  "email" in account ? sql`users.email = ${account.email}` : sql`users.id = ${account.userId}`;

/** One row: whose counters these are, how far they are filled, and whether the network is known. */
function countersOf(account: AccountRef, digest: string, from: string, nowMs: number): Sql {
  // By the user's id, so that the counters stay where her e-mail changes.
  const id =
    "email" in account
      ? sql`COALESCE((SELECT id FROM users WHERE deleted_on IS NULL AND ${isAccount(account)}),
          ${digest})`
      : sql`${account.userId}`;
  const network = sql`account || ${`/${from}`}`;
  return sql`WITH whose AS MATERIALIZED (SELECT ${id} AS account)
    SELECT account, ${network} AS network, COALESCE(near.known_at > ${nowMs - KNOWN_MS}, FALSE) AS known,
      COALESCE(whole.forgotten_at, 0) AS account_until, COALESCE(near.forgotten_at, 0) AS network_until
    FROM whose LEFT JOIN password_tries AS whole ON whole.id = account
      LEFT JOIN password_tries AS near ON near.id = ${network}`;
}

/** Counts a try where every counter that it falls under has room for it, and else nowhere. */
function claim(counters: Sql, nowMs: number): Sql {
  const room = (tries: number) => nowMs + (tries - 1) * TRY_MS;
  return sql`INSERT INTO password_tries (id, forgotten_at)
    WITH free AS MATERIALIZED (SELECT * FROM (${counters}) WHERE CASE
      WHEN known THEN network_until <= ${room(TRIES.knownNetwork)}
      ELSE network_until <= ${room(TRIES.network)} AND account_until <= ${room(TRIES.account)} END)
    SELECT network, ${nowMs + TRY_MS} FROM free
    UNION ALL SELECT account, ${nowMs + TRY_MS} FROM free WHERE NOT known
    ON CONFLICT (id) DO UPDATE SET forgotten_at = MAX(forgotten_at, ${nowMs}) + ${TRY_MS}
    RETURNING id`;
}
