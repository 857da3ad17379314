import simd from "argon2id/dist/simd.wasm";
import { describe, expect, it } from "vitest";
import { type Argon2id, loadArgon2id } from "../../src/crypto/argon2id.ts";
import { argon2Passwords, COST_BOUND, passwordsOver } from "../../src/crypto/passwords.ts";
import { CURRENT_COST } from "../../src/crypto/phc.ts";
import { deployed } from "../support/quick-hashes.ts";
import { STORED, VECTORS } from "./argon2id-vectors.ts";

const passwords = argon2Passwords();
const CURRENT_PREFIX = `$argon2id$v=19$m=${CURRENT_COST.memoryKiB},t=${CURRENT_COST.passes},p=1$`;
const CURRENT_WORK = CURRENT_COST.memoryKiB * CURRENT_COST.passes;

// A salt and a tag of zeros. The counting Argon2id below answers zeros too, so these match.
const ZERO_SALT = "A".repeat(22);
const ZERO_TAG = "A".repeat(43);
const zeros = (parameters: string) => `$argon2id$v=19$${parameters}$${ZERO_SALT}$${ZERO_TAG}`;

/** Passwords over an Argon2id that hashes nothing and notes what it was asked for. */
function counting(answer = 0) {
  const calls: { memoryKiB: number; passes: number }[] = [];
  const argon2id: Argon2id = ({ memorySize, passes, tagLength }) => {
    calls.push({ memoryKiB: memorySize, passes });
    return new Uint8Array(tagLength).fill(answer);
  };
  const work = () => calls.reduce((sum, { memoryKiB, passes }) => sum + memoryKiB * passes, 0);
  return { passwords: passwordsOver(argon2id), calls, work };
}

describe("Argon2id in workerd", () => {
  const argon2id = loadArgon2id(simd);
  for (const { name, params, tag } of VECTORS) {
    it(name, () => expect(argon2id(params).toHex()).toBe(tag));
  }
});

describe("hash", () => {
  it("makes a PHC string of today's cost, 16 bytes of salt and 32 of tag", async () => {
    const phc = await passwords.hash("correct horse");
    expect(phc.slice(0, CURRENT_PREFIX.length)).toBe(CURRENT_PREFIX);
    expect(phc.slice(CURRENT_PREFIX.length)).toMatch(/^[\w+/]{22}\$[\w+/]{43}$/);
  });

  it("is what the deployed Worker makes, with all the work that its string says", async () => {
    const phc = await deployed.passwords.hash("correct horse");
    expect(await passwords.verify("correct horse", phc)).toBe("match");
  });

  it("never makes the same string twice", async () => {
    expect(await passwords.hash("correct horse")).not.toBe(await passwords.hash("correct horse"));
  });

  it("asks for OWASP's cost, which is within what may be stored", () => {
    expect(CURRENT_COST).toEqual({ memoryKiB: 19456, passes: 2 });
    expect(CURRENT_COST.memoryKiB).toBeLessThanOrEqual(COST_BOUND.memoryKiB);
    expect(CURRENT_COST.passes).toBeLessThanOrEqual(COST_BOUND.passes);
  });
});

describe("verify", () => {
  it.each(["correct horse", "", "пароль🔑", " x ", "y".repeat(255)])(
    "takes back what was hashed: %j",
    async (password) => {
      const phc = await passwords.hash(password);
      expect(await passwords.verify(password, phc)).toBe("match");
      expect(await passwords.verify(`${password}!`, phc)).toBe("mismatch");
    },
  );

  for (const { name, password, phc } of STORED) {
    it(`takes what Node's argon2Sync made of ${name}`, async () => {
      const right = phc.startsWith(CURRENT_PREFIX) ? "match" : "stale";
      expect(await passwords.verify(password, phc)).toBe(right);
      expect(await passwords.verify(`${password} `, phc)).toBe("mismatch");
    });
  }

  it("keeps apart what runs at once", async () => {
    const hashes = await Promise.all(["one", "two", "three"].map((each) => passwords.hash(each)));
    const verdicts = hashes.flatMap((phc) =>
      ["one", "two", "three"].map((each) => passwords.verify(each, phc)),
    );
    expect(await Promise.all(verdicts)).toEqual([
      ...["match", "mismatch", "mismatch"],
      ...["mismatch", "match", "mismatch"],
      ...["mismatch", "mismatch", "match"],
    ]);
  });
});

it("the password's bytes are cleared after a hash, and after one that failed", async () => {
  const seen: Uint8Array[] = [];
  const failing = passwordsOver(({ password }) => {
    seen.push(password);
    throw new RangeError("out of memory");
  });
  await expect(failing.hash("correct horse")).rejects.toThrow(RangeError);
  await expect(failing.verify("correct horse", null)).rejects.toThrow(RangeError);
  expect(seen).toEqual([new Uint8Array(13), new Uint8Array(13)]);
});

describe("stale", () => {
  it.each([
    ["m=19456,t=2,p=1", "match"],
    ["m=19456,t=1,p=1", "stale"],
    ["m=19456,t=3,p=1", "stale"],
    ["m=12288,t=2,p=1", "stale"],
    ["m=32768,t=2,p=1", "stale"],
    ["m=32768,t=4,p=1", "stale"],
    ["m=8,t=1,p=1", "stale"],
  ])("%s is a %s", async (parameters, verdict) => {
    expect(await counting().passwords.verify("any", zeros(parameters))).toBe(verdict);
  });
});

