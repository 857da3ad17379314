import type { Child } from "hono/jsx";
import * as v from "valibot";
import type { DeadLetter, EventFilter, OperatorsDesk, Throttle } from "../core/admin.ts";
import { FaultError } from "../core/fault.ts";
import type { TokenDiagnosis } from "../core/token-diagnosis.ts";
import { queryValue, readKeyPage, refuseField } from "../http/query.ts";
import type { HttpResult, Route } from "../http/surface.ts";
import { FindAccount } from "../surfaces/rest/fields.ts";
import { dayField } from "./activity.tsx";
import {
  Confirm,
  Empty,
  Facts,
  Field,
  Filters,
  PageHead,
  Panel,
  Pill,
  PostForm,
  Relative,
  Select,
  Table,
  Tabs,
  UserText,
} from "./components.tsx";
import { operatorAccountPages } from "./operators-account.tsx";
import {
  accountLink,
  ADMIN,
  deskOf,
  Events,
  NextPage,
  type OperatorDeps,
  Warnings,
} from "./operators-shared.tsx";
import {
  type AuthedPageContext,
  fieldState,
  formError,
  type FormState,
  itemId,
  type PageRoutes,
  seeOther,
  seeOtherWithMessage,
} from "./page-routes.tsx";
import { flashCookie, type Page } from "./page.tsx";
import { operators as words } from "./words.ts";

/** Keeps a page of a list well below 15 KB. */
const SHOWN = 20;

/**
 * Pages for operators. Each route of `pages` passes their gate before anything is read of the request.
 * @param pages of `pageRoutes` with `admin.requireOperator` as its gate
 */
export function operatorPages(pages: PageRoutes, deps: OperatorDeps): readonly Route[] {
  const { page, form, action } = pages;

  const shown =
    (
      tab: string,
      lead: string,
      body: (desk: OperatorsDesk, context: AuthedPageContext, state: State) => Promise<Child>,
    ) =>
    async (context: AuthedPageContext): Promise<Page> => {
      const desk = await deskOf(deps, context);
      const state = await desk.health();
      const content = await body(desk, context, state);
      return {
        title: words.title,
        body: (
          <>
            <PageHead title={words.title} lead={lead} />
            <OperatorTabs current={tab} />
            <Warnings warnings={state.warnings} />
            {content}
          </>
        ),
      };
    };

  const start = (state: FormState) =>
    shown(ADMIN, words.lead, async (desk) => {
      const latest = await desk.events({ isAll: false }, null, 10);
      return (
        <>
          <FindForm state={state} />
          <Panel title={words.find.latest}>
            <Events {...latest} />
            <p>
              <a href={`${ADMIN}/events`}>{words.find.all}</a>
            </p>
          </Panel>
        </>
      );
    });

  return [
    ...form({
      path: ADMIN,
      schema: v.object({ query: FindAccount.entries.query }),
      show: (context, state) => start(state)(context),
      async submit(context, { query }) {
        const desk = await deskOf(deps, context);
        return foundPage(await findOr(desk, query));
      },
    }),
    page(
      `${ADMIN}/events`,
      shown(`${ADMIN}/events`, words.events.lead, async (desk, { request }) => {
        const { after } = readKeyPage(request);
        const fields = filterFields((name) => queryValue(request, name) ?? "");
        const list = await desk.events(filterOf(fields), after, SHOWN);
        return (
          <>
            <EventFilters fields={fields} />
            <Events {...list} />
            <NextPage path={`${ADMIN}/events`} query={fields} next={list.next} after={after} />
          </>
        );
      }),
    ),
    page(
      `${ADMIN}/throttles`,
      shown(`${ADMIN}/throttles`, words.throttles.lead, async (desk, { request, nowMs }) => {
        const { after } = readKeyPage(request);
        const { items, next } = await desk.throttles(after, SHOWN);
        return (
          <>
            <Throttles items={items} nowMs={nowMs} />
            <NextPage path={`${ADMIN}/throttles`} next={next} after={after} />
          </>
        );
      }),
    ),
    action({
      path: `${ADMIN}/throttles/lift`,
      schema: v.object({ id: v.string("is required") }),
      async submit(context, { id }) {
        await (await deskOf(deps, context)).liftThrottles(id);
        return seeOtherWithMessage(`${ADMIN}/throttles`, "throttle_lifted");
      },
    }),
    page(
      `${ADMIN}/deliveries`,
      shown(
        `${ADMIN}/deliveries`,
        words.deliveries.lead,
        async (desk, { request, nowMs }, state) => {
          const { after } = readKeyPage(request);
          const { items, next } = await desk.deadLetters(after, SHOWN);
          return (
            <>
              <Waiting {...state} nowMs={nowMs} />
              <DeadLetters items={items} nowMs={nowMs} />
              <NextPage path={`${ADMIN}/deliveries`} next={next} after={after} />
            </>
          );
        },
      ),
    ),
    action({
      path: `${ADMIN}/deliveries/replay`,
      schema: v.object({ id: v.optional(itemId) }),
      async submit(context, { id }) {
        const desk = await deskOf(deps, context);
        const count = await desk.replay(id === undefined ? null : [id]);
        return seeOtherWithMessage(`${ADMIN}/deliveries`, "letters_replayed", String(count));
      },
    }),
    page(
      `${ADMIN}/service`,
      shown(`${ADMIN}/service`, words.service.lead, async (desk, { nowMs }, state) => (
        <Service {...state} {...(await desk.stock())} nowMs={nowMs} />
      )),
    ),
    ...operatorAccountPages(pages, deps),
  ];
}

