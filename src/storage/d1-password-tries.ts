import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { AccountRef, PasswordTries } from "../core/password-tries.ts";
import { digestOf } from "./address-digest.ts";
import type { Background } from "./background.ts";
import { toUser, USER_COLUMNS, UserRow } from "./d1-users.ts";
import type { Database } from "./database.ts";
import { memory } from "./memory.ts";
import { USER_STANDS } from "./standing-sql.ts";

/** A try that was wrong is forgotten after so long, one after the other. */
const TRY_MS = 15 * 60_000;

/** How many wrong tries a counter holds. */
const TRIES = {
  /** Of an account, from all networks that are not known: with 96 more a day, under 200. */
  account: 80,
  /**
   * Of an account from one network, known or not: how many there are must not say whether somebody has
   * logged in from there. From a known network they count nowhere else.
   */
  network: 20,
  /**
   * Further ones from a known network, while others have used up the account's: a wrong one is told what it
   * would be from any other network.
   */
  hidden: 20,
  /** Of a credential that was shown beside a wrong password; it is ended with the last. */
  credential: 10,
} as const;

/** Longer: with 96 of the others they are fewer than 200 a day. */
const HIDDEN_TRY_MS = 3_600_000;

/** Longer, so that a stolen credential does not guess for ever. */
const CREDENTIAL_TRY_MS = 86_400_000;

/** How long a network is known after the last login from it. */
export const KNOWN_MS = 90 * 86_400_000;

const CountersRow = v.object({
  account_until: v.number(),
  network_until: v.number(),
  credential_until: v.number(),
  is_open: v.number(),
});
const IdRow = v.object({ id: v.string() });

/** Where a try comes from. */
export interface TriedFrom {
  /** Empty where it is not known. */
  readonly name: string;
  /** Not where strangers share it. */
  readonly mayBeKnown: boolean;
}

/**
 * A counter is one number: when the last of its wrong tries will be forgotten (the generic cell rate
 * algorithm). A try is counted before the password is hashed, and taken back if it was right: so
 * failures alone remain, and many at once cannot all pass.
 */
export function d1PasswordTries(
  db: Database,
  background: Background,
  network: () => TriedFrom,
): PasswordTries {
  const told = memory<number>(CREDENTIAL_TRY_MS);
  const keyOf = (account: AccountRef) => JSON.stringify([account, network().name]);

  return {
    async take(account, nowMs) {
      const { name, mayBeKnown } = network();
      const [from, digest] = await Promise.all([
        digestOf(name),
        "email" in account ? digestOf(account.email) : "",
      ]);
      const ids = idsOf(account, digest, from);
      const counters = countersOf(ids, mayBeKnown, nowMs);
      // One transaction: the counters that are read are those that decide.
      const [[found] = [], [row] = [], taken = []] = await db.batch([
        sql`SELECT ${USER_COLUMNS} FROM users WHERE ${USER_STANDS} AND ${isAccount(account)}`,
        counters,
        claim(counters, ids, nowMs),
      ]);
      const read = v.parse(CountersRow, row);
      const freeFromMs = Math.max(
        read.network_until - (TRIES.network - 1) * TRY_MS,
        read.account_until - (TRIES.account - 1) * TRY_MS,
        read.credential_until - (TRIES.credential - 1) * CREDENTIAL_TRY_MS,
      );
      const retryAfterSeconds = Math.max(1, Math.ceil((freeFromMs - nowMs) / 1000));
      // guard: try-without-room-is-not-hashed
      if (taken.length === 0) {
        told.set(keyOf(account), nowMs + retryAfterSeconds * 1000, nowMs);
        return { isLeft: false, retryAfterSeconds };
      }
      return {
        isLeft: true,
        user: found === undefined ? null : toUser(v.parse(UserRow, found)),
        counters: v.parse(v.array(IdRow), taken).map(({ id }) => id),
        isLast:
          ids.credential !== null &&
          read.credential_until > nowMs + (TRIES.credential - 2) * CREDENTIAL_TRY_MS,
        wrongRetryAfterSeconds: read.is_open ? null : retryAfterSeconds,
      };
    },

    // Nothing is left of the only one: a location whose clock is ahead holds back nobody elsewhere.
    giveBack(counters, nowMs) {
      const knownAt = network().mayBeKnown
        ? sql`CASE WHEN instr(id, '/') > 0 AND instr(id, '+') = 0 THEN ${nowMs} ELSE known_at END`
        : sql`known_at`;
      const one = sql`CASE WHEN instr(id, '+') > 0 THEN ${HIDDEN_TRY_MS} ELSE ${TRY_MS} END`;
      background.later(
        "give back the try of a right password",
        db.run(sql`UPDATE password_tries SET forgotten_at =
              CASE WHEN instr(id, '#') = 0 AND forgotten_at - ${one} > ${nowMs} THEN forgotten_at - ${one} ELSE 0 END,
            known_at = ${knownAt}
          WHERE id IN (${join([...counters])})`),
      );
    },

    toldToWait(account, nowMs) {
      const untilMs = told.get(keyOf(account), nowMs) ?? 0;
      return Math.max(0, Math.ceil((untilMs - nowMs) / 1000));
    },
  };
}

