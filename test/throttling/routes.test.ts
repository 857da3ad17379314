import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { createSecrets } from "../../src/crypto/secrets.ts";
import type { Send } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { sampleFor } from "../hostile/bodies.ts";
import { ROUTE_KEYS, PAGES, pathOf } from "../hostile/routes.ts";

const secrets = createSecrets(["lk"]);

const isOver = { limit: async () => ({ success: false }) };
const LIMITS = [
  "LOGIN_LIMIT",
  "SIGN_UP_LIMIT",
  "RESET_LIMIT",
  "LEAK_LIMIT",
  "TOKEN_LIMIT",
  "REVOKE_LIMIT",
  "STATUS_LIST_LIMIT",
  "CREDENTIAL_LIMIT",
  "CLIENT_LIMIT",
] as const;

/** Where every limit is used up. @returns the answer's status, and how often a store was asked */
async function asked(method: string, path: string, send: Send) {
  let calls = 0;
  const counted = intercept((_, run) => {
    calls++;
    return run();
  });
  const limits = Object.fromEntries(LIMITS.map((name) => [name, isOver]));
  const place = isolate({}, { ...limits, ...counted });
  const headers = {
    "sec-fetch-site": "same-origin",
    ...send.headers,
    "cf-connecting-ip": "192.0.2.9",
  };
  const { status } = await place.send(method, path, { ...send, headers });
  return { status, calls };
}

it("wrangler.toml has every limit", () => {
  expect(LIMITS.filter((name) => env[name] === undefined)).toEqual([]);
});

it.each(ROUTE_KEYS)("$name belongs to a limit, or asks no store", async ({ route }) => {
  const junk: readonly Send[] = [
    {},
    { bearer: "x" },
    { headers: { authorization: "Foo bar" } },
    { xAuthToken: "a.b.c" },
    { basic: { email: "nobody@example.com", password: "x" } },
  ];
  const json = sampleFor(route, { email: "nobody@example.com" });
  for (const sent of junk) {
    const body = route.method === "GET" ? {} : { json };
    const { status, calls } = await asked(route.method, pathOf(route), { ...sent, ...body });
    if (status !== 429) expect([sent, status, calls]).toEqual([sent, status, 0]);
  }
  // Well-formed, and never issued: whether it is good is one question, and then it is limited.
  const bearer = (await secrets.create("api")).secret;
  const { status, calls } = await asked(route.method, pathOf(route), { bearer });
  if (route.access !== "open") expect([status, calls]).toEqual([429, 1]);
});

it.each(PAGES)("$method $path belongs to a limit, or asks no store", async (route) => {
  const form = { email: "nobody@example.com", password: "long enough", text: "x", run_key: "x" };
  const body = route.method === "GET" ? {} : { form };
  for (const headers of [{}, { cookie: "__Host-latchkey=x" }]) {
    const { status, calls } = await asked(route.method, pathOf(route, "x"), { headers, ...body });
    // Of a cookie that is no good, this isolate writes down the first, and no other in ten minutes.
    const most = "cookie" in headers ? 1 : 0;
    if (status !== 429) expect(calls, String(status)).toBeLessThanOrEqual(most);
  }
});
