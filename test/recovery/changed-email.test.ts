import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type Answered, at, type TestUser } from "../support/client.ts";
import {
  alive,
  everyCredential,
  expectRefused,
  mailbox,
  only,
  scene,
  serve,
  type Service,
} from "./mailbox.ts";
import { DB } from "../support/database.ts";

/** A new email counts once it is proven, and the old mailbox can take the account back. */

const NEW = "a new password";
const DAY = 86_400;

const fresh = (name = "new") => `${name}.${crypto.randomUUID()}@example.com`;

const patch = ({ send }: Service, user: TestUser, json: object) =>
  send("PATCH", "/rest/user", {
    basic: user,
    json: { current_password: user.password, ...json },
    headers: { "cf-connecting-ip": "192.0.2.1" },
  });
const read = async ({ send }: Service, user: TestUser) =>
  Object(at(await send("GET", "/rest/user", { basic: user }), "payload"));

/** Changes the email and proves the new one. @returns the account under it */
async function moved(
  place: Service,
  post: ReturnType<typeof mailbox>,
  user: TestUser,
  email: string,
): Promise<TestUser> {
  expect((await patch(place, user, { email })).status).toBe(200);
  const { data } = only(post.take());
  expect(data.to).toBe(email);
  expect((await place.verify(data.token, { basic: user })).status).toBe(200);
  return { ...user, email };
}

describe("a new email", () => {
  it("is pending until its mailbox has answered, and the old one is told", async () => {
    const { post, tick, place, user } = await scene();
    const email = fresh();
    expect(at(await patch(place, user, { email }), "payload")).toMatchObject({
      email: user.email,
      email_verified: true,
      pending_email: email,
    });
    const notice = only(post.takeNotices()).data;
    expect(notice.to).toBe(user.email);
    expect(notice.notices.map(({ kind }) => kind)).toEqual(["email_change_requested"]);
    expect(notice.undo?.link).toContain(`/a/${notice.undo?.token}`);
    const lifeMs = Date.parse(notice.undo?.expires_at ?? "") - Date.now();
    expect(lifeMs).toBe(7 * DAY * 1000);
    const proof = only(post.take());
    // Nobody is logged in by it, and no reset goes to it.
    expect(await alive(place, { it: { basic: { ...user, email } } })).toEqual([]);
    tick(120);
    await place.askReset(email);
    expect(post.take()).toEqual([]);

    expect((await place.verify(proof.data.token, { basic: user })).status).toBe(200);
    const now = { ...user, email };
    expect(await read(place, now)).toMatchObject({
      email,
      email_verified: true,
      pending_email: null,
    });
    expect(await alive(place, { old: { basic: user } })).toEqual([]);
    const told = only(post.takeNotices()).data;
    expect([told.to, told.notices.map(({ kind }) => kind)]).toEqual([
      user.email,
      ["email_changed"],
    ]);
    expect(told.undo).not.toBeNull();
    const events = await place.send("GET", "/rest/audit", { basic: now });
    const whats = (at(events, "payload") as { what: string }[]).map(({ what }) => what);
    expect(whats).toEqual(expect.arrayContaining(["email.requested", "email.changed"]));
  });

  it("is proven by its own mail alone, by nobody but its user", async () => {
    const { post, place, user } = await scene();
    const other = await place.newProvenUser();
    const [first, second] = [fresh("a"), fresh("b")];
    await patch(place, user, { email: first });
    const one = only(post.take()).data.token;
    expectRefused(await place.verify(one, { basic: other }), "audience");
    expect((await place.verify(one)).status).toBe(401);
    await patch(place, user, { email: second });
    const two = only(post.take()).data.token;
    expectRefused(await place.verify(one, { basic: user }), "rejected");
    // The present one again takes it back.
    expect(at(await patch(place, user, { email: user.email }), "payload", "pending_email")).toBe(
      null,
    );
    expectRefused(await place.verify(two, { basic: user }), "rejected");
    expect(await read(place, user)).toMatchObject({ email: user.email, pending_email: null });
  });

  it("that is taken gets the same answer, and no mail", async () => {
    const { post, place, user } = await scene();
    const taken = await place.newProvenUser();
    const [one, two] = [
      await patch(place, user, { email: taken.email }),
      await patch(place, user, { email: fresh() }),
    ];
    const shape = ({ status, json }: Answered) => [
      status,
      Object.keys(Object(Object(json).payload)),
    ];
    expect(shape(one)).toEqual(shape(two));
    expect(post.take().map(({ data }) => data.to)).not.toContain(taken.email);
    expect(at(one, "payload", "pending_email")).toBe(taken.email);
  });

  it("of two who want it goes to the one that proves it first", async () => {
    const { post, tick, place, user: ann } = await scene();
    const ben = await place.newProvenUser();
    const email = fresh();
    await patch(place, ann, { email });
    tick(61);
    await patch(place, ben, { email });
    const [one, two] = post.take().map(({ data }) => data.token);
    expect((await place.verify(two ?? "", { basic: ben })).status).toBe(200);
    expectRefused(await place.verify(one ?? "", { basic: ann }), "rejected");
    expect(await read(place, ann)).toMatchObject({ email: ann.email });
  });

  it("without mail counts at once, or is 409 as at sign-up, and limited like it", async () => {
    mailbox();
    const limits: string[] = [];
    const limit = async ({ key }: { key: string }) => {
      limits.push(key);
      return { success: limits.length < 3 };
    };
    const none = { MAIL_WEBHOOK_URL: "", MAIL_WEBHOOK_SECRET: "" };
    const bindings = { KV: env.KV, DB: env.DB, SIGN_UP_LIMIT: { limit } };
    const place = serve({ settings: none, bindings });
    const [user, taken] = [await serve().newUser(), await serve().newUser()];
    expect((await patch(place, user, { email: taken.email })).status).toBe(409);
    // A wrong password comes first, and learns nothing.
    const wrong = { email: taken.email, current_password: "not theirs at all" };
    expect((await patch(place, user, wrong)).status).toBe(401);
    expect(limits).toHaveLength(1);
    const email = fresh();
    expect(at(await patch(place, user, { email }), "payload")).toMatchObject({
      email,
      pending_email: null,
      email_verified: false,
    });
    expect((await patch(place, { ...user, email }, { email: taken.email })).status).toBe(429);
  });
});