function isAccount(account: AccountRef): Sql {
  if ("email" in account) return sql`users.email = ${account.email}`;
  return "userId" in account ? sql`users.id = ${account.userId}` : sql`FALSE`;
}

/** The counters that a try falls under. No text that a user sends is one of them. */
interface CounterIds {
  /** By the user's id, so that the counters stay where their e-mail changes. */
  readonly owner: Sql;
  /** Behind the owner's, or null: not counted by account. */
  readonly account: string | null;
  readonly network: string;
  readonly credential: string | null;
}

function idsOf(account: AccountRef, digest: string, from: string): CounterIds {
  const network = `/${from}`;
  if ("anyone" in account) {
    return { owner: sql`${account.anyone}`, account: null, network, credential: null };
  }
  if ("email" in account) {
    const owner = sql`COALESCE((SELECT id FROM users WHERE deleted_on IS NULL AND ${isAccount(account)}),
      ${digest})`;
    return { owner, account: "", network, credential: null };
  }
  const owner = sql`${account.userId}`;
  const { credentialId } = account;
  if (credentialId === null) return { owner, account: "", network, credential: null };
  // Apart from those of log-ins: whoever has stolen a credential keeps nobody from logging in.
  return { owner, account: "*", network, credential: `#${credentialId}` };
}

const room = (nowMs: number, tries: number, tryMs = TRY_MS) => nowMs + (tries - 1) * tryMs;

/** One row: whose counters these are, how far they are filled, and whether the network is known. */
function countersOf(ids: CounterIds, mayBeKnown: boolean, nowMs: number): Sql {
  const { owner, account, network, credential } = ids;
  const known = mayBeKnown ? sql`COALESCE(near.known_at > ${nowMs - KNOWN_MS}, FALSE)` : sql`FALSE`;
  const until = (suffix: string | null) =>
    suffix === null
      ? sql`0`
      : sql`COALESCE((SELECT forgotten_at FROM password_tries WHERE id = owner || ${suffix}), 0)`;
  // From a known network the account's counter is seen as it would be if its tries counted there, too.
  // guard: tries-are-counted-by-account
  return sql`SELECT *, network_until <= ${room(nowMs, TRIES.network)}
      AND account_until <= ${room(nowMs, TRIES.account)} AS is_open
    FROM (SELECT owner, known, network_until, credential_until, hidden_until, CASE WHEN known
        THEN MAX(whole_until, ${nowMs}) + MAX(network_until - ${nowMs}, 0) ELSE whole_until END AS account_until
      FROM (SELECT owner, ${known} AS known, ${until(account)} AS whole_until,
          COALESCE(near.forgotten_at, 0) AS network_until, ${until(credential)} AS credential_until,
          CASE WHEN ${known} THEN ${until(`${network}+`)} ELSE 0 END AS hidden_until
        FROM (SELECT ${owner} AS owner) LEFT JOIN password_tries AS near ON near.id = owner || ${network}))`;
}

/** Counts a try where every counter that it falls under has room for it, and else nowhere. */
function claim(counters: Sql, { account, network, credential }: CounterIds, nowMs: number): Sql {
  const more = [
    ...(account === null
      ? []
      : [sql`UNION ALL SELECT owner || ${account}, ${nowMs + TRY_MS} FROM free WHERE NOT known`]),
    ...(credential === null
      ? []
      : [
          sql`UNION ALL SELECT owner || ${credential}, ${nowMs + CREDENTIAL_TRY_MS} FROM free WHERE TRUE`,
        ]),
  ];
  // guard: tries-are-limited
  return sql`INSERT INTO password_tries (id, forgotten_at)
    WITH free AS MATERIALIZED (SELECT * FROM (${counters})
      WHERE (is_open OR known AND network_until <= ${room(nowMs, TRIES.network)} AND hidden_until <= ${room(nowMs, TRIES.hidden, HIDDEN_TRY_MS)})
        AND credential_until <= ${room(nowMs, TRIES.credential, CREDENTIAL_TRY_MS)})
    SELECT owner || ${network} || CASE WHEN is_open THEN '' ELSE '+' END,
      ${nowMs} + CASE WHEN is_open THEN ${TRY_MS} ELSE ${HIDDEN_TRY_MS} END FROM free WHERE TRUE
    ${join(more.length === 0 ? [sql``] : more, " ")}
    ON CONFLICT (id) DO UPDATE
      SET forgotten_at = MAX(forgotten_at, ${nowMs}) + (excluded.forgotten_at - ${nowMs})
    RETURNING id`;
}
