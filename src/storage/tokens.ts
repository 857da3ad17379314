import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { ActiveToken, TokenCheckStore } from "../core/authenticate.ts";
import {
  type Authenticated,
  type CallerRef,
  callerRefOf,
  callerRefOfJwt,
  type Spending,
  isSpending,
  WAYS_IN,
  type WayIn,
} from "../core/caller.ts";
import type { AuditEvent } from "../core/events.ts";
import type { RevocationStore, StrictCheckStore } from "../core/introspection.ts";
import type { Confirmed, RefreshFamilyStore } from "../core/jwt-pairs.ts";
import { type JwtClaims, type RefreshClaims, revocationTarget } from "../core/jwt.ts";
import type { Login, LoginStore } from "../core/logins.ts";
import type { SessionState, SessionStore } from "../core/sessions.ts";
import type { StatusListStore } from "../core/status-lists.ts";
import type { OwnToken, TokenDiagnosisStore } from "../core/token-diagnosis.ts";
import {
  LONGEST_LIFE_SECONDS,
  type RefreshFamily,
  ROTATION_GRACE_SECONDS,
  type SessionToken,
} from "../core/token.ts";
import type { User } from "../core/user.ts";
import { cache } from "./cache.ts";
import type { StorageContext } from "./context.ts";
import { asSql, type Batch, type BatchRows, idsIn, pageOf, textOf, toPage, uuids } from "./d1.ts";
import { DEVICE_FIELDS, DeviceRow, devicesOf } from "./devices.ts";
import { NIL_USER_ID } from "./event-rows.ts";
import { byCaller } from "./events.ts";
import { loginsTombstoneKey, tombstoneKey } from "./keys.ts";
import {
  allCredentialsRevocation,
  callerIsActive,
  isActiveWithParents,
  isNotRevokedWithParents,
  jwtIsActive,
  MAX_TOMBSTONES,
  NOT_USED_UP,
  parentsAreActive,
  revokeToken,
  NOT_REVOKED,
  USER_IS_ACTIVE,
} from "./revocation.ts";
import {
  EFFECTIVE_END,
  insertToken,
  nextStatusIndex,
  SessionRow,
  TOKEN_COLUMNS,
  TokenRow,
  toSession,
  toToken,
  toUser,
  USER_COLUMNS,
  UserRow,
} from "./rows.ts";
import { uuid } from "../core/uuid.ts";

const HOUR_MS = 3_600_000;
/** A location whose clock is behind accepts a token for a moment longer than its expiry. */
const CLOCK_MARGIN_MS = HOUR_MS;
/**
 * Until when a token's tombstone is needed. Its row knows, whatever the lifetimes were when it was created:
 * nothing that was derived from a row outlives it, and a revoked one is never extended.
 */
// guard: tombstone-outlives-the-token
const PAST_EXPIRY = sql`tokens.expires_at + ${CLOCK_MARGIN_MS}`;
const GRACE_MS = ROTATION_GRACE_SECONDS * 1000;

const OwnerRow = v.object({ id: v.string(), userId: v.string() });
const FamilyRow = v.object({ status_index: v.number() });
const InsertedRow = v.object({ credential_version: v.number() });
const ConfirmedRow = v.object({ ...UserRow.entries, token_expires_at: v.nullable(v.number()) });
const ListedRow = v.object({ ...ConfirmedRow.entries, status_index: v.number() });
const ExtendedRow = v.object({ ...SessionRow.entries, email: v.string() });
const FoundRow = v.object({ found: v.number() });

const SuccessorRow = v.object({
  jti: v.string(),
  rotation: v.number(),
  rotatedAtMs: v.number(),
  familyEndMs: v.number(),
});

const LOGIN_KINDS = ["session", "family"] as const;

const LoginRow = v.object({
  id: v.string(),
  kind: v.picklist(LOGIN_KINDS),
  created_at: v.number(),
  modified_at: v.number(),
  expires_at: v.number(),
  address: v.nullable(v.string()),
  way: v.nullable(v.picklist(WAYS_IN)),
  ...DEVICE_FIELDS,
  first_seen_at: v.nullable(v.number()),
});

const REVOKED_EVENT = sql`CASE kind WHEN 'session' THEN 'session.revoked' WHEN 'action' THEN 'action.revoked'
  ELSE 'token.revoked' END`;

/**
 * The checks, each one SELECT, which the primary and its replicas answer alike.
 * @param also columns to read with it
 */
export const activeToken = (id: string, nowMs: number, also = sql``): Sql =>
  // guard: check-reads-the-whole-state
  sql`SELECT ${TOKEN_COLUMNS}, ${USER_COLUMNS}${also} FROM tokens JOIN users ON users.id = tokens.user_id
    WHERE tokens.id = ${uuid(id)} AND tokens.kind IN ('session', 'api', 'action') AND tokens.expires_at > ${nowMs}
      AND ${isActiveWithParents(nowMs)}`;

const ActiveTokenRow = v.intersect([TokenRow, UserRow]);

