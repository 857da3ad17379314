import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import {
  type ActionTokenStore,
  type ConsumeOutcome,
  type ConsumeRequest,
  HISTORY_SCAN,
  type HistoryFilter,
  type HistoryOrder,
  type HistoryState,
  type Receipt,
} from "../core/action-tokens.ts";
import type { AccountChange, Condition } from "../core/action.ts";
import type { CallerRef, Derivation } from "../core/caller.ts";
import { type ActionToken, LONGEST_LIFE_SECONDS } from "../core/token.ts";
import { cache } from "./cache.ts";
import type { AuditRow, AuditStatements, NoticeStatements, StorageContext } from "./context.ts";
import {
  anyJson,
  asSql,
  brokenConstraint,
  flag,
  idsIn,
  json,
  pageOf,
  textOf,
  toPage,
} from "./d1.ts";
import { byCaller } from "./events.ts";
import { tombstoneKey } from "./keys.ts";
import { carryUndo } from "./mail.ts";
import {
  allCredentialsRevocation,
  callerIsActive,
  isActiveWithParents,
  NOT_REVOKED,
  NOT_USED_UP,
  parentsAreActive,
  USER_IS_ACTIVE,
} from "./revocation.ts";
import {
  ActionRow,
  DISPLAY_NAME,
  EFFECTIVE_END,
  insertParentJwt,
  insertToken,
  noneReplaced,
  toAction,
  TOKEN_COLUMNS,
} from "./rows.ts";
import { StateRow, tokenState, toOwnToken } from "./tokens.ts";
import { uuid } from "../core/uuid.ts";

const ReceiptRow = v.object({
  id: v.string(),
  tokenId: v.string(),
  action: v.string(),
  runBy: v.string(),
  runAtMs: v.number(),
  requestDigest: v.nullable(v.string()),
  data: anyJson,
});

/** Columns that the batch of a run writes beside the action. */
const IS_BOOKKEEPING = /^(?:tokens|receipts|events|notices|pending_revocations|deliveries)\./;

type CheckRequest = Omit<ConsumeRequest, "plan">;

/** Why a token was not consumed, asked in the same batch, so at the same instant. */
const WhyRow = v.object({
  known: flag,
  revoked: flag,
  expired: flag,
  parent_gone: flag,
  used: flag,
  caller_is_active: flag,
  conditions: v.pipe(json, v.array(flag)),
});

const UseRow = v.object({
  id: v.string(),
  createdAtMs: v.number(),
  isOwn: flag,
  name: v.nullable(v.string()),
  contactId: v.nullable(v.string()),
});
const AnyUseRow = v.object({
  ...UseRow.entries,
  tokenId: v.nullable(v.string()),
  action: v.string(),
});
const HistoryRow = v.object({
  ...ActionRow.entries,
  ...StateRow.entries,
  audience_name: v.nullable(v.string()),
  sort_key: v.number(),
});
const CountedRow = v.object({ looked: v.number(), total: v.nullable(v.number()) });
const UsedAtRow = v.object({ at: v.nullable(v.number()) });

/** A run `r` as the issuer of its token sees it, joined with the one who ran it. */
const useColumns = (issuerId: string): Sql =>
  sql`r.id, r.run_at AS createdAtMs, r.run_by = ${uuid(issuerId)} AS isOwn, ${DISPLAY_NAME} AS name,
    (SELECT contact_id FROM contacts WHERE user_id = ${uuid(issuerId)} AND contact_id = r.run_by) AS contactId`;

/** As the index `tokens_list` has them: a parent may have been revoked. */
const mayBeActive = (userId: string, nowMs: number): Sql =>
  sql`tokens.revoked_at IS NULL AND tokens.credential_version = (SELECT credential_version FROM users WHERE id = ${uuid(userId)})
    AND tokens.api_token_version IS NULL AND tokens.expires_at > ${nowMs} AND ${NOT_USED_UP}`;

