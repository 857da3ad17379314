import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { wired } from "../support/wired.ts";
import { newWorld, pathIn, sampleFor, SENT } from "./forms.ts";
import { hidden, secretOn, textOf } from "./html.ts";
import { newVisitor, type Visitor } from "./visitor.ts";

const { call } = wired();
const NEW = { name: "ci", lifetime: "3600", scopes: ["account:read", "tokens:read"] };

const idsOf = async (visitor: Visitor): Promise<string[]> => [
  ...new Set(hidden((await visitor.open("/console/tokens")).text, "id")),
];

const statusOf = async (bearer: string) => (await call("GET", "/rest/user", { bearer })).status;

/** Somebody with one token, and what its maker alone was shown. */
async function withToken(fields: object = {}) {
  const visitor = await newVisitor(call);
  const secret = secretOn(await visitor.send("/console/tokens/new", { ...NEW, ...fields }));
  const [id = ""] = await idsOf(visitor);
  return { visitor, secret, id };
}

describe("a new token", () => {
  it("is shown once, and does what its boxes say", async () => {
    const { visitor, secret } = await withToken();
    expect(await statusOf(secret)).toBe(200);
    expect((await call("POST", "/rest/token", { bearer: secret, json: NEW })).status).toBe(403);
    const { text } = await visitor.open("/console/tokens");
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
      const { visitor } = await withToken({ lifetime });
      expect(textOf(await visitor.open("/console/tokens"))).toMatch(end);
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
      const visitor = await newVisitor(call);
      const answer = await visitor.send("/console/tokens/new", { ...NEW, name: "keep", ...fields });
      expect(answer.status).toBe(status);
      expect(textOf(answer)).toContain(text);
      if (!("name" in fields)) expect(answer.text).toContain('value="keep"');
      if (!("scopes" in fields)) expect(answer.text).toMatch(/value="tokens:read" checked/);
      expect(await idsOf(visitor)).toEqual([]);
    },
  );

  it("takes one box as well as several", async () => {
    const { secret } = await withToken({ scopes: "account:read" });
    expect(await statusOf(secret)).toBe(200);
  });

  it("shows a name that is markup as its letters", async () => {
    const name = `<img src=x onerror="alert('1')">&amp;`;
    const { visitor } = await withToken({ name });
    const { text } = await visitor.open("/console/tokens");
    expect(text).not.toContain("<img");
    expect(textOf({ text })).toContain(name);
  });
});

describe("the list", () => {
  it("says when a token was used last", async () => {
    const { visitor, secret } = await withToken();
    expect(textOf(await visitor.open("/console/tokens"))).toContain("Last used never");
    await statusOf(secret);
    await expect
      .poll(async () => textOf(await visitor.open("/console/tokens")))
      .toContain("Last used less than an hour ago");
  });

  it("leads to older ones, page by page, each once", async () => {
    const visitor = await newVisitor(call);
    for (let i = 0; i < 5; i++) await visitor.send("/console/tokens/new", NEW);
    const seen: string[] = [];
    let path: string | undefined = "/console/tokens?limit=2";
    for (let pages = 0; path !== undefined && pages < 10; pages++) {
      const { text } = await visitor.open(path);
      seen.push(...new Set(hidden(text, "id")));
      const [, next] = /href="(\/console\/tokens\?cursor=[^"]+)"/.exec(text) ?? [];
      path = next === undefined ? undefined : `${next}&limit=2`;
    }
    expect(seen).toHaveLength(5);
    expect(new Set(seen).size).toBe(5);
  });
});

describe("what is done with a token", () => {
  it("a new name", async () => {
    const { visitor, id, secret } = await withToken();
    const answer = await visitor.send("/console/tokens/rename", { id, name: "<i>new</i>" });
    expect(answer.headers.get("location")).toBe("/console/tokens");
    const { text } = await visitor.open("/console/tokens");
    expect(textOf({ text })).toContain("<i>new</i>");
    expect(await statusOf(secret)).toBe(200);
  });

  it("a new secret; the old one ends when it was said to", async () => {
    const first = await withToken();
    const kept = await first.visitor.send("/console/tokens/rotate", {
      id: first.id,
      grace: "3600",
    });
    expect(textOf(kept)).toContain("The old secret ends");
    expect(await statusOf(first.secret)).toBe(200);
    expect(await statusOf(secretOn(kept))).toBe(200);

    const second = await withToken();
    const ended = await second.visitor.send("/console/tokens/rotate", {
      id: second.id,
      grace: "0",
    });
    expect(textOf(ended)).toContain("The old secret has ended.");
    expect(await statusOf(second.secret)).toBe(401);
    expect(await statusOf(secretOn(ended))).toBe(200);
  });

  it("its end, and that of all", async () => {
    const { visitor, id, secret } = await withToken();
    const others = [
      secretOn(await visitor.send("/console/tokens/new", NEW)),
      secretOn(await visitor.send("/console/tokens/new", NEW)),
    ];
    await visitor.send("/console/tokens/end", { id });
    expect(await statusOf(secret)).toBe(401);
    expect(await idsOf(visitor)).toHaveLength(2);
    for (const other of others) expect(await statusOf(other)).toBe(200);
    const answer = await visitor.send("/console/tokens/end-all");
    expect(answer.headers.get("location")).toBe("/console/tokens");
    for (const other of others) expect(await statusOf(other)).toBe(401);
    expect(await idsOf(visitor)).toEqual([]);
    expect((await visitor.open("/console/account")).status).toBe(200);
  });

  it("is not done with another's, or by a secret", async () => {
    const { id, secret, visitor } = await withToken();
    const other = await newVisitor(call);
    for (const [path, fields] of [
      ["/console/tokens/rename", { name: "mine" }],
      ["/console/tokens/rotate", { grace: "0" }],
      ["/console/tokens/end", {}],
    ] as const) {
      expect((await other.send(path, { id, ...fields })).status).toBe(404);
      expect((await visitor.send(path, { id: secret, ...fields })).status).toBe(400);
    }
    await other.send("/console/tokens/end-all");
    expect(await statusOf(secret)).toBe(200);
    expect(textOf(await visitor.open("/console/tokens"))).toContain("ci");
  });
});

