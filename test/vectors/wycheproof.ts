import * as v from "valibot";
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** The text of Wycheproof's files; null where VECTORS names no folder, and then no test asks. */
    vectors: { readonly signatures: string; readonly keys: string } | null;
  }
}

const Jwk = v.looseObject({
  kty: v.string(),
  kid: v.string(),
  alg: v.optional(v.string()),
});

const KeySet = v.object({ keys: v.array(Jwk) });

const Test = v.object({
  tcId: v.number(),
  comment: v.string(),
  jws: v.union([v.string(), v.looseObject({})]),
  result: v.picklist(["valid", "invalid"]),
  flags: v.array(v.string()),
});

const fileOf = <Keys extends v.GenericSchema>(keys: Keys) =>
  v.object({
    testGroups: v.array(
      v.object({
        comment: v.string(),
        private: keys,
        public: v.optional(keys),
        tests: v.array(Test),
      }),
    ),
  });

export type WycheproofJwk = v.InferOutput<typeof Jwk>;

/** One test of a file, with the keys of its group. */
export interface Vector {
  readonly id: number;
  /** The group's and the test's own. */
  readonly comment: string;
  readonly flags: readonly string[];
  readonly isValid: boolean;
  readonly jws: string;
  /** Private keys, as our own key set has them. */
  readonly keys: readonly WycheproofJwk[];
  /** As others have them. */
  readonly publicKeys: readonly WycheproofJwk[];
}

const provided = inject("vectors");
if (provided === null) throw new Error("VECTORS names no folder with Wycheproof's files");

/** The tests of both files. */
export const wycheproof = {
  /** json_web_signature_test.json */
  signatures: vectorsOf(v.parse(fileOf(Jwk), JSON.parse(provided.signatures)), (key) => [key]),
  /** json_web_key_test.json */
  keys: vectorsOf(v.parse(fileOf(KeySet), JSON.parse(provided.keys)), ({ keys }) => keys),
};

interface Group<Keys> {
  readonly comment: string;
  readonly private: Keys;
  readonly public?: Keys | undefined;
  readonly tests: readonly v.InferOutput<typeof Test>[];
}

function vectorsOf<Keys>(
  { testGroups }: { readonly testGroups: readonly Group<Keys>[] },
  list: (keys: Keys) => readonly WycheproofJwk[],
): readonly Vector[] {
  return testGroups.flatMap((group) =>
    group.tests.map(({ tcId, comment, jws, result, flags }) => ({
      id: tcId,
      comment: `${group.comment} ${comment}`,
      flags,
      isValid: result === "valid",
      jws: typeof jws === "string" ? jws : JSON.stringify(jws),
      keys: list(group.private),
      publicKeys: list(group.public ?? group.private),
    })),
  );
}
