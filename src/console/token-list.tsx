import {
  type ApiTokenQuery,
  type ListedToken,
  TOKEN_FILTERS,
  TOKENS_SEARCHED,
  type TokenSearch,
} from "../core/api-token-search.ts";
import type { Scopes } from "../core/scopes.ts";
import {
  Confirm,
  Empty,
  Field,
  Filters,
  PageHead,
  Pagination,
  Panel,
  PostForm,
  Relative,
  Select,
  Table,
  UserText,
} from "./components.tsx";
import type { Page } from "./page.tsx";
import { LastUse, TokenPill } from "./token-status.tsx";
import { apiTokens as words } from "./words.ts";

export const TOKENS = "/console/tokens";

export const tokenPath = (id: string) => `${TOKENS}/${id}`;

/** The parameters of a list's address; those of all tokens are empty. */
export const parametersOf = ({ search, filter, scope, sort, isDescending }: ApiTokenQuery) => {
  const by = `${isDescending ? "-" : ""}${sort}`;
  return { search, filter: filter ?? "", scope: scope ?? "", sort: by === "-created" ? "" : by };
};

interface Props {
  readonly query: ApiTokenQuery;
  readonly found: TokenSearch<ListedToken>;
  /** The `limit` of the address, if it has one. */
  readonly limit: string;
  readonly scopes: Scopes;
  readonly nowMs: number;
}

export function tokenListPage({ query, found, limit, scopes, nowMs }: Props): Page {
  const { items, total, isAll, previous, next } = found;
  const parameters = parametersOf(query);
  const isFiltered = Object.values({ ...parameters, sort: "" }).some((value) => value !== "");
  const hasNone = items.length === 0 && !isFiltered && previous === null && next === null;
  return {
    title: words.title,
    body: (
      <>
        <PageHead title={words.title} lead={words.lead}>
          <a class="button" href={`${TOKENS}/new`}>
            {words.create}
          </a>
        </PageHead>
        <Filters action={`${TOKENS}/find`} method="post">
          <Field
            name="search"
            type="search"
            label={words.search}
            placeholder={words.searchHint}
            value={query.search}
            autocomplete="off"
          />
          <Select
            name="filter"
            label={words.filter}
            value={parameters.filter}
            options={["" as const, ...TOKEN_FILTERS].map((each) => [each, words.filters[each]])}
          />
          <Select
            name="scope"
            label={words.scope}
            value={parameters.scope}
            options={[["", words.anyScope], ...scopes.names.map((each) => [each, each] as const)]}
          />
          <Select
            name="sort"
            label={words.sort}
            value={parameters.sort || "-created"}
            options={Object.entries(words.sorts)}
          />
        </Filters>
        {hasNone ? (
          <Empty title={words.empty} text={words.emptyText} />
        ) : items.length === 0 ? (
          <Empty title={words.noMatch} text={words.noMatchText}>
            <a href={TOKENS}>{words.showAll}</a>
          </Empty>
        ) : (
          <TokenTable found={found} scopes={scopes} nowMs={nowMs} />
        )}
        {total !== null && total > 0 && (
          <p class="hint found">
            {words.count(total, isAll)}. {!isAll && words.partial(TOKENS_SEARCHED)}{" "}
            {query.filter === "inactive" && words.kept}
          </p>
        )}
        <Pagination
          path={TOKENS}
          query={{ ...parameters, limit }}
          previous={previous}
          next={next}
        />
        {!isFiltered && items.length > 0 && (
          <Panel title={words.revokeAll.title} danger>
            <Confirm summary={words.revokeAll.button}>
              <p>{words.revokeAll.text}</p>
              <PostForm
                action={`${TOKENS}/revoke-all`}
                button={words.revokeAll.button}
                look="danger"
              />
            </Confirm>
          </Panel>
        )}
      </>
    ),
  };
}

/** Each token, and after it those that it replaced and that still work. */
function withReplaced({ items, replaced }: TokenSearch<ListedToken>) {
  const of = Map.groupBy(replaced, ({ token }) => token.replacedById);
  const withOlder = (listed: ListedToken, isOld: boolean): Row[] => [
    { listed, isOld },
    ...(of.get(listed.token.id) ?? []).flatMap((each) => withOlder(each, true)),
  ];
  return items.flatMap((each) => withOlder(each, false));
}

interface Row {
  readonly listed: ListedToken;
  /** Under its successor. */
  readonly isOld: boolean;
}

type TableProps = Pick<Props, "found" | "scopes" | "nowMs">;

function TokenTable({ found, scopes, nowMs }: TableProps) {
  const { columns } = words;
  return (
    <Table<Row>
      class="tokens"
      rows={withReplaced(found)}
      columns={[
        [
          columns.name,
          ({ listed: { token }, isOld }) => (
            <>
              <a href={tokenPath(token.id)} {...(isOld && { class: "old" })}>
                {isOld ? words.oldSecret : <UserText text={token.name} />}
              </a>{" "}
              <code class="hint">{token.hint}</code>
            </>
          ),
        ],
        [columns.scopes, ({ listed: { token } }) => scopesText(token.scopes, scopes)],
        [columns.expires, ({ listed }) => <TokenPill listed={listed} nowMs={nowMs} />],
        [columns.used, ({ listed: { token } }) => <LastUse token={token} nowMs={nowMs} />],
        [
          columns.created,
          ({ listed: { token } }) => <Relative ms={token.createdAtMs} nowMs={nowMs} />,
        ],
      ]}
    />
  );
}

/** At most so many are named in a row. */
const SCOPES_SHOWN = 1;

function scopesText(granted: readonly string[], { names }: Scopes): string {
  if (granted.length === 0) return words.noScopes;
  if (names.every((each) => granted.includes(each))) return words.fullAccess;
  const more = granted.length - SCOPES_SHOWN;
  const shown = granted.slice(0, SCOPES_SHOWN).join(", ");
  return more > 0 ? `${shown} ${words.moreScopes(more)}` : shown;
}
