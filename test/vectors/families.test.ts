import { beforeAll, describe, expect, it } from "vitest";
import { ALGORITHMS, newJwk } from "../crypto/signing.ts";
import { FAMILIES } from "./families.ts";
import type { Keys } from "./forge.ts";
import { judge } from "./judge.ts";

let keys: Keys;
beforeAll(async () => {
  const [ES256, EdDSA, RS256, HS256] = await Promise.all(ALGORITHMS.map((alg) => newJwk(alg)));
  if (!ES256 || !EdDSA || !RS256 || !HS256) throw new Error("a key is missing");
  keys = { ES256, EdDSA, RS256, HS256 };
});

describe.each(Object.entries(FAMILIES))("%s", (_, { generated }) => {
  it.each(generated.map((each) => [each.name, each] as const))("%s", async (_, each) => {
    const forged = await each.make(keys);
    expect(await judge(forged.keys, forged.jws)).toBe(each.verdict);
  });
});
