import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import type {
  ActionTokenStore,
  ConsumeOutcome,
  ConsumeRequest,
  Receipt,
} from "../core/action-tokens.ts";
import type { Condition } from "../core/action.ts";
import type { ActionToken, Json } from "../core/token.ts";
import { type Audit, type AuditRow, byCaller } from "./audit-sql.ts";
import { carryUndo, type NoticeSql } from "./d1-notices.ts";
import { asSql, type Database } from "./database.ts";
import { type PendingRevocations, allCredentialsRevocation } from "./pending-revocations.ts";
import { insertParentJwt, insertToken, noneReplaced } from "./insert-token.ts";
import { pageOf, toPage } from "./paging.ts";
import {
  callerIsActive,
  NOT_USED_UP,
  parentsAreActive,
  isActiveWithParents,
  USER_IS_ACTIVE,
} from "./active-sql.ts";
import { ActionRow, TOKEN_COLUMNS, toAction } from "./token-row.ts";

const flag = v.pipe(
  v.nullable(v.number()),
  v.transform((value) => value === 1),
);

const ReceiptRow = v.object({
  id: v.string(),
  token_id: v.string(),
  action: v.string(),
  run_by: v.string(),
  run_at: v.number(),
  request_digest: v.nullable(v.string()),
  data: v.pipe(
    v.string(),
    v.parseJson(),
    v.custom<Json>((value) => value !== undefined),
  ),
});

type Attempt = Omit<ConsumeRequest, "plan">;

/** Why a claim was not granted, asked in the same batch, so at the same instant. */
const WhyRow = v.object({
  known: flag,
  revoked: flag,
  expired: flag,
  used: flag,
  caller_is_active: flag,
  conditions: v.pipe(v.string(), v.parseJson(), v.array(flag)),
});

const InsertedRow = v.object({ expires_at: v.number() });

const userIsThere = (id: string): Sql =>
  sql`EXISTS (SELECT 1 FROM users WHERE users.id = ${id} AND ${USER_IS_ACTIVE})`;

const allOf = (parts: readonly Sql[]): Sql => join([sql`TRUE`, ...parts], " AND ");

/** A JSON array of what each part says. */
const flags = (parts: readonly Sql[]): Sql =>
  parts.length === 0 ? sql`'[]'` : sql`json_array(${join([...parts])})`;

function toReceipt(row: v.InferOutput<typeof ReceiptRow>): Receipt {
  return {
    id: row.id,
    tokenId: row.token_id,
    action: row.action,
    runBy: row.run_by,
    runAtMs: row.run_at,
    data: row.data,
  };
}

