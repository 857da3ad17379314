import * as v from "valibot";
import { type JwtClaims, jwtIdsOf, parentIdsOf } from "../core/jwt.ts";
import { type Json, SCOPES, type Token, TOKEN_KINDS } from "../core/token.ts";
import type { User } from "../core/user.ts";

/**
 * Every key in KV, its value and its time to live.
 *
 * | key                        | value       | lives                                            |
 * | -------------------------- | ----------- | ------------------------------------------------ |
 * | `token:<id>`               | TokenRecord | until the token's end                            |
 * | `user:<id>`                | UserRecord  | for the promise's seconds                        |
 * | `revoked:<id>`               | empty       | as long as what it ends could live               |
 * | `revoked:<id>:moved`         | empty       | as long as a copy with a later end could         |
 * | `revoked:<user>:<version>`     | empty       | as long as anything of that credential version could live     |
 * | `revoked:<user>:logins:<version>` | empty  | as long as a JWT that hangs on no log-in could   |
 * | `revoked:<user>:api:<version>` | empty       | as long as an API token of that credential version could live |
 *
 * A mark `revoked:` is only ever added and never changed, so that it makes no difference which of
 * two writers comes last, or how late a location sees it, as long as it sees it in the end.
 */
export const tokenKey = (id: string) => `token:${id}`;
export const userKey = (id: string) => `user:${id}`;
export const tombstoneKey = (id: string) => `revoked:${id}`;
/**
 * The token's end was moved up: copies of it, and all that was derived from it before, may show a
 * later one. From then on D1 is asked.
 */
export const expiryMovedKey = (id: string) => `revoked:${id}:moved`;
/** How the keys begin of the marks that end a user's epochs. */
export const userTombstonePrefix = (userId: string) => `revoked:${userId}:`;
export const userTombstoneKey = (userId: string, credentialVersion: number | "") =>
  `revoked:${userId}:${credentialVersion}`;
export const loginsTombstoneKey = (userId: string, version: number | "") =>
  `revoked:${userId}:logins:${version}`;
export const apiTokensTombstoneKey = (userId: string, credentialVersion: number | "") =>
  `revoked:${userId}:api:${credentialVersion}`;

/** By marks of these keys something is ended, or only D1 can tell whether it is. */
interface Tombstones {
  readonly revokes: readonly string[];
  readonly doubts: readonly string[];
}

/** What speaks against a copy of this token, beside `tombstoneKey(id)`, and what says that it is of an older credential version. */
export function tombstonesOf(token: Token): Tombstones & { readonly versions: readonly string[] } {
  const credentialVersion = userTombstoneKey(token.userId, token.credentialVersion);
  if (token.kind !== "api") return { revokes: [], doubts: [], versions: [credentialVersion] };
  return {
    // guard: copy-asks-for-parents
    revokes: token.parentIds.map(tombstoneKey),
    // guard: copy-asks-whether-its-end-was-moved
    doubts: [token.id, ...token.parentIds].map(expiryMovedKey),
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
    // Of what a JWT is obtained with, API tokens alone have an end that can be moved up.
    // guard: jwt-asks-whether-an-end-was-moved
    doubts: apiTokenVersion === null ? [] : parentIds.map(expiryMovedKey),
  };
}

/** KV refuses less; what ends sooner is refused by its record's own expiry. */
const MIN_TTL_SECONDS = 60;

/** The longest that any credential can live, in seconds: an API token's year. */
export const LONGEST_LIFE_SECONDS = TOKEN_KINDS.api.maxTtlSeconds;

export function ttlUntil(expiresAtMs: number, nowMs: number): number {
  return Math.max(MIN_TTL_SECONDS, Math.ceil((expiresAtMs - nowMs) / 1000));
}

const stored = {
  id: v.string(),
  userId: v.string(),
  credentialVersion: v.number(),
  createdAtMs: v.number(),
  modifiedAtMs: v.number(),
  expiresAtMs: v.number(),
};

/** What a token is, to be read near whoever shows it. Holds nothing that could be used as one. */
export const TokenRecord = v.variant("kind", [
  v.object({ ...stored, kind: v.literal("session") }),
  v.object({
    ...stored,
    kind: v.literal("api"),
    apiTokenVersion: v.number(),
    name: v.string(),
    hint: v.string(),
    scopes: v.array(v.picklist(SCOPES)),
    lastUsedAtMs: v.nullable(v.number()),
    parentIds: v.array(v.string()),
    replacedById: v.nullable(v.string()),
  }),
  v.object({
    ...stored,
    kind: v.literal("action"),
    action: v.string(),
    payload: v.custom<Json>((value) => value !== undefined),
    audience: v.nullable(v.string()),
    maxUses: v.number(),
    uses: v.number(),
    parentIds: v.array(v.string()),
    runsForIssuer: v.boolean(),
  }),
]) satisfies v.GenericSchema<Token>;

/** A user as she may read herself. An object schema leaves out all that is not named: the password's hash. */
export const UserRecord = v.object({
  id: v.string(),
  email: v.string(),
  pendingEmail: v.nullable(v.string()),
  metadata: v.custom<Json>((value) => value !== undefined),
  role: v.picklist(["User", "Admin"]),
  credentialVersion: v.number(),
  apiTokenVersion: v.number(),
  loginVersion: v.number(),
  firstName: v.nullable(v.string()),
  lastName: v.nullable(v.string()),
  phoneNumber: v.nullable(v.string()),
  dob: v.nullable(v.string()),
  gender: v.nullable(v.string()),
  createdAtMs: v.number(),
  modifiedAtMs: v.number(),
  deletedAtMs: v.nullable(v.number()),
  emailVerifiedAtMs: v.nullable(v.number()),
  identities: v.record(v.string(), v.string()),
}) satisfies v.GenericSchema<User>;