export function toActiveToken(found: unknown): Required<ActiveToken> {
  const row = v.parse(ActiveTokenRow, found);
  return { token: toToken(row), user: toUser(row) };
}

export const activeJwt = (claims: JwtClaims, nowMs: number, also = sql``): Sql =>
  // guard: check-of-a-jwt-reads-the-whole-state
  sql`SELECT ${USER_COLUMNS}${also} FROM users WHERE users.id = ${uuid(claims.userId)}
    AND users.credential_version = ${claims.credentialVersion} AND ${USER_IS_ACTIVE} AND ${jwtIsActive(callerRefOfJwt(claims), nowMs)}`;

export const toActiveJwt = (row: unknown): { user: User } => ({
  user: toUser(v.parse(UserRow, row)),
});

/** Checks, sessions, refresh families and log-ins as D1's primary has them, which always decides. */
export interface TokensInD1
  extends Omit<TokenCheckStore, "touch" | "noteLogin">,
    Omit<SessionStore, "extendSession" | "confirmSession">,
    Omit<RefreshFamilyStore, "isActiveUntil" | "confirm" | "noteIssued">,
    RevocationStore,
    StrictCheckStore,
    LoginStore {
  findActive(id: string, nowMs: number): Promise<Required<ActiveToken> | null>;
  findActiveJwt(claims: JwtClaims, nowMs: number): Promise<{ user: User } | null>;
  /** Whether a refresh JWT may be exchanged: it is active, and was not replaced by a later one before its grace. */
  isActiveUntil(
    claims: RefreshClaims,
    nowMs: number,
    wantsUser: boolean,
  ): Promise<{ readonly user: User | null } | null>;
  confirm(caller: CallerRef, nowMs: number): Promise<Confirmed | null>;
  /** @param loginId null where the JWT has no log-in with a row among its parents */
  noteIssued(caller: CallerRef, loginId: string | null, jti: string, nowMs: number): Promise<void>;
  /** Of a log-in without a row of its own. @returns whose notices to send now */
  noteLogin(userId: string, way: WayIn, nowMs: number): Promise<void>;
  noteUse(id: string, hourMs: number): Promise<void>;
  extendSession(
    id: string,
    nowMs: number,
  ): Promise<(SessionState & { readonly token: SessionToken }) | null>;
  /** @returns the session, or null where it was not confirmed */
  confirmSession(
    id: string,
    ifCredentialVersion: number,
    nowMs: number,
  ): Promise<SessionToken | null>;
}

