import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { devTerminal, formatStream } from "../../src/cli/dev-terminal.ts";

const logged = (more: object) =>
  JSON.stringify({
    level: "info",
    request_id: "8f3b",
    surface: "rest-tokens",
    route: "/rest/token/:token",
    method: "DELETE",
    status: 200,
    outcome: "ok",
    credential: "api",
    duration_ms: 7,
    d1_queries: 2,
    ...more,
  });
const seen = (line: string) => `\u001b[32m[wrangler:info]\u001b[39m ${line}`;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** All that is shown for these lines, also later. */
function shownFor(...lines: readonly string[]): readonly string[] {
  const shown: string[] = [];
  const line = devTerminal((text) => shown.push(text));
  for (const each of lines) {
    const text = line(each);
    if (text !== null) shown.push(text);
  }
  vi.runAllTimers();
  return shown;
}

const SECRET = `lk_api_${"x".repeat(49)}`;

it.each([
  [
    "a request is one line, whichever comes first, without its token and its query",
    [logged({}), "", seen(`DELETE /rest/token/${SECRET}?bearer=${SECRET} 200 OK (9ms)`)],
    ["", "  DELETE /rest/token/…?…  200  7 ms"],
  ],
  [
    "a refusal says why",
    [
      seen("GET /docs/no 404 Not Found (3ms)"),
      logged({ route: "*", method: "GET", status: 404, outcome: "path_not_found" }),
    ],
    ["  GET    /docs/no  404  7 ms  path_not_found"],
  ],
  [
    "a failure is marked, and followed by its error, which cannot steer the terminal",
    [
      logged({
        level: "error",
        status: 503,
        outcome: "unavailable",
        error: "D1: \u001b[2J\n  at x",
      }),
      seen("DELETE /rest/token/a 503 Service Unavailable (9ms)"),
    ],
    ["✗ DELETE /rest/token/a  503  7 ms  unavailable\n    D1: \ufffd[2J\n      at x"],
  ],
  [
    "what only one of both has printed is shown alone, after the others",
    [
      seen("GET /shop 200 OK (5ms)"),
      logged({ method: "RPC", route: "verify" }),
      logged({ route: "/health", method: "GET" }),
      seen("GET /health 200 OK (5ms)"),
    ],
    ["  GET    /health  200  7 ms", "  GET    /shop  200  5 ms", "  RPC    verify  200  7 ms"],
  ],
  [
    "other log lines are words",
    [
      '{"level":"warn","request_id":"x","failed":"write metrics","cause":"Error: no"}',
      '{"level":"info","task":"housekeeping","events":3,"tokens":0}',
    ],
    ["✗ failed to write metrics: Error: no", "  housekeeping events=3"],
  ],
  [
    "the table of bindings is left out, and all else is as it was",
    [
      "Your Worker has access to the following bindings:",
      "env.KV   KV Namespace   local",
      "",
      '{"level":',
      "✉ Reset your password → ada@example.com",
    ],
    ['{"level":', "✉ Reset your password → ada@example.com"],
  ],
])("%s", (_, lines, expected) => {
  expect(shownFor(...lines)).toEqual(expected);
});

it("what could be a credential is in no path", () => {
  const jwt = `eyJ${"a".repeat(60)}.${"b".repeat(80)}.${"c".repeat(86)}`;
  const lines = ["lk_act_1", "lk_ses_%31", jwt, "A".repeat(40)].map((each) =>
    seen(`GET /a/${each} 200 OK (1ms)`),
  );
  expect(new Set(shownFor(...lines))).toEqual(new Set(["  GET    /a/…  200  1 ms"]));
  const id = "95af97af-a189-4f3b-91b2-ff11e48d018f";
  expect(shownFor(seen(`GET /rest/admin/users/${id} 200 OK (1ms)`))).toEqual([
    `  GET    /rest/admin/users/${id}  200  1 ms`,
  ]);
});

it("a stream's text is formatted by line, and bytes pass", () => {
  const written: unknown[] = [];
  const stream = { write: (chunk: unknown) => written.push(chunk) > 0 };
  formatStream(stream as NodeJS.WriteStream);
  stream.write(`${logged({ status: 500, outcome: "internal", error: "E" })}\nReady\n`);
  stream.write(new Uint8Array([1]));
  vi.runAllTimers();
  expect(written).toEqual([
    "Ready\n",
    new Uint8Array([1]),
    "✗ DELETE /rest/token/:token  500  7 ms  internal\n    E\n",
  ]);
});
