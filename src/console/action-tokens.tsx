import * as v from "valibot";
import type { Child } from "hono/jsx";
import {
  type ActionUses,
  HISTORY_SCAN,
  HISTORY_SORTS,
  HISTORY_STATES,
  type HistoryFilter,
  type HistoryOrder,
  NEWEST_FIRST,
  type ListedActionToken,
  type Use,
  type UsedToken,
} from "../core/action-tokens.ts";
import type { Action } from "../core/action.ts";
import { refuse } from "../core/fault.ts";
import { formValue } from "../core/form.ts";
import { pathId } from "../http/fields.ts";
import { queryValue, readPage } from "../http/query.ts";
import type { RequestContext, Route } from "../http/surface.ts";
import { formPage, Terms } from "./action-token-form.tsx";
import {
  IssuedPage,
  OwnTokenPage,
  StatePill,
  UsedAction,
  UseList,
  UserOfToken,
} from "./action-token-page.tsx";
import { type PageRoutes, type AuthedPageContext, seeOtherWithMessage } from "./page-routes.tsx";
import { PAGE_HEADERS } from "./page.tsx";
import {
  Empty,
  Filters,
  PageHead,
  Pagination,
  Relative,
  Select,
  Table,
  Tabs,
  UserText,
} from "./components.tsx";
import type { ConsoleDeps } from "./deps.ts";
import { contactName, type UserOptions } from "./schema-form.tsx";
import { actionTokens as words } from "./words.ts";
import { isolated, UUID } from "../core/text.ts";

const PATH = "/console/actions";
const USES = `${PATH}/uses`;
const NEW = `${PATH}/new`;

/** Of a page, which stays light. */
const ROWS = 14;
/** How many contacts a form offers. */
const MAX_USERS = 100;
/** How many uses a token's own page shows. */
const MAX_USES = 100;

