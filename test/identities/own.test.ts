import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Answered,
  at,
  itemsAt,
  newApiToken,
  newPair,
  newUser,
  PASSWORD,
  type Send,
  type TestUser,
} from "../support/client.ts";
import {
  byFacebook,
  byGoogle,
  byOther,
  call,
  callWithMail,
  newPerson,
  type Person,
  proveEmail,
  whoIs,
  redirectIssuers,
} from "./people.ts";
import { asText, DB } from "../support/database.ts";

beforeEach(redirectIssuers);

/** Identities are credentials: they are listed, can be removed, and end with all that ends everything. */

const list = (send: Send) => call("GET", "/rest/user/identities", send);
const items = async (send: Send) => itemsAt(await list(send), "payload").map(Object);
const remove = (send: Send, id: string) => call("DELETE", `/rest/user/identities/${id}`, send);
const patch = (send: Send, json: object) => call("PATCH", "/rest/user", { ...send, json });

/** An account with a password that Google and Acme open too. */
async function linked() {
  const user = await newUser();
  await proveEmail(user);
  const [one, two] = [newPerson({ email: user.email }), newPerson({ email: user.email })];
  const google = await byGoogle(one);
  const acme = await byOther(two);
  expect([await whoIs(google), await whoIs(acme)]).toEqual([user.id, user.id]);
  return { user, one, two, google, acme };
}

/** As if the last of it were so long ago. */
const later = (user: TestUser, seconds: number) =>
  DB.prepare("UPDATE users SET identities_revoked_on = identities_revoked_on + ? WHERE id = ?")
    .bind(seconds * 1000, user.id)
    .run();

async function events(send: Send): Promise<string[]> {
  return itemsAt(await call("GET", "/rest/audit", send), "payload").map((event) =>
    String(Reflect.get(Object(event), "what")),
  );
}

describe("the list", () => {
  it("says which, since when, under which email, and when it was used", async () => {
    const { user, one } = await linked();
    const answer = await list({ basic: user });
    const [acme, google] = [at(answer, "payload", 0), at(answer, "payload", 1)];
    for (const each of [acme, google]) {
      expect(each).toEqual({
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-/),
        issuer: expect.any(String),
        subject: expect.any(String),
        email: user.email,
        linked_on: expect.any(String),
        last_used_on: expect.any(String),
      });
    }
    const subjects = [acme, google].map((each) => Reflect.get(Object(each), "subject"));
    expect(subjects).toContain(one.sub);
  });

  it("notes a later use, to the hour", async () => {
    const { user, google, one } = await linked();
    await DB.prepare("UPDATE identities SET used_at = 1 WHERE subject = ?")
      .bind(asText(one.sub))
      .run();
    await whoIs(google);
    const used = () =>
      DB.prepare("SELECT used_at FROM identities WHERE subject = ?")
        .bind(asText(one.sub))
        .first("used_at");
    await vi.waitFor(async () => expect(await used()).toBeGreaterThan(1));
    expect((await items({ basic: user })).some((each) => each.last_used_on !== null)).toBe(true);
  });

  it("is one's own alone", async () => {
    const { user } = await linked();
    const other = await newUser();
    expect(await items({ basic: other })).toEqual([]);
    const [{ id }] = await items({ basic: user });
    expect((await remove({ basic: other }, id)).status).toBe(404);
    expect(await items({ basic: user })).toHaveLength(2);
  });
});

