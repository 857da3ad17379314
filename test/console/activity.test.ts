import { expect, it } from "vitest";
import { AUDIT_EVENTS } from "../../src/core/events.ts";
import { isolate } from "../support/service.ts";
import { idOf } from "./forms.ts";
import { textOf } from "./html.ts";
import {
  COOKIE,
  encoded,
  FORM,
  newPageClient,
  type PageClient,
  SAME_ORIGIN,
} from "./page-client.ts";
import { storedKind } from "../../src/storage/event-rows.ts";
import { DB } from "../support/database.ts";

const { call, settled } = isolate();
const LIST = "/console/activity";

/** Writes an event of the user, so many days ago. */
async function written(userId: string, what: string, outcome: string, daysAgo = 0) {
  const at = Math.round(Date.now() - daysAgo * 86_400_000);
  const time = at.toString(16).padStart(12, "0");
  const id = `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`;
  await DB.prepare(
    `INSERT INTO events (user_id, id, kind, refused, done_by, ipv6)
      VALUES (?1, ?2, ?3, ?4 = 'refused', 1, '203.0.113.0/24')`,
  )
    .bind(userId, id, storedKind(what), outcome)
    .run();
}

it("shows each event as a sentence with its outcome, newest first", async () => {
  const client = await newPageClient(call);
  const userId = await idOf(client);
  for (const what of AUDIT_EVENTS) await written(userId, what, "done");
  const { text } = await client.open(`${LIST}?limit=100`);
  const rows = [...text.matchAll(/<th scope="row">([^<]+)</g)].map(([, sentence = ""]) => sentence);
  const sentences = rows.filter((row) => !/^\w{3} \d+, \d{4}/.test(row));
  // Two more are of the sign-up and the login.
  expect(sentences).toHaveLength(AUDIT_EVENTS.length + 2);
  expect(new Set(sentences).size).toBe(AUDIT_EVENTS.length);
  for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z][^.{}_]+$/);
  expect(textOf({ text })).toContain("203.0.113.0/24");
});

it("shows a failed login as refused, to its owner", async () => {
  const client = await newPageClient(call);
  const body = encoded({ email: client.email, password: "wrong password" });
  await call("POST", "/console/login", { headers: { ...SAME_ORIGIN, ...FORM }, body });
  await settled();
  const { text } = await client.open(LIST);
  expect(textOf({ text })).toMatch(/Failed log-in attempt Denied/);
  expect(textOf({ text })).toContain("1 denied");
});

it("draws a bar a day of the last thirty, and has the same as a table", async () => {
  const client = await newPageClient(call);
  const userId = await idOf(client);
  for (const daysAgo of [29, 3, 3, 3]) await written(userId, "user.changed", "done", daysAgo);
  await written(userId, "credential.refused", "refused", 3);
  await written(userId, "user.changed", "done", 31);
  const { text } = await client.open(LIST);
  const [svg = ""] = /<svg[^>]*role="img".*?<\/svg>/s.exec(text) ?? [];
  const barsOf = (name: string) =>
    [...(new RegExp(`class="${name}" d="([^"]*)"`).exec(svg)?.[1] ?? "").matchAll(/M[^M]+/g)].join(
      " ",
    );
  const { format } = new Intl.DateTimeFormat("en-US", { dateStyle: "medium", timeZone: "UTC" });
  const dayOf = (ago: number) => format(Date.now() - ago * 86_400_000);
  expect(barsOf("none").split(" M")).toHaveLength(30);
  // Four of a day are as high as the chart is: three quarters done, one refused on top.
  expect(barsOf("done")).toBe("M1.5 100v-25h7v25z M261.5 100v-75h7v75z M291.5 100v-50h7v50z");
  expect(barsOf("refused")).toBe("M261.5 25v-25h7v25z");
  expect(svg).toContain("6 success and 1 denied in 30 days");
  expect(textOf({ text })).toContain(`${dayOf(3)} 3 1`);
  expect(textOf({ text })).toContain("6 success");
});

it("leads to older events, without the chart, each event once", async () => {
  const client = await newPageClient(call);
  const userId = await idOf(client);
  for (let i = 0; i < 7; i++) await written(userId, "user.changed", "done", i + 1);
  let last = "";
  let path: string | undefined = `${LIST}?limit=4`;
  const counts: number[] = [];
  while (path !== undefined && counts.length < 9) {
    const { text } = await client.open(path);
    expect(text.includes("Last 30 days")).toBe(counts.length === 0);
    counts.push([...text.matchAll(/<th scope="row">(?!\w{3} \d)[A-Z]/g)].length);
    const [, next] = /rel="next" href="(\/console\/activity\?cursor=[^"]+)"/.exec(text) ?? [];
    path = next === undefined ? undefined : `${next}&limit=4`;
    if (next === undefined) last = text;
  }
  expect(counts).toEqual([4, 4, 1]);
  const [, previous] = /rel="prev" href="([^"]+)"/.exec(last) ?? [];
  const { text } = await client.open(`${previous}&limit=4`);
  expect(text).toContain('rel="prev"');
  expect(text.match(/<th scope="row">[A-Z]/g)).toHaveLength(4);
});

