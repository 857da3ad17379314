// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of source code.
import type { Mutant, Suite } from "./mutant.ts";

const CHAINS: Suite = { file: "test/promises/chains.test.ts" };
const LAG_CHANGES: Suite = {
  file: "test/promises/lag-changes.test.ts",
  test: "a tombstone lives as long",
};
const SIMULATION: Suite = { file: "test/simulation/simulation.node.test.ts", test: "holds over" };

/** Faults of revocation that the service has had: what operators change, and what is derived. */
export const CHAIN_MUTANTS: readonly Mutant[] = [
  {
    name: "no tombstone below 60: a raise of the lag brings back what was revoked",
    file: "src/storage/endings.ts",
    find: "      // Where KV is not read, nobody counts on",
    replace:
      "      if (!kvAnswers) return db.batch(batch);\n      // Where KV is not read, nobody counts on",
    suites: [SIMULATION],
  },
  {
    name: "a replaced API token prolongs itself",
    file: "src/storage/d1-tokens.ts",
    find: " AND (NOT ${isReplaced} OR ${canEndSooner})`;",
    replace: "`;",
    suites: [SIMULATION],
  },
  {
    name: "an API token has two successors",
    file: "src/storage/d1-tokens.ts",
    find: "sql`${target} AND NOT ${isReplaced} AND NOT",
    replace: "sql`${target} AND NOT",
    suites: [SIMULATION],
  },
  {
    name: "the JWT of a token, renewed, outlives the token",
    file: "src/core/jwt-pairs.ts",
    find: "endsAt: Math.floor(token.expiresAtMs / 1000),",
    replace: "endsAt: nowSeconds + JWT_LIFETIMES.sinceLogin,",
    suites: [SIMULATION],
  },
  {
    name: "a JWT revoked in the middle of a chain leaves the others",
    file: "src/core/authenticate.ts",
    find: "(rootJti ?? jti)",
    replace: "jti",
    suites: [SIMULATION],
  },
  {
    name: "a JWT is good while what it was obtained with has expired",
    file: "src/storage/standing-sql.ts",
    find: "AND parent.revoked_at IS NULL AND parent.expires_at > ${nowMs}) =",
    replace: "AND parent.revoked_at IS NULL) =",
    suites: [SIMULATION],
  },
  {
    name: "a token comes back when its parent's row is deleted",
    file: "src/storage/standing-sql.ts",
    find: "WHERE parent.id IS NULL OR parent.revoked_at",
    replace: "WHERE parent.revoked_at",
    suites: [SIMULATION],
  },
  {
    name: "a new password frees a JWT of its bounds",
    file: "src/core/renewed-caller.ts",
    find: 'if (caller.by.method !== "jwt") return renewed;',
    replace: 'return { ...renewed, by: { method: "password" } };',
    suites: [SIMULATION],
  },
  {
    name: "an API token prolongs itself",
    file: "src/storage/d1-tokens.ts",
    find: "${beyond} IS NULL AND ${isWithin} AND",
    replace: "${beyond} IS NULL AND",
    suites: [SIMULATION],
  },
  {
    name: "an API token prolongs itself by its copy",
    file: "src/storage/d1-tokens.ts",
    find: " AND ${noneEndsBefore(expiresAtMs, parentIds)}",
    replace: "",
    suites: [{ file: "test/promises/lag-changes.test.ts", test: "an end that was moved up" }],
  },
  {
    name: "what an API token made is good after its revocation",
    file: "src/storage/standing-sql.ts",
    find: "sql`${STANDS} AND ${parentsStand(nowMs)}`",
    replace: "nowMs > 0 ? STANDS : STANDS",
    suites: [SIMULATION],
  },
  {
    name: "what an API token made is good after its revocation, by its copy",
    file: "src/storage/keys.ts",
    find: "ends: token.parentIds.map(endedKey),",
    replace: "ends: [],",
    suites: [LAG_CHANGES],
  },
  {
    name: "what an API token's JWT made is good after that one's revocation",
    file: "src/core/authenticate.ts",
    find: "parentIds: [jwtId, ...parentIdsOf(by.claims)]",
    replace: "parentIds: parentIdsOf(by.claims)",
    suites: [SIMULATION],
  },
  {
    name: "an end that was moved up is not known to the JWTs of a token",
    file: "src/storage/keys.ts",
    find: "doubts: apiEpoch === null ? [] : parentIds.map(movedKey),",
    replace: "doubts: [],",
    suites: [CHAINS],
  },
  {
    name: "a report counts what had been revoked",
    file: "src/storage/d1-tokens.ts",
    find: "                AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${standsWithParents(nowMs)})\n              RETURNING id, user_id`",
    replace: "              RETURNING id, user_id`",
    suites: [SIMULATION],
  },
];
