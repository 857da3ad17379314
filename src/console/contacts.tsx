import type { Contact, Contacts } from "../core/ports.ts";
import { cursorText, readPage } from "../http/paging.ts";
import type { Route } from "../http/surface.ts";
import type { Frame } from "./frame.tsx";
import { Next, Time, UserText } from "./parts.tsx";
import { contactName } from "./schema-form.tsx";

/** The people whom somebody has met. */
export function contactPages({ page }: Frame, contacts: Contacts): readonly Route[] {
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
            <Next path="/console/contacts" cursor={cursorText(next)} />
          </>
        ),
      };
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
          </tr>
        ))}
      </tbody>
    </table>
  );
}
