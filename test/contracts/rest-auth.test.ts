import { decodeJwt } from "jose";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { at, base64, call, newCaller, newUser, textAt } from "../support/client.ts";

/** `GET /rest/auth`. The other ways to log in are in credentials.test.ts. */

const DAY = 86_400;
const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const unauthorized = (message: string) => ({ success: false, message, status: 401 });

let user: Awaited<ReturnType<typeof newCaller>>;
beforeAll(async () => {
  user = await newCaller({ first_name: "John", last_name: "Smith" });
});

const auth = (headers: Readonly<Record<string, string>>, method = "GET") =>
  call(method, "/rest/auth", { headers });

describe("the document's own example", () => {
  // curl -X GET "https://api.stage.opentact.org/rest/auth"
  //   -H "accept: application/json" -H "X-Auth-Token: JWT_TOKEN"
  const URL = "https://api.stage.opentact.org/rest/auth";
  const send = (token: string) =>
    call("GET", URL, { headers: { accept: "application/json", "X-Auth-Token": token } });

  it("refuses the placeholder", async () => {
    const json = unauthorized("Invalid token");
    expect(await send("JWT_TOKEN")).toMatchObject({ status: 401, json });
    // The document's own Basic value, which is no base64.
    const authorization = "Basic dXNlcm5hbWU6cGFzc3dvcmQ=v";
    expect((await auth({ authorization })).json).toEqual(unauthorized("Wrong credentials"));
    const repaired = await auth({ authorization: "Basic dXNlcm5hbWU6cGFzc3dvcmQ=" });
    expect(repaired.json).toEqual(unauthorized("Wrong credentials"));
  });

  it("answers exactly the document's fields", async () => {
    const answer = await send(user.access);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      success: true,
      payload: {
        created_on: expect.stringMatching(ISO),
        modified_on: expect.stringMatching(ISO),
        uuid: user.id,
        email: user.email,
        phone_number: null,
        first_name: "John",
        last_name: "Smith",
        dob: null,
        gmail_user_id: null,
        facebook_user_id: null,
        apple_user_id: null,
        wechat_user_id: null,
        role: "User",
        gender: null,
        deleted_on: null,
        email_verified: false,
        pending_email: null,
        external_id: null,
        metadata: {},
        token: expect.any(String),
      },
    });
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });
});

describe("the JWT", () => {
  it("has the origin's claims and lives a day", async () => {
    const answer = await call("GET", "/rest/auth", { basic: user });
    const claims = decodeJwt(textAt(answer, "payload", "token"));
    expect(claims).toMatchObject({ uuid: user.id, role: "User", sub: user.id, user_id: user.id });
    expect(Number(claims.exp) - Number(claims.iat)).toBe(DAY);
  });

  it("authenticates until it runs out, and can be had again with itself", async () => {
    const token = textAt(await call("GET", "/rest/auth", { basic: user }), "payload", "token");
    const again = textAt(
      await call("GET", "/rest/auth", { xAuthToken: token }),
      "payload",
      "token",
    );
    expect(again).not.toBe(token);
    const { exp = 0 } = decodeJwt(token);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(exp * 1000 - 1);
    expect((await call("GET", "/rest/auth", { xAuthToken: token })).status).toBe(200);
    vi.setSystemTime(exp * 1000);
    const late = await call("GET", "/rest/auth", { xAuthToken: token });
    expect(late).toMatchObject({ status: 401, json: unauthorized("Invalid token") });
  });
});

describe("Basic", () => {
  it("is UTF-8, split at the first colon, spaces kept", async () => {
    const password = " pässwörd: with : colons 🔑 ";
    const other = await newUser({ password });
    const authorization = `Basic ${base64(`${other.email}:${password}`)}`;
    expect((await auth({ authorization })).status).toBe(200);
    const trimmed = `Basic ${base64(`${other.email}:${password.trim()}`)}`;
    expect((await auth({ authorization: trimmed })).json).toEqual(
      unauthorized("Wrong credentials"),
    );
    const latin1 = btoa(`${other.email}: pässwörd: with : colons `);
    expect((await auth({ authorization: `Basic ${latin1}` })).status).toBe(401);
  });

  it("is never percent-decoded", async () => {
    const other = await newUser({ password: "100%25 sure" });
    const send = (password: string) => call("GET", "/rest/auth", { basic: { ...other, password } });
    expect((await send("100%25 sure")).status).toBe(200);
    expect((await send("100% sure")).status).toBe(401);
  });

  it("takes the email as it compares", async () => {
    const basic = { email: user.email.toUpperCase(), password: user.password };
    expect((await call("GET", "/rest/auth", { basic })).status).toBe(200);
  });
});

describe("for gateways that ask by subrequest", () => {
  it("names the user in a header", async () => {
    const answer = await call("GET", "/rest/auth", { bearer: user.access });
    expect(answer.headers.get("x-auth-user")).toBe(user.id);
  });

  it("takes HEAD, and any Content-Type without a body", async () => {
    for (const type of ["text/plain", "application/json", "multipart/form-data", "nonsense"]) {
      for (const method of ["GET", "HEAD"]) {
        const answer = await auth({ "x-auth-token": user.access, "content-type": type }, method);
        expect(answer.status).toBe(200);
        expect(answer.headers.get("x-auth-user")).toBe(user.id);
        expect(answer.text === "").toBe(method === "HEAD");
      }
    }
  });

  it("says 401, and names nobody", async () => {
    for (const method of ["GET", "HEAD"]) {
      const { status, headers } = await auth({ "content-type": "text/plain" }, method);
      expect(status).toBe(401);
      expect(headers.get("x-auth-user")).toBeNull();
    }
  });
});

it("says why it refuses: nothing sent, a token, a password", async () => {
  expect((await call("GET", "/rest/auth")).json).toEqual(unauthorized("Authentication required"));
  expect((await call("GET", "/rest/auth", { bearer: "x" })).json).toEqual(
    unauthorized("Invalid token"),
  );
  const basic = { ...user, password: "wrong password" };
  expect((await call("GET", "/rest/auth", { basic })).json).toEqual(
    unauthorized("Wrong credentials"),
  );
  expect(
    at(await call("GET", "/rest/user", { bearer: user.access }), "payload"),
  ).not.toHaveProperty("token");
});
