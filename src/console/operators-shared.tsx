import type { Child } from "hono/jsx";
import type { Admin, OperatorsEntry, Scanned, Warning } from "../core/admin.ts";
import { keyCursorText } from "../http/query.ts";
import { Empty, Pill, Table, Time } from "./components.tsx";
import type { AuthedPageContext } from "./page-routes.tsx";
import { operators as words } from "./words.ts";

export const ADMIN = "/console/admin";

export interface OperatorDeps {
  readonly admin: Admin;
  /** Whether email can be sent. */
  readonly sendsMail: boolean;
}

/** The desk of an operator, with whom it was built: so that a log-in that was just confirmed counts. */
export const deskOf = ({ admin }: OperatorDeps, { caller, nowMs }: AuthedPageContext) =>
  admin.requireOperator(caller, nowMs);

/** Where each is looked into. */
const PLACES: Readonly<Record<Warning, "service" | "deliveries">> = {
  housekeeping_late: "service",
  housekeeping_behind: "service",
  archive_failing: "service",
  requests_failing: "service",
  dead_letters: "deliveries",
  events_waiting: "deliveries",
  notices_waiting: "deliveries",
  revocations_waiting: "deliveries",
  database_filling: "service",
  database_nearly_full: "service",
  database_full: "service",
};

export function Warnings({ warnings }: { readonly warnings: readonly Warning[] }) {
  if (warnings.length === 0) return null;
  return (
    <section class="alert problem warnings" aria-label={words.warnings.label}>
      <ul>
        {warnings.map((each) => (
          <li>
            {words.warnings[each]}{" "}
            <a href={`${ADMIN}/${PLACES[each]}`}>{words.tabs[PLACES[each]]}</a>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** An account, by the beginning of its id. */
export const accountLink = (id: string) => (
  <a href={`${ADMIN}/users/${id}`}>
    <code>{id.slice(0, 8)}</code>
  </a>
);

interface EventsProps extends Scanned<OperatorsEntry> {
  /** Whose they all are; then no column says so. */
  readonly userId?: string;
}

export function Events({ items, next, userId }: EventsProps) {
  const { columns, done, refused, unknown, noUser, times } = words.events;
  if (items.length === 0) {
    const { empty, emptyText, more } = words.events;
    return <Empty title={empty} text={next === null ? emptyText : more} />;
  }
  const owner = (entry: OperatorsEntry) =>
    entry.userId === null ? noUser : accountLink(entry.userId);
  return (
    <Table
      class="dense"
      rows={items}
      columns={[
        [
          columns.what,
          ({ what, count }) => (
            <>
              <code>{what}</code> {count > 1 && times(count)}
            </>
          ),
        ],
        [
          columns.outcome,
          ({ outcome }) =>
            outcome === "done" ? (
              <Pill tone="good">{done}</Pill>
            ) : (
              <Pill tone="bad">{refused}</Pill>
            ),
        ],
        ...(userId === undefined ? ([[columns.user, owner]] as const) : []),
        [columns.actor, actorOf],
        [columns.address, ({ address }) => address ?? unknown],
        [columns.when, ({ createdAtMs }) => <Time ms={createdAtMs} />],
      ]}
    />
  );
}

function actorOf({ actorId, userId, isByOperator }: OperatorsEntry): Child {
  const { operator, themselves, unknown } = words.events;
  if (isByOperator) {
    return (
      <>
        <Pill tone="plain">{operator}</Pill> {actorId !== null && accountLink(actorId)}
      </>
    );
  }
  if (actorId === null) return unknown;
  return actorId === userId ? themselves : accountLink(actorId);
}

interface NextPageProps {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly next: string | null;
  readonly after: string | null;
}

/** A list that is read in steps only goes on, or begins again. */
export function NextPage({ path, query = {}, next, after }: NextPageProps) {
  if (next === null && after === null) return null;
  const given = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ""));
  const first = given.size === 0 ? path : `${path}?${given}`;
  const cursor = keyCursorText(next);
  if (cursor !== null) given.set("cursor", cursor);
  return (
    <nav class="pages" aria-label={words.older}>
      {after !== null && (
        <a class="button quiet" href={first}>
          {words.first}
        </a>
      )}
      {cursor !== null && (
        <a class="button quiet" rel="next" href={`${path}?${given}`}>
          {words.older}
        </a>
      )}
    </nav>
  );
}
