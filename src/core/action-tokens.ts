import type { Action, ActionPlan, ActionRegistry, Condition } from "./action.ts";
import { type Caller, type CallerRef, type Derivation, derivationOf } from "./caller.ts";
import { type Problem, type RefusalReason, refuse } from "./fault.ts";
import type { Notices } from "./notices.ts";
import type { Page, PageRequest } from "./page.ts";
import { requireRoom, type Room } from "./room.ts";
import { mayDo } from "./scopes.ts";
import {
  type OwnToken,
  statusOf,
  type TokenDiagnosisStore,
  type TokenStatus,
} from "./token-diagnosis.ts";
import { type ActionToken, idAt, type Json, requestedOrNew, type Secrets } from "./token.ts";

export interface ConsumeRequest {
  readonly receiptId: string;
  readonly token: ActionToken;
  readonly action: string;
  readonly runnerId: string;
  readonly caller: CallerRef | null;
  readonly conditions: readonly Condition[];
  readonly plan: ActionPlan;
  /** The idempotency key of the request, and a digest of the request; null without a key. */
  readonly once: { readonly key: string; readonly requestDigest: string } | null;
  readonly nowMs: number;
}

export interface Receipt {
  readonly id: string;
  readonly tokenId: string;
  readonly action: string;
  readonly runBy: string;
  readonly runAtMs: number;
  readonly data: Json;
}

export type ConsumeOutcome =
  | { readonly outcome: "done"; readonly receipt: Receipt }
  /** This very request came before: the receipt of that run. */
  | { readonly outcome: "repeated"; readonly receipt: Receipt }
  /** The key was used for another request: by this caller, or with this token. */
  | { readonly outcome: "key_taken" }
  | { readonly outcome: "unknown" | "revoked" | "expired" | "used" | "caller_gone" }
  | { readonly outcome: "rejected"; readonly message: string }
  /** The action's writes broke it, so nothing was written and no use was taken. */
  | { readonly outcome: "constraint_broken"; readonly constraint: string };

export interface ActionTokenStore {
  /**
   * Inserts it if the caller and the audience are active and the conditions hold.
   * @returns its final form, or what did not hold
   */
  insert(
    token: ActionToken,
    caller: CallerRef,
    derivation: Derivation,
    conditions: readonly Condition[],
  ): Promise<ActionToken | Condition | "caller_gone" | "replaced" | "audience_unknown">;
  /** As it was issued, perhaps from a copy; `consume` decides whether it can still run. */
  find(id: string, nowMs: number): Promise<ActionToken | null>;
  /** The same with its uses so far. */
  findNow(id: string): Promise<ActionToken | null>;
  /** A dry run of `consume`: its refusal, or the receipt of an earlier run with this key; null if it would run. */
  check(request: Omit<ConsumeRequest, "plan">): Promise<ConsumeOutcome | null>;
  /** One batch: takes a use, has the effect and writes the receipt, all of it or none. */
  consume(request: ConsumeRequest): Promise<ConsumeOutcome>;
  list(caller: CallerRef, page: PageRequest, nowMs: number): Promise<Page<ActionToken>>;
  /**
   * The caller's own in any state. A filter looks at HISTORY_SCAN from the cursor on, and an order by anything but
   * time at as many of the newest.
   */
  history(
    caller: CallerRef,
    filter: HistoryFilter,
    order: HistoryOrder,
    page: PageRequest,
    nowMs: number,
  ): Promise<History<IssuedToken>>;
  /** The runs of the caller's own token, newest first; nothing of another's. */
  uses(caller: CallerRef, tokenId: string, page: PageRequest): Promise<Page<Use>>;
  /** The runs of all tokens that the caller issued for these actions, newest first. */
  allUses(
    caller: CallerRef,
    actions: readonly string[],
    page: PageRequest,
  ): Promise<Page<Use & UsedToken>>;
  /** When this user last ran it; null if never. */
  usedAt(tokenId: string, userId: string): Promise<number | null>;
  /** @returns true for exactly one of many callers */
  revoke(id: string, caller: CallerRef, nowMs: number): Promise<boolean>;
}

/** How many tokens a filtered page of the history looks at. */
export const HISTORY_SCAN = 5_000;

export const HISTORY_STATES = ["active", "used_up", "expired", "revoked"] as const;
export type HistoryState = (typeof HISTORY_STATES)[number];

export const HISTORY_SORTS = ["created", "expires", "used"] as const;

export interface HistoryOrder {
  readonly sort: (typeof HISTORY_SORTS)[number];
  readonly isDescending: boolean;
}

export const NEWEST_FIRST: HistoryOrder = { sort: "created", isDescending: true };

