import { beforeAll, describe, expect, it, vi } from "vitest";
import {
  at,
  call,
  newApiToken,
  newCaller,
  newSession,
  newUser,
  PASSWORD,
} from "../support/client.ts";
import { DB } from "../support/database.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MISSING = { error: "missing or invalid required fields" };
const MISSING_AT_PUT = {
  error: "missing or invalid required fields. extend must be set to true",
};
/** The right alphabet, length and prefix, and a checksum that is wrong. */
const TYPO = `lk_ses_${"A".repeat(49)}`;

let user: Awaited<ReturnType<typeof newCaller>>;
beforeAll(async () => {
  user = await newCaller();
});

const login = (json: unknown) => call("POST", "/tokens", { json });
const read = (token: string) => call("GET", `/tokens?token=${encodeURIComponent(token)}`);
const extend = (token: unknown) => call("PUT", "/tokens", { json: { token, extend: true } });
const end = (token: string) => call("DELETE", `/tokens?token=${encodeURIComponent(token)}`);

function setClock(ms: number): void {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(ms);
}

describe("POST", () => {
  it("creates a session of one hour", async () => {
    const before = Date.now();
    const answer = await login({ email_id: user.email, password: PASSWORD });
    expect(answer).toMatchObject({
      status: 200,
      json: {
        success: "token created successfully",
        data: { token: expect.stringMatching(/^lk_ses_[0-9A-Za-z]{49}$/), email_id: user.email },
      },
    });
    expect(Object.keys(Object(answer.json))).toEqual(["success", "data"]);
    expect(Object.keys(Object(at(answer, "data")))).toEqual(["token", "email_id", "expires"]);
    const expires = Number(at(answer, "data", "expires"));
    expect(expires).toBeGreaterThanOrEqual(before + HOUR);
    expect(expires).toBeLessThanOrEqual(Date.now() + HOUR);
  });

  it("takes the email as it compares, and answers it so", async () => {
    const answer = await login({ email_id: ` ${user.email.toUpperCase()} `, password: PASSWORD });
    expect(at(answer, "data", "email_id")).toBe(user.email);
  });

  it.each([
    ["unknown@example.com", PASSWORD],
    ["", ` ${PASSWORD}`],
    ["", `${PASSWORD} `],
    ["", "wrong password"],
  ])("refuses %j with %j", async (email, password) => {
    expect(await login({ email_id: email || user.email, password })).toMatchObject({
      status: 400,
      json: { error: "password does not match" },
    });
  });

  it.each([
    {},
    [],
    null,
    "text",
    { email_id: "a@b.cc" },
    { password: PASSWORD },
    { email: "a@b.cc", password: PASSWORD },
    { email_id: "", password: PASSWORD },
    { email_id: "a@b.cc", password: "" },
    { email_id: 1, password: PASSWORD },
    { email_id: "a@b.cc", password: null },
    { email_id: ["a@b.cc"], password: PASSWORD },
  ])("needs both fields as text: %j", async (json) => {
    expect(await login(json)).toMatchObject({ status: 400, json: MISSING });
  });

  it("takes JSON alone", async () => {
    const fields = { email_id: user.email, password: PASSWORD };
    const body = JSON.stringify(fields);
    const sent = [
      { form: fields },
      { body },
      { body, headers: { "content-type": "text/plain" } },
      { body: "{", headers: { "content-type": "application/json" } },
      { headers: { "content-type": "application/json" } },
      {},
    ];
    for (const each of sent) {
      expect(await call("POST", "/tokens", each)).toMatchObject({ status: 400, json: MISSING });
    }
  });
});

