import type { Contact, OwnContacts } from "../core/contacts.ts";
import { readPage } from "../http/query.ts";
import type { Route } from "../http/surface.ts";
import { ItemId, type PageRoutes, seeOtherWithMessage } from "./page-routes.tsx";
import { Confirm, Pagination, PostForm, Table, Time, UserText } from "./components.tsx";
import { contactName } from "./schema-form.tsx";

/** The user's contacts. */
export function contactPages(
  { page, action }: PageRoutes,
  contacts: OwnContacts,
): readonly Route[] {
  return [
    page("/console/contacts", async ({ caller, request }) => {
      const { items, previous, next } = await contacts.list(caller.userId, readPage(request));
      return {
        title: "Contacts",
        body: (
          <>
            <div class="heading">
              <h1>Contacts</h1>
              <a class="button" href="/console/actions/new/addContact">
                Meet somebody
              </a>
            </div>
            <List contacts={items} />
            <Pagination path="/console/contacts" previous={previous} next={next} />
          </>
        ),
      };
    }),
    action({
      path: "/console/contacts/remove",
      schema: ItemId,
      async submit({ caller, nowMs }, { id }) {
        await contacts.remove(caller, id, nowMs);
        return seeOtherWithMessage("/console/contacts", "contact_removed");
      },
    }),
  ];
}

function List({ contacts }: { readonly contacts: readonly Contact[] }) {
  if (contacts.length === 0) {
    return (
      <p class="card empty">
        Nobody yet. Make a code and let somebody scan it: you become each other's contacts.
      </p>
    );
  }
  return (
    <Table
      caption="Newest first"
      rows={contacts}
      columns={[
        ["Name", (contact) => <UserText text={contactName(contact)} />],
        ["Since", ({ createdAtMs }) => <Time ms={createdAtMs} />],
      ]}
      act={[
        "Remove",
        (contact) => (
          <Confirm summary="Remove" subject={contactName(contact)}>
            <p>You are removed from their contacts, too.</p>
            <PostForm
              action="/console/contacts/remove"
              id={contact.id}
              button="Remove this contact"
              look="danger small"
            />
          </Confirm>
        ),
      ]}
    />
  );
}
