import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { at } from "../support/client.ts";
import { rules } from "../support/guard.ts";
import {
  alive,
  everyCredential,
  expectRefused,
  mailbox,
  only,
  scene,
  SECRET,
  serve,
  signatureOf,
} from "./mailbox.ts";
import { DB } from "../support/database.ts";

const NEW = "a new password";

it("mails are signed as Standard Webhooks' own example is", async () => {
  expect(
    await signatureOf(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", '{"test": 2432232314}'),
  ).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
});

describe.each([0, 300])("a user who forgot their password, at a revocation lag of %i", (lag) => {
  const settings = { REVOCATION_LAG_SECONDS: String(lag) };

  it("gets an email, and with it a new password and their account", async () => {
    const post = mailbox();
    const [here, elsewhere] = [serve({ settings }), serve({ settings })];
    const user = await here.newUser();
    const old = await everyCredential(here, user);
    const nowMs = Date.now();
    expect((await here.askReset(user.email)).json).toEqual({ success: true, payload: {} });

    const { type, data } = only(post.take());
    expect(type).toBe("password_reset");
    expect(data.to).toBe(user.email);
    expect(data.link).toBe(`https://latchkey.test/a/${data.token}`);
    const lifeMs = Date.parse(data.expires_at) - nowMs;
    expect(Math.round(lifeMs / 60_000)).toBe(10);
    // Until they answer, nothing has changed.
    expect(await alive(here, old)).toEqual(Object.keys(old));

    const answer = await here.run(data.token, NEW);
    expect(answer.json).toMatchObject({
      status: "action_success",
      action: "resetPassword",
      data: {},
      receipt: { run_by: user.id },
    });
    expect(await alive(here, old)).toEqual(lag === 0 ? [] : ["access JWT"]);
    // An access JWT's whole life fits into a revocation lag of 300; elsewhere the mark in KV speaks.
    expect(await alive(elsewhere, old)).toEqual(lag === 0 ? [] : ["access JWT"]);
    if (lag > 0) expect(await env.KV.get(`revoked:${user.id}:0`)).toBe("");
    const fresh = await everyCredential(elsewhere, { ...user, password: NEW });
    expect(await alive(here, fresh)).toEqual(Object.keys(fresh));
  });

  it("has their email verified with it", async () => {
    const { post, tick, place, user } = await scene({ settings, isProven: false });
    await place.askReset(user.email);
    expect((await place.run(only(post.take()).data.token, NEW)).status).toBe(200);
    tick(60);
    await place.askToVerify({ basic: { ...user, password: NEW } });
    expect(post.take()).toEqual([]);
  });

  it("may ask again with the same key where the answer was lost", async () => {
    const { post, place, user } = await scene({ settings, isProven: false });
    await place.askReset(user.email);
    const { token } = only(post.take()).data;
    const key = { headers: { "idempotency-key": "a-key" } };
    const first = await place.run(token, NEW, key);
    expect(first.status).toBe(200);
    expect((await place.run(token, NEW, key)).json).toEqual(first.json);
    expectRefused(await place.run(token, NEW), "used");
  });

  it("set by a key is not set again by it: not another, nor one that sign-up would refuse", async () => {
    const { post, place, user } = await scene({ isProven: false });
    await place.askReset(user.email);
    const { token } = only(post.take()).data;
    const key = { headers: { "idempotency-key": "form-1" } };
    expect((await place.run(token, "password number ONE", key)).status).toBe(200);
    for (const other of ["password number TWO", "short", 1, null, ""]) {
      const answer = await place.run(token, other, key);
      expect(answer).toMatchObject({
        status: 422,
        json: { message: "This Idempotency-Key was used with another request." },
      });
    }
    const logsIn = async (password: string) =>
      (await place.send("GET", "/rest/user", { basic: { ...user, password } })).status;
    expect([await logsIn("password number ONE"), await logsIn("password number TWO")]).toEqual([
      200, 401,
    ]);
    // Nothing that is kept can be tried against without the token: not by any digest of its parts.
    const { results } = await DB.prepare("SELECT * FROM receipts").all();
    for (const name of ["SHA-1", "SHA-256", "SHA-384", "SHA-512"]) {
      for (const text of ["password number ONE", '{"password":"password number ONE"}']) {
        const digest = await crypto.subtle.digest(name, new TextEncoder().encode(text));
        expect(JSON.stringify(results)).not.toContain(new Uint8Array(digest).toHex());
      }
    }
  });
});

it("a mark that KV does not take is owed, and put by housekeeping", async () => {
  const post = mailbox();
  const place = serve({ settings: { REVOCATION_LAG_SECONDS: "300", STORAGE_DEADLINE_MS: "300" } });
  const user = await place.newUser();
  await place.askReset(user.email);
  const { token } = only(post.take()).data;
  vi.spyOn(console, "error").mockReturnValue();
  const put = vi.spyOn(env.KV, "put").mockRejectedValue(new Error("KV PUT failed: 500"));
  expect((await place.run(token, NEW)).status).toBe(503);
  put.mockRestore();
  expect(await env.KV.get(`revoked:${user.id}:0`)).toBeNull();
  expect(
    (await place.send("GET", "/rest/user", { basic: { ...user, password: NEW } })).status,
  ).toBe(200);
  rules.secondPasses();
  await place.services.housekeeping(Date.now());
  expect(await env.KV.get(`revoked:${user.id}:0`)).toBe("");
});

describe("a token of a mail is still good", () => {
  it.each([
    ["too short", "short", "must be 8 to 255 characters"],
    ["too long", "x".repeat(256), "must be 8 to 255 characters"],
    ["white space", " ".repeat(8), "must not be all white space"],
    ["common", "PASSWORD1", "is among the most common ones: choose another"],
    ["no text", 12345678, "must be a string"],
    ["missing", undefined, "field is required"],
    ["a NUL", "eight\0chars", "must be well-formed text"],
  ])("after a new password that is refused: %s", async (_, password, message) => {
    const post = mailbox();
    const isCommon = (text: string) => text.toLowerCase() === "password1";
    const verify = async (sent: string, phc: string | null) =>
      phc === `new:${sent}` ? ("match" as const) : ("mismatch" as const);
    const place = serve({
      passwords: { isCommon, verify, hash: async (text) => `new:${text}` },
    });
    const user = await place.newUser();
    await place.askReset(user.email);
    const { token } = only(post.take()).data;
    expect(await place.run(token, password)).toMatchObject({
      status: 422,
      json: {
        message: "The given data was invalid.",
        errors: { "input.password": [`The input.password ${message}.`] },
      },
    });
    const none = await place.send("POST", "/api/run-action-token", { json: { token } });
    expect(at(none, "errors")).toEqual({ input: ["The input must be an object."] });
    expect((await place.run(token, NEW)).status).toBe(200);
  });

  it("after a mail scanner has followed the link", async () => {
    const { post, place, user } = await scene({ isProven: false });
    await place.askReset(user.email);
    const { token, link } = only(post.take()).data;
    for (const method of ["GET", "HEAD"]) {
      await place.send(method, link);
      await place.send(method, `/api/run-action-token?token=${token}&input={"password":"${NEW}"}`);
    }
    expect(await alive(place, { password: { basic: user } })).toEqual(["password"]);
    expect((await place.run(token, NEW)).status).toBe(200);
  });

  it("to its last millisecond, and not in the next", async () => {
    const { post, tick, place, user } = await scene({ isProven: false });
    await place.askReset(user.email);
    tick(60);
    await place.askReset(user.email);
    const [first, second] = post.take();
    tick(600);
    expectRefused(await place.run(first?.data.token ?? "", NEW), "expired");
    tick(659.999);
    expect((await place.run(second?.data.token ?? "", NEW)).status).toBe(200);
  });
});

describe("a user who is to show that a mailbox is theirs", () => {
  it("gets an email until they have, and again for a new email", async () => {
    const { post, tick, place, user } = await scene({ isProven: false });
    const basic = { email: user.email, password: user.password };
    expect(await place.askToVerify({ basic })).toMatchObject({
      status: 200,
      json: { success: true, payload: {} },
    });
    const { type, data } = only(post.take());
    expect([type, data.to]).toEqual(["verify_email", user.email]);
    // One mail a minute, whichever it is.
    await place.askToVerify({ basic });
    await place.askReset(user.email);
    expect(post.take()).toEqual([]);

    expect(await place.verify(data.token, { basic })).toMatchObject({
      status: 200,
      json: { action: "verifyEmail", data: { email: user.email } },
    });
    expectRefused(await place.verify(data.token, { basic }), "used");
    tick(60);
    await place.askToVerify({ basic });
    expect(post.take()).toEqual([]);

    const moved = { email: `new.${user.email}`, password: user.password };
    const json = { email: moved.email, current_password: user.password };
    expect((await place.send("PATCH", "/rest/user", { basic, json })).status).toBe(200);
    expect(only(post.take()).data.to).toBe(moved.email);
    tick(120);
    await place.askToVerify({ basic });
    const proof = only(post.take());
    expect(proof.data.to).toBe(moved.email);
    expect((await place.verify(proof.data.token, { basic })).status).toBe(200);
    expect(await alive(place, { old: { basic }, moved: { basic: moved } })).toEqual(["moved"]);
  });

  it("keeps every credential that they have", async () => {
    const { post, place, user } = await scene({ isProven: false });
    const all = await everyCredential(place, user);
    await place.askToVerify({ basic: user });
    const { token } = only(post.take()).data;
    expect((await place.verify(token, { basic: user })).status).toBe(200);
    expect(await alive(place, all)).toEqual(Object.keys(all));
  });
});

describe("an account that a stranger may have made before", () => {
  const link = (userId: string, subject: string) =>
    DB.prepare(
      "INSERT INTO identities (issuer, subject, user_id, created_at) VALUES ('https://issuer.test', ?, ?, 1)",
    )
      .bind(subject, userId)
      .run();
  const linked = (userId: string) =>
    DB.prepare("SELECT count(*) AS n FROM identities WHERE user_id = ?")
      .bind(userId)
      .first<number>("n");

  it("is opened by no identity that was linked before its email was proven", async () => {
    const { post, place: service, user } = await scene({ isProven: false });
    await link(user.id, "stranger");
    await service.askReset(user.email);
    expect((await service.run(only(post.take()).data.token, NEW)).status).toBe(200);
    expect(await linked(user.id)).toBe(0);
  });

  it("nor by one that was linked after", async () => {
    const { post, place: service, user } = await scene();
    await link(user.id, "herself");
    await service.askReset(user.email);
    expect((await service.run(only(post.take()).data.token, NEW)).status).toBe(200);
    expect(await linked(user.id)).toBe(0);
  });
});

it("a new password that has leaked is refused, and uses nothing up", async () => {
  const post = mailbox();
  const service = serve({ settings: { PWNED_PASSWORDS: "on" } });
  const user = await serve().newUser();
  await service.askReset(user.email);
  const { token } = only(post.take()).data;
  vi.restoreAllMocks();
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(NEW));
  const suffix = new Uint8Array(digest).toHex().toUpperCase().slice(5);
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response(`${suffix}:42\r\n`));
  const refused = await service.run(token, NEW);
  expectRefused(refused, "rejected");
  expect(at(refused, "message")).toBe("This password has leaked: choose another.");
  expect((await service.run(token, "another new password")).status).toBe(200);
});
