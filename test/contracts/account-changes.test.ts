import { beforeAll, describe, expect, it } from "vitest";
import {
  at,
  call,
  newApiToken,
  newCaller,
  newPair,
  newSession,
  newUser,
  PASSWORD,
  type Send,
  textAt,
} from "../support/client.ts";

type User = Awaited<ReturnType<typeof newCaller>>;

const WRONG = { success: false, message: "Wrong credentials", status: 401 };
const NEW_PASSWORD = "an entirely new password";

const patch = (send: Send, json: unknown) => call("PATCH", "/rest/user", { ...send, json });
const remove = (send: Send, json: unknown) => call("DELETE", "/rest/user", { ...send, json });
const statusOf = async (send: Send) => (await call("GET", "/rest/user", send)).status;

let bystander: User;
beforeAll(async () => {
  bystander = await newCaller();
});

/** One of everything that a user can hold. */
async function holdingsOf(user: User) {
  const { secret } = await newApiToken(user.access);
  const jwt = textAt(await call("GET", "/rest/auth", { bearer: user.access }), "payload", "token");
  const json = { action: "addContact", payload: { contact_id: user.id } };
  const action = await call("POST", "/api/generate-action-token", { bearer: user.access, json });
  return {
    sends: [
      { bearer: user.access },
      { bearer: jwt },
      { bearer: secret },
      { xToken: await newSession(user) },
    ] satisfies Send[],
    refresh: user.refresh,
    action: textAt(action, "token", "token"),
  };
}

async function expectEnded({ sends, refresh, action }: Awaited<ReturnType<typeof holdingsOf>>) {
  for (const send of sends) expect([send, await statusOf(send)]).toEqual([send, 401]);
  expect((await call("POST", "/api/token/refresh/", { json: { refresh } })).status).toBe(401);
  const run = { bearer: bystander.access, json: { token: action } };
  expect(await call("POST", "/api/run-action-token", run)).toMatchObject({
    status: 422,
    json: { reason: "revoked" },
  });
}

describe("PATCH /rest/user", () => {
  let user: User;
  beforeAll(async () => {
    user = await newCaller({ first_name: "Ada", gender: "female" });
  });
  const change = (json: unknown) => patch({ bearer: user.access }, json);

  it("changes what is named, and null clears", async () => {
    const answer = await change({ first_name: "Augusta", gender: null, dob: "1915-12-10" });
    expect(answer.status).toBe(200);
    expect(at(answer, "payload")).toMatchObject({
      uuid: user.id,
      email: user.email,
      first_name: "Augusta",
      last_name: null,
      gender: null,
      dob: "1915-12-10",
    });
    expect(Object.keys(Object(at(answer, "payload")))).toHaveLength(19);
    expect((await call("GET", "/rest/user", { bearer: user.access })).json).toEqual(answer.json);
  });

  it.each([
    {},
    [],
    { unknown: 1 },
    { current_password: PASSWORD },
    { email: null, current_password: PASSWORD },
    { password: null, current_password: PASSWORD },
    { first_name: "" },
    { dob: "yesterday" },
    { phone_number: "555" },
    { password: "short", current_password: PASSWORD },
    { password: "password1", current_password: PASSWORD },
    { email: "nobody", current_password: PASSWORD },
  ])("refuses %j", async (json) => {
    expect(await change(json)).toMatchObject({
      status: 400,
      json: { success: false, status: 400 },
    });
  });

  it("needs the current password for a new email or password", async () => {
    for (const json of [{ email: "new@example.com" }, { password: NEW_PASSWORD }]) {
      expect(await change(json)).toMatchObject({
        status: 400,
        json: { success: false, message: expect.stringContaining("current_password") },
      });
      const wrong = await change({ ...json, current_password: `${PASSWORD} ` });
      expect(wrong).toMatchObject({ status: 401, json: WRONG });
    }
    expect(await statusOf({ bearer: user.access })).toBe(200);
  });

  it("changes the email, and ends nothing by it", async () => {
    const email = `moved-${user.email}`;
    const sent = { email: email.toUpperCase(), current_password: PASSWORD };
    expect(at(await change(sent), "payload", "email")).toBe(email);
    expect(await statusOf({ bearer: user.access })).toBe(200);
    expect(await statusOf({ basic: { email, password: PASSWORD } })).toBe(200);
    expect(await statusOf({ basic: user })).toBe(401);
  });

  it("does not take another's email", async () => {
    const { email } = await newUser();
    expect(await change({ email, current_password: PASSWORD })).toMatchObject({
      status: 409,
      json: { success: false, message: "User already exists", status: 409 },
    });
  });
});

describe("a new password", () => {
  it("ends every other credential of the user, and of nobody else", async () => {
    const user = await newCaller();
    const held = await holdingsOf(user);
    const asking = await newSession(user);
    const json = { password: NEW_PASSWORD, current_password: PASSWORD };
    const answer = await patch({ xToken: asking }, json);
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain(NEW_PASSWORD);
    await expectEnded(held);
    expect(await statusOf({ xToken: asking })).toBe(200);
    expect(await statusOf({ basic: user })).toBe(401);
    const renewed = { ...user, password: NEW_PASSWORD };
    expect(await statusOf({ basic: renewed })).toBe(200);
    expect(await statusOf({ bearer: (await newPair(renewed)).access })).toBe(200);
    expect(await statusOf({ bearer: bystander.access })).toBe(200);
  });

  it("spares the API token that asked for it", async () => {
    const user = await newCaller();
    const [asking, other] = [await newApiToken(user.access), await newApiToken(user.access)];
    const json = { password: NEW_PASSWORD, current_password: PASSWORD };
    expect((await patch({ bearer: asking.secret }, json)).status).toBe(200);
    expect(await statusOf({ bearer: asking.secret })).toBe(200);
    expect(await statusOf({ bearer: other.secret })).toBe(401);
  });
});

describe("DELETE /rest/user", () => {
  it("needs the password", async () => {
    const user = await newCaller();
    const send = { bearer: user.access };
    for (const json of [{}, { password: "" }, { password: 1 }, { password: null }, []]) {
      expect(await remove(send, json)).toMatchObject({
        status: 400,
        json: { success: false, status: 400 },
      });
    }
    expect(await remove(send, { password: "wrong password" })).toMatchObject({
      status: 401,
      json: WRONG,
    });
    expect(await statusOf(send)).toBe(200);
  });

  it("ends the account and every credential at once, and frees the email", async () => {
    const user = await newCaller();
    const held = await holdingsOf(user);
    const answer = await remove({ bearer: user.access }, { password: PASSWORD });
    expect(answer).toMatchObject({ status: 200, json: { success: true } });
    await expectEnded(held);
    expect(await statusOf({ basic: user })).toBe(401);

    const again = await newUser({ email: user.email });
    expect(again.id).not.toBe(user.id);
    expect(await statusOf({ basic: user })).toBe(200);
    // The new account has nothing of the old one.
    for (const send of held.sends) expect(await statusOf(send)).toBe(401);
  });
});