export interface History<T> extends Page<T> {
  /** How many there are on all pages, of the newest HISTORY_SCAN; null where the page is not the first. */
  readonly total: number | null;
  /** False if there are more than are counted. */
  readonly isAll: boolean;
}

export interface HistoryFilter {
  readonly action?: string;
  readonly state?: HistoryState;
  /** For whom: anyone who has the link, some one person, or the user with this id. */
  readonly audience?: "anyone" | "person" | (string & {});
}

/** Of an action token in the history. */
export interface IssuedToken extends OwnToken {
  readonly id: string;
  readonly createdAtMs: number;
  readonly token: ActionToken;
  /** The display name of the one it is for, if that is a contact of the issuer. */
  readonly audienceName: string | null;
}

export interface UsedToken {
  /** Null where the token is no longer kept. */
  readonly tokenId: string | null;
  readonly action: string;
}

/** One run of an action token, as its issuer sees it. */
export interface Use {
  readonly id: string;
  /** When it was run. */
  readonly createdAtMs: number;
  readonly isOwn: boolean;
  /** The display name of the one who ran it; null where they set none, or are gone. */
  readonly name: string | null;
  /** Their id, if they are a contact of the issuer. */
  readonly contactId: string | null;
}

export interface Issue {
  readonly action: string;
  readonly payload: Json;
  readonly ttlSeconds: number;
  readonly maxUses: number;
  readonly audience: string | null;
}

export type ActionTokens = ReturnType<typeof actionTokens>;

interface Deps {
  readonly actions: ActionRegistry;
  readonly store: ActionTokenStore;
  readonly secrets: Secrets;
  readonly notices: Pick<Notices, "tell">;
  readonly room: Room;
}

/** The message for each reason; `rejected` often has a better one. */
export const REFUSALS: Readonly<Record<RefusalReason, string>> = {
  unknown: "This action token is not known.",
  expired: "This action token has expired.",
  used: "This action token has been used up.",
  revoked: "This action token was revoked.",
  audience: "This action token is meant for somebody else.",
  rejected: "The action refused to run.",
};

function refuseRun(reason: RefusalReason, message = REFUSALS[reason]): never {
  return refuse({ code: "action_refused", reason, message });
}

function refuseGiven(member: "payload" | "input", problems: readonly Problem[]): never {
  return refuse({ code: "payload_invalid", member, problems });
}

function receiptOf(result: ConsumeOutcome, action?: Action): Receipt {
  switch (result.outcome) {
    case "done":
    case "repeated":
      return result.receipt;
    case "key_taken":
      return refuse({ code: "idempotency_mismatch" });
    case "rejected":
      return refuseRun("rejected", result.message);
    case "constraint_broken":
      return refuseRun("rejected", action?.constraintMessage(result.constraint) ?? undefined);
    case "caller_gone":
      return refuse({ code: "token_invalid" });
    default:
      return refuseRun(result.outcome);
  }
}

