import {
  type ActionTokens,
  type ActionTokenStore,
  type ConsumeOutcome,
  type Receipt,
  REFUSALS,
} from "./action-tokens.ts";
import type {
  Action,
  ActionRegistry,
  Condition,
  Described,
  PageLink,
  PreparedAction,
  SetText,
} from "./action.ts";
import type { Caller } from "./caller.ts";
import { type RefusalReason, refuse } from "./fault.ts";
import { type FormField, formValue } from "./form.ts";
import type { Passkey, PasskeyStore } from "./passkeys.ts";
import { type ActionToken, idAt, type Secrets } from "./token.ts";

export interface ShownUser {
  /** As they chose it themselves; null where they set none, or are gone. */
  readonly name: string | null;
  /** Whether they have proved that their email is theirs. */
  readonly hasProvenEmail: boolean;
}

export interface DisplayNameStore {
  find(ids: readonly string[]): Promise<ReadonlyMap<string, ShownUser>>;
}

/** Stands in a sentence for users without a name. Never fall back to their email. */
export const UNNAMED_USER = "this person";

/** The page behind an action token's link, before anything is done. */
export type Preview =
  | {
      readonly state: "ready";
      readonly title: string;
      readonly before: string;
      readonly issuer: ShownUser;
      /** Sent by the service to its own user. */
      readonly isInternal: boolean;
      readonly expiresAtMs: number;
      readonly usesLeft: number;
      /** Whether they must log in before they can run it here. */
      readonly needsLogin: boolean;
      readonly fields: readonly FormField[];
      /** Those of the issuer that a field asks about; of an unproven account none, as a run removes them all. */
      readonly passkeys: readonly Pick<Passkey, "id" | "name" | "createdAtMs" | "lastUsedAtMs">[];
    }
  /** It is for one person: whoever logs in learns whether that is them. */
  | { readonly state: "log_in" }
  /** A run by this user would change nothing. */
  | {
      readonly state: "already";
      readonly message: string;
      readonly next: PageLink | null;
    }
  /** It can no longer be used, and this user has used it. */
  | {
      readonly state: "used_by_you";
      readonly after: string;
      readonly atMs: number;
      readonly next: PageLink | null;
    }
  | {
      readonly state: RefusalReason;
      readonly message: string;
      /** Issued by the one who looks at it. */
      readonly isOwn: boolean;
      /** Whether no one else could run it either. */
      readonly isFinal: boolean;
      /** Sent by the service to its own user. */
      readonly isInternal: boolean;
      /** Of their own. */
      readonly tokenId?: string;
      /** Where another one can be asked for, if no one can run this one. */
      readonly renew?: PageLink;
      /** The action for which the issuer may create another token then. */
      readonly reissue?: string;
    };

const asItIs: SetText = (text) => text;

/** What a run from the page did. */
export interface RunResult {
  readonly title: string;
  readonly after: string;
  readonly next: PageLink | null;
  readonly receipt: Receipt;
}

export type ActionPages = ReturnType<typeof actionPages>;

interface Deps {
  readonly actions: ActionRegistry;
  readonly store: Pick<ActionTokenStore, "find" | "findNow" | "check" | "usedAt">;
  readonly secrets: Secrets;
  readonly displayNames: DisplayNameStore;
  readonly passkeys: Pick<PasskeyStore, "ofProven">;
  readonly run: ActionTokens["run"];
}

interface Found {
  readonly token: ActionToken;
  readonly action: Action;
  readonly prepared: PreparedAction;
}

