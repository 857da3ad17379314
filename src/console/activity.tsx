import type { Child } from "hono/jsx";
import type { ActionUses } from "../core/action-tokens.ts";
import {
  AUDIT_COUNTED,
  AUDIT_EVENTS,
  type AuditDay,
  type AuditDays,
  EVENT_GROUPS,
  type EventFilter,
  type EventObject,
  kindsOf,
  type NamedEntry,
} from "../core/events.ts";
import { cursorText, queryValue, readPage, refuseField } from "../http/query.ts";
import type { HttpResult, Route } from "../http/surface.ts";
import {
  Empty,
  Field,
  Filters,
  PageHead,
  Pagination,
  Panel,
  Pill,
  Select,
  Sentence,
  Table,
  Time,
  UserText,
} from "./components.tsx";
import { startOfDay } from "./clock.ts";
import type { ConsoleDeps } from "./deps.ts";
import { deviceOf, locationOf } from "./logins.tsx";
import type { AuthedPageContext, PageRoutes } from "./page-routes.tsx";
import { PAGE_HEADERS, type Page } from "./page.tsx";
import { activity as words, time } from "./words.ts";

const PATH = "/console/activity";
const EXPORT = `${PATH}/export`;
const DAYS = 30;
/** A page stays light. */
const DEFAULT_LIMIT = 20;
const LIMIT_BESIDE_CHART = 15;

/** The account's events: a chart of recent days, and a list that can be filtered and downloaded. */
export function activityPages(
  { page }: PageRoutes,
  { audit, actionUses }: ConsoleDeps,
): readonly Route[] {
  async function show({ request, caller, nowMs }: AuthedPageContext): Promise<Page> {
    const listPage = readPage(request);
    const query = queryOf(request);
    const isFiltered = Object.values(query).some((value) => value !== "");
    // The chart shows the latest days of all, so only the first page of all has it.
    const isFirst = listPage.after === null && listPage.before === undefined && !isFiltered;
    const usual = isFirst ? LIMIT_BESIDE_CHART : DEFAULT_LIMIT;
    const limit = queryValue(request, "limit") ? listPage.limit : usual;
    const [{ items, isWhole, ...pages }, perDay] = await Promise.all([
      audit.find(caller.userId, filterOf(query), { ...listPage, limit }),
      isFirst ? audit.perDay(caller.userId, DAYS, nowMs) : null,
    ]);
    const { title, lead } = words;
    return {
      title,
      body: (
        <>
          <PageHead title={title} lead={lead} />
          {perDay !== null && items.length > 0 && <Days perDay={perDay} />}
          <FilterForm query={query} isFiltered={isFiltered} />
          {items.length > 0 ? (
            <EventTable entries={items} userId={caller.userId} actions={actionUses} />
          ) : isFiltered ? (
            <Empty title={words.noMatch} text={words.noMatchText} />
          ) : (
            <Empty title={words.empty} text={words.emptyText} />
          )}
          {!isWhole && <p class="hint">{words.partial(AUDIT_COUNTED)}</p>}
          <Pagination path={PATH} query={query} {...pages} />
          {items.length > 0 && <Downloads query={query} />}
        </>
      ),
    };
  }

  /** Of the one who is logged in alone, as the list shows it: so it needs no fresher log-in. */
  async function file({ request, caller, nowMs }: AuthedPageContext): Promise<HttpResult> {
    const query = queryOf(request);
    const format = queryValue(request, "format") || "csv";
    if (format !== "csv" && format !== "json") refuseField("format", "must be csv or json");
    const listPage = { ...readPage(request), limit: AUDIT_COUNTED };
    const { items, next } = await audit.find(caller.userId, filterOf(query), listPage);
    const rows = items.map((entry) => rowOf(entry, caller.userId, actionUses));
    const more = new URLSearchParams({ ...query, format, cursor: cursorText(next) ?? "" });
    const text =
      format === "csv"
        ? csvOf(rows)
        : JSON.stringify(
            {
              exported_at: new Date(nowMs).toISOString(),
              events: rows,
              continues_at: next === null ? null : `${EXPORT}?${more}`,
            },
            null,
            2,
          );
    // What a file covers stands in its name: older events may be in the next one.
    const days = [items.at(-1), items[0]].map((each) =>
      each === undefined ? "none" : new Date(each.createdAtMs).toISOString().slice(0, 10),
    );
    return {
      status: 200,
      body: null,
      text,
      headers: {
        ...PAGE_HEADERS,
        "content-type": format === "csv" ? "text/csv; charset=utf-8" : "application/json",
        "content-disposition": `attachment; filename="activity-${days.join("-to-")}.${format}"`,
      },
    };
  }

  return [page(PATH, show), page(EXPORT, file)];
}

