import type { Caller, CallerRef } from "./caller.ts";
import { refuse } from "./fault.ts";
import type { Page, PageRequest } from "./page.ts";

export interface Contact {
  readonly id: string;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly createdAtMs: number;
}

export interface ContactStore {
  list(userId: string, page: PageRequest): Promise<Page<Contact>>;
  /** Removes the link in both directions, no matter who created it. @returns false where the caller is no longer active */
  remove(caller: CallerRef, contactId: string, nowMs: number): Promise<boolean>;
}

export type OwnContacts = ReturnType<typeof ownContacts>;

/** The people whom a user has met. */
export function ownContacts(store: ContactStore) {
  return {
    /** Newest first. */
    list: (userId: string, page: PageRequest): Promise<Page<Contact>> => store.list(userId, page),

    /**
     * Removes the contact for both. Harmless if they were none.
     * @throws FaultError `token_invalid`, `unavailable`
     */
    async remove(caller: Caller, contactId: string, nowMs: number): Promise<void> {
      const removed = await store.remove(caller, contactId.toLowerCase(), nowMs);
      if (!removed) refuse({ code: "token_invalid" });
    },
  };
}
