import { readFileSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { SETTINGS } from "../src/config.ts";
import { AUDIT_EVENTS } from "../src/core/events.ts";
import type { Recorded } from "./bench/report.ts";
import { spread, verdictTable } from "./bench/report.ts";
import { outcome } from "./bench/figures.ts";
import { budgetRows, dollars, PRICES, workOf } from "./budget/costs.ts";

/** The pages of docs/ that repeat a table of the code: `npm run docs` writes them, a test compares them. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  "docs/reference/settings.md": settings,
  "docs/reference/events.md": events,
  "docs/reference/costs.md": costs,
  "docs/benchmarks.md": benchmarks,
};

const read = (path: string) => readFileSync(path, "utf8");

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

/** By what follows it, the text of each comment in the source that stands directly before. */
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

Set them under \`[vars]\` in \`wrangler.toml\`; \`JWT_KEYS\` and \`MAIL_WEBHOOK_SECRET\` are secrets. A wrong setting stops the
start, and the error lists all that are wrong.

${table(["name", "default", "meaning"], rows)}

## Bindings

\`KV\` (a KV namespace) and \`DB\` (a D1 database) are required. \`METRICS\`, an Analytics Engine dataset, is optional: with it each
request is also a data point.

## Rate limits

Bindings under \`[[ratelimits]]\` in \`wrangler.toml\`. \`limit\` is requests per minute and may be changed; \`period\` must stay 60, which is what
\`Retry-After\` says. Each \`namespace_id\` must be unique in the Cloudflare account. Without a binding there is no such limit.

${table(["name", "limit", "counts"], limits)}
`;
}

function events(): string {
  const texts = comments(read("src/core/events.ts"), /"([\w.]+)",/);
  const rows = AUDIT_EVENTS.map((name) => [`\`${name}\``, described(texts, name)]);
  return `# Events

<!-- Generated from src/core/events.ts by npm run docs. -->

Every change is one event: who, what, when, from where, with which credential, with what outcome, in which request. It is written in the
batch of the change, so neither exists without the other. Failures to authenticate are events too, written after the answer. Reading
writes nothing, and neither does a token that is only asked about (\`/api/token/verify/\`, \`/oauth/introspect\`).

\`GET /rest/audit\` returns the caller's, newest first; the console shows them under *Activity*:

\`\`\`http
GET /rest/audit?limit=1
{"success":true,"payload":[
 {"uuid":"0198f3c1-…","when":"2026-11-22T06:40:12.345Z","what":"token.created","outcome":"done","actor_uuid":"…",
  "address":"203.0.113.0/24","token_uuid":"…","subject_uuid":"…","request_id":"8f1e2d3c4b5a6978-VIE"}],"next_cursor":"…"}
\`\`\`

- \`token_uuid\` is the credential that was presented (a token's id, a JWT's \`jti\`; null for a password), \`subject_uuid\` what was created,
  changed or revoked, \`actor_uuid\` who did it (null if unknown), \`outcome\` \`done\` or \`refused\`.
- A failure is in the list of the user whom its email or token names. A revoked credential counts once in ten minutes, however often it is
  presented, and one that merely expired never. What names no user is counted per network, in at most one row per ten minutes.
- Someone who runs another user's action token is in both lists; the issuer learns who it was, and not from where.
- \`AUDIT_ADDRESS\` and \`AUDIT_DAYS\` set how much of an address is kept, and for how long ([settings](settings.md)).

${table(["kind", "what happened"], rows)}

Operators read events by SQL. Failures that name no user are under the nil UUID, with their \`count\`:

\`\`\`sh
npx wrangler d1 execute latchkey --remote --command \\
  "SELECT * FROM audit WHERE user_id = '00000000-0000-0000-0000-000000000000' ORDER BY id DESC LIMIT 50"
\`\`\`
`;
}