type Query = Readonly<Record<"q" | "group" | "outcome" | "from" | "until", string>>;

const MAX_SEARCH = 100;

/** What the list is filtered by, as it stands in the address. @throws RequestFaultError `fields_invalid` */
function queryOf(request: AuthedPageContext["request"]): Query {
  const value = (name: string) => queryValue(request, name)?.trim() ?? "";
  return {
    q: value("q").slice(0, MAX_SEARCH),
    group: value("group"),
    outcome: value("outcome"),
    from: value("from"),
    until: value("until"),
  };
}

/** @throws RequestFaultError `fields_invalid`: an export must not hold more than was asked for */
function filterOf({ q, group, outcome, from, until }: Query): EventFilter {
  const known = EVENT_GROUPS.find((each) => each === group);
  if (group !== "" && known === undefined) refuseField("group", "is not known");
  if (outcome !== "" && outcome !== "done" && outcome !== "refused") {
    refuseField("outcome", "is not known");
  }
  const text = q.toLowerCase();
  return {
    kinds: known === undefined ? null : kindsOf(known),
    outcome: outcome === "" ? null : outcome,
    aboutId: null,
    fromMs: from === "" ? null : dayField("from", from),
    untilMs: until === "" ? null : dayField("until", until, 1),
    search:
      q === ""
        ? null
        : {
            text: q,
            kinds: AUDIT_EVENTS.filter((what) => words.events[what].toLowerCase().includes(text)),
          },
  };
}

/** @throws RequestFaultError `fields_invalid` */
export const dayField = (field: string, day: string, daysLater = 0): number =>
  startOfDay(day, daysLater) ?? refuseField(field, "must be a date");

interface FilterFormProps {
  readonly query: Query;
  readonly isFiltered: boolean;
}

function FilterForm({ query, isFiltered }: FilterFormProps) {
  const { any, groups, ...labels } = words.filters;
  return (
    <Filters action={PATH}>
      <Field name="q" type="search" label={labels.search} value={query.q} maxlength={MAX_SEARCH} />
      <Select
        name="group"
        label={labels.group}
        value={query.group}
        options={[["", any], ...EVENT_GROUPS.map((each) => [each, groups[each]] as const)]}
      />
      <Select
        name="outcome"
        label={labels.outcome}
        value={query.outcome}
        options={[["", any], ...Object.entries(words.outcomes)]}
      />
      <Field name="from" type="date" label={labels.from} value={query.from} />
      <Field name="until" type="date" label={labels.until} value={query.until} />
      {isFiltered && <a href={PATH}>{labels.clear}</a>}
    </Filters>
  );
}

function Downloads({ query }: { readonly query: Query }) {
  const given = Object.entries(query).filter(([, value]) => value !== "");
  return (
    <div class="downloads">
      <p class="hint">{words.downloadHint(AUDIT_COUNTED)}</p>
      <div class="buttons">
        {["csv", "json"].map((format) => (
          <a
            class="button quiet small"
            href={`${EXPORT}?${new URLSearchParams([...given, ["format", format]])}`}
          >
            {words.download} {format.toUpperCase()}
          </a>
        ))}
      </div>
    </div>
  );
}

interface EventsProps {
  readonly actions: ActionUses;
  readonly entries: readonly NamedEntry[];
  /** Whose activity it is. */
  readonly userId: string;
}

