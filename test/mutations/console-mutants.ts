// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of source code.
import type { Mutant, Suite } from "./mutant.ts";

const LOGINS: Suite = { file: "test/logins/logins.test.ts" };
const INSPECTION: Suite = { file: "test/inspection/inspection.test.ts" };
const PREVIEW: Suite = { file: "test/action-pages/preview.test.ts" };
const PAGES: Suite = { file: "test/console/action-tokens.test.ts" };

/** What people see and end: logins, tokens that they paste, the page behind a code. */
export const CONSOLE_MUTANTS: readonly Mutant[] = [
  {
    name: "anybody's login is ended",
    file: "src/storage/d1-logins.ts",
    find: "AND kind IN ('session', 'family') AND user_id = ${caller.userId}",
    replace: "AND kind IN ('session', 'family')",
    suites: [LOGINS],
  },
  {
    name: "a caller who was ended ends logins",
    file: "src/storage/d1-logins.ts",
    find: "AND revoked_at IS NULL AND expires_at > ${nowMs} AND ${callerStands(caller, nowMs)}",
    replace: "AND revoked_at IS NULL AND expires_at > ${nowMs}",
    suites: [LOGINS],
  },
  {
    name: "one login is ended for many callers",
    file: "src/storage/d1-logins.ts",
    find: "AND revoked_at IS NULL AND expires_at > ${nowMs} AND ${callerStands(caller, nowMs)}",
    replace: "AND expires_at > ${nowMs} AND ${callerStands(caller, nowMs)}",
    suites: [LOGINS],
  },
  {
    name: "the end of others ends the caller's own login",
    file: "src/storage/d1-logins.ts",
    find: " AND tokens.id IS NOT ${kept}`",
    replace: " AND ${kept} IS ${kept}`",
    suites: [LOGINS],
  },
  {
    name: "more logins are ended than KV is told of",
    file: "src/storage/d1-logins.ts",
    find: "LIMIT ${MAX_MARKS}`",
    replace: "LIMIT ${MAX_MARKS * 4}`",
    suites: [LOGINS],
  },
  {
    name: "memory keeps a login that was ended",
    file: "src/storage/logins.ts",
    find: "memories.tokens.delete(id);\n        memories.jwts.clear();",
    replace: "",
    suites: [LOGINS],
  },
  {
    name: "memory keeps the others that were ended",
    file: "src/storage/logins.ts",
    find: "memories.tokens.clear();\n        memories.jwts.clear();",
    replace: "",
    suites: [LOGINS],
  },
  {
    name: "the inspector looks into another's token",
    file: "src/storage/d1-inspection.ts",
    find: "WHERE tokens.id = ${id} AND tokens.user_id = ${userId}",
    replace: "WHERE tokens.id = ${id} AND ${userId} = ${userId}",
    suites: [INSPECTION],
  },
  {
    name: "the inspector says of another's JWT whether it stands",
    file: "src/core/inspection.ts",
    find: "if (claims.userId !== caller.userId)",
    replace: "if (claims.userId === '')",
    suites: [INSPECTION],
  },
  {
    name: "the inspector believes any signature",
    file: "src/crypto/jwt-reader.ts",
    find: 'signature: isKnown ? "wrong" : "key_unknown"',
    replace: 'signature: isKnown ? "right" : "key_unknown"',
    suites: [INSPECTION],
  },
  {
    name: "another than its audience reads what an action token does",
    file: "src/core/action-pages.ts",
    find: "if (token.audience !== null && token.audience !==",
    replace: "if (token.audience === '' && token.audience !==",
    suites: [PREVIEW],
  },
  {
    name: "a page runs an action for its issuer, with nobody in front of it",
    file: "src/core/action-pages.ts",
    find: 'if (action.page.asksForLogin && by === null) refuse({ code: "credentials_missing" });',
    replace: "",
    suites: [PREVIEW],
  },
  {
    name: "uses of another's action token are listed",
    file: "src/storage/d1-action-uses.ts",
    find: "AND tokens.kind = 'action'\n              AND tokens.user_id = ${userId})",
    replace: "AND tokens.kind = 'action' AND ${userId} = ${userId})",
    suites: [PREVIEW],
  },
  {
    name: "a form that is sent twice fails the second time",
    file: "src/core/action-tokens.ts",
    find: "const earlier = chosen === null ? null : await store.findNow(id);",
    replace: "const earlier = chosen === null ? null : null;",
    suites: [PAGES],
  },
  {
    name: "another's form shows her code",
    file: "src/core/action-tokens.ts",
    find: "if (earlier?.userId !== caller.userId)",
    replace: "if (earlier == null)",
    suites: [PAGES],
  },
];
