import { describe, expect, it, vi } from "vitest";
import { linkOnPage, textOf } from "../console/html.ts";
import { COOKIE } from "../console/page-client.ts";
import { fingerprint } from "../hostile/database.ts";
import { ORIGIN } from "../support/client.ts";
import { turnOn } from "../second-factor/authenticator.ts";
import { isolate } from "../support/service.ts";
import type { Visitor } from "./issuer.ts";
import { newRealm } from "./realms.ts";
import { DB } from "../support/database.ts";

const STATE = `${COOKIE}-issuer`;
const acme = newRealm("acme");
const rival = newRealm("rival");
const SETTINGS = { OPENID_ISSUERS: JSON.stringify([acme.redirecting, rival.redirecting]) };
const here = isolate(SETTINGS);

const SAME_SITE = { "sec-fetch-site": "same-origin" };
const newVisitor = (more: Partial<Visitor> = {}): Visitor => ({
  ...more,
  claims: {
    sub: crypto.randomUUID(),
    email: `${crypto.randomUUID()}@example.com`,
    email_verified: true,
    ...more.claims,
  },
});

/** What a browser was told to keep, by name. */
const cookiesOf = (headers: Headers) =>
  Object.fromEntries(
    headers.getSetCookie().map((each) => {
      const [name = "", value = ""] = (each.split(";")[0] ?? "").split("=");
      return [name, value];
    }),
  );

/** As the button does. @returns the issuer's address, and the cookie */
async function start(name = "acme", next = "/console/tokens", place = here) {
  const answer = await place.send("POST", `/log-in/${name}`, {
    headers: SAME_SITE,
    form: { next },
  });
  expect(answer.status).toBe(200);
  return { url: linkOnPage(answer, "http://"), state: cookiesOf(answer.headers)[STATE] ?? "" };
}

/** As the browser does at the issuer. @returns the path that it is sent back to */
async function visit(url: string, visitor: Visitor, realm = acme): Promise<string> {
  await realm.order({ person: visitor });
  const response = await fetch(url, { redirect: "manual" });
  const back = new URL(response.headers.get("location") ?? "");
  expect(back.origin).toBe(ORIGIN);
  return back.pathname + back.search;
}

async function finish(path: string, state: string | null, place = here) {
  const cookie = state === null ? {} : { cookie: `${STATE}=${state}` };
  const answer = await place.send("GET", path, { headers: { ...SAME_SITE, ...cookie } });
  const session = cookiesOf(answer.headers)[COOKIE];
  return { ...answer, session };
}

async function whole(visitor: Visitor, next?: string) {
  const { url, state } = await start("acme", next);
  return finish(await visit(url, visitor), state);
}

const account = async (session = "") =>
  (await here.send("GET", "/rest/user", { xToken: session })).json;

