import { isolated } from "../isolated.ts";

/**
 * The texts of the pages in English. A translation is a file with the same members. Names that users
 * wrote stand in a text as `isolated(name)` and are shown by `Sentence`.
 */

// ————————————————————————————————————————————————————————————————————————————————————————————————
// What is on every page: frame, components, messages, errors.
// ————————————————————————————————————————————————————————————————————————————————————————————————

const counted = (one: string, many = `${one}s`) => {
  return (count: number) => `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
};

export const time = {
  locale: "en-US",
  seconds: counted("second"),
  minutes: counted("minute"),
  hours: counted("hour"),
  days: counted("day"),
  years: counted("year"),
  future: (text: string) => `in ${text}`,
  past: (text: string) => `${text} ago`,
  soon: "in less than a minute",
  justNow: "just now",
};

export const frame = {
  lang: "en",
  /** For search engines and link previews. */
  description: "Log in, manage API tokens, share one-time codes and see where you're logged in.",
  skip: "Skip to content",
  logIn: "Log in",
  logOut: "Log out",
  docs: "API docs",
  /** The links at the foot. */
  about: "About",
  links: { status: "Status", privacy: "Privacy", terms: "Terms", support: "Support" },
  menu: {
    label: "Console",
    overview: "Overview",
    apiTokens: "API tokens",
    actionTokens: "Action tokens",
    contacts: "Contacts",
    activity: "Activity",
    inspector: "Inspector",
    account: "Account",
    /** For screen readers, before the name of who is logged in. */
    accountOf: "Account:",
    profile: "Profile",
    logins: "Active sessions",
    data: "Your data",
  },
  /** Where the name of what was changed is not known. */
  unnamed: "It",
  email: "Email",
  password: "Password",
  optional: "(optional)",
  copy: "Copy",
  copied: "Copied",
  /** Where the browser lets no script copy. */
  selected: "Selected: press Ctrl+C or ⌘C to copy",
  filter: "Filter",
};

/** What a form did, on the page after it. Null: that page says it in its own text. */
export const messages = {
  session_expired: "Your session has expired. Log in to continue.",
  profile_saved: "Profile saved.",
  email_changed: "Email changed.",
  email_wanted: "We sent a link to your new email. Open it to confirm the change.",
  identity_linked: "You can now log in with that provider.",
  identity_removed: "That provider can no longer log in to your account.",
  second_factor_removed: "Second factor removed. Your password alone logs you in.",
  passkey_added: (name: string) => `“${isolated(name)}” was added. You can now log in with it.`,
  passkey_removed: "Passkey removed.",
  contact_removed: "Contact removed.",
  password_changed: "Password changed. All other sessions were logged out.",
  mail_sent: "We sent you a link. (If you just asked for one, check your inbox.)",
  token_renamed: (name: string) => `Renamed to “${isolated(name)}”.`,
  token_revoked: (name: string) => `“${isolated(name)}” was revoked.`,
  tokens_revoked: "All your API tokens were revoked.",
  action_revoked: "Revoked. The code and link no longer work.",
  login_revoked: "Session logged out.",
  logins_ended: "You're logged out everywhere else.",
  logins_ended_some: "Most sessions were ended. Repeat to end the rest.",
  reset_sent: null,
  account_deleted: null,
};

export const pagination = {
  label: "Pages",
  previous: "Previous",
  next: "Next",
};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Overview.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const overview = {
  title: "Overview",
};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Sign-up, log-in, password reset, confirmation.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const auth = {};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// API tokens.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const apiTokens = {};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Inspector.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const inspector = {};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Action tokens: list, form, code page.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const actionTokens = {};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// The page behind a code or link.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const actionPage = {
  keepPasskeys: "Passkeys to keep",
  keepPasskeysHint:
    "Someone with access to your account may have added one. Check only those you recognize: all others are removed.",
  passkeyAdded: "added",
  passkeyUsed: "last used",
  passkeyUnused: "never used",
};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Contacts.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const contacts = {};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Activity.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const activity = {};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Account: profile.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const account = {};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Account: password, passkeys, second factor, providers, log-ins.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const security = {};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Account: export and deletion.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const yourData = {};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// API documents.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const docs = {
  title: "API reference",
  lead: "Every operation of the API, with code samples in curl, JavaScript and Python.",
  contents: "Contents",
  overview: "Overview",
  more: "More",
  /** How a long group of operations is divided, in this order: the first row whose path fits. */
  parts: [
    ["/rest/auth", "Log in"],
    ["/rest/login", "Log in"],
    ["/rest/token", "API tokens"],
    ["/token", "API tokens"],
    ["/rest/leaked", "API tokens"],
    ["/rest/user/passkeys", "Passkeys"],
    ["/rest/user/totp", "Second factor"],
    ["/rest/user/recovery_codes", "Second factor"],
    ["/rest/user", "Account"],
    ["/rest/audit", "Account"],
    ["/rest/admin/users", "Operators: accounts"],
    ["/rest/admin/find", "Operators: accounts"],
    ["/rest/admin", "Operators: service"],
  ] as readonly (readonly [path: string, name: string])[],

  search: "Search the API",
  searchButton: "Search",
  found: (count: number) => (count === 1 ? "1 operation found" : `${count} operations found`),
  foundFor: (query: string) => `For “${query}”.`,
  showAll: "Show all operations",
  noneFound:
    "Try fewer or other words: a path such as /rest/token, a field such as expires_on, or a verb such as revoke.",

  basics: "Basics",
  baseUrl: "Base URL",
  forPrograms: "For programs",
  openApi: (version: string) => `OpenAPI 3.1, version ${version}`,
  quickStart: "Quick start",
  details: "Details",
  steps: {
    signUp: {
      title: "Sign up",
      text: "Creates an account. If you have one, continue with the next step.",
      closed:
        "New accounts are not being accepted here. Continue with the account that your administrator created.",
    },
    obtainJwtPair: {
      title: "Log in",
      text: "The response contains `access`, a JWT for requests, and `refresh`, which gets you a new one.",
    },
    readUser: {
      title: "Make your first call",
      text: "Replace `ACCESS_TOKEN` with `access` from the previous response.",
    },
  } as Readonly<Record<string, { title: string; text: string; closed?: string }>>,
  afterwards: "For a program, create an API token: it has its own scopes and expiry date.",
  newToken: "Create an API token",
  credentials: "Credentials",

  language: "Language of the code samples",
  copy: (what: string) => `Copy: ${what}`,
  example: "Example",
  request: "Request",
  isOpen: "No authentication required.",
  mayAuthenticate: "Authentication is optional.",
  mustAuthenticate: "Requires authentication.",
  parameters: "Parameters",
  places: { path: "Path", query: "Query", header: "Headers" },
  body: "Request body",
  responses: "Responses",
  response: (status: string) => `Response ${status}`,
  noBody: "No body.",
  header: "header",
  errors: "Errors",
  bodyOf: (statuses: readonly string[]) => `Body of ${statuses.join(", ")}`,

  // Types, as in "string, 1–64 characters, or null, optional".
  or: "or",
  optional: ", optional",
  byDefault: (value: string) => `, ${value} by default`,
  anyJson: "any JSON value",
  emptyList: "empty array",
  listOf: (kind: string) => `array of ${kind}`,
  aListOf: "An array of:",
  notEmpty: ", not empty",
  items: "items",
  characters: "characters",
  range: (min?: number, max?: number) =>
    min !== undefined && max !== undefined
      ? `${min}–${max}`
      : min === undefined
        ? `at most ${max}`
        : `at least ${min}`,
  like: (pattern: string) => `string like ${pattern}`,
  formats: {
    uuid: "UUID",
    "date-time": "ISO 8601 time in UTC",
    date: "date as YYYY-MM-DD",
    uri: "URL",
  } as Readonly<Record<string, string>>,
};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Operators' pages.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const operators = {};
