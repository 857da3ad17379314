import { isolated } from "../../core/text.ts";

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
    security: "Security",
    data: "Your data",
    operators: "Operators",
  },
  /** Where the name of what was changed is not known. */
  unnamed: "It",
  email: "Email",
  password: "Password",
  show: "Show password",
  hide: "Hide password",
  optional: "(optional)",
  copy: "Copy",
  copied: "Copied",
  /** Where the browser lets no script copy. */
  selected: "Selected: press Ctrl+C or ⌘C to copy",
  filter: "Filter",
  /** While a page opens itself again. */
  moment: "One moment",
};

/** What went wrong: at an input, above its form, or on a page of its own. */
export const problems = {
  wrongLogin: "Incorrect email or password.",
  wrongPassword: "Incorrect password.",
  wrongCode: "That code is wrong or was already used.",
  codeRequired: "This account also needs a code from its second factor.",
  wrongAppCode: "That's not the code your app shows now. Check your device's clock.",
  secondFactorOn: "You already have a second factor. Remove it first.",
  currentPassword: "Enter your current password.",
  passwordCommon: "This password is too common. Choose another one.",
  passwordPwned: "This password appeared in a data breach. Choose another one.",
  userExists: "An account with this email already exists.",
  signUpClosed: "New accounts are not being accepted.",
  identityConflict:
    "This email belongs to an account that isn't linked to this sign-in method. Log in another way, then link it.",
  passkeyUnverified: "The passkey couldn't be verified. Try again.",
  passkeysFull: "You've reached the maximum number of passkeys. Remove one first.",
  lastWayIn: "This is your only way to log in. Set a password first.",
  scopeExceeded: (scope: string) =>
    `You don't have the ${scope} permission, so you can't grant it.`,
  scopeMissing: (scope: string) => `This requires the ${scope} permission.`,
  notFresh: "You logged in more than 10 minutes ago. Log in again, then try again.",
  gone: "This no longer exists.",
  tokenNotFound: "Token not found. It may already be revoked or expired.",
  invalid: "This is no longer valid.",
  actionUnknown: "Unknown action.",
  formUsed: "This form was already used. Reload the page and try again.",
  operatorsOnly: "This page is for operators.",
  operatorsFactor: "Operators need a second factor. Set one up first.",
  throttled: (wait: string) => `Too many attempts. Try again in ${wait}.`,
  unconfirmed: "We couldn't confirm the change. It may have happened: reload before you try again.",
  storageFull:
    "This service can't store anything new at the moment. Logging in still works. Try again later.",
  logIn: "Log in to continue.",
  incomplete: "The form was incomplete. Reload the page and try again.",
  crossSite: "This form came from another site, so we didn't process it.",
  encoding: "Unsupported form encoding.",
  pageNotFound: "There's nothing at this address. Check it for typos.",
  notAvailable: "Not available.",
  late: "The form took too long to arrive. Try again.",
  closed: "The connection closed before the form arrived.",
  tooLarge: "The form is too large.",
  internal: "Something went wrong on our side. We've logged it.",
  listPage: "This page of the list no longer exists. Open the list again.",
  notLoaded: "We couldn't load this page. Try again in a moment.",
  requestId: (id: string) => `Request ID: ${id}`,
  titles: {
    403: "Not allowed",
    404: "Page not found",
    429: "Too many attempts",
    500: "Something went wrong",
    503: "Temporarily unavailable",
    other: "Something went wrong",
    crossSite: "Request blocked",
  },
  /** A link to the start, on a page that says no. */
  home: "Go to console",
  unfit: "Enter a valid value.",
  required: "Fill in this field.",
  email: "Enter a valid email address.",
  emailRequired: "Enter your email.",
  passwordRequired: "Enter your password.",
  passwordBlank: "Your password can't be only spaces.",
  codeDigits: "Enter the six digits.",
  phone: "Include the country code, e.g. +1 555 123 4567.",
  date: "Enter a date that exists.",
  characters: "This contains characters that can't be used.",
};

