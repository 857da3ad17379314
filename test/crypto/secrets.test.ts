import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import type { TokenKind } from "../../src/core/token.ts";
import { createSecrets } from "../../src/crypto/secrets.ts";
import { call } from "../support/client.ts";

const secrets = createSecrets(["lk"]);

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PREFIXES = { session: "lk_ses_", api: "lk_api_", action: "lk_act_" };
const KINDS: readonly TokenKind[] = ["session", "api", "action"];

const idOf = (text: string) => secrets.idOf("api", text);
const swapped = (text: string, at: number) =>
  text.slice(0, at) + text.charAt(at + 1) + text.charAt(at) + text.slice(at + 2);

/** CRC-32 as ISO/IEC 3309 has it, bit by bit. */
function crc32(text: string): number {
  let crc = ~0;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

describe.each(KINDS)("a secret for %s", (kind) => {
  it("is its prefix, 43 characters of chance and 6 of CRC-32, in base62", async () => {
    const { secret } = await secrets.create(kind);
    const prefix = PREFIXES[kind];
    expect(secret.slice(prefix.length)).toMatch(/^[0-9A-Za-z]{49}$/);
    expect(secret.startsWith(prefix)).toBe(true);
    const digits = [...secret.slice(-6)].map((digit) => BASE62.indexOf(digit));
    const value = digits.reduce((sum, digit) => sum * 62 + digit, 0);
    expect(value).toBe(crc32(secret.slice(0, -6)));
  });

  it("has the UUIDv8 of its SHA-256 as its id", async () => {
    const { secret, id } = await secrets.create(kind);
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
    const hex = new Uint8Array(digest).toHex().slice(0, 32);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    // All but the version's four bits and the variant's two.
    const bare = id.replaceAll("-", "");
    for (const [from, to] of [
      [0, 12],
      [13, 16],
      [17, 32],
    ]) {
      expect(bare.slice(from, to)).toBe(hex.slice(from, to));
    }
    expect(await secrets.idOf(kind, secret)).toBe(id);
  });

  it("is of no other kind", async () => {
    const { secret } = await secrets.create(kind);
    for (const other of KINDS.filter((each) => each !== kind)) {
      expect(await secrets.idOf(other, secret)).toBeNull();
      const dressed = PREFIXES[other] + secret.slice(PREFIXES[kind].length);
      expect(await secrets.idOf(other, dressed)).toBeNull();
    }
  });
});

describe("the checksum", () => {
  it("catches every change of a single character", async () => {
    const { secret } = await secrets.create("api");
    const passed: string[] = [];
    for (let at = 0; at < secret.length; at++) {
      for (const char of `${BASE62}_-`) {
        if (char === secret.charAt(at)) continue;
        const changed = secret.slice(0, at) + char + secret.slice(at + 1);
        if ((await idOf(changed)) !== null) passed.push(changed);
      }
    }
    expect(passed).toEqual([]);
  });

  it("catches every swap of two neighbours", async () => {
    for (let round = 0; round < 20; round++) {
      const { secret } = await secrets.create("api");
      for (let at = 0; at < secret.length - 1; at++) {
        const changed = swapped(secret, at);
        if (changed !== secret) expect(await idOf(changed), changed).toBeNull();
      }
    }
  });

  it("catches every character that is lost, doubled or added", async () => {
    const { secret } = await secrets.create("api");
    for (let at = 0; at <= secret.length; at++) {
      const [before, char, after] = [secret.slice(0, at), secret.charAt(at), secret.slice(at + 1)];
      const changed = [`${before}0${char}${after}`];
      if (char !== "") changed.push(before + after, before + char + char + after);
      for (const each of changed) expect(await idOf(each), each).toBeNull();
    }
  });

  it.each([
    "",
    "lk_api_",
    "__proto__",
    "\0",
    "\ud800",
    `lk_api_${"0".repeat(48)}`,
    `lk_api_${"０".repeat(49)}`,
    `lk_api_${"0".repeat(1_000_000)}`,
  ])("refuses %.20j", async (text) => expect(await idOf(text)).toBeNull());

  it("refuses white space around, and another case", async () => {
    const { secret } = await secrets.create("api");
    const others = [` ${secret}`, `${secret} `, `${secret}\n`, secret.toUpperCase()];
    for (const other of others) expect(await idOf(other)).toBeNull();
  });
});

describe("chance", () => {
  it("makes no secret twice, and favours no character", async () => {
    const count = 2_000;
    const seen = new Set<string>();
    const tally = new Map<string, number>();
    for (let round = 0; round < count; round++) {
      const { secret } = await secrets.create("api");
      seen.add(secret);
      for (const char of secret.slice(7, 50)) tally.set(char, (tally.get(char) ?? 0) + 1);
    }
    expect(seen.size).toBe(count);
    // 61 degrees of freedom: 130 is passed by chance less than once in a million times.
    const expected = (count * 43) / 62;
    const chi2 = [...BASE62].reduce((sum, char) => {
      const off = (tally.get(char) ?? 0) - expected;
      return sum + (off * off) / expected;
    }, 0);
    expect(chi2).toBeLessThan(130);
  });
});

it("turns a typo or a probe away without any read", async () => {
  const prepared = vi.spyOn(env.DB, "prepare");
  const read = vi.spyOn(env.KV, "get");
  const { secret } = await secrets.create("api");
  // Of two neighbors that differ: swapping equal ones would leave the secret as it is.
  const swaps = Array.from(secret, (_, at) => swapped(secret, at)).slice(20);
  const typo = swaps.find((each) => each !== secret);
  const probes = ["lk_api_x", typo ?? "", secret.slice(0, -1), "lk_ses_", "a.b.c", "x"];
  for (const probe of probes) {
    const answers = [
      await call("GET", "/rest/user", { bearer: probe }),
      await call("GET", "/rest/user", { xToken: probe }),
      await call("GET", "/tokens", { xToken: probe }),
      await call("POST", "/api/run-action-token", { json: { token: probe } }),
      await call("POST", "/api/token/verify/", { json: { token: probe } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 400, 422, 401]);
  }
  expect(read).not.toHaveBeenCalled();
  // Refused credentials are counted after the answer, once in ten minutes for a network: another file may have caused that.
  const written = prepared.mock.calls.map(([sql]) => sql.slice(0, 18));
  expect(["", "INSERT INTO events"]).toContain(written.join());
});
