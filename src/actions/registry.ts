import type { Action, ActionRegistry, PersonalTable } from "../core/action.ts";
import { isAuditEvent } from "../core/events.ts";
import type { IsPwned, Passwords } from "../core/passwords.ts";
import { ACTION_MAX_USES, TTL_SECONDS } from "../core/token.ts";
import { addContact } from "./add-contact.ts";
import { resetPassword } from "./reset-password.ts";
import { revokeLogins } from "./revoke-logins.ts";
import { undoEmailChange } from "./undo-email-change.ts";
import { verifyEmail } from "./verify-email.ts";

/** @param tables of actions of the deployment's own */
export const builtInActions = (
  passwords: Passwords,
  isPwned: IsPwned,
  tables: readonly PersonalTable[] = [],
): readonly Action[] => [
  addContact,
  verifyEmail,
  undoEmailChange,
  revokeLogins,
  resetPassword(passwords, isPwned, tables),
];

/** The built-in actions and those of `createLatchkey`. */
export function actionRegistry(all: readonly Action[]): ActionRegistry {
  const byName = new Map(all.map((action) => [action.name, action]));
  return { all, find: (name) => byName.get(name) };
}

/** Each once: actions may share one. */
export const tablesOf = (actions: readonly Action[]): readonly PersonalTable[] => [
  ...new Map(actions.flatMap(({ tables }) => tables).map((table) => [table.name, table])).values(),
];

const RESERVED_NAMES = [
  "addContact",
  "verifyEmail",
  "undoEmailChange",
  "revokeLogins",
  "resetPassword",
];

/** The service's tables and the sections of an export, which an action's table cannot have as its name. */
export const RESERVED_TABLES = [
  ...["users", "tokens", "receipts", "pending_revocations", "housekeeping"],
  ...["housekeeping_run", "family_expiries"],
  ...[
    "contacts",
    "events",
    "event_days",
    "audit",
    "mails",
    "notices",
    "devices",
    "email_logins",
    "login_attempts",
    "identities",
    "passkeys",
    "second_factors",
    "recovery_codes",
    "used_challenges",
    "decoys",
    "deliveries",
    "dead_letters",
    "token_meters",
    "token_charges",
    "heartbeat",
  ],
  ...["user", "api_tokens", "sessions", "logins", "jwts", "action_tokens"],
  ...["receipts_as_runner", "receipts_as_issuer", "d1_migrations"],
];

/** Their schemas in the API document would have the same name. */
const isSameName = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();

const TTL = TTL_SECONDS.action;
const MAX_PRESETS = 6;
const isWhole = (value: number, min: number, max: number) =>
  Number.isInteger(value) && value >= min && value <= max;

const IDENTIFIER = /^[a-z_][a-z0-9_]{0,62}$/;

/** @returns what is wrong with the actions of `createLatchkey`: a line each */
export function wrongActions(own: readonly Action[]): readonly string[] {
  const tables = new Map<string, string>();
  const sentences = new Map<string, string>();
  return own.flatMap((action, index) => {
    const { name, page } = action;
    const wrong: string[] = [];
    const mistake = (text: string) => wrong.push(`options.actions.${index} (${name}): ${text}`);
    if (!/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name)) {
      mistake("the name must be a letter and then letters, digits or _, at most 64");
    } else if (RESERVED_NAMES.some((each) => isSameName(each, name)))
      mistake("a built-in action has this name");
    else if (own.findIndex((each) => isSameName(each.name, name)) < index) {
      mistake("another action has this name");
    }
    if (action.needsCaller && !page.asksForLogin) {
      mistake("its page must ask for a log-in, or needsCaller must be false");
    }
    if (page.presets.length > MAX_PRESETS) mistake(`must have at most ${MAX_PRESETS} presets`);
    for (const { uses, seconds } of page.presets) {
      const isTerm = isWhole(uses, 1, ACTION_MAX_USES) && isWhole(seconds, TTL.min, TTL.max);
      if (!isTerm) mistake(`a preset of ${uses} uses and ${seconds} seconds is out of bounds`);
    }
    for (const { href } of [page.next, page.renew].filter((link) => link !== null)) {
      // A page must not lead to `javascript:` or, as "//host" does, to another site without a scheme.
      // guard: page-links-are-paths-or-https
      if (!/^(?:\/(?![/\\])|https:\/\/)/.test(href))
        mistake(`${href} must be a path or an https URL`);
    }
    const taken = [...(action.payloadFields ?? []), ...(action.inputFields ?? [])].filter((field) =>
      /^token_|^run_key$/.test(field.name),
    );
    for (const field of taken) mistake(`the console has a field of its own named ${field.name}`);
    for (const [event, sentence] of Object.entries(action.events)) {
      if (!/^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+$/.test(event) || event.length > 64) {
        mistake(
          `the event ${event} must be words of a-z, 0-9 and _ with dots, as in coupon.redeemed`,
        );
      } else if (isAuditEvent(event)) {
        mistake(`the event ${event} is built in: use it without declaring it`);
      } else if ((sentences.get(event) ?? sentence) !== sentence) {
        mistake(`the event ${event} has another sentence in another action`);
      }
      sentences.set(event, sentence);
    }
    for (const table of action.tables) {
      const { name: tableName, userColumn, expiresColumn } = table;
      const identifiers = [
        tableName,
        userColumn,
        ...(expiresColumn === undefined ? [] : [expiresColumn]),
      ];
      const bad = identifiers.find((each) => !IDENTIFIER.test(each));
      const text = JSON.stringify([userColumn, expiresColumn]);
      if (bad !== undefined) mistake(`${bad} must be a name of a-z, 0-9 and _`);
      else if (RESERVED_TABLES.includes(tableName) || /^(?:sqlite|_cf)_/.test(tableName)) {
        mistake(`the table ${tableName} is not its own`);
      } else if ((tables.get(tableName) ?? text) !== text) {
        mistake(`the table ${tableName} is declared otherwise by another action`);
      }
      tables.set(tableName, text);
    }
    return wrong;
  });
}
