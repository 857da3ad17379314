// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of source code.
import type { Mutant, Suite } from "./mutant.ts";

const ATTACKER: Suite = { file: "test/recovery/attacker.test.ts" };
const OWNER: Suite = { file: "test/recovery/owner.test.ts" };
const WEBHOOK: Suite = { file: "test/recovery/webhook.test.ts" };

/** Who gets back into an account, and who does not. */
export const RECOVERY_MUTANTS: readonly Mutant[] = [
  {
    name: "a reset keeps the epoch",
    file: "src/actions/reset-password.ts",
    find: "epoch = epoch + 1, ",
    replace: "",
    suites: [OWNER],
  },
  {
    name: "a reset owes KV no mark",
    file: "src/actions/reset-password.ts",
    find: "endsCredentials: true",
    replace: "endsCredentials: false",
    suites: [OWNER],
  },
  {
    name: "a reset proves no e-mail",
    file: "src/actions/reset-password.ts",
    find: "COALESCE(verified_on, ${nowMs})",
    replace: "verified_on",
    suites: [OWNER],
  },
  {
    name: "a mail to an old address counts",
    file: "src/actions/mailed.ts",
    find: "sql`email = ${email}`",
    replace: "sql`${email} <> ''`",
    suites: [ATTACKER],
  },
  {
    name: "an address in between may undo too",
    file: "src/actions/mailed.ts",
    find: "AND (undo_until IS NULL OR undo_until <= ${nowMs} OR undo_email = email)",
    replace: "AND ${nowMs} > 0",
    suites: [{ file: "test/recovery/changed-email" }],
  },
  {
    name: "a notice that failed is forgotten",
    file: "src/core/notices.ts",
    find: "await queue.failed(due, sending, nowMs);\n      throw error;",
    replace: "void error;",
    suites: [{ file: "test/recovery/notices" }],
  },
  {
    name: "anybody issues resets",
    file: "src/actions/reset-password.ts",
    find: "isInternal: true",
    replace: "isInternal: false",
    suites: [ATTACKER],
  },
  {
    name: "anybody issues verifications",
    file: "src/actions/verify-email.ts",
    find: "isInternal: true",
    replace: "isInternal: false",
    suites: [ATTACKER],
  },
  {
    name: "an address is verified without its account",
    file: "src/actions/verify-email.ts",
    find: "needsCaller: true",
    replace: "needsCaller: false",
    suites: [ATTACKER],
  },
  {
    name: "a hash for a token that cannot run",
    file: "src/core/action-tokens.ts",
    find: "if (!isSound || action?.isCostly) {",
    replace: "if (!isSound) {",
    suites: [ATTACKER],
  },
  {
    name: "a mail's token in the lists",
    file: "src/storage/d1-action-tokens.ts",
    find: "AND json_extract(tokens.detail, '$.internal') IS NULL ",
    replace: "",
    suites: [ATTACKER],
  },
  {
    name: "a mail whenever one is asked for",
    file: "src/storage/mail-budget.ts",
    find: "WHERE mails.sent_at <= ${nowMs - INTERVAL_MS}",
    replace: "WHERE TRUE",
    suites: [ATTACKER],
  },
  {
    name: "a mail's token for any account's run",
    file: "src/storage/d1-mail-tokens.ts",
    find: "'audience', users.id",
    replace: "'audience', NULL",
    suites: [ATTACKER],
  },
  {
    name: "a verified e-mail is verified again",
    file: "src/storage/d1-mail-tokens.ts",
    find: "CASE WHEN verified_on IS NULL THEN email ELSE pending_email END",
    replace: "email",
    suites: [OWNER],
  },
  {
    name: "who was logged out has mails sent",
    file: "src/storage/d1-mail-tokens.ts",
    find: 'if (asked === null || asked.stands === 0) return "caller_gone";',
    replace: "if (asked === null) return null;",
    suites: [ATTACKER],
  },
  {
    name: "a reset lives an hour",
    file: "src/core/mail.ts",
    find: "ttlSeconds: 10 * MINUTE",
    replace: "ttlSeconds: 60 * MINUTE",
    suites: [OWNER],
  },
  {
    name: "a common password in a reset",
    file: "src/actions/reset-password.ts",
    find: "!passwords.isCommon(text)",
    replace: "!passwords.isCommon('')",
    suites: [OWNER],
  },
  {
    name: "a signature without the time",
    file: "src/mail/webhook.ts",
    find: "`${id}.${timestamp}.${body}`",
    replace: "`${id}.${body}`",
    suites: [OWNER],
  },
  {
    name: "a webhook's redirect is followed",
    file: "src/mail/webhook.ts",
    find: "status < 500 && status",
    replace: "status >= 400 && status < 500 && status",
    suites: [WEBHOOK],
  },
  {
    name: "a webhook is waited for without end",
    file: "src/mail/webhook.ts",
    find: "AbortSignal.timeout(ATTEMPT_MS)",
    replace: "AbortSignal.timeout(10 * ATTEMPT_MS)",
    suites: [WEBHOOK],
  },
  {
    name: "a mail's text in the log",
    file: "src/mail/webhook.ts",
    find: 'throw new Error("the mail webhook could not be reached in time");',
    replace: "throw new Error(`the mail webhook could not be reached: ${url} ${body}`);",
    suites: [WEBHOOK],
  },
];