/** Action tokens as people see them: a page that says what will happen, and a button. */
export function actionPages({ actions, store, secrets, displayNames, passkeys, run }: Deps) {
  async function find(
    secret: string,
    read: (id: string) => Promise<ActionToken | null>,
  ): Promise<Found | "unknown" | "rejected"> {
    const id = await secrets.idOf("action", secrets.tokenIn(secret));
    const token = id === null ? null : await read(id);
    if (token === null) return "unknown";
    const action = actions.find(token.action);
    const prepared = action?.prepare(token.payload, token.userId);
    return action === undefined || !prepared?.ok
      ? "rejected"
      : { token, action, prepared: prepared.value };
  }

  async function describedPage(prepared: PreparedAction, issuerId: string, set: SetText) {
    const users = await displayNames.find([issuerId, ...prepared.referencedUserIds()]);
    const nameOf = (id: string) => users.get(id)?.name ?? null;
    const described = prepared.describe((id) => {
      const name = nameOf(id);
      return name === null ? UNNAMED_USER : set(name);
    }, set);
    return { issuer: users.get(issuerId) ?? NO_ONE, ...described };
  }

  /** What would keep a run from happening, without running it. */
  function check(
    { token, action }: Found,
    caller: Caller | null,
    conditions: readonly Condition[],
    idempotencyKey: string | null,
    nowMs: number,
  ): Promise<ConsumeOutcome | null> {
    const runnerId = caller?.userId ?? token.userId;
    const receiptId = idAt(nowMs);
    const attempt = { receiptId, token, action: action.name, runnerId, caller };
    // `run` compares the requests; here it is enough that the key was used.
    const once = idempotencyKey === null ? null : { key: idempotencyKey, requestDigest: "" };
    return store.check({ ...attempt, conditions, once, nowMs });
  }

  const offeredTo = ({ prepared }: Found, caller: Caller | null) =>
    caller === null ? [] : prepared.offered(caller.userId);

  /** Why this caller cannot run it, and whether no one else could; null if they can. */
  async function objection(found: Found, caller: Caller | null, nowMs: number) {
    const { token, action, prepared } = found;
    // Without a caller it would run for the issuer, who is not the one in front of the page.
    const isUnknown = caller === null && action.page.asksForLogin;
    const runner = caller?.userId ?? token.userId;
    const offered = offeredTo(found, caller);
    const conditions = [...prepared.check(isUnknown ? null : runner), ...offered];
    const checked = await check(found, caller, conditions, null, nowMs);
    if (checked?.outcome === "rejected") {
      const { message } = checked;
      return offered.some((each) => each.message === message)
        ? { state: "already" as const, message, next: action.page.next }
        : { state: "rejected" as const, message, isFinal: true };
    }
    const refused = checked === null ? null : refusalOf(checked);
    if (refused !== null) return { ...refused, isFinal: true };
    if (isUnknown || action.isExpensive || action.inputFields?.length !== 0) return null;
    const received = prepared.receive(null);
    if (!received.ok) return null;
    const plan = await received.value({ runner, tokenId: token.id, nowMs });
    return "rejected" in plan
      ? { state: "rejected" as const, message: plan.rejected, isFinal: false }
      : null;
  }

  return {
    /**
     * Only reads: nothing is done or used up.
     * @throws FaultError `token_invalid` where the caller is no longer active, `unavailable`
     */
    async preview(
      secret: string,
      by: Caller | null,
      nowMs: number,
      set: SetText = asItIs,
    ): Promise<Preview> {
      const found = await find(secret, store.findNow);
      if (typeof found === "string") {
        return { state: found, message: REFUSALS[found], ...NOT_FOUND };
      }
      const { token, action, prepared } = found;
      const { asksForLogin, renew } = action.page;
      const caller = asksForLogin ? by : null;
      const isOwn = by?.userId === token.userId && !action.isInternal;
      const refused = (state: RefusalReason, message: string, isFinal: boolean): Preview => ({
        state,
        message,
        isOwn,
        isFinal,
        isInternal: action.isInternal,
        ...(isOwn && { tokenId: token.id }),
        ...(isFinal && renew !== null && { renew }),
        ...(isFinal && isOwn && action.payloadFields !== null && { reissue: action.name }),
      });
      if (token.audience !== null && token.audience !== (caller?.userId ?? token.userId)) {
        // Whether it can still be used by anyone comes first: if not, logging in would not help.
        const checked = await check(found, caller, [], null, nowMs);
        const over = checked === null ? null : refusalOf(checked);
        if (over !== null) return refused(over.state, over.message, true);
        return asksForLogin && caller === null
          ? { state: "log_in" }
          : refused("audience", REFUSALS.audience, false);
      }
      const [against, { issuer, before, after }] = await Promise.all([
        objection(found, caller, nowMs),
        describedPage(prepared, token.userId, set),
      ]);
      if (against?.state === "already") return against;
      if (against !== null) {
        const { state, message, isFinal } = against;
        const isInactive = state === "used" || state === "expired" || state === "revoked";
        const atMs =
          isInactive && caller !== null ? await store.usedAt(token.id, caller.userId) : null;
        if (atMs !== null) return { state: "used_by_you", after, atMs, next: action.page.next };
        return refused(state, message, isFinal);
      }
      const fields = action.inputFields ?? [];
      // Only for a link from the account's own mailbox, while it can still be used.
      // guard: only-mailed-links-show-passkeys
      const asksForPasskeys = action.isInternal && fields.some(({ kind }) => kind === "passkeys");
      return {
        state: "ready",
        title: action.page.button,
        before,
        issuer,
        isInternal: action.isInternal,
        expiresAtMs: token.expiresAtMs,
        usesLeft: token.maxUses - token.uses,
        needsLogin: asksForLogin && caller === null,
        fields,
        passkeys: asksForPasskeys ? await passkeys.ofProven(token.userId) : [],
      };
    },

    /**
     * Runs it as the page said. The same key is the same run.
     * @param sent the fields of the page's form
     * @throws FaultError as `run` of action tokens does
     */
    async run(
      secret: string,
      sent: Readonly<Record<string, unknown>>,
      by: Caller | null,
      idempotencyKey: string,
      nowMs: number,
      set: SetText = asItIs,
    ): Promise<RunResult> {
      const found = await find(secret, (id) => store.find(id, nowMs));
      if (typeof found === "string") {
        return refuse({ code: "action_refused", reason: found, message: REFUSALS[found] });
      }
      const { token, action, prepared } = found;
      if (action.page.asksForLogin && by === null) refuse({ code: "credentials_missing" });
      const caller = action.page.asksForLogin ? by : null;
      const input = formValue(action.inputFields ?? [], sent);
      const offered = offeredTo(found, caller);
      if (offered.length > 0) {
        const checked = await check(found, caller, offered, idempotencyKey, nowMs);
        if (checked?.outcome === "rejected") {
          const { message } = checked;
          return refuse({ code: "action_refused", reason: "rejected", message });
        }
      }
      const receipt = await run(secret, input, caller, idempotencyKey, nowMs, "page");
      const { after } = await describedPage(prepared, token.userId, set);
      return { title: action.page.button, after, next: action.page.next, receipt };
    },

    /** What the page behind a token's link will say to the one who opens it. */
    async describe(token: ActionToken, set: SetText = asItIs): Promise<Described | null> {
      const prepared = actions.find(token.action)?.prepare(token.payload, token.userId);
      if (!prepared?.ok) return null;
      const { before, after } = await describedPage(prepared.value, token.userId, set);
      return { before, after };
    },
  };
}

const NO_ONE: ShownUser = { name: null, hasProvenEmail: false };

const NOT_FOUND = { isOwn: false, isFinal: true, isInternal: false };

function refusalOf(outcome: ConsumeOutcome): { state: RefusalReason; message: string } | null {
  switch (outcome.outcome) {
    // Without a key, neither.
    case "repeated":
    case "key_taken":
    case "done":
    // And nothing was written.
    case "constraint_broken":
      return null;
    case "caller_gone":
      return refuse({ code: "token_invalid" });
    case "rejected":
      return { state: "rejected", message: outcome.message };
    default:
      return { state: outcome.outcome, message: REFUSALS[outcome.outcome] };
  }
}