describe("continue with an issuer", () => {
  it("creates an account, logs in, and opens the page that was wanted; later the same account", async () => {
    const visitor = newVisitor();
    const first = await whole(visitor);
    expect([first.status, first.headers.get("location")]).toEqual([303, "/console/tokens"]);
    expect(cookiesOf(first.headers)[STATE]).toBe("");
    const again = await whole(visitor);
    expect(await account(again.session)).toEqual(await account(first.session));
    expect(await account(first.session)).toMatchObject({
      payload: { email: visitor.claims.email },
    });
    const list = await here.send("GET", "/rest/user/logins", { xToken: first.session ?? "" });
    expect(list.json).toMatchObject({ payload: [{ way: "identity", kind: "session" }, {}] });
  });

  it("asks for a code with PKCE, state and nonce, and keeps their secret from the issuer", async () => {
    const { url, state } = await start();
    const asked = Object.fromEntries(new URL(url).searchParams);
    expect(asked).toMatchObject({
      response_type: "code",
      code_challenge_method: "S256",
      redirect_uri: `${ORIGIN}/log-in/acme/callback`,
    });
    const kept = new TextDecoder().decode(
      Uint8Array.fromBase64(state.split(".")[0] ?? "", { alphabet: "base64url" }),
    );
    const secret = String(JSON.parse(kept)[1]);
    const values = [asked.state, asked.nonce, asked.code_challenge];
    expect(new Set([...values, secret]).size).toBe(4);
    expect(url).not.toContain(secret);
  });

  it("links to an account only where both sides have proven the email", async () => {
    const user = await here.newUser();
    const visitor = newVisitor({ claims: { email: user.email } });
    const refused = await whole(visitor);
    expect([refused.status, refused.session]).toEqual([409, undefined]);
    await DB.prepare("UPDATE users SET verified_on = 1 WHERE id = ?").bind(user.id).run();
    expect(await account((await whole(visitor)).session)).toMatchObject({
      payload: { uuid: user.id },
    });
  });

  it("leads an account with a second factor to the page that asks for it", async () => {
    const user = await here.newUser();
    await DB.prepare("UPDATE users SET verified_on = 1 WHERE id = ?").bind(user.id).run();
    const app = await turnOn(here, user);
    const visitor = newVisitor({ claims: { email: user.email } });
    const { url, state } = await start();
    const path = await visit(url, visitor);
    const half = await finish(path, state);
    expect([half.status, half.session, half.headers.get("location")]).toEqual([
      303,
      undefined,
      "/console/login/code?next=%2Fconsole%2Ftokens",
    ]);
    const kept = cookiesOf(half.headers);
    expect(kept[STATE]).toBe("");
    // The issuer's answer is used up by the half.
    expect((await finish(path, state)).status).toBe(400);
    const enter = async (otp: string) =>
      here.send("POST", "/console/login/code", {
        headers: { ...SAME_SITE, cookie: `${COOKIE}-step=${kept[`${COOKIE}-step`]}` },
        form: { otp, next: "/console/tokens" },
      });
    expect((await enter("000000")).status).toBe(401);
    const done = await enter(await app.fresh());
    expect([done.status, done.headers.get("location")]).toEqual([303, "/console/tokens"]);
    const xToken = cookiesOf(done.headers)[COOKIE] ?? "";
    const list = await here.send("GET", "/rest/user/logins", { xToken });
    expect(list.json).toMatchObject({ payload: [{ way: "identity", kind: "session" }] });
  });

  it.each(["https://evil.example", "//evil.example", "/\\evil.example"])(
    "opens no page elsewhere: %s",
    async (next) => {
      expect((await whole(newVisitor(), next)).headers.get("location")).toBe("/console");
    },
  );

  it("shows a button for each issuer with a client, and none without", async () => {
    for (const path of ["/console/login", "/console/signup"]) {
      const { text } = await here.send("GET", path);
      expect(text).toContain('action="/log-in/acme"');
      expect((await isolate().send("GET", path)).text).not.toContain("/log-in/");
    }
    expect((await isolate().send("GET", "/log-in/google")).status).toBe(404);
  });

  it("reads the session once the browser sends it, after a page that reloads", async () => {
    const path = "/log-in/acme/callback?code=1";
    const answer = await here.send("GET", path, { headers: { "sec-fetch-site": "cross-site" } });
    expect([answer.status, answer.text.includes('http-equiv="refresh"')]).toEqual([200, true]);
  });
});

