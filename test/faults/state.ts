import { INSTANT_MS, type Stored, type World } from "./world.ts";

/** Both stores in a form in which two runs of one request are equal. */
export interface State {
  /** All that D1 decides by: one line a row. */
  readonly truth: readonly string[];
  /** Keys of the marks that KV has, and of those that it is owed. */
  readonly marks: readonly string[];
  readonly owed: readonly string[];
  /** What may be missing or old: KV's copies, and when a token was last used. */
  readonly copies: readonly string[];
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** The mark that a copy is outdated; one too many only makes the next check ask D1. */
const OUTDATED = /^revoked:\S+:(?:now|narrowed)/;
const USE = "use of";
const TRUTH = [
  "users",
  "tokens",
  "token_meters",
  "token_charges",
  "receipts",
  "contacts",
  "mails",
  "second_factors",
  "recovery_codes",
  "passkeys",
  "used_challenges",
];

/** New ids become numbers in their order, times their distance in whole instants, hints nothing. */
export function states(world: World): (stored: Stored) => State {
  const known = new Set(JSON.stringify([world.stored.tables, [...world.stored.kv]]).match(UUID));
  return (stored) => stateOf(known, world.nowMs, stored);
}

function stateOf(known: ReadonlySet<string>, nowMs: number, { tables, kv }: Stored): State {
  const numbers = new Map<string, number>();
  const numbered = (id: string) => {
    if (known.has(id)) return id;
    const number = numbers.get(id) ?? numbers.size + 1;
    numbers.set(id, number);
    return `#${number}`;
  };
  const timed = (text: string) =>
    text
      .replaceAll(/\b1\d{12}\b/g, (time) => {
        const instants = Math.floor((Number(time) - nowMs) / INSTANT_MS);
        return `now${instants < 0 ? "" : "+"}${(instants * INSTANT_MS) / 1000}s`;
      })
      .replaceAll(/…\w{4}/g, "…");
  // Sorted without their new ids, which come by chance.
  const lines = (texts: readonly string[]) =>
    texts
      .map((text) => [timed(text).replaceAll(UUID, (id) => (known.has(id) ? id : "#")), text])
      .toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1))
      .map(([, text = ""]) => timed(text).replaceAll(UUID, numbered));

  const tokens = tables.tokens ?? [];
  const rows = TRUTH.flatMap((table) =>
    // The place in the status lists is taken in the order of the logins; secrets are random.
    (tables[table] ?? []).map(
      ({ used_at: _, status_index: __, secret: ___, digest: ____, ...row }) =>
        `${table} ${JSON.stringify(row)}`,
    ),
  );
  const uses = tokens
    .filter(({ used_at }) => used_at !== null)
    .map(({ id }) => `${USE} ${String(id)}`);
  const isMark = (key: string) => key.startsWith("revoked:");
  return {
    truth: lines(rows),
    marks: lines([...kv.keys()].filter(isMark)),
    owed: lines((tables.pending_revocations ?? []).map(({ key }) => String(key))),
    copies: lines([
      ...uses,
      ...[...kv].filter(([key]) => !isMark(key)).map(([key, value]) => `${key} ${sorted(value)}`),
    ]),
  };
}

export type Verdict = "unchanged" | "before" | "after" | "HALF DONE";

/** Which of the two it is: all of it or none, a mark that is owed counting as made. */
export function judge(now: State, before: State, after: State): Verdict {
  const isBefore = isSame(now, before) && madeUp(now, before, after).length === 0;
  const isAfter = isSame(now, after) && madeUp(now, before, after).length === 0;
  if (isBefore && isAfter) return "unchanged";
  if (isBefore && !knowsOf(now, before, after)) return "before";
  return isAfter ? "after" : "HALF DONE";
}

export function isSame(one: State, other: State): boolean {
  return equal(one.truth, other.truth) && equal(promised(one), promised(other));
}

/** The same but for marks that copies are outdated. */
export function isAlike(one: State, other: State): boolean {
  const rest = (state: State) => promised(state).filter((mark) => !OUTDATED.test(mark));
  return equal(one.truth, other.truth) && equal(rest(one), rest(other));
}

/** Copies of what neither state has. */
export function madeUp(now: State, ...allowed: readonly State[]): string[] {
  const known = new Set(allowed.flatMap(({ copies }) => copies));
  return now.copies.filter((line) => !known.has(line) && !line.startsWith(USE));
}

/** What is not yet as it will be, for the table. */
export function remarks(now: State, reached: State): string {
  const found = [
    now.owed.length > 0 && "mark owed",
    reached.copies.some((line) => !now.copies.includes(line)) && "copy missing",
    now.copies.some((line) => !reached.copies.includes(line)) && "copy left",
  ];
  return found.filter((each) => each !== false).join(", ");
}

/** The lines that differ, for a failing test. */
export function difference(now: State, wanted: State): string[] {
  const a = [...now.truth, ...promised(now)];
  const b = [...wanted.truth, ...promised(wanted)];
  return [
    ...a.filter((line) => !b.includes(line)).map((line) => `+ ${line}`),
    ...b.filter((line) => !a.includes(line)).map((line) => `- ${line}`),
  ];
}

/** A copy of what was never made: worse than none. */
function knowsOf(now: State, before: State, after: State): boolean {
  return now.copies.some(
    (line) => !line.startsWith(USE) && after.copies.includes(line) && !before.copies.includes(line),
  );
}

/** The same record may come from KV or from D1, with its members in another order. */
function sorted(record: string): string {
  const members = Object.entries(Object(JSON.parse(record)));
  return JSON.stringify(Object.fromEntries(members.toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

const promised = ({ marks, owed }: State) => [...new Set([...marks, ...owed])].toSorted();
const equal = (a: readonly string[], b: readonly string[]) => a.join("\n") === b.join("\n");
