import { beforeAll, describe, expect, it } from "vitest";
import { at, call, newCaller, textAt } from "../support/client.ts";
import { service } from "../support/service.ts";

/** Sign-up and reading. Changes and deletion are in account-changes.test.ts. */

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const PROFILE = {
  first_name: "Ada",
  last_name: "Lovelace",
  phone_number: "+15551234567",
  dob: "1915-12-10",
  gender: "female",
};
let number = 0;
const freshEmail = () => `user-${number++}@example.com`;
const signUp = (fields: object) =>
  call("POST", "/rest/user", {
    json: { email: freshEmail(), password: "correct horse battery", ...fields },
  });

describe("POST /rest/user", () => {
  it("answers 201 with the document's user, without a token", async () => {
    const email = freshEmail();
    const answer = await signUp({ email, ...PROFILE });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.json).toEqual({
      success: true,
      payload: {
        ...PROFILE,
        created_on: expect.stringMatching(ISO),
        modified_on: at(answer, "payload", "created_on"),
        uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
        email,
        gmail_user_id: null,
        facebook_user_id: null,
        apple_user_id: null,
        wechat_user_id: null,
        role: "User",
        deleted_on: null,
        email_verified: false,
        pending_email: null,
        external_id: null,
        metadata: {},
      },
    });
    expect(answer.text).not.toContain("correct horse");
  });

  it("answers the email as it compares, and knows it again", async () => {
    const answer = await signUp({ email: " \tÄda@Exａmple.COM " });
    expect(at(answer, "payload", "email")).toBe("äda@example.com");
    for (const email of ["äda@example.com", "ÄDA@EXAMPLE.COM", "A\u0308da@example.com"]) {
      expect(await signUp({ email })).toMatchObject({
        status: 409,
        json: { success: false, message: "User already exists", status: 409 },
      });
    }
  });

  it("gives an email to one of many", async () => {
    const email = freshEmail();
    const answers = await Promise.all([1, 2, 3].map(() => signUp({ email })));
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409, 409]);
  });

  it("makes nobody more than a user", async () => {
    const answer = await signUp({ role: "Admin", uuid: "mine", deleted_on: "now" });
    expect(answer).toMatchObject({ status: 201, json: { payload: { role: "User" } } });
    expect(textAt(answer, "payload", "uuid")).not.toBe("mine");
  });

  const REFUSED: readonly (readonly [field: string, value: unknown])[] = [
    ["email", undefined],
    ["email", null],
    ["email", ""],
    ["email", 5],
    ["email", "a@b."],
    ["email", `${"x".repeat(75)}@a.com`],
    ["email", "nobody"],
    ["email", "two@at@example.com"],
    ["email", "in side@example.com"],
    ["email", "nul\0@example.com"],
    ["email", "lone\ud800@example.com"],
    ["password", undefined],
    ["password", null],
    ["password", 12345678],
    ["password", "1234567"],
    ["password", "x".repeat(256)],
    ["password", " ".repeat(12)],
    ["password", "\u3000\t\n\u00a0 \r\u2003 "],
    ["password", "password"],
    ["password", "PassWord"],
    ["password", "12345678"],
    ["password", "lone\ud800surrogate"],
    ["first_name", ""],
    ["first_name", "x".repeat(25)],
    ["first_name", 1],
    ["last_name", ""],
    ["last_name", "x".repeat(25)],
    ["gender", "x".repeat(25)],
    ["gender", false],
    ["phone_number", "5551234567"],
    ["phone_number", "+05551234567"],
    ["phone_number", "+1 555 CALL ME"],
    ["phone_number", "+ "],
    ["phone_number", "+1234567890123456"],
    ["phone_number", 15551234567],
    ["dob", "10.12.1915"],
    ["dob", "1899-12-31"],
    ["dob", "0000-01-01"],
    ["dob", "2999-01-01"],
    ["dob", new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)],
    ["first_name", "   "],
    ["last_name", "\u2800\u3000"],
    ["dob", "2001-02-29"],
    ["dob", "2001-13-01"],
    ["dob", "2001-1-1"],
    ["dob", "2001-01-01T00:00:00Z"],
    ["dob", 2001],
  ];
  it.each(REFUSED)("refuses %s %j", async (field, value) => {
    const answer = await signUp({ [field]: value });
    expect(answer).toMatchObject({
      status: 400,
      json: { success: false, message: expect.stringMatching(`^${field} `), status: 400 },
    });
  });

  const TAKEN: readonly object[] = [
    { email: "a@b.c", password: "8 chars!" },
    { email: `${"x".repeat(74)}@b.com`, password: "x".repeat(255) },
    { password: "😀".repeat(8), first_name: "x", last_name: "😀".repeat(24) },
    { first_name: null, last_name: null, phone_number: null, dob: null, gender: null },
    { phone_number: "+12", dob: "2000-02-29", gender: "x".repeat(24) },
    { dob: "1900-01-01" },
    { dob: new Date().toISOString().slice(0, 10) },
    { first_name: "Müller-Lüdenscheidt", last_name: "O’Brien 陳 עברית हिन्दी" },
  ];
  it.each(TAKEN)("takes %j", async (fields) => {
    expect((await signUp(fields)).status).toBe(201);
  });

  it.each(["{", "[]", "null", "", '"text"'])("refuses the body %j", async (body) => {
    const headers = { "content-type": "application/json" };
    const answer = await call("POST", "/rest/user", { headers, body });
    expect(answer).toMatchObject({ status: 400, json: { success: false, status: 400 } });
  });

  it("says all that is wrong, and repeats no password", async () => {
    const answer = await signUp({ email: "nobody", password: "hunter2", dob: "soon" });
    expect(answer.status).toBe(400);
    for (const field of ["email", "password", "dob"]) expect(answer.text).toContain(field);
    expect(answer.text).not.toContain("hunter2");
  });
});

describe("GET /rest/user", () => {
  let user: Awaited<ReturnType<typeof newCaller>>;
  beforeAll(async () => {
    user = await newCaller(PROFILE);
  });

  it("answers the user without a token", async () => {
    const answer = await call("GET", "/rest/user", { bearer: user.access });
    expect(answer.status).toBe(200);
    expect(at(answer, "payload")).toMatchObject({ ...PROFILE, uuid: user.id, email: user.email });
    expect(Object.keys(Object(at(answer, "payload")))).toHaveLength(19);
    expect(at(answer, "payload")).not.toHaveProperty("token");
  });

  it("needs somebody", async () => {
    const json = { success: false, message: "Authentication required", status: 401 };
    for (const method of ["GET", "PATCH", "DELETE"]) {
      expect(await call(method, "/rest/user")).toMatchObject({ status: 401, json });
    }
  });
});

it("closes sign-up on request, and nothing else", async () => {
  const closed = service({ SIGN_UP: "closed" });
  const json = { email: "late@example.com", password: "a fine password" };
  expect(await closed("POST", "/rest/user", { json })).toMatchObject({
    status: 403,
    json: { success: false, message: "Sign-up is closed", status: 403 },
  });
  expect((await closed("POST", "/tokens", { json: {} })).status).toBe(400);
});