describe("linking", () => {
  /** Logged in with a password. @returns their session */
  const newPerson = async () => here.newSession(await here.newUser());
  async function startLink(session: string) {
    const headers = { ...SAME_SITE, cookie: `${COOKIE}=${session}` };
    const answer = await here.send("POST", "/log-in/acme", { headers, form: { link: "on" } });
    const state = cookiesOf(answer.headers)[STATE] ?? "";
    return { answer, url: answer.status === 200 ? linkOnPage(answer, "http://") : "", state };
  }
  const finishAs = (path: string, state: string, session: string) =>
    here.send("GET", path, {
      headers: { ...SAME_SITE, cookie: `${STATE}=${state}; ${COOKIE}=${session}` },
    });

  it("links whatever the email is, to the one who asked, who then logs in with it", async () => {
    const session = await newPerson();
    const visitor = newVisitor({ claims: { email: null } });
    const { url, state } = await startLink(session);
    const path = await visit(url, visitor);
    // In another's browser, or in none, it links nothing.
    const other = await newPerson();
    for (const wrong of [other, "", "x"]) {
      expect((await finishAs(path, state, wrong)).status).toBe(400);
    }
    const linked = await finishAs(path, state, session);
    expect([linked.status, linked.headers.get("location")]).toEqual([
      303,
      "/console/account/security",
    ]);
    expect(await account((await whole(visitor)).session)).toEqual(await account(session));
    // It opens one account only.
    const again = await startLink(other);
    expect((await finishAs(await visit(again.url, visitor), again.state, other)).status).toBe(409);
  });

  it("needs a log-in of the last ten minutes, and one that is there at the end", async () => {
    const session = await newPerson();
    const { url, state } = await startLink(session);
    const path = await visit(url, newVisitor());
    // Logged out while the issuer answers: D1 decides, whatever was read before.
    const caller = await here.session(session);
    await here.send("DELETE", "/tokens", { xToken: session });
    expect((await finishAs(path, state, session)).status).toBe(400);
    const { issuerLogin } = here.services;
    const answered = new URL(path, ORIGIN).searchParams;
    const tooLate = issuerLogin.finish("acme", state, answered, caller, Date.now());
    await expect(tooLate).rejects.toMatchObject({ fault: { code: "token_invalid" } });
    const linked = await DB.prepare("SELECT 1 FROM identities WHERE user_id = ?")
      .bind(caller.userId)
      .all();
    expect(linked.results).toEqual([]);
    const { answer } = await startLink("");
    expect(answer.headers.get("location")).toBe("/console/login?next=/console/account/security");
    const old = await newPerson();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 600_001 });
    const stale = (await startLink(old)).answer;
    expect([stale.status, stale.headers.get("location")]).toEqual([
      303,
      "/console/confirm?next=%2Fconsole%2Faccount%2Fsecurity",
    ]);
  });
});

interface Attack {
  readonly visitor?: Partial<Visitor>;
  /** What comes back to us in place of the right path and cookie. */
  readonly back?: (right: {
    readonly path: string;
    readonly state: string;
  }) => Promise<readonly [path: string, state: string | null]>;
  readonly says?: string;
}

const changed = (path: string, change: (parameters: URLSearchParams) => void) => {
  const url = new URL(path, ORIGIN);
  change(url.searchParams);
  return url.pathname + url.search;
};
const NOT_HERE = "wasn't started in this browser";
const WRONG = "doesn't belong to this login";
const now = () => Math.floor(Date.now() / 1000);

const ATTACKS: Readonly<Record<string, Attack>> = {
  "log-in CSRF: another's answer in a browser that started none": {
    back: async ({ path }) => [path, null],
    says: NOT_HERE,
  },
  "another's answer in a browser that has started its own": {
    back: async ({ path }) => [path, (await start()).state],
  },
  "another's code with the right state": {
    back: async ({ path, state }) => {
      const stolen = new URL(await visit((await start()).url, newVisitor()), ORIGIN).searchParams;
      return [changed(path, (each) => each.set("code", stolen.get("code") ?? "")), state];
    },
  },
  "no state": {
    back: async ({ path, state }) => [changed(path, (each) => each.delete("state")), state],
  },
  "two states": {
    back: async ({ path, state }) => [changed(path, (each) => each.append("state", "x")), state],
  },
  "no code": {
    back: async ({ path, state }) => [changed(path, (each) => each.delete("code")), state],
  },
  "a cookie that was changed": {
    back: async ({ path, state }) => [
      path,
      `${state.startsWith("A") ? "B" : "A"}${state.slice(1)}`,
    ],
    says: NOT_HERE,
  },
  "a cookie that was made up": {
    back: async ({ path }) => [
      path,
      `${btoa('["acme","00",9999999999999,"/"]')}.${"A".repeat(43)}`,
    ],
    says: NOT_HERE,
  },
  "the cookie of another issuer": {
    back: async ({ path }) => [path, (await start("rival")).state],
    says: NOT_HERE,
  },
  "the answer of another issuer (RFC 9207)": { visitor: { answer: { iss: rival.issuer } } },
  "an answer that does not say whose it is": { visitor: { answer: { iss: null } } },
  "an ID token beside the code": { visitor: { answer: { id_token: "x.y.z" } } },
  "the nonce of another log-in": { visitor: { claims: { nonce: "another" } } },
  "no nonce": { visitor: { claims: { nonce: null } } },
  "an ID token for another client": { visitor: { claims: { aud: "another-client" } } },
  "an ID token for two clients, of another": {
    visitor: { claims: { aud: ["our-client-id", "another"], azp: "another" } },
  },
  "an ID token of another issuer": { visitor: { claims: { iss: rival.issuer } } },
  "an ID token that has expired": {
    visitor: { claims: { iat: now() - 7_200, exp: now() - 3_600 } },
  },
  "ten minutes later": {
    back: async ({ path, state }) => {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 600_001 });
      return [path, state];
    },
    says: NOT_HERE,
  },
  "an issuer that says no": {
    visitor: { answer: { code: null, error: "access_denied" } },
    says: "declined",
  },
  "an issuer that failed": { visitor: { answer: { code: null, error: "server_error" } } },
};

