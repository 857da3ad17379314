import { describe, expect, it } from "vitest";
import { relative } from "../../src/console/components.tsx";
import { PASSWORD, textAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { idOf } from "./forms.ts";
import { textOf } from "./html.ts";
import { newPageClient, type PageClient } from "./page-client.ts";
import { EVENT_LOG } from "../../src/storage/event-rows.ts";
import { DB } from "../support/database.ts";

const { call } = isolate();

async function newActionToken(by: PageClient, fields: object = {}) {
  const json = {
    action: "addContact",
    payload: { contact_id: await idOf(by) },
    ttl: 3600,
    ...fields,
  };
  const answer = await call("POST", "/api/generate-action-token", { xToken: by.secret, json });
  const id = textAt(answer, "token", "id");
  return { id, own: `/console/actions/${id}`, link: `/a/${textAt(answer, "token", "token")}` };
}

const accessOf = async ({ email }: PageClient) =>
  textAt(await call("POST", "/api/token/", { json: { email, password: PASSWORD } }), "access");

type Token = Awaited<ReturnType<typeof newActionToken>>;
const HOUR_MS = 3_600_000;
const setColumn = (id: string, column: string, value: number) =>
  DB.prepare(`UPDATE tokens SET ${column} = ? WHERE id = ?`).bind(value, id).run();
const asShown = (ms: number) =>
  new Intl.DateTimeFormat("en-US", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" })
    .format(ms)
    .replaceAll("\u202f", " ");

/** Every state of an action token, how to reach it, and what its two pages may say. */
const STATES: readonly {
  name: string;
  arrange?: (token: Token, owner: PageClient) => Promise<unknown>;
  fields?: (owner: PageClient) => Promise<object>;
  /** What its issuer reads behind the link. */
  linkText: RegExp;
  /** Whether anyone else can still use it. */
  isUsable: boolean;
  /** On the token's own page. */
  details: RegExp;
}[] = [
  {
    name: "active",
    linkText: /^This is your own code Ask someone else to scan it\. See who used it$/,
    isUsable: true,
    details: /Expires \w{3} \d/,
  },
  {
    name: "active, with an audience",
    fields: async () => ({ audience: await idOf(await newPageClient(call)) }),
    linkText: /You created it for one person\. Send it to them\. See who used it$/,
    isUsable: true,
    details: /Expires \w{3} \d/,
  },
  {
    name: "expired",
    arrange: ({ id }) => setColumn(id, "expires_at", Date.now() - HOUR_MS),
    linkText:
      /^This link has expired No one can use it anymore\. Create a new one See who used it$/,
    isUsable: false,
    details: /Expired \w{3} \d/,
  },
  {
    name: "used",
    arrange: async ({ link }) => {
      const other = await newPageClient(call);
      await other.send(link, { run_key: "key" });
    },
    linkText: /^This link has already been used .* Create a new one See who used it$/,
    isUsable: false,
    details: /Used up \w{3} \d/,
  },
  {
    name: "revoked, an hour ago",
    arrange: async ({ id, own }, owner) => {
      await owner.send(`${own}/end`);
      await setColumn(id, "revoked_at", Date.now() - HOUR_MS);
    },
    linkText: /^This link was revoked .* Create a new one See who used it$/,
    isUsable: false,
    details: /Revoked \w{3} \d/,
  },
  {
    name: "revoked, with an audience",
    fields: async () => ({ audience: await idOf(await newPageClient(call)) }),
    arrange: ({ own }, owner) => owner.send(`${own}/end`),
    linkText: /^This link was revoked .* Create a new one See who used it$/,
    isUsable: false,
    details: /Revoked \w{3} \d/,
  },
  {
    name: "revoked with all credentials",
    arrange: ({ id }) => setColumn(id, "credential_version", -1),
    linkText: /^This link was revoked .* Create a new one See who used it$/,
    isUsable: false,
    // The time is not recorded, so none is shown, least of all the token's own expiry.
    details: /Created \w{3} \d[^R]* Who can use it /,
  },
  {
    name: "for a contact whose account is deleted",
    fields: async () => {
      const gone = await newPageClient(call);
      return { payload: { contact_id: await idOf(gone) } };
    },
    arrange: async ({ id }) => {
      const payload = await DB.prepare(
        "SELECT detail ->> '$.payload.contact_id' AS c FROM tokens WHERE id = ?",
      )
        .bind(id)
        .first("c");
      await DB.prepare("UPDATE users SET deleted_on = 1, email = ? WHERE id = ?")
        .bind(`${crypto.randomUUID()}@gone.example`, payload)
        .run();
    },
    linkText: /This person no longer has an account\. Create a new one See who used it$/,
    isUsable: false,
    details: /Expires \w{3} \d/,
  },
];

describe.each(STATES)(
  "an action token that is $name",
  ({ arrange, fields, linkText, isUsable, details }) => {
    it("says behind its link what its issuer and others can do next", async () => {
      const owner = await newPageClient(call);
      const token = await newActionToken(owner, fields === undefined ? {} : await fields(owner));
      await arrange?.(token, owner);
      const own = textOf(await owner.open(token.link));
      expect(own).toMatch(linkText);
      expect(own).not.toMatch(/[Aa]sk .* new/);
      expect(own.includes("Create a new one")).toBe(!isUsable);
      const { text } = await owner.open(token.link);
      expect(text.includes('href="/console/actions/new/addContact"')).toBe(!isUsable);
      const others = textOf(await (await newPageClient(call)).open(token.link));
      expect(others).not.toMatch(/your own|Create a new one|See who/);
      const nobodys = textOf(await call("GET", token.link));
      if (!isUsable) expect(nobodys).not.toMatch(/Log in/);
    });

    it("says on its own page when it ended, not when it would have expired", async () => {
      const owner = await newPageClient(call);
      const token = await newActionToken(owner, fields === undefined ? {} : await fields(owner));
      await arrange?.(token, owner);
      const page = textOf(await owner.open(token.own));
      expect(page).toMatch(details);
      if (/Revoked/.test(details.source)) expect(page).not.toMatch(/Expires \w/);
      const row = await DB.prepare("SELECT revoked_at AS at FROM tokens WHERE id = ?")
        .bind(token.id)
        .first<{ at: number | null }>();
      if (row?.at) expect(page).toContain(`Revoked ${asShown(row.at)}`);
    });
  },
);

describe("an existing contact", () => {
  it("is not offered again, and a form that is still open uses nothing up", async () => {
    const [ada, bob] = [await newPageClient(call), await newPageClient(call)];
    const first = await newActionToken(ada, { max_uses: 5 });
    const second = await newActionToken(ada, { max_uses: 5 });
    expect((await bob.open(second.link)).text).toContain('<button type="submit">Add contact');
    await bob.send(first.link, { run_key: "one" });
    for (const { link } of [first, second]) {
      const page = await bob.open(link);
      expect([page.status, textOf(page)]).toEqual([
        200,
        "Nothing left to do You're already in each other's contacts. Go to contacts",
      ]);
    }
    const late = await bob.send(second.link, { run_key: "two" });
    expect(textOf(late)).toContain("You're already in each other's contacts.");
    const uses = async ({ id }: Token) =>
      DB.prepare("SELECT uses FROM tokens WHERE id = ?").bind(id).first("uses");
    expect([await uses(first), await uses(second)]).toEqual([1, 0]);
    // The same form again is the same run and shows its result.
    expect(textOf(await bob.send(first.link, { run_key: "one" }))).toContain("are now contacts");
    // If only one side is left, the action is offered again.
    await DB.prepare("DELETE FROM contacts WHERE user_id = ?")
      .bind(await idOf(ada))
      .run();
    expect((await bob.open(second.link)).text).toContain('<button type="submit">Add contact');
  });
});

describe("the inspector", () => {
  const inspect = async (client: PageClient, text: string) =>
    textOf(await client.send("/console/inspector", { text }));

  it("says that a token was revoked, and shows no unsigned times", async () => {
    const client = await newPageClient(call);
    const access = await accessOf(client);
    expect(await inspect(client, access)).toMatch(/Valid .* Expires /);
    await call("POST", "/oauth/revoke", { form: { token: access } });
    const ended = await inspect(client, access);
    expect(ended).toMatch(/Revoked This token was revoked\./);
    const [head = "", body = "", signature = ""] = access.split(".");
    const [wrong, unknown] = [
      `${head}.${body}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`,
      `${btoa('{"alg":"ES256","kid":"other","typ":"at+jwt"}').replaceAll("=", "")}.${body}.${signature}`,
    ];
    for (const jwt of [wrong, unknown]) {
      const said = await inspect(client, jwt);
      expect(said).toMatch(/Don't trust its contents/);
      expect(said).not.toMatch(/Expires|Created|in \d+ minutes/);
    }
  });

  it.each([
    ["as it is", (t: string) => t],
    ["double quotes", (t: string) => `"${t}"`],
    ["single quotes", (t: string) => `'${t}'`],
    ["a comma behind", (t: string) => ` "${t}", `],
    ["backticks", (t: string) => `\`${t}\``],
    ["a text's quotes", (t: string) => `\u201c${t}\u201d`],
    ["Bearer", (t: string) => `Bearer ${t}`],
    ["Bearer in quotes", (t: string) => `"Bearer ${t}"`],
    ["a header", (t: string) => `Authorization: Bearer ${t}`],
    ["a header in quotes", (t: string) => `'authorization: bearer ${t}'`],
    ["a member of JSON", (t: string) => `"Authorization": "Bearer ${t}",`],
    ["the other header", (t: string) => `X-Token: ${t}`],
  ])("recognizes a token with %s", async (_, quoted) => {
    const client = await newPageClient(call);
    const access = await accessOf(client);
    for (const token of [client.secret, access]) {
      expect(await inspect(client, quoted(token))).toMatch(
        /^Inspector .* (?:Session token|Access JWT) Valid/,
      );
    }
    expect(await inspect(client, quoted("nothing"))).toMatch(/^Inspector .* Not recognized/);
  });
});

it("relative times are rounded", () => {
  const [s, min, h, d] = [1_000, 60_000, 3_600_000, 86_400_000];
  for (const [ms, words] of [
    [0, "less than a minute"],
    [59 * s, "less than a minute"],
    [90 * s, "2 minutes"],
    [h - s, "1 hour"],
    [h - 40 * s, "59 minutes"],
    [100 * min, "2 hours"],
    [d - 5 * s, "1 day"],
    [7 * d - s, "7 days"],
    [30 * d - 5 * s, "30 days"],
    [90 * d, "90 days"],
    [365 * d - s, "1 year"],
    [3238 * d, "9 years"],
  ] as const) {
    expect(relative(1e12 + ms + 1, 1e12)).toBe(`in ${words}`);
    if (ms >= min) expect(relative(1e12 - ms, 1e12)).toBe(`${words} ago`);
  }
  expect(relative(1e12, 1e12)).toBe("just now");
});

it("pages show no API terms", async () => {
  const client = await newPageClient(call);
  for (const list of ["tokens", "actions", "contacts", "account/security/sessions", "activity"]) {
    for (const query of ["cursor=x", "limit=0", "limit=x", "limit=101"]) {
      const page = await client.open(`/console/${list}?${query}`);
      expect([page.status, textOf(page)]).toEqual([
        400,
        expect.stringContaining("no longer exists"),
      ]);
      expect(textOf(page)).not.toMatch(/cursor|whole number|must/i);
    }
  }
  const wrongMethod = await call("POST", "/console/activity", {
    headers: { "sec-fetch-site": "same-origin" },
  });
  expect(textOf(wrongMethod)).toContain("Not available.");
});

it("events of one millisecond keep their order", async () => {
  const client = await newPageClient(call);
  const nowMs = Date.now();
  const { createAuditStatements } = await import("../../src/storage/events.ts");
  const { always } = createAuditStatements(() => ({ address: null, requestId: null }), []);
  const userId = crypto.randomUUID();
  const subjects = Array.from({ length: 300 }, () => crypto.randomUUID());
  const row = { what: "user.changed" as const, userId, actorId: null, credentialId: null };
  const statements = subjects
    .flatMap((subjectId) => always({ ...row, subjectId }, nowMs))
    .map(({ sql, values }) => DB.prepare(sql).bind(...values));
  for (let at = 0; at < statements.length; at += 50) {
    await DB.batch(statements.slice(at, at + 50));
  }
  const { results } = await DB.prepare(
    "SELECT id, subject FROM events WHERE user_id = ? ORDER BY id",
  )
    .bind(userId)
    .all<{ id: string; subject: string }>();
  expect(results.map(({ subject }) => subject)).toEqual(subjects);
  for (const { id } of results) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  // A sign-up writes two events in one request.
  const email = `${crypto.randomUUID()}@example.com`;
  await call("POST", "/console/signup", {
    headers: { "sec-fetch-site": "same-origin" },
    form: { email, password: "a long password" },
  });
  const { results: signedUp } = await DB.prepare(
    `SELECT what FROM ${EVENT_LOG.sql} WHERE user_id = (SELECT id FROM users WHERE email = ?) ORDER BY id`,
  )
    .bind(email)
    .all<{ what: string }>();
  expect(signedUp.map(({ what }) => what)).toEqual(["user.created", "session.created"]);
  expect(client.email).not.toBe(email);
});
