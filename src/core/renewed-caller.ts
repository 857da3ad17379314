import type { Caller } from "./authenticate.ts";
import type { User } from "./user.ts";

/**
 * A new password ended the credential that it was asked for with, unless that is a token, which is
 * carried over. @returns for the others the caller as one who has just logged in, with the same
 * scopes: the current password was shown
 */
export function renewedCaller(caller: Caller, user: User): Caller | null {
  if (caller.by.method === "token") return null;
  return { ...caller, epoch: user.epoch, credentialIds: [], by: { method: "password" }, user };
}
