import { BETTER_AUTH } from "./cases/better-auth.ts";
import type { Case } from "./cases/case.ts";
import { JWTS } from "./cases/jwts.ts";
import { LOGINS } from "./cases/logins.ts";
import { OPAQUE } from "./cases/opaque.ts";
import { REFERENCES } from "./cases/references.ts";
import { bundle } from "./parts/bundle.ts";
import { firstAnswer } from "./parts/first-answer.ts";
import { growth } from "./parts/growth.ts";
import { p99 } from "./parts/p99.ts";
import type { Part } from "./parts/part.ts";

export const ALL_CASES: readonly Case[] = [
  ...REFERENCES,
  ...JWTS,
  ...OPAQUE,
  ...LOGINS,
  ...BETTER_AUTH,
];
export const PARTS: readonly Part[] = [p99, firstAnswer, bundle, growth];

/** What was chosen, with what it is measured against. @throws Error for a name that there is not */
export function selected(chosen: readonly string[] | null) {
  if (chosen === null) return { cases: ALL_CASES, parts: PARTS };
  const known = new Set([...ALL_CASES, ...PARTS].map(({ name }) => name));
  const unknown = chosen.filter((name) => !known.has(name));
  if (unknown.length > 0) throw new Error(`there is no ${unknown.join(", ")}: see --help`);
  const own = ALL_CASES.filter(({ name }) => chosen.includes(name));
  const needed = new Set(own.flatMap(({ name, bound }) => [name, bound?.of ?? "hello", "hello"]));
  return {
    cases: ALL_CASES.filter(({ name }) => needed.has(name)),
    parts: PARTS.filter(({ name }) => chosen.includes(name)),
  };
}
