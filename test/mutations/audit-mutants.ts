// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of source code.
import type { Mutant, Suite } from "./mutant.ts";

const WITH_CHANGE: Suite = { file: "test/audit/with-change.test.ts" };
const EVENTS: Suite = { file: "test/audit/events.test.ts" };
const REFUSED: Suite = { file: "test/audit/refused.test.ts" };
const KEPT: Suite = { file: "test/audit/kept.test.ts" };
const EXPORT: Suite = { file: "test/rights/export.test.ts" };
const DELETION: Suite = { file: "test/rights/deletion.test.ts" };

/** What is written down of who did what, and what is left of a person. */
export const AUDIT_MUTANTS: readonly Mutant[] = [
  {
    name: "an event whether or not there was a change",
    file: "src/storage/audit-sql.ts",
    find: "sql`WHERE changes() > 0`",
    replace: "sql`WHERE changes() >= 0`",
    suites: [WITH_CHANGE],
  },
  {
    name: "an event of a token whether or not there was a change",
    file: "src/storage/audit-sql.ts",
    find: " AND changes() > 0`,\n      ),",
    replace: "`,\n      ),",
    suites: [WITH_CHANGE],
  },
  {
    name: "no event of a rotation",
    file: "src/storage/d1-families.ts",
    find: '        audit.after({ what: "jwt.refreshed", actorId: userId, ...which }, nowMs),\n',
    replace: "        sql`SELECT 1`,\n",
    suites: [EVENTS],
  },
  {
    name: "the issuer learns from where another ran her token",
    file: "src/storage/d1-action-tokens.ts",
    find: "hidesOrigin: true",
    replace: "hidesOrigin: false",
    suites: [EVENTS],
  },
  {
    name: "everybody's events for everybody",
    file: "src/storage/d1-audit.ts",
    find: "WHERE user_id = ${userId} AND ${from}",
    replace: "WHERE ${userId} <> '' AND ${from}",
    suites: [EVENTS],
  },
  {
    name: "a refused token is nobody's",
    file: "src/storage/d1-audit.ts",
    find: "SELECT user_id, expires_at FROM tokens WHERE id = ${credentialId}",
    replace: "SELECT user_id, expires_at FROM tokens WHERE id = ${credentialId} AND FALSE",
    suites: [REFUSED],
  },
  {
    name: "a wrong password is not written down",
    file: "src/http/refused.ts",
    find: '  refused(isLogin ? "login.failed" : "credential.refused", fault.named);',
    replace: '  if (!isLogin) refused("credential.refused", fault.named);',
    suites: [REFUSED],
  },
  {
    name: "addresses are kept whole",
    file: "src/wire.ts",
    find: "keptOrigin(config.auditAddress)",
    replace: 'keptOrigin("full")',
    suites: [KEPT],
  },
  {
    name: "the audit is kept for ever",
    file: "src/storage/housekeeping.ts",
    find: "sql`(at < ${nowMs - auditDays * DAY_MS}",
    replace: "sql`(at < ${nowMs - auditDays * DAY_MS * 100}",
    suites: [KEPT],
  },
  {
    name: "an export of others' audit",
    file: "src/storage/d1-personal-data.ts",
    find: "sql`audit AS a WHERE a.user_id = ${userId}`",
    replace: "sql`audit AS a WHERE a.user_id <> ${userId}`",
    suites: [EXPORT],
  },
  {
    name: "an export without tokens:read",
    file: "src/routes/rest-export.ts",
    find: 'if (!caller.scopes.includes("tokens:read"))',
    replace: 'if (!caller.scopes.includes("account:read"))',
    suites: [EXPORT],
  },
  {
    name: "an export loses the last row of a page",
    file: "src/storage/d1-personal-data.ts",
    find: "const taken = rows.slice(0, room);",
    replace: "const taken = rows.slice(0, Math.max(0, rows.length - 1));",
    suites: [EXPORT],
  },
  {
    name: "a deletion leaves the person",
    file: "src/storage/d1-blank.ts",
    find: "email = '', first_name = NULL,",
    replace: "first_name = NULL,",
    suites: [DELETION],
  },
  {
    name: "a refused deletion takes the contacts",
    file: "src/storage/d1-blank.ts",
    find: "sql`DELETE FROM contacts WHERE user_id = ${userId} AND ${isDeleted}`",
    replace: "sql`DELETE FROM contacts WHERE user_id = ${userId}`",
    suites: [DELETION],
  },
  {
    name: "a deletion leaves receipts as they are",
    file: "src/storage/d1-blank.ts",
    find: "SET data = 'null', idempotency_key = NULL, request_digest = NULL WHERE",
    replace: "SET data = data WHERE",
    suites: [DELETION],
  },
  {
    name: "copies of a deleted user's tokens stay in KV",
    file: "src/storage/housekeeping.ts",
    find: "row.has_copy === 1",
    replace: "row.has_copy === 2",
    suites: [DELETION],
  },
];
