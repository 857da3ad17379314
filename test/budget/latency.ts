import { budgetRows, type Column } from "./costs.ts";
import { TRIPS } from "./trips.ts";

/**
 * Round trips to Amsterdam in milliseconds: 95 of 100 are at most so long. From "Azure network round-trip latency
 * statistics", the column West Europe: https://learn.microsoft.com/azure/networking/azure-network-latency
 */
export const ROUND_TRIPS = {
  measured: "in the 30 days to July 30, 2026",
  ms: {
    Frankfurt: 14,
    Virginia: 89,
    California: 151,
    Singapore: 181,
    "São Paulo": 191,
    Sydney: 282,
  },
} as const;

/** better-auth's trips, as `node test/bench/trips.ts` recorded them. */
export type BetterAuthTrips = Readonly<
  Record<"signUp" | "signIn" | "session" | "jwt" | "verified", number>
>;

interface Shown {
  readonly title: string;
  /** Its row of the budget. */
  readonly request: string;
  /** How many of its trips go to D1's primary, at the most; the others go to KV. */
  readonly far: Readonly<Partial<Record<Column, number>>>;
  /** What of better-auth does the same. */
  readonly other: keyof BetterAuthTrips | null;
}

const nearFrom60 = { "0": 1, "10 warm": 0, "60": 0, "300": 0 };
const always = (far: number) => ({ "0": far, "10 warm": far, "60": far, "300": far });

export const SHOWN: readonly Shown[] = [
  {
    title: "check a JWT",
    request: "POST /api/token/verify/ (access JWT)",
    far: nearFrom60,
    other: "verified",
  },
  {
    title: "check a session, and read the account",
    request: "GET /rest/user (session)",
    far: nearFrom60,
    other: "session",
  },
  {
    title: "check an API token, and read the account",
    request: "GET /rest/user (API token)",
    far: nearFrom60,
    other: null,
  },
  {
    title: "a new JWT: refresh",
    request: "POST /api/token/refresh/ (refresh)",
    far: always(1),
    other: "jwt",
  },
  {
    title: "log in with a password",
    request: "POST /api/token/ (login)",
    far: always(2),
    other: "signIn",
  },
  {
    title: "sign up",
    request: "POST /rest/user (anybody)",
    far: { "0": 1, "60": 1, "300": 1 },
    other: "signUp",
  },
  {
    title: "run an action token, as a user",
    request: "POST /api/run-action-token (caller)",
    far: { "0": 2, "60": 1, "300": 1 },
    other: null,
  },
];

const LAGS: readonly (readonly [Column, string])[] = [
  ["0", "0"],
  ["10 warm", "10, asked before"],
  ["60", "60"],
  ["300", "300"],
];

/** For each request and lag: the trips to the database and to KV, and the milliseconds from each place. */
export function latencyRows(betterAuth: BetterAuthTrips): string[][] {
  const rows = new Map(budgetRows(TRIPS).map((row) => [row.request, row]));
  const from = (far: number) => Object.values(ROUND_TRIPS.ms).map((ms) => String(far * ms));
  return SHOWN.flatMap(({ title, request, far: farAt, other }) => {
    const byTrips = new Map<string, string[]>();
    for (const [column, lag] of LAGS) {
      const far = farAt[column];
      if (far === undefined) continue;
      const trips = (rows.get(request)?.cell(column) ?? "").split(" or ").map(Number);
      const key = JSON.stringify([far, Math.max(...trips) - far]);
      byTrips.set(key, [...(byTrips.get(key) ?? []), lag]);
    }
    const own = [...byTrips].map(([key, lags]) => {
      const [far = 0, near = 0]: number[] = JSON.parse(key);
      return [title, lags.join("; "), String(far), String(near), ...from(far)];
    });
    if (other === null) return own;
    const far = betterAuth[other];
    return [...own, [title, "better-auth", String(far), "0", ...from(far)]];
  });
}
