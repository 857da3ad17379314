import type { TestUser } from "../support/client.ts";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { mailbox, only, scene, serve, type Service } from "./mailbox.ts";
import { DB } from "../support/database.ts";

/** What owners are told: queued with the change, merged, never lost. And what an address gets at most. */

const DAY = 86_400;

beforeEach(async () => {
  await DB.batch(["notices", "mails"].map((table) => DB.prepare(`DELETE FROM ${table}`)));
});

const newToken = ({ send }: Service, basic: TestUser, more: object = {}) =>
  send("POST", "/rest/token", { basic, json: { name: "x", ...more } });
const kinds = (mails: ReturnType<ReturnType<typeof mailbox>["takeNotices"]>) =>
  mails.map(({ data }) => data.notices.map(({ kind }) => kind));
const waiting = () => DB.prepare("SELECT COUNT(*) AS n FROM notices").first("n");

describe("a security notice", () => {
  it("goes out for each way in that changes", async () => {
    const { post, tick, place, user } = await scene();
    const password = { password: "another password", current_password: user.password };
    await place.send("PATCH", "/rest/user", { basic: user, json: password });
    const now = { ...user, password: password.password };
    tick(60);
    const made = await newToken(place, now);
    tick(120);
    await newToken(place, now, { scopes: ["account:read"] });
    await DB.prepare(
      `INSERT INTO identities (issuer, subject, user_id, created_at) VALUES ('https://a.example', 'ada', ?1, 1)`,
    )
      .bind(user.id)
      .run();
    const linked = await place.text("payload.0.id", "GET", "/rest/user/identities", { basic: now });
    await place.send("DELETE", `/rest/user/identities/${linked}`, { basic: now });
    tick(180);
    await place.askReset(user.email);
    expect((await place.run(only(post.take()).data.token, "a third password")).status).toBe(200);
    const mails = post.takeNotices();
    expect(kinds(mails)).toEqual([
      ["password_changed"],
      ["api_token_created"],
      ["identity_unlinked"],
      ["password_changed"],
    ]);
    expect(mails.every(({ data }) => data.to === user.email && data.undo === null)).toBe(true);
    expect(mails[1]?.data.notices[0]?.subject).toBe(
      Reflect.get(Object(Reflect.get(Object(made.json), "payload")), "uuid"),
    );
    expect(await waiting()).toBe(0);
  });

  it("is merged with others of its minute, and none is dropped", async () => {
    const { post, tick, place, user } = await scene();
    for (let n = 0; n < 5; n++) await newToken(place, user);
    expect(kinds(post.takeNotices())).toEqual([["api_token_created"]]);
    tick(60);
    await place.housekeeping();
    expect(kinds(post.takeNotices())).toEqual([Array(4).fill("api_token_created")]);
    tick(120);
    await place.housekeeping();
    expect(post.takeNotices()).toEqual([]);
  });

  it("is not held back by what strangers had sent to the address", async () => {
    const { post, tick, place, user } = await scene();
    for (let n = 0; n < 22; n++) {
      tick(n * 61);
      await place.askReset(user.email);
    }
    expect(post.take()).toHaveLength(20);
    await newToken(place, user);
    expect(kinds(post.takeNotices())).toEqual([["api_token_created"]]);
  });

  it("comes again after the webhook failed, and after it was handed over and that was not noted", async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    let status = 400;
    const { post, tick, place, user } = await scene({
      receive: () => new Response(null, { status }),
    });
    await newToken(place, user);
    expect(post.takeNotices()).toHaveLength(1);
    expect(await waiting()).toBe(1);
    await place.housekeeping();
    expect(post.takeNotices()).toHaveLength(1);
    status = 204;
    await place.housekeeping();
    expect(kinds(post.takeNotices())).toEqual([["api_token_created"]]);
    expect(await waiting()).toBe(0);

    tick(60);
    const run = env.DB.prepare.bind(env.DB);
    const prepare = vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
      if (sql.startsWith("DELETE FROM notices")) throw new Error("D1_ERROR: gone");
      return run(sql);
    });
    await newToken(place, user);
    expect(post.takeNotices()).toHaveLength(1);
    prepare.mockRestore();
    tick(119);
    await place.housekeeping();
    expect(post.takeNotices()).toEqual([]);
    tick(121);
    await place.housekeeping();
    expect(post.takeNotices()).toHaveLength(1);
    expect(await waiting()).toBe(0);
  });

  it("one that always fails keeps back no other", async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    let isDown = true;
    const post = mailbox((_, init) => {
      const fails = isDown || String(init.body).includes(bad.email);
      return new Response(null, { status: fails ? 400 : 204 });
    });
    const place = serve();
    const [bad, good] = [await place.newProvenUser(), await place.newProvenUser()];
    for (const user of [bad, good]) await newToken(place, user);
    isDown = false;
    await place.housekeeping();
    expect(post.takeNotices()).toHaveLength(4);
    const left = await DB.prepare("SELECT email FROM notices").all();
    expect(left.results).toEqual([{ email: bad.email }]);
  });

  it("of two that send at once goes out once", async () => {
    const post = mailbox();
    const [here, elsewhere] = [serve(), serve()];
    const user = await here.newProvenUser();
    await DB.prepare(
      "INSERT INTO notices (user_id, id, email, kind, at, due_at) VALUES (?, x'00', ?, 'password_changed', 1, 1)",
    )
      .bind(user.id, user.email)
      .run();
    await Promise.all([here.housekeeping(), elsewhere.housekeeping(), here.housekeeping()]);
    expect(post.takeNotices()).toHaveLength(1);
  });

  it("is queued by nobody where no mail goes out, nor where the email was never proven", async () => {
    mailbox();
    const none = serve({ settings: { MAIL_WEBHOOK_URL: "", MAIL_WEBHOOK_SECRET: "" } });
    await newToken(none, await none.newProvenUser());
    await newToken(serve(), await serve().newUser());
    expect(await waiting()).toBe(0);
  });

  it("is gone with the account", async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    mailbox(() => new Response(null, { status: 400 }));
    const place = serve();
    const user = await place.newProvenUser();
    await newToken(place, user);
    expect(await waiting()).toBe(1);
    await place.send("DELETE", "/rest/user", { basic: user, json: { password: user.password } });
    expect(await waiting()).toBe(0);
  });
});

