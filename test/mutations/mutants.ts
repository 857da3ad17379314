import { ACTION_MUTANTS } from "./action-mutants.ts";
import { CORE_MUTANTS } from "./core-mutants.ts";
import { EDGE_MUTANTS } from "./edge-mutants.ts";
import { FAMILY_MUTANTS } from "./family-mutants.ts";
import type { Mutant } from "./mutant.ts";
import { PROMISE_MUTANTS } from "./promise-mutants.ts";
import { STANDING_MUTANTS } from "./standing-mutants.ts";

export const MUTANTS: readonly Mutant[] = [
  ...STANDING_MUTANTS,
  ...PROMISE_MUTANTS,
  ...FAMILY_MUTANTS,
  ...ACTION_MUTANTS,
  ...CORE_MUTANTS,
  ...EDGE_MUTANTS,
];