function costs(): string {
  // Variants of a request that cost the same share a row.
  const rows = new Map<string, { route: string; variants: string[]; cells: readonly string[] }>();
  for (const { request, cell } of budgetRows()) {
    const [, route = "", variant = ""] = /^(\S+ \S+) \((.+)\)$/.exec(request) ?? [];
    // With and without the last slash it is one route.
    if (/^POST \/api\/token(?:\/\w+)?$/.test(route)) continue;
    const cells = [cell("0"), `$${dollars(workOf(cell("0")), 0).toFixed(2)}`];
    const key = [route, ...cells].join();
    const row = rows.get(key) ?? { route, variants: [], cells };
    row.variants.push(variant);
    rows.set(key, row);
  }
  const lines = [...rows.values()].map(({ route, variants, cells }) => [
    `${route} (${variants.join("; ")})`,
    ...cells,
  ]);
  return `# Costs

<!-- Generated from test/budget/budget.ts by npm run docs. -->

What each request asks of KV and D1 at a revocation lag of 0, as the tests assert it; \`test/budget/budget.ts\` has other lags, at which a repeated
check mostly asks nothing. \`2g 1p 1d\` are KV reads, writes and deletions; \`3q 6r 2w\` are D1 queries, rows read and rows written; \`1h\` is
a password hash; "-" is none. Work after the answer is included.

The last column is a million requests without processor time, by Cloudflare's prices per million (Workers Paid, November 2026,
beyond what is included): requests $${PRICES.request.toFixed(2)}, KV reads $${PRICES.kvRead.toFixed(2)}, KV writes and deletions $${PRICES.kvWrite.toFixed(2)}, D1 rows read $${PRICES.rowRead}, rows
written $${PRICES.rowWritten.toFixed(2)}. A million milliseconds of processor time are $${PRICES.cpuMs}; a password hash takes 60 to 80 of them.

${table(["request", "calls", "a million"], lines)}
`;
}

function benchmarks(): string {
  const found: Recorded = JSON.parse(read("test/bench/results/results.json"));
  const compact = (markdown: string) =>
    markdown.replaceAll(/ +\|/g, " |").replaceAll(/-{4,}/g, "---");
  const growth = found.bounds.filter(({ of }) => of === "the same with few");
  const requests = new Set(found.requests.map(({ title }) => title));
  // Those of single requests are in the chart.
  const others = found.bounds.filter(
    (bound) => !growth.includes(bound) && !(requests.has(bound.title) && outcome(bound) === "met"),
  );
  const met = (bounds: Recorded["bounds"]) =>
    `${bounds.filter((bound) => outcome(bound) !== "MISSED").length} of ${bounds.length}`;
  return `# Benchmarks

<!-- Generated from test/bench/results/results.json by npm run docs. -->

All figures are from one run on ${found.date} on a machine with ${found.machine}, of the code as it was then. \`npm run bench\` measures anew
(Linux only, some ten minutes on an idle machine); \`npm run bench -- --help\` lists the cases.

It builds the production bundle and runs it in workerd, next to a bare Worker, Hono's hello, a Worker that does the least work
with storage, and better-auth over D1. Each is a process of its own, so the kernel says what processor time each took, including its KV and D1,
which are simulations in the same process. All are measured in turns; the tables have the median of the rounds, and the
quartiles in parentheses. "Lag" is \`REVOCATION_LAG_SECONDS\`.

![CPU time of a request](../test/bench/results/cpu.svg)

${table(
  ["request", "CPU, multiple of hello", "µs"],
  found.requests.map(({ title, toHello, cpuUs }) => [title, spread(toHello), String(cpuUs)]),
)}

## Bounds

${met(found.bounds)} bounds were met. One counts as missed only where the better quarter of the rounds misses it too. Those of
single requests that were met are left out here: most are marks in the chart.

${compact(verdictTable(others))}

${found.notes.map((note) => `- ${note}`).join("\n")}

## Latency under load

p99 is at 200 requests a second for 20 seconds, after 10,000 that warm up. With 100,000 tokens of one user instead of 10, or
1,000,000 users instead of 100, a check, a page of a list, and revoking one or all tokens may cost at most 1.25 times as much: ${met(growth)} met.

![The same cost with 100,000 tokens, and with 1,000,000 users](../test/bench/results/growth.svg)

\`npm run bench -- --memory\` sends two million requests with 200,000 different tokens at the longest lag, and fails unless memory
is level in the second million. This chart is from a run of its own:

![Memory of the whole process](../test/bench/results/memory.svg)

## What the figures are not

- Requests leave no log line (\`LOG = "errors"\`), except in the row that says so. Rate limits are not bound, because the simulation writes them to a database.
- "Never seen before": each request has a JWT of its own. "One D1 read" and the like run the service's own statements and hash, and nothing
  around them (\`test/bench/workers/reference.ts\`).
- KV and D1 are simulations, so rows with storage compare how many calls are made. [Costs](reference/costs.md) has what they cost.
- "First answer of a fresh process" runs from before the process exists to the end of the answer to \`GET /health\`.
`;
}

if (import.meta.main) {
  for (const [path, page] of Object.entries(GENERATED)) writeFileSync(path, page());
}