describe("an address gets one mail a minute and twenty a day", () => {
  it("by accounts that are made and deleted", async () => {
    const post = mailbox();
    const place = serve();
    const email = `${crypto.randomUUID()}@example.com`;
    const basic = { email, password: "the old password" };
    for (let n = 0; n < 4; n++) {
      await place.send("POST", "/rest/user", { json: basic });
      await place.send("POST", "/rest/user/verify_email", { basic });
      await place.send("DELETE", "/rest/user", { basic, json: basic });
    }
    expect(post.take()).toHaveLength(1);
  });

  it("by accounts that hand it on", async () => {
    const post = mailbox();
    const place = serve();
    const email = `${crypto.randomUUID()}@example.com`;
    for (let n = 0; n < 4; n++) {
      const user = await place.newProvenUser();
      const json = { email, current_password: user.password };
      await place.send("PATCH", "/rest/user", { basic: user, json });
      await place.send("POST", "/rest/user/verify_email", { basic: user });
    }
    expect(post.take().map(({ data }) => data.to)).toEqual([email]);
  });

  it("by many at once", async () => {
    const post = mailbox();
    const places = [serve(), serve(), serve(), serve()];
    const user = await serve().newProvenUser();
    await Promise.all(places.flatMap((place) => [1, 2, 3].map(() => place.askReset(user.email))));
    expect(post.take()).toHaveLength(1);
  });

  it("in any 24 hours, with five more for a network that its account knows", async () => {
    const { post, tick, place, user } = await scene();
    const from = (address: string) => ({
      json: { email: user.email },
      headers: { "cf-connecting-ip": address },
    });
    const home = "198.51.100.7";
    const json = { email_id: user.email, password: user.password };
    await place.send("POST", "/tokens", { json, headers: { "cf-connecting-ip": home } });
    const ask = async (address: string, n: number, seconds: number) => {
      for (let i = 0; i < n; i++) {
        tick(seconds + i * 61);
        await place.send("POST", "/rest/user/password_reset", from(address));
      }
      return post.take().length;
    };
    expect([
      await ask("192.0.2.1", 25, 0),
      await ask("203.0.113.9", 2, 4_000),
      await ask(home, 7, 5_000),
      await ask("192.0.2.1", 3, DAY - 300),
      // The first ones are a day old, one after the other.
      await ask("198.18.0.1", 10, DAY + 5),
    ]).toEqual([20, 0, 5, 0, 5]);
  });

  it("of leaks, which are collected and not lost", async () => {
    const { post, tick, place, user } = await scene();
    const sessions: string[] = [];
    const json = { email_id: user.email, password: user.password };
    for (let n = 0; n < 6; n++) {
      sessions.push(await place.text("data.token", "POST", "/tokens", { json }));
    }
    for (const token of sessions) {
      await place.send("POST", "/rest/leaked", { json: { tokens: [token] } });
    }
    expect(post.takeLeaks().map(({ data }) => data.tokens.length)).toEqual([1]);
    await place.askReset(user.email);
    expect(post.take()).toEqual([]);
    tick(61);
    await place.housekeeping();
    const { data } = only(post.takeLeaks());
    expect([data.to, data.tokens.length]).toEqual([user.email, 5]);
    expect(await waiting()).toBe(0);
  });

  it("none of a leak where its email was never proven, nor where its holder ends it", async () => {
    const post = mailbox();
    const place = serve();
    const [stranger, user] = [await place.newUser(), await place.newProvenUser()];
    const session = ({ email, password }: TestUser) =>
      place.text("data.token", "POST", "/tokens", { json: { email_id: email, password } });
    await place.send("POST", "/rest/leaked", { json: { tokens: [await session(stranger)] } });
    await place.send("POST", "/oauth/revoke", { form: { token: await session(user) } });
    expect(post.takeLeaks()).toEqual([]);
    expect(await waiting()).toBe(0);
  });

  it("of leaks of many owners a few after the answer, and the rest by housekeeping", async () => {
    const post = mailbox();
    const place = serve();
    const tokens: string[] = [];
    for (let n = 0; n < 12; n++) {
      const { email, password } = await place.newProvenUser();
      tokens.push(
        await place.text("data.token", "POST", "/tokens", { json: { email_id: email, password } }),
      );
    }
    await place.send("POST", "/rest/leaked", { json: { tokens } });
    expect(post.takeLeaks()).toHaveLength(5);
    await place.housekeeping();
    expect(new Set(post.takeLeaks().map(({ data }) => data.to)).size).toBe(7);
  });
});