export function d1ActionTokens(
  db: Database,
  revocations: PendingRevocations,
  audit: Audit,
  notices: NoticeSql,
): Omit<ActionTokenStore, "uses"> {
  async function find(id: string): Promise<ActionToken | null> {
    const row = await db.first(
      sql`SELECT ${TOKEN_COLUMNS} FROM tokens WHERE tokens.id = ${id} AND tokens.kind = 'action'`,
      ActionRow,
    );
    return row === null ? null : toAction(row);
  }

  return {
    find,
    findNow: find,

    async insert(token, caller, derivation, conditions) {
      const holds = conditions.map((condition) => asSql(condition.holds));
      const audience = token.audience === null ? sql`TRUE` : userIsThere(token.audience);
      const issued = { what: "action.issued" as const, ...byCaller(caller), subjectId: token.id };
      const mayDerive = noneReplaced(token.parentIds);
      const [[inserted] = [], , [why] = []] = await db.batch([
        insertToken(token, caller, null, allOf([mayDerive, audience, ...holds])),
        audit.after(issued, token.createdAtMs),
        sql`SELECT ${callerIsActive(caller, token.createdAtMs)} AS caller_is_active, ${mayDerive} AS may_derive,
          ${audience} AS audience, ${flags(holds)} AS conditions`,
        ...insertParentJwt(token.id, derivation, token.createdAtMs),
      ]);
      if (inserted !== undefined) {
        return { ...token, expiresAtMs: v.parse(InsertedRow, inserted).expires_at };
      }
      const answer = v.parse(
        v.object({
          ...v.pick(WhyRow, ["caller_is_active", "conditions"]).entries,
          may_derive: flag,
          audience: flag,
        }),
        why,
      );
      if (!answer.caller_is_active) return "caller_gone";
      if (!answer.may_derive) return "replaced";
      if (!answer.audience) return "audience_unknown";
      return firstThatFails(conditions, answer.conditions) ?? "caller_gone";
    },

    async check(consume) {
      const [[receipt] = [], [why] = []] = await db.batch(questions(consume));
      return outcomeOf(consume, receipt, why);
    },

    async consume(consume) {
      const { changes } = consume.plan;
      const batch = consumeBatch(consume, audit, notices);
      const rows = changes?.revokesCredentials
        ? await revocations.commit(
            { batch, ...allCredentialsRevocation(changes, consume.nowMs) },
            consume.nowMs,
          )
        : await db.batch(batch);
      const [[receipt] = [], [why] = []] = rows.slice(-2);
      return outcomeOf(consume, receipt, why) ?? { outcome: "revoked" };
    },

    async list(caller, page, nowMs) {
      const { from, orderAndLimit } = pageOf(sql`tokens.id`, sql`tokens.created_at`, page);
      const rows = await db.all(
        sql`SELECT ${TOKEN_COLUMNS} FROM tokens WHERE tokens.user_id = ${caller.userId}
          AND tokens.kind = 'action' AND tokens.revoked_at IS NULL
          AND tokens.credential_version = (SELECT credential_version FROM users WHERE id = ${caller.userId})
          AND tokens.api_token_version IS NULL AND tokens.expires_at > ${nowMs} AND ${NOT_USED_UP}
          AND json_extract(tokens.detail, '$.internal') IS NULL AND ${from} AND ${parentsAreActive(nowMs)}
          ${orderAndLimit}`,
        ActionRow,
      );
      return toPage(rows.map(toAction), page);
    },

    async revoke(id, caller, nowMs) {
      const row = { what: "action.revoked" as const, ...byCaller(caller), subjectId: id };
      const [ended = []] = await db.batch([
        // guard: only-what-can-run-is-revoked
        sql`UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}
          WHERE id = ${id} AND kind = 'action' AND user_id = ${caller.userId}
            AND credential_version = (SELECT credential_version FROM users WHERE id = ${caller.userId}) AND revoked_at IS NULL AND expires_at > ${nowMs}
            AND uses < max_uses AND ${parentsAreActive(nowMs)} AND ${callerIsActive(caller, nowMs)}
          RETURNING id`,
        audit.after(row, nowMs),
      ]);
      return ended.length > 0;
    },
  };
}

/**
 * Claim, receipt, effect, and why not: one transaction. The receipt is written only if the claim
 * left this run's mark on the token, and the effect only if the receipt is there.
 */
function consumeBatch(consume: ConsumeRequest, audit: Audit, notices: NoticeSql): Sql[] {
  const { receiptId, token, caller, runnerId, nowMs } = consume;
  const { bound, isFree } = keyOf(consume);
  const conditions = consume.conditions.map((condition) => asSql(condition.holds));
  const callerOk = caller === null ? sql`TRUE` : callerIsActive(caller, nowMs);
  // guard: effect-needs-the-claim
  const claimed = sql`EXISTS (SELECT 1 FROM receipts WHERE id = ${receiptId})`;
  const { changes } = consume.plan;
  const effect = consume.plan.writes(claimed).map(asSql);
  if (!effect.every((statement) => statement.values.includes(receiptId))) {
    throw new Error(`action ${consume.action}: a write does not stand under its claim`);
  }
  return [
    // guard: claim-asks-everything
    sql`UPDATE tokens SET uses = uses + 1, modified_at = ${nowMs}, claim = ${receiptId}
      WHERE tokens.id = ${token.id} AND tokens.kind = 'action' AND tokens.expires_at > ${nowMs} AND tokens.uses < tokens.max_uses
        AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${isActiveWithParents(nowMs)})
        AND ${userIsThere(runnerId)} AND ${callerOk}
        AND ${isFree} AND ${allOf(conditions)}`,
    // guard: receipt-needs-the-claim
    sql`INSERT INTO receipts (id, token_id, action, run_by, run_at, data, idempotency_key, request_digest)
      SELECT ${receiptId}, tokens.id, ${consume.action}, ${runnerId}, ${nowMs},
        ${JSON.stringify(consume.plan.data)}, ${bound}, ${consume.once?.requestDigest ?? null}
      FROM tokens WHERE tokens.id = ${token.id} AND tokens.claim = ${receiptId}`,
    ...runEvents(consume).map((row) => audit.after(row, nowMs)),
    ...(changes?.notice === undefined
      ? []
      : notices.queue(
          changes.notice.kind,
          changes.userId,
          sql`${claimed} AND ${asSql(changes.notice.if)}`,
          nowMs,
        )),
    ...effect,
    ...(changes?.keepsUndo ? [carryUndo(changes.userId, claimed)] : []),
    ...questions(consume),
  ];
}