export function EventTable({ entries, userId, actions }: EventsProps) {
  const { columns, outcomes } = words;
  return (
    <Table
      class="dense"
      rows={entries}
      columns={[
        [
          columns.event,
          (entry) => (
            <>
              <Sentence text={sentenceOf(entry, userId, actions)} /> {objectLink(entry, actions)}{" "}
              {byText(entry) !== null && (
                <span class="hint">
                  <Sentence text={byText(entry) ?? ""} />
                </span>
              )}
            </>
          ),
        ],
        [
          columns.outcome,
          (entry) =>
            entry.outcome === "done" ? (
              <span class="hint">{outcomes.done}</span>
            ) : (
              <Pill tone={isOwnMistake(entry, userId) ? "warn" : "bad"}>{outcomes.refused}</Pill>
            ),
        ],
        [columns.when, ({ createdAtMs }) => <Time ms={createdAtMs} />],
        [columns.from, fromOf],
      ]}
    />
  );
}

/** Where an object has a page. An action token of the service's own, sent by email, has none. */
const PAGES: Readonly<
  Record<
    EventObject["kind"],
    (id: string, object: EventObject, actions: ActionUses) => string | null
  >
> = {
  api: (id) => `/console/tokens/${id}`,
  action: (id, { name }, actions) =>
    actions.find(name)?.isInternal === false ? `/console/actions/${id}` : null,
  contact: (id) => `/console/contacts/${id}`,
  passkey: () => "/console/account/security/passkeys",
};

const nameOf = ({ kind, name }: EventObject, actions: ActionUses): string =>
  kind === "action" ? (actions.find(name)?.page.title ?? name) : name;

function objectLink({ object }: NamedEntry, actions: ActionUses): Child {
  if (object === null) return null;
  const name = <UserText text={nameOf(object, actions)} />;
  const href = object.id === null ? null : PAGES[object.kind](object.id, object, actions);
  return href === null ? name : <a href={href}>{name}</a>;
}

const byText = ({ credentialName }: NamedEntry): string | null =>
  credentialName === null ? null : words.withToken(credentialName);

const placesOf = ({ device, address }: NamedEntry): string[] =>
  [device === null ? null : locationOf(device), address].filter((each) => each !== null);

function fromOf(entry: NamedEntry): Child {
  const { device } = entry;
  const place = placesOf(entry).join(" · ");
  if (device === null) return place || words.noPlace;
  return (
    <>
      <UserText text={deviceOf(device)} /> <span class="hint">{place}</span>
    </>
  );
}

/** A logged-in user mistyped their own password where a form asks for it again. */
const isOwnMistake = ({ what, actorId }: NamedEntry, userId: string): boolean =>
  what === "login.failed" && actorId === userId;

/** An event as its owner reads it. @param userId whose activity it is */
function sentenceOf(entry: NamedEntry, userId: string, actions: ActionUses): string {
  const { what, actorId, actor } = entry;
  if (what === "action.run" && actorId !== userId) {
    return actor === null ? words.usedByOther : words.usedBy(actor.name);
  }
  if (isOwnMistake(entry, userId)) return words.mistyped;
  if (what === "contact.removed" && actorId !== userId) {
    return actor === null ? words.removedByOther : words.removedBy(actor.name);
  }
  // Another version of the service may have written an event that this one does not know.
  const sentence = isKnown(what) ? words.events[what] : (actions.sentenceOf(what) ?? what);
  return entry.isByOperator && !sentence.includes(words.operator)
    ? words.byOperator(sentence)
    : sentence;
}

const isKnown = (what: string): what is keyof typeof words.events =>
  Object.hasOwn(words.events, what);

const plain = (text: string) => text.replaceAll(/[\u2068\u2069]/g, "");

/** One event in a file. */
function rowOf(entry: NamedEntry, userId: string, actions: ActionUses) {
  const { device, object } = entry;
  return {
    time: new Date(entry.createdAtMs).toISOString(),
    event: entry.what,
    description: plain(sentenceOf(entry, userId, actions)),
    outcome: entry.outcome,
    object: object && nameOf(object, actions),
    object_id: object?.id ?? entry.subjectId,
    api_token: entry.credentialName,
    device: device && deviceOf(device),
    place: device && locationOf(device),
    address: entry.address,
    request_id: entry.requestId,
  };
}

