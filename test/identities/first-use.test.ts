import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { GOOGLE } from "../../src/core/issuers.ts";
import { at, newUser, PASSWORD, textAt } from "../support/client.ts";
import { service } from "../support/service.ts";
import {
  accounts,
  byFacebook,
  byGoogle,
  byOther,
  call,
  newPerson,
  other,
  type Person,
  proveEmail,
  SETTINGS,
  whoIs,
  redirectIssuers,
} from "./people.ts";
import { DB } from "../support/database.ts";

beforeEach(redirectIssuers);

/** Whom an ID token opens: an account that is linked, a new one, or none. */

describe("each way in", () => {
  it("opens every surface, with the header and the query's parameter", async () => {
    const inQuery = service({ ...SETTINGS, QUERY_CREDENTIALS: "on" });
    const ways = [
      [byGoogle, "google_token"],
      [byFacebook, "facebook_token"],
      [byOther, "acme_token"],
    ] as const;
    for (const [by, parameter] of ways) {
      const send = await by(newPerson());
      const id = await whoIs(send);
      expect(id).toEqual(expect.any(String));
      for (const path of ["/rest/user", "/rest/token/list", "/api/action-tokens"]) {
        expect([path, (await call("GET", path, send)).status]).toEqual([path, 200]);
      }
      // A surface whose routes need nobody: who sends a credential is asked all the same.
      expect((await call("GET", "/tokens", send)).status).toBe(400);
      const [token = ""] = Object.values(send.headers);
      const query = `?${new URLSearchParams({ [parameter]: token })}`;
      expect((await inQuery("GET", `/rest/user${query}`)).status).toBe(200);
      expect((await call("GET", `/rest/user${query}`)).status).toBe(401);
    }
  });

  it("is a whole caller", async () => {
    const person = newPerson();
    const send = await byGoogle(person);
    const made = await call("POST", "/rest/token", { ...send, json: { name: "mine" } });
    expect(made.status).toBe(200);
    const api = textAt(made, "payload", "token");
    const jwt = textAt(await call("GET", "/rest/auth", send), "payload", "token");
    const action = { action: "addContact", payload: { contact_id: await whoIs(send) } };
    const issued = await call("POST", "/api/generate-action-token", { ...send, json: action });
    expect(issued.status).toBe(200);
    for (const bearer of [api, jwt]) expect(await whoIs({ bearer })).toBe(await whoIs(send));
  });

  it("shows the subject on the account, and both spellings of Google are one issuer", async () => {
    const person = newPerson();
    const [one, two] = GOOGLE.spellings;
    const id = await whoIs(await byGoogle(person, two));
    expect(await whoIs(await byGoogle(person, one))).toBe(id);
    const answer = await call("GET", "/rest/user", await byGoogle(person));
    expect(at(answer, "payload")).toMatchObject({
      uuid: id,
      email: person.email,
      gmail_user_id: person.sub,
      facebook_user_id: null,
    });
    const face = newPerson();
    const shown = await call("GET", "/rest/user", await byFacebook(face));
    expect(at(shown, "payload")).toMatchObject({ facebook_user_id: face.sub, gmail_user_id: null });
  });

  it("that is not configured is a wrong credential", async () => {
    const person = newPerson();
    const none = service({ OPENID_ISSUERS: "[]" });
    const json = { success: false, message: "Wrong credentials", status: 401 };
    for (const send of [await byGoogle(person), await byFacebook(person)]) {
      expect(await none("GET", "/rest/user", send)).toMatchObject({ status: 401, json });
    }
    expect(await none("GET", "/rest/user", await byOther(person))).toMatchObject({
      status: 401,
      json: { message: "Authentication required" },
    });
  });

  it("is named to browsers", async () => {
    const { headers } = await call("OPTIONS", "/rest/user");
    expect(headers.get("access-control-allow-headers")).toContain("x-auth-acme-token");
  });
});

describe("takeover", () => {
  it("an attacker who signed up with the victim's email gets nothing of their Google login", async () => {
    const victim = newPerson();
    const attacker = await newUser({ email: victim.email });
    const answers = [
      await call("GET", "/rest/auth", await byGoogle(victim)),
      await call("GET", "/api/action-tokens", await byGoogle(victim)),
      await call("GET", "/tokens", await byGoogle(victim)),
    ];
    expect(answers.map(({ status, json }) => [status, json])).toEqual([
      [
        409,
        {
          success: false,
          message: "This email has an account that this identity does not open",
          status: 409,
        },
      ],
      [409, { message: "This email has an account that this identity does not open." }],
      [409, { error: "this email has an account that this identity does not open" }],
    ]);
    const seen = await call("GET", "/rest/user", { basic: attacker });
    expect(at(seen, "payload", "gmail_user_id")).toBeNull();
    // The same when the attacker is gone: what the victim then has is theirs alone.
    const json = { password: PASSWORD };
    expect((await call("DELETE", "/rest/user", { basic: attacker, json })).status).toBe(200);
    const theirs = await whoIs(await byGoogle(victim));
    expect(theirs).not.toBe(attacker.id);
    expect(theirs).toEqual(expect.any(String));
    expect(await whoIs({ basic: attacker })).toBe(401);
  });

  it("an attacker whose issuer does not vouch for their email gets into no account", async () => {
    const victim = await newUser();
    await proveEmail(victim);
    for (const email_verified of [false, undefined, "false", 1, null, "True"]) {
      const attacker = newPerson({ email: victim.email, email_verified });
      expect([email_verified, await whoIs(await byOther(attacker))]).toEqual([email_verified, 409]);
      expect(await whoIs(await byFacebook(attacker))).toBe(409);
    }
  });

  it("an attacker's account of an email that nobody vouched for does not get the victim's login", async () => {
    const victim = newPerson();
    const attacker = newPerson({ email: victim.email, email_verified: false });
    const his = await whoIs(await byFacebook(attacker));
    expect(his).toEqual(expect.any(String));
    expect(await whoIs(await byGoogle(victim))).toBe(409);
    expect(await whoIs(await byFacebook(attacker))).toBe(his);
  });

  it("a second person of one issuer does not join an account, though the email is the same", async () => {
    const first = newPerson();
    const second = newPerson({ email: first.email });
    const id = await whoIs(await byGoogle(first));
    expect(await whoIs(await byGoogle(second))).toBe(409);
    expect(await whoIs(await byGoogle(first))).toBe(id);
  });

  it("who makes an account gets no password with it", async () => {
    const person = newPerson();
    await whoIs(await byGoogle(person));
    for (const password of ["", " ", "null", PASSWORD]) {
      expect(await whoIs({ basic: { email: person.email, password } })).toBe(401);
    }
  });
});

