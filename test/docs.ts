import { readFileSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { SETTINGS } from "../src/config.ts";
import { AUDIT_EVENTS, EVENT_KINDS } from "../src/core/events.ts";
import { API_PAGE, apiPage } from "./adopter/api-page.ts";
import type { Recorded } from "./bench/report.ts";
import { spread } from "./bench/report.ts";
import { outcome } from "./bench/figures.ts";
import { CAPACITY_HEAD, capacityRows, type RecordedCapacity } from "./bench/capacity-report.ts";
import { type RecordedTrace, TRACE_HEAD, traceRows } from "./bench/trace.ts";
import { budgetRows, dollars, PRICES, workOf } from "./budget/costs.ts";
import { AT_TEN_MILLION, BYTES, ROWS_A_VISIT } from "./budget/visits.ts";
import { latencyRows, ROUND_TRIPS } from "./budget/latency.ts";

/** The pages of docs/ that repeat a table of the code: `npm run docs` writes them, a test compares them. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  "docs/reference/settings.md": settings,
  "docs/reference/events.md": events,
  "docs/reference/costs.md": costs,
  "docs/reference/latency.md": latency,
  "docs/benchmarks.md": benchmarks,
  "docs/operations/capacity.md": capacity,
};

const EVENT_MEMBERS = [
  "id",
  "type",
  "at",
  "user_id",
  "actor",
  "subject",
  "credential",
  "outcome",
  "data",
];

const read = (path: string) => readFileSync(path, "utf8");

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

/** By what follows it, the text of each comment in the source directly before it. */
function comments(source: string, before: RegExp): ReadonlyMap<string, string> {
  const found = source.matchAll(
    new RegExp(`/\\*\\*((?:(?!\\*/)[^])+)\\*/\\s+${before.source}`, "g"),
  );
  return new Map(
    [...found].map(([, text = "", name = ""]) => [name, text.replaceAll(/\s+\*?\s*/g, " ").trim()]),
  );
}

function described(of: ReadonlyMap<string, string>, name: string): string {
  const text = of.get(name);
  if (text === undefined) throw new Error(`${name} has no comment where it is declared`);
  return text;
}

function settings(): string {
  const texts = comments(read("src/config.ts"), /([A-Z][A-Z0-9_]+):/);
  const rows = Object.entries(SETTINGS)
    // A binding, which wrangler puts among them.
    .filter(([name]) => name !== "VERSION_METADATA")
    .map(([name, schema]) => {
      const standard = schema.type === "optional" ? v.getDefault(schema) : undefined;
      const shown = standard === undefined ? "none: required" : standard && `\`${standard}\``;
      return [`\`${name}\``, String(shown || "empty"), described(texts, name)];
    });
  const limits = [
    ...read("wrangler.toml").matchAll(
      /^# (.+)\n\[\[ratelimits\]\]\nname = "(\w+)"\n.*\n.*limit = (\d+)/gm,
    ),
  ].map(([, text = "", name, limit]) => [`\`${name}\``, String(Number(limit)), text]);
  return `# Settings

<!-- Generated from src/config.ts and wrangler.toml by npm run docs. -->

Set them under \`[vars]\` in \`wrangler.toml\`. A wrong setting stops the start, and the error lists all that are wrong.

${table(["name", "default", "meaning"], rows)}

## Rate limits

Bindings under \`[[ratelimits]]\` in \`wrangler.toml\`. \`limit\` is requests per minute and may be changed; \`period\` must stay 60. Each
\`namespace_id\` must be unique in the Cloudflare account. Without a binding there is no such limit.

${table(["name", "limit", "counts"], limits)}
`;
}

function events(): string {
  const texts = comments(read("src/core/events.ts"), /"([\w.]+)": \[/);
  const rows = AUDIT_EVENTS.map((name) => {
    const [number, retention] = EVENT_KINDS[name];
    return [`\`${name}\``, String(number), retention, described(texts, name)] as const;
  });
  const members = comments(read("src/core/deliveries.ts"), /readonly (\w+)\??:/);
  return `# Events

<!-- Generated from src/core/events.ts by npm run docs. -->

Every change is one event, written in the batch of the change, so neither exists without the other. Failures to authenticate are
events too, written after the answer. Reading writes nothing, except that
an operator looked at an account.

What repeats is an event only where there is a [receiver](../guides/events.md): a log-in with the same way in from a device and one
of its last twenty networks, a longer session, a rotated refresh JWT, a JWT obtained with a log-in. Without one, the account's devices
(\`GET /rest/user/logins\`, *Security* in the console) say when each last logged in.

\`GET /rest/audit\` returns the caller's, newest first; the console shows them under *Activity*:

\`\`\`http
{"uuid":"0198f3c1-…","when":"2026-11-22T06:40:12.345Z","what":"token.created","outcome":"done","actor_uuid":"…",
 "address":"203.0.113.0/24","token_uuid":"…","subject_uuid":"…","request_id":"8f1e2d3c4b5a6978-VIE"}
\`\`\`

- \`token_uuid\` is the credential that was presented (a token's id, a JWT's \`jti\`; null for a password), \`subject_uuid\` what was created,
  changed or revoked, \`actor_uuid\` who did it (null if unknown), \`outcome\` \`done\` or \`refused\`.
- A failure is in the list of the user whom its email or token names. A revoked credential counts once in ten minutes, and one that
  merely expired never. What names no user is counted per network, in at most one row per ten minutes.
- Someone who runs another user's action token is in both lists; the issuer learns who it was, and not from where.

\`security\` is kept for \`EVENT_DAYS\` and has a \`request_id\`, \`routine\` for \`ROUTINE_EVENT_DAYS\`, as are the kinds that actions
name. Whatever was refused, what operators did, and a log-in from a device that is new to the account, is kept as \`security\`.

${table(["kind", "number", "kept as", "what happened"], rows)}

## As receivers get them

\`on\` of \`createLatchkey\` and [the webhook](../guides/events.md) get each event as:

${table(
  ["member", "what it is"],
  EVENT_MEMBERS.map((name) => [`\`${name}\``, described(members, name)]),
)}

