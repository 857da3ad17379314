// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of source code.
import type { Mutant, Suite } from "./mutant.ts";

const ROTATION: Suite = { file: "test/promises/rotation.test.ts" };
const REFRESH_RACES: Suite = { file: "test/races/once.test.ts", test: "50 refreshes" };
const AT_0: Suite = { file: "test/promises/bound.test.ts", test: "LAG_SECONDS=0 " };
const AT_300: Suite = { file: "test/promises/bound.test.ts", test: "LAG_SECONDS=300 " };

/** Refresh tokens, and the family that they are of. */
export const FAMILY_MUTANTS: readonly Mutant[] = [
  {
    name: "theft not noticed",
    file: "src/storage/d1-families.ts",
    find: "AND tokens.revoked_at IS NULL AND tokens.rotation > ${rotation}\n            AND NOT (${inGrace})",
    replace: "AND tokens.revoked_at IS NULL AND FALSE",
    suites: [ROTATION],
  },
  {
    name: "family not ended: its rotation is only refused",
    file: "src/storage/d1-families.ts",
    find: "UPDATE tokens SET revoked_at = ${nowMs}, modified_at = ${nowMs}\n          WHERE ${family}",
    replace: "UPDATE tokens SET modified_at = ${nowMs}\n          WHERE ${family}",
    suites: [ROTATION],
  },
  {
    name: "a spent refresh token is good for ever",
    file: "src/storage/d1-families.ts",
    find: " AND tokens.rotated_at > ${nowMs - GRACE_MS}`",
    replace: "`",
    suites: [ROTATION],
  },
  {
    name: "no grace for a racer",
    file: "src/storage/d1-families.ts",
    find: "tokens.rotated_at > ${nowMs - GRACE_MS}",
    replace: "tokens.rotated_at >= ${nowMs}",
    suites: [ROTATION],
  },
  {
    name: "grace for a token two steps behind",
    file: "src/storage/d1-families.ts",
    find: "tokens.rotation = ${rotation + 1} AND tokens.rotated_at >",
    replace: "tokens.rotation > ${rotation} AND tokens.rotated_at >",
    suites: [ROTATION],
  },
  {
    name: "every racer rotates",
    file: "src/storage/d1-families.ts",
    find: "WHERE ${stands} AND tokens.rotation = ${rotation}`",
    replace: "WHERE ${stands} AND tokens.rotation <= ${rotation + 1}`",
    suites: [ROTATION, REFRESH_RACES],
  },
  {
    name: "an ended family rotates",
    file: "src/storage/d1-families.ts",
    find: "\n    AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${STANDS})`;",
    replace: "`;",
    suites: [ROTATION],
  },
  {
    name: "KV is not told of a theft",
    file: "src/storage/d1-families.ts",
    find: "key: endedKey(sid),",
    replace: "key: endedKey(jti),",
    suites: [ROTATION],
  },
  {
    name: "a successor lives from its repetition",
    file: "src/core/jwt-pairs.ts",
    find: 'lifetime("refresh", rotatedAtMs, claims.authTime)',
    replace: 'lifetime("refresh", nowMs, claims.authTime)',
    suites: [ROTATION],
  },
  {
    name: "a log-in that rotates has no end",
    file: "src/core/jwt-pairs.ts",
    find: "Math.min(issuedAt + JWT_LIFETIMES[type], authTime + JWT_LIFETIMES.sinceLogin)",
    replace: "issuedAt + JWT_LIFETIMES[type] + 0 * authTime",
    suites: [ROTATION],
  },
  {
    name: "rotation is always on",
    file: "src/core/jwt-pairs.ts",
    find: "if (rotates) {",
    replace: "if (rotates || claims.sid !== null) {",
    suites: [ROTATION],
  },
  {
    name: "a refresh asks no more than a read",
    file: "src/core/jwt-pairs.ts",
    find: "if (!(await tokens.standsFor(claims, expiresAt, nowMs))) {",
    replace: "if ((await tokens.standingOfJwt(claims, nowMs)) === null) {",
    suites: [AT_300],
  },
  {
    name: "a refresh JWT ends itself alone",
    file: "src/core/authenticate.ts",
    find: 'type === "refresh" && sid !== null ? sid : (rootJti ?? jti);',
    replace: "rootJti ?? jti;",
    suites: [AT_0],
  },
];
