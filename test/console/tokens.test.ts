import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { isolate } from "../support/service.ts";
import { NEED_MORE, newFixtures, pathIn, sampleFor, POST_FORMS } from "./forms.ts";
import { hiddenValues, secretOnPage, textOf } from "./html.ts";
import { newPageClient, type PageClient } from "./page-client.ts";

const { call } = isolate();
const NEW = { name: "ci", lifetime: "3600", scopes: ["account:read", "tokens:read"] };

const idsOf = async (client: PageClient): Promise<string[]> => [
  ...new Set(hiddenValues((await client.open("/console/tokens")).text, "id")),
];

const statusOf = async (bearer: string) => (await call("GET", "/rest/user", { bearer })).status;

/** A user with one token, and what only its creator was shown. */
async function withToken(fields: object = {}) {
  const client = await newPageClient(call);
  const secret = secretOnPage(await client.send("/console/tokens/new", { ...NEW, ...fields }));
  const [id = ""] = await idsOf(client);
  return { client, secret, id };
}

describe("a new token", () => {
  it("is shown once, and does what its boxes say", async () => {
    const { client, secret } = await withToken();
    expect(await statusOf(secret)).toBe(200);
    expect((await call("POST", "/rest/token", { bearer: secret, json: NEW })).status).toBe(403);
    const { text } = await client.open("/console/tokens");
    expect(text).not.toContain(secret);
    expect(textOf({ text })).toContain(`lk_api_…${secret.slice(-4)}`);
    expect(textOf({ text })).toMatch(/ends in 1 hour/);
    expect(textOf({ text })).toMatch(/account:read tokens:read/);
  });

  it("lives as long as was chosen", async () => {
    for (const [lifetime, end] of [
      ["3600", /ends in 1 hour/],
      ["86400", /ends in 1 day/],
      ["31536000", /ends in 1 year/],
    ] as const) {
      const { client } = await withToken({ lifetime });
      expect(textOf(await client.open("/console/tokens"))).toMatch(end);
    }
  });

  it.each([
    ["no box ticked", { scopes: [] }, 400, "Choose at least one."],
    ["a box that there is not", { scopes: ["tokens:read", "admin"] }, 400, "Must be scopes of"],
    ["a lifetime that is no choice", { lifetime: "999999999" }, 400, "Must be one of the choices."],
    ["no name", { name: "" }, 400, "Enter a name."],
    ["a blank name", { name: " \u3000" }, 400, "Enter a name."],
    ["a name that is too long", { name: "x".repeat(65) }, 400, "Must be 1 to 64 characters."],
  ])(
    "is not made with %s: the form comes back as it was filled in",
    async (_, fields, status, text) => {
      const client = await newPageClient(call);
      const answer = await client.send("/console/tokens/new", { ...NEW, name: "keep", ...fields });
      expect(answer.status).toBe(status);
      expect(textOf(answer)).toContain(text);
      if (!("name" in fields)) expect(answer.text).toContain('value="keep"');
      if (!("scopes" in fields)) expect(answer.text).toMatch(/value="tokens:read" checked/);
      expect(await idsOf(client)).toEqual([]);
    },
  );

  it("takes one box as well as several", async () => {
    const { secret } = await withToken({ scopes: "account:read" });
    expect(await statusOf(secret)).toBe(200);
  });

  it("shows a name that is markup as its letters", async () => {
    const name = `<img src=x onerror="alert('1')">&amp;`;
    const { client } = await withToken({ name });
    const { text } = await client.open("/console/tokens");
    expect(text).not.toContain("<img");
    expect(textOf({ text })).toContain(name);
  });
});

describe("the list", () => {
  it("says when a token was used last", async () => {
    const { client, secret } = await withToken();
    expect(textOf(await client.open("/console/tokens"))).toContain("Last used never");
    await statusOf(secret);
    await expect
      .poll(async () => textOf(await client.open("/console/tokens")))
      .toContain("Last used less than an hour ago");
  });

  it("leads to older ones, page by page, each once", async () => {
    const client = await newPageClient(call);
    for (let i = 0; i < 5; i++) await client.send("/console/tokens/new", NEW);
    const seen: string[] = [];
    let last = "";
    let path: string | undefined = "/console/tokens?limit=2";
    for (let pages = 0; path !== undefined && pages < 10; pages++) {
      const { text } = await client.open(path);
      seen.push(...new Set(hiddenValues(text, "id")));
      const [, next] = /rel="next" href="(\/console\/tokens\?cursor=[^"]+)"/.exec(text) ?? [];
      path = next === undefined ? undefined : `${next}&limit=2`;
      if (next === undefined) last = text;
    }
    expect(seen).toHaveLength(5);
    expect(new Set(seen).size).toBe(5);
    const [, previous] = /rel="prev" href="([^"]+)"/.exec(last) ?? [];
    const { text } = await client.open(`${previous}&limit=2`);
    expect([...new Set(hiddenValues(text, "id"))]).toEqual(seen.slice(2, 4));
  });
});

