// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of source code.
import type { Mutant, Suite } from "./mutant.ts";

const ACCOUNTS: Suite = { file: "test/throttling/accounts.test.ts" };
const NETWORKS: Suite = { file: "test/throttling/networks.test.ts" };
const LAST_USED: Suite = { file: "test/last-used.test.ts" };

const TRIES = "src/storage/d1-password-tries.ts";

/** How often a secret may be tried, and from where. */
export const THROTTLING_MUTANTS: readonly Mutant[] = [
  {
    name: "wrong passwords are counted by network alone",
    file: TRIES,
    find: "AND account_until <= ${room(nowMs, TRIES.account)} AS is_open",
    replace: "AS is_open",
    suites: [ACCOUNTS],
  },
  {
    name: "wrong passwords are counted by account alone",
    file: TRIES,
    find: "SELECT *, network_until <= ${room(nowMs, TRIES.network)}\n      AND",
    replace: "SELECT *,",
    suites: [ACCOUNTS],
  },
  {
    name: "a known network has no end of tries",
    file: TRIES,
    find: "is_open OR known AND network_until",
    replace: "is_open OR known OR network_until",
    suites: [ACCOUNTS],
  },
  {
    name: "no network is ever known",
    file: TRIES,
    find: "THEN ${nowMs} ELSE known_at END",
    replace: "THEN known_at ELSE known_at END",
    suites: [ACCOUNTS],
  },
  {
    name: "a network is known for ever",
    file: TRIES,
    find: "near.known_at > ${nowMs - KNOWN_MS}",
    replace: "near.known_at IS NOT NULL",
    suites: [ACCOUNTS],
  },
  {
    name: "a flood on an account uses up its known networks' tries",
    file: TRIES,
    find: "is_open OR known AND network_until",
    replace: "is_open OR FALSE AND network_until",
    suites: [ACCOUNTS],
  },
  {
    name: "a counter that has run down gives tries beyond its size",
    file: TRIES,
    find: "MAX(forgotten_at, ${nowMs}) + (",
    replace: "forgotten_at + (",
    suites: [ACCOUNTS],
  },
  {
    name: "Retry-After is a second late",
    file: TRIES,
    find: "const retryAfterSeconds = Math.max(1, Math.ceil((freeFromMs - nowMs) / 1000));",
    replace: "const retryAfterSeconds = Math.ceil((freeFromMs - nowMs) / 1000) + 1;",
    suites: [ACCOUNTS],
  },
  {
    name: "right passwords count",
    file: "src/core/password-tries.ts",
    find: "tries.giveBack(counters, nowMs);",
    replace: "",
    suites: [ACCOUNTS],
  },
  {
    name: "a password is hashed that may not be tried",
    file: "src/core/password-tries.ts",
    find: "    const { user, counters, isLast, wrongRetryAfterSeconds } = await takeTry(",
    replace:
      "    await isRight(null);\n    const { user, counters, isLast, wrongRetryAfterSeconds } = await takeTry(",
    suites: [ACCOUNTS],
  },
  {
    name: "a try is counted only once it was wrong",
    file: TRIES,
    find: "        claim(counters, ids, nowMs),\n",
    replace: "        sql`SELECT owner || ${ids.network} AS id FROM (${counters})`,\n",
    suites: [ACCOUNTS],
  },
  {
    name: "whoever has an IPv6 network has all of its addresses to try from",
    file: "src/http/network.ts",
    find: "groups.slice(0, 4)",
    replace: "groups.slice(0, 8)",
    suites: [ACCOUNTS],
  },
  {
    name: "an IPv4 address has a second spelling to try from",
    file: "src/http/address.ts",
    find: "const MAPPED = /^::ffff:",
    replace: "const MAPPED = /^::fffe:",
    suites: [ACCOUNTS],
  },
  {
    name: "logins are not limited by network",
    file: "src/core/password-tries.ts",
    find: 'await admit(limits, "login", undefined, () => tries.toldToWait(account, nowMs));',
    replace: "void limits;",
    suites: [NETWORKS],
  },
  {
    name: "sign-ups are not limited by network",
    file: "src/core/accounts.ts",
    find: 'await admit(limits, "sign_up");\n      await checkNew(password);',
    replace: "await checkNew(password);",
    suites: [NETWORKS],
  },
  {
    name: "verify is limited with the logins",
    file: "src/core/jwt-pairs.ts",
    find: 'admit(limits, "token") : admit(limits, "client", clientId)',
    replace: 'admit(limits, "login") : admit(limits, "client", clientId)',
    suites: [NETWORKS],
  },
  {
    name: "a request fails with the rate limiter",
    file: "src/storage/rate-limits.ts",
    find: 'await background.try("ask the rate limiter", asked);',
    replace: "await asked;",
    suites: [NETWORKS],
  },
  {
    name: "every isolate writes the hour of a token's last use",
    file: "src/storage/d1-tokens.ts",
    find: "WHERE id = ${id} AND (used_at IS NULL OR used_at < ${hourMs})",
    replace: "WHERE id = ${id}",
    suites: [LAST_USED],
  },
  {
    name: "every use of a token is noted",
    file: "src/storage/tokens.ts",
    find: "if ((token.lastUsedAtMs ?? 0) >= hourMs || memories.uses.get(token.id, nowMs)) return;",
    replace: "",
    suites: [LAST_USED],
  },
];
