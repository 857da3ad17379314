import type { Mutant, Suite } from "./mutant.ts";

const AT_10: Suite = { file: "test/promises/bound.test.ts", test: "LAG_SECONDS=10 " };
const AT_60: Suite = { file: "test/promises/bound.test.ts", test: "LAG_SECONDS=60 " };
const AT_300: Suite = { file: "test/promises/bound.test.ts", test: "LAG_SECONDS=300 " };
const AT_86400: Suite = { file: "test/promises/bound.test.ts", test: "LAG_SECONDS=86400 " };
const STANDING: Suite = { file: "test/promises/standing.test.ts" };
const RECORDS: Suite = { file: "test/promises/records.test.ts" };
const DEADLINE: Suite = { file: "test/storage/deadline.test.ts" };
const SESSIONS: Suite = { file: "test/promises/sessions.test.ts" };

/** What KV and memory may answer within the promise, and how long KV is asked. */
export const PROMISE_MUTANTS: readonly Mutant[] = [
  {
    name: "a refresh is asked about by its own life, not by what comes of it",
    file: "src/storage/tokens.ts",
    find: "(untilSeconds - claims.issuedAt) * 1000 < plan",
    replace: "(claims.expiresAt - claims.issuedAt) * 1000 <= plan",
    suites: [AT_86400],
  },
  {
    name: "KV is not told of an end",
    file: "src/storage/endings.ts",
    find: "if (kvAnswers) await flushed;",
    replace: "if (kvAnswers) void flushed.catch(() => undefined);",
    suites: [RECORDS],
  },
  {
    name: "a mark that KV did not take is struck out",
    file: "src/storage/endings.ts",
    find: "kv.markEnded(key, ttlUntil(expires_at, nowMs))),\n",
    replace: "kv.markEnded(key, ttlUntil(expires_at, nowMs)).catch(() => undefined)),\n",
    suites: [RECORDS],
  },
  {
    name: "TTL not clamped",
    file: "src/storage/keys.ts",
    find: "Math.max(MIN_TTL_SECONDS, Math.ceil((expiresAtMs - nowMs) / 1000))",
    replace: "Math.ceil((expiresAtMs - nowMs) / 1000)",
    suites: [RECORDS],
  },
  {
    name: "the mark of an epoch not looked at",
    file: "src/storage/keys.ts",
    find: 'if (token.kind !== "api") return { ends: [], doubts: [], epochs: [epoch] };',
    replace: 'if (token.kind !== "api") return { ends: [], doubts: [], epochs: [] };',
    suites: [AT_60],
  },
  {
    name: "the mark of an API epoch not looked at",
    file: "src/storage/keys.ts",
    find: "epochs: [epoch, endedApiEpochKey(token.userId, token.apiEpoch)],",
    replace: "epochs: [epoch],",
    suites: [AT_60],
  },
  {
    name: "the mark of an end that was moved up not looked at",
    file: "src/storage/keys.ts",
    find: "doubts: [token.id, ...token.parentIds].map(movedKey),",
    replace: "doubts: token.parentIds.map(movedKey),",
    suites: [RECORDS],
  },
  {
    name: "the marks of what a JWT hangs on not looked at",
    file: "src/storage/keys.ts",
    find: "      ...[...jwtIdsOf(claims), ...parentIds].map(endedKey),\n",
    replace: "",
    suites: [AT_60],
  },
  {
    name: "the mark of a token not looked at",
    file: "src/storage/kv-tokens.ts",
    find: '      if (found.get(keys[1]) != null) return "ended";\n',
    replace: "",
    suites: [RECORDS],
  },
  {
    name: "marks of epochs not asked",
    file: "src/storage/kv-tokens.ts",
    find: "return isAny(epochs) ? null : token;",
    replace: "return token;",
    suites: [AT_60],
  },
  {
    name: "expiry not checked in the record",
    file: "src/storage/tokens.ts",
    find: "return token.expiresAtMs > nowMs ? { token, user: null } : null;",
    replace: "return { token, user: null };",
    suites: [SESSIONS],
  },
  {
    name: "expiry not checked in memory",
    file: "src/storage/tokens.ts",
    find: "if (known !== null && known.token.expiresAtMs > nowMs) return known;",
    replace: "if (known !== null) return known;",
    suites: [SESSIONS],
  },
  {
    name: "what is left of a JWT counts, not its life",
    file: "src/storage/tokens.ts",
    find: "(expiresAt - issuedAt) * 1000 <= plan.unaskedMs",
    replace: "expiresAt * 1000 - Date.now() - issuedAt * 0 <= plan.unaskedMs",
    suites: [AT_60, AT_300],
  },
  {
    name: "the JWT of GET /rest/auth is not asked about",
    file: "src/storage/tokens.ts",
    find: "const isFresh = plan.unaskedMs === 0 && user !== null;",
    replace: "const isFresh = plan.unaskedMs >= 0 && user !== null;",
    suites: [AT_86400],
  },
  {
    name: "an extension is not forgotten in memory",
    file: "src/storage/tokens.ts",
    find: "      if (extended === null) return null;\n      memories.tokens.delete(id);\n",
    replace: "      if (extended === null) return null;\n",
    suites: [SESSIONS],
  },
  {
    name: "an end is not forgotten in memory",
    file: "src/storage/tokens.ts",
    find: "      memories.tokens.delete(id);\n      // A JWT may hang",
    replace: "      // A JWT may hang",
    suites: [AT_10],
  },
  {
    name: "what hangs on an end is not forgotten in memory",
    file: "src/storage/tokens.ts",
    find: "      memories.jwts.clear();\n    }\n  }\n",
    replace: "    }\n  }\n",
    suites: [AT_10],
  },
  {
    name: "memory trusts itself beyond KV's lag",
    file: "src/storage/promise.ts",
    find: "(lagSeconds - (kvAnswers ? KV_LAG_SECONDS : 0)) * 1000",
    replace: "lagSeconds * 1000",
    suites: [AT_300],
  },
  {
    name: "KV answers below its own lag",
    file: "src/storage/promise.ts",
    find: "lagSeconds >= KV_LAG_SECONDS",
    replace: "lagSeconds >= 1",
    suites: [AT_10],
  },
  {
    name: "D1 stays on the path of reads",
    file: "src/storage/promise.ts",
    find: "lagSeconds >= KV_LAG_SECONDS",
    replace: "lagSeconds > 1_000_000",
    suites: [STANDING],
  },
  {
    name: "memory never forgets",
    file: "src/storage/memory.ts",
    find: "entry !== undefined && nowMs < entry.untilMs",
    replace: "entry !== undefined",
    suites: [AT_10],
  },
  {
    name: "KV is tried again when its answer no longer counts",
    file: "src/storage/deadline.ts",
    find: "if (isOver) throw",
    replace: "if (!timer) throw",
    suites: [DEADLINE],
  },
];
