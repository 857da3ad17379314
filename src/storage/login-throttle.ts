import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { Throttle } from "../core/admin.ts";
import type {
  AccountRef,
  LoginAttemptStore,
  RateLimits,
  RouteClass,
} from "../core/login-throttle.ts";
import { cache } from "./cache.ts";
import type { Deadline } from "./calls.ts";
import type { StorageContext } from "./context.ts";
import { digestOf, networkDigest, textOf } from "./d1.ts";
import { isKnownNetwork } from "./devices.ts";
import { USER_IS_ACTIVE } from "./revocation.ts";
import { toUser, USER_COLUMNS, UserRow } from "./rows.ts";
import { uuid } from "../core/uuid.ts";

/** How long until one failed attempt no longer counts; several expire one after the other. */
const ATTEMPT_MS = 15 * 60_000;

/** How many failed attempts a counter allows. */
const MAX_FAILED_ATTEMPTS = {
  /** Of an account, from all networks that it does not know: with 96 more a day, fewer than 200. */
  account: 80,
  /**
   * Of an account from one network, known or not, so that the number does not reveal whether someone has
   * logged in from there. Attempts from a known network count nowhere else.
   */
  network: 20,
  /**
   * More from a known network, while others have used up the account's: a wrong one gets the same answer
   * as from any other network.
   */
  hidden: 20,
  /** Of a credential that was presented beside a wrong password, where the last one revokes it; and of codes. */
  credential: 10,
} as const;

/** Longer: with 96 of the others there are fewer than 200 a day. */
const HIDDEN_ATTEMPT_MS = 3_600_000;

/** Longer, so that a stolen credential cannot guess forever. */
const CREDENTIAL_ATTEMPT_MS = 86_400_000;

/**
 * Rows are grouped by when they have drained for certain, so that those that have are found without an index: of
 * attempts that drain within a day, and of the longer ones. A counter that still counts goes on in the next group,
 * and the greatest of its rows is what it has; clocks may differ by one group.
 */
const GROUP_MS = 86_400_000;
const LONG_GROUP_MS = 10 * GROUP_MS;
// guard: attempts-count-on-in-the-next-group
const groupsAt = (nowMs: number, groupMs: number): readonly number[] =>
  [1, 2, 3].map((next) => (Math.floor(nowMs / groupMs) + next) * groupMs);
/** The one that is written to now. */
const groupAt = (nowMs: number, groupMs: number) => (Math.floor(nowMs / groupMs) + 2) * groupMs;
const isInGroup = (nowMs: number, hasLong = true): Sql =>
  sql`due_at IN (${join([...groupsAt(nowMs, GROUP_MS), ...(hasLong ? groupsAt(nowMs, LONG_GROUP_MS) : [])])})`;

/** All counters of an owner: what follows the owner in an id sorts before "0". @param owner the text of the id */
export const ofOwner = (owner: Sql, nowMs: number): Sql =>
  sql`${isInGroup(nowMs)} AND login_attempts.id >= ${owner} AND login_attempts.id < ${owner} || '0'`;

const CountersRow = v.object({
  account_until: v.number(),
  network_until: v.number(),
  credential_until: v.number(),
  is_open: v.number(),
});
const IdRow = v.object({ id: v.string() });

/**
 * A counter is one number: when the last of its failed attempts no longer counts (the generic cell rate
 * algorithm). An attempt is counted before the password is hashed, and released if it was right: so only
 * failures remain, and many at once cannot all pass.
 */
