// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of source code.
import type { Mutant, Suite } from "./mutant.ts";

const AT_0: Suite = { file: "test/promises/bound.test.ts", test: "LAG_SECONDS=0 " };
const AT_60: Suite = { file: "test/promises/bound.test.ts", test: "LAG_SECONDS=60 " };
const CHAINS: Suite = { file: "test/promises/chains.test.ts" };
const CREDENTIALS: Suite = { file: "test/contracts/credentials.test.ts" };
const JWT_PAIR: Suite = { file: "test/contracts/jwt-pair.test.ts" };
const EQUAL_WORK: Suite = { file: "test/contracts/equal-work.test.ts" };
const ACCOUNTS: Suite = { file: "test/contracts/account" };

/** What credentials mean, and what hangs on what. */
export const CORE_MUTANTS: readonly Mutant[] = [
  {
    name: "a refresh JWT opens what an access JWT does",
    file: "src/core/authenticate.ts",
    find: 'if (claims.type !== "access") return',
    replace: "if (claims === null) return",
    suites: [CREDENTIALS],
  },
  {
    name: "a JWT does not hang on what it was got with",
    file: "src/core/authenticate.ts",
    find: "return sid === null ? [] : [sid, ...parentIds];",
    replace: "return sid === null ? [] : parentIds;",
    suites: [AT_0],
  },
  {
    name: "a JWT got with a JWT stands alone",
    file: "src/core/authenticate.ts",
    find: "new Set([jti, rootJti, fromJti])",
    replace: "new Set([jti, rootJti])",
    suites: [CHAINS],
  },
  {
    name: "a JWT got with a JWT hangs on the last alone",
    file: "src/core/jwt-pairs.ts",
    find: ": { ...kept, rootJti, fromJti: by.claims.fromJti };",
    replace: ": { ...kept, rootJti: jti, fromJti: by.claims.jti };",
    suites: [CHAINS],
  },
  {
    name: "a JWT forgets the API epoch",
    file: "src/core/jwt-pairs.ts",
    find: "parentIds: token.parentIds, apiEpoch: token.apiEpoch }",
    replace: "parentIds: token.parentIds }",
    suites: [AT_60],
  },
  {
    name: "a JWT outlives the token that it was got with",
    file: "src/core/jwt-pairs.ts",
    find: "Math.min(issuedAt + JWT_LIFETIMES.auth, endsAt)",
    replace: "issuedAt + JWT_LIFETIMES.auth",
    suites: [CHAINS],
  },
  {
    name: "a chain of JWTs never ends",
    file: "src/core/jwt-pairs.ts",
    find: "const kept = { sid, parentIds, apiEpoch, loginVersion, authTime, endsAt };",
    replace:
      "const kept = { sid, parentIds, apiEpoch, loginVersion, authTime, endsAt: endsAt + 86_400 * 30 };",
    suites: [CHAINS],
  },
  {
    name: "a token outlives the one that it was created with",
    file: "src/storage/standing-sql.ts",
    find: "parent.revoked_at IS NOT NULL OR parent.expires_at <= ${nowMs}",
    replace: "parent.revoked_at > 2 * ${nowMs}",
    suites: [CHAINS],
  },
  {
    name: "a token that was replaced makes others",
    file: "src/storage/insert-token.ts",
    find: "replaced.replaced_by IS NOT NULL)",
    replace: "replaced.replaced_by = '')",
    suites: [CHAINS],
  },
  {
    name: "an access JWT refreshes",
    file: "src/core/jwt-pairs.ts",
    find: 'return claims.type === "refresh" && claims.sid !== null && claims.rotation !== null;',
    replace: "return claims.sid !== null;",
    suites: [JWT_PAIR],
  },
  {
    name: "another's JWT is ended",
    file: "src/core/api-tokens.ts",
    find: "if (claims?.userId !== caller.userId) return null;",
    replace: "if (claims === null) return null;",
    suites: [{ file: "test/contracts/rest-token" }],
  },
  {
    name: "a wrong password logs in",
    file: "src/core/password-login.ts",
    find: 'return verdict !== "mismatch";',
    replace: "return verdict !== undefined;",
    suites: [CREDENTIALS],
  },
  {
    name: "an account that is unknown costs no hash",
    file: "src/core/password-login.ts",
    find: "const verdict = await passwords.verify(password, user?.passwordHash ?? null);",
    replace:
      'const verdict =\n      user === null ? "mismatch" : await passwords.verify(password, user.passwordHash);',
    suites: [EQUAL_WORK],
  },
  {
    name: "a wrong current password will do",
    file: "src/core/accounts.ts",
    find: 'const user = await confirm(caller, currentPassword, "current_password", nowMs);',
    replace: 'const user = (await users.byId(caller.userId)) ?? refuse({ code: "token_invalid" });',
    suites: [ACCOUNTS],
  },
  {
    name: "no current password will do",
    file: "src/core/accounts.ts",
    find: 'if (by.method !== "identity") return refuse({ code: "current_password_missing", field });\n',
    replace:
      'if (by.method !== "identity") return (await users.byId(userId)) ?? refuse({ code: "token_invalid" });\n',
    suites: [ACCOUNTS],
  },
  {
    name: "closed sign-up is open",
    file: "src/core/accounts.ts",
    find: "if (!signUpIsOpen) refuse",
    replace: "if (signUpIsOpen === undefined) refuse",
    suites: [{ file: "test/contracts/settings" }],
  },
];
