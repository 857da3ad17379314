import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { newApiToken, newPair, newUser, PASSWORD, textAt } from "../support/client.ts";
import {
  accounts,
  byGoogle,
  call,
  newPerson,
  proveEmail,
  whoIs,
  redirectIssuers,
} from "./people.ts";
import { DB } from "../support/database.ts";

beforeEach(redirectIssuers);

/** What becomes of an identity that opens an account. */

describe("afterwards", () => {
  it("the identity is the same one under another email of its own", async () => {
    const user = await newUser();
    await proveEmail(user);
    const person = newPerson({ email: user.email });
    await whoIs(await byGoogle(person));
    const moved = { ...person, email: `${crypto.randomUUID()}@example.com` };
    expect(await whoIs(await byGoogle(moved))).toBe(user.id);
    expect(await accounts(moved.email)).toBe(0);
  });

  it("it does not open an account that was deleted, and may make a new one", async () => {
    const user = await newUser();
    await proveEmail(user);
    const send = await byGoogle(newPerson({ email: user.email }));
    expect(await whoIs(send)).toBe(user.id);
    const token = textAt(await call("GET", "/rest/auth", send), "payload", "token");
    const json = { password: PASSWORD };
    expect((await call("DELETE", "/rest/user", { ...send, json })).status).toBe(200);
    const left = DB.prepare("SELECT 1 FROM identities WHERE user_id = ?").bind(user.id);
    expect((await left.all()).results).toEqual([]);
    expect(await whoIs({ bearer: token })).toBe(401);
    const id = await whoIs(send);
    expect(id).toEqual(expect.any(String));
    expect(id).not.toBe(user.id);
  });

  it("it does not open an account that something else marked as deleted", async () => {
    const send = await byGoogle(newPerson());
    const id = await whoIs(send);
    await DB.prepare("UPDATE users SET deleted_on = 1 WHERE id = ?").bind(id).run();
    const json = { success: false, message: "Wrong credentials", status: 401 };
    expect(await call("GET", "/rest/auth", send)).toMatchObject({ status: 401, json });
  });

  it("a deletion whose caller was ended in the meantime leaves it", async () => {
    const user = await newUser();
    await proveEmail(user);
    const send = await byGoogle(newPerson({ email: user.email }));
    expect(await whoIs(send)).toBe(user.id);
    const real = DB.batch.bind(env.DB);
    vi.spyOn(env.DB, "batch").mockImplementationOnce(async (statements) => {
      // Nor can they link it again.
      const ended =
        "UPDATE users SET credential_version = credential_version + 1, verified_on = NULL WHERE id = ?";
      await DB.prepare(ended).bind(user.id).run();
      return real(statements);
    });
    const json = { password: PASSWORD };
    expect((await call("DELETE", "/rest/user", { ...send, json })).status).toBe(401);
    expect(await accounts(user.email)).toBe(1);
    expect(await whoIs(send)).toBe(user.id);
  });

  it("a deletion that was refused leaves it", async () => {
    const user = await newUser();
    await proveEmail(user);
    const send = await byGoogle(newPerson({ email: user.email }));
    expect(await whoIs(send)).toBe(user.id);
    const json = { password: "a wrong password" };
    expect((await call("DELETE", "/rest/user", { ...send, json })).status).toBe(401);
    expect(await whoIs(send)).toBe(user.id);
  });

  it("a new password ends what was got with it, and not itself", async () => {
    const user = await newUser();
    await proveEmail(user);
    const send = await byGoogle(newPerson({ email: user.email }));
    const token = textAt(await call("GET", "/rest/auth", send), "payload", "token");
    const json = { password: "another fine password", current_password: PASSWORD };
    expect((await call("PATCH", "/rest/user", { basic: user, json })).status).toBe(200);
    expect([await whoIs({ bearer: token }), await whoIs(send)]).toEqual([401, user.id]);
  });

  it("an account without a password gets its first by a fresh log-in, and by nothing else", async () => {
    const person = newPerson();
    const send = await byGoogle(person);
    const jwt = textAt(await call("GET", "/rest/auth", send), "payload", "token");
    const bearer = (await newApiToken(jwt)).secret;
    const json = { password: "their first password" };
    const first = { email: person.email, password: json.password };
    expect((await call("PATCH", "/rest/user", { bearer, json })).status).toBe(403);
    const guessed = { ...json, current_password: "a guess" };
    expect((await call("PATCH", "/rest/user", { bearer, json: guessed })).status).toBe(401);
    expect(await whoIs({ basic: first })).toBe(401);
    expect((await call("PATCH", "/rest/user", { ...send, json })).status).toBe(200);
    expect(await whoIs({ basic: first })).toBe(await whoIs(send));
    expect(await whoIs({ bearer })).toBe(401);
    // From here on it is an account like any other.
    expect((await call("PATCH", "/rest/user", { ...send, json })).status).toBe(400);
    expect((await call("DELETE", "/rest/user", { ...send, json })).status).toBe(200);
  });

  it("a login by password is what it was", async () => {
    const user = await newUser();
    await proveEmail(user);
    await whoIs(await byGoogle(newPerson({ email: user.email })));
    expect((await newPair(user)).access).toEqual(expect.any(String));
  });
});