/** Tokens that let anyone who shows them run one action, a limited number of times. */
export function actionTokens({ actions, store, secrets, notices, room }: Deps) {
  function issuable(name: string): Action | undefined {
    const action = actions.find(name);
    return action?.isInternal ? undefined : action;
  }

  /** What a key is bound to. The input may be a password, so the digest is keyed: it must not allow guesses. */
  async function onceOf(key: string | null, secret: string, request: readonly Json[]) {
    if (key === null) return null;
    const text = JSON.stringify(sorted(request));
    return { key, requestDigest: await secrets.keyedDigest(secret, text) };
  }

  return {
    /** Whether a caller may issue tokens for it. */
    isIssuable: (action: string): boolean => issuable(action) !== undefined,

    /** A secret for a form to send back, so that sending the form twice issues one token. */
    newSecret: async (): Promise<string> => (await secrets.create("action")).secret,

    /**
     * A token that could never run is not issued. One that is issued with an API token, or with a JWT
     * that was obtained with one, expires no later than that and is revoked with it.
     * @param requestedSecret from `newSecret`: if its token was issued before, that one is returned
     * @throws FaultError `action_unknown`, `payload_invalid`, `reference_unknown`, `token_invalid`,
     *   `idempotency_mismatch` where the chosen secret's token is another, `storage_full`, `unavailable`
     */
    async issue(
      caller: Caller,
      { action: name, payload, ttlSeconds, maxUses, audience }: Issue,
      nowMs: number,
      requestedSecret: string | null = null,
    ): Promise<{ token: ActionToken; secret: string; isRepeated: boolean }> {
      const action = issuable(name);
      if (action === undefined) return refuse({ code: "action_unknown" });
      requireRoom(room);
      const prepared = action.prepare(payload, caller.userId);
      if (!prepared.ok) return refuseGiven("payload", prepared.problems);
      const { secret, id } = await requestedOrNew(secrets, "action", requestedSecret);
      const derivation = derivationOf(caller);
      const token: ActionToken = {
        kind: "action",
        id,
        userId: caller.userId,
        credentialVersion: caller.credentialVersion,
        createdAtMs: nowMs,
        modifiedAtMs: nowMs,
        expiresAtMs: Math.min(nowMs + ttlSeconds * 1000, derivation.endMs),
        action: name,
        payload: prepared.value.stored(),
        audience,
        maxUses,
        uses: 0,
        parentIds: derivation.parentIds,
        // Leaving a credential out must not allow more than showing it.
        runsForIssuer: mayDo(caller, "actions:run"),
      };
      const conditions = prepared.value.check(null);
      const inserted = await store.insert(token, caller, derivation, conditions);
      if (inserted === "caller_gone") {
        const earlier = requestedSecret === null ? null : await store.findNow(id);
        if (earlier?.userId !== caller.userId) return refuse({ code: "token_invalid" });
        if (!isOfOneIssue(earlier, token)) return refuse({ code: "idempotency_mismatch" });
        return { token: earlier, secret, isRepeated: true };
      }
      if (inserted === "replaced") return refuse({ code: "derivation_refused", reason: inserted });
      if (inserted === "audience_unknown") {
        return refuse({ code: "reference_unknown", field: "audience" });
      }
      if ("holds" in inserted) {
        const member = inserted.field === undefined ? "" : `.${inserted.field}`;
        return refuse({ code: "reference_unknown", field: `payload${member}` });
      }
      return { token: inserted, secret, isRepeated: false };
    },

    /**
     * Takes a use, has the effect and writes the receipt, all of it or none. The same request with the
     * same key gets the same receipt again, without a second run. A refusal by the token itself comes
     * before one by the action.
     * @param presented its check may still go on while the token is read
     * @throws FaultError `action_refused`, `payload_invalid`, `credentials_missing`, `token_invalid`,
     *   `idempotency_mismatch`, `storage_full`, `unavailable`
     */
    async run(
      text: string,
      input: Json,
      presented: Caller | null | Promise<Caller | null>,
      idempotencyKey: string | null,
      nowMs: number,
      from: "api" | "page" = "api",
    ): Promise<Receipt> {
      const secret = secrets.tokenIn(text);
      const id = await secrets.idOf("action", secret);
      const [caller, token] = await Promise.all([
        presented,
        id === null ? null : store.find(id, nowMs),
      ]);
      if (token === null) return refuseRun("unknown");
      const runnerId = caller?.userId ?? token.userId;
      const action = actions.find(token.action);
      const prepared = action?.prepare(token.payload, token.userId);
      const bound = prepared?.ok ? prepared.value : null;
      const received = bound?.receive(input);
      const consume = {
        // By its time, which is how housekeeping finds it.
        receiptId: idAt(nowMs),
        token,
        action: token.action,
        runnerId,
        caller,
        conditions: bound?.check(runnerId) ?? [],
        // guard: key-is-bound-to-its-input
        once: await onceOf(idempotencyKey, secret, [from, id, runnerId, caller !== null, input]),
        nowMs,
      };
      // guard: audience-is-asked
      const isForAnother = token.audience !== null && token.audience !== runnerId;
      const needsCaller = action?.needsCaller === true || !token.runsForIssuer;
      const lacksCaller = needsCaller && caller === null;
      const isSound = received?.ok && !isForAnother && !lacksCaller;
      if (room.isFull() && action?.isInternal !== true) {
        // What came before is answered as before: a refusal, or the receipt of an earlier run.
        const checked = await store.check(consume);
        if (checked !== null) return receiptOf(checked, action);
        requireRoom(room);
      }
      // `consume` asks the same. A run that is refused here, or costs work, asks first.
      // guard: expensive-action-asks-first
      if (!isSound || action?.isExpensive) {
        const checked = await store.check(consume);
        if (checked !== null && checked.outcome !== "rejected") return receiptOf(checked);
        if (isForAnother) return refuseRun("audience");
        if (lacksCaller) return refuse({ code: "credentials_missing" });
        if (checked !== null) return receiptOf(checked);
      }
      // Issued by a version that knew the action, run by one that does not.
      if (action === undefined || received === undefined) return refuseRun("rejected");
      if (!received.ok) return refuseGiven("input", received.problems);
      const plan = await received.value({ runner: runnerId, tokenId: token.id, nowMs });
      if ("rejected" in plan) {
        const checked = action.isExpensive ? null : await store.check(consume);
        return checked === null ? refuseRun("rejected", plan.rejected) : receiptOf(checked);
      }
      const receipt = receiptOf(await store.consume({ ...consume, plan }), action);
      if (plan.changes?.notice !== undefined) notices.tell([plan.changes.userId], nowMs);
      return receipt;
    },

    /** The caller's own that can still run, newest first. */
    list(caller: Caller, page: PageRequest, nowMs: number): Promise<Page<ActionToken>> {
      return store.list(caller, page, nowMs);
    },

    /** @throws FaultError `token_not_found`, `unavailable` */
    async revoke(caller: Caller, id: string, nowMs: number): Promise<void> {
      if (!(await store.revoke(id, caller, nowMs))) refuse({ code: "token_not_found" });
    },
  };
}

