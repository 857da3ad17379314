import type { Caller } from "./authenticate.ts";
import type { User } from "./user.ts";

/**
 * A new password ended the credential that it was asked for with, unless that is a token, which is
 * carried over. @returns for the others the caller under the new password. What was shown as a JWT
 * keeps its end, scopes and parents: a new one has no more than the one that it replaces. It has no
 * place in the status lists, where its log-in counts as ended.
 */
export function callerAfterPasswordChange(caller: Caller, user: User): Caller | null {
  if (caller.by.method === "token") return null;
  const renewed = { ...caller, credentialVersion: user.credentialVersion, user };
  // guard: renewed-jwt-keeps-its-bounds
  if (caller.by.method !== "jwt") return renewed;
  const claims = {
    ...caller.by.claims,
    credentialVersion: user.credentialVersion,
    statusIndex: null,
  };
  return { ...renewed, by: { method: "jwt", claims } };
}