export function tokensInD1({
  db,
  revocations,
  events,
  notices,
  devices,
  lifetimes,
  invalidatingUser,
}: StorageContext): TokensInD1 {
  const spentFor = ({ id, credentialVersion, won }: Spending): Sql =>
    sql`SELECT ${USER_COLUMNS} FROM users WHERE users.id = ${uuid(id)} AND users.credential_version = ${credentialVersion}
      AND ${USER_IS_ACTIVE} AND ${asSql(won)}`;

  /** One batch: what is spent, and then the rest. */
  async function spend<K extends string>(
    { id, writes, revokesCredentials }: Spending,
    rest: Batch<K>,
    nowMs: number,
  ): Promise<BatchRows<K>> {
    const batch: Batch<K | "spent"> = { spent: writes.map(asSql), ...rest };
    if (!revokesCredentials) return db.batch(batch);
    const revocation = { batch, ...allCredentialsRevocation({ userId: id }, nowMs) };
    return invalidatingUser(id, revocations.commit(revocation, nowMs));
  }

  /** Opens a log-in. @returns its row and account; null where nothing was spent for it, or the account is not active */
  async function open(
    who: Authenticated,
    token: SessionToken | RefreshFamily,
    what: AuditEvent,
    way: WayIn,
  ): Promise<{ readonly row: unknown; readonly user: User } | null> {
    const nowMs = token.createdAtMs;
    const caller = callerRefOf(who);
    const { login, isKnown, isNew, seen } = await recognizing(token, way, nowMs);
    // guard: log-in-opens-with-what-it-spends
    const won = isSpending(who) ? asSql(who.won) : sql`TRUE`;
    const batch = {
      inserted: insertToken(token, caller, login, won),
      event: events.login(
        { what, ...byCaller(caller), subjectId: token.id, isKept: isNew },
        isKnown,
        nowMs,
      ),
      ...seen,
    };
    if (!isSpending(who)) {
      const { inserted } = await db.batch(batch);
      return inserted[0] === undefined ? null : { row: inserted[0], user: who };
    }
    const { inserted, user } = await spend(who, { ...batch, user: spentFor(who) }, nowMs);
    const [row] = inserted;
    return row === undefined ? null : { row, user: toUser(v.parse(UserRow, user[0])) };
  }

  /** What a new log-in's batch has beside its row: what its user recognizes it by, and whether to tell them. */
  async function recognizing(
    { id, userId }: SessionToken | RefreshFamily,
    way: WayIn,
    nowMs: number,
  ) {
    const login = await devices.login(way);
    const isOpen = sql`EXISTS (SELECT 1 FROM tokens WHERE tokens.id = ${uuid(id)})`;
    return {
      login: {
        way,
        city: login.city,
        address: events.address(),
        device: devices.idOf(login, userId, nowMs),
      },
      isKnown: devices.isKnown(login, userId),
      isNew: devices.isNew(login, userId),
      seen: devices.seen(login, userId, id, isOpen, nowMs),
    };
  }

  /**
   * The new expiry of a log-in's row, never earlier than before: a slower clock, a late retry or a version
   * with shorter lifetimes must not end the row before all that it issued has expired.
   */
  // guard: session-has-an-absolute-expiry
  const extendedTo = (untilMs: number): Sql =>
    sql`MAX(tokens.expires_at, MIN(${untilMs}, tokens.created_at + ${lifetimes.login * 1000}))`;

  return {
    async findActive(id, nowMs) {
      const row = await db.first(activeToken(id, nowMs), v.unknown());
      return row === null ? null : toActiveToken(row);
    },

    async findActiveJwt(claims, nowMs) {
      const row = await db.first(activeJwt(claims, nowMs), v.unknown());
      return row === null ? null : toActiveJwt(row);
    },

    async isSpent({ sid, rotation }) {
      if (sid === null || rotation === null) return false;
      const laterRotation = sql`SELECT 1 AS found FROM tokens WHERE id = ${uuid(sid)} AND rotation > ${rotation}`;
      return (await db.first(laterRotation, FoundRow)) !== null;
    },

    async isActiveUntil(claims, nowMs, wantsUser) {
      // A version of the service that rotates may run beside this one: what it replaced is spent here too.
      const { userId, credentialVersion, sid, rotation } = claims;
      const row = await db.first(
        sql`SELECT ${wantsUser ? USER_COLUMNS : sql`1`} FROM users WHERE users.id = ${uuid(userId)} AND users.credential_version = ${credentialVersion}
          AND ${USER_IS_ACTIVE} AND ${jwtIsActive(callerRefOfJwt(claims), nowMs)}
          AND NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.id = ${uuid(sid)} AND tokens.rotation > ${rotation}
            AND NOT (tokens.rotation = ${rotation + 1} AND tokens.rotated_at > ${nowMs - GRACE_MS}))`,
        v.union([UserRow, v.object({ 1: v.number() })]),
      );
      return row && { user: "user_id" in row ? toUser(row) : null };
    },

    async confirm(caller, nowMs) {
      const row = await db.first(
        sql`SELECT ${USER_COLUMNS},
            (SELECT ${EFFECTIVE_END} FROM tokens WHERE tokens.id = ${uuid(caller.tokenId)}) AS token_expires_at
          FROM users WHERE users.id = ${uuid(caller.userId)} AND ${callerIsActive(caller, nowMs)}`,
        ConfirmedRow,
      );
      if (row === null) return null;
      return toConfirmed(row);
    },

    async listChain({ rootJti, fromJti, sid, parentIds, ...chain }, untilMs, caller, nowMs) {
      const { userId, credentialVersion } = caller;
      const id = chainIdOf(rootJti, credentialVersion);
      const parents = sid === null ? null : JSON.stringify([sid, ...parentIds]);
      const jtis = [rootJti, fromJti].filter((jti) => jti !== null);
      const detail =
        sid === null
          ? sql`json_object('jtis', json(${JSON.stringify(jtis)}), 'loginVersion', users.login_version)`
          : sql`json_object('jtis', json(${JSON.stringify(jtis)}))`;
      const isActive = sql`users.id = ${uuid(userId)} AND ${callerIsActive(caller, nowMs)}`;
      const { confirmed } = await db.batch({
        listed: sql`INSERT INTO tokens (id, kind, user_id, credential_version, api_token_version, created_at, modified_at, expires_at,
            status_index, parents, detail)
          SELECT ${uuid(id)}, 'jwt', users.id, ${credentialVersion}, ${chain.apiTokenVersion}, ${nowMs}, ${nowMs}, ${untilMs},
            ${nextStatusIndex}, ${parents}, ${detail}
          FROM users WHERE ${isActive}
          ON CONFLICT (id) DO UPDATE SET expires_at = ${untilMs}, modified_at = ${nowMs} WHERE expires_at < ${untilMs}`,
        confirmed: sql`SELECT ${USER_COLUMNS},
            (SELECT ${EFFECTIVE_END} FROM tokens WHERE tokens.id = ${uuid(caller.tokenId)}) AS token_expires_at,
            (SELECT status_index FROM tokens WHERE id = ${uuid(id)}) AS status_index
          FROM users WHERE ${isActive}`,
      });
      if (confirmed[0] === undefined) return null;
      const row = v.parse(ListedRow, confirmed[0]);
      return { ...toConfirmed(row), statusIndex: row.status_index };
    },

    async noteIssued(caller, loginId, jti, nowMs) {
      const hourMs = nowMs - (nowMs % HOUR_MS);
      const obtained = { what: "jwt.obtained" as const, ...byCaller(caller), subjectId: jti };
      if (loginId === null) {
        // A log-in with a password, which is noted, or a JWT obtained with one.
        if (events.areReceived) await db.batch({ event: events.always(obtained, nowMs) });
        return;
      }
      await db.batch({
        noted: sql`UPDATE tokens SET used_at = ${hourMs} WHERE id = ${uuid(loginId)} AND user_id = ${uuid(caller.userId)}
          AND (used_at IS NULL OR used_at < ${hourMs})`,
        event: events.areReceived ? events.after(obtained, nowMs) : [],
      });
    },

    async noteUse(id, hourMs) {
      await db.run(
        sql`UPDATE tokens SET used_at = ${hourMs} WHERE id = ${uuid(id)} AND (used_at IS NULL OR used_at < ${hourMs})`,
      );
    },

    async noteLogin(userId, way, nowMs) {
      const login = await devices.login(way);
      const isKnown = devices.isKnown(login, userId);
      const isFirst = sql`NOT ${devices.isNoted(login, userId, nowMs)}
        AND EXISTS (SELECT 1 FROM users WHERE users.id = ${uuid(userId)} AND ${USER_IS_ACTIVE})`;
      const who = { userId, actorId: userId, credentialId: null, subjectId: null };
      const isNew = sql`WHERE ${isFirst} AND NOT ${isKnown}`;
      await db.batch({
        // A receiver gets the event of the JWT, if one is obtained.
        event: events.areReceived
          ? []
          : events.where(
              { what: "jwt.obtained", ...who, isKept: devices.isNew(login, userId) },
              isNew,
              nowMs,
            ),
        ...devices.seen(login, userId, null, isFirst, nowMs),
      });
    },

    async insertSession(token, who, way) {
      const opened = await open(who, token, "session.created", way);
      if (opened === null) return null;
      const { credential_version } = v.parse(InsertedRow, opened.row);
      return { token: { ...token, credentialVersion: credential_version }, user: opened.user };
    },

    async spend(spending, nowMs) {
      const { user } = await spend(spending, { user: spentFor(spending) }, nowMs);
      return user[0] === undefined ? null : toUser(v.parse(UserRow, user[0]));
    },

    async extendSession(id, nowMs) {
      const { extended } = await db.batch({
        // guard: only-active-sessions-are-extended
        extended: sql`UPDATE tokens SET modified_at = ${nowMs},
            expires_at = ${extendedTo(nowMs + lifetimes.session * 1000)}
          WHERE tokens.id = ${uuid(id)} AND tokens.kind = 'session' AND tokens.expires_at > ${nowMs}
            AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${NOT_REVOKED})
          RETURNING ${TOKEN_COLUMNS}, (SELECT email FROM users WHERE id = tokens.user_id) AS email`,
        event: events.areReceived ? events.afterToken("session.extended", id, nowMs) : [],
      });
      if (extended[0] === undefined) return null;
      const row = v.parse(ExtendedRow, extended[0]);
      return { token: toSession(row), email: row.email, expiresAtMs: row.expires_at };
    },

    async confirmSession(id, ifCredentialVersion, nowMs) {
      const row = await db.first(
        // guard: only-active-sessions-are-confirmed
        sql`UPDATE tokens SET authenticated_at = MAX(COALESCE(authenticated_at, created_at), ${nowMs})
          WHERE tokens.id = ${uuid(id)} AND tokens.kind = 'session' AND tokens.expires_at > ${nowMs}
            AND tokens.credential_version = ${ifCredentialVersion}
            AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${NOT_REVOKED})
          RETURNING ${TOKEN_COLUMNS}`,
        SessionRow,
      );
      return row && toSession(row);
    },

    ownerOf: (id) =>
      db
        .first(
          sql`SELECT user_id AS userId FROM tokens WHERE id = ${uuid(id)} AND kind = 'session'`,
          v.object({ userId: v.string() }),
        )
        .then((row) => row?.userId ?? null),

    async revokeSession(id, nowMs) {
      const revocation = {
        id,
        // guard: session-is-revoked-once
        statement: sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
          WHERE tokens.id = ${uuid(id)} AND tokens.kind = 'session' AND tokens.expires_at > ${nowMs}
            AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${NOT_REVOKED})
          RETURNING id`,
        event: events.afterToken("session.revoked", id, nowMs),
        untilMs: PAST_EXPIRY,
      };
      return (await revokeToken(revocations, revocation, nowMs)).length > 0;
    },

    async insertFamily(family, who, way) {
      const opened = await open(who, family, "jwt.obtained", way);
      if (opened === null) return null;
      return { statusIndex: v.parse(FamilyRow, opened.row).status_index, user: opened.user };
    },

    /** One batch, which commits although the answer may be a refusal. */
    async rotateFamily(claims, jti, nowMs, wantsUser) {
      const { sid, userId, credentialVersion, rotation, jti: presented } = claims;
      const family = sql`tokens.id = ${uuid(sid)} AND tokens.kind = 'family' AND tokens.user_id = ${uuid(userId)}
        AND tokens.credential_version = ${credentialVersion}`;
      // guard: revoked-family-does-not-rotate
      const isActive = sql`${family} AND tokens.expires_at > ${nowMs}
        AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${NOT_REVOKED})`;
      const ids = { userId, credentialId: presented, subjectId: sid };
      // guard: grace-is-for-the-last-token-alone
      const inGrace = sql`tokens.rotation = ${rotation + 1} AND tokens.rotated_at > ${nowMs - GRACE_MS}`;
      const { successor, user } = await revocations.commit(
        {
          batch: {
            // One winner.
            // guard: rotation-has-one-winner
            rotated: sql`UPDATE tokens SET rotation = ${rotation + 1}, rotated_at = ${nowMs}, won_by = ${uuid(jti)},
                modified_at = ${nowMs}, expires_at = ${extendedTo(nowMs + lifetimes.refresh * 1000)}
              WHERE ${isActive} AND tokens.rotation = ${rotation}`,
            refreshed: events.areReceived
              ? events.after({ what: "jwt.refreshed", actorId: userId, ...ids }, nowMs)
              : [],
            // The token presented is spent and past its grace: either it or its successor was stolen.
            // guard: theft-revokes-the-family
            revoked: sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
              WHERE ${family} AND tokens.revoked_at IS NULL AND tokens.rotation > ${rotation}
                AND NOT (${inGrace})`,
            theft: events.after({ what: "family.revoked", actorId: null, ...ids }, nowMs),
            // For the winner, and for those who came a moment later.
            successor: sql`SELECT won_by AS jti, rotation, rotated_at AS rotatedAtMs,
              expires_at AS familyEndMs FROM tokens WHERE ${isActive} AND ${inGrace}`,
            user: wantsUser
              ? sql`SELECT ${USER_COLUMNS} FROM users WHERE users.id = ${uuid(userId)}`
              : [],
          },
          key: tombstoneKey(sid),
          // guard: theft-leaves-a-tombstone
          onlyIf: sql`tokens.id = ${uuid(sid)} AND tokens.revoked_at = ${nowMs}`,
          from: sql`FROM tokens`,
          untilMs: PAST_EXPIRY,
        },
        nowMs,
      );
      if (successor[0] === undefined) return null;
      return {
        ...v.parse(SuccessorRow, successor[0]),
        user: user[0] === undefined ? null : toUser(v.parse(UserRow, user[0])),
      };
    },

    async revokeJwt(claims, caller, nowMs, isLeaked = false) {
      const id = revocationTarget(claims);
      // Whoever holds it may revoke it, also while its parent is disabled and may be enabled again. Its own ID is the
      // first: with one that was revoked, nobody revokes what it was obtained with.
      const isItself = caller.credentialIds[0] === claims.jti;
      // All that is derived from it has expired by then: its row and its tombstone are kept as long.
      const untilMs = claims.chainEndsAt * 1000;
      const revocation = {
        id,
        // A JWT has no row until it is revoked; a family has one since its log-in.
        statement: sql`INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at, revoked_at)
          SELECT ${uuid(id)}, 'jwt', users.id, users.credential_version, ${nowMs}, ${nowMs}, ${untilMs}, ${nowMs}
          FROM users WHERE users.id = ${uuid(caller.userId)} AND users.credential_version = ${claims.credentialVersion}
            AND ${USER_IS_ACTIVE} AND ${jwtIsActive(callerRefOfJwt(claims), nowMs, sql`TRUE`)} AND ${isItself ? sql`TRUE` : callerIsActive(caller, nowMs)}
          ON CONFLICT (id) DO UPDATE SET revoked_at = ${nowMs}, modified_at = ${nowMs}
            WHERE revoked_at IS NULL AND user_id = ${uuid(caller.userId)}
          RETURNING id`,
        event: events.afterCaller("jwt.revoked", caller, id, nowMs),
        notices: isLeaked
          ? notices.leaked(sql`tokens.id = ${uuid(id)} AND changes() > 0`, nowMs, claims.jti)
          : [],
        untilMs: PAST_EXPIRY,
      };
      return (await revokeToken(revocations, revocation, nowMs)).length > 0;
    },

    async revokeByHolder(ids, issuerId, nowMs, areLeaked = false) {
      const among = sql`tokens.id IN ${idsIn(ids)}`;
      const isHolders = sql`tokens.kind IN ('session', 'api', 'action') AND (tokens.kind <> 'action'
        OR tokens.max_uses = 1 OR tokens.user_id = ${uuid(issuerId)}) AND ${NOT_USED_UP}`;
      const isRevoked = sql`${among} AND tokens.revoked_at = ${nowMs}`;
      const { revoked } = await revocations.commit(
        {
          batch: {
            // guard: holder-revokes-what-is-active
            revoked: sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
              WHERE ${among} AND ${isHolders} AND tokens.expires_at > ${nowMs}
                AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${isNotRevokedWithParents(nowMs)})
              RETURNING id, user_id AS userId`,
            events: events.afterTokens(REVOKED_EVENT, isRevoked, nowMs),
            // `changes()` counts the events: as many as tokens.
            notices: areLeaked ? notices.leaked(sql`${isRevoked} AND changes() > 0`, nowMs) : [],
          },
          key: sql`${tombstoneKey("")} || ${textOf(sql`tokens.id`)}`,
          from: sql`FROM tokens`,
          onlyIf: isRevoked,
          untilMs: nowMs + LONGEST_LIFE_SECONDS * 1000,
        },
        nowMs,
      );
      return v.parse(v.array(OwnerRow), revoked);
    },

    async listLogins(caller, page, own, nowMs) {
      // The caller's own is the first of the first page, and on no other.
      const isFirst = page.after === null && page.before === undefined;
      const others = { ...page, limit: isFirst && own !== null ? page.limit - 1 : page.limit };
      const { from, orderAndLimit } = pageOf(sql`tokens.id`, sql`tokens.created_at`, others);
      const columns = sql`tokens.id, tokens.kind, tokens.created_at,
        MAX(tokens.modified_at, COALESCE(tokens.used_at, 0)) AS modified_at, tokens.expires_at, tokens.address, tokens.way,
        devices.browser, devices.system, devices.country, tokens.city, devices.first_seen_at`;
      const isOwn = (kind: LoginKind) =>
        sql`${isActiveLogin(kind, caller, nowMs)} AND tokens.id = ${uuid(own)}`;
      const isOther = (kind: LoginKind) =>
        sql`${isActiveLogin(kind, caller, nowMs)} AND ${from} AND tokens.id IS NOT ${uuid(own)}`;
      const rows = await db.batch({
        own: isFirst && own !== null ? newest(columns, isOwn, sql`LIMIT 1`) : [],
        others: newest(columns, isOther, orderAndLimit),
        devices: isFirst ? devicesOf(caller.userId) : [],
      });
      const loginsOf = (some: readonly unknown[]) => v.parse(v.array(LoginRow), some).map(toLogin);
      // Back at the start, where the caller's own is the first.
      if (page.before !== undefined && rows.others.length <= page.limit) {
        return this.listLogins(caller, { limit: page.limit, after: null }, own, nowMs);
      }
      const { items, next, previous } = toPage(loginsOf(rows.others), others);
      return {
        items: [...loginsOf(rows.own), ...items],
        // A page that had room for the caller's own alone.
        next: others.limit === 0 && rows.others.length > 0 ? BEFORE_ALL : next,
        previous,
        devices: v.parse(v.array(DeviceRow), rows.devices),
      };
    },

    async revokeLogin(id, caller, nowMs) {
      // A family is revoked as by its refresh JWT.
      const what = sql`(SELECT CASE kind WHEN 'session' THEN 'session.revoked' ELSE 'jwt.revoked' END
        FROM tokens WHERE id = ${uuid(id)})`;
      const { revoked } = await revocations.commit(
        {
          batch: {
            // guard: only-owners-log-out
            revoked: sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
              WHERE id = ${uuid(id)} AND kind IN ('session', 'family') AND user_id = ${uuid(caller.userId)}
                AND credential_version = (SELECT credential_version FROM users WHERE id = ${uuid(caller.userId)})
                AND revoked_at IS NULL AND expires_at > ${nowMs} AND ${callerIsActive(caller, nowMs)}
              RETURNING id`,
            event: events.afterCaller(what, caller, id, nowMs),
          },
          key: tombstoneKey(id),
          from: sql`FROM tokens`,
          onlyIf: sql`tokens.id = ${uuid(id)} AND tokens.revoked_at = ${nowMs} AND tokens.user_id = ${uuid(caller.userId)}`,
          untilMs: PAST_EXPIRY,
        },
        nowMs,
      );
      return revoked.length > 0;
    },

    async revokeOtherLogins(caller, kept, nowMs) {
      const isOther = (kind: LoginKind) =>
        sql`${isActiveLogin(kind, caller, nowMs)} AND tokens.id IS NOT ${uuid(kept)}`;
      // As many as KV can be told in one request, so that all of them are refused within the lag.
      const most = sql`ORDER BY tokens.created_at DESC, tokens.id DESC LIMIT ${MAX_TOMBSTONES}`;
      const others = newest(sql`tokens.id, tokens.created_at, tokens.expires_at`, isOther, most);
      const isActive = callerIsActive(caller, nowMs);
      const { revoked } = await revocations.commit(
        {
          batch: {
            revoked: sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
              WHERE id IN (SELECT id FROM (${others})) AND ${isActive} RETURNING id`,
            event: events.afterCaller("logins.revoked_others", caller, null, nowMs),
            // JWTs that were obtained with a password alone have no row of their own.
            version: sql`UPDATE users SET login_version = login_version + 1 WHERE id = ${uuid(caller.userId)} AND ${isActive}`,
          },
          key: sql`others.key`,
          from: sql`FROM (SELECT ${loginsTombstoneKey(caller.userId, "")} || login_version AS key,
            ${nowMs + LONGEST_LIFE_SECONDS * 1000} AS until FROM users WHERE id = ${uuid(caller.userId)}
            UNION ALL SELECT ${tombstoneKey("")} || ${textOf(sql`id`)}, expires_at + ${CLOCK_MARGIN_MS} FROM (${others})) AS others`,
          onlyIf: isActive,
          // The same rows as the update's, which is in the same transaction.
          asked: "before",
          untilMs: sql`others.until`,
        },
        nowMs,
      );
      return { revoked: revoked.length, isAll: revoked.length < MAX_TOMBSTONES };
    },
  };
}

type LoginKind = (typeof LOGIN_KINDS)[number];

/** A cursor before every row: as far ahead as one may be. */
const BEFORE_ALL = { key: 10 ** 15 - 1, id: NIL_USER_ID };

const toLogin = (row: v.InferOutput<typeof LoginRow>): Login => ({
  kind: row.kind,
  id: row.id,
  createdAtMs: row.created_at,
  modifiedAtMs: row.modified_at,
  expiresAtMs: row.expires_at,
  address: row.address,
  way: row.way,
  browser: row.browser,
  system: row.system,
  country: row.country,
  city: row.city,
  deviceSinceMs: row.first_seen_at,
});

/** Of one kind: the index `tokens_list` leads straight to them. */
const isActiveLogin = (kind: LoginKind, { userId }: CallerRef, nowMs: number): Sql => sql`
  tokens.user_id = ${uuid(userId)} AND tokens.kind = ${kind} AND tokens.revoked_at IS NULL
  AND tokens.credential_version = (SELECT credential_version FROM users WHERE id = ${uuid(userId)}) AND tokens.api_token_version IS NULL
  AND tokens.expires_at > ${nowMs} AND ${NOT_USED_UP}`;

/** Log-ins of both kinds, newest first: at most a page of each is read. */
function newest(columns: Sql, isListed: (kind: LoginKind) => Sql, orderAndLimit: Sql) {
  const [one, two] = LOGIN_KINDS.map(
    (kind) =>
      sql`SELECT * FROM (SELECT ${columns} FROM tokens LEFT JOIN devices ON devices.user_id = tokens.user_id
        AND devices.first_seen_at = tokens.device WHERE ${isListed(kind)} ${orderAndLimit})`,
  );
  return sql`SELECT * FROM (${one} UNION ALL ${two}) AS tokens ${orderAndLimit}`;
}

const nullableNumber = v.nullable(v.number());

export const ACCOUNT = sql`NOT (${USER_IS_ACTIVE}) AS is_disabled, users.credential_version AS user_credential_version,
  users.api_token_version AS user_api_token_version`;

export const AccountRow = v.object({
  is_disabled: v.number(),
  user_credential_version: v.number(),
  user_api_token_version: v.number(),
});

/** What tells the status of a token, of its row joined with its user's. */
export const tokenState = (nowMs: number): Sql =>
  sql`tokens.revoked_at, NOT ${parentsAreActive(nowMs)} AS parent_gone, tokens.address, ${ACCOUNT}`;

export const StateRow = v.object({
  ...AccountRow.entries,
  revoked_at: nullableNumber,
  parent_gone: v.number(),
  address: v.nullable(v.string()),
});

const JwtRow = v.object({
  ...AccountRow.entries,
  jwt_revoked_at: nullableNumber,
  parent_revoked_at: nullableNumber,
  parent_gone: v.number(),
  rotation: nullableNumber,
  rotated_at: nullableNumber,
});

export const accountOf = (row: v.InferOutput<typeof AccountRow>) => ({
  isDisabled: row.is_disabled === 1,
  credentialVersion: row.user_credential_version,
  apiTokenVersion: row.user_api_token_version,
});

export const toOwnToken = (
  row: v.InferOutput<typeof StateRow> & v.InferOutput<typeof TokenRow>,
): OwnToken => ({
  token: toToken(row),
  address: row.address,
  revokedAtMs: row.revoked_at,
  isParentGone: row.parent_gone === 1,
  account: accountOf(row),
});

const toConfirmed = (row: v.InferOutput<typeof ConfirmedRow>): Confirmed => ({
  user: toUser(row),
  endMs: row.token_expires_at ?? Number.POSITIVE_INFINITY,
});

/**
 * The id of the row that lists a chain, beside the row that revokes it: the root's own id with version 8 and the
 * credential version. After a new password the chain goes on, and its older JWTs stay revoked in the list.
 */
const chainIdOf = (rootJti: string, credentialVersion: number) =>
  `${rootJti.slice(0, 14)}8${(credentialVersion % 4_096).toString(16).padStart(3, "0")}${rootJti.slice(18)}`;

/** Active or not, but for the owner alone. */
export function createTokenDiagnosis({ db }: StorageContext): TokenDiagnosisStore {
  return {
    async ownToken(id, userId, nowMs) {
      const row = await db.first(
        sql`SELECT ${TOKEN_COLUMNS}, ${tokenState(nowMs)}
          FROM tokens JOIN users ON users.id = tokens.user_id
          WHERE tokens.id = ${uuid(id)} AND tokens.user_id = ${uuid(userId)}
            AND tokens.kind IN ('session', 'api', 'action')`,
        v.intersect([TokenRow, StateRow]),
      );
      return row === null ? null : toOwnToken(row);
    },

    async ownJwt(claims, parentIds, nowMs) {
      const { jti, userId, sid } = claims;
      const among = parentIds.length === 0 ? sql`(NULL)` : sql`(${uuids(parentIds)})`;
      const row = await db.first(
        sql`SELECT ${ACCOUNT},
            (SELECT revoked_at FROM tokens WHERE id = ${uuid(jti)}) AS jwt_revoked_at,
            (SELECT MIN(revoked_at) FROM tokens WHERE id IN ${among}) AS parent_revoked_at,
            NOT (${jwtIsActive({ ...callerRefOfJwt(claims), apiTokenVersion: null }, nowMs)}) AS parent_gone,
            family.rotation, family.rotated_at
          FROM users LEFT JOIN tokens AS family
            ON family.id = ${uuid(sid)} AND family.kind = 'family' AND family.user_id = users.id
          WHERE users.id = ${uuid(userId)}`,
        JwtRow,
      );
      if (row === null) return null;
      return {
        revokedAtMs: row.jwt_revoked_at,
        loginRevokedAtMs: row.parent_revoked_at,
        isParentGone: row.parent_gone === 1,
        rotation: row.rotation,
        rotatedAtMs: row.rotated_at,
        account: accountOf(row),
      };
    },
  };
}

const IndexRow = v.object({ status_index: v.number() });
const NextRow = v.object({ next: v.number() });

/** Half of the time that caches may keep a list: an isolate reads a list from D1 no more often. */
const SCAN_MS = 30_000;

/**
 * For how long after its expiry a log-in is listed: for verifiers whose clocks are behind. Its row is kept for longer
 * than a list that has it may be cached, so that its index means nothing else meanwhile.
 */
const LISTED_MS = HOUR_MS / 2;

/** A request that comes while another one of this isolate reads the same list polls for its result so often. */
const LOOK_MS = 25;
const MAX_LOOKS = 40;

/** Of a listed chain: none of its JWTs was revoked, nor the log-ins with a password alone. */
const chainIsActive = sql`(tokens.kind <> 'jwt' OR NOT EXISTS (SELECT 1 FROM json_each(tokens.detail, '$.jtis') AS link
    JOIN tokens AS revoked ON revoked.id = unhex(link.value, '-') WHERE revoked.revoked_at IS NOT NULL)
  AND COALESCE(tokens.detail ->> '$.loginVersion', users.login_version) = users.login_version)`;

/** The lists are public, and each costs a scan: an isolate scans a list once in half a minute, however many ask. */
export function createStatusLists({ db }: StorageContext): StatusListStore {
  const lists = cache<readonly number[]>(SCAN_MS);
  /** Which lists are being read. Requests share the result only: workerd does not let one await another's I/O. */
  const reading = cache<true>(LOOK_MS * MAX_LOOKS);
  const nextIndexes = cache<number>(SCAN_MS);

  async function scan(from: number, to: number, nowMs: number) {
    const { last, revoked } = await db.batch({
      last: sql`SELECT ${nextStatusIndex} AS next`,
      // guard: status-list-shows-what-is-revoked
      revoked: sql`SELECT tokens.status_index FROM tokens JOIN users ON users.id = tokens.user_id
        WHERE tokens.status_index >= ${from} AND tokens.status_index < ${to} AND tokens.expires_at > ${nowMs - LISTED_MS}
          AND NOT (${isActiveWithParents(nowMs)} AND ${chainIsActive})`,
    });
    const { next } = v.parse(NextRow, last[0]);
    nextIndexes.set("next", next, nowMs);
    const indexes = v.parse(v.array(IndexRow), revoked).map(({ status_index }) => status_index);
    if (from < next) lists.set(String(from), indexes, nowMs);
    return from < next ? indexes : null;
  }

  return {
    async revoked(from, to, nowMs) {
      const id = String(from);
      for (let looks = 0; ; looks++) {
        const known = lists.get(id, nowMs);
        if (known !== null) return known;
        // Indexes only grow: one that was not allocated a moment ago is looked for again after half a minute.
        const next = nextIndexes.get("next", nowMs);
        if (next !== null && from >= next) return null;
        // The next index, read for any other list, also answers for a list that does not exist.
        if (looks === MAX_LOOKS || reading.get(id, nowMs) === null) break;
        await scheduler.wait(LOOK_MS);
      }
      reading.set(id, true, nowMs);
      try {
        return await scan(from, to, nowMs);
      } finally {
        reading.delete(id);
      }
    },
  };
}