/** Every one would match if it were read: the tag is what the counting Argon2id answers. */
const REFUSED: readonly (readonly [string, string])[] = [
  ["nothing", ""],
  ["a word", "password"],
  ["4 GiB", zeros("m=4194304,t=2,p=1")],
  ["memory past the bound", zeros("m=65537,t=2,p=1")],
  ["passes past the bound", zeros("m=19456,t=14,p=1")],
  ["4 billion passes", zeros("m=19456,t=4294967295,p=1")],
  ["a number without end", zeros(`m=${"9".repeat(400)},t=2,p=1`)],
  ["less memory than there can be", zeros("m=7,t=2,p=1")],
  ["no memory", zeros("m=0,t=2,p=1")],
  ["no passes", zeros("m=19456,t=0,p=1")],
  ["17 lanes", zeros("m=19456,t=2,p=17")],
  ["negative memory", zeros("m=-19456,t=2,p=1")],
  ["a leading zero", zeros("m=019456,t=2,p=1")],
  ["a fraction", zeros("m=19456.0,t=2,p=1")],
  ["an exponent", zeros("m=1e4,t=2,p=1")],
  ["hexadecimal", zeros("m=0x4c00,t=2,p=1")],
  ["another order", zeros("t=2,m=19456,p=1")],
  ["a parameter too many", zeros("m=19456,t=2,p=1,keyid=AA")],
  ["a parameter too few", zeros("m=19456,t=2")],
  ["Argon2i", zeros("m=19456,t=2,p=1").replace("argon2id", "argon2i")],
  ["Argon2d", zeros("m=19456,t=2,p=1").replace("argon2id", "argon2d")],
  ["upper case", zeros("m=19456,t=2,p=1").replace("argon2id", "ARGON2ID")],
  ["version 16", zeros("m=19456,t=2,p=1").replace("v=19", "v=16")],
  ["no version", zeros("m=19456,t=2,p=1").replace("v=19$", "")],
  ["bcrypt", `$2b$12$${"A".repeat(53)}`],
  ["Django's PBKDF2", `pbkdf2_sha256$1000$salt$${ZERO_TAG}=`],
  ["no tag", `${CURRENT_PREFIX}${ZERO_SALT}`],
  ["an empty tag", `${CURRENT_PREFIX}${ZERO_SALT}$`],
  ["a short tag", `${CURRENT_PREFIX}${ZERO_SALT}$AAAAAA`],
  ["a long tag", `${CURRENT_PREFIX}${ZERO_SALT}$${"A".repeat(87)}`],
  ["a padded tag", `${CURRENT_PREFIX}${ZERO_SALT}$${ZERO_TAG}=`],
  ["stray bits in the tag", `${CURRENT_PREFIX}${ZERO_SALT}$${"A".repeat(42)}B`],
  ["an empty salt", `${CURRENT_PREFIX}$${ZERO_TAG}`],
  ["a short salt", `${CURRENT_PREFIX}AAAA$${ZERO_TAG}`],
  ["stray bits in the salt", `${CURRENT_PREFIX}${"A".repeat(21)}B$${ZERO_TAG}`],
  ["the alphabet of URLs", `${CURRENT_PREFIX}${"-".repeat(21)}A$${ZERO_TAG}`],
  ["a line break at the end", `${zeros("m=19456,t=2,p=1")}\n`],
  ["a space before", ` ${zeros("m=19456,t=2,p=1")}`],
  ["a NUL after", `${zeros("m=19456,t=2,p=1")}\0`],
  ["a megabyte", zeros("m=19456,t=2,p=1") + "A".repeat(1_000_000)],
];

describe("a stored string that is not ours", () => {
  it.each(REFUSED)("%s: a mismatch, for one hash of today's cost", async (_, stored) => {
    const { passwords, calls } = counting();
    expect(await passwords.verify("any", stored)).toBe("mismatch");
    expect(calls).toEqual([CURRENT_COST]);
  });
});

describe("the work of a mismatch", () => {
  it("is one hash of today's cost where there is no account", async () => {
    const { passwords, calls } = counting();
    expect(await passwords.verify("any", null)).toBe("mismatch");
    expect(calls).toEqual([CURRENT_COST]);
  });

  it("is one hash of today's cost where the password is wrong", async () => {
    const { passwords, calls } = counting(1);
    expect(await passwords.verify("any", zeros("m=19456,t=2,p=1"))).toBe("mismatch");
    expect(calls).toEqual([CURRENT_COST]);
  });

  // 8 blocks are the least that can be hashed: a few thousandths of the whole may be missing.
  it.each(["m=8,t=1", "m=7168,t=4", "m=9216,t=4", "m=12288,t=3", "m=19455,t=2", "m=19456,t=1"])(
    "is made up to today's where less was stored: %s",
    async (parameters) => {
      const { passwords, calls, work } = counting(1);
      expect(await passwords.verify("any", zeros(`${parameters},p=1`))).toBe("mismatch");
      expect(work()).toBeLessThanOrEqual(CURRENT_WORK);
      expect(CURRENT_WORK - work()).toBeLessThan(8 * CURRENT_COST.passes);
      for (const { memoryKiB } of calls) expect(memoryKiB).toBeLessThanOrEqual(19456);
    },
  );

  it("is never more than the bound", async () => {
    const { passwords, calls } = counting(1);
    await passwords.verify("any", zeros("m=32768,t=4,p=1"));
    expect(calls).toEqual([COST_BOUND]);
  });
});