/** The receipt of this run or of one before it that took its key, and what would keep it from running. */
function questions(consume: Attempt): Sql[] {
  const { receiptId, token, caller, nowMs } = consume;
  const conditions = consume.conditions.map((condition) => asSql(condition.holds));
  const callerOk = caller === null ? sql`TRUE` : callerIsActive(caller, nowMs);
  return [
    sql`SELECT * FROM receipts WHERE id = ${receiptId} OR ${keyOf(consume).isTaken}`,
    sql`SELECT tokens.id IS NOT NULL AS known, NOT (${isActiveWithParents(nowMs)}) AS revoked, tokens.expires_at <= ${nowMs} AS expired,
        tokens.uses >= tokens.max_uses AS used, ${callerOk} AS caller_is_active, ${flags(conditions)} AS conditions
      FROM (SELECT 1) LEFT JOIN tokens ON tokens.id = ${token.id}
        LEFT JOIN users ON users.id = tokens.user_id`,
  ];
}

/**
 * The runner's event and, where the token was another's, hers: that it was run and by whom, not from
 * where. What a run changes of an account is an event of its own.
 */
function runEvents({ token, caller, runnerId, receiptId, plan }: ConsumeRequest): AuditRow[] {
  const run = { what: "action.run" as const, subjectId: receiptId };
  const credentialId = caller === null ? token.id : byCaller(caller).credentialId;
  const actorId = caller === null ? null : runnerId;
  const own = { ...run, userId: runnerId, actorId, credentialId };
  const events: AuditRow[] = [own];
  if (plan.changes !== undefined) {
    const { userId, event } = plan.changes;
    const what = typeof event === "string" ? event : asSql(event);
    events.push({ ...own, what, userId, subjectId: token.id });
  }
  if (token.userId === runnerId) return events;
  const issuers = { userId: token.userId, actorId: runnerId, credentialId: token.id };
  return [...events, { ...run, ...issuers, hidesClient: true }];
}

/** @returns null where nothing speaks against the run */
function outcomeOf(consume: Attempt, row: unknown, reasons: unknown): ConsumeOutcome | null {
  const found = row === undefined ? null : v.parse(ReceiptRow, row);
  const receipt = found === null ? null : toReceipt(found);
  // This run's own effect may have ended its caller, as a new password does.
  if (receipt?.id === consume.receiptId) return { outcome: "done", receipt };
  const why = v.parse(WhyRow, reasons);
  // Not even an earlier receipt, within the promise for reads either.
  if (!why.caller_is_active) return { outcome: "caller_gone" };
  if (receipt !== null) {
    // guard: key-belongs-to-its-request
    const isSame = found?.request_digest === consume.once?.requestDigest;
    return isSame ? { outcome: "repeated", receipt } : { outcome: "key_taken" };
  }
  if (!why.known) return { outcome: "unknown" };
  // Its last use may itself have revoked it, as a password reset does: what came first is the reason.
  if (why.used) return { outcome: "used" };
  if (why.revoked) return { outcome: "revoked" };
  if (why.expired) return { outcome: "expired" };
  const failed = firstThatFails(consume.conditions, why.conditions);
  return failed === null ? null : { outcome: "rejected", message: failed.message };
}

function firstThatFails(
  conditions: readonly Condition[],
  answers: readonly boolean[],
): Condition | null {
  return conditions.find((_, index) => answers[index] !== true) ?? null;
}

/** How long what stands before a bound key is: its kind and an id. */
const BINDING_LENGTH = 42;

/**
 * A key belongs to the one who chose it; without a caller, to the token. It is taken where they used
 * it before, or anybody did with this token: of those there are as many as the token had uses.
 */
function keyOf({ once, caller, token }: Attempt): {
  bound: string | null;
  isTaken: Sql;
  isFree: Sql;
} {
  if (once === null)
    return { bound: null, isTaken: sql`idempotency_key = NULL`, isFree: sql`TRUE` };
  const bound = `${caller === null ? `link:${token.id}` : `user:${caller.userId}`}:${once.key}`;
  const isTaken = sql`(idempotency_key = ${bound} OR (token_id = ${token.id}
    AND substr(idempotency_key, ${BINDING_LENGTH + 1}) = ${once.key}))`;
  return { bound, isTaken, isFree: sql`NOT EXISTS (SELECT 1 FROM receipts WHERE ${isTaken})` };
}
