import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { clientOf, locationOf } from "../../src/core/devices.ts";
import { mailbox, only, serve } from "../recovery/mailbox.ts";
import { at, itemsAt, type Login, type Send, textAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { DB } from "../support/database.ts";

const CHROME =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0";

describe("what a client says that it is", () => {
  it.each([
    [CHROME, "Chrome", "Windows"],
    [`${CHROME} Edg/150.0.0.0`, "Edge", "Windows"],
    [`${CHROME} OPR/110.0`, "Opera", "Windows"],
    [FIREFOX, "Firefox", "Linux"],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1",
      "Safari",
      "iPhone",
    ],
    [
      "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 Chrome/150.0 Mobile Safari/537.36",
      "Chrome",
      "Android",
    ],
    ["curl/8.9.1", "curl", null],
    ["okhttp/5.1.0", "okhttp", null],
    ["", null, null],
    // Whatever is sent: no dot that an email shows as a link, no blank, nothing long, nothing that is not ASCII.
    ["evil.example/1.0", null, null],
    ["Call-0900-now please/1", null, null],
    [`${"a".repeat(33)}/1`, null, null],
    ["<script>/1", null, null],
    ["\u202Etxet/1 (Windows)", null, "Windows"],
  ])("%s", (userAgent, browser, system) => {
    expect(clientOf(userAgent)).toEqual({ browser, system });
  });

  it.each([
    ["DE", "Köln", "DE", "Köln"],
    ["T1", undefined, "T1", null],
    ["XX", "Köln", null, null],
    ["de", "Köln", null, null],
    ["FR", "<b>", "FR", null],
    ["FR", "x".repeat(61), "FR", null],
    [7, {}, null, null],
  ])("a place: %s, %s", (country, city, shownCountry, shownCity) => {
    expect(locationOf(country, city)).toEqual({ country: shownCountry, city: shownCity });
  });
});

interface From {
  readonly ua?: string;
  readonly ip?: string;
  readonly country?: string;
}

const from = ({ ua = CHROME, ip = "203.0.113.7", country = "DE" }: From): Send => ({
  headers: { "user-agent": ua, "cf-connecting-ip": ip },
  cf: { country, city: "Köln" },
});

/** @returns the access JWT */
async function logIn(place: Pick<ReturnType<typeof isolate>, "send">, user: Login, where: From) {
  const { email, password } = user;
  const answer = await place.send("POST", "/api/token/", {
    ...from(where),
    json: { email, password },
  });
  return { access: textAt(answer, "access"), refresh: textAt(answer, "refresh") };
}

const devices = async (userId: string) =>
  (await DB.prepare("SELECT * FROM devices WHERE user_id = ?").bind(userId).all()).results;

const ELSEWHERE = "198.51.100.9";

describe("GET /rest/user/logins", () => {
  it("says with what, from which device and place, this one first", async () => {
    const here = isolate();
    const user = await here.newUser();
    const { access } = await logIn(here, user, {});
    await logIn(here, user, { ua: FIREFOX, country: "FR" });
    const answer = await here.send("GET", "/rest/user/logins", { bearer: access });
    const [mine, other] = itemsAt(answer, "payload");
    expect(mine).toMatchObject({
      current: true,
      kind: "jwt_pair",
      way: "password",
      browser: "Chrome",
      system: "Windows",
      country: "DE",
      city: "Köln",
    });
    expect(other).toMatchObject({ current: false, browser: "Firefox", country: "FR" });
    expect(itemsAt(answer, "devices")).toHaveLength(2);
    // Of one a page, in the same order, and none twice.
    const first = await here.send("GET", "/rest/user/logins?limit=1", { bearer: access });
    const rest = `/rest/user/logins?limit=1&cursor=${textAt(first, "next_cursor")}`;
    const second = await here.send("GET", rest, { bearer: access });
    expect([...itemsAt(first, "payload"), ...itemsAt(second, "payload")]).toEqual([mine, other]);
    expect([itemsAt(second, "devices"), at(second, "next_cursor")]).toEqual([[], null]);
  });

  it("logs out one, or all others; neither is another user's", async () => {
    const here = isolate();
    const [user, stranger] = [await here.newUser(), await here.newUser()];
    const [mine, one, two] = [
      await logIn(here, user, {}),
      await logIn(here, user, {}),
      await logIn(here, user, {}),
    ];
    const theirs = await logIn(here, stranger, {});
    const list = await here.send("GET", "/rest/user/logins", { bearer: one.access });
    const path = `/rest/user/logins/${textAt(list, "payload", "0", "id").toUpperCase()}`;
    expect((await here.send("DELETE", path, { bearer: theirs.access })).status).toBe(404);
    const statuses = [];
    for (let i = 0; i < 2; i++) {
      statuses.push((await here.send("DELETE", path, { bearer: mine.access })).status);
    }
    expect(statuses).toEqual([200, 404]);
    const others = await here.send("DELETE", "/rest/user/logins", { bearer: mine.access });
    expect(at(others, "payload")).toEqual({ revoked: 1, all: true });
    const open = async ({ access }: { access: string }) =>
      (await here.send("GET", "/rest/user", { bearer: access })).status;
    expect(await Promise.all([mine, one, two, theirs].map(open))).toEqual([200, 401, 401, 200]);
  });

  it("keeps no place where no address may be kept", async () => {
    const here = isolate({ EVENT_ADDRESS: "none" });
    const user = await here.newUser();
    await logIn(here, user, {});
    const [row] = await devices(user.id);
    expect(row).toMatchObject({ browser: "Chrome", country: null, city: null });
    const { results } = await DB.prepare(
      "SELECT detail, city, address FROM tokens WHERE user_id = ?",
    )
      .bind(user.id)
      .all();
    expect(JSON.stringify(results)).not.toMatch(/DE|Köln|203\.0/);
  });

  it("knows the newest 50 devices of a user, and twenty networks of each", async () => {
    const here = isolate();
    const user = await here.newUser();
    for (let i = 0; i < 53; i++) await logIn(here, user, { ua: `app${i}/1` });
    for (let i = 0; i < 22; i++) await logIn(here, user, { ua: "app52/1", ip: `203.0.113.${i}` });
    const rows = await devices(user.id);
    expect(rows).toHaveLength(50);
    const last = rows.find(({ browser }) => browser === "app52");
    expect(Object.keys(JSON.parse(String(last?.networks)))).toHaveLength(20);
  });
});

