import { beforeAll, expect, it } from "vitest";
import { call, newUser, newSession, type Send } from "../support/client.ts";
import { COOKIE } from "../console/page-client.ts";
import { some } from "../support/thorough.ts";
import { LARGE } from "./large.ts";
import { quick } from "./quick.ts";
import { ROUTE_KEYS, PAGES, pathOf } from "./routes.ts";

const LARGEST = 16 * 1024;
const ROUTES = [...ROUTE_KEYS.map(({ route }) => route), ...PAGES];

let session = "";

beforeAll(async () => {
  session = await newSession(await newUser());
});

/** Where the request has no credential, one is added, so that its body is read. */
function withCaller(send: Send, access: string): Send {
  const { headers } = send;
  const shown = Object.keys(headers ?? {}).some((name) => /auth|cookie/.test(name));
  if (shown) return { ...send, headers: { "sec-fetch-site": "same-origin", ...headers } };
  const cookie = `${COOKIE}=${session}`;
  return {
    ...send,
    headers: { "sec-fetch-site": "same-origin", cookie, ...headers },
    ...(access === "caller" && { xToken: session }),
  };
}

it.each(ROUTES)("$method $path answers no large request at length", async (route) => {
  const tooLong: string[] = [];
  for (const [name, query, send] of some(LARGE, ROUTES.indexOf(route))) {
    if (send.body !== undefined && route.method === "GET") continue;
    const path = pathOf(route) + query;
    const answer = await quick(route.method, path, withCaller(send, route.access));
    const { status, text, headers } = answer;
    const bytes = new TextEncoder().encode(text).length + (headers.get("location") ?? "").length;
    if (status >= 500) tooLong.push(`${name}: ${status}`);
    if (status >= 300 && bytes > LARGEST) tooLong.push(`${name}: ${status} of ${bytes} bytes`);
  }
  expect(tooLong).toEqual([]);
});

it("answers no large request at length where there is nothing", async () => {
  for (const path of ["/", "/api/token/", "/api/", "/tokens/", "/rest/", "/oauth/", "/console/"]) {
    for (const text of ["a", "a/", "%41"]) {
      const answer = await call("GET", path + text.repeat(10_000));
      expect(answer.status).toBe(404);
      expect(answer.text.length).toBeLessThan(LARGEST);
    }
  }
});
