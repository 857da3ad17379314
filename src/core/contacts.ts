import type { Caller } from "./authenticate.ts";
import { refuse } from "./fault.ts";
import type { Contact, ContactStore, Page, PageRequest } from "./ports.ts";

export type OwnContacts = ReturnType<typeof ownContacts>;

/** The people whom somebody has met. */
export function ownContacts(store: ContactStore) {
  return {
    /** Newest first. */
    list: (userId: string, page: PageRequest): Promise<Page<Contact>> => store.list(userId, page),

    /**
     * Neither has the other as a contact any more. Harmless where they were none.
     * @throws FaultError `token_invalid`, `unavailable`
     */
    async remove(caller: Caller, contactId: string, nowMs: number): Promise<void> {
      const removed = await store.remove(caller, contactId.toLowerCase(), nowMs);
      if (!removed) refuse({ code: "token_invalid" });
    },
  };
}
