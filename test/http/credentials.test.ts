import { HonoRequest } from "hono/request";
import { describe, expect, it } from "vitest";
import type { Credential } from "../../src/core/caller.ts";
import { FACEBOOK, GOOGLE } from "../../src/core/issuers.ts";
import { findCredential } from "../../src/http/credentials.ts";
import { RequestFaultError } from "../../src/http/request-fault.ts";

const ISSUERS = [GOOGLE, FACEBOOK].map((row) => ({ ...row, audience: [] }));

interface Rules {
  readonly query?: string;
  readonly inQuery?: boolean;
  readonly except?: readonly string[];
  readonly headerTypes?: readonly string[];
}

function found(
  headers: Readonly<Record<string, string>>,
  { query = "", inQuery = false, except = [], headerTypes = ["Bearer"] }: Rules = {},
): Credential | "doubled" | null {
  const request = new HonoRequest(new Request(`https://latchkey.test/${query}`, { headers }));
  try {
    return findCredential(request, { issuers: ISSUERS, inQuery, except, headerTypes });
  } catch (error) {
    if (error instanceof RequestFaultError) return "doubled";
    throw error;
  }
}

const utf8 = (text: string) => new TextEncoder().encode(text).toBase64();
const basic = (text: string) => found({ authorization: `Basic ${utf8(text)}` });
const password = (email: string, text: string) => ({
  method: "password",
  email,
  password: text,
  otp: null,
});
const MALFORMED = { method: "malformed" };

describe("Basic", () => {
  it.each([
    ["a@b.c:secret", "a@b.c", "secret"],
    ["a@b.c:", "a@b.c", ""],
    [":secret", "", "secret"],
    [":", "", ""],
    ["a:b:c::", "a", "b:c::"],
    [" a : b ", " a ", " b "],
    ["a:%20%3A+", "a", "%20%3A+"],
    ["é:пароль🔑", "é", "пароль🔑"],
    ["\ufeffa:\ufeffb", "\ufeffa", "\ufeffb"],
    ["a:\0\r\n", "a", "\0\r\n"],
  ])("reads %j literally", (text, email, secret) => {
    expect(basic(text)).toEqual(password(email, secret));
  });

  it.each([
    ["", "nothing"],
    ["!", "no base64"],
    ["YQ==", "no colon"],
    ["//4=", "no UTF-8"],
    ["wIA6YQ==", "an overlong NUL"],
    ["7aCAOmE=", "a surrogate"],
    ["YTpi=", "wrong padding"],
    ["YTpi.YTpi", "another alphabet"],
  ])("has no use for %j: %s", (encoded) => {
    expect(found({ authorization: `Basic ${encoded}` })).toEqual(MALFORMED);
  });

  it.each(["basic", "BASIC", "bAsIc"])("takes its scheme as %s", (scheme) => {
    expect(found({ authorization: `${scheme} ${utf8("a:b")}` })).toEqual(password("a", "b"));
  });
});

describe("other places", () => {
  it.each<[Record<string, string>, unknown]>([
    [{}, null],
    [{ authorization: "" }, null],
    [{ "x-auth-token": "" }, null],
    [
      { "x-auth-token": "", "x-token": "x" },
      { method: "session", token: "x" },
    ],
    [
      { "x-auth-google-token": "", authorization: "Bearer x" },
      { method: "bearer", token: "x" },
    ],
    [{ authorization: "Bearer: x" }, { method: "bearer", token: "" }],
    [{ authorization: "Bearer\tx" }, { method: "bearer", token: "x" }],
    [{ authorization: "Bearer x" }, { method: "bearer", token: "x" }],
    [{ authorization: "bearer   x" }, { method: "bearer", token: "x" }],
    [{ authorization: "Bearer" }, { method: "bearer", token: "" }],
    [{ authorization: "Token x" }, MALFORMED],
    [{ authorization: 'Digest username="a", realm="b"' }, MALFORMED],
    [{ "x-auth-token": "x" }, { method: "bearer", token: "x" }],
    [{ "x-token": "x" }, { method: "session", token: "x" }],
    [
      { "x-auth-google-token": "x" },
      { method: "identity", issuer: "google", token: "x", otp: null },
    ],
    [
      { "x-auth-facebook-token": "x" },
      { method: "identity", issuer: "facebook", token: "x", otp: null },
    ],
    [
      { "x-auth-ha1b-token": "x", "x-otp": "123456" },
      { method: "ha1b", token: "x", otp: "123456" },
    ],
    [
      { "x-token": "x", "x-otp": "123456" },
      { method: "session", token: "x" },
    ],
    [{ "x-auth-ha1b-token": "x" }, { method: "ha1b", token: "x", otp: null }],
    [{ "x-token": "x, y" }, "doubled"],
    [{ "x-token": "x", authorization: "Token y" }, "doubled"],
    [{ "x-token": "x", "x-auth-token": "y" }, "doubled"],
    [{ authorization: "Bearer x, Bearer y" }, "doubled"],
  ])("%j is %j", (headers, credential) => expect(found(headers)).toEqual(credential));

  it("leaves a surface its own header", () => {
    const except = ["X-Token"];
    expect(found({ "x-token": "x" }, { except })).toBeNull();
    expect(found({ "x-token": "x", "x-auth-token": "y" }, { except })).toEqual({
      method: "bearer",
      token: "y",
    });
  });

  it.each([
    ["?jwt=x", { method: "bearer", token: "x" }],
    ["?bearer=x", { method: "bearer", token: "x" }],
    ["?google_token=x", { method: "identity", issuer: "google", token: "x", otp: null }],
    ["?facebook_token=x", { method: "identity", issuer: "facebook", token: "x", otp: null }],
    ["?ha1b=x", { method: "ha1b", token: "x", otp: null }],
    ["?jwt=", null],
    ["?jwt=&bearer=x", { method: "bearer", token: "x" }],
    ["?jwt=&jwt=x", { method: "bearer", token: "x" }],
    ["?jwt=x&jwt=x", "doubled"],
    ["?jwt=x&bearer=x", "doubled"],
    ["?token=x&x-token=y&basic=z&access_token=w", null],
  ])(
    "in the query, %s is %j where that is on, and nothing where it is off",
    (query, credential) => {
      expect(found({}, { query, inQuery: true })).toEqual(credential);
      expect(found({}, { query })).toBeNull();
    },
  );
});
