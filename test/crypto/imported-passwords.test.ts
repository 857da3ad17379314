import { describe, expect, it } from "vitest";
import { readImportedHash } from "../../src/crypto/imported-hash.ts";
import { argon2Passwords, passwordsOver } from "../../src/crypto/passwords.ts";
import { CURRENT_COST } from "../../src/crypto/phc.ts";
import { isThorough } from "../support/thorough.ts";
import { FOREIGN } from "./imported-hashes.ts";

const passwords = argon2Passwords();

describe("a hash of another system", () => {
  it.each(FOREIGN)("is taken from %s", async (_, password, stored) => {
    expect(await passwords.verify(password, stored)).toBe("stale");
  });

  // Some take half a second, which npm test spends on them once.
  const quick = FOREIGN.filter(
    ([, , stored]) => isThorough || !/\$m=65536|2b\$1[0-9]|^scrypt|:/.test(stored),
  );
  it.each(quick)(
    "%s fits no other password, nor once it was changed",
    async (_, password, stored) => {
      expect(await passwords.verify(`x${password}`, stored)).toBe("mismatch");
      const middle = stored.length - 12;
      const other = stored[middle] === "B" ? "C" : "B";
      const changed = stored.slice(0, middle) + other + stored.slice(middle + 1);
      expect(await passwords.verify(password, changed)).toBe("mismatch");
    },
  );
});

describe("what a login could not compute", () => {
  const [salt, tag] = ["c29tZXNhbHQxMjM0NTY3OA", "LmPfpR6pOrKoS9Qt6gCxP+LLjF8wY42pEVYW+qzkRRg"];
  it.each([
    [`pbkdf2_sha256$1200001$salt$${tag}=`, "1200001 rounds"],
    [`pbkdf2_sha256$9999999999$salt$${tag}=`, "9999999999 rounds"],
    [`scrypt$131072$salt$8$1$${"A".repeat(86)}==`, "of 1048576 of scrypt"],
    [`scrypt$16383$salt$8$1$${"A".repeat(86)}==`, "does not know"],
    [`$2b$14$${"a".repeat(53)}`, "cost of 14"],
    [`$2b$31$${"a".repeat(53)}`, "cost of 31"],
    [`$2b$03$${"a".repeat(53)}`, "cost under 4"],
    [`argon2$argon2id$v=19$m=102400,t=2,p=8$${salt}$${tag}`, "102400 KiB"],
    [`$argon2id$v=19$m=65536,t=5,p=1$${salt}$${tag}`, "5 passes"],
    [`$argon2i$v=19$m=16385,t=1,p=1$${salt}$${tag}`, "16385 KiB"],
    [`$argon2id$v=19$m=1024,t=1,p=17$${salt}$${tag}`, "17 lanes"],
    [`$argon2id$v=19$m=16,t=1,p=4$${salt}$${tag}`, "less memory"],
  ])("is refused with the reason, and no login computes it: %s", async (stored, reason) => {
    expect(readImportedHash(stored)).toEqual({ wrong: expect.stringContaining(reason) });
    expect(await passwords.verify("correct horse", stored)).toBe("mismatch");
  });

  it.each([
    "",
    "!",
    `pbkdf2_sha1$1$salt$${tag}=`,
    "md5$salt$5f4dcc3b5aa765d61d8327deb882cf9",
    "sha1$salt$5f4dcc3b5aa765d61d8327deb882cf99",
    "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
    `scrypt$16384$salt$8$1$${"A".repeat(86)}`,
    `pbkdf2_sha256$0$salt$${tag}=`,
    `pbkdf2_sha256$01$salt$${tag}=`,
    `pbkdf2_sha256$1$$${tag}=`,
    "pbkdf2_sha256$1$salt$c2hvcnQ=",
    `$2x$10$${"a".repeat(53)}`,
    `$2b$10$${"a".repeat(52)}`,
    `$argon2d$v=19$m=1024,t=1,p=1$${salt}$${tag}`,
    `$argon2id$v=16$m=1024,t=1,p=1$${salt}$${tag}`,
    `$argon2id$v=19$m=1024,t=0,p=1$${salt}$${tag}`,
  ])("is none: %j", async (stored) => {
    expect(readImportedHash(stored)).toHaveProperty("wrong");
    expect(await passwords.verify("correct horse", stored)).toBe("mismatch");
  });
});

it("a wrong password costs one hash of today's on top, as the right one does that is hashed anew", async () => {
  const costs: unknown[] = [];
  const counted = passwordsOver(({ memorySize, passes, tagLength }) => {
    costs.push({ memoryKiB: memorySize, passes });
    return new Uint8Array(tagLength);
  });
  const [, password, stored] = FOREIGN[0] ?? [];
  if (password === undefined || stored === undefined) throw new Error("there are none");
  expect(await counted.verify(`${password}?`, stored)).toBe("mismatch");
  expect(costs).toEqual([CURRENT_COST]);
  costs.length = 0;
  expect(await counted.verify(password, stored)).toBe("stale");
  await counted.hash(password);
  expect(costs).toEqual([CURRENT_COST]);
});