export function createLoginAttempts({ db, background, served }: StorageContext): LoginAttemptStore {
  const told = cache<number>(CREDENTIAL_ATTEMPT_MS);
  const keyOf = (account: AccountRef) => JSON.stringify([account, served.attemptNetwork().name]);

  return {
    async reserve(account, nowMs) {
      const { name, mayBeKnown } = served.attemptNetwork();
      const [from, digest] = await Promise.all([
        networkDigest(name),
        "email" in account ? digestOf(account.email) : "",
      ]);
      const ids = idsOf(account, digest, from);
      const counters = countersOf(ids, mayBeKnown, nowMs);
      // One transaction: the counters that are read are those that decide.
      const {
        account: found,
        read,
        reserved,
      } = await db.batch({
        account: sql`SELECT ${USER_COLUMNS} FROM users WHERE ${USER_IS_ACTIVE} AND ${isAccount(account)}`,
        read: counters,
        reserved: reserveIn(counters, ids, nowMs),
      });
      const before = v.parse(CountersRow, read[0]);
      const freeFromMs = Math.max(
        before.network_until - (MAX_FAILED_ATTEMPTS.network - 1) * ATTEMPT_MS,
        before.account_until - (MAX_FAILED_ATTEMPTS.account - 1) * ATTEMPT_MS,
        before.credential_until - (MAX_FAILED_ATTEMPTS.credential - 1) * CREDENTIAL_ATTEMPT_MS,
      );
      const retryAfterSeconds = Math.max(1, Math.ceil((freeFromMs - nowMs) / 1000));
      // guard: refused-attempt-is-not-hashed
      if (reserved.length === 0) {
        told.set(keyOf(account), nowMs + retryAfterSeconds * 1000, nowMs);
        return { isAllowed: false, retryAfterSeconds };
      }
      return {
        isAllowed: true,
        user: found[0] === undefined ? null : toUser(v.parse(UserRow, found[0])),
        counters: v.parse(v.array(IdRow), reserved).map(({ id }) => id),
        isLast:
          ids.credential !== null &&
          before.credential_until >
            nowMs + (MAX_FAILED_ATTEMPTS.credential - 2) * CREDENTIAL_ATTEMPT_MS,
        wrongRetryAfterSeconds: before.is_open ? null : retryAfterSeconds,
      };
    },

    // If this was the only attempt, the counter goes, whatever time it has: a location whose clock runs ahead must not
    // throttle the others.
    release(counters, nowMs, attempts = 1) {
      const released = sql`${attempts} * CASE WHEN instr(id, '+') > 0 THEN ${HIDDEN_ATTEMPT_MS} ELSE ${ATTEMPT_MS} END`;
      const hasLong = counters.some((id) => id.includes("#"));
      const own = sql`${isInGroup(nowMs, hasLong)} AND id IN (${join([...counters])})`;
      background.afterResponse(
        "release a log-in attempt",
        db.batch({
          gone: sql`DELETE FROM login_attempts WHERE ${own} AND (instr(id, '#') > 0 OR drained_at - ${released} <= ${nowMs})`,
          lowered: sql`UPDATE login_attempts SET drained_at = drained_at - ${released} WHERE ${own}`,
        }),
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
  return "userId" in account ? sql`users.id = ${uuid(account.userId)}` : sql`FALSE`;
}

/** The counters of an attempt. No text that a user sends is one of them. */
interface CounterIds {
  /** The user's id, so that the counters survive a change of the email. */
  readonly owner: Sql;
  /** The user's id, as SQL; NULL where there is none. */
  readonly user: Sql;
  /** The suffix to the owner's id, or null: not counted by account. */
  readonly account: string | null;
  readonly network: string;
  /** As SQL, which may ask whether the network is `known`. */
  readonly credential: Sql | null;
}

function idsOf(account: AccountRef, digest: string, from: string): CounterIds {
  const network = `/${from}`;
  if ("anyone" in account) {
    return {
      owner: sql`${account.anyone}`,
      user: sql`NULL`,
      account: null,
      network,
      credential: null,
    };
  }
  if ("email" in account) {
    const from = sql`FROM users WHERE deleted_on IS NULL AND ${isAccount(account)}`;
    const owner = sql`COALESCE((SELECT ${textOf(sql`id`)} ${from}), ${digest})`;
    const user = sql`(SELECT id ${from})`;
    return { owner, user, account: "", network, credential: null };
  }
  const owner = sql`${account.userId}`;
  const user = sql`${uuid(account.userId)}`;
  // From each known network apart: whoever has stolen the first factor must not use up the owner's.
  const perDay = sql`CASE WHEN known THEN ${`#otp ${from}`} ELSE '#otp' END`;
  if ("factor" in account) {
    // guard: codes-are-limited-by-day
    const credential = account.factor === "totp" ? perDay : null;
    return { owner, user, account: "", network, credential };
  }
  const { credentialId } = account;
  if (credentialId === null) return { owner, user, account: "", network, credential: null };
  // Separate from those of log-ins: someone with a stolen credential must not keep its owner from logging in.
  return { owner, user, account: "*", network, credential: sql`${`#${credentialId}`}` };
}

const room = (nowMs: number, attempts: number, attemptMs = ATTEMPT_MS) =>
  nowMs + (attempts - 1) * attemptMs;

export const FullCounterRow = v.object({ id: v.string(), drained_at: v.number() });

const countsOf = (id: string): Throttle["counts"] => {
  if (id.includes("#")) return "credential";
  return id.includes("/") ? "network" : "account";
};

/** How many attempts a counter has room for, and how long each counts, by what its id has. */
function boundsOf(id: string): readonly [attempts: number, attemptMs: number] {
  if (id.includes("#")) return [MAX_FAILED_ATTEMPTS.credential, CREDENTIAL_ATTEMPT_MS];
  if (id.includes("+")) return [MAX_FAILED_ATTEMPTS.hidden, HIDDEN_ATTEMPT_MS];
  return [MAX_FAILED_ATTEMPTS[id.includes("/") ? "network" : "account"], ATTEMPT_MS];
}

/** Counters that let no attempt pass now, for operators, among rows that were `scanned`. */
export const FULL_COUNTER = {
  isFull(nowMs: number): Sql {
    const over = (id: string) => room(nowMs, ...boundsOf(id));
    return sql`NOT EXISTS (SELECT 1 FROM login_attempts AS later WHERE ${isInGroup(nowMs)}
        AND later.due_at > scanned.due_at AND later.id = scanned.id)
      AND drained_at > CASE WHEN instr(id, '#') > 0 THEN ${over("#")} WHEN instr(id, '+') > 0 THEN ${over("+")}
      WHEN instr(id, '/') > 0 THEN ${over("/")} ELSE ${over("")} END`;
  },
  read({ id, drained_at }: v.InferOutput<typeof FullCounterRow>): Throttle {
    const [attempts, attemptMs] = boundsOf(id);
    const untilMs = drained_at - (attempts - 1) * attemptMs;
    return { owner: id.split(/[#*/]/)[0] ?? id, counts: countsOf(id), untilMs };
  },
};

/** One row: the owner of the counters, how full they are, and whether the network is known. */
function countersOf(ids: CounterIds, mayBeKnown: boolean, nowMs: number): Sql {
  const { owner, user, account, network, credential } = ids;
  const known = mayBeKnown ? isKnownNetwork(user, network.slice(1), nowMs) : sql`FALSE`;
  const until = (suffix: string | Sql | null, groupMs = GROUP_MS) =>
    suffix === null
      ? sql`0`
      : sql`MAX(${join(
          groupsAt(nowMs, groupMs).map(
            (dueAt) =>
              sql`COALESCE((SELECT drained_at FROM login_attempts WHERE due_at = ${dueAt} AND id = owner || ${suffix}), 0)`,
          ),
        )})`;
  // From a known network, the account's counter is shown as if that network's attempts counted there too.
  // guard: attempts-are-counted-by-account
  return sql`SELECT *, network_until <= ${room(nowMs, MAX_FAILED_ATTEMPTS.network)}
      AND account_until <= ${room(nowMs, MAX_FAILED_ATTEMPTS.account)} AS is_open
    FROM (SELECT owner, known, network_until, credential_until, hidden_until, CASE WHEN known
        THEN MAX(whole_until, ${nowMs}) + MAX(network_until - ${nowMs}, 0) ELSE whole_until END AS account_until
      FROM (SELECT owner, known, ${until(account)} AS whole_until, ${until(network)} AS network_until,
          ${until(credential, LONG_GROUP_MS)} AS credential_until,
          CASE WHEN known THEN ${until(`${network}+`)} ELSE 0 END AS hidden_until
        FROM (SELECT ${owner} AS owner, ${known} AS known)))`;
}

/** Counts an attempt if every one of its counters has room for it, otherwise in none. */
function reserveIn(
  counters: Sql,
  { account, network, credential }: CounterIds,
  nowMs: number,
): Sql {
  const day = groupAt(nowMs, GROUP_MS);
  const counted = (until: Sql, attemptMs: number) => sql`MAX(${until}, ${nowMs}) + ${attemptMs}`;
  // guard: attempts-are-limited
  return sql`INSERT INTO login_attempts (due_at, id, drained_at)
    WITH free AS MATERIALIZED (SELECT * FROM (${counters})
      WHERE (is_open OR known AND network_until <= ${room(nowMs, MAX_FAILED_ATTEMPTS.network)} AND hidden_until <= ${room(nowMs, MAX_FAILED_ATTEMPTS.hidden, HIDDEN_ATTEMPT_MS)})
        AND credential_until <= ${room(nowMs, MAX_FAILED_ATTEMPTS.credential, CREDENTIAL_ATTEMPT_MS)})
    SELECT ${day}, owner || ${network}, ${counted(sql`network_until`, ATTEMPT_MS)} FROM free WHERE is_open
    UNION ALL SELECT ${day}, owner || ${`${network}+`}, ${counted(sql`hidden_until`, HIDDEN_ATTEMPT_MS)} FROM free WHERE NOT is_open
    ${account === null ? sql`` : sql`UNION ALL SELECT ${day}, owner || ${account}, ${counted(sql`account_until`, ATTEMPT_MS)} FROM free WHERE NOT known`}
    ${
      credential === null
        ? sql``
        : sql`UNION ALL SELECT ${groupAt(nowMs, LONG_GROUP_MS)}, owner || ${credential},
            ${counted(sql`credential_until`, CREDENTIAL_ATTEMPT_MS)} FROM free WHERE TRUE`
    }
    ON CONFLICT (due_at, id) DO UPDATE SET drained_at = excluded.drained_at
    RETURNING id`;
}

/** Each has its own limit in wrangler.toml; one that is not bound limits nothing. */
export type Limiters = Readonly<Record<RouteClass, RateLimit | undefined>>;

/**
 * Cloudflare's rate limits: quick and permissive, and each location counts for itself. So they stop
 * most of a flood, but the safety of an account does not rest on them: if one fails or is late, the
 * request continues.
 */
export function createRateLimits(
  limiters: Limiters,
  { served, background }: StorageContext,
  withDeadline: Deadline,
): RateLimits {
  /** @returns null where the limiter did not answer; another key would not help */
  async function ask(limiter: RateLimit, key: string): Promise<boolean | null> {
    let isRateLimited: boolean | null = null;
    const asked = withDeadline("rate limiter", () => limiter.limit({ key })).then((outcome) => {
      isRateLimited = !outcome.success;
    });
    await background.bestEffort("ask the rate limiter", asked);
    return isRateLimited;
  }

  return {
    async isRateLimited(routeClass, clientId) {
      const limiter = limiters[routeClass];
      if (limiter === undefined) return false;
      // One after the other, so that a narrow network over its limit is not counted against its neighbors.
      for (const key of clientId === undefined ? served.limitedNetworks() : [clientId]) {
        const isRateLimited = await ask(limiter, key);
        if (isRateLimited !== false) return isRateLimited ?? false;
      }
      return false;
    },
  };
}