/** What was searched for is nowhere repeated: it may be a secret. */
async function findOr(desk: OperatorsDesk, query: string) {
  try {
    return await desk.find(query);
  } catch (error) {
    if (error instanceof FaultError && error.fault.code === "not_found") {
      return refuseField("query", words.find.none);
    }
    throw error;
  }
}

function foundPage({
  account,
  token,
}: {
  readonly account: { readonly id: string };
  readonly token: TokenDiagnosis | null;
}): HttpResult {
  const path = `${ADMIN}/users/${account.id}`;
  if (token === null) return seeOther(path);
  // The id of a token is a digest of it, or a JWT's name: neither is a credential.
  const query = token.id === null ? "" : `?token=${encodeURIComponent(token.id)}`;
  const told = `${token.kind ?? ""} ${token.status.replaceAll("_", " ")}`;
  return { ...seeOther(`${path}${query}`), cookies: [flashCookie("operator_found", told)] };
}

function OperatorTabs({ current }: { readonly current: string }) {
  const { label, accounts, events, throttles, deliveries, service } = words.tabs;
  return (
    <Tabs
      label={label}
      current={current}
      items={[
        [ADMIN, accounts],
        [`${ADMIN}/events`, events],
        [`${ADMIN}/throttles`, throttles],
        [`${ADMIN}/deliveries`, deliveries],
        [`${ADMIN}/service`, service],
      ]}
    />
  );
}

function FindForm({ state }: { readonly state: FormState }) {
  const { problem } = fieldState(state, "query");
  return (
    <Panel title={words.find.title}>
      <PostForm action={ADMIN} button={words.find.button} error={formError(state, ["query"])}>
        <Field
          name="query"
          label={words.find.label}
          hint={words.find.hint}
          problem={problem}
          autocomplete="off"
          required
        />
      </PostForm>
    </Panel>
  );
}

type FilterFields = Readonly<
  Record<"show" | "outcome" | "what" | "user" | "from" | "until", string>
>;

const filterFields = (of: (name: string) => string): FilterFields => ({
  show: of("show"),
  outcome: of("outcome"),
  what: of("what").trim(),
  user: of("user").trim().toLowerCase(),
  from: of("from"),
  until: of("until"),
});

/** What fits nothing finds nothing, rather than being an error; a date must be one. */
function filterOf({ show, outcome, what, user, from, until }: FilterFields): EventFilter {
  return {
    isAll: show === "all",
    ...(outcome === "done" || outcome === "refused" ? { outcome } : {}),
    ...(what !== "" && { what }),
    ...(user !== "" && { userId: user }),
    ...(from !== "" && { fromMs: dayField("from", from) }),
    ...(until !== "" && { untilMs: dayField("until", until, 1) }),
  };
}

function EventFilters({ fields }: { readonly fields: FilterFields }) {
  const { which, watched, everything, outcome, any, done, refused, user, what, from, until } =
    words.events;
  return (
    <Filters action={`${ADMIN}/events`}>
      <Select
        name="show"
        label={which}
        value={fields.show}
        options={[
          ["", watched],
          ["all", everything],
        ]}
      />
      <Select
        name="outcome"
        label={outcome}
        value={fields.outcome}
        options={[
          ["", any],
          ["done", done],
          ["refused", refused],
        ]}
      />
      <Field name="what" label={what} value={fields.what} maxlength={64} />
      <Field name="user" label={user} value={fields.user} maxlength={36} />
      <Field name="from" type="date" label={from} value={fields.from} />
      <Field name="until" type="date" label={until} value={fields.until} />
    </Filters>
  );
}

interface ListProps<T> {
  readonly items: readonly T[];
  readonly nowMs: number;
}

