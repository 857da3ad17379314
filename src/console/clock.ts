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
