import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import { idsBehind } from "../core/authenticate.ts";
import type { CallerRef, JwtClaims, SessionState, Standing, Tokens } from "../core/ports.ts";
import { JWT_LIFETIMES, type SessionToken, TOKEN_KINDS } from "../core/token.ts";
import type { User } from "../core/user.ts";
import { type Audit, type AuditRow, byCaller } from "./audit-sql.ts";
import { rotateFamily } from "./d1-families.ts";
import { rerollApi } from "./d1-reroll.ts";
import { takeStatusIndex } from "./d1-status-lists.ts";
import { toUser, USER_COLUMNS, UserRow } from "./d1-users.ts";
import type { Database } from "./database.ts";
import type { Endings } from "./endings.ts";
import { insertToken } from "./insert-token.ts";
import { endedCopyKey, endedKey } from "./keys.ts";
import { pageOf, toPage } from "./paging.ts";
import { callerStands, NOT_USED_UP, noneEnded, STANDS, USER_STANDS } from "./standing-sql.ts";
import {
  ApiRow,
  SessionRow,
  TOKEN_COLUMNS,
  TokenRow,
  toApi,
  toSession,
  toToken,
} from "./token-row.ts";

const SESSION_TTL_MS = TOKEN_KINDS.session.ttlSeconds * 1000;
const SESSION_MAX_MS = TOKEN_KINDS.session.maxTtlSeconds * 1000;
const API_MAX_MS = TOKEN_KINDS.api.maxTtlSeconds * 1000;
/** Whatever JWT hangs on another, or on a family, is gone by then. */
const JWT_MAX_MS = JWT_LIFETIMES.sinceLogin * 1000;

const HeldRow = v.object({ id: v.string(), user_id: v.string() });
const FamilyRow = v.object({ status_index: v.number() });

const EpochsRow = v.object({ epoch: v.number(), api_epoch: v.nullable(v.number()) });
const ExtendedRow = v.object({ ...SessionRow.entries, email: v.string() });

const ENDED_BY_KIND = sql`CASE kind WHEN 'session' THEN 'session.ended' WHEN 'action' THEN 'action.ended'
  ELSE 'token.ended' END`;

export interface ExtendedSession extends SessionState {
  readonly token: SessionToken;
}

/** The tokens as D1's primary has them: always the last word. */
export interface D1Tokens extends Omit<Tokens, "touch" | "extendSession" | "standsFor"> {
  standing(id: string, nowMs: number): Promise<Required<Standing> | null>;
  standingOfJwt(claims: JwtClaims): Promise<{ user: User } | null>;
  extendSession(id: string, nowMs: number): Promise<ExtendedSession | null>;
  /** Whether a refresh JWT was replaced by a later one: it stands for its grace, and is good for nothing else. */
  isSpent(claims: JwtClaims): Promise<boolean>;
  noteUse(id: string, hourMs: number): Promise<void>;
}

