import { ACTION_MUTANTS } from "./action-mutants.ts";
import { AUDIT_MUTANTS } from "./audit-mutants.ts";
import { CONSOLE_MUTANTS } from "./console-mutants.ts";
import { CLIENT_MUTANTS } from "./client-mutants.ts";
import { CORE_MUTANTS } from "./core-mutants.ts";
import { EDGE_MUTANTS } from "./edge-mutants.ts";
import { FAMILY_MUTANTS } from "./family-mutants.ts";
import type { Mutant } from "./mutant.ts";
import { PROMISE_MUTANTS } from "./promise-mutants.ts";
import { RECOVERY_MUTANTS } from "./recovery-mutants.ts";
import { STANDING_MUTANTS } from "./standing-mutants.ts";
import { THROTTLING_MUTANTS } from "./throttling-mutants.ts";

export const MUTANTS: readonly Mutant[] = [
  ...STANDING_MUTANTS,
  ...PROMISE_MUTANTS,
  ...FAMILY_MUTANTS,
  ...ACTION_MUTANTS,
  ...RECOVERY_MUTANTS,
  ...CORE_MUTANTS,
  ...EDGE_MUTANTS,
  ...AUDIT_MUTANTS,
  ...THROTTLING_MUTANTS,
  ...CONSOLE_MUTANTS,
  ...CLIENT_MUTANTS,
];
