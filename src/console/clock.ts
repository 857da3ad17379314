import { currentRecord } from "../http/request-record.ts";
import { time as words } from "./words.ts";

/** How a page shows times, in the time zone of its reader. */
export interface Clock {
  /** "Nov 30, 2026, 5:34 PM", with the zone where it is not the reader's own. */
  short(ms: number): string;
  /** To the second, with the day of the week and the zone. */
  exact(ms: number): string;
}

/** A new formatter costs as much as a small page. */
const clocks = new Map<string, Clock>();
const MAX_CLOCKS = 100;

/** Of the request that is being served: in the zone that its browser said, or in UTC. */
export function currentClock(): Clock {
  const zone = currentRecord()?.timeZone ?? "";
  const known = clocks.get(zone);
  if (known !== undefined) return known;
  if (clocks.size >= MAX_CLOCKS) clocks.clear();
  const clock = newClock(zone);
  clocks.set(zone, clock);
  return clock;
}

/** @param zone any text at all: where it names no zone, times are in UTC */
function newClock(zone: string): Clock {
  try {
    const of = (options: Intl.DateTimeFormatOptions) => {
      const format = new Intl.DateTimeFormat(words.locale, { timeZone: zone || "UTC", ...options });
      // ICU's narrow no-break space is a box in some fonts.
      return (ms: number) => format.format(ms).replaceAll("\u202f", " ");
    };
    const short = of({ dateStyle: "medium", timeStyle: "short" });
    const exact = of({ dateStyle: "full", timeStyle: "long" });
    return { short: zone === "" ? (ms) => `${short(ms)} UTC` : short, exact };
  } catch {
    return newClock("");
  }
}

const DAY_MS = 86_400_000;

/** The zone of its reader, as the browser named it; "UTC" where it named none, or one that does not exist. */
export function currentZone(): string {
  const zone = currentRecord()?.timeZone || "UTC";
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone;
  } catch {
    return "UTC";
  }
}

/** The reader's day at that instant, like `2026-01-31`. */
export const dayAt = (ms: number): string => new Date(ms + offsetMs(ms)).toISOString().slice(0, 10);

/** When a day like `2026-01-31` begins where the reader is, so many days later; null for what is no such day. */
export function startOfDay(day: string, daysLater = 0): number | null {
  const dayMs = Date.parse(`${day}T00:00:00Z`);
  // A UUIDv7 has no time before 1970, and no year of five digits; February 31 is no day.
  if (!(dayMs >= DAY_MS) || new Date(dayMs).toISOString().slice(0, 10) !== day) return null;
  const wantedMs = dayMs + daysLater * DAY_MS;
  // Clocks may change at midnight: the offsets of the days before and after have both to be tried. Where there is
  // no midnight, the day begins when they change.
  const [before, after] = [-DAY_MS, DAY_MS].map((away) => wantedMs - offsetMs(wantedMs + away)) as [
    number,
    number,
  ];
  const isMidnight = (ms: number) => ms + offsetMs(ms) === wantedMs;
  return isMidnight(before) || !isMidnight(after) ? before : after;
}

/** How far the reader's zone is before UTC at that instant. */
function offsetMs(atMs: number): number {
  const format = new Intl.DateTimeFormat("en", {
    timeZone: currentZone(),
    timeZoneName: "longOffset",
  });
  const name = format.formatToParts(atMs).find(({ type }) => type === "timeZoneName")?.value;
  const [, sign, hours, minutes] = /^GMT([+-])(\d\d):(\d\d)/.exec(name ?? "") ?? [];
  const ms = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
  return sign === "-" ? -ms : ms;
}
