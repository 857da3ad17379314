import { beforeAll, describe, expect, it } from "vitest";
import { type Answered, call, newCaller, newPair, newUser, PASSWORD } from "../support/client.ts";

/**
 * What Django REST framework 3.14.0 with simplejwt 5.2.2 answered to the same requests, as run from
 * Debian's packages with email as the user name.
 */

const LOGIN = "/api/token/";
const JSON_TYPE = { "content-type": "application/json" };
const REQUIRED = ["This field is required."];
const NULL = ["This field may not be null."];
const BLANK = ["This field may not be blank."];
const NO_STRING = ["Not a valid string."];
const NO_ACCOUNT = { detail: "No active account found with the given credentials" };
const notDict = (type: string) => ({
  non_field_errors: [`Invalid data. Expected a dictionary, but got ${type}.`],
});

const raw = (body: string, path = LOGIN) => call("POST", path, { headers: JSON_TYPE, body });

describe("JSON at login", () => {
  const CASES: readonly (readonly [body: string, status: number, json: unknown])[] = [
    ["{}", 400, { email: REQUIRED, password: REQUIRED }],
    ["", 400, { email: REQUIRED, password: REQUIRED }],
    ['{"email":"a@b.cc"}', 400, { password: REQUIRED }],
    ['{"password":"12345678"}', 400, { email: REQUIRED }],
    ['{"email":null,"password":null}', 400, { email: NULL, password: NULL }],
    ['{"email":"","password":"  "}', 400, { email: BLANK, password: BLANK }],
    ['{"email":"\\u3000","password":"\\n\\t"}', 400, { email: BLANK, password: BLANK }],
    ['{"email":true,"password":false}', 400, { email: NO_STRING, password: NO_STRING }],
    ['{"email":[],"password":{}}', 400, { email: NO_STRING, password: NO_STRING }],
    ['{"email":"a","password":["x"]}', 400, { password: NO_STRING }],
    ['{"email":1,"password":12345678}', 401, NO_ACCOUNT],
    ['{"email":1.5,"password":1e30}', 401, NO_ACCOUNT],
    ['{"email":"a\\u0000","password":"x"}', 400, { email: ["Null characters are not allowed."] }],
    ['{"email":" \\u0000","password":"x"}', 400, { email: ["Null characters are not allowed."] }],
    [
      '{"email":"a@b.cc\\ud800","password":"x"}',
      400,
      { email: ["Surrogate characters are not allowed: U+D800."] },
    ],
    ["[]", 400, notDict("list")],
    ["[1]", 400, notDict("list")],
    ['"x"', 400, notDict("str")],
    ['""', 400, notDict("str")],
    ["1", 400, notDict("int")],
    ["0", 400, notDict("int")],
    ["1.5", 400, notDict("float")],
    ["true", 400, notDict("bool")],
    ["false", 400, notDict("bool")],
    ["null", 400, { non_field_errors: ["No data provided"] }],
    [`${"[".repeat(1000)}${"]".repeat(1000)}`, 400, notDict("list")],
  ];
  it.each(CASES)("%s", async (body, status, json) => {
    expect(await raw(body)).toMatchObject({ status, json });
  });

  it.each(["{", "{'email':1}", " ", "nope", '{"email":NaN}', '{"a":1}}'])(
    "that does not parse: %j",
    async (body) => {
      const detail = expect.stringMatching(/^JSON parse error - /);
      expect(await raw(body)).toMatchObject({ status: 400, json: { detail } });
    },
  );

  it("that is no UTF-8", async () => {
    const body = new Uint8Array([...new TextEncoder().encode('{"email":"'), 0xff, 0x22, 0x7d]);
    const answer = await call("POST", LOGIN, { headers: JSON_TYPE, body });
    const detail = expect.stringMatching(/^JSON parse error - /);
    expect(answer).toMatchObject({ status: 400, json: { detail } });
  });

  it("never repeats what was sent in a parse error", async () => {
    expect((await raw('{"password":"hunter2hunter2"')).text).not.toContain("hunter2");
  });

  it("takes a number as its text", async () => {
    const user = await newUser({ password: "9876543210" });
    const body = JSON.stringify({ email: user.email, password: 9876543210 });
    expect((await raw(body)).status).toBe(200);
  });

  it.each(["APPLICATION/JSON", "application/json; charset=utf-8"])("as %s", async (type) => {
    const headers = { "content-type": type };
    expect(await call("POST", LOGIN, { headers, body: "[]" })).toMatchObject({ status: 400 });
  });
});

