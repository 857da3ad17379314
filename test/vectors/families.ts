import type { Keys } from "./forge.ts";
import type { Verdict } from "./judge.ts";
import { JWK_FAMILIES } from "./jwk-families.ts";
import { JWS_FAMILIES } from "./jws-families.ts";
import { SIGNATURE_FAMILIES } from "./signature-families.ts";

export interface Case {
  readonly name: string;
  readonly verdict: Verdict;
  make(keys: Keys): Promise<{ readonly keys: readonly object[]; readonly jws: string }>;
}

export interface Family {
  /** Which tests of Wycheproof's are of this family, by their flags and comments. */
  readonly matches: RegExp;
  readonly generated: readonly Case[];
}

/** The families of cases that Wycheproof's two files have, each with cases of our own making. */
export const FAMILIES: Readonly<Record<string, Family>> = {
  ...JWS_FAMILIES,
  ...SIGNATURE_FAMILIES,
  ...JWK_FAMILIES,
};

export function familiesOf(vector: {
  readonly flags: readonly string[];
  readonly comment: string;
}): string[] {
  const text = [...vector.flags, vector.comment].join(" ");
  return Object.entries(FAMILIES)
    .filter(([, { matches }]) => matches.test(text))
    .map(([name]) => name);
}
