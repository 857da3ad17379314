import type { Capacity, Kept, Visited } from "./capacity.ts";

/** What one database is planned for: D1 answers about 1,000 queries of 1 ms a second,. */
const QUERIES_PER_SECOND = 700;
/** Ten million users, each of whom comes once a day. */
const USERS = 10_000_000;
const DAY_SECONDS = 86_400;
const PER_SECOND = USERS / DAY_SECONDS;

/** What the table shows of a run. */
interface Shown extends Pick<Capacity, "visits" | "swept"> {
  readonly kept: Pick<Kept, "userBytes" | "visitBytes">;
}

/** `results/capacity.json`: what the code carries, and what it carried before it was made for this. */
export interface RecordedCapacity {
  readonly before: Shown;
  readonly after: Capacity;
}

const number = (value: number, digits = 0) =>
  value.toLocaleString("en-US", { maximumFractionDigits: digits });

/** What is said of each measurement, in the order of the table. */
function lines(found: Shown): readonly (readonly [string, string])[] {
  const of = ({ lagSeconds, readReplicas, visit }: Visited) => {
    const at = `lag ${lagSeconds}${readReplicas ? ", replicas" : ""}`;
    return [
      [`a visit at ${at}: queries at the primary`, number(visit.queries, 1)],
      [`… at replicas`, number(visit.near, 1)],
      [`… rows read`, number(visit.rowsRead)],
      [`… rows written`, number(visit.rowsWritten, 1)],
      [`… KV reads, writes`, `${number(visit.kvReads, 1)}, ${number(visit.kvWrites, 1)}`],
      [
        `ten million visits a day at ${at}: queries a second at the primary`,
        number(PER_SECOND * visit.queries),
      ],
      [
        `… rows read, written a second`,
        `${number(PER_SECOND * visit.rowsRead)}, ${number(PER_SECOND * visit.rowsWritten)}`,
      ],
      [
        `**visits a second at ${number(QUERIES_PER_SECOND)} queries a second**`,
        number(QUERIES_PER_SECOND / visit.queries),
      ],
    ] as const;
  };
  const { visitBytes, userBytes } = found.kept;
  const left = (afterMs: number) =>
    visitBytes.find((each) => each.afterMs >= afterMs)?.bytes ?? Number.NaN;
  const { swept } = found;
  return [
    ...found.visits.flatMap(of),
    ["bytes that a visit adds, of somebody who has not come for three months", number(left(0))],
    ["… left after a day", number(left(DAY_SECONDS * 1000))],
    ["… left after a month", number(left(31 * DAY_SECONDS * 1000))],
    ["bytes of a user", number(userBytes)],
    [
      `${number(swept.expiredPerSecond)} rows expire a second: deleted a second`,
      number(swept.deletedPerSecond),
    ],
    ["… rows read for one", number(swept.rowsReadPerRow, 1)],
    [
      "… the primary's time, mean and most of a minute",
      `${number(swept.busyMsPerMinute.mean / 600, 1)} %, ${number(swept.busyMsPerMinute.max / 600, 1)} %`,
    ],
    ["… the oldest that is left is late by", `${number(swept.lagSeconds)} s`],
  ];
}

export const CAPACITY_HEAD = ["what", "before", "after"];

export function capacityRows({ before, after }: RecordedCapacity): string[][] {
  const old = lines(before);
  return lines(after).map(([what, now], index) => [what, old[index]?.[1] ?? "", now]);
}

/** What the code must do, of ten million visits a day and 1,000 rows that expire a second. @returns what it does not */
export function missed(found: Capacity): string[] {
  const { swept, visits, kept } = found;
  const rules: readonly (readonly [boolean, string])[] = [
    [visits.some(({ visit }) => visit.rowsWritten > 8.05), "a visit writes more than 8 rows"],
    [
      (visits[0]?.visit.rowsRead ?? 0) > 1.1 * kept.rowsRead,
      "a visit reads more rows in a larger database",
    ],
    [swept.lagSeconds > 0, "housekeeping does not keep up"],
    [
      swept.busyMsPerMinute.max > 6_000,
      "housekeeping takes more than a tenth of the primary's time",
    ],
  ];
  return rules.filter(([isMissed]) => isMissed).map(([, text]) => text);
}