describe("what is done with a token", () => {
  it("a new name", async () => {
    const { client, id, secret } = await withToken();
    const answer = await client.send("/console/tokens/rename", { id, name: "<i>new</i>" });
    expect(answer.headers.get("location")).toBe("/console/tokens");
    const { text } = await client.open("/console/tokens");
    expect(textOf({ text })).toContain("<i>new</i>");
    expect(await statusOf(secret)).toBe(200);
  });

  it("a new secret; the old one ends when it was said to", async () => {
    const first = await withToken();
    const kept = await first.client.send("/console/tokens/rotate", {
      id: first.id,
      grace: "3600",
    });
    expect(textOf(kept)).toContain("The old secret ends");
    expect(await statusOf(first.secret)).toBe(200);
    expect(await statusOf(secretOnPage(kept))).toBe(200);

    const second = await withToken();
    const ended = await second.client.send("/console/tokens/rotate", {
      id: second.id,
      grace: "0",
    });
    expect(textOf(ended)).toContain("The old secret has ended.");
    expect(await statusOf(second.secret)).toBe(401);
    expect(await statusOf(secretOnPage(ended))).toBe(200);
  });

  it("its end, and that of all", async () => {
    const { client, id, secret } = await withToken();
    const others = [
      secretOnPage(await client.send("/console/tokens/new", NEW)),
      secretOnPage(await client.send("/console/tokens/new", NEW)),
    ];
    await client.send("/console/tokens/end", { id });
    expect(await statusOf(secret)).toBe(401);
    expect(await idsOf(client)).toHaveLength(2);
    for (const other of others) expect(await statusOf(other)).toBe(200);
    const answer = await client.send("/console/tokens/end-all");
    expect(answer.headers.get("location")).toBe("/console/tokens");
    for (const other of others) expect(await statusOf(other)).toBe(401);
    expect(await idsOf(client)).toEqual([]);
    expect((await client.open("/console/account")).status).toBe(200);
  });

  it("is not done with another's, or by a secret", async () => {
    const { id, secret, client } = await withToken();
    const other = await newPageClient(call);
    for (const [path, fields] of [
      ["/console/tokens/rename", { name: "mine" }],
      ["/console/tokens/rotate", { grace: "0" }],
      ["/console/tokens/end", {}],
    ] as const) {
      expect((await other.send(path, { id, ...fields })).status).toBe(404);
      expect((await client.send(path, { id: secret, ...fields })).status).toBe(400);
    }
    await other.send("/console/tokens/end-all");
    expect(await statusOf(secret)).toBe(200);
    expect(textOf(await client.open("/console/tokens"))).toContain("ci");
  });
});

it("no secret is in a URL, of whatever page or answer", async () => {
  const client = await newPageClient(call);
  const created = await client.send("/console/tokens/new", NEW);
  const secret = secretOnPage(created);
  const [id = ""] = await idsOf(client);
  const answers = [
    created,
    await client.open("/console/tokens"),
    await client.send("/console/tokens/rotate", { id, grace: "0" }),
    await client.open("/console/activity"),
    await client.open("/console/account/security/sessions"),
  ];
  for (const { headers, text } of answers) {
    expect(headers.get("location")).toBeNull();
    const addresses = [...text.matchAll(/(?:href|src|action)="([^"]*)"/g)].map(([, url]) => url);
    expect(addresses.length).toBeGreaterThan(5);
    for (const address of addresses) expect(address).not.toMatch(/lk_(?:api|ses|act)_/);
  }
  expect(created.text).toContain(`data-copy="${secret}"`);
});

