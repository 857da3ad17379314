import { type JwtClaims, jwtIdsOf, parentIdsOf } from "../core/jwt.ts";
import type { Token } from "../core/token.ts";

/**
 * Every key in KV, its value and its time to live.
 *
 * | key                                | value       | lives                                                   |
 * | ---------------------------------- | ----------- | ------------------------------------------------------- |
 * | `token:<id>`                       | TokenRecord | until the token expires                                 |
 * | `user:<id>`                        | UserRecord  | for the revocation lag                                  |
 * | `revoked:<id>`                     | empty       | as long as what it revokes could live                   |
 * | `revoked:<id>:narrowed`            | empty       | as long as a copy from before could                     |
 * | `revoked:<user>:<version>`         | empty       | as long as anything of that credential version could    |
 * | `revoked:<user>:logins:<version>`  | empty       | as long as a JWT with no log-in for a parent could      |
 * | `revoked:<user>:api:<version>`     | empty       | as long as an API token of that version could           |
 *
 * A tombstone (`revoked:`) is only ever added and never changed. So it makes no difference which of two
 * writers comes last, or how late a location sees it, as long as it sees it in the end.
 */
export const tokenKey = (id: string) => `token:${id}`;
export const userKey = (id: string) => `user:${id}`;
export const tombstoneKey = (id: string) => `revoked:${id}`;
/**
 * The token's expiry was moved up, or it was disabled or restricted: copies of it, and of all that was
 * derived from it before, may allow more. From then on D1 is asked, also after it was enabled again.
 */
export const narrowedKey = (id: string) => `revoked:${id}:narrowed`;
/** The prefix of the tombstones that revoke a user's old versions. */
export const userTombstonePrefix = (userId: string) => `revoked:${userId}:`;
export const userTombstoneKey = (userId: string, credentialVersion: number | "") =>
  `revoked:${userId}:${credentialVersion}`;
export const loginsTombstoneKey = (userId: string, version: number | "") =>
  `revoked:${userId}:logins:${version}`;
export const apiTokensTombstoneKey = (userId: string, apiTokenVersion: number | "") =>
  `revoked:${userId}:api:${apiTokenVersion}`;

/** With a tombstone of these keys something is revoked, or only D1 can tell whether it is. */
interface Tombstones {
  readonly revokes: readonly string[];
  readonly doubts: readonly string[];
}

/** The tombstones that a copy of this token is checked for, beside `tombstoneKey(id)`; `versions` say that it is of an older version. */
export function tombstonesOf(token: Token): Tombstones & { readonly versions: readonly string[] } {
  const credentialVersion = userTombstoneKey(token.userId, token.credentialVersion);
  if (token.kind !== "api") return { revokes: [], doubts: [], versions: [credentialVersion] };
  return {
    // guard: copy-asks-for-parents
    revokes: token.parentIds.map(tombstoneKey),
    // guard: copy-asks-whether-it-was-narrowed
    doubts: [token.id, ...token.parentIds].map(narrowedKey),
    // guard: copy-asks-for-all-of-its-user
    versions: [credentialVersion, apiTokensTombstoneKey(token.userId, token.apiTokenVersion)],
  };
}

export function tombstonesOfJwt(claims: JwtClaims): Tombstones {
  const { userId, credentialVersion, apiTokenVersion, loginVersion } = claims;
  const parentIds = parentIdsOf(claims);
  return {
    // guard: jwt-asks-for-tombstones
    revokes: [
      userTombstoneKey(userId, credentialVersion),
      ...(apiTokenVersion === null ? [] : [apiTokensTombstoneKey(userId, apiTokenVersion)]),
      ...(loginVersion === null ? [] : [loginsTombstoneKey(userId, loginVersion)]),
      ...[...jwtIdsOf(claims), ...parentIds].map(tombstoneKey),
    ],
    // Of what a JWT is obtained with, only an API token can be narrowed.
    // guard: jwt-asks-whether-a-parent-was-narrowed
    doubts: apiTokenVersion === null ? [] : parentIds.map(narrowedKey),
  };
}

/** KV accepts no less. Anything that expires sooner is refused by its record's own expiry. */
export const MIN_TTL_SECONDS = 60;

export function ttlUntil(expiresAtMs: number, nowMs: number): number {
  return Math.max(MIN_TTL_SECONDS, Math.ceil((expiresAtMs - nowMs) / 1000));
}
