import { beforeEach, describe, expect, it } from "vitest";
import type { Argon2id } from "../../src/crypto/argon2id.ts";
import { ha1bHashes } from "../../src/crypto/ha1b.ts";
import { passwordsOver } from "../../src/crypto/passwords.ts";
import { type Call, newUser, call as off, PASSWORD, textAt } from "../support/client.ts";
import { service } from "../support/service.ts";
import { quickArgon2id } from "../support/quick-hashes.ts";
import { DB } from "../support/database.ts";

/** HA1B: md5(email:domain:password) instead of the password. */

const HASH = 19 * 1024 * 2;
const WRONG = { success: false, message: "Wrong credentials", status: 401 };

/** The work that each Argon2id hash asks for. */
const hashes: number[] = [];
const argon2id: Argon2id = (params) => {
  hashes.push(params.memorySize * params.passes);
  return quickArgon2id(params);
};
const on = service(
  { HA1B: "on" },
  { passwords: passwordsOver(argon2id), ha1bHashes: (issuer) => ha1bHashes(argon2id, issuer) },
);
beforeEach(() => {
  hashes.length = 0;
});

interface Login {
  readonly email: string;
  readonly password: string;
}

/** As a client makes it. */
async function tokenOf({ email, password }: Login): Promise<string> {
  const text = `${email}:${email.split("@")[1]}:${password}`;
  const digest = await crypto.subtle.digest("MD5", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}
const ha1b = async (login: Login) => ({
  headers: { "X-Auth-HA1B-Token": await tokenOf(login) },
});
const statusOf = async (login: Login, by: Call = on) =>
  (await by("GET", "/rest/user", await ha1b(login))).status;

const storedFor = async (email: string) =>
  (await DB.prepare("SELECT * FROM users WHERE email = ?").bind(email).first()) ?? {};

async function signUp(by: Call = on): Promise<Login & { readonly id: string }> {
  const login = { email: `${crypto.randomUUID()}@example.com`, password: PASSWORD };
  const answer = await by("POST", "/rest/user", { json: login });
  return { ...login, id: textAt(answer, "payload", "uuid") };
}

it("is the document's digest", async () => {
  // printf %s 'user@example.com:example.com:correct horse battery' | md5sum
  const login = { email: "user@example.com", password: PASSWORD };
  expect(await tokenOf(login)).toBe("ebfcdcfe391d2ad6125fade0d539eaf6");
  await on("POST", "/rest/user", { json: login });
  const headers = { "X-Auth-HA1B-Token": "ebfcdcfe391d2ad6125fade0d539eaf6" };
  expect((await on("GET", "/rest/user", { headers })).status).toBe(200);
  const upper = { "X-Auth-HA1B-Token": "ebfcdcfe391d2ad6125fade0d539eaf6".toUpperCase() };
  expect((await on("GET", "/rest/user", { headers: upper })).status).toBe(200);
});

describe("where it is on", () => {
  it("opens every surface, in the header and where allowed in the query", async () => {
    const user = await signUp();
    const send = await ha1b(user);
    for (const path of ["/rest/user", "/rest/token/list", "/api/action-tokens"]) {
      expect([path, (await on("GET", path, send)).status]).toEqual([path, 200]);
    }
    expect((await on("GET", "/tokens", send)).status).toBe(400);
    const auth = await on("GET", "/rest/auth", send);
    expect(textAt(auth, "payload", "uuid")).toBe(user.id);
    const bearer = textAt(auth, "payload", "token");
    expect((await on("GET", "/rest/user", { bearer })).status).toBe(200);
    const inQuery = service({ HA1B: "on", QUERY_CREDENTIALS: "on" });
    const query = `/rest/user?ha1b=${await tokenOf(user)}`;
    expect((await inQuery("GET", query)).status).toBe(200);
    expect((await on("GET", query)).status).toBe(401);
  });

  it("does one hash of work, right or wrong, whatever is wrong", async () => {
    const user = await signUp();
    const gone = await signUp();
    const json = { password: PASSWORD };
    expect((await on("DELETE", "/rest/user", { ...(await ha1b(gone)), json })).status).toBe(200);
    const left = await DB.prepare("SELECT ha1b FROM users WHERE id = ?").bind(gone.id).first();
    expect(left).toEqual({ ha1b: null });
    const older = await newUser();
    const tokens = {
      "wrong password": await tokenOf({ ...user, password: "wrong password" }),
      "unknown email": await tokenOf({ ...user, email: "nobody@example.com" }),
      "deleted account": await tokenOf(gone),
      "account that has none": await tokenOf(older),
      "no digest": "x",
    };
    for (const [name, token] of Object.entries(tokens)) {
      hashes.length = 0;
      const answer = await on("GET", "/rest/user", { headers: { "X-Auth-HA1B-Token": token } });
      expect([name, answer.status, answer.json, hashes]).toEqual([name, 401, WRONG, [HASH]]);
    }
    hashes.length = 0;
    expect(await statusOf(user)).toBe(200);
    expect(hashes).toEqual([HASH]);
  });

  it("is counted before it is hashed, by network alone: nobody shuts others out", async () => {
    const user = await signUp();
    const from = (address: string) => ({ "cf-connecting-ip": address });
    const shown = (token: string, address: string) =>
      on("GET", "/rest/user", { headers: { "X-Auth-HA1B-Token": token, ...from(address) } });
    const home = "198.51.100.7";
    expect((await shown(await tokenOf(user), home)).status).toBe(200);
    hashes.length = 0;
    const flood = await Promise.all(
      Array.from({ length: 44 }, (_, i) => shown(`${i}`.padStart(32, "0"), `203.0.113.${i % 2}`)),
    );
    expect(hashes.length).toBe(2 * 20);
    const throttled = flood.filter(({ status }) => status === 429);
    expect(flood.length - throttled.length).toBe(hashes.length);
    expect(Number(throttled[0]?.headers.get("retry-after"))).toBeGreaterThan(0);
    // Nor does a name that means something internally.
    for (let i = 0; i < 4; i++) {
      const json = { email_id: i % 2 === 0 ? "ha1b" : "ha1b/", password: "wrong" };
      await on("POST", "/tokens", { json, headers: from("198.51.100.8") });
    }
    for (const address of [home, "198.51.100.8", "198.51.100.9"]) {
      expect((await shown(await tokenOf(user), address)).status).toBe(200);
    }
  });

  it("keeps neither the digest nor anything quick to guess it by", async () => {
    const [user, twin] = [await signUp(), await signUp()];
    const row = await storedFor(user.email);
    expect(row.ha1b).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[^$]{22}\$[^$]{43}$/);
    expect(JSON.stringify(row)).not.toContain(await tokenOf(user));
    // One password, two accounts.
    expect((await storedFor(twin.email)).ha1b).not.toBe(row.ha1b);
    // What is kept opens nothing.
    for (const stolen of String(row.ha1b).split("$").slice(-2)) {
      const answer = await on("GET", "/rest/user", { headers: { "X-Auth-HA1B-Token": stolen } });
      expect(answer).toMatchObject({ status: 401, json: WRONG });
    }
  });

  it("is there after a login by password, for an account from before", async () => {
    const user = await newUser();
    expect(await statusOf(user)).toBe(401);
    const json = { email: user.email, password: "wrong password" };
    expect((await on("POST", "/api/token/", { json })).status).toBe(401);
    expect((await storedFor(user.email)).ha1b).toBeNull();
    const right = { email: user.email.toUpperCase(), password: user.password };
    expect((await on("POST", "/api/token/", { json: right })).status).toBe(200);
    expect(await statusOf(user)).toBe(200);
    hashes.length = 0;
    expect((await on("POST", "/api/token/", { json: right })).status).toBe(200);
    expect(hashes).toEqual([HASH]);
  });

  it("is made anew after the issuer has moved", async () => {
    const user = await signUp();
    const moved = service({ HA1B: "on", ISSUER: "https://elsewhere.test" });
    expect(await statusOf(user, moved)).toBe(401);
    expect((await moved("GET", "/rest/user", { basic: user })).status).toBe(200);
    expect(await statusOf(user, moved)).toBe(200);
  });

  it("changes with the password and with the email", async () => {
    const user = await signUp();
    const change = async (from: Login, to: Partial<Login>) => {
      const json = { ...to, current_password: from.password };
      expect((await on("PATCH", "/rest/user", { basic: from, json })).status).toBe(200);
      const now = { ...from, ...to };
      expect([await statusOf(from), await statusOf(now)]).toEqual([401, 200]);
      return now;
    };
    const one = await change(user, { password: "another fine password" });
    const two = await change(one, { email: `${crypto.randomUUID()}@example.org` });
    await change(two, {
      email: `${crypto.randomUUID()}@example.net`,
      password: "yet another password",
    });
  });

  it("stays as it is when something else changes", async () => {
    const user = await signUp();
    const json = { first_name: "Ann" };
    expect((await on("PATCH", "/rest/user", { basic: user, json })).status).toBe(200);
    expect(await statusOf(user)).toBe(200);
  });
});

describe("where it is off", () => {
  it("is a wrong credential, and nothing is kept", async () => {
    const user = await signUp(off);
    expect((await off("GET", "/rest/user", { basic: user })).status).toBe(200);
    expect((await storedFor(user.email)).ha1b).toBeNull();
    expect(await off("GET", "/rest/user", await ha1b(user))).toMatchObject({
      status: 401,
      json: WRONG,
    });
  });

  it("what was kept before opens nothing, and a change takes it away", async () => {
    const user = await signUp();
    expect(await statusOf(user, off)).toBe(401);
    const json = { password: "another fine password", current_password: PASSWORD };
    expect((await off("PATCH", "/rest/user", { basic: user, json })).status).toBe(200);
    expect((await storedFor(user.email)).ha1b).toBeNull();
    expect(await statusOf(user)).toBe(401);
  });
});
