/// <reference lib="webworker" />
import { pbkdf2Sync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { sha256Module, WASM_FILE } from "../../src/cli/sha256-wasm.ts";
import { loadPbkdf2Sha256 } from "../../src/crypto/pbkdf2-sha256.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("PBKDF2-HMAC-SHA-256 in WebAssembly", () => {
  it("is what src/cli/sha256-wasm.ts makes", () => {
    expect(hex(readFileSync(WASM_FILE))).toBe(hex(sha256Module()));
  });

  const pbkdf2 = loadPbkdf2Sha256(new WebAssembly.Module(sha256Module()));

  // Every length of password and salt around the ends of the blocks that they are cut into.
  it.each([1, 2, 3, 1000])("derives what OpenSSL does, in %i iterations", (iterations) => {
    for (let length = 0; length <= 140; length++) {
      const [password, salt] = [randomBytes(length), randomBytes(140 - length)];
      const expected = pbkdf2Sync(password, salt, iterations, 32, "sha256");
      expect(hex(pbkdf2(password, salt, iterations))).toBe(hex(expected));
    }
  });

  it("leaves nothing of the password in its memory", () => {
    const { Instance } = WebAssembly;
    let memory: unknown;
    WebAssembly.Instance = class extends Instance {
      constructor(...args: ConstructorParameters<typeof Instance>) {
        super(...args);
        memory = this.exports.memory;
      }
    };
    try {
      loadPbkdf2Sha256(new WebAssembly.Module(sha256Module()))(
        Buffer.from("secret".repeat(20)),
        Buffer.from("salt"),
        3,
      );
    } finally {
      WebAssembly.Instance = Instance;
    }
    if (!(memory instanceof WebAssembly.Memory)) throw new Error("no memory was seen");
    expect(new Uint8Array(memory.buffer).every((byte) => byte === 0)).toBe(true);
  });
});
