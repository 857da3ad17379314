import * as v from "valibot";
import type { Contact, OwnContacts } from "../core/contacts.ts";
import { cursorText, readPage } from "../http/query.ts";
import type { Route } from "../http/surface.ts";
import { type PageRoutes, seeOtherWithMessage } from "./page-routes.tsx";
import { Confirm, Pagination, Time, UserText } from "./components.tsx";
import { contactName } from "./schema-form.tsx";

const ContactId = v.object({
  id: v.pipe(v.string("is required"), v.uuid("must be the id of a contact")),
});

/** The user's contacts. */
export function contactPages(
  { page, action }: PageRoutes,
  contacts: OwnContacts,
): readonly Route[] {
  return [
    page("/console/contacts", async ({ caller, request }) => {
      const { items, next } = await contacts.list(caller.userId, readPage(request));
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
            <Pagination path="/console/contacts" cursor={cursorText(next)} />
          </>
        ),
      };
    }),
    action({
      path: "/console/contacts/remove",
      schema: ContactId,
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
    <table>
      <caption>Newest first</caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Since</th>
          <th scope="col">
            <span class="unseen">Remove</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {contacts.map((contact) => (
          <tr>
            <th scope="row">
              <UserText text={contactName(contact)} />
            </th>
            <td data-label="Since">
              <Time ms={contact.createdAtMs} />
            </td>
            <td class="act">
              <Confirm summary="Remove" subject={contactName(contact)}>
                <p>You are removed from their contacts, too.</p>
                <form method="post" action="/console/contacts/remove">
                  <input type="hidden" name="id" value={contact.id} />
                  <button class="danger small" type="submit">
                    Remove this contact
                  </button>
                </form>
              </Confirm>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