/** Action tokens: the list, what they were used for, the form to create one, the code, and a page for each. */
export function actionTokenPages(
  { form, page, fragment, action }: PageRoutes,
  { actionTokens, actionUses, actionPages, contacts, issuer }: ConsoleDeps,
): readonly Route[] {
  /** Those that the console has a form for. */
  const offered = () => actionUses.issuable().filter(({ payloadFields }) => payloadFields !== null);

  function actionOf({ request }: AuthedPageContext): Action {
    const name = request.param("action") ?? "";
    const action = actionUses.issuable().find((each) => each.name === name);
    return action ?? refuse({ code: "action_unknown" });
  }

  async function usersFor({
    caller,
  }: AuthedPageContext): Promise<{ users: UserOptions; hasMore: boolean }> {
    const { items, next } = await contacts.list(caller.userId, { limit: MAX_USERS, after: null });
    const others = items.map((each) => [each.id, contactName(each)] as const);
    return { users: [[caller.userId, words.me], ...others], hasMore: next !== null };
  }

  const idOf = ({ request }: AuthedPageContext) => pathId(request, "id");

  const usesOf = ({ caller }: AuthedPageContext, id: string) =>
    actionUses.runs(caller, id, { limit: MAX_USES, after: null });

  function Head({ current }: { readonly current: string }) {
    const [first, ...others] = offered();
    return (
      <>
        <PageHead title={words.title} lead={words.lead}>
          {first !== undefined && (
            <a class="button" href={others.length === 0 ? `${NEW}/${first.name}` : NEW}>
              {words.create}
            </a>
          )}
        </PageHead>
        <Tabs
          label={words.tabs}
          items={[
            [PATH, words.tokens],
            [USES, words.uses],
          ]}
          current={current}
        />
      </>
    );
  }

  return [
    page(PATH, async (context) => {
      const query = queryOf(context, actionUses.issuable());
      const { items, previous, next, total, isAll } = await actionUses.history(
        context.caller,
        filterOf(query),
        orderOf(query.sort),
        readPage(context.request, ROWS),
        context.nowMs,
      );
      const person = items.find(({ token }) => token.audience === query.for)?.audienceName;
      return {
        title: words.title,
        body: (
          <>
            <Head current={PATH} />
            <TokenFilters actions={actionUses.issuable()} query={query} person={person ?? null} />
            <List tokens={items} nowMs={context.nowMs} isFiltered={isFiltered(query)} />
            {total !== null && total > 0 && (
              <p class="hint found">
                {words.count(total, isAll)}. {!isAll && words.partial(HISTORY_SCAN)}{" "}
                {query.state !== "" && words.kept}
              </p>
            )}
            <Pagination path={PATH} query={query} previous={previous} next={next} />
          </>
        ),
      };
    }),

    page(USES, async (context) => {
      const { action } = queryOf(context, actionUses.issuable());
      const { items, previous, next } = await actionUses.allRuns(
        context.caller,
        action || undefined,
        readPage(context.request, ROWS),
      );
      return {
        title: words.uses,
        body: (
          <>
            <Head current={USES} />
            {actionUses.issuable().length > 1 && (
              <Filters action={USES}>
                <ActionFilter actions={actionUses.issuable()} value={action} />
              </Filters>
            )}
            <AllUses uses={items} actions={actionUses} nowMs={context.nowMs} />
            <Pagination path={USES} query={{ action }} previous={previous} next={next} />
          </>
        ),
      };
    }),

    page(NEW, async () => ({
      title: words.create,
      body: (
        <>
          <PageHead title={words.chooseTitle} back={[PATH, words.title]} />
          <Choices actions={offered()} />
        </>
      ),
    })),

    ...form({
      path: `${NEW}/:action`,
      schema: Terms,
      async show(context, state) {
        const action = actionOf(context);
        const secret = await actionTokens.newSecret();
        const { users, hasMore } = await usersFor(context);
        return formPage(action, users, hasMore, secret, state);
      },
      async submit(context, sent) {
        const action = actionOf(context);
        const issue = {
          action: action.name,
          payload: formValue(action.payloadFields ?? [], sent),
          ttlSeconds: sent.token_lifetime,
          maxUses: sent.token_uses,
          audience: sent.token_audience,
        };
        const {
          token: { id },
          secret,
          isRepeated,
        } = await actionTokens.issue(context.caller, issue, context.nowMs, sent.token_secret);
        const own = await actionUses.one(context.caller, id, context.nowMs);
        return {
          title: action.page.title,
          body: (
            <IssuedPage
              own={own}
              link={`${issuer}/a/${secret}`}
              described={await actionPages.describe(own.token, isolated)}
              uses={isRepeated ? (await usesOf(context, id)).items : []}
              isRepeated={isRepeated}
            />
          ),
        };
      },
    }),

    page(`${PATH}/:id`, async (context) => {
      const own = await actionUses.one(context.caller, idOf(context), context.nowMs);
      const { items, next } = await usesOf(context, own.token.id);
      return {
        title: own.action?.page.title ?? own.token.action,
        // With JavaScript, only the list of uses is refreshed.
        head: (
          <noscript>
            <meta http-equiv="refresh" content="15" />
          </noscript>
        ),
        body: (
          <OwnTokenPage
            own={own}
            described={await actionPages.describe(own.token, isolated)}
            uses={items}
            hasMore={next !== null}
          />
        ),
      };
    }),

    // The list of uses on both pages above, polled by the script.
    fragment(`${PATH}/:id/uses`, async (context) => {
      const own = await actionUses.one(context.caller, idOf(context), context.nowMs);
      const { items, next } = await usesOf(context, own.token.id);
      return {
        status: 200,
        body: null,
        text: String(<UseList own={own} uses={items} hasMore={next !== null} />),
        headers: PAGE_HEADERS,
      };
    }),

    action({
      path: `${PATH}/:id/end`,
      schema: v.object({}),
      async submit(context) {
        await actionTokens.revoke(context.caller, idOf(context), context.nowMs);
        return seeOtherWithMessage(`${PATH}/${idOf(context)}`, "action_revoked");
      },
    }),
  ];
}

/** The filters in the query; empty where there is none, or one that no form sends. */
interface Query {
  readonly state: string;
  readonly action: string;
  readonly for: string;
  /** One of `words.sorts`; empty for the newest first. */
  readonly sort: string;
  readonly [name: string]: string;
}

const ANY_STATE = "all";
const NEWEST = "-created";
function queryOf({ request }: RequestContext, actions: readonly Action[]): Query {
  const sent = (name: string, isKnown: (value: string) => boolean) => {
    const value = queryValue(request, name) ?? "";
    return isKnown(value) ? value : "";
  };
  return {
    state: sent(
      "state",
      (value) =>
        value === ANY_STATE ||
        (value !== "active" && HISTORY_STATES.some((state) => state === value)),
    ),
    action: sent("action", (value) => actions.some(({ name }) => name === value)),
    sort: sent("sort", (value) => value !== NEWEST && Object.hasOwn(words.sorts, value)),
    for: sent("for", (value) => value === "anyone" || value === "person" || UUID.test(value)),
  };
}

function orderOf(sort: string): HistoryOrder {
  const by = HISTORY_SORTS.find((each) => each === (sort || NEWEST).replace("-", ""));
  return by === undefined
    ? NEWEST_FIRST
    : { sort: by, isDescending: (sort || NEWEST).startsWith("-") };
}

function filterOf(query: Query): HistoryFilter {
  const state = HISTORY_STATES.find((each) => each === (query.state || "active"));
  return {
    ...(state !== undefined && { state }),
    ...(query.action !== "" && { action: query.action }),
    ...(query.for !== "" && { audience: query.for }),
  };
}