describe("first use", () => {
  it("links to the account where both sides have proven the email", async () => {
    const user = await newUser();
    await proveEmail(user);
    const person = newPerson({ email: user.email.toUpperCase() });
    expect(await whoIs(await byGoogle(person))).toBe(user.id);
    expect(await whoIs(await byOther(newPerson({ ...person, email_verified: "true" })))).toBe(
      user.id,
    );
    const shown = await call("GET", "/rest/user", { basic: user });
    expect(at(shown, "payload", "gmail_user_id")).toBe(person.sub);
  });

  it("makes an account whose email is as proven as the issuer says", async () => {
    const verifiedOn = async ({ email }: Person) =>
      (await DB.prepare("SELECT verified_on FROM users WHERE email = ?").bind(email).first())
        ?.verified_on;
    const proven = newPerson();
    const unproven = newPerson({ email_verified: false });
    const [one, two] = [await whoIs(await byGoogle(proven)), await whoIs(await byGoogle(unproven))];
    expect([await verifiedOn(proven), await verifiedOn(unproven)]).toEqual([
      expect.any(Number),
      null,
    ]);
    // So that the next issuer links to the one, and not to the other.
    expect(await whoIs(await byOther(newPerson({ email: proven.email })))).toBe(one);
    expect(await whoIs(await byOther(newPerson({ email: unproven.email })))).toBe(409);
    expect(two).not.toBe(one);
  });

  it("without an email that an account could have opens nothing", async () => {
    for (const email of [
      undefined,
      null,
      "",
      "nobody",
      7,
      "a@b",
      "a\0@example.com",
      "x y@z.example",
    ]) {
      const headers = { "X-Auth-Acme-Token": await other.idToken({ email, email_verified: true }) };
      expect([email, await whoIs({ headers })]).toEqual([email, 401]);
    }
  });

  it("makes none where sign-up is closed, and links all the same", async () => {
    const closed = service({ ...SETTINGS, SIGN_UP: "closed" });
    const person = newPerson();
    expect(await whoIs(await byGoogle(person), closed)).toBe(401);
    expect(await accounts(person.email)).toBe(0);
    const user = await newUser();
    expect(await whoIs(await byGoogle(newPerson({ email: user.email })), closed)).toBe(409);
    await proveEmail(user);
    expect(await whoIs(await byGoogle(newPerson({ email: user.email })), closed)).toBe(user.id);
  });

  it("of one identity twenty times at once makes one account", async () => {
    const person = newPerson();
    const send = await byGoogle(person);
    const ids = await Promise.all(Array.from({ length: 20 }, () => whoIs(send)));
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toEqual(expect.any(String));
    expect(await accounts(person.email)).toBe(1);
  });

  it("of two people with one email at once lets in one of them", async () => {
    const email = `${crypto.randomUUID()}@example.com`;
    const sends = [await byGoogle(newPerson({ email })), await byGoogle(newPerson({ email }))];
    const ids = await Promise.all(sends.map((send) => whoIs(send)));
    expect(ids.filter((id) => id === 409)).toHaveLength(1);
    expect(await accounts(email)).toBe(1);
  });

  it("of one person with two emails at once makes one account", async () => {
    const one = newPerson();
    const two = newPerson({ sub: one.sub });
    const sends = [await byGoogle(one), await byGoogle(two)];
    const ids = await Promise.all(sends.map((send) => whoIs(send)));
    expect(new Set(ids).size).toBe(1);
    expect((await accounts(one.email)) + (await accounts(two.email))).toBe(1);
  });

  it("whose answer was lost is the same when it is sent again", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    const person = newPerson();
    const send = await byGoogle(person);
    const real = DB.batch.bind(env.DB);
    vi.spyOn(env.DB, "batch").mockImplementationOnce(async (statements) => {
      await real(statements);
      throw new Error("D1_ERROR: Network connection lost.");
    });
    expect(await whoIs(send)).toBe(503);
    expect(await whoIs(send)).toEqual(expect.any(String));
    expect(await accounts(person.email)).toBe(1);
  });
});