export interface OwnActionToken {
  readonly token: ActionToken;
  readonly status: TokenStatus;
  /** When it was revoked or used up; null where it was not, or where that is unknown. */
  readonly revokedAtMs: number | null;
  /** Null where this version of the service does not know the action. */
  readonly action: Action | null;
}

/** The same in a list. */
export interface ListedActionToken extends OwnActionToken {
  readonly audienceName: string | null;
}

export type ActionUses = ReturnType<typeof actionUses>;

interface UsesDeps {
  readonly actions: ActionRegistry;
  readonly store: Pick<ActionTokenStore, "uses" | "allUses" | "history">;
  readonly tokens: Pick<TokenDiagnosisStore, "ownToken">;
}

/** What became of the action tokens that a user issued. */
export function actionUses({ actions, store, tokens }: UsesDeps) {
  const issuable = (): readonly Action[] => actions.all.filter((action) => !action.isInternal);

  function withStatus(found: OwnToken, token: ActionToken, nowMs: number): OwnActionToken {
    const status = statusOf(found, nowMs);
    const revokedAtMs = status === "used_up" ? token.modifiedAtMs : found.revokedAtMs;
    return { token, status, revokedAtMs, action: actions.find(token.action) ?? null };
  }

  return {
    /** The actions that a user may issue tokens for. */
    issuable,

    /**
     * The caller's own in any state. They are kept for two days after they expired.
     * @throws FaultError `unavailable`
     */
    async history(
      caller: Caller,
      filter: HistoryFilter,
      order: HistoryOrder,
      page: PageRequest,
      nowMs: number,
    ): Promise<History<ListedActionToken>> {
      const { items, ...rest } = await store.history(caller, filter, order, page, nowMs);
      return {
        ...rest,
        items: items.map((found) => ({
          ...withStatus(found, found.token, nowMs),
          audienceName: found.audienceName,
        })),
      };
    },

    /** Who ran which of the caller's own tokens, newest first. @param action of this one alone */
    allRuns: (caller: Caller, action: string | undefined, page: PageRequest) =>
      store.allUses(
        caller,
        issuable().flatMap(({ name }) => (name === (action ?? name) ? [name] : [])),
        page,
      ),

    find: (name: string): Action | null => actions.find(name) ?? null,

    /** What an action says of its own event; null where none of them declares it. */
    sentenceOf: (event: string): string | null =>
      actions.all.map(({ events }) => events[event]).find((text) => text !== undefined) ?? null,

    /**
     * The caller's own, whether or not it can still run.
     * @throws FaultError `token_not_found`, `unavailable`
     */
    async one(caller: Caller, id: string, nowMs: number): Promise<OwnActionToken> {
      const found = await tokens.ownToken(id, caller.userId, nowMs);
      if (found?.token.kind !== "action") return refuse({ code: "token_not_found" });
      const own = withStatus(found, found.token, nowMs);
      // The service's own, which were sent by email, are in no list.
      if (own.action?.isInternal) return refuse({ code: "token_not_found" });
      return own;
    },

    /**
     * The same, of a token that the caller may not have.
     * @throws FaultError `token_not_found`, `unavailable`
     */
    async usesOf(caller: Caller, id: string, page: PageRequest, nowMs: number) {
      const [{ token }, { items, ...pages }] = await Promise.all([
        this.one(caller, id, nowMs),
        store.uses(caller, id, page),
      ]);
      const of = { tokenId: token.id, action: token.action };
      return { ...pages, items: items.map((use) => ({ ...use, ...of })) };
    },

    /** The runs of the caller's own token, newest first. */
    runs: (caller: Caller, tokenId: string, page: PageRequest): Promise<Page<Use>> =>
      store.uses(caller, tokenId, page),
  };
}

/** Whether both were issued for the same request. */
function isOfOneIssue(one: ActionToken, other: ActionToken): boolean {
  const words = ({ action, payload, audience, maxUses, createdAtMs, expiresAtMs }: ActionToken) =>
    JSON.stringify(sorted([action, payload, audience, maxUses, expiresAtMs - createdAtMs]));
  return words(one) === words(other);
}

/** Sorts members, so that the same value is the same text. */
function sorted(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map(sorted);
  const members = Object.entries(value).map(([name, item]) => [name, sorted(item)] as const);
  return Object.fromEntries(members.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