/** What a form did, on the page after it. Null: that page says it in its own text. */
export const messages = {
  session_expired: "Your session has expired. Log in to continue.",
  session_expired_kept:
    "Your session has expired. Log in, and your form comes back as you left it.",
  form_restored: "Here's your form as you left it. Nothing was saved yet.",
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
  token_disabled: (name: string) => `“${isolated(name)}” was disabled.`,
  token_enabled: (name: string) => `“${isolated(name)}” was enabled.`,
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

export const welcome = {
  title: "Welcome",
  heading: "Accounts, sessions and tokens at the edge",
  lead: "Create API tokens, share one-time codes, and see everywhere you're logged in.",
  signUp: "Create account",
  logIn: "Log in",
  features: [
    [
      "API tokens",
      "Access tokens for scripts and apps, with scopes and expiry dates. Rotate or revoke them at any time.",
    ],
    [
      "One-time codes",
      "Share a QR code or link that performs a single action, as often as you allow.",
    ],
    [
      "Your sessions",
      "See every device and program that's logged in, and log it out with one click.",
    ],
    [
      "Passkeys and second factors",
      "Log in with your fingerprint or face. Codes protect what a password alone shouldn't open.",
    ],
    ["A record of everything", "Every log-in, change and denied attempt, with time and place."],
    [
      "Your data",
      "Download everything we store about you, or delete your account. No email to support needed.",
    ],
  ],
  tryTitle: "Built for programs, too",
  tryText: "Everything here is also an API. With a token in $TOKEN, this returns your account:",
  docs: "Read the API docs",
} as const;

export const overview = {
  title: "Overview",
  lead: "What needs your attention, and what happened lately.",
  newToken: "New API token",
  lostForm: "You hadn't finished a form when your session ended.",
  backToForm: "Go back to it",
  toDo: "To do",
  verifyTitle: "Verify your email",
  verifyText: (email: string) => `We'll send a link to ${isolated(email)}.`,
  verify: "Send link",
  nameTitle: "Add your name",
  nameText: "People see it when they use your codes.",
  addName: "Add name",
  expiring: (name: string) => `“${isolated(name)}” is about to expire`,
  expires: "Expires",
  seeToken: "See token",
  logins: "New and failed log-ins",
  noLogins: "No new or failed log-ins lately.",
  loginEvents: {
    "session.created": "Logged in",
    "jwt.obtained": "An API client logged in",
    "login.failed": "Failed log-in attempt",
    "credential.refused": "Invalid token rejected",
    "family.revoked": "Session revoked: a used refresh token was presented again",
  },
  mistyped: "You mistyped your password",
  denied: "Denied",
  unknownPlace: "Unknown address",
  allActivity: "All activity",
  uses: "Uses of your codes",
  /** Between who and what. */
  used: "used",
  noUses: "No one has used your codes lately.",
  allUses: "All uses",
  notLoaded: "We couldn't load this. Reload the page to try again.",
  firstCall: "Call the API",
  callText: "With an API token in $TOKEN, this returns your account:",
  call: "API call",
  docs: "Read the API docs",
};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Sign-up, log-in, password reset, confirmation.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const auth = {
  logIn: {
    title: "Log in",
    button: "Log in",
    forgot: "Forgot your password?",
    byEmail: "Email me a login link",
    byPasskey: "Log in with a passkey",
    byIssuer: (name: string) => `Continue with ${name}`,
    or: "or",
    newHere: "New here?",
    signUp: "Create account",
    passkeyFailed: "That passkey didn't log you in. Try again, or log in another way.",
  },
  signUp: {
    title: "Create your account",
    firstName: "First name",
    lastName: "Last name",
    passwordHint: "At least 8 characters. Common passwords aren't allowed.",
    button: "Create account",
    haveOne: "Already have an account?",
    closedTitle: "Sign-up is closed",
    closed: "New accounts are not being accepted.",
  },
  forgotten: {
    title: "Reset your password",
    lead: "We'll email you a link to choose a new one.",
    button: "Email me a link",
    back: "Back to log in",
    noMail: "This service can't send email. Contact your administrator to reset your password.",
    sentTitle: "Check your email",
    sent: "If that address has an account, we've sent it a link. It works once and expires in 10 minutes.",
  },
  email: {
    title: "Log in by email",
    lead: "We'll email you a link and a code. Either one logs you in, no password needed.",
    button: "Email me a link",
    byPassword: "Log in with a password",
    noMail: "This service can't send email. Contact your administrator.",
    sentTitle: "Check your email",
    sent: (email: string) =>
      `If ${isolated(email)} can log in here, we've sent it a link and a code. They work once and expire in 10 minutes.`,
    code: "Code",
    codeHint: "Six digits. We'll never ask you for it anywhere else.",
    wrongCode: "That code is wrong or has expired. The link in the email may still work.",
    again: "Send another email",
    linkLead: (email: string) => `Log in this browser as ${isolated(email)}?`,
    askedWith: "Requested from",
    when: "When",
    notYou: "Wasn't you? Close this page. Nothing has happened.",
    here: "Log in here",
    spentTitle: "This link no longer works",
    spent: "It was already used, it expired, or the account changed since.",
    newOne: "Get a new link",
  },
  issuer: {
    unknown:
      "This login wasn't started in this browser, took too long or is already finished. Start again.",
    denied: "You weren't logged in because you or your provider declined.",
    wrong: "Your provider sent a response that doesn't belong to this login. Start again.",
    noAccount: "This doesn't match an account here, and none can be created from it.",
    failedTitle: "Not logged in",
    toLogIn: "Back to log in",
    moment: "One moment",
    onward: "Continue",
  },
  secondStep: {
    title: "Enter your code",
    lead: "Enter the code your authenticator app shows now.",
    code: "Code",
    hint: "No app at hand? Enter one of your recovery codes.",
    other: "Log in as someone else",
  },
  confirm: {
    title: "Confirm it's you",
    byPassword: "You logged in more than 10 minutes ago. Enter your password to continue.",
    byCode:
      "You logged in more than 10 minutes ago. Enter a code from your authenticator app, or a recovery code, to continue.",
    byLogIn:
      "You logged in more than 10 minutes ago. Log in again and you'll come back to this page.",
    byLogInKept:
      "You logged in more than 10 minutes ago. Log in again and your form comes back as you left it.",
    button: "Continue",
    cancel: "Cancel",
    logInAgain: "Log in again",
  },
};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// API tokens.
// ————————————————————————————————————————————————————————————————————————————————————————————————

const tokens = counted("token");

export const apiTokens = {
  title: "API tokens",
  lead: "Access tokens for scripts and apps, with permissions and expiry dates.",
  create: "New token",
  empty: "No API tokens yet",
  emptyText: "Create one to let a program use your account without your password.",
  noMatch: "No matching tokens",
  noMatchText: "Try another search, or fewer filters.",
  showAll: "Show all tokens",
  /** How many were found; with more than are searched, at least so many. */
  count: (count: number, isAll: boolean) =>
    isAll ? tokens(count) : tokens(count).replace(" ", "+ "),
  partial: (count: number) =>
    `Only your ${count.toLocaleString("en-US")} newest tokens are searched and counted.`,
  kept: "Revoked tokens stay here until two days after they would have expired, and expired tokens for two days.",
  search: "Search",
  searchHint: "Name, or last 4 characters",
  filter: "Status",
  filters: {
    "": "Active",
    expiring: "Expiring within a week",
    unused: "Never used",
    inactive: "Revoked or expired",
  },
  scope: "Permission",
  anyScope: "Any",
  sort: "Sort by",
  sorts: {
    "-created": "Newest",
    created: "Oldest",
    name: "Name",
    expires: "Expires first",
    "-used": "Last used",
    used: "Longest unused",
  },
  columns: {
    name: "Token",
    scopes: "Permissions",
    expires: "Status",
    used: "Last used",
    created: "Created",
  },
  fullAccess: "Full access",
  moreScopes: (count: number) => `+${count} more`,
  noScopes: "None",
  neverUsed: "Never used",
  thisHour: "Less than an hour ago",
  oldSecret: "Old secret",
  expires: (when: string) => `Expires ${when}`,
  expired: (when: string) => `Expired ${when}`,
  replaced: (when: string) => `Replaced, expires ${when}`,
  revoked: (when: string) => `Revoked ${when}`,
  revokeAll: {
    title: "Revoke all API tokens",
    text: "All programs using your API tokens will lose access. This can't be undone.",
    button: "Revoke all",
  },

  /** Of the browser's window: a name of a user could pass for one of the service there. */
  pageTitle: "API token",
  details: "Details",
  status: "Status",
  token: "Token",
  id: "ID",
  expiry: "Expires",
  revokedOn: "Revoked",
  createdWith: "Created with",
  replacedBy: "Replaced by",
  successor: "the token's new secret",
  oldSecrets: "Old secrets that still work",
  remaining: "Uses left",
  limit: "Rate limit",
  limitText: (max: number, seconds: number) =>
    `${max.toLocaleString("en-US")} every ${time.seconds(seconds)}`,
  addresses: "Allowed addresses",
  metadata: "Metadata",
  permissions: "Permissions",
  children: "Tokens created with this token",
  childrenHint: "They are revoked with it.",
  history: "History",
  historyHint: (searched: number) =>
    `A page looks at ${searched.toLocaleString("en-US")} of your events, so there may be more on the next.`,
  noHistory: "No events about this token are stored any more.",
  allActivity: "All activity",
  historyColumns: { event: "Event", when: "When", from: "Address" },
  noAddress: "Unknown",
  byOperator: (event: string) => `${event} by an operator`,
  /** What happened to the token. */
  about: {
    "token.created": "Created",
    "token.changed": "Changed",
    "token.disabled": "Disabled",
    "token.enabled": "Enabled",
    "token.rotated": "Created by rotation",
    "token.revoked": "Revoked",
    "credential.refused": "Rejected after it was revoked",
  },
  /** What was done with it. */
  by: {
    "token.created": "Created an API token",
    "token.changed": "Changed an API token",
    "token.disabled": "Disabled an API token",
    "token.enabled": "Enabled an API token",
    "token.rotated": "Rotated an API token",
    "token.revoked": "Revoked an API token",
    "tokens.revoked_all": "Revoked all API tokens",
    "jwt.obtained": "Obtained a JWT",
    "jwt.revoked": "Revoked a JWT",
    "action.issued": "Created an action token",
    "action.run": "Used an action token",
    "action.revoked": "Revoked an action token",
    "user.changed": "Changed your profile",
    "mail.issued": "Requested an email",
  },
  otherEvent: (what: string) => `Used for ${what}`,
  rename: {
    title: "Rename token",
    label: "Name",
    button: "Rename",
  },
  rotate: {
    title: "Rotate token",
    text: "You get a new secret. The token keeps its name, permissions and expiry.",
    grace: "Revoke the old secret",
    graces: { "0": "Immediately", "3600": "In an hour", "86400": "In a day" },
    button: "Rotate token",
  },
  pause: {
    text: "A disabled token is rejected until you enable it again.",
    button: "Disable token",
    enableText: "The token is disabled. Programs using it are rejected.",
    enable: "Enable token",
  },
  revoke: {
    title: (name: string) => `Revoke “${isolated(name)}”`,
    text: "Programs using this token will lose access immediately. This can't be undone.",
    sure: (name: string) => `Revoke ${name} for good?`,
    button: "Revoke token",
  },

  newToken: {
    title: "New API token",
    name: "Name",
    nameHint: "What's this token for?",
    lifetime: "Expires",
    lifetimes: {
      "3600": "In 1 hour",
      "86400": "In 1 day",
      "604800": "In 7 days",
      "2592000": "In 30 days",
      "7776000": "In 90 days",
      "31536000": "In 1 year",
    },
    until: "Or on a date of your own",
    untilHint: (zone: string) =>
      `At the end of that day in ${zone === "UTC" ? zone : `your time zone (${zone})`}, at most a year from now.`,
    access: "Permissions",
    read: "Read only",
    full: "Full access",
    fullHint: "All permissions",
    custom: "Selected permissions",
    limits: "Limits and metadata",
    limitsHint: "A token with limits can't create other tokens.",
    addresses: "Allowed addresses",
    addressesHint: "IP addresses or CIDR ranges, one per line. Empty: any address.",
    remaining: "Uses in total",
    limitMax: "Uses per period",
    limitSeconds: "Period",
    periods: { "60": "Minute", "3600": "Hour", "86400": "Day" },
    metadata: "Metadata",
    metadataHint: "A JSON object with your own facts about the token.",
    button: "Create token",
    cancel: "Cancel",
    needsName: "Enter a name.",
    needsScope: "Select at least one permission.",
    badDate: "Choose a date within a year from now.",
    badJson: 'Enter JSON like {"team": "web"}.',
  },
  secret: {
    created: "Token created",
    rotated: (name: string) => `New secret for “${isolated(name)}”`,
    repeated: "You already submitted this form. Here's the token it created.",
    label: "Token",
    once: "Copy it now: you won't be able to see it again.",
    valid: (name: string) => `“${isolated(name)}” is valid until`,
    oldGone: "The old secret no longer works.",
    oldUntil: "The old secret works until",
    env: "Line for a .env file",
    curl: "Try it in a terminal",
    done: "Done",
    view: "View token",
  },
};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Inspector.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const inspector = {
  title: "Inspector",
  lead: "Paste a token to see what it is and whether it's valid.",
  paste: "Paste a token",
  pasteNext: "Paste another token",
  hint: "Session, API and action tokens, and JWTs. Tokens you paste are not stored or logged. Status is shown only for your own tokens.",
  button: "Inspect",
  nothing: "Paste a token.",
  tooLong: "That's too long to be a token.",
  unknown: "Not recognized",
  kinds: {
    session: "Session token",
    api: "API token",
    action: "Action token",
    access: "Access JWT",
    refresh: "Refresh JWT",
    jwt: "JWT",
  },
  /** Each status in a word, and in a sentence. */
  statuses: {
    active: ["Valid", "This token is valid."],
    expired: ["Expired", "This token has expired."],
    revoked: ["Revoked", "This token was revoked."],
    revoked_with_all: ["Revoked", "Revoked when the account's password changed."],
    revoked_with_api_tokens: ["Revoked", "Revoked with all other API tokens."],
    used_up: ["Used up", "This token has no uses left."],
    replaced: [
      "Replaced",
      "Already exchanged for a newer refresh token. Using it again will end the session.",
    ],
    login_revoked: [
      "Revoked",
      "Revoked or disabled together with the session or token it came from.",
    ],
    disabled: ["Disabled", "This token is rejected until it's enabled again."],
    account_disabled: ["Account disabled", "An administrator disabled this account."],
    not_yours: [
      "Not checked",
      "Not one of your tokens, so its status wasn't checked. Only what the token itself contains is shown. (Your own expired tokens are deleted after two days.)",
    ],
    checksum_wrong: [
      "Mistyped",
      "Looks like a token of this service, but the checksum is wrong. It may be mistyped or cut off.",
    ],
    signature_wrong: ["Invalid signature", "Invalid signature. Don't trust its contents."],
    key_unknown: ["Unknown key", "Signed with an unknown key. Don't trust its contents."],
    unknown_issuer: ["Not checked", "A JWT from another service. Its signature wasn't checked."],
    no_token: ["Not recognized", "Not a token of this service, and not a JWT."],
  } satisfies Record<string, readonly [word: string, sentence: string]>,
  issued: "Created",
  expires: "Expires",
  expired: "Expired",
  revoked: "Revoked",
  /** What a used or replaced token has in place of "Revoked". */
  ended: { used_up: "Used up", replaced: "Replaced" } as Readonly<Record<string, string>>,
  id: "ID",
  manage: "View token",
  header: "Header",
  stored: "Stored details",
  claims: "Claims (unverified)",
};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Action tokens: list, form, code page.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const actionTokens = {
  title: "Action tokens",
  lead: "Share a QR code or link that performs a single action.",
  tabs: "Action tokens",
  tokens: "Tokens",
  uses: "Uses",
  create: "New action token",
  chooseTitle: "What should the code do?",
  states: {
    active: "Active",
    used_up: "Used up",
    expired: "Expired",
    revoked: "Revoked",
    other: "Revoked",
  },
  filters: { state: "Status", action: "Action", audience: "Who can use it" },
  anyState: "Any status",
  anyAction: "Any action",
  anyAudience: "Anyone or one person",
  anyone: "Anyone with the link",
  person: "One person",
  thisPerson: "This person",
  for: (name: string) => `For ${name}`,
  columns: {
    action: "Action",
    status: "Status",
    used: "Used",
    audience: "Who can use it",
    expires: "Expires",
    created: "Created",
    who: "Who",
    when: "When",
  },
  used: (uses: number, maxUses: number) => `${uses} of ${maxUses}`,
  none: "No active action tokens",
  noneText: "Create one to let someone do one thing with a code or a link.",
  noneMatch: "No action tokens match",
  noneMatchText: "Choose another status, action or person.",
  showAll: "Show all action tokens",
  sort: "Sort",
  sorts: {
    "-created": "Newest first",
    created: "Oldest first",
    expires: "Expiring first",
    "-used": "Most used first",
  },
  count: (count: number, isAll: boolean) =>
    `${isAll ? "" : "At least "}${count.toLocaleString("en-US")} ${count === 1 ? "token" : "tokens"}`,
  partial: (searched: number) =>
    `Your newest ${searched.toLocaleString("en-US")} tokens were searched.`,
  kept: "Tokens stay in this list for two days after they expire, and their uses for 31 days.",
  noUses: "No uses yet",
  noUsesText: "When someone uses one of your codes or links, it appears here.",
  you: "You",
  noName: "Someone (no name set)",

  // The form.
  expiresIn: "Expires in",
  maxUses: "Maximum uses",
  whoCanUse: "Who can use it",
  moreContacts: "Only your newest contacts are in this list.",
  me: "Me",
  unnamed: (id: string) => `Unnamed (${id})`,
  terms: "How often, and for how long",
  custom: "Custom",
  preset: (uses: number, time: string) =>
    `${uses === 1 ? "Once" : `${uses.toLocaleString("en-US")} times`}, within ${time}`,
  submit: "Create code",
  cancel: "Cancel",

  // The code and the token's own page.
  repeated: "You already submitted this form. Here's the token it created.",
  qr: "QR code of the link",
  link: "Link",
  saveNow: "Save it now: you won't be able to see it again.",
  expires: "Expires",
  share: "Share",
  print: "Print",
  whatPeopleSee: "What people will see",
  addName: "Add your name",
  addNameRest: "to your profile so people know who you are.",
  manage: "Manage this token",
  usesHeading: (uses: number, maxUses: number) => `Used ${uses} of ${maxUses}`,
  notUsedYet: "Not used yet. People will appear here as they use it.",
  noOneUsed: "No one used it.",
  latestOnly: "Only the latest uses are shown.",
  details: "Details",
  created: "Created",
  expired: "Expired",
  usedUp: "Used up",
  revokedAt: "Revoked",
  id: "ID",
  revoke: "Revoke",
  revokeTitle: "Revoke this token",
  revokeText:
    "The code and link stop working immediately. This doesn't undo anything they were already used for.",
  revokeButton: "Revoke token",
};

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
  from: "From",
  noName: "Someone who hasn't set a name",
  byService: (service: string) => `Sent by ${service} by email`,
  ownName: "They chose this name themselves.",
  emailProven: "Their email is verified.",
  emailUnproven: "Their email isn't verified.",
  usesLeft: (count: number) =>
    `${count === 1 ? "One use" : `${count.toLocaleString("en-US")} uses`} left`,
  expires: "expires",
  nothingYet: "Nothing happens until you press the button.",
  logIn: "Log in to continue",
  signUp: "Create account",
  toConsole: "Go to console",
  loggedInAs: (email: string) => `You're logged in as ${isolated(email)}.`,
  logOut: "Log out",
  manage: "See who used it",
  createNew: "Create a new one",
  already: "Nothing left to do",
  usedByYou: "You already used this link",
  usedAt: "You used it",
  /** Label of how often and until when it can be used. */
  terms: "Valid for",

  // A title, and what to do next.
  forOne: [
    "For one person",
    "This link is for a specific person. Log in to check whether it's for you.",
  ],
  unknown: ["Link not found", "Check the address for typos, or ask for a new link."],
  expired: ["This link has expired", "Ask the person who sent it for a new one."],
  used: [
    "This link has already been used",
    "If that was you, there's nothing left to do. If not, ask for a new link.",
  ],
  revoked: ["This link was revoked", "Whoever created it turned it off. Ask them for a new one."],
  audience: [
    "This link is for someone else",
    "If it's meant for you, log in with your other account.",
  ],
  ownAudience: "You created it for one person. Send it to them.",
  own: ["This is your own code", "Ask someone else to scan it."],
  rejected: "This link can't be used",
  /** Of links that the service sent by email. */
  byMail: {
    expired: "Links in emails work for a short time only.",
    used: "Links in emails work once.",
    revoked: "A newer link was sent, or your account has changed since.",
  },
  /** Of one's own. */
  noOneCan: "No one can use it anymore.",

  description: "A link that does one thing. Open it to see what it does and who created it.",
  previewTitle: "A link for you",
} as const;

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Contacts.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const contacts = {
  title: "Contacts",
  one: "Contact",
  lead: "People you've connected with.",
  add: "Add contact",
  search: "Name",
  name: "Name",
  since: "Since",
  none: "No contacts yet",
  noneText: "Create a code and have someone scan it.",
  noneMatch: (search: string) => `No contacts match “${isolated(search)}”`,
  noneMatchText: "Names are searched for every word you enter.",
  showAll: "Show all contacts",
  noName: "They haven't set a name.",
  tabs: "Which contacts",
  yours: "Your contacts",
  followers: "Who has you",
  followersText:
    "People to whom someone introduced you: they see your name, and they're not in your contacts. You can remove yourself from theirs.",
  noFollowers: "No one else has you",
  noFollowersText:
    "If someone introduces you to a person, they appear here, and you can remove yourself from their contacts.",
  introducer: "Introduced by",
  unknownIntroducer: "Unknown",
  meetings: {
    own_code: "With a code of yours",
    their_code: "With a code of theirs",
    introduced: "Someone introduced you",
  },
  introducedBy: (name: string) => `${isolated(name)} introduced you`,
  notRecorded: "Not recorded how",
  seeCode: "See the code",
  direction: "Who has whom",
  directions: {
    mutual: "You're in each other's contacts and see each other's names.",
    ownOnly: "They're in your contacts. You aren't in theirs, but they see that you have them.",
    theirsOnly: "You're in their contacts, so they see your name. They aren't in yours.",
  },
  met: "How you met",
  inYours: "In your contacts",
  inTheirs: "You in theirs",
  id: "ID",
  removals: {
    mutual: "Remove contact",
    ownOnly: "Remove contact",
    theirsOnly: "Remove me from their contacts",
  },
  removeTitle: (name: string) => `Remove ${isolated(name)}`,
  /** What happens to both. */
  removeTexts: {
    mutual:
      "You'll be removed from each other's contacts immediately. They'll see in their activity that you removed them.",
    ownOnly:
      "They'll be removed from your contacts immediately, and they'll see that in their activity.",
    theirsOnly:
      "You'll be removed from their contacts immediately, and they'll see that in their activity.",
  },
  again: "You can connect again over a code, also over one that is still active.",
};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Activity.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const activity = {
  title: "Activity",
  lead: "What happened in your account, when and from where. Log-ins from a device and network you've used before may not be listed.",
  chart: {
    title: "Last 30 days",
    done: (count: number) => `${count.toLocaleString("en-US")} success`,
    refused: (count: number) => `${count.toLocaleString("en-US")} denied`,
    most: (count: number) => `Busiest day: ${count.toLocaleString("en-US")}`,
    label: (done: number, refused: number, days: number) =>
      `Events per day: ${done} success and ${refused} denied in ${days} days`,
    today: "Today",
    table: "View as table",
    day: "Day",
    partial: "Older days are incomplete.",
  },
  filters: {
    search: "Search",
    group: "Category",
    outcome: "Outcome",
    from: "From",
    until: "To",
    any: "All",
    clear: "Clear filters",
    groups: {
      logins: "Log-ins and sessions",
      tokens: "API tokens",
      actions: "Action tokens and contacts",
      account: "Account and security",
      refused: "Suspicious",
    },
  },
  columns: { event: "Event", outcome: "Outcome", when: "When", from: "From" },
  outcomes: { done: "Success", refused: "Denied" },
  noPlace: "Unknown",
  withToken: (name: string) => `with the API token “${isolated(name)}”`,
  /** In what an operator does, which says so itself. */
  operator: "operator",
  byOperator: (sentence: string) => `${sentence}, by an operator`,
  empty: "No activity yet",
  emptyText: "Log-ins, tokens and changes to your account will appear here.",
  noMatch: "No matching events",
  noMatchText: "Try another search, or a longer time.",
  partial: (count: number) =>
    `We searched ${count.toLocaleString("en-US")} events. Go to the next page to search older ones.`,
  download: "Download",
  downloadHint: (count: number) =>
    `The filtered list, newest first, up to ${count.toLocaleString("en-US")} events per file.`,
  /** Each event as the account's owner reads it. */
  events: {
    "user.created": "Account created",
    "user.changed": "Profile changed",
    "identity.linked": "Log-in provider linked",
    "identity.unlinked": "Log-in provider removed",
    "second_factor.added": "Second factor turned on",
    "second_factor.removed": "Second factor turned off",
    "recovery_codes.created": "New recovery codes created",
    "recovery_code.used": "Recovery code used",
    "email.requested": "New email requested",
    "email.changed": "Email changed",
    "email.restored": "Former email restored and all sessions logged out",
    "email.verified": "Email verified",
    "passkey.added": "Passkey added",
    "passkey.renamed": "Passkey renamed",
    "passkey.removed": "Passkey removed",
    "passkey.refused": "Passkey denied, because a copy of it may have been used",
    "password.changed": "Password changed and other sessions logged out",
    "mail.issued": "We emailed you a link",
    "user.deleted": "Account deleted",
    "user.disabled": "An operator disabled your account",
    "user.enabled": "An operator re-enabled your account",
    "role.changed": "An operator changed your role",
    "metadata.changed": "An operator changed their notes about you",
    "account.viewed": "An operator viewed your account",
    "credentials.revoked": "All sessions logged out and all tokens revoked",
    "throttle.lifted": "An operator lifted the limit on log-in attempts",
    "deliveries.replayed": "Undelivered events queued again",
    "session.created": "Logged in",
    "session.extended": "Session extended",
    "session.revoked": "Logged out",
    "login.revoked": "Session logged out with the link in an email",
    "logins.revoked_others": "Logged out all other sessions",
    "token.created": "API token created",
    "token.changed": "API token changed",
    "token.disabled": "API token disabled",
    "token.enabled": "API token enabled",
    "token.rotated": "API token rotated",
    "token.revoked": "API token revoked",
    "tokens.revoked_all": "All API tokens revoked",
    "jwt.obtained": "New API client session",
    "jwt.refreshed": "API client session refreshed",
    "jwt.revoked": "API client session logged out",
    "family.revoked": "Session revoked: a used refresh token was presented again (possible theft)",
    "action.issued": "Action token created",
    "action.run": "Action token used",
    "action.revoked": "Action token revoked",
    "contact.removed": "Contact removed",
    "login.failed": "Failed log-in attempt",
    "credential.refused": "Invalid token rejected",
    // Of no account, so on no one's page.
    "request.failed": "Requests failed",
  },
  usedByOther: "Someone used your action token",
  usedBy: (name: string) => `${isolated(name)} used your action token`,
  removedByOther: "Someone removed you from their contacts",
  removedBy: (name: string) => `${isolated(name)} removed you from their contacts`,
  mistyped: "Password mistyped while logged in",
};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Account: profile.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const account = {
  tabs: { label: "Account settings", profile: "Profile", security: "Security", data: "Your data" },
  title: "Profile",
  lead: "Who you are, and how we reach you.",
  problem: {
    profile: "Your profile wasn't saved.",
    email: "Your email wasn't changed.",
    see: "See what's wrong",
  },
  profile: {
    title: "Personal details",
    fields: {
      first_name: "First name",
      last_name: "Last name",
      phone_number: "Phone number",
      dob: "Date of birth",
      gender: "Gender",
    },
    phoneHint: "Include the country code, e.g. +1 555 123 4567",
    seenBy: "Contacts see your first and last name, and nothing else.",
    save: "Save profile",
  },
  email: {
    title: "Email",
    verified: "Verified",
    unverified: "Not verified",
    unverifiedText:
      "Verify your email, so that you can reset your password and get security notices.",
    pending: "Waiting for confirmation",
    pendingText:
      "Open the link that we sent to it to confirm the change. To keep your current email, enter it below.",
    verify: "Send verification link",
    change: "Change email",
    new: "New email",
    save: "Change email",
  },
  currentPassword: "Current password",
  details: {
    title: "Account details",
    id: "User ID",
    externalId: "External ID",
    created: "Created",
  },
};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Account: password, passkeys, second factor, providers, log-ins.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const security = {
  title: "Security",
  lead: "How you log in, where you're logged in, and what happened lately.",
  back: "Security",
  waysIn: "Ways to log in",
  manage: "Manage",
  setUp: "Set up",
  password: {
    title: "Password",
    set: "Set",
    unset: "Not set",
    change: "Change",
    pageTitle: "Change password",
    warning: "Changing your password logs out all other sessions and revokes all tokens.",
    hint: "At least 8 characters. Common passwords aren't allowed.",
    new: "New password",
    save: "Change password",
    noneText:
      "Your account has no password. To set one, request a link to your email and choose it there.",
    request: "Email me a link",
  },
  passkeys: {
    title: "Passkeys",
    lead: "Log in with your fingerprint, face or PIN, without a password. A passkey works only on this site, so it can't be phished.",
    count: (count: number) => (count === 0 ? "None" : `${count} passkey${count === 1 ? "" : "s"}`),
    empty: "No passkeys yet",
    emptyText: "Add one to log in faster and more safely than with a password.",
    columns: { name: "Name", stored: "Stored", added: "Added", used: "Last used", act: "Actions" },
    synced: "Synced to your devices",
    notSynced: "Not synced yet",
    oneDevice: "On one device",
    never: "Never used",
    rename: "Rename",
    newName: "New name",
    remove: "Remove",
    removeText: (name: string) => `“${isolated(name)}” will no longer log you in.`,
    removeButton: "Remove passkey",
    add: "Add a passkey",
    name: "Name",
    nameHint: "So you know it again. Left empty, it's named after the device or app.",
    old: "You logged in more than ten minutes ago. Confirm it's you to add a passkey.",
    confirm: "Confirm it's you",
    exists: "This device already has a passkey for your account.",
    unused: "No passkey was used. Try again.",
    needs: "Adding a passkey needs JavaScript, and a browser that supports passkeys.",
  },
  factor: {
    title: "Second factor",
    on: "On",
    off: "Off",
    left: (left: number, all: number) => `${left} of ${all} recovery codes left`,
    offText:
      "With a second factor, a stolen password isn't enough to open your account: each log-in also asks for a code from an app on your phone. Passkeys don't ask for it, because they already are two factors.",
    begin: "Set up authenticator app",
    scanTitle: "Set up authenticator app",
    scanText:
      "Scan the code with your authenticator app, or enter the key by hand. You won't be able to see it again.",
    qr: "QR code of the key",
    key: "Key",
    code: "Code from the app",
    confirm: "Turn on",
    since: "Turned on",
    codesTitle: "Recovery codes",
    codesText: "Each code logs you in once without the app. New codes replace all older ones.",
    codeHint: "From the app, or a recovery code.",
    renew: "Create new codes",
    removeTitle: "Turn off the second factor",
    removeText:
      "Your password alone will open your account, and your recovery codes will stop working.",
    remove: "Turn off",
    onTitle: "Second factor is on",
    newCodesTitle: "New recovery codes",
    saveText:
      "Save these recovery codes somewhere safe: each logs you in once if you lose your phone. You won't be able to see them again.",
    download: "Download codes",
    saved: "Done",
    file: (host: string) => `Recovery codes of your account at ${host}. Each works once.`,
  },
  providers: {
    title: "Linked accounts",
    text: "Accounts at other services that log you in here.",
    none: "None linked",
    columns: {
      provider: "Provider",
      email: "Email",
      linked: "Linked",
      used: "Last used",
      act: "Actions",
    },
    emailLong: "Email when linked",
    unknown: "Unknown",
    never: "Not since",
    remove: "Remove",
    removeText: (name: string) => `${isolated(name)} will no longer log you in.`,
    removeButton: "Remove account",
    link: (label: string) => `Link ${label}`,
  },
  sessions: {
    title: "Active sessions",
    lead: "The browsers and programs that are logged in to your account.",
    columns: {
      device: "Device",
      place: "Place",
      way: "Method",
      first: "First seen",
      last: "Last active",
      act: "Actions",
    },
    current: "This browser",
    client: "API client",
    unknown: "Unknown",
    unknownDevice: "Unknown device",
    on: (browser: string, system: string) => `${browser} on ${system}`,
    ways: {
      password: "Password",
      identity: "Linked account",
      email: "Email link",
      passkey: "Passkey",
      ha1b: "HA1B",
    },
    logOut: "Log out",
    subject: (device: string) => `the session of ${device}`,
    logOutButton: "Log out session",
    all: "All sessions and devices",
    others: "Log out all other sessions",
    othersText: "All other browsers and programs will be logged out. API tokens keep working.",
    devices: "Devices that have logged in",
    devicesText:
      "Programs that send your password with each request are listed here, not above. To stop one that isn't yours, log out all other sessions and change your password.",
    devicesMore: (count: number) =>
      `These are the latest of ${count}; the export of your data has all.`,
  },
  recent: {
    title: "Recent security events",
    none: "No security events yet.",
    all: "All activity",
  },
};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// Account: export and deletion.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const yourData = {
  title: "Your data",
  lead: "Take your data with you, or delete your account.",
  export: {
    title: "Export your data",
    text: "Download a JSON file with all the data we hold about you: your profile and sign-in methods, API tokens and sessions, action tokens and what they were used for, contacts, and your activity.",
    secrets: "Passwords and token secrets aren't included; we only store hashes of them.",
    button: "Download JSON",
  },
  remove: {
    title: "Delete account",
    text: "This is immediate and can't be undone.",
    open: "Delete account",
    consequences: (email: string) => [
      `The account of ${isolated(email)} is deleted, and you're logged out everywhere.`,
      "All API tokens are revoked, and programs using them lose access.",
      "Your action tokens stop working.",
      "Your profile is deleted, and you'll be removed from your contacts' lists.",
      "Your email can be used to sign up again.",
    ],
    button: "Delete my account",
  },
  deleted: {
    title: "Account deleted",
    text: "Your account has been deleted and its tokens no longer work.",
    notYours: "This page confirms that an account was deleted. Yours was not.",
    home: "Home",
  },
};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// The built-in actions, whose texts are on the page behind a link and in answers of the API. Names and emails
// come as they are to be shown.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const actions = {
  /** Of an action that says nothing of its own. */
  note: (title: string) => `Anyone who opens the link can do this: ${title}.`,
  done: (title: string) => `Done: ${title}.`,
  /** Of what came by email. */
  mailedNote: "Only someone who can read this inbox has the link.",
  emailChanged: "The email of this account was changed after this was sent.",
  emailTaken: "This email has another account.",
  addContact: {
    title: "Share my contact",
    button: "Add contact",
    note: "Anyone who opens the link becomes your contact and you theirs. Or introduce them to a contact of yours.",
    contact: "Contact",
    contactHint: "You, or one of your contacts.",
    mutualHint: "Whether both are each other's contacts now.",
    gone: "This person no longer has an account.",
    yourself: "You can't add yourself as a contact.",
    already: "You're already in each other's contacts.",
    next: "Go to contacts",
    introduced: {
      before:
        "Someone will be added to your contacts. You'll see their first and last name, and they'll see yours.",
      after: "A new person is in your contacts.",
    },
    mutual: (name: string) => ({
      before: `You and ${name} will be added to each other's contacts and see each other's first and last names.`,
      after: `You and ${name} are now contacts.`,
    }),
  },
  resetPassword: {
    title: "Choose a new password",
    button: "Set new password",
    password: "New password",
    passwordHint: "8 characters or more",
    passkeys: "Passkeys to keep",
    passkeysHint: "IDs of passkeys of the account. All others are removed.",
    leaked: "This password has leaked: choose another.",
    next: "Log in",
    renew: "Request a new link",
    before: (email: string) =>
      `Choose a new password for ${email}. You'll be logged out everywhere, and all API and action tokens will be revoked.`,
    after: "Password changed.",
  },
  revokeLogins: {
    title: "Log out that device",
    gone: "There is no such account any more.",
    next: "Reset your password",
    before:
      "The session that the email told you about will be logged out. Your other sessions stay.",
    after:
      "Logged out. If that session wasn't yours, someone can log in to your account: reset your password, which logs out everything.",
  },
  undoEmailChange: {
    title: "Restore your email",
    over: "This change can no longer be undone.",
    next: "Reset your password",
    before: (email: string) =>
      `${email} becomes your account's email again. Its password is removed, you'll be logged out everywhere, and all API and action tokens will be revoked.`,
    after: "Your email is restored. Choose a new password next.",
  },
  verifyEmail: {
    title: "Confirm your email",
    next: "Go to your account",
    renew: "Go to your account for a new link",
    before: (email: string) => `Confirm that ${email} is your email address.`,
    after: (email: string) => `${email} is confirmed as your email address.`,
  },
};