/** As `statusOf` of the core decides, of `tokens` joined with `users`. */
function isInState(state: HistoryState, nowMs: number): Sql {
  const notRevoked = sql`tokens.revoked_at IS NULL`;
  const notUsedUp = sql`${notRevoked} AND ${NOT_USED_UP}`;
  switch (state) {
    case "used_up":
      return sql`${notRevoked} AND NOT ${NOT_USED_UP}`;
    case "expired":
      return sql`${notUsedUp} AND ${EFFECTIVE_END} <= ${nowMs}`;
    case "revoked":
      return sql`(tokens.revoked_at IS NOT NULL OR (${notUsedUp} AND ${EFFECTIVE_END} > ${nowMs} AND NOT (${isActiveWithParents(nowMs)})))`;
    case "active":
      return sql`${notUsedUp} AND ${EFFECTIVE_END} > ${nowMs} AND ${isActiveWithParents(nowMs)}`;
  }
}

function filterOf({ action, state, audience }: HistoryFilter, nowMs: number): Sql[] {
  const of = sql`tokens.detail ->> '$.audience'`;
  return [
    ...(state === undefined ? [] : [isInState(state, nowMs)]),
    ...(action === undefined ? [] : [sql`tokens.detail ->> '$.action' = ${action}`]),
    ...(audience === undefined
      ? []
      : audience === "anyone"
        ? [sql`${of} IS NULL`]
        : [audience === "person" ? sql`${of} IS NOT NULL` : sql`${of} = ${audience}`]),
  ];
}

/** What a history is sorted by. */
const KEYS: Readonly<Record<HistoryOrder["sort"], Sql>> = {
  created: sql`tokens.created_at`,
  expires: sql`tokens.expires_at`,
  used: sql`tokens.uses`,
};

const InsertedRow = v.object({ expires_at: v.number() });

const userIsThere = (id: string): Sql =>
  sql`EXISTS (SELECT 1 FROM users WHERE users.id = ${uuid(id)} AND ${USER_IS_ACTIVE})`;

const allOf = (parts: readonly Sql[]): Sql => join([sql`TRUE`, ...parts], " AND ");

/** A JSON array of what each part says. */
const flags = (parts: readonly Sql[]): Sql =>
  parts.length === 0 ? sql`'[]'` : sql`json_array(${join([...parts])})`;

