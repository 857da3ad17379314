import { describe, expect, it, vi } from "vitest";
import { itemsAt, ORIGIN } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { NEED_MORE, newFixtures, pathIn, sampleFor, POST_FORMS, tokenIdsOn } from "./forms.ts";
import { hiddenValues, secretOnPage, textOf } from "./html.ts";
import { COOKIE, newPageClient, type PageClient, SAME_ORIGIN } from "./page-client.ts";
import { DB } from "../support/database.ts";

const { call } = isolate();
const NEW = { name: "ci", lifetime: "3600", scopes: ["account:read", "tokens:read"] };

const LIST = "/console/tokens";
const pageOf = (id: string) => `${LIST}/${id}`;

const idsOf = async (client: PageClient): Promise<string[]> => tokenIdsOn(await client.open(LIST));

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
    expect(textOf({ text })).toMatch(/account:read \+1 more Expires in 1 hour/);
  });

  it("lives as long as was chosen", async () => {
    for (const [lifetime, end] of [
      ["3600", /Expires in 1 hour/],
      ["86400", /Expires in 1 day/],
      ["31536000", /Expires in 1 year/],
    ] as const) {
      const { client } = await withToken({ lifetime });
      expect(textOf(await client.open("/console/tokens"))).toMatch(end);
    }
  });

  it.each([
    ["Europe/Berlin", "2027-03-28", "2027-03-28T21:59:59.000Z"],
    ["America/New_York", "2027-03-14", "2027-03-15T03:59:59.000Z"],
    ["America/New_York", "2027-11-07", "2027-11-08T04:59:59.000Z"],
    // Where the clocks change at midnight.
    ["America/Havana", "2027-03-13", "2027-03-14T04:59:59.000Z"],
    ["America/Havana", "2027-03-14", "2027-03-15T03:59:59.000Z"],
    ["Africa/Cairo", "2027-04-29", "2027-04-29T21:59:59.000Z"],
    ["Asia/Kolkata", "2027-03-05", "2027-03-05T18:29:59.000Z"],
    ["Pacific/Kiritimati", "2027-03-02", "2027-03-02T09:59:59.000Z"],
    // There, March 1 is over.
    ["Pacific/Kiritimati", "2027-03-01", null],
    ["Pacific/Pago_Pago", "2027-03-01", "2027-03-02T10:59:59.000Z"],
    ["", "2028-02-29", "2028-02-29T12:00:00.000Z"],
    ["", "2028-03-01", null],
    ["", "2027-02-30", null],
    ["Mars/Olympus", "2027-03-05", "2027-03-05T23:59:59.000Z"],
    ["", "2027-03-05", "2027-03-05T23:59:59.000Z"],
  ])(
    "with a date of its own, it lives until the end of that day in %s: %s",
    async (zone, until, end) => {
      vi.setSystemTime("2027-03-01T12:00:00.000Z");
      const client = await newPageClient(call);
      const cookie = `${COOKIE}=${client.secret}; ${COOKIE}-zone=${zone}`;
      const page = await client.open("/console/tokens/new", { cookie });
      const isKnown = zone !== "" && zone !== "Mars/Olympus";
      expect(textOf(page)).toContain(
        `At the end of that day in ${isKnown ? `your time zone (${zone})` : "UTC"}, at most`,
      );
      const made = await client.send(
        "/console/tokens/new",
        { ...NEW, until },
        { ...SAME_ORIGIN, cookie },
      );
      expect(made.status).toBe(end === null ? 400 : 200);
      const list = await call("GET", "/rest/token/list", { xToken: client.secret });
      expect(itemsAt(list, "payload").map((token) => Object(token).expired_on)).toEqual(
        end === null ? [] : [end],
      );
    },
  );

  it("has the permissions of a preset, and limits and metadata of its own", async () => {
    const namesOf = async (fields: object) => {
      const { client, id } = await withToken({ ...fields, scopes: [] });
      const { text } = await client.open(pageOf(id));
      return [...text.matchAll(/<code class="hint">([a-z]+(?::[a-z]+)?)<\/code>/g)].map(
        ([, name]) => name,
      );
    };
    expect(await namesOf({ access: "read" })).toEqual(["tokens:read", "account:read"]);
    expect(await namesOf({ access: "full" })).toHaveLength(7);
    const { client, id } = await withToken({
      allowed_ips: "203.0.113.0/24\n2001:db8::1",
      remaining: "1000",
      "limit.max": "60",
      "limit.seconds": "3600",
      metadata: '{"team":"<b>"}',
    });
    const shown = textOf(await client.open(pageOf(id)));
    expect(shown).toContain("Uses left 1,000 Rate limit 60 every 3,600 seconds");
    expect(shown).toContain(
      'Allowed addresses 203.0.113.0/24, 2001:db8::1 Metadata {"team":"<b>"}',
    );
  });

  it("comes with a line for a file and a call to try, and its name in neither", async () => {
    const client = await newPageClient(call);
    const page = await client.send(`${LIST}/new`, { ...NEW, name: "$(x)" });
    const secret = secretOnPage(page);
    expect(textOf(page)).toContain(`LATCHKEY_TOKEN=${secret} Copy`);
    expect(textOf(page)).toContain(`curl ${ORIGIN}/rest/user -H "Authorization: Bearer ${secret}"`);
  });

  it.each([
    ["no box ticked", { scopes: [] }, 400, "Select at least one permission."],
    ["a box that there is not", { scopes: ["tokens:read", "admin"] }, 400, "Must be scopes out of"],
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
    expect(textOf(await client.open("/console/tokens"))).toContain("Never used");
    await statusOf(secret);
    await expect
      .poll(async () => textOf(await client.open("/console/tokens")))
      .toContain("Less than an hour ago");
  });

  it("leads to older ones, page by page, each once", async () => {
    const client = await newPageClient(call);
    for (let i = 0; i < 5; i++) await client.send("/console/tokens/new", NEW);
    const seen: string[] = [];
    let last = "";
    let path: string | undefined = "/console/tokens?limit=2";
    for (let pages = 0; path !== undefined && pages < 10; pages++) {
      const { text } = await client.open(path);
      seen.push(...tokenIdsOn({ text }));
      const [, next] = /rel="next" href="([^"]+)"/.exec(text) ?? [];
      path = next?.replaceAll("&amp;", "&");
      if (next === undefined) last = text;
    }
    expect(seen).toHaveLength(5);
    expect(new Set(seen).size).toBe(5);
    const [, previous] = /rel="prev" href="([^"]+)"/.exec(last) ?? [];
    const back = await client.open(previous?.replaceAll("&amp;", "&") ?? "");
    expect(tokenIdsOn(back)).toEqual(seen.slice(2, 4));
  });
});