function Throttles({ items, nowMs }: ListProps<Throttle>) {
  const { empty, emptyText, owner, unknownOwner, counts, kinds, until, act, button } =
    words.throttles;
  if (items.length === 0) return <Empty title={empty} text={emptyText} />;
  return (
    <Table
      class="dense labeled"
      rows={items}
      columns={[
        [owner, (each) => (isAccount(each.owner) ? accountLink(each.owner) : unknownOwner)],
        [counts, (each) => kinds[each.counts]],
        [until, ({ untilMs }) => <Relative ms={untilMs} nowMs={nowMs} />],
      ]}
      act={[
        act,
        (each) => (
          <PostForm
            action={`${ADMIN}/throttles/lift`}
            id={each.owner}
            button={button}
            look="quiet small"
          />
        ),
      ]}
    />
  );
}

const isAccount = (owner: string) => owner.length === 36;

type State = Awaited<ReturnType<OperatorsDesk["health"]>>;

function Waiting({ outboxes, oldestAtMs, nowMs }: State & { readonly nowMs: number }) {
  const { waiting, events, notices, revocations, since, nothing } = words.deliveries;
  const row = (count: number, oldestMs: number | null) => {
    if (count === 0) return nothing;
    return (
      <>
        {words.service.many(count)}
        {oldestMs !== null && (
          <>
            {", "}
            {since} <Relative ms={oldestMs} nowMs={nowMs} />
          </>
        )}
      </>
    );
  };
  return (
    <Panel title={waiting}>
      <Facts
        rows={[
          [events, row(outboxes.events, oldestAtMs.events)],
          [notices, row(outboxes.notices, oldestAtMs.notices)],
          [revocations, row(outboxes.revocations, null)],
        ]}
      />
    </Panel>
  );
}

function DeadLetters({ items, nowMs }: ListProps<DeadLetter>) {
  const { dead, deadText, empty, emptyText, columns, deletedEvent, act, button, all, allText } =
    words.deliveries;
  if (items.length === 0) return <Empty title={empty} text={emptyText} />;
  const replay = `${ADMIN}/deliveries/replay`;
  return (
    <Panel title={dead}>
      <p>{deadText}</p>
      <Table
        class="dense labeled"
        rows={items}
        columns={[
          [columns.what, ({ what }) => (what === null ? deletedEvent : <code>{what}</code>)],
          [columns.receiver, ({ receiver }) => receiver],
          [columns.user, ({ userId }) => accountLink(userId)],
          [columns.attempts, ({ attempts }) => attempts],
          [columns.reason, ({ reason }) => <UserText text={reason} />],
          [columns.died, ({ diedAtMs }) => <Relative ms={diedAtMs} nowMs={nowMs} />],
        ]}
        act={[
          act,
          ({ eventId }) => (
            <PostForm action={replay} id={eventId} button={button} look="quiet small" />
          ),
        ]}
      />
      <Confirm summary={all} isHarmless>
        <p>{allText}</p>
        <PostForm action={replay} button={all} />
      </Confirm>
    </Panel>
  );
}

type Stock = Awaited<ReturnType<OperatorsDesk["stock"]>>;

const TONES = { active: "good", standby: "plain", retiring: "warn" } as const;

function Service({
  rows,
  keys,
  databaseBytes,
  databaseLimitBytes,
  failedRequests,
  housekeepingAtMs,
  overdueAtMs,
  archiveFailedAtMs,
  nowMs,
}: State & Stock & { readonly nowMs: number }) {
  const { state, housekeeping, never, failed, failedCount, failedHint, database, size } =
    words.service;
  const time = (ms: number | null) =>
    ms === null ? words.service.key.unknown : <Relative ms={ms} nowMs={nowMs} />;
  const { key } = words.service;
  return (
    <>
      <Panel title={state}>
        <Facts
          rows={[
            [housekeeping, housekeepingAtMs === null ? never : time(housekeepingAtMs)],
            [words.service.overdue, overdueAtMs === null ? words.service.none : time(overdueAtMs)],
            ...(archiveFailedAtMs === null
              ? []
              : [[words.service.archiveFailing, time(archiveFailedAtMs)] as const]),
            [database, size(databaseBytes, databaseLimitBytes)],
            [
              failed,
              <>
                {failedCount(failedRequests)} <span class="hint">{failedHint}</span>
              </>,
            ],
          ]}
        />
      </Panel>
      <Panel title={words.service.keys}>
        <Table
          class="dense labeled"
          rows={keys}
          columns={[
            [key.kid, ({ kid }) => <code>{kid}</code>],
            [key.alg, ({ alg }) => alg],
            [key.state, (each) => <Pill tone={TONES[each.state]}>{key.states[each.state]}</Pill>],
            [key.since, ({ sinceMs }) => time(sinceMs)],
            [key.created, ({ createdAtMs }) => time(createdAtMs)],
          ]}
        />
      </Panel>
      <Panel title={words.service.rows}>
        <Table
          class="dense labeled"
          rows={Object.entries(rows)}
          columns={[
            [words.service.table, ([name]) => <code>{name}</code>],
            [words.service.count, ([, count]) => words.service.many(count)],
          ]}
        />
      </Panel>
    </>
  );
}
