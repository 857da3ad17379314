import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { AccountRef, LoginAttemptStore } from "../core/login-throttle.ts";
import { digestOf } from "./address-digest.ts";
import type { Background } from "./background.ts";
import { toUser, USER_COLUMNS, UserRow } from "./d1-users.ts";
import type { Database } from "./database.ts";
import { cache } from "./cache.ts";
import { USER_IS_ACTIVE } from "./active-sql.ts";

/** A try that was wrong is forgotten after so long, one after the other. */
const ATTEMPT_MS = 15 * 60_000;

/** How many wrong tries a counter holds. */
const MAX_FAILED_ATTEMPTS = {
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
const HIDDEN_ATTEMPT_MS = 3_600_000;

/** Longer, so that a stolen credential does not guess for ever. */
const CREDENTIAL_ATTEMPT_MS = 86_400_000;

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
export interface AttemptNetwork {
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
export function loginThrottle(
  db: Database,
  background: Background,
  network: () => AttemptNetwork,
): LoginAttemptStore {
  const told = cache<number>(CREDENTIAL_ATTEMPT_MS);
  const keyOf = (account: AccountRef) => JSON.stringify([account, network().name]);

  return {
    async reserve(account, nowMs) {
      const { name, mayBeKnown } = network();
      const [from, digest] = await Promise.all([
        digestOf(name),
        "email" in account ? digestOf(account.email) : "",
      ]);
      const ids = idsOf(account, digest, from);
      const counters = countersOf(ids, mayBeKnown, nowMs);
      // One transaction: the counters that are read are those that decide.
      const [[found] = [], [row] = [], reserved = []] = await db.batch([
        sql`SELECT ${USER_COLUMNS} FROM users WHERE ${USER_IS_ACTIVE} AND ${isAccount(account)}`,
        counters,
        reserveIn(counters, ids, nowMs),
      ]);
      const read = v.parse(CountersRow, row);
      const freeFromMs = Math.max(
        read.network_until - (MAX_FAILED_ATTEMPTS.network - 1) * ATTEMPT_MS,
        read.account_until - (MAX_FAILED_ATTEMPTS.account - 1) * ATTEMPT_MS,
        read.credential_until - (MAX_FAILED_ATTEMPTS.credential - 1) * CREDENTIAL_ATTEMPT_MS,
      );
      const retryAfterSeconds = Math.max(1, Math.ceil((freeFromMs - nowMs) / 1000));
      // guard: try-without-room-is-not-hashed
      if (reserved.length === 0) {
        told.set(keyOf(account), nowMs + retryAfterSeconds * 1000, nowMs);
        return { isAllowed: false, retryAfterSeconds };
      }
      return {
        isAllowed: true,
        user: found === undefined ? null : toUser(v.parse(UserRow, found)),
        counters: v.parse(v.array(IdRow), reserved).map(({ id }) => id),
        isLast:
          ids.credential !== null &&
          read.credential_until >
            nowMs + (MAX_FAILED_ATTEMPTS.credential - 2) * CREDENTIAL_ATTEMPT_MS,
        wrongRetryAfterSeconds: read.is_open ? null : retryAfterSeconds,
      };
    },

    // Nothing is left of the only one: a location whose clock is ahead holds back nobody elsewhere.
    release(counters, nowMs) {
      const knownAt = network().mayBeKnown
        ? sql`CASE WHEN instr(id, '/') > 0 AND instr(id, '+') = 0 THEN ${nowMs} ELSE last_login_at END`
        : sql`last_login_at`;
      const one = sql`CASE WHEN instr(id, '+') > 0 THEN ${HIDDEN_ATTEMPT_MS} ELSE ${ATTEMPT_MS} END`;
      background.afterResponse(
        "give back the try of a right password",
        db.run(sql`UPDATE login_attempts SET drained_at =
              CASE WHEN instr(id, '#') = 0 AND drained_at - ${one} > ${nowMs} THEN drained_at - ${one} ELSE 0 END,
            last_login_at = ${knownAt}
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

const room = (nowMs: number, attempts: number, attemptMs = ATTEMPT_MS) =>
  nowMs + (attempts - 1) * attemptMs;

/** One row: whose counters these are, how far they are filled, and whether the network is known. */
function countersOf(ids: CounterIds, mayBeKnown: boolean, nowMs: number): Sql {
  const { owner, account, network, credential } = ids;
  const known = mayBeKnown
    ? sql`COALESCE(near.last_login_at > ${nowMs - KNOWN_MS}, FALSE)`
    : sql`FALSE`;
  const until = (suffix: string | null) =>
    suffix === null
      ? sql`0`
      : sql`COALESCE((SELECT drained_at FROM login_attempts WHERE id = owner || ${suffix}), 0)`;
  // From a known network the account's counter is seen as it would be if its tries counted there, too.
  // guard: tries-are-counted-by-account
  return sql`SELECT *, network_until <= ${room(nowMs, MAX_FAILED_ATTEMPTS.network)}
      AND account_until <= ${room(nowMs, MAX_FAILED_ATTEMPTS.account)} AS is_open
    FROM (SELECT owner, known, network_until, credential_until, hidden_until, CASE WHEN known
        THEN MAX(whole_until, ${nowMs}) + MAX(network_until - ${nowMs}, 0) ELSE whole_until END AS account_until
      FROM (SELECT owner, ${known} AS known, ${until(account)} AS whole_until,
          COALESCE(near.drained_at, 0) AS network_until, ${until(credential)} AS credential_until,
          CASE WHEN ${known} THEN ${until(`${network}+`)} ELSE 0 END AS hidden_until
        FROM (SELECT ${owner} AS owner) LEFT JOIN login_attempts AS near ON near.id = owner || ${network}))`;
}

/** Counts a try where every counter that it falls under has room for it, and else nowhere. */
function reserveIn(
  counters: Sql,
  { account, network, credential }: CounterIds,
  nowMs: number,
): Sql {
  const more = [
    ...(account === null
      ? []
      : [
          sql`UNION ALL SELECT owner || ${account}, ${nowMs + ATTEMPT_MS} FROM free WHERE NOT known`,
        ]),
    ...(credential === null
      ? []
      : [
          sql`UNION ALL SELECT owner || ${credential}, ${nowMs + CREDENTIAL_ATTEMPT_MS} FROM free WHERE TRUE`,
        ]),
  ];
  // guard: tries-are-limited
  return sql`INSERT INTO login_attempts (id, drained_at)
    WITH free AS MATERIALIZED (SELECT * FROM (${counters})
      WHERE (is_open OR known AND network_until <= ${room(nowMs, MAX_FAILED_ATTEMPTS.network)} AND hidden_until <= ${room(nowMs, MAX_FAILED_ATTEMPTS.hidden, HIDDEN_ATTEMPT_MS)})
        AND credential_until <= ${room(nowMs, MAX_FAILED_ATTEMPTS.credential, CREDENTIAL_ATTEMPT_MS)})
    SELECT owner || ${network} || CASE WHEN is_open THEN '' ELSE '+' END,
      ${nowMs} + CASE WHEN is_open THEN ${ATTEMPT_MS} ELSE ${HIDDEN_ATTEMPT_MS} END FROM free WHERE TRUE
    ${join(more.length === 0 ? [sql``] : more, " ")}
    ON CONFLICT (id) DO UPDATE
      SET drained_at = MAX(drained_at, ${nowMs}) + (excluded.drained_at - ${nowMs})
    RETURNING id`;
}