describe("one token in, at refresh, verify and blacklist", () => {
  let user: Awaited<ReturnType<typeof newCaller>>;
  beforeAll(async () => {
    user = await newCaller();
  });
  /** At blacklist it is good once. */
  const fresh = async () => (await newPair(user)).refresh;

  describe.each([
    ["/api/token/refresh/", "refresh"],
    ["/api/token/verify/", "token"],
    ["/api/token/blacklist/", "refresh"],
  ])("%s", (path, field) => {
    const send = (value: unknown) => call("POST", path, { json: { [field]: value } });

    it.each([
      ["missing", undefined, REQUIRED],
      ["null", null, NULL],
      ["empty", "", BLANK],
      ["blank", " \n", BLANK],
      ["true", true, NO_STRING],
      ["a list", [], NO_STRING],
      ["a dictionary", {}, NO_STRING],
    ])("%s", async (_, value, problem) => {
      expect(await send(value)).toMatchObject({ status: 400, json: { [field]: problem } });
    });

    it.each([1, 1.5, "x", "a.b.c"])("no JWT: %j", async (value) => {
      const json = { detail: "Token is invalid or expired", code: "token_not_valid" };
      expect(await send(value)).toMatchObject({ status: 401, json });
    });

    it("with space around it, as a file's last line has", async () => {
      for (const spaced of [
        (jwt: string) => ` ${jwt}`,
        (jwt: string) => `${jwt}\n`,
        (jwt: string) => `\t${jwt} `,
      ]) {
        expect((await send(spaced(await fresh()))).status).toBe(200);
      }
    });

    it("from a form", async () => {
      expect((await call("POST", path, { form: { [field]: await fresh() } })).status).toBe(200);
      const multipart = new FormData();
      multipart.set(field, await fresh());
      expect((await call("POST", path, { body: multipart })).status).toBe(200);
    });

    it.each([
      ["null", { non_field_errors: ["No data provided"] }],
      ["1", notDict("int")],
      ["[]", notDict("list")],
    ])("a body that is no dictionary: %s", async (body, json) => {
      expect(await raw(body, path)).toMatchObject({ status: 400, json });
    });
  });
});

describe("forms at login", () => {
  const URLENCODED = "application/x-www-form-urlencoded";
  let email = "";
  beforeAll(async () => {
    ({ email } = await newUser());
  });
  const form = (body: string, type = URLENCODED) =>
    call("POST", LOGIN, { headers: { "content-type": type }, body });
  const multipart = (fields: Readonly<Record<string, string | Blob>>): Promise<Answered> => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    return call("POST", LOGIN, { body });
  };

  it("urlencoded and multipart are taken", async () => {
    expect((await call("POST", LOGIN, { form: { email, password: PASSWORD } })).status).toBe(200);
    expect((await multipart({ email, password: PASSWORD })).status).toBe(200);
    expect((await multipart({ username: email, password: PASSWORD })).status).toBe(200);
  });

  it("the last of several values counts", async () => {
    const fields = `email=nobody&email=${encodeURIComponent(email)}`;
    const password = encodeURIComponent(PASSWORD);
    expect((await form(`${fields}&password=wrong&password=${password}`)).status).toBe(200);
  });

  it.each([
    ["email=&password", { email: BLANK, password: BLANK }],
    ["email=+&password=+", { email: BLANK, password: BLANK }],
    ['{"email":1}', { email: REQUIRED, password: REQUIRED }],
    ["email=%00&password=x", { email: ["Null characters are not allowed."] }],
    ["", { email: REQUIRED, password: REQUIRED }],
  ])("fields that are wrong: %j", async (body, json) => {
    expect(await form(body)).toMatchObject({ status: 400, json });
  });

  it("a file is no string", async () => {
    const answer = await multipart({ email: new Blob(["a@b.cc"]), password: "x" });
    expect(answer).toMatchObject({ status: 400, json: { email: NO_STRING } });
  });

  it("multipart without a boundary does not parse", async () => {
    const detail = expect.stringMatching(/^Multipart form parse error - /);
    expect(await form("x", "multipart/form-data")).toMatchObject({ status: 400, json: { detail } });
  });

  it("no body at all is no fields, whatever its type", async () => {
    for (const type of [URLENCODED, "multipart/form-data; boundary=x", "text/plain", ""]) {
      const json = { email: REQUIRED, password: REQUIRED };
      expect(await form("", type)).toMatchObject({ status: 400, json });
    }
    expect((await call("POST", LOGIN)).status).toBe(400);
  });
});
