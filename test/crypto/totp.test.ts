import { expect, it } from "vitest";
import { encryption } from "../../src/crypto/encryption.ts";
import { base32, totp } from "../../src/crypto/totp.ts";

const SECRET = base32(new TextEncoder().encode("12345678901234567890"));

it.each([
  ["f", "MY"],
  ["fo", "MZXQ"],
  ["foo", "MZXW6"],
  ["foob", "MZXW6YQ"],
  ["fooba", "MZXW6YTB"],
  ["foobar", "MZXW6YTBOI"],
])("base32 of %s (RFC 4648 section 10, without padding)", (text, encoded) => {
  expect(base32(new TextEncoder().encode(text))).toBe(encoded);
});

// RFC 6238 appendix B: the last six of its eight digits.
it.each([
  [59, "287082"],
  [1111111109, "081804"],
  [1111111111, "050471"],
  [1234567890, "005924"],
  [2000000000, "279037"],
  [20000000000, "353130"],
])("the code at second %i is %s, one step early and late too, and no further", async (at, code) => {
  const step = Math.floor(at / 30);
  const from = (steps: number) => totp.stepOf(SECRET, code, (step + steps) * 30_000);
  expect(await Promise.all([-2, -1, 0, 1, 2].map(from))).toEqual([null, step, step, step, null]);
  expect(await totp.stepOf(SECRET, code, step * 30_000 + 29_999)).toBe(step);
});

it("a new secret is 160 random bits, a recovery code 120", async () => {
  expect(totp.create()).toMatch(/^[A-Z2-7]{32}$/);
  expect(totp.recoveryCode()).toMatch(/^[a-z2-7]{24}$/);
  expect(new Set(Array.from({ length: 100 }, totp.recoveryCode)).size).toBe(100);
});

const key = (byte: number) => new Uint8Array(32).fill(byte);

it("what is encrypted opens with its key and context alone, and with an older key until that is dropped", async () => {
  const sealed = await encryption([key(1)]).encrypt("secret", "totp a");
  expect(await encryption([key(1)]).encrypt("secret", "totp a")).not.toBe(sealed);
  const by = (keys: Parameters<typeof encryption>[0], context = "totp a", text = sealed) =>
    encryption(keys).decrypt(text, context);
  expect(await by([key(1)])).toEqual({ text: "secret", isCurrent: true });
  expect(await by([key(2), key(1)])).toEqual({ text: "secret", isCurrent: false });
  expect(await by([key(2)])).toBeNull();
  expect(await by([key(1)], "totp b")).toBeNull();
  for (const bad of ["", "!", sealed.slice(4), `${sealed}AAAA`]) {
    expect(await by([key(1)], "totp a", bad)).toBeNull();
  }
});