it("a reset of an account that was never proven leaves nothing of the person who registered it", async () => {
  const post = mailbox();
  const place = serve();
  const stranger = await place.newUser();
  const other = await place.newProvenUser();
  const profile = {
    first_name: "Eve",
    phone_number: "+15551234567",
    dob: "1990-01-01",
    gender: "x",
  };
  await place.send("PATCH", "/rest/user", { basic: stranger, json: profile });
  const home = { "cf-connecting-ip": "198.51.100.7" };
  await place.send("POST", "/tokens", {
    json: { email_id: stranger.email, password: stranger.password },
    headers: home,
  });
  await place.send("PATCH", "/rest/user", {
    basic: stranger,
    json: { email: "eve@example.com", current_password: stranger.password },
  });
  post.take();
  await DB.batch([
    DB.prepare(
      "INSERT INTO contacts (user_id, contact_id, created_at) VALUES (?1, ?2, 1), (?2, ?1, 1)",
    ).bind(stranger.id, other.id),
    DB.prepare("UPDATE users SET metadata = '{\"a\":1}' WHERE id = ?").bind(stranger.id),
  ]);
  const known = () =>
    DB.prepare("SELECT COUNT(*) AS n FROM devices, json_each(devices.networks) WHERE user_id = ?")
      .bind(stranger.id)
      .first("n");
  expect(await known()).toBe(1);
  await place.askReset(stranger.email);
  expect((await place.run(only(post.take()).data.token, "the owner's own")).status).toBe(200);
  const basic = { ...stranger, password: "the owner's own" };
  const row = await DB.prepare("SELECT * FROM users WHERE id = ?").bind(stranger.id).first();
  expect(row).toMatchObject({
    first_name: null,
    phone_number: null,
    dob: null,
    gender: null,
    metadata: "{}",
    pending_email: null,
    undo_email: null,
    verified_on: expect.any(Number),
  });
  const contacts = DB.prepare(
    "SELECT COUNT(*) AS n FROM contacts WHERE ? IN (user_id, contact_id)",
  );
  expect(await contacts.bind(stranger.id).first("n")).toBe(0);
  expect(await known()).toBe(0);
  // Of one that was proven all of it stays.
  await place.send("PATCH", "/rest/user", { basic, json: profile });
  await DB.prepare("DELETE FROM mails").run();
  await place.askReset(stranger.email);
  expect((await place.run(only(post.take()).data.token, "once more their own")).status).toBe(200);
  const kept = await DB.prepare("SELECT first_name FROM users WHERE id = ?")
    .bind(stranger.id)
    .first();
  expect(kept).toEqual({ first_name: "Eve" });
});