const newToken = (client: PageClient, name: string) =>
  client.send("/console/tokens/new", { name, lifetime: "3600", scopes: "tokens:read" });

it("names what an event is about, and leads to it", async () => {
  const client = await newPageClient(call);
  await newToken(client, "CI <i>א");
  const { text } = await client.open(LIST);
  expect(text).toMatch(
    /API token created <a href="\/console\/tokens\/[0-9a-f-]{36}"><bdi>CI &lt;i&gt;א<\/bdi><\/a>/,
  );
});

it("is filtered by what the address says, and keeps that in the form, the pages and the files", async () => {
  const client = await newPageClient(call);
  await newToken(client, "Nightly backup");
  const rows = async (query: string) =>
    [...(await client.open(`${LIST}?${query}`)).text.matchAll(/<th scope="row">([^<]+?) ?</g)].map(
      ([, sentence]) => sentence?.trim(),
    );
  expect(await rows("group=tokens")).toEqual(["API token created"]);
  expect(await rows("q=NIGHTLY&outcome=done")).toEqual(["API token created"]);
  expect(await rows("q=account+created")).toEqual(["Account created"]);
  expect(await rows("outcome=refused")).toEqual([]);
  expect((await client.open(`${LIST}?outcome=refused`)).text).toContain("No matching events");
  const { text } = await client.open(`${LIST}?q=o&group=account&limit=1`);
  expect(text).toContain('value="o"');
  expect(text).toContain('<option value="account" selected');
  expect(text).toContain(`href="${LIST}/export?q=o&amp;group=account&amp;format=csv"`);
  for (const query of ["group=x", "outcome=x", "from=x", "until=2026-02-31", "from=1969-01-01"]) {
    for (const path of [LIST, `${LIST}/export`]) {
      expect((await client.open(`${path}?${query}`)).status, query).toBe(400);
    }
  }
});

it("a day is one of the reader's own zone", async () => {
  const client = await newPageClient(call);
  const userId = await idOf(client);
  const noon = Date.parse(
    `${new Date(Date.now() - 9 * 86_400_000).toISOString().slice(0, 10)}T12:00:00Z`,
  );
  // At 23:00 UTC it is the next day in Kolkata.
  await written(userId, "user.changed", "done", (Date.now() - noon - 11 * 3_600_000) / 86_400_000);
  const day = new Date(noon).toISOString().slice(0, 10);
  const found = async (zone: string) =>
    (
      await call("GET", `${LIST}?from=${day}&until=${day}`, {
        headers: { cookie: `${COOKIE}=${client.secret}; ${COOKIE}-zone=${zone}` },
      })
    ).text.includes("Profile changed");
  expect([await found("UTC"), await found("Asia/Kolkata"), await found("No/Zone")]).toEqual([
    true,
    false,
    true,
  ]);
});

it("is exported as it is filtered, of its owner alone, and no cell is a formula", async () => {
  const client = await newPageClient(call);
  const other = await newPageClient(call);
  await newToken(other, "not theirs");
  const names = ['=HYPERLINK("https://x.invalid")', "+1", "-1", "@SUM(1)", 'say "hi", ok', "＝1"];
  for (const name of names) await newToken(client, name);
  const csv = await client.open(`${LIST}/export?group=tokens&format=csv`);
  expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8");
  expect(csv.headers.get("content-disposition")).toMatch(
    /^attachment; filename="activity-\d{4}-\d\d-\d\d-to-\d{4}-\d\d-\d\d\.csv"$/,
  );
  const lines = csv.text.split("\r\n");
  expect([lines.length, lines.at(-1)]).toEqual([names.length + 2, ""]);
  const cells = [
    `"'=HYPERLINK(""https://x.invalid"")"`,
    `"'+1"`,
    `"'-1"`,
    `"'@SUM(1)"`,
    `"say ""hi"", ok"`,
    `"'＝1"`,
  ];
  for (const [i, cell] of cells.entries()) {
    expect(lines[names.length - i]).toContain(`"API token created","done",${cell},`);
  }
  const json = await client.open(`${LIST}/export?format=json&q=hi`);
  expect(json.json).toMatchObject({
    continues_at: null,
    events: [{ event: "token.created", object: 'say "hi", ok', outcome: "done" }],
  });
  expect(csv.text).not.toContain("not theirs");
  expect((await client.open(`${LIST}/export?format=xml`)).status).toBe(400);
  expect((await call("GET", `${LIST}/export?format=csv`)).status).toBe(303);
});

it("shows nobody's but their own", async () => {
  const client = await newPageClient(call);
  const other = await newPageClient(call);
  await other.send("/console/tokens/new", { name: "x", lifetime: "3600", scopes: "tokens:read" });
  expect(textOf(await other.open(LIST))).toContain("API token created");
  expect(textOf(await client.open(LIST))).not.toContain("API token created");
});