type FileRow = ReturnType<typeof rowOf>;
const FILE_COLUMNS = [
  "time",
  "event",
  "description",
  "outcome",
  "object",
  "object_id",
  "api_token",
  "device",
  "place",
  "address",
  "request_id",
] as const satisfies readonly (keyof FileRow)[];

/** A cell that a spreadsheet would run as a formula begins with an apostrophe (OWASP, CSV injection). */
// guard: csv-cells-are-no-formulas
const asText = (cell: string) => (/^[=+\-@\t\r＝＋－＠]/u.test(cell) ? `'${cell}` : cell);

/** RFC 4180. */
function csvOf(rows: readonly FileRow[]): string {
  const cell = (text: string | null) => `"${asText(text ?? "").replaceAll('"', '""')}"`;
  const lines = rows.map((row) => FILE_COLUMNS.map((name) => cell(row[name])).join(","));
  return `${[FILE_COLUMNS.join(","), ...lines].join("\r\n")}\r\n`;
}

const STEP = 10;
const BAR = 7;
const HEIGHT = 100;

/** Days are those of UTC. */
/** Made at first use: the platform's first one lists all locales, a tenth of what a start takes. */
let day: Intl.DateTimeFormat | undefined;

function dateOf({ startMs }: AuditDay): string {
  day ??= new Intl.DateTimeFormat(time.locale, { dateStyle: "medium", timeZone: "UTC" });
  return day.format(startMs);
}

/** A bar per day, with denied events on top of successful ones, and the same figures as a table. */
function Days({ perDay: { days, isAll } }: { readonly perDay: AuditDays }) {
  const { chart } = words;
  const most = Math.max(1, ...days.map(({ done, refused }) => done + refused));
  const done = days.reduce((sum, day) => sum + day.done, 0);
  const refused = days.reduce((sum, day) => sum + day.refused, 0);
  const [first] = days;
  const scale = HEIGHT / most;
  return (
    <Panel title={chart.title}>
      <figure class="chart">
        <p class="legend">
          <span class="swatch done" aria-hidden="true" /> {chart.done(done)}
          <span class="swatch refused" aria-hidden="true" /> {chart.refused(refused)}
          <span class="most">{chart.most(most)}</span>
        </p>
        <svg
          viewBox={`0 0 ${days.length * STEP} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={chart.label(done, refused, days.length)}
        >
          <path class="none" d={barsOf(days, () => [0, 1])} />
          <path class="done" d={barsOf(days, (day) => [0, day.done * scale])} />
          <path
            class="refused"
            d={barsOf(days, (day) => [day.done * scale, day.refused * scale])}
          />
        </svg>
        {first !== undefined && (
          <p class="ends" aria-hidden="true">
            <span>{dateOf(first)}</span>
            <span>{chart.today}</span>
          </p>
        )}
        <details class="figures">
          <summary class="quiet small">{chart.table}</summary>
          <Table
            rows={days.filter((day) => day.done + day.refused > 0)}
            columns={[
              [chart.day, dateOf],
              [words.outcomes.done, (day) => day.done],
              [words.outcomes.refused, (day) => day.refused],
            ]}
          />
        </details>
      </figure>
      {!isAll && <p class="hint">{chart.partial}</p>}
    </Panel>
  );
}

/** One path for all days, because thirty bars of three elements each would weigh more than the list. */
function barsOf(
  days: readonly AuditDay[],
  partOf: (day: AuditDay) => readonly [from: number, height: number],
): string {
  const bars = days.map((day, index) => {
    const [from, height] = partOf(day).map((each) => Math.round(each * 10) / 10);
    const x = index * STEP + (STEP - BAR) / 2;
    return height === 0 ? "" : `M${x} ${HEIGHT - (from ?? 0)}v-${height}h${BAR}v${height}z`;
  });
  return bars.join("");
}
