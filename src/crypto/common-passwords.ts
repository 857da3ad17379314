import { commonPasswordList } from "./common-password-list.ts";

// Made at the first question: start-up may do no work that only some requests need.
let common: ReadonlySet<string> | undefined;

/**
 * Whether the password is one of the 3,000 most common of at least 8 characters, in any letter case.
 * A shorter one is never accepted, so none is listed.
 */
export function isCommonPassword(password: string): boolean {
  common ??= new Set(commonPasswordList.trim().split(/\s+/));
  return common.has(password.toLowerCase());
}