describe("what is done with a token", () => {
  it("a new name", async () => {
    const { client, id, secret } = await withToken();
    const answer = await client.send(`${pageOf(id)}/rename`, { name: "<i>new</i>" });
    expect(answer.headers.get("location")).toBe(pageOf(id));
    const { text } = await client.open("/console/tokens");
    expect(textOf({ text })).toContain("<i>new</i>");
    expect(await statusOf(secret)).toBe(200);
  });

  it("a new secret; the old one ends when it was said to", async () => {
    const first = await withToken();
    const kept = await first.client.send(`${pageOf(first.id)}/rotate`, {
      grace: "3600",
    });
    expect(textOf(kept)).toContain("The old secret works until");
    expect(await statusOf(first.secret)).toBe(200);
    expect(await statusOf(secretOnPage(kept))).toBe(200);

    const second = await withToken();
    const ended = await second.client.send(`${pageOf(second.id)}/rotate`, {
      grace: "0",
    });
    expect(textOf(ended)).toContain("The old secret no longer works.");
    expect(await statusOf(second.secret)).toBe(401);
    expect(await statusOf(secretOnPage(ended))).toBe(200);
  });

  it("its end, and that of all", async () => {
    const { client, id, secret } = await withToken();
    const others = [
      secretOnPage(await client.send("/console/tokens/new", NEW)),
      secretOnPage(await client.send("/console/tokens/new", NEW)),
    ];
    await client.send(`${pageOf(id)}/revoke`);
    expect(await statusOf(secret)).toBe(401);
    expect(await idsOf(client)).toHaveLength(2);
    for (const other of others) expect(await statusOf(other)).toBe(200);
    const answer = await client.send("/console/tokens/revoke-all");
    expect(answer.headers.get("location")).toBe("/console/tokens");
    for (const other of others) expect(await statusOf(other)).toBe(401);
    expect(await idsOf(client)).toEqual([]);
    expect((await client.open("/console/account")).status).toBe(200);
  });

  it("is not done with another's, or by a secret", async () => {
    const { id, secret, client } = await withToken();
    const other = await newPageClient(call);
    for (const [act, fields] of [
      ["rename", { name: "mine" }],
      ["rotate", { grace: "0" }],
      ["enabled", { enabled: "false" }],
      ["revoke", {}],
    ] as const) {
      expect((await other.send(`${pageOf(id)}/${act}`, fields)).status).toBe(404);
      expect((await client.send(`${pageOf(secret)}/${act}`, fields)).status).toBe(404);
    }
    expect((await other.open(pageOf(id))).status).toBe(404);
    await other.send("/console/tokens/revoke-all");
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
    await client.send(`${pageOf(id)}/rotate`, { grace: "0" }),
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
    const counts = await DB.prepare(
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
        expect(textOf(each)).toContain("You already submitted this form.");
        expect(secretOnPage(each)).toBe(secretOnPage(first));
      }
    }
    expect(await rows()).toEqual(after);
    if (path.endsWith("/new")) expect((after.tokens ?? 0) - (before.tokens ?? 0)).toBe(1);
  });

  it.each([
    ["new", { ...NEW }],
    ["rotate", { grace: "3600" }],
  ])(
    "%s, sent three times at once, and once more when its token is revoked",
    async (act, fields) => {
      const { client, id } = await withToken();
      const path = act === "new" ? `${LIST}/new` : `${pageOf(id)}/rotate`;
      const form = await client.open(act === "new" ? path : pageOf(id));
      const [token_secret = ""] = hiddenValues(form.text, "token_secret");
      const send = () => client.send(path, { ...fields, token_secret });
      const before = await rows();
      const answers = await Promise.all([send(), send(), send()]);
      expect(new Set(answers.map(secretOnPage))).toEqual(new Set([token_secret]));
      expect((await rows()).tokens).toBe((before.tokens ?? 0) + 1);
      expect(await statusOf(token_secret)).toBe(200);
      const [made = ""] = await idsOf(client);
      await client.send(`${pageOf(made)}/revoke`);
      const late = await send();
      expect(late.status).toBe(act === "new" ? 422 : 409);
      expect(late.text).not.toContain(token_secret);
      expect((await rows()).tokens).toBe((before.tokens ?? 0) + 1);
    },
  );

  it("another's form shows nothing of theirs, and takes nothing over", async () => {
    const { client, id, secret } = await withToken();
    const eve = await withToken();
    for (const [path, fields] of [
      [`${LIST}/new`, { ...NEW }],
      [`${pageOf(eve.id)}/rotate`, { grace: "0" }],
    ] as const) {
      const answer = await eve.client.send(path, { ...fields, token_secret: secret });
      expect(answer.status, path).toBe(422);
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
  it("stands under its successor, marked, and can only be disabled or revoked", async () => {
    const { client, id } = await withToken({ name: "old" });
    const next = secretOnPage(await client.send(`${pageOf(id)}/rotate`, { grace: "3600" }));
    await client.send(`${LIST}/new`, { ...NEW, name: "between" });
    const shown = textOf(await client.open(LIST));
    expect(shown).toMatch(
      new RegExp(
        `between .* old lk_api_…${next.slice(-4)} .* Old secret lk_api_….{4} .* Replaced, expires in 1 hour`,
      ),
    );
    expect(shown).toContain("3 tokens.");
    const { text } = await client.open(pageOf(id));
    expect(text).not.toMatch(/\/(?:rename|rotate)"/);
    expect(text).toContain(`action="${pageOf(id)}/revoke"`);
    expect(textOf({ text })).toContain("Replaced by the token's new secret");
  });
});

describe("a search", () => {
  it("has an address, and keeps what was asked on the next page", async () => {
    const client = await newPageClient(call);
    for (const name of ["alpha", "beta", "alphabet"]) {
      await client.send(`${LIST}/new`, { ...NEW, name });
    }
    const asked = { search: " alpha ", filter: "", scope: "account:read", sort: "name" };
    const found = await client.send(`${LIST}/find`, asked);
    const path = found.headers.get("location") ?? "";
    expect(path).toBe(`${LIST}?search=alpha&scope=account%3Aread&sort=name`);
    const first = await client.open(`${path}&limit=1`);
    expect(textOf(first)).toMatch(/ alpha lk_.*2 tokens\./);
    const [, next = ""] = /rel="next" href="([^"]+)"/.exec(first.text) ?? [];
    expect(textOf(await client.open(next.replaceAll("&amp;", "&")))).toMatch(/ alphabet lk_/);
    expect(textOf(await client.open(`${LIST}?search=gamma`))).toContain("No matching tokens");
    expect(textOf(await (await newPageClient(call)).open(LIST))).toContain("No API tokens yet");
  });

  it("for a whole token leads to its page, and never puts it into an address", async () => {
    const { client, secret, id } = await withToken();
    for (const search of [secret, `Bearer ${secret}`, id]) {
      const answer = await client.send(`${LIST}/find`, { search });
      expect(answer.headers.get("location")).toBe(pageOf(id));
    }
  });
});

describe("the page of a token", () => {
  it("tells its history page by page, back and forth", async () => {
    const { client, id } = await withToken({ name: "ci" });
    for (let n = 0; n < 24; n++) await client.send(`${pageOf(id)}/rename`, { name: `ci ${n}` });
    const eventsOn = ({ text }: { text: string }) => text.match(/<tr><th scope="row">/g)?.length;
    const linkOn = ({ text }: { text: string }, rel: string) =>
      new RegExp(`rel="${rel}" href="(/console/tokens/${id}[?]cursor=[^"]+)"`).exec(text)?.[1];
    const first = await client.open(pageOf(id));
    const second = await client.open(String(linkOn(first, "next")));
    expect([eventsOn(first), eventsOn(second)]).toEqual([20, 5]);
    expect(textOf(second)).toMatch(/Changed .* Created /);
    const back = await client.open(String(linkOn(second, "prev")));
    expect([eventsOn(back), linkOn(second, "next"), linkOn(first, "prev")]).toEqual([
      20,
      undefined,
      undefined,
    ]);
  });

  it("tells its history, also after it was revoked", async () => {
    const { client, secret, id } = await withToken({ name: "ci", access: "full" });
    await call("POST", "/rest/token", { bearer: secret, json: { name: "child" } });
    await client.send(`${pageOf(id)}/enabled`, { enabled: "false" });
    expect(await statusOf(secret)).toBe(401);
    expect(textOf(await client.open(pageOf(id)))).toContain("Status Disabled");
    await client.send(`${pageOf(id)}/enabled`, { enabled: "true" });
    expect(await statusOf(secret)).toBe(200);
    expect(textOf(await client.open(pageOf(id)))).toMatch(
      /Tokens created with this token child lk_/,
    );
    await client.send(`${pageOf(id)}/revoke`);
    const page = await client.open(pageOf(id));
    expect(textOf(page)).toMatch(/Status Revoked just now/);
    expect(textOf(page)).toMatch(
      /Revoked .* Enabled .* Disabled .* Created an API token .* Created /,
    );
    expect(page.text).not.toMatch(/<form [^>]*console\/tokens/);
    const revoked = await client.open(`${LIST}?filter=inactive`);
    expect(tokenIdsOn(revoked)).toContain(id);
    expect(textOf(revoked)).toContain("Revoked tokens stay here until two days after");
  });
});
