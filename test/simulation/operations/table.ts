import { accounts } from "./accounts.ts";
import { actionLists } from "./action-lists.ts";
import { actionOperations } from "./actions.ts";
import { apiTokens } from "./api-tokens.ts";
import { jwts } from "./jwts.ts";
import { misuses } from "./misuse.ts";
import { emails } from "./emails.ts";
import type { Operation } from "./operation.ts";
import { passkeys } from "./passkeys.ts";
import { revocations } from "./revocations.ts";
import { secondFactors } from "./second-factor.ts";
import { sessions } from "./sessions.ts";

/** Every request that a scenario may hold, by its name. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...accounts,
  ...sessions,
  ...jwts,
  ...apiTokens,
  ...actionOperations,
  ...actionLists,
  ...revocations,
  ...misuses,
  ...emails,
  ...passkeys,
  ...secondFactors,
};