\`type\` is one of the kinds above, or one that an action names.

## By SQL

Operators read events by SQL, with the numbers above as \`kind\`; \`npm run users -- audit\` has the words. Failures that name no user are
under the nil UUID, with their \`count\`:

\`\`\`sh
npx wrangler d1 execute latchkey --remote --command \\
  "SELECT * FROM events WHERE user_id = x'00000000000000000000000000000000' ORDER BY id DESC LIMIT 50"
\`\`\`
`;
}

function costs(): string {
  // What costs the same shares a row.
  const rows = new Map<string, Map<string, string[]>>();
  for (const { request, cell } of budgetRows()) {
    const [, route = "", variant = ""] = /^(\S+ \S+) \((.+)\)$/.exec(request) ?? [];
    // With and without the last slash it is one route.
    if (/^POST \/api\/token(?:\/\w+)?$/.test(route)) continue;
    const price = dollars(workOf(cell("0")), 0).toFixed(1);
    const variants = rows.get(price) ?? new Map<string, string[]>();
    variants.set(route, [...(variants.get(route) ?? []), variant]);
    rows.set(price, variants);
  }
  const lines = [...rows]
    .toSorted(([one], [other]) => Number(one) - Number(other))
    .map(([price, variants]) => [
      price,
      [...variants]
        .map(([route, callers]) =>
          `${route} (${callers.join(", ")})`.replace(/ \((?:anybody|API token)\)$/, ""),
        )
        .join("; "),
    ]);
  return `# Costs

<!-- Generated from test/budget/budget.ts by npm run docs. -->

The dollars for a million requests at a revocation lag of 0, from the storage calls that \`test/budget/budget.ts\` asserts, and without
processor time ($${PRICES.cpuMs} for a million ms; a password hash takes 60 to 80). Cloudflare's prices per million, November 2026: requests
$${PRICES.request.toFixed(2)}, KV reads $${PRICES.kvRead.toFixed(2)}, KV writes and deletions $${PRICES.kvWrite.toFixed(2)}, D1 rows read $${PRICES.rowRead}, rows written $${PRICES.rowWritten.toFixed(2)}. A log-in is
from a network that the account does not know, and the caller has an API token unless the table says otherwise.

${table(["$", "requests"], lines)}

${visits()}`;
}

