import type { Caller } from "./authenticate.ts";
import { refuse } from "./fault.ts";
import type { Notices } from "./notices.ts";
import type { IdentityStore, LinkedIdentity } from "./identity-ports.ts";

export type LinkedIdentities = ReturnType<typeof linkedIdentities>;

/** The accounts at OpenID issuers that open one's account here, and how one ends that. */
export function linkedIdentities(store: IdentityStore, notices: Pick<Notices, "tell">) {
  return {
    list: ({ userId }: Caller): Promise<readonly LinkedIdentity[]> => store.list(userId),

    /**
     * It links again by itself only with an ID token that is issued from now on.
     * @throws FaultError `not_found`, `last_way_in`, `token_invalid`, `unavailable`
     */
    async remove(caller: Caller, id: string, nowMs: number): Promise<void> {
      switch (await store.remove(id, caller, nowMs)) {
        case "removed":
          return notices.tell([caller.userId], nowMs);
        case "unknown":
          return refuse({ code: "not_found", what: "Identity" });
        case "last":
          return refuse({ code: "last_way_in" });
        case "caller_gone":
          return refuse({ code: "token_invalid" });
      }
    },
  };
}