export function d1Tokens(db: Database, endings: Endings, audit: Audit): D1Tokens {
  const own = (id: string, caller: CallerRef, nowMs: number) => sql`
    id = ${id} AND kind = 'api' AND user_id = ${caller.userId} AND revoked_at IS NULL
    AND expires_at > ${nowMs} AND epoch = (SELECT epoch FROM users WHERE id = ${caller.userId})
    AND api_epoch = (SELECT api_epoch FROM users WHERE id = ${caller.userId})
    AND ${callerStands(caller, nowMs)}`;

  const done = (what: AuditRow["what"], caller: CallerRef, subjectId: string, nowMs: number) =>
    audit.after({ what, ...byCaller(caller), subjectId }, nowMs);

  /** Runs the statement that ends one token, with the mark that KV is owed. @returns its rows */
  async function end(id: string, statement: Sql, written: Sql, untilMs: number, nowMs: number) {
    const onlyIf = sql`EXISTS (SELECT 1 FROM tokens WHERE id = ${id} AND revoked_at = ${nowMs})`;
    const ending = { batch: [statement, written], key: endedKey(id), onlyIf, untilMs };
    const [rows = []] = await endings.commit(ending, nowMs);
    return rows;
  }

  return {
    async standing(id, nowMs) {
      const row = await db.first(
        sql`SELECT ${TOKEN_COLUMNS}, ${USER_COLUMNS} FROM tokens JOIN users ON users.id = tokens.user_id
          WHERE tokens.id = ${id} AND tokens.kind IN ('session', 'api', 'action') AND tokens.expires_at > ${nowMs}
            AND ${STANDS}`,
        v.intersect([TokenRow, UserRow]),
      );
      return row === null ? null : { token: toToken(row), user: toUser(row) };
    },

    async standingOfJwt(claims) {
      const row = await db.first(
        sql`SELECT ${USER_COLUMNS} FROM users WHERE users.id = ${claims.userId}
          AND users.epoch = ${claims.epoch} AND ${USER_STANDS} AND ${noneEnded(idsBehind(claims))}`,
        UserRow,
      );
      return row === null ? null : { user: toUser(row) };
    },

    async insert(token, caller) {
      const what = token.kind === "api" ? "token.created" : "session.created";
      const written = done(what, caller, token.id, token.createdAtMs);
      const [[first] = []] = await db.batch([insertToken(token, caller, audit.address()), written]);
      if (first === undefined) return null;
      const row = v.parse(EpochsRow, first);
      const made = { ...token, epoch: row.epoch };
      return token.kind === "api" ? { ...made, apiEpoch: row.api_epoch ?? 0 } : made;
    },

    async insertFamily(family, caller) {
      // The place is taken also where the login then fails: a gap costs one bit.
      const [, [row] = []] = await db.batch([
        takeStatusIndex,
        insertToken(family, caller, audit.address()),
        done("jwt.obtained", caller, family.id, family.createdAtMs),
      ]);
      return row === undefined ? null : v.parse(FamilyRow, row).status_index;
    },

    async extendSession(id, nowMs) {
      // MAX: an extension seen by a slower clock or a late retry never shortens the session.
      const [[found] = []] = await db.batch([
        sql`UPDATE tokens SET modified_at = ${nowMs}, expires_at =
            MAX(tokens.expires_at, MIN(${nowMs + SESSION_TTL_MS}, tokens.created_at + ${SESSION_MAX_MS}))
          WHERE tokens.id = ${id} AND tokens.kind = 'session' AND tokens.expires_at > ${nowMs}
            AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${STANDS})
          RETURNING ${TOKEN_COLUMNS}, (SELECT email FROM users WHERE id = tokens.user_id) AS email`,
        audit.afterToken("session.extended", id, nowMs),
      ]);
      if (found === undefined) return null;
      const row = v.parse(ExtendedRow, found);
      return { token: toSession(row), email: row.email, expiresAtMs: row.expires_at };
    },

    async endSession(id, nowMs) {
      const rows = await end(
        id,
        sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
          WHERE tokens.id = ${id} AND tokens.kind = 'session' AND tokens.expires_at > ${nowMs}
            AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${STANDS})
          RETURNING id`,
        audit.afterToken("session.ended", id, nowMs),
        nowMs + SESSION_MAX_MS,
        nowMs,
      );
      return rows.length > 0;
    },

    async listApi(caller, page, nowMs) {
      const { from, orderAndLimit } = pageOf(sql`tokens.id`, sql`tokens.created_at`, page);
      // The epochs as values, and not by a join, so that the index leads straight to the page.
      const rows = await db.all(
        sql`SELECT ${TOKEN_COLUMNS} FROM tokens WHERE tokens.user_id = ${caller.userId}
          AND tokens.kind = 'api' AND tokens.revoked_at IS NULL
          AND tokens.epoch = (SELECT epoch FROM users WHERE id = ${caller.userId})
          AND tokens.api_epoch = (SELECT api_epoch FROM users WHERE id = ${caller.userId})
          AND tokens.expires_at > ${nowMs} AND ${NOT_USED_UP} AND ${from} ${orderAndLimit}`,
        ApiRow,
      );
      return toPage(rows.map(toApi), page);
    },

    async changeApi(id, caller, { name, expiresAtMs }, nowMs) {
      const sets = [sql`modified_at = ${nowMs}`];
      if (name !== undefined) sets.push(sql`detail = json_set(detail, '$.name', ${name})`);
      if (expiresAtMs !== undefined) sets.push(sql`expires_at = ${expiresAtMs}`);
      const target = own(id, caller, nowMs);
      const update = sql`UPDATE tokens SET ${join(sets)} WHERE ${target} RETURNING ${TOKEN_COLUMNS}`;
      // An end that is moved up ends every copy that shows the old one.
      const [[row] = []] = await endings.commit(
        {
          batch: [update, done("token.changed", caller, id, nowMs)],
          key: sql`(SELECT ${endedCopyKey(id, "")} || expires_at FROM tokens WHERE id = ${id})`,
          onlyIf: sql`EXISTS (SELECT 1 FROM tokens
            WHERE ${target} AND expires_at > ${expiresAtMs ?? Number.MAX_SAFE_INTEGER})`,
          asked: "before",
          untilMs: nowMs + API_MAX_MS,
        },
        nowMs,
      );
      return row === undefined ? null : toApi(v.parse(ApiRow, row));
    },

    async endApi(id, caller, nowMs) {
      const [row] = await end(
        id,
        sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
          WHERE ${own(id, caller, nowMs)} RETURNING ${TOKEN_COLUMNS}`,
        done("token.ended", caller, id, nowMs),
        nowMs + API_MAX_MS,
        nowMs,
      );
      return row === undefined ? null : toApi(v.parse(ApiRow, row));
    },

    async endJwt(id, caller, expiresAtMs, nowMs) {
      // No row is kept for a JWT until it is ended; a family has had one since its login.
      const rows = await end(
        id,
        sql`INSERT INTO tokens (id, kind, user_id, epoch, created_at, modified_at, expires_at, revoked_at)
          SELECT ${id}, 'jwt', users.id, users.epoch, ${nowMs}, ${nowMs}, ${expiresAtMs}, ${nowMs}
          FROM users WHERE users.id = ${caller.userId} AND ${callerStands(caller, nowMs)}
          ON CONFLICT (id) DO UPDATE SET revoked_at = ${nowMs}, modified_at = ${nowMs}
            WHERE revoked_at IS NULL AND user_id = ${caller.userId}
          RETURNING id`,
        done("jwt.ended", caller, id, nowMs),
        nowMs + JWT_MAX_MS,
        nowMs,
      );
      return rows.length > 0;
    },

    async isSpent({ sid, rotation }) {
      if (sid === null || rotation === null) return false;
      const later = sql`SELECT 1 AS found FROM tokens WHERE id = ${sid} AND rotation > ${rotation}`;
      return (await db.first(later, v.object({ found: v.number() }))) !== null;
    },

    replaceApi: (id, next, caller, oldEndsAtMs, nowMs) =>
      rerollApi(
        endings,
        id,
        own(id, caller, nowMs),
        next,
        done("token.rotated", caller, next.id, nowMs),
        oldEndsAtMs,
        nowMs,
      ),

    async endHeld(ids, nowMs) {
      const among = sql`tokens.id IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`;
      const [rows = []] = await endings.commit(
        {
          batch: [
            sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
              WHERE ${among} AND tokens.kind IN ('session', 'api', 'action')
                AND tokens.revoked_at IS NULL AND tokens.expires_at > ${nowMs}
              RETURNING id, user_id`,
            audit.afterTokens(ENDED_BY_KIND, sql`${among} AND tokens.revoked_at = ${nowMs}`, nowMs),
          ],
          key: sql`${endedKey("")} || tokens.id`,
          from: sql`FROM tokens`,
          onlyIf: sql`${among} AND tokens.revoked_at = ${nowMs}`,
          untilMs: nowMs + API_MAX_MS,
        },
        nowMs,
      );
      return v.parse(v.array(HeldRow), rows).map(({ id, user_id }) => ({ id, userId: user_id }));
    },

    rotate: (claims, jti, nowMs) => rotateFamily(endings, audit, claims, jti, nowMs),

    async noteUse(id, hourMs) {
      await db.run(
        sql`UPDATE tokens SET used_at = ${hourMs} WHERE id = ${id} AND (used_at IS NULL OR used_at < ${hourMs})`,
      );
    },
  };
}
