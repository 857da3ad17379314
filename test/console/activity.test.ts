import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { AUDIT_EVENTS } from "../../src/core/events.ts";
import { isolate } from "../support/service.ts";
import { idOf } from "./forms.ts";
import { textOf } from "./html.ts";
import { encoded, FORM, newPageClient, SAME_ORIGIN } from "./page-client.ts";

const { call, settled } = isolate();
const LIST = "/console/activity";

/** Writes an event of the user, so many days ago. */
async function written(userId: string, what: string, outcome: string, daysAgo = 0) {
  const at = Date.now() - daysAgo * 86_400_000;
  const time = at.toString(16).padStart(12, "0");
  const id = `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`;
  await env.DB.prepare(
    `INSERT INTO events (user_id, id, at, what, outcome, actor, address)
      VALUES (?, ?, ?, ?, ?, ?, '203.0.113.0/24')`,
  )
    .bind(userId, id, at, what, outcome, userId)
    .run();
}

it("shows each event as a sentence with its outcome, newest first", async () => {
  const client = await newPageClient(call);
  const userId = await idOf(client);
  for (const what of AUDIT_EVENTS) await written(userId, what, "done");
  const { text } = await client.open(`${LIST}?limit=100`);
  const rows = [...text.matchAll(/<th scope="row">([^<]+)</g)].map(([, sentence = ""]) => sentence);
  const sentences = rows.filter((row) => !/^\d{4}-/.test(row));
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
  expect(textOf({ text })).toMatch(/Somebody tried a wrong password refused/);
  expect(textOf({ text })).toContain("1 refused");
});

it("draws a bar a day of the last thirty, and has the same as a table", async () => {
  const client = await newPageClient(call);
  const userId = await idOf(client);
  for (const daysAgo of [29, 3, 3, 3]) await written(userId, "user.changed", "done", daysAgo);
  await written(userId, "credential.refused", "refused", 3);
  await written(userId, "user.changed", "done", 31);
  const { text } = await client.open(LIST);
  const [svg = ""] = /<svg[^>]*role="img".*?<\/svg>/s.exec(text) ?? [];
  const days = [...svg.matchAll(/<title>([^<]+)<\/title>/g)].map(([, title = ""]) => title);
  const dayOf = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
  expect(days).toHaveLength(30);
  expect(days[0]).toBe(`${dayOf(29)}: 1 done, 0 refused`);
  expect(days[26]).toBe(`${dayOf(3)}: 3 done, 1 refused`);
  expect(days[29]).toBe(`${dayOf(0)}: 2 done, 0 refused`);
  // Four of a day are as high as the chart is: three quarters done, one refused on top.
  expect(svg).toContain('<rect class="done" x="261.5" y="25" width="7" height="75"');
  expect(svg).toContain('<rect class="refused" x="261.5" y="0" width="7" height="25"');
  expect(textOf({ text })).toContain(`${dayOf(3)} 3 1`);
  expect(textOf({ text })).toContain("6 done");
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
    expect(text.includes("The last 30 days")).toBe(counts.length === 0);
    counts.push([...text.matchAll(/<th scope="row">[A-Z]/g)].length);
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

it("shows nobody's but their own", async () => {
  const client = await newPageClient(call);
  const other = await newPageClient(call);
  await other.send("/console/tokens/new", { name: "x", lifetime: "3600", scopes: "tokens:read" });
  expect(textOf(await other.open(LIST))).toContain("You made an API token");
  expect(textOf(await client.open(LIST))).not.toContain("You made an API token");
});
