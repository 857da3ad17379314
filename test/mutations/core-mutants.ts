import type { Mutant, Suite } from "./mutant.ts";

const AT_0: Suite = { file: "test/promises/bound.test.ts", test: "LAG_SECONDS=0 " };
const AT_60: Suite = { file: "test/promises/bound.test.ts", test: "LAG_SECONDS=60 " };
const RECORDS: Suite = { file: "test/promises/records.test.ts" };
const CREDENTIALS: Suite = { file: "test/contracts/credentials.test.ts" };
const JWT_PAIR: Suite = { file: "test/contracts/jwt-pair.test.ts" };
const EQUAL_WORK: Suite = { file: "test/contracts/equal-work.test.ts" };
const ACCOUNTS: Suite = { file: "test/contracts/account" };

/** What credentials mean, and what hangs on what. */
export const CORE_MUTANTS: readonly Mutant[] = [
  {
    name: "a refresh JWT opens what an access JWT does",
    file: "src/core/authenticate.ts",
    find: 'if (claims?.type !== "access") return',
    replace: "if (claims === null) return",
    suites: [CREDENTIALS],
  },
  {
    name: "a JWT does not hang on what it was got with",
    file: "src/core/authenticate.ts",
    find: "[claims.jti, claims.rootJti, claims.sid]",
    replace: "[claims.jti, claims.rootJti]",
    suites: [AT_0],
  },
  {
    name: "a JWT got with a JWT stands alone",
    file: "src/core/authenticate.ts",
    find: "[claims.jti, claims.rootJti, claims.sid]",
    replace: "[claims.jti, claims.sid]",
    suites: [AT_0],
  },
  {
    name: "a JWT got with a JWT hangs on the last alone",
    file: "src/core/jwt-pairs.ts",
    find: "rootJti: rootJti ?? jti,",
    replace: "rootJti: jti,",
    suites: [AT_0],
  },
  {
    name: "a JWT forgets the API epoch",
    file: "src/core/jwt-pairs.ts",
    find: 'apiEpoch: token.kind === "api" ? token.apiEpoch : null',
    replace: "apiEpoch: null",
    suites: [AT_60],
  },
  {
    name: "a JWT outlives the token that it was got with",
    file: "src/core/jwt-pairs.ts",
    find: "          behind.expiresAt,\n",
    replace: "",
    suites: [RECORDS],
  },
  {
    name: "a chain of JWTs never ends",
    file: "src/core/jwt-pairs.ts",
    find: "          behind.authTime + JWT_LIFETIMES.sinceLogin,\n",
    replace: "",
    suites: [RECORDS],
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
    find: "const user = await confirm(caller, currentPassword, nowMs);",
    replace: 'const user = (await users.byId(caller.userId)) ?? refuse({ code: "token_invalid" });',
    suites: [ACCOUNTS],
  },
  {
    name: "no current password will do",
    file: "src/core/accounts.ts",
    find: 'if (by.method !== "identity") return refuse({ code: "current_password_missing" });\n',
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