const isFiltered = ({ state, action, for: audience }: Query) =>
  state !== "" || action !== "" || audience !== "";

function ActionFilter({
  actions,
  value,
}: {
  readonly actions: readonly Action[];
  readonly value: string;
}) {
  return (
    <Select
      name="action"
      label={words.filters.action}
      value={value}
      options={[
        ["", words.anyAction],
        ...actions.map(({ name, page }) => [name, page.title] as const),
      ]}
    />
  );
}

interface TokenFiltersProps {
  readonly actions: readonly Action[];
  readonly query: Query;
  /** The name of the one person whom the list is about. */
  readonly person: string | null;
}

function TokenFilters({ actions, query, person }: TokenFiltersProps) {
  const isOnePerson = UUID.test(query.for);
  return (
    <Filters action={PATH}>
      <Select
        name="state"
        label={words.filters.state}
        value={query.state}
        options={[
          ["", words.states.active],
          ["used_up", words.states.used_up],
          ["expired", words.states.expired],
          ["revoked", words.states.revoked],
          [ANY_STATE, words.anyState],
        ]}
      />
      {actions.length > 1 && <ActionFilter actions={actions} value={query.action} />}
      <Select
        name="for"
        label={words.filters.audience}
        value={query.for}
        options={[
          ["", words.anyAudience],
          ["anyone", words.anyone],
          ["person", words.person],
          ...(isOnePerson ? [[query.for, person ?? words.thisPerson] as const] : []),
        ]}
      />
      <Select
        name="sort"
        label={words.sort}
        value={query.sort || NEWEST}
        options={Object.entries(words.sorts)}
      />
    </Filters>
  );
}

function Choices({ actions }: { readonly actions: readonly Action[] }) {
  return (
    <ul class="tiles choices">
      {actions.map(({ name, page: { title, note } }) => (
        <li>
          <a href={`${NEW}/${name}`}>
            <strong>{title}</strong>
            <span>{note}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}

interface ListProps {
  readonly tokens: readonly ListedActionToken[];
  readonly nowMs: number;
  readonly isFiltered: boolean;
}

function List({ tokens, nowMs, isFiltered }: ListProps) {
  if (tokens.length === 0 && isFiltered) {
    return (
      <Empty title={words.noneMatch} text={words.noneMatchText}>
        <a href={`${PATH}?state=${ANY_STATE}`}>{words.showAll}</a>
      </Empty>
    );
  }
  if (tokens.length === 0) {
    return (
      <Empty title={words.none} text={words.noneText}>
        <a href={`${PATH}?state=${ANY_STATE}`}>{words.showAll}</a>
      </Empty>
    );
  }
  return (
    <Table
      rows={tokens}
      columns={[
        [
          words.columns.action,
          ({ token: { id, action: name }, action }) => (
            <a href={`${PATH}/${id}`}>{action?.page.title ?? name}</a>
          ),
        ],
        [words.columns.status, ({ status }) => <StatePill status={status} />],
        [words.columns.used, ({ token: { uses, maxUses } }) => words.used(uses, maxUses)],
        [words.columns.audience, (each) => <Audience of={each} />],
        [
          words.columns.expires,
          ({ token: { expiresAtMs } }) => <Relative ms={expiresAtMs} nowMs={nowMs} />,
        ],
        [
          words.columns.created,
          ({ token: { createdAtMs } }) => <Relative ms={createdAtMs} nowMs={nowMs} />,
        ],
      ]}
    />
  );
}

/** For whom a token is. A person is named only if they are a contact; the link leads to all tokens for them. */
function Audience({ of: { token, audienceName } }: { readonly of: ListedActionToken }): Child {
  const { audience } = token;
  if (audience === null) return words.anyone;
  return (
    <a href={`${PATH}?state=${ANY_STATE}&for=${encodeURIComponent(audience)}`}>
      {audienceName === null ? words.person : <UserText text={audienceName} />}
    </a>
  );
}

interface AllUsesProps {
  readonly uses: readonly (Use & UsedToken)[];
  readonly actions: ActionUses;
  readonly nowMs: number;
}

function AllUses({ uses, actions, nowMs }: AllUsesProps) {
  if (uses.length === 0) return <Empty title={words.noUses} text={words.noUsesText} />;
  return (
    <Table
      rows={uses}
      columns={[
        [words.columns.who, (use) => <UserOfToken use={use} />],
        [words.columns.action, (use) => <UsedAction use={use} actions={actions} />],
        [words.columns.when, ({ createdAtMs }) => <Relative ms={createdAtMs} nowMs={nowMs} />],
      ]}
    />
  );
}
