export type Table = "user" | "pair" | "session" | "device" | "network" | "event";

interface Rows {
  /** A log-in from a device and a network that are new to the account, beside its notice. */
  readonly new: number;
  /** From those that it knows: for a JWT pair, and for a session. */
  readonly pair: number;
  readonly session: number;
  /** All checks and the refresh of a visit. */
  readonly used: number;
  /** A session's refresh. */
  readonly extended: number;
}

/** Rows written, by D1's `meta.rows_written`. A number that changes is a decision, and is changed here. */
export const ROWS_A_VISIT: Readonly<Record<"before" | "after", Rows>> = {
  before: { new: 11, pair: 9, session: 7, used: 0, extended: 2 },
  after: { new: 9, pair: 6, session: 6, used: 0, extended: 2 },
};

/** A row with its entries in all indexes, by D1's `meta.size_after`. */
export const BYTES: Readonly<Record<"before" | "after", Readonly<Record<Table, number>>>> = {
  before: { user: 410, pair: 618, session: 597, device: 180, network: 106, event: 268 },
  after: { user: 312, pair: 237, session: 251, device: 112, network: 0, event: 114 },
};

const MILLION = 1_000_000;
const DAY_HOURS = 24;

/** Ten million users who log in once a day, from 1.5 devices and networks, and all of whose other acts are an event in the time that one is kept. */
export const AT_TEN_MILLION: readonly {
  readonly what: string;
  readonly of: Table;
  readonly rows: number;
  /** With rows of log-ins for two days past their expiry, and an event for each log-in. */
  readonly before: number;
}[] = [
  { what: "users", of: "user", rows: 10 * MILLION, before: 10 * MILLION },
  {
    what: "log-ins of a day, and an hour",
    of: "pair",
    rows: 10 * MILLION * ((DAY_HOURS + 1) / DAY_HOURS),
    before: 10 * MILLION * 3,
  },
  { what: "devices", of: "device", rows: 15 * MILLION, before: 15 * MILLION },
  {
    what: "networks, apart from their devices",
    of: "network",
    rows: 15 * MILLION,
    before: 15 * MILLION,
  },
  { what: "events of 90 days", of: "event", rows: 10 * MILLION, before: 910 * MILLION },
];
