/// <reference lib="webworker" />
/// <reference path="../../src/crypto/wasm.d.ts" />
import { argon2Sync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadArgon2id } from "../../src/crypto/argon2id.ts";
import { STORED, VECTORS } from "./argon2id-vectors.ts";

// workerd has no argon2Sync, so the very same module and library are compared with it here.
const simd = new WebAssembly.Module(
  readFileSync(createRequire(import.meta.url).resolve("argon2id/dist/simd.wasm")),
);
const argon2id = loadArgon2id(simd);

const PARAMS = { passes: 2, parallelism: 1, tagLength: 32 };

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** Makes an Argon2id and hands out the memories that were made for it. */
function observed() {
  const memories: WebAssembly.Memory[] = [];
  const { Memory } = WebAssembly;
  onTestFinished(() => {
    WebAssembly.Memory = Memory;
  });
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      memories.push(this);
    }
  };
  return { argon2id: loadArgon2id(simd), memories };
}

describe("published vectors", () => {
  for (const { name, params, tag } of VECTORS) {
    it(name, () => expect(hex(argon2id(params))).toBe(tag));
  }
});

describe("Node's own argon2Sync", () => {
  for (const { name, password, phc } of STORED) {
    it(`made the stored string of ${name}`, () => {
      const [, m, t, salt = "", tag = ""] =
        /m=(\d+),t=(\d+),p=1\$([^$]+)\$([^$]+)$/.exec(phc) ?? [];
      const made = argon2Sync("argon2id", {
        message: password,
        nonce: Buffer.from(salt, "base64"),
        parallelism: 1,
        passes: Number(t),
        memory: Number(m),
        tagLength: 32,
      });
      expect(made.toString("base64")).toBe(`${tag}=`);
    });
  }

  for (const bytes of [0, 1, 2, 7, 8, 31, 64, 127, 128, 129, 255, 1020, 100_000]) {
    it(`agrees on ${bytes} random bytes`, () => {
      const [password, salt] = [randomBytes(bytes), randomBytes(16)];
      // 6 MiB and more reach past where the compiler had put the module's stack.
      const memorySize = 6144 + 4 * (salt[0] ?? 0);
      const theirs = argon2Sync("argon2id", {
        ...{ message: password, nonce: salt, memory: memorySize },
        ...PARAMS,
      });
      expect(hex(argon2id({ ...PARAMS, password, salt, memorySize }))).toBe(hex(theirs));
    });
  }
});

describe("the instance", () => {
  const password = new TextEncoder().encode("correct horse");
  const salt = new Uint8Array(16).fill(7);
  const good = { ...PARAMS, password, salt, memorySize: 64 };
  const expected = hex(argon2id(good));

  it.each([
    ["too little memory", { ...good, memorySize: 7 }, Error],
    ["66 MiB, for which it may not grow", { ...good, memorySize: 66 * 1024 }, RangeError],
    ["4 GiB", { ...good, memorySize: 4 * 1024 * 1024 }, RangeError],
  ])("is unharmed by an error: %s", (_, bad, type) => {
    expect(() => argon2id(bad)).toThrow(type);
    expect(hex(argon2id(good))).toBe(expected);
  });

  it("leaves nothing of a password in its memory", () => {
    const { argon2id, memories } = observed();
    argon2id({ ...good, memorySize: 4096 });
    expect(memories).toHaveLength(1);
    for (const { buffer } of memories) {
      expect(Buffer.from(buffer).equals(Buffer.alloc(buffer.byteLength))).toBe(true);
    }
  });

  it("neither changes the password that it is given nor keeps it", () => {
    const given = password.slice();
    argon2id({ ...good, password: given });
    expect(given).toEqual(password);
    expect(Object.getOwnPropertySymbols(given)).toEqual([]);
  });

  it("hashes 60 times in one memory that does not grow", () => {
    const { argon2id, memories } = observed();
    const after: number[] = [];
    for (let count = 1; count <= 60; count++) {
      argon2id(good);
      if (count === 10 || count === 60) after.push(process.memoryUsage().arrayBuffers);
    }
    expect(memories.map(({ buffer }) => buffer.byteLength)).toEqual([65 * 1024 * 1024]);
    const [early = 0, late = 0] = after;
    expect(late - early).toBeLessThan(1024 * 1024);
  });
});