describe("the notice of a new log-in", () => {
  const noticesAfter = async (...wheres: readonly From[]) => {
    const post = mailbox();
    const place = serve();
    const user = await place.newProvenUser();
    for (const where of wheres) await logIn(place, user, where);
    await place.housekeeping();
    return post.takeNotices().flatMap(({ data }) => data.notices.map(({ login }) => login));
  };
  const news = {
    browser: "Firefox",
    system: "Linux",
    country: "DE",
    city: "Köln",
    way: "password",
  };

  it.each<[string, readonly From[], readonly unknown[]]>([
    ["of the first one", [{}], []],
    ["of the same again", [{}, {}], []],
    ["of a known device in another network", [{}, { ip: ELSEWHERE }], []],
    ["of another device in a known network", [{}, { ua: FIREFOX }], []],
    ["of another device in another network", [{}, { ua: FIREFOX, ip: ELSEWHERE }], [news]],
    [
      "of the same browser in another network of another country",
      [{}, { ip: ELSEWHERE, country: "BR" }],
      [{ ...news, browser: "Chrome", system: "Windows", country: "BR" }],
    ],
    [
      "of the same again, once it was told of",
      [{}, { ua: FIREFOX, ip: ELSEWHERE }, { ua: FIREFOX, ip: "192.0.2.3" }],
      [news],
    ],
  ])("%s", async (_, wheres, told) => {
    expect(await noticesAfter(...wheres)).toEqual(told);
  });

  it("goes to no email that was never proven", async () => {
    const post = mailbox();
    const place = serve();
    const user = await place.newUser();
    for (const where of [{}, { ua: FIREFOX, ip: ELSEWHERE }]) await logIn(place, user, where);
    await place.housekeeping();
    expect(post.takeNotices()).toEqual([]);
  });

  it.each(["0", "300"])("has a link that ends it and nothing else, at a lag of %s", async (lag) => {
    const post = mailbox();
    const place = serve({ settings: { REVOCATION_LAG_SECONDS: lag } });
    const user = await place.newProvenUser();
    const mine = await logIn(place, user, {});
    const { email: email_id, password } = user;
    const opened = { ...from({ ua: FIREFOX, ip: ELSEWHERE }), json: { email_id, password } };
    const thief = await place.text("data.token", "POST", "/tokens", opened);
    await place.housekeeping();
    const { revoke } = only(post.takeNotices()).data;
    const path = new URL(revoke?.link ?? "").pathname;
    const open = async (at = place) => [
      (await at.send("GET", "/tokens", { xToken: thief })).status,
      (await at.send("POST", "/api/token/refresh/", { json: { refresh: mine.refresh } })).status,
    ];
    // As a scanner opens it.
    for (const method of ["HEAD", "GET"]) expect((await place.send(method, path)).status).toBe(200);
    expect(await open()).toEqual([200, 200]);
    const token = revoke?.token ?? "";
    expect((await place.verify(token)).status).toBe(200);
    // Also where another isolate trusts KV alone.
    const elsewhere = serve({ settings: { REVOCATION_LAG_SECONDS: lag } });
    for (const each of [place, elsewhere]) expect(await open(each)).toEqual([400, 200]);
    expect(at(await place.verify(token), "reason")).toBe("used");
    const { items } = await place.services.audit.list(user.id, { limit: 5, after: null });
    expect(items.map(({ what }) => what)).toContain("login.revoked");
  });

  it("is written once an hour for a password beside each request, and again by none", async () => {
    const post = mailbox();
    const writes: string[] = [];
    const bindings = intercept(({ label }, run) => {
      if (label.includes("devices")) writes.push(label);
      return run();
    }, env);
    const place = serve({ bindings: { ...env, ...bindings } });
    const user = await place.newProvenUser();
    const nowMs = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: nowMs - (nowMs % 3_600_000) + 60_000 });
    await logIn(place, user, {});
    writes.length = 0;
    const ask = () =>
      place.send("GET", "/rest/user", { ...from({ ua: "curl/8", ip: ELSEWHERE }), basic: user });
    for (let i = 0; i < 3; i++) expect((await ask()).status).toBe(200);
    expect(writes).toHaveLength(1);
    // One without a row cannot be revoked alone.
    await place.housekeeping();
    writes.length = 0;
    const { notices, revoke } = only(post.takeNotices()).data;
    expect([notices[0]?.login?.browser, notices[0]?.subject, revoke]).toEqual(["curl", null, null]);
    vi.setSystemTime(Date.now() + 3_600_000);
    await ask();
    expect(writes).toHaveLength(1);
    expect(await devices(user.id)).toHaveLength(2);
  });

  it("of a wrong password there is none, and no device", async () => {
    const here = isolate();
    const user = await here.newUser();
    await here.send("GET", "/rest/user", {
      ...from({}),
      basic: { ...user, password: "wrong one" },
    });
    expect(await devices(user.id)).toEqual([]);
  });
});