describe("no one is logged in, and nothing is written", () => {
  it.each(Object.entries(ATTACKS))("%s", async (_, { visitor, back, says = WRONG }) => {
    const { url, state } = await start();
    const path = await visit(url, newVisitor(visitor));
    const [atPath, cookie] = (await back?.({ path, state })) ?? [path, state];
    const before = await fingerprint();
    const answer = await finish(atPath, cookie);
    expect([answer.status, answer.session]).toEqual([400, undefined]);
    expect(textOf(answer)).toContain(says);
    expect(cookiesOf(answer.headers)[STATE]).toBe("");
    expect(await fingerprint()).toBe(before);
  });

  it("of an answer that was used before, even if the issuer takes a code twice", async () => {
    const { url, state } = await start();
    const path = await visit(url, newVisitor({ reusesCodes: true }));
    const answers = [];
    for (let i = 0; i < 2; i++) answers.push(await finish(path, state));
    expect(answers.map(({ status }) => status)).toEqual([303, 400]);
    const both = await start();
    const race = await visit(both.url, newVisitor({ reusesCodes: true }));
    const raced = await Promise.all(Array.from({ length: 4 }, () => finish(race, both.state)));
    expect(raced.filter(({ session }) => session !== undefined)).toHaveLength(1);
  });

  it("by a form of another site, or of none", async () => {
    for (const site of ["cross-site", "same-site", "none"]) {
      const headers = { "sec-fetch-site": site };
      const answer = await here.send("POST", "/log-in/acme", { headers, form: {} });
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([403, []]);
    }
  });

  it.each([
    ["authorization_endpoint", "http://login.acme.example/authorize"],
    ["issuer", "https://rival.example"],
  ])("at an issuer whose metadata have %s %s", async (name, value) => {
    const issuer = "https://login.acme.example";
    const metadata = { issuer, authorization_endpoint: `${issuer}/authorize`, [name]: value };
    vi.spyOn(globalThis, "fetch").mockImplementation(async () => Response.json(metadata));
    const row = { ...acme.redirecting, issuer };
    const place = isolate({ OPENID_ISSUERS: JSON.stringify([row]) });
    const sent = { headers: SAME_SITE, form: {} };
    expect((await place.send("POST", "/log-in/acme", sent)).status).toBe(503);
  });

  it.each(["fails", "hangs"] as const)(
    "while the issuer %s: 503, and later all is well",
    async (mode) => {
      const realm = newRealm("acme");
      const place = isolate({
        OPENID_ISSUERS: JSON.stringify([realm.redirecting]),
        STORAGE_DEADLINE_MS: "200",
      });
      await realm.order({ mode });
      const ask = () => place.send("POST", "/log-in/acme", { headers: SAME_SITE, form: {} });
      const answer = await ask();
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
      await realm.order({ mode: "good" });
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 5_001 });
      expect((await ask()).status).toBe(200);
    },
  );
});
