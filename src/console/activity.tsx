import type { AuditDays, AuditEntry, EventStore } from "../core/events.ts";
import { cursorText, readPage } from "../http/query.ts";
import type { Route } from "../http/surface.ts";
import { ActivityChart } from "./activity-chart.tsx";
import { sentenceOf, toneOf } from "./events.ts";
import type { PageRoutes, AuthedPageContext } from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import { Pagination, Time } from "./components.tsx";

interface Deps {
  readonly audit: EventStore;
}

const DAYS = 30;

/** What was done with the account: the days at a glance, and each event in words. */
export function activityPages({ page }: PageRoutes, { audit }: Deps): readonly Route[] {
  async function show({ request, caller, nowMs }: AuthedPageContext): Promise<Page> {
    const listPage = readPage(request);
    // Older pages go without the chart, which is always of the last days.
    const [{ items, next }, perDay] = await Promise.all([
      audit.list(caller.userId, listPage),
      listPage.after === null ? audit.perDay(caller.userId, DAYS, nowMs) : null,
    ]);
    return {
      title: "Activity",
      body: (
        <>
          <h1>Activity</h1>
          {perDay !== null && <Days perDay={perDay} />}
          <Events entries={items} userId={caller.userId} />
          <Pagination path="/console/activity" cursor={cursorText(next)} />
        </>
      ),
    };
  }

  return [page("/console/activity", show)];
}

function Days({ perDay: { days, isAll } }: { readonly perDay: AuditDays }) {
  return (
    <section class="card">
      <h2>The last {DAYS} days</h2>
      <ActivityChart days={days} />
      {!isAll && (
        <p class="hint">There was more than is counted here: the oldest days have too few.</p>
      )}
    </section>
  );
}

interface EventsProps {
  readonly entries: readonly AuditEntry[];
  readonly userId: string;
}

function Events({ entries, userId }: EventsProps) {
  if (entries.length === 0) return <p class="card empty">Nothing was done yet.</p>;
  return (
    <table class="dense">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Outcome</th>
          <th scope="col">When</th>
          <th scope="col">From</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <tr>
            <th scope="row">{sentenceOf(entry, userId)}</th>
            <td data-label="Outcome">
              <span class={`badge ${toneOf(entry, userId)}`}>{entry.outcome}</span>
            </td>
            <td data-label="When">
              <Time ms={entry.createdAtMs} />
            </td>
            <td data-label="From">{entry.address ?? "not kept"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