/** What an action token says never changes, so a copy will do to find it; whether it may run, D1 decides. */
export function createActionTokens(context: StorageContext): ActionTokenStore {
  const { db, kv, background, revocations, events, notices, invalidatingUser } = context;
  /** Few, because a payload may be large. */
  const lately = cache<ActionToken>(60_000, 100);

  async function findNow(id: string): Promise<ActionToken | null> {
    const row = await db.first(
      sql`SELECT ${TOKEN_COLUMNS} FROM tokens WHERE tokens.id = ${uuid(id)} AND tokens.kind = 'action'`,
      ActionRow,
    );
    return row === null ? null : toAction(row);
  }

  async function insert(
    token: ActionToken,
    caller: CallerRef,
    derivation: Derivation,
    conditions: readonly Condition[],
  ) {
    const holds = conditions.map((condition) => asSql(condition.holds));
    const audience = token.audience === null ? sql`TRUE` : userIsThere(token.audience);
    const mayDerive = noneReplaced(token.parentIds);
    const { inserted, why } = await db.batch({
      inserted: insertToken(token, caller, null, allOf([mayDerive, audience, ...holds])),
      event: events.afterCaller("action.issued", caller, token.id, token.createdAtMs),
      why: sql`SELECT ${callerIsActive(caller, token.createdAtMs)} AS caller_is_active, ${mayDerive} AS may_derive,
        ${audience} AS audience, ${flags(holds)} AS conditions`,
      parentJwt: insertParentJwt(token.id, derivation, token.createdAtMs),
    });
    if (inserted[0] !== undefined) {
      return { ...token, expiresAtMs: v.parse(InsertedRow, inserted[0]).expires_at };
    }
    const answer = v.parse(
      v.object({
        ...v.pick(WhyRow, ["caller_is_active", "conditions"]).entries,
        may_derive: flag,
        audience: flag,
      }),
      why[0],
    );
    if (!answer.caller_is_active) return "caller_gone";
    if (!answer.may_derive) return "replaced";
    if (!answer.audience) return "audience_unknown";
    return firstThatFails(conditions, answer.conditions) ?? "caller_gone";
  }

  async function consume(request: ConsumeRequest): Promise<ConsumeOutcome> {
    const { changes } = request.plan;
    const batch = consumeBatch(request, events, notices);
    try {
      const revocation =
        changes === undefined ? null : revocationOf(changes, request.receiptId, request.nowMs);
      const { receipt, why } =
        revocation === null
          ? await db.batch(batch)
          : await revocations.commit({ batch, ...revocation }, request.nowMs);
      return outcomeOf(request, receipt[0], why[0]) ?? { outcome: "revoked" };
    } catch (error) {
      // Only the action's own writes can break one: nothing was written, and trying again would not help.
      const constraint = brokenConstraint(error);
      if (constraint === null || IS_BOOKKEEPING.test(constraint)) throw error;
      return { outcome: "constraint_broken", constraint };
    }
  }

  return {
    findNow,

    async find(id, nowMs) {
      const known = lately.get(id, nowMs);
      if (known !== null) return known;
      const copy = await kv.get(id);
      const found = copy?.kind === "action" ? copy : await findNow(id);
      if (found !== null) lately.set(id, found, nowMs);
      return found;
    },

    async insert(token, caller, derivation, conditions) {
      const inserted = await insert(token, caller, derivation, conditions);
      if (typeof inserted !== "string" && !("holds" in inserted)) {
        const copied = kv.put(inserted, token.createdAtMs);
        background.afterResponse("copy an action token to KV", copied);
      }
      return inserted;
    },

    async check(request) {
      const { receipt, why } = await db.batch(questions(request));
      return outcomeOf(request, receipt[0], why[0]);
    },

    consume(request) {
      const { changes } = request.plan;
      const consumed = consume(request);
      return changes === undefined ? consumed : invalidatingUser(changes.userId, consumed);
    },

    async list(caller, page, nowMs) {
      const { from, orderAndLimit } = pageOf(sql`tokens.id`, sql`tokens.created_at`, page);
      const rows = await db.all(
        sql`SELECT ${TOKEN_COLUMNS} FROM tokens WHERE tokens.user_id = ${uuid(caller.userId)}
          AND tokens.kind = 'action' AND ${mayBeActive(caller.userId, nowMs)}
          AND json_extract(tokens.detail, '$.internal') IS NULL AND ${from} AND ${parentsAreActive(nowMs)}
          ${orderAndLimit}`,
        ActionRow,
      );
      return toPage(rows.map(toAction), page);
    },

    async history({ userId }, filter, { sort, isDescending }, page, nowMs) {
      const [id, createdAt] = [sql`tokens.id`, sql`tokens.created_at`];
      const conditions = filterOf(filter, nowMs);
      const isActive = filter.state === "active";
      const own = sql`SELECT * FROM tokens WHERE tokens.user_id = ${uuid(userId)} AND tokens.kind = 'action'
        AND json_extract(tokens.detail, '$.internal') IS NULL AND ${isActive ? mayBeActive(userId, nowMs) : sql`TRUE`}`;
      const newest = pageOf(id, createdAt, { limit: HISTORY_SCAN - 1, after: null }).orderAndLimit;
      const { from, orderAndLimit } = pageOf(id, KEYS[sort], page, isDescending);
      // The index gives all of them, or those that are active, by time. What else is asked for is searched within a bound.
      const isByTime = sort === "created";
      const bound =
        conditions.length <= (isActive ? 1 : 0)
          ? sql``
          : pageOf(id, createdAt, { ...page, limit: HISTORY_SCAN - 1 }, isDescending).orderAndLimit;
      const looked = isByTime ? sql`${own} AND ${from} ${bound}` : sql`${own} ${newest}`;
      const isFirst = page.after === null && page.before === undefined;
      const found = await db.batch({
        rows: sql`SELECT ${TOKEN_COLUMNS}, ${tokenState(nowMs)}, ${KEYS[sort]} AS sort_key,
            (SELECT ${DISPLAY_NAME} FROM contacts AS c JOIN users ON users.id = c.contact_id
              WHERE c.user_id = ${uuid(userId)} AND c.contact_id = unhex(tokens.detail ->> '$.audience', '-')) AS audience_name
          FROM (${looked}) AS tokens JOIN users ON users.id = tokens.user_id
          WHERE ${allOf(conditions)} AND ${isByTime ? sql`TRUE` : from} ${orderAndLimit}`,
        counted: isFirst
          ? sql`SELECT COUNT(*) AS looked, SUM(${allOf(conditions)}) AS total
              FROM (${own} ${newest}) AS tokens JOIN users ON users.id = tokens.user_id`
          : [],
      });
      const items = v.parse(v.array(HistoryRow), found.rows).map((row) => ({
        ...toOwnToken(row),
        id: row.id,
        createdAtMs: row.created_at,
        key: row.sort_key,
        token: toAction(row),
        audienceName: row.audience_name,
      }));
      const [counted] = v.parse(v.array(CountedRow), found.counted);
      return {
        ...toPage(items, page, ({ key }) => key),
        total: counted === undefined ? null : (counted.total ?? 0),
        isAll: (counted?.looked ?? 0) < HISTORY_SCAN,
      };
    },

    async allUses({ userId }, actions, page) {
      const { from, orderAndLimit } = pageOf(sql`r.id`, sql`r.run_at`, page);
      const rows = await db.all(
        sql`SELECT ${useColumns(userId)}, (SELECT tokens.id FROM tokens WHERE tokens.id = r.token_id) AS tokenId, r.action
          FROM receipts AS r JOIN users ON users.id = r.run_by
          WHERE r.issued_by = ${uuid(userId)} AND ${from}
            AND r.action IN (SELECT value FROM json_each(${JSON.stringify(actions)})) ${orderAndLimit}`,
        AnyUseRow,
      );
      return toPage(rows, page);
    },

    async usedAt(tokenId, userId) {
      // A token has at most ACTION_MAX_USES receipts.
      const row = await db.first(
        sql`SELECT MAX(run_at) AS at FROM receipts WHERE token_id = ${uuid(tokenId)} AND run_by = ${uuid(userId)}`,
        UsedAtRow,
      );
      return row?.at ?? null;
    },

    async uses({ userId }, tokenId, page) {
      const { from, orderAndLimit } = pageOf(sql`r.id`, sql`r.run_at`, page);
      // A token has at most ACTION_MAX_USES receipts: they are sorted, and not indexed once more.
      const rows = await db.all(
        sql`SELECT ${useColumns(userId)}
          FROM receipts AS r JOIN users ON users.id = r.run_by
          WHERE r.token_id = ${uuid(tokenId)} AND ${from}
            AND EXISTS (SELECT 1 FROM tokens WHERE tokens.id = ${uuid(tokenId)} AND tokens.kind = 'action'
              AND tokens.user_id = ${uuid(userId)})
          ${orderAndLimit}`,
        UseRow,
      );
      return toPage(rows, page);
    },

    async revoke(id, caller, nowMs) {
      const { revoked } = await db.batch({
        // guard: only-what-can-run-is-revoked
        revoked: sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
          WHERE id = ${uuid(id)} AND kind = 'action' AND user_id = ${uuid(caller.userId)}
            AND credential_version = (SELECT credential_version FROM users WHERE id = ${uuid(caller.userId)}) AND revoked_at IS NULL AND expires_at > ${nowMs}
            AND uses < max_uses AND ${parentsAreActive(nowMs)} AND ${callerIsActive(caller, nowMs)}
          RETURNING id`,
        event: events.afterCaller("action.revoked", caller, id, nowMs),
      });
      return revoked.length > 0;
    },
  };
}

function revocationOf(changes: AccountChange, receiptId: string, nowMs: number) {
  if (changes.revokesCredentials) return allCredentialsRevocation(changes, nowMs);
  if (changes.revokesLogins === undefined) return null;
  return {
    key: sql`${tombstoneKey("")} || ${textOf(sql`tokens.id`)}`,
    from: sql`FROM tokens`,
    // guard: revoked-login-leaves-a-tombstone
    onlyIf: sql`tokens.id IN ${idsIn(changes.revokesLogins)} AND tokens.user_id = ${uuid(changes.userId)}
      AND tokens.revoked_at IS NOT NULL AND EXISTS (SELECT 1 FROM receipts WHERE id = ${uuid(receiptId)})`,
    untilMs: nowMs + LONGEST_LIFE_SECONDS * 1000,
  };
}

/**
 * Use, receipt, effect, and why not: one transaction. The receipt is written only if the first statement
 * left this run's id on the token, and the effect only if the receipt is there.
 */
function consumeBatch(request: ConsumeRequest, events: AuditStatements, notices: NoticeStatements) {
  const { token, caller, runnerId, nowMs } = request;
  const receiptId = uuid(request.receiptId);
  const { bound, isFree } = keyOf(request);
  const conditions = request.conditions.map((condition) => asSql(condition.holds));
  const callerOk = caller === null ? sql`TRUE` : callerIsActive(caller, nowMs);
  // guard: effect-needs-the-use
  const claimed = sql`EXISTS (SELECT 1 FROM receipts WHERE id = ${receiptId})`;
  const { changes } = request.plan;
  const effect = request.plan.writes(claimed).map(asSql);
  if (!effect.every((statement) => statement.values.includes(receiptId))) {
    throw new Error(`action ${request.action}: a write does not depend on winning the token`);
  }
  return {
    // guard: consume-asks-everything
    used: sql`UPDATE tokens SET uses = uses + 1, modified_at = ${nowMs}, won_by = ${receiptId}
      WHERE tokens.id = ${uuid(token.id)} AND tokens.kind = 'action' AND tokens.expires_at > ${nowMs} AND tokens.uses < tokens.max_uses
        AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${isActiveWithParents(nowMs)})
        AND ${userIsThere(runnerId)} AND ${callerOk}
        AND ${isFree} AND ${allOf(conditions)}`,
    // guard: receipt-needs-the-use
    written: sql`INSERT INTO receipts (id, token_id, action, run_by, run_at, data, idempotency_key, request_digest, issued_by)
      SELECT ${receiptId}, tokens.id, ${request.action}, ${uuid(runnerId)}, ${nowMs},
        ${JSON.stringify(request.plan.answer)}, ${bound}, ${request.once?.requestDigest ?? null}, tokens.user_id
      FROM tokens WHERE tokens.id = ${uuid(token.id)} AND tokens.won_by = ${receiptId}`,
    events: runEvents(request).flatMap((row) => events.after(row, nowMs)),
    notices:
      changes?.notice === undefined
        ? []
        : notices.queue(
            changes.notice.kind,
            changes.userId,
            sql`${claimed} AND ${asSql(changes.notice.if)}`,
            nowMs,
          ),
    effect,
    undo: changes?.keepsUndo ? carryUndo(changes.userId, claimed) : [],
    ...questions(request),
  };
}

/** The receipt of this run, or of an earlier one with its key, and what would keep it from running. */
function questions(request: CheckRequest) {
  const { receiptId, token, caller, nowMs } = request;
  const conditions = request.conditions.map((condition) => asSql(condition.holds));
  const callerOk = caller === null ? sql`TRUE` : callerIsActive(caller, nowMs);
  return {
    receipt: sql`SELECT id, token_id AS tokenId, action, run_by AS runBy, run_at AS runAtMs, data,
        request_digest AS requestDigest FROM receipts WHERE id = ${uuid(receiptId)} OR ${keyOf(request).isTaken}`,
    why: sql`SELECT tokens.id IS NOT NULL AS known, NOT (${NOT_REVOKED}) AS revoked, ${EFFECTIVE_END} <= ${nowMs} AS expired,
        NOT (${isActiveWithParents(nowMs)}) AS parent_gone, tokens.uses >= tokens.max_uses AS used, ${callerOk} AS caller_is_active, ${flags(conditions)} AS conditions
      FROM (SELECT 1) LEFT JOIN tokens ON tokens.id = ${uuid(token.id)}
        LEFT JOIN users ON users.id = tokens.user_id`,
  };
}

/**
 * The runner's events (that it was run, and the action's own) and, if the token was another's, the issuer's:
 * that it was run and by whom, but not from where. The event of a changed account is that account's.
 */
function runEvents({ token, caller, runnerId, receiptId, plan }: ConsumeRequest): AuditRow[] {
  const run = { what: "action.run" as const, subjectId: receiptId };
  const credentialId = caller === null ? token.id : byCaller(caller).credentialId;
  const actorId = caller === null ? null : runnerId;
  const own = { ...run, userId: runnerId, actorId, credentialId };
  const events: AuditRow[] = [own];
  const { event, changes } = plan;
  if (event !== undefined) {
    const what = typeof event === "string" ? event : asSql(event);
    const changed = changes !== undefined && { userId: changes.userId, subjectId: token.id };
    events.push({ ...own, what, ...changed });
  }
  if (token.userId === runnerId) return events;
  const issuers = { userId: token.userId, actorId: runnerId, credentialId: token.id };
  return [...events, { ...run, ...issuers, hidesClient: true }];
}

const receiptOf = ({ requestDigest: _, ...receipt }: v.InferOutput<typeof ReceiptRow>): Receipt =>
  receipt;

/** @returns null where it would run */
function outcomeOf(request: CheckRequest, row: unknown, reasons: unknown): ConsumeOutcome | null {
  const found = row === undefined ? null : v.parse(ReceiptRow, row);
  const receipt = found === null ? null : receiptOf(found);
  // This run's own effect may have revoked its caller, as a new password does.
  if (receipt?.id === request.receiptId) return { outcome: "done", receipt };
  const why = v.parse(WhyRow, reasons);
  // Not even an earlier receipt, whatever the revocation lag for reads.
  if (!why.caller_is_active) return { outcome: "caller_gone" };
  if (receipt !== null) {
    // guard: key-belongs-to-its-request
    const isSame = found?.requestDigest === request.once?.requestDigest;
    return isSame ? { outcome: "repeated", receipt } : { outcome: "key_taken" };
  }
  if (!why.known) return { outcome: "unknown" };
  // Its last use may itself have revoked it, as a password reset does: then the use is the reason.
  if (why.used) return { outcome: "used" };
  if (why.revoked) return { outcome: "revoked" };
  if (why.expired) return { outcome: "expired" };
  if (why.parent_gone) return { outcome: "revoked" };
  const failed = firstThatFails(request.conditions, why.conditions);
  return failed === null ? null : { outcome: "rejected", message: failed.message };
}

function firstThatFails(
  conditions: readonly Condition[],
  answers: readonly boolean[],
): Condition | null {
  return conditions.find((_, index) => answers[index] !== true) ?? null;
}

/** The length of a bound key's prefix: its kind and an id. */
const BINDING_LENGTH = 42;

/**
 * An idempotency key belongs to the caller who chose it or, without a caller, to the token. It is taken
 * where they used it before, or anyone did with this token, which has as many receipts as it had uses.
 */
function keyOf({ once, caller, token }: CheckRequest): {
  bound: string | null;
  isTaken: Sql;
  isFree: Sql;
} {
  if (once === null)
    return { bound: null, isTaken: sql`idempotency_key = NULL`, isFree: sql`TRUE` };
  const bound = `${caller === null ? `link:${token.id}` : `user:${caller.userId}`}:${once.key}`;
  const isTaken = sql`(idempotency_key = ${bound} OR (token_id = ${uuid(token.id)}
    AND substr(idempotency_key, ${BINDING_LENGTH + 1}) = ${once.key}))`;
  return { bound, isTaken, isFree: sql`NOT EXISTS (SELECT 1 FROM receipts WHERE ${isTaken})` };
}