// ————————————————————————————————————————————————————————————————————————————————————————————————
// API documents.
// ————————————————————————————————————————————————————————————————————————————————————————————————

export const docs = {
  title: "API reference",
  lead: "Every operation of the API, with code samples in curl, JavaScript and Python.",
  contents: "Contents",
  overview: "Overview",
  operations: "Operations",
  more: "More",
  /** How a long group of operations is divided, in this order: the first row whose path fits. */
  parts: [
    ["/rest/auth", "Ways to log in"],
    ["/rest/login", "Ways to log in"],
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
  firstOnes: (count: number) => `These are the first ${count}: add a word to narrow it down.`,
  foundFor: (query: string) => `For “${query}”.`,
  showAll: "Show all operations",
  noneFound:
    "Try fewer or other words: a path such as /rest/token, a field such as expires_on, or a verb such as revoke.",

  basics: "Basics",
  basicsLead: "How to authenticate, and what all operations have in common.",
  errorsLead: "What an operation answers that refuses or fails. Each API has its own shape.",
  everyApi: "Every API",
  next: "Before you build:",
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
  newToken: "Create one in the console",
  credentials: "Credentials",

  language: "Language of the code samples",
  /** Before the name of a sample, for screen readers. */
  copy: "Copy:",
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
  bodies: "Bodies, with examples",
  errorShape: "What errors look like",
  wholeSchema: "All members on all levels, in Markdown",

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

export const operators = {
  title: "Operators",
  lead: "Find an account, and see what needs someone.",
  tabs: {
    label: "Operators",
    accounts: "Accounts",
    events: "Events",
    throttles: "Locked out",
    deliveries: "Deliveries",
    service: "Service",
  },
  warnings: {
    label: "Needs attention",
    housekeeping_late:
      "Housekeeping is late. It runs every minute: check the cron trigger and the Worker's log.",
    housekeeping_behind:
      "More expires than housekeeping deletes: the database grows. Look at its log line.",
    archive_failing:
      "The archive's bucket fails: events that have expired stay in the database. Look for “archive events” in the Worker's log.",
    requests_failing: "Requests are failing. Look for level “error” in the Worker's log.",
    dead_letters: "A receiver refused events for three days. Mend it, then send them again.",
    events_waiting: "Events have waited for over an hour. Check the receiver that they are for.",
    notices_waiting: "Emails to users have waited for over an hour. Check the mail webhook.",
    revocations_waiting:
      "KV isn't taking tombstones. Keep the revocation lag as it is until they are written.",
    database_filling: "The database is more than 60 % full. Plan for more room now.",
    database_nearly_full:
      "The database is more than 80 % full. Shorten how long events are kept, and find what grows.",
    database_full:
      "The database is full: sign-ups, new tokens and contacts are refused. Log-ins go on until nothing is left.",
  },
  find: {
    title: "Find an account",
    label: "Email, account ID, token ID or token",
    hint: "Send a token as it is: it isn't logged and doesn't appear in the address.",
    button: "Find",
    none: "no account or token matches",
    latest: "Refused lately, and done by operators",
    all: "All events",
  },
  account: {
    back: "Accounts",
    deleted: "Deleted account",
    pills: {
      active: "Active",
      disabled: "Disabled",
      deleted: "Deleted",
      admin: "Operator",
      service: "Service account",
    },
    tabs: {
      label: "This account",
      account: "Account",
      logins: "Log-ins",
      tokens: "Tokens",
      events: "Events",
    },
    facts: {
      title: "Profile",
      id: "ID",
      email: "Email",
      verified: "verified",
      unverified: "not verified",
      pending: "Wants instead",
      name: "Name",
      phone: "Phone",
      created: "Created",
      changed: "Last changed",
      disabled: "Disabled",
      deleted: "Deleted",
      externalId: "External ID",
      waysIn: "Ways in",
      password: "Password",
      secondFactor: "Second factor",
      on: "on",
      off: "off",
      none: "none",
    },
    token: {
      title: "The token that you searched for",
      id: "ID",
      kind: "Kind",
      status: "Status",
      name: "Name",
      created: "Created",
      expires: "Expires",
      revoked: "Revoked",
    },
    found: (what: string) => `Found by a token: ${isolated(what)}.`,
    own: "This is your own account. Change it on your profile and security pages, or ask another operator.",
    access: {
      title: "Access",
      disable: "Disable",
      disableText:
        "Everything that the account has is revoked, its passkeys and linked providers are removed, and no one can log in until you enable it.",
      disableButton: "Disable account",
      enable: "Enable account",
      enableText: "They can log in again. What was revoked stays revoked.",
      end: "Revoke everything",
      endText:
        "Logs out everywhere, and revokes all API and action tokens. They can log in again: to stop that, disable the account.",
      endButton: "Revoke everything",
      reset: "Send a password reset",
      resetText:
        "An email with a link to the account's own address. It works once, for 10 minutes.",
      noMail: "This service can't send email, so it can't send a password reset.",
      lift: "Lift log-in limits",
      liftText: "Empties the counters of failed attempts, from all networks.",
      removeFactor: "Remove second factor",
      removeFactorText:
        "For someone who has lost the app and the recovery codes. Make sure first that it's them who ask: their password alone then opens the account. They are told by email.",
    },
    role: {
      title: "Role and metadata",
      label: "Role",
      hint: "JWTs keep the claim of the old role until they expire.",
      user: "User",
      admin: "Admin: an operator",
      button: "Set role",
      metadata: "Metadata",
      metadataHint: "A JSON object of up to 4 KB. Claims read it, and the user sees it.",
      metadataButton: "Save metadata",
      notJson: 'must be JSON like {"plan": "pro"}, of up to 4 KB',
    },
    data: {
      title: "Data",
      text: "Everything that is stored about this person, as they would get it (GDPR article 15).",
      button: "Export as JSON",
    },
    remove: {
      title: "Delete this account",
      text: "Revokes everything, and erases what is stored about the person (GDPR article 17). This can't be undone.",
      link: "Delete account…",
      heading: "Delete account",
      confirm: (email: string) => `To confirm, type ${isolated(email)}.`,
      label: "Email of the account",
      button: "Delete this account",
      cancel: "Cancel",
      differs: "isn't the email of this account",
    },
    logins: {
      empty: "Not logged in anywhere",
      device: "Device",
      way: "With",
      address: "From",
      created: "Since",
      used: "Last active",
      session: "Browser session",
      family: "API client",
      unknown: "Unknown",
      act: "Log out",
      end: "Log out",
      endButton: "Log out there",
      subject: (device: string) => `of ${isolated(device)}`,
    },
    devices: {
      title: "Devices that have logged in",
      device: "Device",
      way: "Last with",
      first: "First seen",
      last: "Last seen",
    },
    tokens: {
      empty: "No API tokens",
      name: "Name",
      state: "Status",
      scopes: "Permissions",
      created: "Created",
      used: "Last used",
      expires: "Expires",
      never: "Never",
      active: "Active",
      disabled: "Disabled",
      replaced: "Replaced",
      noScopes: "none",
      act: "Revoke",
      revoke: "Revoke",
      revokeButton: "Revoke token",
      subject: (name: string) => `of ${isolated(name)}`,
    },
  },
  events: {
    lead: "What was refused at accounts and what operators did; or the whole log, sorted by account.",
    empty: "No events",
    emptyText: "Nothing matches. Choose other filters.",
    more: "Up to 5,000 events are looked at for one page: there may be more on the next.",
    which: "Events",
    watched: "Refused, or by operators",
    everything: "The whole log",
    outcome: "Outcome",
    any: "Any",
    user: "Account ID",
    what: "Kind",
    kindHint: "such as login.failed",
    from: "From",
    until: "To",
    columns: {
      what: "What",
      outcome: "Outcome",
      user: "Account",
      actor: "By",
      address: "From",
      when: "When",
    },
    done: "Success",
    refused: "Denied",
    operator: "operator",
    themselves: "the user",
    unknown: "Unknown",
    noUser: "No account",
    times: (count: number) => `× ${count.toLocaleString("en-US")}`,
  },
  throttles: {
    lead: "Counters of failed log-ins that are full: whoever adds to them is refused.",
    empty: "Nobody is locked out",
    emptyText: "Accounts and networks with too many failed log-ins appear here.",
    owner: "Account",
    unknownOwner: "An email without an account",
    counts: "Counted",
    kinds: {
      account: "from all networks",
      network: "from one network",
      credential: "with one credential",
    },
    until: "Next attempt",
    act: "Lift",
    button: "Lift",
  },
  deliveries: {
    lead: "What waits to be sent to receivers of events and by email.",
    waiting: "Waiting",
    events: "Events",
    notices: "Emails about security",
    revocations: "Tombstones for KV",
    since: "oldest",
    nothing: "none",
    dead: "Dead letters",
    deadText:
      "A receiver didn't accept these for three days. Sent again, they come after what waits of the same account.",
    empty: "No dead letters",
    emptyText: "Every event was accepted.",
    columns: {
      what: "Event",
      receiver: "Receiver",
      user: "Account",
      attempts: "Attempts",
      reason: "Last answer",
      died: "Given up",
    },
    deletedEvent: "deleted",
    act: "Send again",
    button: "Send again",
    all: "Send all again",
    allText: "Every dead letter of every receiver is queued again.",
  },
  service: {
    lead: "What the service knows about itself.",
    state: "State",
    housekeeping: "Housekeeping",
    never: "has never run",
    overdue: "Expired rows not yet deleted",
    archiveFailing: "Archive of events failing",
    none: "none",
    failed: "Failed requests in the last hour",
    failedCount: (count: number) =>
      count === 0 ? "none" : `at least ${count.toLocaleString("en-US")}`,
    failedHint:
      "Answers 5xx. Their share of all requests is in Cloudflare's dashboard, under Workers, Metrics.",
    database: "Database",
    size: (bytes: number, limitBytes: number) =>
      `${(bytes / 1_000_000).toFixed(1)} of ${(limitBytes / 1_000_000).toLocaleString("en-US")} MB (${Math.round((100 * bytes) / limitBytes)} %)`,
    keys: "Keys for JWTs",
    key: {
      kid: "Key ID",
      alg: "Algorithm",
      state: "State",
      since: "Since",
      created: "Created",
      unknown: "Unknown",
      states: { standby: "Standby", active: "Signs", retiring: "Only verifies" },
    },
    rows: "Rows by table",
    table: "Table",
    count: "Rows",
    many: (count: number) => (count > 10_000 ? "10,000+" : count.toLocaleString("en-US")),
  },
  older: "Next page",
  first: "First page",
};

/** What an operator's form did, on the page after it. */
export const operatorMessages = {
  operator_found: operators.account.found,
  account_disabled: "Account disabled. Everything that it had is revoked.",
  account_enabled: "Account enabled. They can log in again.",
  account_login_ended: "Logged out there.",
  account_token_revoked: "Token revoked.",
  account_ended: "Everything was revoked.",
  account_reset: "A password reset is on its way to the account's own address.",
  account_lifted: "Log-in limits lifted.",
  account_factor: "Second factor removed.",
  account_role: "Role set.",
  account_metadata: "Metadata saved.",
  account_removed: "The account was deleted.",
  throttle_lifted: "Limits lifted.",
  letters_replayed: (count: string) => `Queued again: ${isolated(count)}.`,
};