describe("one that is removed", () => {
  it("opens nothing any more, once, and is told of", async () => {
    const { user, google, one, acme } = await linked();
    const { id } = (await items({ basic: user })).find((each) => each.subject === one.sub);
    expect(await remove({ basic: user }, id.toUpperCase())).toMatchObject({
      status: 200,
      json: { success: true, payload: {} },
    });
    expect((await remove({ basic: user }, id)).json).toEqual({
      success: false,
      message: "Identity not found",
      status: 404,
    });
    expect(await items({ basic: user })).toHaveLength(1);
    expect(await events({ basic: user })).toContain("identity.unlinked");
    await later(user, 1);
    expect(await whoIs(google)).toBe(409);
    expect(await whoIs(acme)).toBe(user.id);
  });

  it("links again by itself with an ID token that is issued later", async () => {
    const { user, one } = await linked();
    const { id } = (await items({ basic: user })).find((each) => each.subject === one.sub);
    await remove({ basic: user }, id);
    expect(await whoIs(await byGoogle(one))).toBe(user.id);
  });

  it("does not come back with the same ID token where no notice is sent, since the email is not proven", async () => {
    const { user, google, one } = await linked();
    const proven = (at: number | null) =>
      DB.prepare("UPDATE users SET verified_on = ? WHERE id = ?").bind(at, user.id).run();
    const { id } = (await items({ basic: user })).find((each) => each.subject === one.sub);
    await proven(null);
    const removal = callWithMail("DELETE", `/rest/user/identities/${id}`, { basic: user });
    expect((await removal).status).toBe(200);
    await proven(Date.now());
    await later(user, 1);
    expect(await whoIs(google)).toBe(409);
  });

  it("is never the last way in", async () => {
    const person = newPerson();
    const google = await byGoogle(person);
    const id = await whoIs(google);
    const acme = await byOther(newPerson({ email: person.email }));
    expect(await whoIs(acme)).toBe(id);
    const all = await items(google);
    // Both at once: one of them stays.
    const answers = await Promise.all(all.map((each) => remove(google, each.id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(answers.find(({ status }) => status === 409)?.json).toEqual({
      success: false,
      message: "Nothing else opens this account: choose a password first",
      status: 409,
    });
  });

  it.each([
    [
      "a passkey",
      "INSERT INTO passkeys (id, user_id, credential_id, public_key, name, transports, counter, is_backup_eligible, is_backed_up, created_at) VALUES (x'00', ?, 'AQ', 'AQ', 'Phone', '[]', 0, 0, 0, 1)",
      200,
    ],
    [
      "a log-in by email, where none is sent",
      "UPDATE users SET email_login_at = 1 WHERE id = ?",
      409,
    ],
  ])("unless there is %s", async (_, statement, status) => {
    const google = await byGoogle(newPerson());
    await DB.prepare(statement)
      .bind(await whoIs(google))
      .run();
    const [only] = await items(google);
    expect((await remove(google, only.id)).status).toBe(status);
    await DB.prepare("DELETE FROM passkeys").run();
  });

  it("of an account that an import brought without a password neither", async () => {
    const { user, google, one, acme, two } = await linked();
    await DB.prepare("UPDATE users SET password = '!' WHERE id = ?").bind(user.id).run();
    const of = async (person: Person) =>
      (await items(google)).find((each) => each.subject === person.sub).id;
    expect((await remove(google, await of(two))).status).toBe(200);
    expect((await remove(google, await of(one))).status).toBe(409);
    await later(user, 1);
    expect([await whoIs(google), await whoIs(acme)]).toEqual([user.id, 409]);
  });
});

describe("a new password ends every identity", () => {
  const NEW = { password: "another fine password", current_password: PASSWORD };

  it.each<[string, (user: TestUser) => Promise<Send>]>([
    ["Basic", async (user) => ({ basic: user })],
    ["a JWT", async (user) => ({ bearer: (await newPair(user)).access })],
  ])("by %s", async (_, shown) => {
    const { user, google, acme } = await linked();
    expect((await patch(await shown(user), NEW)).status).toBe(200);
    const basic = { ...user, password: NEW.password };
    expect(await items({ basic })).toEqual([]);
    // A stolen ID token of before does not bring it back.
    await later(user, 60);
    expect([await whoIs(google), await whoIs(acme)]).toEqual([409, 409]);
  });

  it("but the one that was shown", async () => {
    const { user, google, acme, one } = await linked();
    expect((await patch(google, NEW)).status).toBe(200);
    const left = await items({ basic: { ...user, password: NEW.password } });
    expect(left.map(({ subject }) => subject)).toEqual([one.sub]);
    await later(user, 60);
    expect([await whoIs(google), await whoIs(acme)]).toEqual([user.id, 409]);
  });

  it("not a JWT that was got with one", async () => {
    const { user, google } = await linked();
    const bearer = String(at(await call("GET", "/rest/auth", google), "payload", "token"));
    expect((await patch({ bearer }, NEW)).status).toBe(200);
    expect(await items({ basic: { ...user, password: NEW.password } })).toEqual([]);
  });

  it("and one that is refused ends none", async () => {
    const { user } = await linked();
    const wrong = { ...NEW, current_password: "not theirs at all" };
    expect((await patch({ basic: user }, wrong)).status).toBe(401);
    expect(await items({ basic: user })).toHaveLength(2);
  });
});

it("a new email ends those that were linked under another", async () => {
  const { user, google } = await linked();
  const email = `${crypto.randomUUID()}@example.com`;
  expect((await patch({ basic: user }, { email, current_password: PASSWORD })).status).toBe(200);
  const basic = { ...user, email };
  expect(await items({ basic })).toEqual([]);
  // It may have an account of its own now.
  expect(await whoIs(google)).not.toBe(user.id);
});

it("someone who once had the password keeps no way in by their own identity", async () => {
  const owner = await newUser();
  await proveEmail(owner);
  const thief = newPerson();
  const theirs = { email: thief.email, current_password: PASSWORD };
  expect((await patch({ basic: owner }, theirs)).status).toBe(200);
  await DB.prepare("UPDATE users SET verified_on = 1 WHERE id = ?").bind(owner.id).run();
  const acme = await byOther(thief);
  expect(await whoIs(acme)).toBe(owner.id);
  const back = { email: owner.email, current_password: PASSWORD };
  const basic = { ...owner, email: thief.email };
  expect((await patch({ basic }, back)).status).toBe(200);
  expect(await items({ basic: owner })).toEqual([]);
  expect(await whoIs(acme)).not.toBe(owner.id);
});

describe("an account without a password is deleted by its owner", () => {
  const remove = (send: Send, json?: unknown): Promise<Answered> =>
    call("DELETE", "/rest/user", json === undefined ? send : { ...send, json });

  it.each([
    ["no body", undefined],
    ["an empty object", {}],
  ])("with a fresh ID token and %s", async (_, json) => {
    const person = newPerson();
    const send = await byFacebook(person);
    const id = await whoIs(send);
    expect((await remove(send, json)).status).toBe(200);
    const row = DB.prepare("SELECT deleted_on FROM users WHERE id = ?").bind(id);
    expect(await row.first("deleted_on")).toEqual(expect.any(Number));
  });

  it("not with an old one, nor with what was obtained with one, nor with an API token", async () => {
    const send = await byFacebook(newPerson());
    const bearer = String(at(await call("GET", "/rest/auth", send), "payload", "token"));
    const api = (await newApiToken(bearer)).secret;
    expect((await remove({ bearer: api }, {})).status).toBe(403);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 601_000);
    for (const by of [send, { bearer }]) expect((await remove(by, {})).status).toBe(401);
    expect(await whoIs(send)).toEqual(expect.any(String));
  });

  it("and one that has a password by that alone", async () => {
    const { google } = await linked();
    expect((await remove(google, {})).json).toMatchObject({
      status: 400,
      message: "password is required",
    });
    expect((await remove(google, { password: PASSWORD })).status).toBe(200);
  });
});
