import type { Action } from "./action.ts";
import type { Caller } from "./authenticate.ts";
import { refuse } from "./fault.ts";
import { type TokenDiagnosisStore, type TokenStatus, statusOf } from "./token-diagnosis.ts";
import type { ActionRegistry, CallerRef, Page, PageRequest } from "./ports.ts";
import type { ActionToken } from "./token.ts";

/** One run of an action token, as its issuer sees it. */
export interface Use {
  readonly id: string;
  /** When it was run. */
  readonly createdAtMs: number;
  readonly isOwn: boolean;
  /** What the one who ran it calls herself; null where she says nothing, or is gone. */
  readonly name: string | null;
}

export interface ActionUseStore {
  /** Of the caller's own token, newest first; nothing of another's. */
  list(caller: CallerRef, tokenId: string, page: PageRequest): Promise<Page<Use>>;
}

export interface OwnActionToken {
  readonly token: ActionToken;
  readonly status: TokenStatus;
  /** When it was revoked or used up; null where it was not, or where that is not known. */
  readonly revokedAtMs: number | null;
  /** Null where this version of the service does not know the action. */
  readonly action: Action | null;
}

export type ActionUses = ReturnType<typeof actionUses>;

interface Deps {
  readonly actions: ActionRegistry;
  readonly store: ActionUseStore;
  readonly tokens: Pick<TokenDiagnosisStore, "ownToken">;
}

/** What became of the action tokens that somebody issued. */
export function actionUses({ actions, store, tokens }: Deps) {
  return {
    /** What a user may issue tokens for. */
    issuable: (): readonly Action[] => actions.all.filter((action) => !action.isInternal),

    find: (name: string): Action | null => actions.find(name) ?? null,

    /**
     * The caller's own, whether or not it can still run.
     * @throws FaultError `token_not_found`, `unavailable`
     */
    async one(caller: Caller, id: string, nowMs: number): Promise<OwnActionToken> {
      const found = await tokens.ownToken(id, caller.userId, nowMs);
      if (found?.token.kind !== "action") return refuse({ code: "token_not_found" });
      const action = actions.find(found.token.action) ?? null;
      // The service's own, which went out by mail, are in no list.
      if (action?.isInternal) return refuse({ code: "token_not_found" });
      const status = statusOf(found, nowMs);
      const revokedAtMs = status === "used_up" ? found.token.modifiedAtMs : found.revokedAtMs;
      return { token: found.token, status, revokedAtMs, action };
    },

    /** Who has run the caller's own token, and when, newest first. */
    runs: (caller: Caller, tokenId: string, page: PageRequest): Promise<Page<Use>> =>
      store.list(caller, tokenId, page),
  };
}
