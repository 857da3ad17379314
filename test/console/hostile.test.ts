import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fingerprint, fingerprintAndForget } from "../hostile/database.ts";
import { pathOf } from "../hostile/routes.ts";
import type { Answered } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { some } from "../support/thorough.ts";
import { type Fixtures, newFixtures, GET_PAGES, pathIn, POST_FORMS, sampleFor } from "./forms.ts";
import { MARKUP, pageFlaws } from "./page-flaws.ts";
import {
  COOKIE,
  encoded,
  FORM,
  newOperatorClient,
  SAME_ORIGIN,
  type PageClient,
} from "./page-client.ts";

const { call, settled } = isolate();

/** What takes the place of each field in turn. */
const VALUES: readonly (string | readonly string[])[] = [
  "",
  MARKUP,
  "\u0000",
  "' OR 1=1; DROP TABLE users; --",
  "00000000-0000-8000-8000-000000000000",
  "\ufdfa".repeat(3_000),
  [MARKUP, MARKUP],
];

/** Whole bodies, with the type that they say to be. */
const BODIES: readonly (readonly [type: string, body: string | Uint8Array])[] = [
  ["", "a=b"],
  ["text/plain", "a=b"],
  ["application/json", '{"name":"x"}'],
  [FORM["content-type"], ""],
  [FORM["content-type"], "%&=&%ff=%00&__proto__=1&constructor[prototype][x]=1"],
  [FORM["content-type"], "a=b&".repeat(10_000)],
  [`${FORM["content-type"]}; charset=utf-16`, "name=x"],
  [FORM["content-type"], Uint8Array.of(0xff, 0xfe, 0x00)],
  ["multipart/form-data", "--x"],
  ["multipart/form-data; boundary=x", "--x\r\n"],
  [
    "multipart/form-data; boundary=x",
    '--x\r\ncontent-disposition: form-data; name="id"; filename="x"\r\n\r\nfile\r\n--x--\r\n',
  ],
];

let known: PageClient | null = null;

/** Someone who is logged in: the same as before while they are, because a new one costs two password hashes. */
async function someone(): Promise<PageClient> {
  const isIn = known !== null && (await known.open("/console/account/data")).status === 200;
  known = isIn && known !== null ? known : await newOperatorClient(call);
  return known;
}

/**
 * Sends each, and looks at the answer and at the database behind it. What is right in it may delete
 * the sender: then another user goes on.
 */
async function run(
  probes: readonly string[],
  send: (client: PageClient, index: number) => Promise<Answered>,
): Promise<string[]> {
  const wrong: string[] = [];
  let client = await someone();
  let before = await fingerprintAndForget();
  for (const [index, name] of probes.entries()) {
    const answer = await send(client, index);
    await settled();
    const after = await fingerprintAndForget();
    const found = await pageFlaws("POST", answer);
    if (answer.status >= 400 && after !== before) found.push("refused, yet wrote");
    wrong.push(...found.map((flaw) => `${name}: ${flaw}`));
    before = after;
    if (answer.status >= 400) continue;
    client = await someone();
    before = await fingerprint();
  }
  return wrong;
}

const AUTH_FORMS = [
  "/console/login",
  "/console/login/passkey",
  "/console/signup",
  "/console/forgotten",
];

describe.each(POST_FORMS)("POST $path", ({ path }) => {
  let fixtures: Fixtures;
  beforeAll(async () => {
    fixtures = await newFixtures(await newOperatorClient(call), call);
    // What a form has changed of its sender, the next form would meet.
    if (path.includes("/account")) known = null;
  });
  afterAll(() => {
    if (path.includes("/account")) known = null;
  });

  it("takes any field without harm", async () => {
    const sample = sampleFor(path, fixtures);
    const probes = [...Object.keys(sample), "next"].flatMap((field, turn) =>
      some(VALUES, turn).map((value) => ({ field, value })),
    );
    const names = probes.map(({ field, value }) => `${field} as ${String(value).slice(0, 60)}`);
    const wrong = await run(names, (client, index) => {
      const { field = "", value = "" } = probes[index] ?? {};
      const fields = { ...sample, [field]: value };
      // A user who is logged in does not log in.
      if (!AUTH_FORMS.includes(path)) return client.send(pathIn(path, fixtures), fields);
      return call("POST", path, { headers: { ...SAME_ORIGIN, ...FORM }, body: encoded(fields) });
    });
    expect(wrong).toEqual([]);
  });

  it("takes any body without harm", async () => {
    const url = pathIn(path, fixtures);
    const bodies = some(
      BODIES,
      POST_FORMS.findIndex((form) => form.path === path),
    );
    const names = bodies.map(([type, body]) => `${type}: ${String(body).slice(0, 40)}`);
    const wrong = await run(names, (client, index) => {
      const [type = "", body = ""] = bodies[index] ?? [];
      const headers = {
        cookie: `${COOKIE}=${client.secret}`,
        ...SAME_ORIGIN,
        "content-type": type,
      };
      return call("POST", url, { headers, body });
    });
    expect(wrong).toEqual([]);
  });

  it("reads 64 KiB and not a byte more", async () => {
    const wrong = await run(["64 KiB and more"], async (client) => {
      const answer = await client.send(path, { name: "x".repeat(64 * 1024) });
      expect(answer.status).toBe(413);
      return answer;
    });
    expect(wrong).toEqual([]);
  });
});

const QUERIES: readonly string[] = [
  ...["0", "101", "", "%00", "%ff", "9".repeat(400)].map((of) => `limit=${of}`),
  ...["", "%", "!", "x".repeat(8_000)].map((of) => `cursor=${of}`),
  ...[`0.${"' OR 1".padEnd(36)}`, `99.${"f".repeat(36)}`].map(
    (of) => `cursor=${encodeURIComponent(btoa(of))}`,
  ),
  ...["done", "next", "token"].map((name) => `${name}=${encodeURIComponent(MARKUP)}`),
  "done=__proto__&next=__proto__",
  "a=b&".repeat(2_000),
  "?&&==%",
];

const PARAMETERS: readonly string[] = [
  "%00",
  "%",
  "%ff",
  "%ED%A0%80",
  "..%2f..%2fx",
  encodeURIComponent(MARKUP),
  "__proto__",
  "%0d%0aSet-Cookie:%20a=b",
  "%E2%80%AE",
  "%F0%9F%94%91",
  "x".repeat(10_000),
  "lk_act_x",
];

/** Opens each, and looks whether that wrote something. */
async function open(paths: readonly string[]): Promise<string[]> {
  const client = await someone();
  const before = await fingerprint();
  const wrong: string[] = [];
  for (const path of paths) {
    const found = await pageFlaws("GET", await client.open(path));
    wrong.push(...found.map((flaw) => `${path.slice(0, 80)}: ${flaw}`));
  }
  if ((await fingerprint()) !== before) wrong.push("wrote");
  return wrong;
}

it.each(GET_PAGES)("GET $path takes any query without harm", async (route) => {
  expect(await open(QUERIES.map((query) => `${pathOf(route)}?${query}`))).toEqual([]);
});

it("pages take any parameter without harm", async () => {
  const named = GET_PAGES.filter(({ path }) => path.includes(":"));
  const paths = named.flatMap((route) => PARAMETERS.map((each) => pathOf(route, each)));
  expect(await open(paths)).toEqual([]);
});