describe("GET", () => {
  it("answers the token, by parameter or header", async () => {
    const token = await newSession(user);
    const shown = { token, email_id: user.email, expires: expect.any(Number) };
    const answers = [
      await read(token),
      await call("GET", "/tokens", { xToken: token }),
      await call("GET", `/tokens?token=${token}`, { xToken: token }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual(shown);
    }
  });
});

describe("PUT", () => {
  it("extends to one hour from the request", async () => {
    const token = await newSession(user);
    const later = Date.now() + 20 * 60_000;
    setClock(later);
    const answer = await extend(token);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      success: "data updated successfully",
      __latest_data: { token, email_id: user.email, expires: later + HOUR },
    });
    expect((await read(token)).json).toEqual(at(answer, "__latest_data"));
    const byHeader = await call("PUT", "/tokens", { xToken: token, json: { extend: true } });
    expect(byHeader.status).toBe(200);
  });

  it("needs a token and extend as true", async () => {
    const token = await newSession(user);
    const bodies = [
      {},
      { token },
      { extend: true },
      { token, extend: false },
      { token, extend: "true" },
      { token, extend: 1 },
      { token: "", extend: true },
      { token: 1, extend: true },
      { token: null, extend: true },
      [],
    ];
    for (const json of bodies) {
      expect(await call("PUT", "/tokens", { json })).toMatchObject({
        status: 400,
        json: MISSING_AT_PUT,
      });
    }
    const form = { token, extend: "true" };
    expect((await call("PUT", "/tokens", { form })).json).toEqual(MISSING_AT_PUT);
  });

  it("never goes past 30 days from creation", async () => {
    const start = Date.now();
    setClock(start);
    const token = await newSession(user);
    // It is made old in D1, since the road of 720 extensions is long.
    const created = start - 30 * DAY + HOUR / 2;
    await DB.prepare(
      "UPDATE tokens SET created_at = ?, expires_at = ? WHERE kind = 'session' AND user_id = ?",
    )
      .bind(created, start + 1, user.id)
      .run();
    expect(at(await extend(token), "__latest_data", "expires")).toBe(created + 30 * DAY);
    setClock(created + 30 * DAY);
    expect(await extend(token)).toMatchObject({ status: 400, json: MISSING_AT_PUT });
    expect((await read(token)).status).toBe(400);
  });
});

describe("DELETE", () => {
  it("ends the token", async () => {
    const token = await newSession(user);
    const answer = await end(token);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ success: "successfully deleted token" });
    const header = await newSession(user);
    expect((await call("DELETE", "/tokens", { xToken: header })).status).toBe(200);
  });

  it("succeeds for one of many", async () => {
    const token = await newSession(user);
    const answers = await Promise.all(Array.from({ length: 12 }, () => end(token)));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    const others = answers.filter((answer) => answer.status !== 200);
    for (const answer of others) expect(answer).toMatchObject({ status: 400, json: MISSING });
  });
});

describe("a token that is not valid", () => {
  const refused = async (token: string) => {
    expect(await read(token)).toMatchObject({ status: 400, json: MISSING });
    expect(await end(token)).toMatchObject({ status: 400, json: MISSING });
    expect(await extend(token)).toMatchObject({ status: 400, json: MISSING_AT_PUT });
  };

  it.each(["", "nonsense", TYPO, "lk_ses_", "%00"])("malformed or unknown: %j", refused);

  it("deleted", async () => {
    const token = await newSession(user);
    await end(token);
    await refused(token);
  });

  it("expired, and it is not revived", async () => {
    const token = await newSession(user);
    const expires = Number(at(await read(token), "expires"));
    setClock(expires - 1);
    expect((await read(token)).status).toBe(200);
    setClock(expires);
    await refused(token);
  });

  it("of another kind", async () => {
    await refused((await newApiToken(user.access)).secret);
    await refused(user.access);
  });

  it("of a user whose password is new, or who is gone", async () => {
    const other = await newUser();
    const token = await newSession(other);
    const second = await newSession(other);
    const json = { password: "a new password", current_password: PASSWORD };
    expect((await call("PATCH", "/rest/user", { xToken: second, json })).status).toBe(200);
    await refused(token);
    // The one that asked is spared.
    expect((await read(second)).status).toBe(200);
    const gone = { json: { password: "a new password" }, xToken: second };
    expect((await call("DELETE", "/rest/user", gone)).status).toBe(200);
    await refused(second);
  });

  it("named twice and differently", async () => {
    const token = await newSession(user);
    const other = await newSession(user);
    const xToken = other;
    const twice = `/tokens?token=${token}&token=${other}`;
    for (const method of ["GET", "DELETE"]) {
      const bare = await call(method, "/tokens");
      expect(bare).toMatchObject({ status: 400, json: MISSING });
      const differs = await call(method, `/tokens?token=${token}`, { xToken });
      expect(differs).toMatchObject({ status: 400, json: MISSING });
      expect(await call(method, twice)).toMatchObject({ status: 400, json: MISSING });
    }
    const answer = await call("PUT", "/tokens", { xToken, json: { token, extend: true } });
    expect(answer).toMatchObject({ status: 400, json: MISSING_AT_PUT });
    for (const each of [token, other]) expect((await read(each)).status).toBe(200);
  });
});
