import * as v from "valibot";
import {
  CONTACT_SEARCH_MAX,
  type Contact,
  type ContactLink,
  type Follower,
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
  Tabs,
  Time,
  UserText,
} from "./components.tsx";
import { contactName } from "./schema-form.tsx";
import { contacts as words } from "./words.ts";

const PATH = "/console/contacts";
const FOLLOWERS = `${PATH}/followers`;
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
            <Head current={PATH} />
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

    page(FOLLOWERS, async ({ caller, request }) => {
      const { items, ...pages } = await contacts.followers(caller.userId, readPage(request, ROWS));
      return {
        title: words.followers,
        body: (
          <>
            <Head current={FOLLOWERS} />
            <Followers followers={items} />
            {items.length > 0 && <p class="hint">{words.followersText}</p>}
            <Pagination path={FOLLOWERS} {...pages} />
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
        [words.name, nameLink],
        [words.since, ({ createdAtMs }) => <Time ms={createdAtMs} />],
      ]}
    />
  );
}

const nameLink = (contact: Contact) => (
  <a href={`${PATH}/${contact.id}`}>
    <UserText text={contactName(contact)} />
  </a>
);

function Head({ current }: { readonly current: string }) {
  return (
    <>
      <PageHead title={words.title} lead={words.lead}>
        <a class="button" href="/console/actions/new/addContact">
          {words.add}
        </a>
      </PageHead>
      <Tabs
        label={words.tabs}
        items={[
          [PATH, words.yours],
          [FOLLOWERS, words.followers],
        ]}
        current={current}
      />
    </>
  );
}

function Followers({ followers }: { readonly followers: readonly Follower[] }) {
  if (followers.length === 0)
    return <Empty title={words.noFollowers} text={words.noFollowersText} />;
  return (
    <Table
      rows={followers}
      columns={[
        [words.name, nameLink],
        [
          words.introducer,
          ({ introducer }) =>
            introducer === null ? words.unknownIntroducer : <UserText text={introducer} />,
        ],
        [words.since, ({ createdAtMs }) => <Time ms={createdAtMs} />],
      ]}
    />
  );
}

/** When they met, and over which code, as far as that is recorded. */
function Meeting({ link }: { readonly link: ContactLink }) {
  const { meeting, introducer, tokenId, createdAtMs } = link;
  return (
    <>
      {meeting === null ? (
        words.notRecorded
      ) : meeting === "introduced" && introducer !== null ? (
        <Sentence text={words.introducedBy(introducer)} />
      ) : (
        words.meetings[meeting]
      )}
      {" · "}
      <Time ms={createdAtMs} />
      {tokenId !== null && (
        <>
          {" · "}
          <a href={`/console/actions/${tokenId}`}>{words.seeCode}</a>
        </>
      )}
    </>
  );
}

/** Whether both directions came to be at once: each other way, they may differ. */
const isOneMeeting = (own: ContactLink | null, theirs: ContactLink | null): own is ContactLink =>
  own !== null && own.createdAtMs === theirs?.createdAtMs && own.meeting === theirs.meeting;

function ContactPage({ contact }: { readonly contact: MetContact }) {
  const { id, firstName, lastName, own, theirs } = contact;
  const name = contactName(contact);
  const direction = own === null ? "theirsOnly" : theirs === null ? "ownOnly" : "mutual";
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
            [words.direction, words.directions[direction]],
            ...(isOneMeeting(own, theirs)
              ? [[words.met, <Meeting link={own} />] as const]
              : [
                  [words.inYours, own !== null && <Meeting link={own} />] as const,
                  [words.inTheirs, theirs !== null && <Meeting link={theirs} />] as const,
                ]),
            [words.id, <code>{id}</code>],
          ]}
        />
      </section>
      <Panel title={<Sentence text={words.removeTitle(name)} />} danger>
        <p>{words.removeTexts[direction]}</p>
        <Confirm summary={words.removals[direction]}>
          <p>{words.again}</p>
          <PostForm
            action={`${PATH}/${id}/remove`}
            button={words.removals[direction]}
            look="danger"
          />
        </Confirm>
      </Panel>
    </>
  );
}