describe("a form that makes something makes it once", () => {
  const rows = async () => {
    const counts = await env.DB.prepare(
      `SELECT (SELECT COUNT(*) FROM users) AS users, (SELECT COUNT(*) FROM contacts) AS contacts,
        (SELECT COUNT(*) FROM receipts) AS receipts,
        (SELECT COUNT(*) FROM tokens WHERE kind IN ('api', 'action')) AS tokens`,
    ).first<Record<string, number>>();
    return counts ?? {};
  };

  // Logging in is not in it: a user who logs in twice is logged in twice.
  const MAKING = POST_FORMS.filter(
    ({ path }) => path !== "/console/login" && !NEED_MORE.includes(path),
  );

  it.each(MAKING)("$path, sent again", async ({ path }) => {
    const client = await newPageClient(call);
    const fixtures = await newFixtures(client, call);
    const fields = sampleFor(path, fixtures);
    const send = () => client.send(pathIn(path, fixtures), fields);
    const before = await rows();
    const first = await send();
    expect(first.status).toBeLessThan(400);
    const after = await rows();
    for (const each of [await send(), ...(await Promise.all([send(), send()]))]) {
      if (path.endsWith("/new") || path.endsWith("/rotate")) {
        expect(textOf(each)).toContain("This form was sent before");
        expect(secretOnPage(each)).toBe(secretOnPage(first));
      }
    }
    expect(await rows()).toEqual(after);
    if (path.endsWith("/new")) expect((after.tokens ?? 0) - (before.tokens ?? 0)).toBe(1);
  });

  it.each([
    ["/console/tokens/new", { ...NEW }],
    ["/console/tokens/rotate", { grace: "3600" }],
  ])("%s, sent three times at once", async (path, fields) => {
    const { client, id } = await withToken();
    const form = await client.open(path.endsWith("/new") ? path : "/console/tokens");
    const [token_secret = ""] = hiddenValues(form.text, "token_secret");
    const before = await rows();
    const answers = await Promise.all(
      [1, 2, 3].map(() => client.send(path, { ...fields, id, token_secret })),
    );
    expect(new Set(answers.map(secretOnPage))).toEqual(new Set([token_secret]));
    expect((await rows()).tokens).toBe((before.tokens ?? 0) + 1);
    expect(await statusOf(token_secret)).toBe(200);
  });

  it("another's form shows nothing of theirs, and takes nothing over", async () => {
    const { client, id, secret } = await withToken();
    const eve = await withToken();
    for (const [path, fields] of [
      ["/console/tokens/new", { ...NEW }],
      ["/console/tokens/rotate", { id: eve.id, grace: "0" }],
    ] as const) {
      const answer = await eve.client.send(path, { ...fields, token_secret: secret });
      expect(answer.status, path).toBeGreaterThanOrEqual(400);
      expect(answer.text).not.toContain(`data-copy="${secret}"`);
    }
    expect(await idsOf(client)).toEqual([id]);
    expect(await statusOf(secret)).toBe(200);
    expect(await statusOf(eve.secret)).toBe(200);
  });

  it("what is no secret of ours is none", async () => {
    const client = await newPageClient(call);
    for (const token_secret of ["", "x", "lk_api_x", `lk_ses_${"x".repeat(40)}`]) {
      const answer = await client.send("/console/tokens/new", { ...NEW, token_secret });
      expect(secretOnPage(answer)).not.toBe(token_secret);
    }
  });
});

describe("a token that was rotated with a grace", () => {
  it("stands behind its successor, says until when it is valid, and can only be ended", async () => {
    const { client, id } = await withToken({ name: "old" });
    const next = secretOnPage(await client.send("/console/tokens/rotate", { id, grace: "3600" }));
    await client.send("/console/tokens/new", { ...NEW, name: "between" });
    const { text } = await client.open("/console/tokens");
    const cards = text.split('<li class="card">').slice(1);
    const texts = cards.map((card) => textOf({ text: card }));
    const at = cards.findIndex((card) => card.includes(`value="${id}"`));
    expect(texts[at]).toMatch(/replaced, valid until \w{3} \d/);
    expect(texts[at - 1]).toContain(`…${next.slice(-4)}`);
    expect(cards[at]).not.toMatch(/tokens\/(?:rename|rotate)"/);
    expect(cards[at]).toContain('action="/console/tokens/end"');
    for (const other of cards.filter((_, index) => index !== at)) {
      expect(other).toMatch(/tokens\/rename".*tokens\/rotate"/s);
      expect(other).not.toContain("replaced");
    }
  });
});
