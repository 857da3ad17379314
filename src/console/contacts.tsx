import * as v from "valibot";
import {
  CONTACT_SEARCH_MAX,
  type Contact,
  type MetContact,
  type OwnContacts,
} from "../core/contacts.ts";
import { pathId } from "../http/fields.ts";
import { queryValue, readPage } from "../http/query.ts";
import type { Route } from "../http/surface.ts";
import { type PageRoutes, seeOtherWithMessage } from "./page-routes.tsx";
import {
  Confirm,
  Empty,
  Facts,
  Field,
  Filters,
  PageHead,
  Pagination,
  Panel,
  PostForm,
  Sentence,
  Table,
  Time,
  UserText,
} from "./components.tsx";
import { contactName } from "./schema-form.tsx";
import { contacts as words } from "./words.ts";

const PATH = "/console/contacts";
const ROWS = 40;

/** The user's contacts, and a page for each. */
export function contactPages(
  { page, action }: PageRoutes,
  contacts: OwnContacts,
): readonly Route[] {
  return [
    page(PATH, async ({ caller, request }) => {
      const search = (queryValue(request, "search") ?? "").trim().slice(0, CONTACT_SEARCH_MAX);
      const { items, previous, next } = await contacts.list(
        caller.userId,
        readPage(request, ROWS),
        search,
      );
      const hasAny = items.length > 0 || search !== "" || previous !== null;
      return {
        title: words.title,
        body: (
          <>
            <PageHead title={words.title} lead={words.lead}>
              <a class="button" href="/console/actions/new/addContact">
                {words.add}
              </a>
            </PageHead>
            {hasAny && (
              <Filters action={PATH}>
                <Field
                  name="search"
                  label={words.search}
                  type="search"
                  value={search}
                  maxlength={CONTACT_SEARCH_MAX}
                />
              </Filters>
            )}
            <List contacts={items} search={search} />
            <Pagination path={PATH} query={{ search }} previous={previous} next={next} />
          </>
        ),
      };
    }),

    page(`${PATH}/:contact`, async ({ caller, request }) => {
      const contact = await contacts.find(caller.userId, pathId(request, "contact"));
      return { title: words.one, body: <ContactPage contact={contact} /> };
    }),

    action({
      path: `${PATH}/:contact/remove`,
      schema: v.object({}),
      async submit({ caller, request, nowMs }) {
        await contacts.remove(caller, pathId(request, "contact"), nowMs);
        return seeOtherWithMessage(PATH, "contact_removed");
      },
    }),
  ];
}

function List({
  contacts,
  search,
}: {
  readonly contacts: readonly Contact[];
  readonly search: string;
}) {
  if (contacts.length === 0 && search !== "") {
    return (
      <Empty title={<Sentence text={words.noneMatch(search)} />} text={words.noneMatchText}>
        <a href={PATH}>{words.showAll}</a>
      </Empty>
    );
  }
  if (contacts.length === 0) return <Empty title={words.none} text={words.noneText} />;
  return (
    <Table
      rows={contacts}
      columns={[
        [
          words.name,
          (contact) => (
            <a href={`${PATH}/${contact.id}`}>
              <UserText text={contactName(contact)} />
            </a>
          ),
        ],
        [words.since, ({ createdAtMs }) => <Time ms={createdAtMs} />],
      ]}
    />
  );
}

/** Over which code they met, as far as that is recorded. */
function Meeting({ contact }: { readonly contact: MetContact }) {
  const { meeting, introducer, tokenId } = contact;
  if (meeting === null) return <>{words.notRecorded}</>;
  if (meeting === "introduced" && introducer !== null) {
    return <Sentence text={words.introducedBy(introducer)} />;
  }
  return (
    <>
      {words.meetings[meeting]}
      {tokenId !== null && (
        <>
          {" · "}
          <a href={`/console/actions/${tokenId}`}>{words.seeCode}</a>
        </>
      )}
    </>
  );
}

function ContactPage({ contact }: { readonly contact: MetContact }) {
  const { id, firstName, lastName, createdAtMs, isMutual } = contact;
  const name = contactName(contact);
  return (
    <>
      <PageHead
        title={<UserText text={name} />}
        {...(firstName === null && lastName === null && { lead: words.noName })}
        back={[PATH, words.title]}
      />
      <section class="card">
        <Facts
          rows={[
            [words.met, <Meeting contact={contact} />],
            [words.when, <Time ms={createdAtMs} />],
            [words.direction, isMutual ? words.mutual : words.oneWay],
            [words.id, <code>{id}</code>],
          ]}
        />
      </section>
      <Panel title={<Sentence text={words.removeTitle(name)} />} danger>
        <p>{isMutual ? words.removeMutual : words.removeOneWay}</p>
        <Confirm summary={words.remove}>
          <p>{words.again}</p>
          <PostForm action={`${PATH}/${id}/remove`} button={words.remove} look="danger" />
        </Confirm>
      </Panel>
    </>
  );
}