it("no secret stands in an address, of whatever page or answer", async () => {
  const visitor = await newVisitor(call);
  const created = await visitor.send("/console/tokens/new", NEW);
  const secret = secretOn(created);
  const [id = ""] = await idsOf(visitor);
  const answers = [
    created,
    await visitor.open("/console/tokens"),
    await visitor.send("/console/tokens/rotate", { id, grace: "0" }),
    await visitor.open("/console/activity"),
    await visitor.open("/console/logins"),
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

  // A login is not in it: whoever logs in twice is logged in twice.
  const MAKING = SENT.filter(({ path }) => path !== "/console/login");

  it.each(MAKING)("$path, sent again", async ({ path }) => {
    const visitor = await newVisitor(call);
    const world = await newWorld(visitor, call);
    const fields = sampleFor(path, world);
    const send = () => visitor.send(pathIn(path, world), fields);
    const before = await rows();
    const first = await send();
    expect(first.status).toBeLessThan(400);
    const after = await rows();
    for (const each of [await send(), ...(await Promise.all([send(), send()]))]) {
      if (path.endsWith("/new") || path.endsWith("/rotate")) {
        expect(textOf(each)).toContain("This form was sent before");
        expect(secretOn(each)).toBe(secretOn(first));
      }
    }
    expect(await rows()).toEqual(after);
    if (path.endsWith("/new")) expect((after.tokens ?? 0) - (before.tokens ?? 0)).toBe(1);
  });

  it.each([
    ["/console/tokens/new", { ...NEW }],
    ["/console/tokens/rotate", { grace: "3600" }],
  ])("%s, sent three times at once", async (path, fields) => {
    const { visitor, id } = await withToken();
    const form = await visitor.open(path.endsWith("/new") ? path : "/console/tokens");
    const [token_secret = ""] = hidden(form.text, "token_secret");
    const before = await rows();
    const answers = await Promise.all(
      [1, 2, 3].map(() => visitor.send(path, { ...fields, id, token_secret })),
    );
    expect(new Set(answers.map(secretOn))).toEqual(new Set([token_secret]));
    expect((await rows()).tokens).toBe((before.tokens ?? 0) + 1);
    expect(await statusOf(token_secret)).toBe(200);
  });

  it("another's form shows nothing of theirs, and takes nothing over", async () => {
    const { visitor, id, secret } = await withToken();
    const eve = await withToken();
    for (const [path, fields] of [
      ["/console/tokens/new", { ...NEW }],
      ["/console/tokens/rotate", { id: eve.id, grace: "0" }],
    ] as const) {
      const answer = await eve.visitor.send(path, { ...fields, token_secret: secret });
      expect(answer.status, path).toBeGreaterThanOrEqual(400);
      expect(answer.text).not.toContain(`data-copy="${secret}"`);
    }
    expect(await idsOf(visitor)).toEqual([id]);
    expect(await statusOf(secret)).toBe(200);
    expect(await statusOf(eve.secret)).toBe(200);
  });

  it("what is no secret of ours is none", async () => {
    const visitor = await newVisitor(call);
    for (const token_secret of ["", "x", "lk_api_x", `lk_ses_${"x".repeat(40)}`]) {
      const answer = await visitor.send("/console/tokens/new", { ...NEW, token_secret });
      expect(secretOn(answer)).not.toBe(token_secret);
    }
  });
});

describe("a token that was rotated with a grace", () => {
  it("stands behind its successor, says until when it is valid, and can only be ended", async () => {
    const { visitor, id } = await withToken({ name: "old" });
    const next = secretOn(await visitor.send("/console/tokens/rotate", { id, grace: "3600" }));
    await visitor.send("/console/tokens/new", { ...NEW, name: "between" });
    const { text } = await visitor.open("/console/tokens");
    const cards = text.split('<li class="card">').slice(1);
    const texts = cards.map((card) => textOf({ text: card }));
    const at = cards.findIndex((card) => card.includes(`value="${id}"`));
    expect(texts[at]).toMatch(/replaced, valid until \d{4}-/);
    expect(texts[at - 1]).toContain(`…${next.slice(-4)}`);
    expect(cards[at]).not.toMatch(/tokens\/(?:rename|rotate)"/);
    expect(cards[at]).toContain('action="/console/tokens/end"');
    for (const other of cards.filter((_, index) => index !== at)) {
      expect(other).toMatch(/tokens\/rename".*tokens\/rotate"/s);
      expect(other).not.toContain("replaced");
    }
  });
});
