import type { TestJwk } from "../crypto/signing.ts";
import { type Keys, signed } from "./forge.ts";

export const ALGORITHMS = ["ES256", "EdDSA", "RS256", "HS256"] as const;
type Change = (jws: string, keys: Keys) => string;

/** The same done to a good JWS of each algorithm. */
export const ofEach = (
  verdict: "accepted" | "refused",
  changes: Readonly<Record<string, Change>>,
) =>
  ALGORITHMS.flatMap((alg) =>
    Object.entries(changes).map(([name, change]) => ({
      name: `${alg}: ${name}`,
      verdict,
      make: async (keys: Keys) => ({
        keys: [keys[alg]],
        jws: change(await signed(keys[alg]), keys),
      }),
    })),
  );

/** Each with one key, signed by it or not. */
export const of = (
  alg: keyof Keys,
  verdict: "accepted" | "refused",
  made: Readonly<Record<string, (jwk: TestJwk, keys: Keys) => Promise<string>>>,
) =>
  Object.entries(made).map(([name, make]) => ({
    name: `${alg}: ${name}`,
    verdict,
    make: async (keys: Keys) => ({ keys: [keys[alg]], jws: await make(keys[alg], keys) }),
  }));

/** One of the three parts exchanged. */
export const withPart = (at: 0 | 1 | 2, text: (part: string) => string) => (jws: string) =>
  jws
    .split(".")
    .map((part, index) => (index === at ? text(part) : part))
    .join(".");

export const header = (jwk: TestJwk, members: object) =>
  JSON.stringify({ alg: jwk.alg, kid: jwk.kid, ...members });
