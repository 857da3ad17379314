import { commonPasswordList } from "./common-password-list.ts";

// Created on first use: start-up must not do work that only some requests need.
let common: ReadonlySet<string> | undefined;

/**
 * Whether the password is one of the 3,000 most common ones of at least 8 characters, ignoring case.
 * Shorter passwords are never accepted, so the list has none.
 */
export function isCommonPassword(password: string): boolean {
  common ??= new Set(commonPasswordList.trim().split(/\s+/));
  return common.has(password.toLowerCase());
}
