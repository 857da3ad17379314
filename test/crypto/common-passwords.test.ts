import { describe, expect, it } from "vitest";
import { isCommonPassword } from "../../src/crypto/common-passwords.ts";

describe("isCommonPassword", () => {
  it.each(["password", "PASSWORD", "PassWord", "12345678", "iloveyou", "1QAZ2wsx", "trustno1"])(
    "knows %s",
    (password) => expect(isCommonPassword(password)).toBe(true),
  );

  it.each([
    "correct horse battery staple",
    "password ",
    " password",
    "pass word",
    "password\n12345678",
    "",
    "constructor",
    "__proto__",
  ])("does not know %j", (password) => expect(isCommonPassword(password)).toBe(false));
});