function visits(): string {
  const { before, after } = ROWS_A_VISIT;
  const thousand = (rows: number) => (rows * 1_000).toLocaleString("en-US");
  const row = (visit: string, rowsOf: (rows: typeof after) => number, bytes: readonly number[]) => [
    visit,
    thousand(rowsOf(before)),
    thousand(rowsOf(after)),
    ...bytes.map((each) => `${Math.round(each)} KB`),
  ];
  const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(1);
  const sizes = AT_TEN_MILLION.map(({ what, of, rows, before: rowsBefore }) => ({
    what,
    rows,
    bytes: BYTES.after[of],
    size: rows * BYTES.after[of],
    sizeBefore: rowsBefore * BYTES.before[of],
  }));
  const sum = (of: "size" | "sizeBefore") => sizes.reduce((total, each) => total + each[of], 0);
  const size = sum("size") / 1e9;
  const verdict =
    size > 7
      ? ` **So this is too much for one database**: it carries ${Math.floor((7 / size) * 10)} million such users.`
      : "";
  return `## Rows and bytes of a visit

A visit is a log-in, twelve checks and a refresh. Of 1,000, by D1's \`meta.rows_written\` and \`meta.size_after\` in
\`test/budget/visits.test.ts\`; *before* is what it measured, on fewer rows, when each log-in left an event, had a counter of status lists
and one index more:

${table(
  ["1,000 visits", "rows before", "rows", "bytes before", "bytes"],
  [
    row("with a JWT pair", ({ pair, used }) => pair + used, [
      BYTES.before.pair + BYTES.before.event,
      BYTES.after.pair,
    ]),
    row(
      "with a session, extended once",
      ({ session, used, extended }) => session + used + extended,
      [BYTES.before.session + 2 * BYTES.before.event, BYTES.after.session],
    ),
    row("the first from a new device and network", (rows) => rows.new + rows.used, [
      BYTES.before.pair + BYTES.before.event + BYTES.before.device + BYTES.before.network,
      BYTES.after.pair + BYTES.after.event + BYTES.after.device + BYTES.after.network,
    ]),
  ],
)}

A visit's rows: the log-in and its entry in two indexes, the device's, and the counter of attempts, twice: before the password is
hashed, and after, where its row goes. A session has one for housekeeping in place of the status lists'. Checks and refreshes write none.

Ten million users with ten million visits a day, all for pairs, by the bytes of a row with its entries in all indexes, as random ids
leave them. A network that an account knows stands in the row of its device:

${table(
  ["what", "rows", "bytes a row", "GB", "GB before"],
  [
    ...sizes.map(({ what, rows, bytes, size, sizeBefore }) => [
      what,
      `${(rows / 1e6).toFixed(1)} million`,
      String(bytes),
      gigabytes(size),
      gigabytes(sizeBefore),
    ]),
    ["all", "", "", gigabytes(sum("size")), gigabytes(sum("sizeBefore"))],
  ],
)}

D1 holds 10 GB; plan for 7.${verdict}
`;
}

function latency(): string {
  return `# Latency

<!-- Generated from test/budget/trips.ts by npm run docs. -->

How long a user waits for storage, with the database in Amsterdam. A trip is a call to a store that the answer waits for; calls that
do not need each other travel together, and \`test/budget/trips.ts\` asserts the trips of every route. Milliseconds are trips to the
database times the round trip, of which 95 of 100 were at most so long ${ROUND_TRIPS.measured}
([Microsoft's table](https://learn.microsoft.com/azure/networking/azure-network-latency), its column West Europe).

${table(
  ["request", "revocation lag", "trips to D1", "to KV", ...Object.keys(ROUND_TRIPS.ms)],
  latencyRows(JSON.parse(read("test/bench/results/better-auth-trips.json"))),
)}

- Not in it: the way to the nearest location, the processor time, and KV, which takes about a millisecond where the key was read
  lately, and otherwise as long as a trip.
- With [replicas](../operations/revocation-lag.md), the check of a session, JWT or API token is one trip to the nearest replica.
- better-auth has its tables in a D1 at the same place, as in the [benchmark](../benchmarks.md), and the cache of its cookies off.
  Its sign-up also logs in. Checking its JWTs asks only for the keys: they cannot be revoked.
`;
}

