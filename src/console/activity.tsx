import type { AuditDays, AuditEntry, EventStore } from "../core/events.ts";
import { cursorText, readPage } from "../http/paging.ts";
import type { Route } from "../http/surface.ts";
import { ActivityChart } from "./activity-chart.tsx";
import { sentenceOf, toneOf } from "./events.ts";
import type { Frame, OwnVisit } from "./frame.tsx";
import type { Page } from "./page.tsx";
import { Next, Time } from "./parts.tsx";

interface Deps {
  readonly audit: EventStore;
}

const DAYS = 30;

/** What was done with the account: the days at a glance, and each event in words. */
export function activityRoutes({ page }: Frame, { audit }: Deps): readonly Route[] {
  async function show({ request, caller, nowMs }: OwnVisit): Promise<Page> {
    const wanted = readPage(request);
    // Older pages go without the chart, which is always of the last days.
    const [{ items, next }, counted] = await Promise.all([
      audit.list(caller.userId, wanted),
      wanted.after === null ? audit.perDay(caller.userId, DAYS, nowMs) : null,
    ]);
    return {
      title: "Activity",
      body: (
        <>
          <h1>Activity</h1>
          {counted !== null && <Days counted={counted} />}
          <Events entries={items} userId={caller.userId} />
          <Next path="/console/activity" cursor={cursorText(next)} />
        </>
      ),
    };
  }

  return [page("/console/activity", show)];
}

function Days({ counted: { days, isAll } }: { readonly counted: AuditDays }) {
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