describe("the mailbox of the old email", () => {
  it.each([
    ["before the new one is proven", false, 0],
    ["after it, and after a new password", true, 6],
  ])("takes the account back %s", async (_, isProven, days) => {
    const { post, tick, place, user } = await scene();
    const email = fresh("thief");
    let now: TestUser = user;
    if (isProven) now = await moved(place, post, user, email);
    else await patch(place, user, { email });
    const { undo: back } = only(post.takeNotices().slice(0, 1)).data;
    if (isProven) {
      expect((await patch(place, now, { password: NEW })).status).toBe(200);
      now = { ...now, password: NEW };
    }
    tick(days * DAY);
    const held = await everyCredential(place, now);
    expect((await place.verify(back?.token ?? "")).json).toMatchObject({
      action: "undoEmailChange",
      data: { email: user.email },
    });
    expect(await alive(place, held)).toEqual([]);
    const row = await DB.prepare("SELECT * FROM users WHERE id = ?").bind(user.id).first();
    expect(row).toMatchObject({
      email: user.email,
      verified_on: expect.any(Number),
      pending_email: null,
      undo_email: null,
      password: "",
    });
    // And then chooses a new password.
    post.take();
    tick(days * DAY + 61);
    await place.askReset(user.email);
    expect((await place.run(only(post.take()).data.token, "theirs again")).status).toBe(200);
    const theirs = { ...user, password: "theirs again" };
    expect(await alive(place, { theirs: { basic: theirs } })).toEqual(["theirs"]);
    expectRefused(await place.verify(back?.token ?? ""), "used");
  });

  it("not after seven days, nor by another's token", async () => {
    const { post, tick, place, user } = await scene();
    const other = await place.newProvenUser();
    await patch(place, user, { email: fresh() });
    const token = only(post.takeNotices()).data.undo?.token ?? "";
    const as = await place.verify(token, { basic: other });
    expectRefused(as, "audience");
    tick(7 * DAY);
    expectRefused(await place.verify(token), "expired");
  });

  it("is the only one that can: an address in between gets no such token", async () => {
    const { post, tick, place, user } = await scene();
    const thief = await moved(place, post, user, fresh("thief"));
    const [first] = post.takeNotices();
    tick(120);
    // Back and forth, so that the thief's own mailbox would get one.
    const second = await moved(place, post, thief, fresh("second"));
    tick(240);
    await moved(place, post, second, thief.email);
    const later = post.takeNotices();
    const toThief = later.filter(({ data }) => data.to !== user.email);
    expect(toThief.length).toBeGreaterThan(0);
    expect(toThief.map(({ data }) => data.undo)).toEqual(toThief.map(() => null));
    // The owner is told each time, and one token ends all others.
    const theirs = later.filter(({ data }) => data.to === user.email);
    expect(theirs.length).toBeGreaterThan(1);
    const tokens = theirs.map(({ data }) => data.undo?.token ?? "");
    expect((await place.verify(first?.data.undo?.token ?? "")).status).toBe(200);
    for (const token of tokens) expectRefused(await place.verify(token), "revoked");
  });

  it("whose email was never proven gets nothing: it may be a stranger's", async () => {
    const { post, place, user } = await scene({ isProven: false });
    await moved(place, post, user, fresh());
    expect(post.takeNotices()).toEqual([]);
  });

  it("cannot be kept out by an account that takes its email", async () => {
    const { post, place, user } = await scene();
    await moved(place, post, user, fresh("thief"));
    const json = { email: user.email, password: "squatting on it" };
    expect((await place.send("POST", "/rest/user", { json })).status).toBe(409);
    const other = await place.newProvenUser();
    await patch(place, other, { email: user.email });
    expect(post.take()).toEqual([]);
    const [{ data }] = post.takeNotices() as [ReturnType<typeof post.takeNotices>[number]];
    expect((await place.verify(data.undo?.token ?? "")).status).toBe(200);
  });

  it("has the identities removed that were linked since", async () => {
    const { post, tick, place, user } = await scene();
    const link = (subject: string, email: string, createdAt: number) =>
      DB.prepare(
        `INSERT INTO identities (issuer, subject, user_id, created_at, email)
          VALUES ('https://' || ?1, ?1, ?2, ?3, ?4)`,
      )
        .bind(`${subject}.${user.id}`, user.id, createdAt, email)
        .run();
    await link("old", user.email, 1);
    tick(60);
    await patch(place, user, { email: fresh("thief") });
    await link("same", user.email, Date.now() + 1);
    await link("other", "thief@example.com", 2);
    const { undo: back } = only(post.takeNotices()).data;
    expect((await place.verify(back?.token ?? "")).status).toBe(200);
    const { results } = await DB.prepare("SELECT subject FROM identities WHERE user_id = ?")
      .bind(user.id)
      .all();
    expect(results).toEqual([{ subject: `old.${user.id}` }]);
  });

  it("sees what will happen on a page, which does nothing by itself", async () => {
    const { post, place, user } = await scene();
    await patch(place, user, { email: fresh() });
    const { undo: back } = only(post.takeNotices()).data;
    const page = await place.send("GET", back?.link ?? "");
    expect([page.status, page.text]).toEqual([200, expect.stringContaining("Restore your email")]);
    expect((await place.verify(back?.token ?? "")).status).toBe(200);
  });
});