function benchmarks(): string {
  const found: Recorded = JSON.parse(read("test/bench/results/results.json"));
  const memory: readonly (readonly number[])[] = JSON.parse(read("test/bench/results/memory.json"));
  const growth = found.bounds.filter(({ of }) => of === "the same with few");
  const missed = found.bounds.filter((bound) => outcome(bound) === "MISSED");
  const met = (bounds: Recorded["bounds"]) =>
    `${bounds.filter((bound) => outcome(bound) !== "MISSED").length} of ${bounds.length}`;
  return `# Benchmarks

<!-- Generated from test/bench/results/results.json by npm run docs. -->

From one run on ${found.date} on a machine with ${found.machine}. \`npm run bench\` measures anew (Linux only, some ten minutes on an
idle machine).

It runs the production bundle in workerd, next to a bare Worker, Hono's hello, Workers that do only the storage calls, and better-auth
over D1. Each is a process of its own, so the kernel says what processor time each took, including its simulated KV and D1. Figures are
medians of the rounds.

${table(
  ["request", "multiple of hello", "µs"],
  found.requests.map(({ title, toHello, cpuUs }) => [title, spread(toHello), String(cpuUs)]),
)}

${met(found.bounds)} bounds were met. Missed were:

${table(
  ["what", "measured", "at most"],
  missed.map(({ title, measured, limit, of }) => [title, spread(measured), `${limit} ${of}`]),
)}

${found.notes.map((note) => `- ${note}`).join("\n")}

## Latency under load

With 100,000 tokens of one user instead of 10, or 1,000,000 users instead of 100, a check, a page of a list, and revoking one or all
tokens may cost at most 1.25 times as much: ${met(growth)} met.

${table(
  ["what", "multiple"],
  growth.map(({ title, measured }) => [title, spread(measured)]),
)}

Two million requests with 200,000 different tokens at the longest lag (\`npm run bench -- --memory\`):

${table(
  ["requests", "MiB of the process"],
  memory.map((row) => row.map((cell) => cell.toLocaleString("en-US"))),
)}

${tracing()}

## What the figures are not

- Requests leave no log line, except for the row that says so. Rate limits are not bound.
- KV and D1 are simulations, so rows with storage compare how many calls are made. [Costs](reference/costs.md) has what they cost.
`;
}

function tracing(): string {
  const found: RecordedTrace = JSON.parse(read("test/bench/results/trace.json"));
  const { tokens, isolates, locations, isolateSeconds, perSecond, revokedPerSecond } = found.trace;
  const revocations = Math.min(...found.rows.map((row) => row.revocations));
  return `## Who answers checks

\`npm run bench -- --trace\` runs the real checks, caches and revocations over simulated stores, clocks and time: ${perSecond.toLocaleString("en-US")} checks a
second (ten million visits a day, twelve checks each) of ${tokens.toLocaleString("en-US")} tokens by Zipf's law, in ${isolates} isolates that live ${isolateSeconds / 60} minutes on average, in
${locations} locations. Clocks differ by up to two seconds, KV takes up to 60 s, and replicas are mostly within a second, at times late, stalled or
gone. ${revokedPerSecond === 1 ? "A token a second is" : `${revokedPerSecond} tokens a second are`} revoked (at least ${revocations} at each lag) and then shown again ten times a second, above all to isolates that still
took it. The right half is how long after the revocation's answer it was last accepted.

${table(TRACE_HEAD, traceRows(found))}

A test runs a smaller one and fails where the bound, or what the caches spare, does not hold. JWTs that live no longer than the lag,
as a pair's five minutes at 300, ask nobody and are not among these.`;
}

function capacity(): string {
  const found: RecordedCapacity = JSON.parse(read("test/bench/results/capacity.json"));
  const { date, machine, bytes, users, visits, kept, swept } = found.after;
  const [rowsRead, fewRowsRead] = [visits[0]?.visit.rowsRead ?? 0, kept.rowsRead].map((rows) =>
    rows.toFixed(1),
  );
  return `# Capacity

<!-- Generated from test/bench/results/capacity.json by npm run docs. -->

What one D1 database carries. \`npm run capacity\` fills one with ${(bytes / 1e9).toFixed(1)} GB of what the service wrote itself (Linux only; some ten minutes),
visits it, and runs housekeeping for ${swept.minutes} minutes in which ${swept.expiredPerSecond.toLocaleString("en-US")} log-ins a second expire. *Before* is the code before it was made for
ten million users, *after* the code of today.

A visit is a log-in for a JWT pair, twelve checks of its access JWT, and a refresh; each request meets one of ten isolates. Ten million a
day are 116 a second. A database is planned for 700 queries a second and holds 10 GB.

${table(CAPACITY_HEAD, capacityRows(found))}

A visit at a lag of 0 read ${rowsRead} rows among ${users.toLocaleString("en-US")} users, and ${fewRowsRead} among ${kept.users.toLocaleString("en-US")}: it costs the same.

From runs on ${date} on a machine with ${machine}, with workerd's D1 on disk. Queries, rows and bytes are counted, and are D1's too; the
primary's time is that machine's. What visits leave is measured in a small database, in which housekeeping runs at later and later times.
Users have logged in before; API tokens, actions and refused requests come on top ([costs](../reference/costs.md)).
`;
}

if (import.meta.main) {
  for (const [path, page] of Object.entries(GENERATED)) writeFileSync(path, page());
  writeFileSync(API_PAGE, apiPage());
}
