// Made by src/cli/client-types.ts from the service's OpenAPI document. Not to be edited by hand.

export type SignUp = {
  /** 5 to 80 characters after trimming; compared in lowercase. */
  email: string;
  /** Taken exactly as sent. Common passwords and passwords of only spaces are refused. */
  password: string;
  first_name?: string | null;
  last_name?: string | null;
  phone_number?: string | null;
  dob?: string | null;
  gender?: string | null;
};

/** At least one field to change; the others stay as they are. */
export type ChangeUser = {
  /** null clears it. */
  first_name?: string | null;
  /** null clears it. */
  last_name?: string | null;
  /** E.164; null clears it. */
  phone_number?: string | null;
  /** null clears it. */
  dob?: string | null;
  /** null clears it. */
  gender?: string | null;
  /** 5 to 80 characters after trimming; compared in lowercase. */
  email?: string;
  /** Taken exactly as sent. Common passwords and passwords of only spaces are refused. */
  password?: string;
  /** Required for a new email or password. */
  current_password?: string;
};

export type DeleteUser = {
  /** The account's password, if it has one. */
  password?: string;
};

export type PasswordReset = {
  /** 5 to 80 characters after trimming; compared in lowercase. */
  email: string;
};

export type Identity = {
  id: string;
  /** Its `iss`, in the first of its spellings. */
  issuer: string;
  subject: string;
  /** The account's email when the identity was linked. */
  email: string | null;
  linked_on: string;
  /** Rounded down to the hour. */
  last_used_on: string | null;
};

export type User = {
  created_on: string;
  modified_on: string;
  uuid: string;
  /** In its normal form: trimmed, NFKC, lowercase, the domain as in DNS. */
  email: string;
  first_name: string | null;
  last_name: string | null;
  /** E.164. */
  phone_number: string | null;
  dob: string | null;
  gender: string | null;
  /** The Google account that can log in to this one. */
  gmail_user_id: string | null;
  /** The Facebook account that can log in to this one. */
  facebook_user_id: string | null;
  apple_user_id: unknown;
  wechat_user_id: unknown;
  role: "User" | "Admin";
  deleted_on: string | null;
  /** Whether the user has proven that the email is theirs. Anyone can sign up with any other email: match accounts by `uuid`, never by email. */
  email_verified: boolean;
  /** What `email` becomes once the new mailbox is proven. */
  pending_email: string | null;
  /** Their id in the system that they came from. */
  external_id: (string | number) | null;
  /** The deployment's own facts about the user. */
  metadata: Record<string, unknown>;
};

export type UserWithJwt = User & {
  /** A JWT, valid for a day by default, and no longer than the credential that it was obtained with. */
  token: string;
};

export type ChangedUser = User & {
  /** After a new password, if it revoked the caller's credential: a JWT to continue with. */
  token?: string;
};

export type AuditEventKind =
  | "user.created"
  | "user.changed"
  | "identity.linked"
  | "identity.unlinked"
  | "passkey.added"
  | "passkey.renamed"
  | "passkey.removed"
  | "passkey.refused"
  | "second_factor.added"
  | "second_factor.removed"
  | "recovery_codes.created"
  | "recovery_code.used"
  | "email.requested"
  | "email.changed"
  | "email.restored"
  | "email.verified"
  | "password.changed"
  | "mail.issued"
  | "user.deleted"
  | "user.disabled"
  | "user.enabled"
  | "role.changed"
  | "metadata.changed"
  | "account.viewed"
  | "credentials.revoked"
  | "throttle.lifted"
  | "deliveries.replayed"
  | "session.created"
  | "session.extended"
  | "session.revoked"
  | "login.revoked"
  | "logins.revoked_others"
  | "token.created"
  | "token.changed"
  | "token.disabled"
  | "token.enabled"
  | "token.rotated"
  | "token.revoked"
  | "tokens.revoked_all"
  | "jwt.obtained"
  | "jwt.refreshed"
  | "jwt.revoked"
  | "family.revoked"
  | "action.issued"
  | "action.run"
  | "action.revoked"
  | "contact.removed"
  | "login.failed"
  | "credential.refused"
  | "request.failed";

export type AuditEvent = {
  uuid: string;
  when: string;
  what: AuditEventKind | string;
  outcome: "done" | "refused";
  /** Who did it; null if unknown, or an operator. */
  actor_uuid: string | null;
  /** The client's address, as far as the deployment keeps it. */
  address: string | null;
  /** The token or JWT that authenticated; null for a password. */
  token_uuid: string | null;
  /** What was created, changed or revoked. */
  subject_uuid: string | null;
  request_id: string | null;
  /** Whether an operator of the service did it. */
  by_operator: boolean;
};

/** Lists by kind. A page begins where the previous one ended, so it need not have all of them. */
export type PersonalData = {
  user?: {
    uuid: string;
    kind: "person" | "service";
    email: string;
    role: "User" | "Admin";
    first_name: string | null;
    last_name: string | null;
    phone_number: string | null;
    dob: string | null;
    gender: string | null;
    created_on: string;
    modified_on: string;
    email_verified_on: string | null;
    last_mail_on: string | null;
    pending_email: string | null;
    former_email: string | null;
    former_email_until_on: string | null;
    email_login_on: string | null;
    external_id: (string | number) | null;
    metadata: unknown;
    identities: {
      issuer: string;
      subject: string;
      email: string | null;
      linked_on: string;
      last_used_on: string | null;
    }[];
    second_factor_on: string | null;
    recovery_codes_left: number;
  }[];
  api_tokens?: {
    uuid: string;
    created_on: string;
    modified_on: string;
    expired_on: string;
    revoked_on: string | null;
    name: string;
    token_hint: string;
    scopes: Scope[];
    last_used_on: string | null;
    derived_from: string[] | null;
    replaced_by_uuid: string | null;
    metadata: unknown;
    disabled_on: string | null;
    allowed_ips: unknown;
    meter: unknown;
  }[];
  sessions?: {
    uuid: string;
    created_on: string;
    modified_on: string;
    expired_on: string;
    revoked_on: string | null;
    last_used_on: string | null;
    address: string | null;
    way: string | null;
    browser: string | null;
    system: string | null;
    country: string | null;
    city: string | null;
  }[];
  logins?: {
    uuid: string;
    created_on: string;
    modified_on: string;
    expired_on: string;
    revoked_on: string | null;
    refreshed: number;
    refreshed_on: string | null;
    last_used_on: string | null;
    address: string | null;
    way: string | null;
    browser: string | null;
    system: string | null;
    country: string | null;
    city: string | null;
  }[];
  jwts?: {
    uuid: string;
    created_on: string;
    modified_on: string;
    expired_on: string;
    revoked_on: string | null;
    kind: "jwt";
  }[];
  action_tokens?: {
    uuid: string;
    created_on: string;
    modified_on: string;
    expired_on: string;
    revoked_on: string | null;
    action: string;
    payload: unknown;
    audience: string | null;
    uses: number;
    max_uses: number;
    derived_from: string[] | null;
  }[];
  receipts_as_runner?: {
    uuid: string;
    token_uuid: string;
    action: string;
    run_by_uuid: string;
    run_on: string;
    data: unknown;
    idempotency_key: string | null;
  }[];
  receipts_as_issuer?: {
    uuid: string;
    token_uuid: string;
    action: string;
    run_by_uuid: string;
    run_on: string;
  }[];
  contacts?: {
    contact_uuid: string;
    created_on: string;
    /** The action token over which they met. */
    token_uuid: string | null;
    /** Who had created it. */
    issuer_uuid: string | null;
  }[];
  passkeys?: {
    uuid: string;
    name: string;
    credential_id: string;
    /** A COSE_Key, in Base64url. */
    public_key: string;
    aaguid: string | null;
    transports: string[];
    counter: number;
    backup_eligible: number;
    backed_up: number;
    created_on: string;
    last_used_on: string | null;
  }[];
  devices?: {
    way: string | null;
    browser: string | null;
    system: string | null;
    country: string | null;
    city: string | null;
    networks: {
      network_digest: string;
      /** Rounded down to the hour. */
      last_login_on: string;
    }[];
    first_seen_on: string;
    last_seen_on: string;
  }[];
  notices?: {
    uuid: string;
    email: string;
    kind: string;
    subject_uuid: string | null;
    login: unknown;
    happened_on: string;
  }[];
  audit?: {
    uuid: string;
    happened_on: string;
    what: AuditEventKind;
    outcome: "done" | "refused";
    actor_uuid: string | null;
    address: string | null;
    token_uuid: string | null;
    subject_uuid: string | null;
    request_id: string | null;
    by_operator: boolean;
  }[];
};

/** What a token may do. */
export type Scope =
  | "tokens:read"
  | "tokens:write"
  | "account:read"
  | "account:write"
  | "actions:issue"
  | "actions:run"
  | "introspect"
  | "admin:read"
  | "admin:write";

export type UserLogin = {
  id: string;
  kind: "session" | "jwt_pair";
  /** Whether it is the one of this request. */
  current: boolean;
  /** With what it was made. */
  way: ("password" | "identity" | "email" | "passkey" | "ha1b") | null;
  /** The browser, or the name that the program gives itself. */
  browser: string | null;
  system: string | null;
  /** ISO 3166-1 alpha-2; null where the deployment keeps no address. */
  country: string | null;
  city: string | null;
  /** As far as the deployment keeps it. */
  address: string | null;
  created_on: string;
  /** When it was last extended, refreshed, or used for a JWT (to the hour). */
  last_used_on: string;
  expired_on: string;
  /** The first log-in from a device like this one. */
  device_since: string | null;
};

/** Devices that can be told apart by browser, system and country. One may have logged in only for the JWT of `GET /rest/auth`, or with a password beside each request: that cannot be revoked by itself. */
export type UserDevice = {
  /** The browser, or the name that the program gives itself. */
  browser: string | null;
  system: string | null;
  /** ISO 3166-1 alpha-2; null where the deployment keeps no address. */
  country: string | null;
  city: string | null;
  /** With what the last log-in was made. */
  way: string;
  first_seen_on: string;
  last_seen_on: string;
};

export type AskEmailLogin = {
  /** 5 to 80 characters after trimming; compared in lowercase. */
  email: string;
};

export type VerifyEmailLogin = {
  /** As it was answered where the log-in was asked. */
  challenge: string;
  /** The six digits in the email. */
  code: string;
  /** What to give: the user with the JWT of `GET /rest/auth` (`jwt`, by default), a pair of JWTs (`pair`) or a session token (`session`). */
  issue?: "jwt" | "pair" | "session";
  otp?: string | null;
};

export type EmailLogin = {
  /** Send it back with the code; alone it opens nothing. */
  challenge: string;
  /** When link and code expire. */
  expires_on: string;
};

export type IssuedLogin =
  | UserWithJwt
  | {
      refresh: string;
      access: string;
    }
  | {
      /** A session token, for the header `X-Token`. */
      token: string;
      email: string;
      /** Milliseconds since 1970. */
      expires: number;
    };

export type ConfirmTotp = {
  /** The code that the app shows now. */
  otp: string;
};

export type OptionalOtp = {
  /** A code of the second factor, or a recovery code. Without it the log-in must be at most ten minutes old. */
  otp?: string;
};

export type RecoveryCodes = {
  /** Each works once, in place of a code. They are shown this once. */
  recovery_codes: string[];
};

export type CreateApiToken = {
  name: string;
  /** Seconds from now; 30 days by default. */
  ttl?: number | null;
  /** What the token may do; by default, all that the caller may. */
  scopes?: Scope[] | null;
  /** Your own facts about the token. */
  metadata?: Record<string, unknown> | null;
  /** false: the token is refused until it is enabled. */
  enabled?: boolean;
  /** How much may be charged in all. */
  remaining?: number | null;
  /** How much may be charged in a window of so many seconds. */
  limit?: {
    max: number;
    seconds: number;
  } | null;
  /** Addresses and CIDR ranges that the token may be used from. */
  allowed_ips?: string[] | null;
};

export type ChangeApiToken = {
  name?: string;
  /** Seconds from now. */
  ttl?: number;
  /** Your own facts about the token. */
  metadata?: Record<string, unknown> | null;
  /** false: the token is refused until it is enabled. */
  enabled?: boolean;
  /** How much may be charged in all. */
  remaining?: number | null;
  /** How much may be charged in a window of so many seconds. */
  limit?: {
    max: number;
    seconds: number;
  } | null;
  /** Addresses and CIDR ranges that the token may be used from. */
  allowed_ips?: string[] | null;
};

export type VerifyApiToken = {
  /** An API token, a session token or an access JWT. */
  token: string;
  /** The scopes that the token must have. */
  scopes?: Scope[] | null;
  /** What to charge; 0 only looks. 1 by default. */
  cost?: number | null;
  /** The address that the token is used from. */
  ip?: string | null;
};

export type VerifiedToken =
  | {
      active: true;
      kind: "api" | "session" | "access";
      uuid: string;
      owner: {
        uuid: string;
      };
      scopes: Scope[];
      /** Of an API token. */
      name: string | null;
      /** Of an API token. */
      metadata: Record<string, unknown>;
      /** What is left in all; null for no limit. */
      remaining: number | null;
      limit: {
        max: number;
        seconds: number;
        /** What is left of this window. */
        remaining: number;
        /** When the window ends; null where none has begun. */
        reset_on: string | null;
      } | null;
      expired_on: string;
    }
  | {
      active: false;
      /** The first that applies. */
      reason:
        | "unknown"
        | "wrong_kind"
        | "user_gone"
        | "expired"
        | "revoked"
        | "disabled"
        | "ip_not_allowed"
        | "scope_missing"
        | "remaining_exhausted"
        | "rate_limited";
      /** What is left in all; null for no limit. */
      remaining: number | null;
      limit: {
        max: number;
        seconds: number;
        /** What is left of this window. */
        remaining: number;
        /** When the window ends; null where none has begun. */
        reset_on: string | null;
      } | null;
    };

export type RotateApiToken = {
  /** How long the old secret still works; 0 by default. */
  grace_seconds?: number | null;
};

export type ApiToken = {
  uuid: string;
  name: string;
  created_on: string;
  modified_on: string;
  expired_on: string;
  /** Rounded down to the hour. */
  last_used_on: string | null;
  /** Its prefix and last four characters. */
  token_hint: string;
  scopes: Scope[];
  /** Your own facts about the token. */
  metadata: Record<string, unknown>;
  /** While it is false, the token is refused everywhere. */
  enabled: boolean;
  /** How much may still be charged; null for no limit. */
  remaining: number | null;
  limit: {
    max: number;
    seconds: number;
  } | null;
  /** Addresses and CIDR ranges that the token may be used from; null for all. */
  allowed_ips: string[] | null;
};

export type IssuedApiToken = {
  name: string;
  /** Its whole lifetime in seconds. */
  ttl: number;
  scopes: Scope[];
  /** The secret. Shown only once. */
  token: string;
  uuid: string;
  created_on: string;
  modified_on: string;
  expired_on: string;
  /** Your own facts about the token. */
  metadata: Record<string, unknown>;
  /** While it is false, the token is refused everywhere. */
  enabled: boolean;
  /** How much may still be charged; null for no limit. */
  remaining: number | null;
  limit: {
    max: number;
    seconds: number;
  } | null;
  /** Addresses and CIDR ranges that the token may be used from; null for all. */
  allowed_ips: string[] | null;
};

export type RevokedToken = {
  /** What was sent. */
  token: string;
  /** null for a JWT. */
  name: string | null;
  created_on: string;
  modified_on: string;
  expired_on: string;
};

export type LeakReport = {
  tokens: string[];
};

/** What GitHub's secret scanning found, signed by GitHub. */
export type GithubLeakReport = {
  token: string;
  type: string;
}[];

export type LeakCount = {
  reported: number;
  /** How many of them this report revoked. */
  revoked: number;
};

export type LeakVerdict = {
  token_raw: string;
  token_type: string;
  label: "true_positive" | "false_positive";
};

export type Passkey = {
  id: string;
  name: string;
  credential_id: string;
  /** The model of authenticator, where it says. */
  aaguid: string | null;
  transports: string[];
  /** Whether it may be on several devices. */
  backup_eligible: boolean;
  backed_up: boolean;
  created_on: string;
  last_used_on: string | null;
};

/** `RegistrationResponseJSON` of WebAuthn: what `PublicKeyCredential.toJSON()` gives. */
export type PasskeyRegistration = {
  id: string;
  rawId: string;
  type: "public-key";
  response: {
    clientDataJSON: string;
    attestationObject: string;
    transports?: string[];
  };
};

/** `AuthenticationResponseJSON` of WebAuthn. */
export type PasskeyAssertion = {
  id: string;
  rawId: string;
  type: "public-key";
  response: {
    clientDataJSON: string;
    authenticatorData: string;
    signature: string;
    userHandle?: string | null;
  };
};

export type Account = {
  created_on: string;
  modified_on: string;
  uuid: string;
  /** In its normal form: trimmed, NFKC, lowercase, the domain as in DNS. */
  email: string;
  first_name: string | null;
  last_name: string | null;
  /** E.164. */
  phone_number: string | null;
  dob: string | null;
  gender: string | null;
  /** The Google account that can log in to this one. */
  gmail_user_id: string | null;
  /** The Facebook account that can log in to this one. */
  facebook_user_id: string | null;
  apple_user_id: unknown;
  wechat_user_id: unknown;
  role: "User" | "Admin";
  deleted_on: string | null;
  /** Whether the user has proven that the email is theirs. Anyone can sign up with any other email: match accounts by `uuid`, never by email. */
  email_verified: boolean;
  /** What `email` becomes once the new mailbox is proven. */
  pending_email: string | null;
  /** Their id in the system that they came from. */
  external_id: (string | number) | null;
  /** The deployment's own facts about the user. */
  metadata: Record<string, unknown>;
  /** A service has API tokens and no log-in. */
  kind: "person" | "service";
  disabled_on: string | null;
  has_password: boolean;
  has_second_factor: boolean;
  /** By issuer, the subject that opens this account. */
  identities: Record<string, string>;
};

export type FoundToken = {
  uuid: string | null;
  kind: string | null;
  status: string;
  created_on: string | null;
  expired_on: string | null;
  revoked_on: string | null;
  /** What is stored about it, or a JWT's. */
  claims: Record<string, unknown> | null;
};

export type OperatorsEvent = {
  /** Whose event it is; null where no account is known. */
  user_uuid: string | null;
  uuid: string;
  when: string;
  what: AuditEventKind | string;
  outcome: "done" | "refused";
  /** Who did it, operators too; null if unknown. */
  actor_uuid: string | null;
  /** The client's address, as far as the deployment keeps it. */
  address: string | null;
  /** The token or JWT that authenticated; null for a password. */
  token_uuid: string | null;
  /** What was created, changed or revoked. */
  subject_uuid: string | null;
  request_id: string | null;
  /** Whether an operator of the service did it. */
  by_operator: boolean;
  /** More than one where refused credentials were counted together. */
  count: number;
};

export type Throttle = {
  /** The account's uuid, or the digest of an email without one: send it to lift. */
  id: string;
  counts: "account" | "network" | "credential";
  /** When the next attempt is allowed. */
  until: string;
};

export type DeadLetter = {
  receiver: "handler" | "webhook";
  user_uuid: string;
  event_uuid: string;
  what: string | null;
  attempts: number;
  reason: string;
  died_on: string;
};

export type ServiceStatus = {
  /** What needs someone; empty when all is well. */
  warnings: (
    | "housekeeping_late"
    | "housekeeping_behind"
    | "archive_failing"
    | "requests_failing"
    | "dead_letters"
    | "events_waiting"
    | "notices_waiting"
    | "revocations_waiting"
    | "database_filling"
    | "database_nearly_full"
    | "database_full"
  )[];
  database_bytes: number;
  /** DATABASE_LIMIT_BYTES. */
  database_limit_bytes: number;
  /** By table, at most 10,001 each. */
  rows: Record<string, number>;
  outboxes: {
    events: number;
    dead_letters: number;
    notices: number;
    /** Tombstones that KV has not taken yet. */
    revocations: number;
  };
  /** When the oldest of them was queued or given up. */
  oldest_on: {
    events: string | null;
    dead_letters: string | null;
    notices: string | null;
  };
  /** Of the last hour, at least: answers 5xx, counted in memory and written once a minute. */
  failed_requests: number;
  /** When it last finished. */
  housekeeping_on: string | null;
  /** Since when the oldest row that it left should have been deleted: null where it keeps up. */
  overdue_on: string | null;
  /** Since when `EVENTS_ARCHIVE` has not taken the events that have expired, which therefore stay; else null. */
  archive_failing_on: string | null;
  /** The keys for JWTs, without their secrets. */
  keys: {
    kid: string;
    alg: string;
    state: "standby" | "active" | "retiring";
    /** null where the key does not say. */
    created_on: string | null;
    /** When it came into this state. */
    since: string | null;
  }[];
};

export type FindAccount = {
  /** An email, an account's or a token's `uuid`, or a token. */
  query: string;
};

/** Exactly one change. */
export type ChangeAccount = {
  /** true revokes everything that the account has, unlinks its identities, and refuses its owner until false. */
  disabled?: boolean;
  /** JWTs keep the claim of the old role until they expire. */
  role?: "User" | "Admin";
  /** Replaces what there was. */
  metadata?: Record<string, unknown>;
};

export type ReplayEvents = {
  /** null for all dead letters. */
  event_uuids: string[] | null;
};

export type RestError = {
  success: false;
  message: string;
  /** The HTTP status. */
  status: number;
  /** The account has a second factor, and no code was sent. */
  code?: "otp_required";
};

export type RestFailure = {
  success: false;
  message: string;
  /** The HTTP status. */
  status: number;
  /** The account has a second factor, and no code was sent. */
  code?: "otp_required";
  /** Matches the entry in the service log. */
  request_id: string;
};

export type CreateSession = {
  /** The account's email. */
  email_id: string;
  /** Taken exactly as sent, spaces included. */
  password: string;
  /** A code of the account's second factor, or a recovery code. Without it such an account answers `otp_required`. */
  otp?: string | null;
};

export type ExtendSession = {
  /** The session token, if it is not in the header `X-Token`. */
  token?: string;
  extend: true;
};

export type Session = {
  /** The secret. `X-Token` authenticates with it on every other surface. */
  token: string;
  email_id: string;
  /** Milliseconds since 1970. */
  expires: number;
};

export type SessionError = {
  error: string;
  /** The account has a second factor, and no code was sent. */
  code?: "otp_required";
};

export type SessionFailure = {
  error: string;
  /** Matches the entry in the service log. */
  request_id: string;
};

export type LoginByEmail = {
  email: string | number;
  /** Taken exactly as sent, spaces included. */
  password: string | number;
  /** A code of the account's second factor, or a recovery code. Without it such an account answers `otp_required`. */
  otp?: string | null;
};

/** `username` is the email, as some clients of simplejwt call it. */
export type LoginByUsername = {
  username: string | number;
  /** Taken exactly as sent, spaces included. */
  password: string | number;
  /** A code of the account's second factor, or a recovery code. Without it such an account answers `otp_required`. */
  otp?: string | null;
};

export type RefreshRequest = {
  refresh: string | number;
};

export type VerifyRequest = {
  /** Any JWT of this service. */
  token: string | number;
};

export type JwtPair = {
  /** Valid for a day by default; gets new access JWTs. */
  refresh: string;
  /** Valid for five minutes by default; authenticates on every surface. */
  access: string;
};

export type AccessJwt = {
  /** Valid for five minutes by default. */
  access: string;
  /** The next refresh JWT, if the deployment rotates them: the one that was sent is used up. */
  refresh?: string;
};

export type JwtError = {
  detail: string;
  code?: "token_not_valid" | "otp_required";
};

/** By field, what is wrong with it. */
export type JwtFieldErrors = Record<string, string[]>;

export type JwtFailure = {
  detail: string;
  /** Matches the entry in the service log. */
  request_id: string;
};

export type GenerateActionToken = {
  /** What the token can do. */
  action: "addContact";
  /** What the action needs, or a string that contains it as JSON. */
  payload: string | AddContactPayload;
  /** Seconds; an hour by default. */
  ttl?: (string | number) | null;
  /** How often it can be run; once by default. */
  max_uses?: (string | number) | null;
  /** The ID of the only user who may run it; by default, anyone who holds it. */
  audience?: string | null;
};

export type RunActionToken = {
  /** The secret of an action token. */
  token: string;
  /** What some actions take from the one who runs them, or a string that contains it as JSON. */
  input?: string | null | ResetPasswordInput;
};

export type ActionToken = {
  id: string;
  /** Who issued it. */
  user_id: string;
  action: "addContact";
  payload: AddContactPayload;
  /** The only user who may run it; null for anyone who holds it. */
  audience: string | null;
  max_uses: number;
  uses: number;
  expires_at: string;
  created_at: string;
  updated_at: string;
  state: "active" | "used_up" | "expired" | "revoked";
};

export type IssuedActionToken = {
  id: string;
  /** Who issued it. */
  user_id: string;
  action: "addContact";
  payload: AddContactPayload;
  /** The only user who may run it; null for anyone who holds it. */
  audience: string | null;
  max_uses: number;
  uses: number;
  expires_at: string;
  created_at: string;
  updated_at: string;
  /** The secret. Shown only once. */
  token: string;
};

/** One for each use. */
export type Receipt = {
  id: string;
  token_id: string;
  action: string;
  /** The user that it ran for: the caller, or the issuer if no one is logged in. */
  run_by: string;
  run_at: string;
};

/** `data` depends on the action. */
export type ActionDone =
  | {
      status: "action_success";
      action: "addContact";
      data: {
        contact_id: string;
        /** Whether both are each other's contacts now. */
        mutual: boolean;
      };
      receipt: Receipt;
    }
  | {
      status: "action_success";
      action: "verifyEmail";
      data: {
        email: string;
      };
      receipt: Receipt;
    }
  | {
      status: "action_success";
      action: "undoEmailChange";
      data: {
        email: string;
      };
      receipt: Receipt;
    }
  | {
      status: "action_success";
      action: "revokeLogins";
      data: Record<string, unknown>;
      receipt: Receipt;
    }
  | {
      status: "action_success";
      action: "resetPassword";
      data: Record<string, unknown>;
      receipt: Receipt;
    };

export type ActionUse = {
  /** Of the receipt. */
  id: string;
  /** null where the token is no longer kept. */
  token_id: string | null;
  action: string;
  run_at: string;
  /** You used it yourself. */
  is_own: boolean;
  /** Of who used it; null where they set none, or are gone. */
  name: string | null;
  /** Their ID, if they are one of your contacts. */
  contact_id: string | null;
};

export type Contact = {
  contact: {
    id: string;
    first_name: string | null;
    last_name: string | null;
  };
  created_at: string;
};

export type Follower = {
  contact: {
    id: string;
    first_name: string | null;
    last_name: string | null;
  };
  created_at: string;
  /** Their name; null where they set none, or it is not known. */
  introduced_by: string | null;
};

export type ActionTokenError = {
  message: string;
  /** The account has a second factor, and no code was sent. */
  code?: "otp_required";
};

/** By field, what is wrong with it. */
export type ActionTokenFieldErrors = {
  message: string;
  errors: Record<string, string[]>;
};

export type ActionTokenFailure = {
  message: string;
  /** Matches the entry in the service log. */
  request_id: string;
};

export type ActionNotRun = {
  status: "action_token_invalid";
  message: string;
  reason: "unknown" | "expired" | "used" | "revoked" | "audience" | "rejected";
};

export type TokenRequest = {
  /** A token of any kind. */
  token: string;
  /** Ignored: a token tells its own kind. */
  token_type_hint?: string;
  /** The `uuid` of the API token in `client_secret`. */
  client_id?: string;
  /** An API token, if it is not in the header. */
  client_secret?: string;
};

export type ExchangeRequest = {
  grant_type: "urn:ietf:params:oauth:grant-type:token-exchange";
  /** An API token, a session token, or an access JWT for this service. */
  subject_token: string;
  subject_token_type:
    | "urn:ietf:params:oauth:token-type:access_token"
    | "urn:ietf:params:oauth:token-type:jwt";
  requested_token_type?:
    | "urn:ietf:params:oauth:token-type:access_token"
    | "urn:ietf:params:oauth:token-type:jwt";
  /** Who the JWT is for: the issuer (by default), or one of the deployment's audiences. */
  audience?: string | string[];
  /** The same as `audience`, which it must not contradict. */
  resource?: string | string[];
  /** Scopes, separated by spaces; by default, all of the subject token's. */
  scope?: string;
  /** For how many seconds at most; 3,600 by default. Never longer than a day, or than the subject token lives. */
  expires_in?: number | string;
  /** Ignored without a `client_secret`. */
  client_id?: string;
  /** An API token. */
  client_secret?: string;
};

export type ExchangedToken = {
  /** The JWT. */
  access_token: string;
  issued_token_type: string;
  token_type: "Bearer";
  /** Seconds from now. */
  expires_in: number;
  /** Scopes, separated by spaces. */
  scope: string;
};

export type ActiveToken = {
  active: true;
  /** Scopes, separated by spaces; missing if the token is not limited to any. */
  scope?: string;
  client_id: "latchkey";
  token_type: "Bearer" | "N_A";
  token_kind: "session" | "api" | "action" | "access" | "refresh";
  /** Seconds since 1970. */
  exp: number;
  /** Seconds since 1970. */
  iat: number;
  /** The user that it belongs to. */
  sub: string;
  aud: string;
  iss: string;
  /** The ID of the token. */
  jti: string;
};

/** Not active. The reason is never told. */
export type InactiveToken = {
  active: false;
};

export type OAuthError = {
  error: string;
  error_description: string;
};

export type OAuthFailure = {
  error: string;
  error_description: string;
  /** Matches the entry in the service log. */
  request_id: string;
};

export type Health = {
  status: "ok";
  /** The release, as in package.json. */
  version?: string;
  /** Cloudflare's ID of the upload that runs, as `npm run deploy` printed it. */
  version_id?: string;
};

/** RFC 7517. */
export type KeySet = {
  keys: {
    kty: "EC" | "RSA" | "OKP";
    kid: string;
    alg: string;
    use: "sig";
    crv?: string;
    x?: string;
    y?: string;
    n?: string;
    e?: string;
  }[];
};

/** RFC 8414. */
export type ServerMetadata = {
  issuer: string;
  jwks_uri: string;
  introspection_endpoint: string;
  introspection_endpoint_auth_methods_supported: (
    | "none"
    | "client_secret_basic"
    | "client_secret_post"
  )[];
  revocation_endpoint: string;
  revocation_endpoint_auth_methods_supported: (
    | "none"
    | "client_secret_basic"
    | "client_secret_post"
  )[];
  scopes_supported: Scope[];
  response_types_supported: unknown[];
  token_endpoint: string;
  token_endpoint_auth_methods_supported: ("none" | "client_secret_basic" | "client_secret_post")[];
  grant_types_supported: string[];
};

/** RFC 9728. */
export type ResourceMetadata = {
  resource: string;
  authorization_servers: string[];
  jwks_uri: string;
  scopes_supported: Scope[];
  bearer_methods_supported: "header"[];
  resource_documentation: string;
};

/** RFC 9457. */
export type Problem = {
  type: "about:blank";
  title: string;
  /** The HTTP status. */
  status: number;
};

export type ProblemFailure = {
  type: "about:blank";
  title: string;
  /** The HTTP status. */
  status: number;
  /** Matches the entry in the service log. */
  request_id: string;
};

/** The payload of the action `addContact`. */
export type AddContactPayload = {
  /** You, or one of your contacts. */
  contact_id: string;
};

/** The input of the action `resetPassword`. */
export type ResetPasswordInput = {
  /** 8 characters or more */
  password: string;
  /** IDs of passkeys of the account. All others are removed. */
  keep_passkeys?: string[];
};

interface responses {
  /** The body is malformed, a field doesn't fit, or more than one credential was sent. */
  RestBadRequest: { content: { "application/json": RestError } };
  /** Authentication is required, or the credential is not valid. */
  RestUnauthorized: { content: { "application/json": RestError } };
  /** The credential lacks the scope that `WWW-Authenticate` names, or would give more than it has; or can never be a fresh log-in, which the act needs; or sign-up is closed; or it is for operators; or a page of another site sent the request. */
  RestForbidden: { content: { "application/json": RestError } };
  /** The caller has no such thing. */
  RestNotFound: { content: { "application/json": RestError } };
  /** The body did not arrive in time. */
  RestRequestTimeout: { content: { "application/json": RestError } };
  /** The email belongs to another account, the token was replaced by its rotation, there is a second factor already, nothing else can log in to the account, or it has as many passkeys as it may. */
  RestConflict: { content: { "application/json": RestError } };
  /** The body is larger than 64 KiB. */
  RestContentTooLarge: { content: { "application/json": RestError } };
  /** The body is not JSON by its type, or it is compressed. */
  RestUnsupportedMediaType: { content: { "application/json": RestError } };
  /** The Idempotency-Key was used with another request. */
  RestUnprocessableContent: { content: { "application/json": RestError } };
  /** Too many attempts. */
  RestTooManyRequests: { content: { "application/json": RestError } };
  /** Internal server error. */
  RestInternalServerError: { content: { "application/json": RestFailure } };
  /** Storage did not answer, so the outcome is unknown: the requested change may have happened. */
  RestServiceUnavailable: { content: { "application/json": RestFailure } };
  /** The database is nearly full. Nothing was stored. */
  RestInsufficientStorage: { content: { "application/json": RestFailure } };
  /** Fields are missing or wrong, the token is not valid, or the password does not match. */
  SessionTokensBadRequest: { content: { "application/json": SessionError } };
  /** A credential was sent as well, and it is not valid. */
  SessionTokensUnauthorized: { content: { "application/json": SessionError } };
  /** A page of another site sent the request. */
  SessionTokensForbidden: { content: { "application/json": SessionError } };
  /** The body did not arrive in time. */
  SessionTokensRequestTimeout: { content: { "application/json": SessionError } };
  /** The email of the ID token belongs to an account that this identity does not open. */
  SessionTokensConflict: { content: { "application/json": SessionError } };
  /** The body is larger than 64 KiB. */
  SessionTokensContentTooLarge: { content: { "application/json": SessionError } };
  /** The body is compressed. */
  SessionTokensUnsupportedMediaType: { content: { "application/json": SessionError } };
  /** Too many attempts. */
  SessionTokensTooManyRequests: { content: { "application/json": SessionError } };
  /** Internal server error. */
  SessionTokensInternalServerError: { content: { "application/json": SessionFailure } };
  /** Storage did not answer, so the outcome is unknown: the requested change may have happened. */
  SessionTokensServiceUnavailable: { content: { "application/json": SessionFailure } };
  /** The body is malformed (`detail`), or by field, what is wrong with it. */
  JwtPairBadRequest: { content: { "application/json": JwtFieldErrors | JwtError } };
  /** No account opens with these, or the JWT is not valid, or it has another type. */
  JwtPairUnauthorized: { content: { "application/json": JwtError } };
  /** A page of another site sent the request. */
  JwtPairForbidden: { content: { "application/json": JwtError } };
  /** The body did not arrive in time. */
  JwtPairRequestTimeout: { content: { "application/json": JwtError } };
  /** The body is larger than 64 KiB. */
  JwtPairContentTooLarge: { content: { "application/json": JwtError } };
  /** The body is neither JSON nor a form, or it is compressed. */
  JwtPairUnsupportedMediaType: { content: { "application/json": JwtError } };
  /** Too many attempts. */
  JwtPairTooManyRequests: { content: { "application/json": JwtError } };
  /** Internal server error. */
  JwtPairInternalServerError: { content: { "application/json": JwtFailure } };
  /** Storage did not answer, so the outcome is unknown: the requested change may have happened. */
  JwtPairServiceUnavailable: { content: { "application/json": JwtFailure } };
  /** The body is malformed, or more than one credential was sent. */
  ActionTokensBadRequest: { content: { "application/json": ActionTokenError } };
  /** Authentication is required, or the credential is not valid. */
  ActionTokensUnauthorized: { content: { "application/json": ActionTokenError } };
  /** The credential lacks the scope that `WWW-Authenticate` names, or a page of another site sent the request. */
  ActionTokensForbidden: { content: { "application/json": ActionTokenError } };
  /** You have no such token. */
  ActionTokensNotFound: { content: { "application/json": ActionTokenError } };
  /** The body did not arrive in time. */
  ActionTokensRequestTimeout: { content: { "application/json": ActionTokenError } };
  /** The email of the ID token belongs to an account that this identity does not open. */
  ActionTokensConflict: { content: { "application/json": ActionTokenError } };
  /** The body is larger than 64 KiB. */
  ActionTokensContentTooLarge: { content: { "application/json": ActionTokenError } };
  /** The body is neither JSON nor a form, or it is compressed. */
  ActionTokensUnsupportedMediaType: { content: { "application/json": ActionTokenError } };
  /** By field, what is wrong with it. */
  ActionTokensUnprocessableContent: { content: { "application/json": ActionTokenFieldErrors } };
  /** Too many attempts. */
  ActionTokensTooManyRequests: { content: { "application/json": ActionTokenError } };
  /** Internal server error. */
  ActionTokensInternalServerError: { content: { "application/json": ActionTokenFailure } };
  /** Storage did not answer, so the outcome is unknown: the requested change may have happened. */
  ActionTokensServiceUnavailable: { content: { "application/json": ActionTokenFailure } };
  /** The database is nearly full. Nothing was stored. */
  ActionTokensInsufficientStorage: { content: { "application/json": ActionTokenFailure } };
  /** The body is malformed, a field doesn't fit, or more than one credential was sent. */
  OAuthBadRequest: { content: { "application/json": OAuthError } };
  /** Client authentication is missing or failed. */
  OAuthUnauthorized: { content: { "application/json": OAuthError } };
  /** The credential lacks the scope that `WWW-Authenticate` names, or a page of another site sent the request. */
  OAuthForbidden: { content: { "application/json": OAuthError } };
  /** The body did not arrive in time. */
  OAuthRequestTimeout: { content: { "application/json": OAuthError } };
  /** The body is larger than 64 KiB. */
  OAuthContentTooLarge: { content: { "application/json": OAuthError } };
  /** The body is neither JSON nor a form, or it is compressed. */
  OAuthUnsupportedMediaType: { content: { "application/json": OAuthError } };
  /** Too many attempts. */
  OAuthTooManyRequests: { content: { "application/json": OAuthError } };
  /** Internal server error. */
  OAuthInternalServerError: { content: { "application/json": OAuthFailure } };
  /** Storage did not answer, so the outcome is unknown: the requested change may have happened. */
  OAuthServiceUnavailable: { content: { "application/json": OAuthFailure } };
  /** There is no such list. */
  ServiceNotFound: { content: { "application/problem+json": Problem } };
  /** Too many requests from one network. */
  ServiceTooManyRequests: { content: { "application/problem+json": Problem } };
  /** Internal server error. */
  ServiceInternalServerError: { content: { "application/problem+json": ProblemFailure } };
  /** Storage did not answer, so the outcome is unknown: the requested change may have happened. */
  ServiceServiceUnavailable: { content: { "application/problem+json": ProblemFailure } };
}

export interface paths {
  "/rest/auth": {
    /** Authenticate and get a 24-hour JWT */
    get: {
      parameters: { query?: { audience?: string }; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** The caller's account, and a JWT. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: UserWithJwt;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/user": {
    /** Create an account */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { "application/json": SignUp } };
      responses: {
        /** Created. */
        201: {
          content: {
            "application/json": {
              success: true;
              payload: User;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
        507: responses["RestInsufficientStorage"];
      };
    };
    /** Get the current account */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** The caller's account. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: User;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
    /** Change the profile, the email or the password */
    patch: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { "application/json": ChangeUser } };
      responses: {
        /** The account as it is now. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: ChangedUser;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
        507: responses["RestInsufficientStorage"];
      };
    };
    /** Delete the account and revoke all its credentials */
    delete: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: { content: { "application/json": DeleteUser } };
      responses: {
        /** Deleted. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Record<string, unknown>;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/user/password_reset": {
    /** Request a password reset email */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { "application/json": PasswordReset } };
      responses: {
        /** Accepted. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Record<string, unknown>;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/user/verify_email": {
    /** Request a verification email */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: { content: { "application/json": unknown } };
      responses: {
        /** Accepted. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Record<string, unknown>;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/audit": {
    /** List the account's events, newest first */
    get: {
      parameters: {
        query?: {
          what?: string;
          outcome?: "done" | "refused";
          about?: string;
          from?: string;
          until?: string;
          limit?: number;
          cursor?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** A page of events. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: AuditEvent[];
              /** Send it as `cursor` to get the next page; null at the end. */
              next_cursor: string | null;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/user/export": {
    /** Export all data about the account */
    get: {
      parameters: { query?: { cursor?: string }; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** A page of it, without secrets. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: PersonalData;
              /** Send it as `cursor` to get the next page; null at the end. */
              next_cursor: string | null;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/user/identities": {
    /** List the OpenID identities that can log in */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** All of them. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Identity[];
              /** Send it as `cursor` to get the next page; null at the end. */
              next_cursor: string | null;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/user/identities/{id}": {
    /** Remove an OpenID identity */
    delete: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        /** Removed. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Record<string, unknown>;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/user/logins": {
    /** List where the user is logged in, this log-in first */
    get: {
      parameters: {
        query?: { limit?: number; cursor?: string };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** A page of log-ins. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: UserLogin[];
              devices: UserDevice[];
              /** Send it as `cursor` to get the next page; null at the end. */
              next_cursor: string | null;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
    /** Log out everywhere else */
    delete: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** Revoked. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: {
                revoked: number;
                /** False if there were more than one request revokes: repeat it. */
                all: boolean;
              };
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/user/logins/{id}": {
    /** Log out one device */
    delete: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        /** Revoked. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Record<string, unknown>;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/user/passkeys/options": {
    /** Get the options to create a passkey with */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: { content: { "application/json": unknown } };
      responses: {
        /** The options. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: {
                rp: {
                  id: string;
                  name: string;
                };
                user: {
                  id: string;
                  name: string;
                  displayName: string;
                };
                challenge: string;
                pubKeyCredParams: {
                  type: "public-key";
                  alg: number;
                }[];
                timeout: number;
                excludeCredentials: {
                  type: "public-key";
                  id: string;
                  transports: string[];
                }[];
                authenticatorSelection: {
                  residentKey: "required";
                  requireResidentKey: boolean;
                  userVerification: "required";
                };
                attestation: "none";
              };
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/user/passkeys": {
    /** Add a passkey */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: {
        content: {
          "application/json": {
            response: PasskeyRegistration;
            name?: string;
          };
        };
      };
      responses: {
        /** Added. */
        201: {
          content: {
            "application/json": {
              success: true;
              payload: Passkey;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
    /** List the passkeys that can log in */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** All of them. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Passkey[];
              /** Send it as `cursor` to get the next page; null at the end. */
              next_cursor: string | null;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/user/passkeys/{id}": {
    /** Rename a passkey */
    patch: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody: {
        content: {
          "application/json": {
            name: string;
          };
        };
      };
      responses: {
        /** The passkey as it is now. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Passkey;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
    /** Remove a passkey */
    delete: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        /** Removed. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Record<string, unknown>;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/login/passkey/options": {
    /** Get the options to log in with a passkey */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: {
        content: {
          "application/json": {
            email?: string | null;
          };
        };
      };
      responses: {
        /** The options. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: {
                challenge: string;
                timeout: number;
                rpId: string;
                allowCredentials: {
                  type: "public-key";
                  id: string;
                  transports: string[];
                }[];
                userVerification: "required";
              };
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/login/passkey": {
    /** Log in with a passkey */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: {
        content: {
          "application/json": {
            response: PasskeyAssertion;
            issue?: "jwt" | "pair" | "session";
          };
        };
      };
      responses: {
        /** Logged in. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload:
                | UserWithJwt
                | {
                    refresh: string;
                    access: string;
                  }
                | {
                    token: string;
                    email: string;
                    expires: number;
                  };
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/login/email": {
    /** Request an email with a link and a code that log in */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { "application/json": AskEmailLogin } };
      responses: {
        /** Accepted. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: EmailLogin;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/login/email/verify": {
    /** Log in with the code of an email */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { "application/json": VerifyEmailLogin } };
      responses: {
        /** Logged in. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: IssuedLogin;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/user/totp": {
    /** Whether the account has a second factor */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** Its state. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: {
                enabled: boolean;
                enabled_on: string | null;
                recovery_codes_left: number;
              };
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
    /** Create a secret for an authenticator app */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: { content: { "application/json": unknown } };
      responses: {
        /** The secret, shown this once. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: {
                /** In Base32, as apps take it. */
                secret: string;
                /** An `otpauth:` URI, to be shown as a QR code. */
                uri: string;
              };
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
    /** Turn the second factor off */
    delete: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: { content: { "application/json": OptionalOtp } };
      responses: {
        /** It is off, and its recovery codes are gone. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Record<string, unknown>;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/user/totp/confirm": {
    /** Turn the second factor on with its first code */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { "application/json": ConfirmTotp } };
      responses: {
        /** It is on. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: RecoveryCodes;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/user/recovery_codes": {
    /** Create ten recovery codes in place of all others */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: { content: { "application/json": OptionalOtp } };
      responses: {
        /** The new ones. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: RecoveryCodes;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/token": {
    /** Create an API token */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { "application/json": CreateApiToken } };
      responses: {
        /** The token, with its secret. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: IssuedApiToken;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
        507: responses["RestInsufficientStorage"];
      };
    };
  };
  "/rest/token/verify": {
    /** Verify a token, and charge its use */
    post: {
      parameters: {
        query?: never;
        header?: { "Idempotency-Key"?: string };
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": VerifyApiToken } };
      responses: {
        /** Whether the token is active, or why not. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: VerifiedToken;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        422: responses["RestUnprocessableContent"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/token/list": {
    /** List your API tokens, newest first */
    get: {
      parameters: {
        query?: {
          limit?: number;
          cursor?: string;
          take?: number;
          skip?: number;
          search?: string;
          filter?: "expiring" | "unused";
          scope?: Scope;
          sort?:
            | "created"
            | "-created"
            | "name"
            | "-name"
            | "expires"
            | "-expires"
            | "used"
            | "-used";
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** A page of tokens, without their secrets. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: ApiToken[];
              /** Send it as `cursor` to get the next page; null at the end. */
              next_cursor: string | null;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/token/all": {
    /** Revoke all your API tokens */
    delete: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** Revoked. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Record<string, unknown>;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/token/{token}/rotate": {
    /** Rotate an API token */
    post: {
      parameters: { query?: never; header?: never; path: { token: string }; cookie?: never };
      requestBody?: { content: { "application/json": RotateApiToken } };
      responses: {
        /** The token, with its new secret. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: IssuedApiToken;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/token/{token}": {
    /** Change an API token */
    patch: {
      parameters: { query?: never; header?: never; path: { token: string }; cookie?: never };
      requestBody: { content: { "application/json": ChangeApiToken } };
      responses: {
        /** The token, without its secret. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: ApiToken;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
        507: responses["RestInsufficientStorage"];
      };
    };
    /** Revoke an API token, or one of your JWTs */
    delete: {
      parameters: { query?: never; header?: never; path: { token: string }; cookie?: never };
      requestBody?: never;
      responses: {
        /** Revoked. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: RevokedToken;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/token/{token}": {
    /** Change an API token (at another path) */
    patch: {
      parameters: { query?: never; header?: never; path: { token: string }; cookie?: never };
      requestBody: { content: { "application/json": ChangeApiToken } };
      responses: {
        /** The token, without its secret. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: ApiToken;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
        507: responses["RestInsufficientStorage"];
      };
    };
  };
  "/rest/leaked": {
    /** Report leaked tokens, which revokes them */
    post: {
      parameters: {
        query?: never;
        header?: {
          "Github-Public-Key-Identifier"?: string;
          "Github-Public-Key-Signature"?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": LeakReport | GithubLeakReport } };
      responses: {
        /** How many were revoked; to GitHub, a verdict on each. */
        200: {
          content: {
            "application/json":
              | {
                  success: true;
                  payload: LeakCount;
                }
              | LeakVerdict[];
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/admin/find": {
    /** Find an account, as an operator */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { "application/json": FindAccount } };
      responses: {
        /** The account, and the token if it was one. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: {
                user: Account;
                token: FoundToken | null;
              };
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/admin/users/{id}": {
    /** Get an account, as an operator */
    get: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        /** The account. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Account;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
    /** Disable or enable an account, or set its role or metadata, as an operator */
    patch: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody: { content: { "application/json": ChangeAccount } };
      responses: {
        /** The account as it is now. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Account;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
        507: responses["RestInsufficientStorage"];
      };
    };
    /** Delete an account, as an operator */
    delete: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        /** Deleted. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Record<string, unknown>;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/admin/users/{id}/logins": {
    /** List where an account is logged in, as an operator */
    get: {
      parameters: {
        query?: { limit?: number; cursor?: string };
        header?: never;
        path: { id: string };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** A page of log-ins. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: UserLogin[];
              devices: UserDevice[];
              /** Send it as `cursor` to get the next page; null at the end. */
              next_cursor: string | null;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/admin/users/{id}/tokens": {
    /** List the API tokens of an account, as an operator */
    get: {
      parameters: {
        query?: { limit?: number; cursor?: string };
        header?: never;
        path: { id: string };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** A page of API tokens. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: ApiToken[];
              /** Send it as `cursor` to get the next page; null at the end. */
              next_cursor: string | null;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/admin/users/{id}/export": {
    /** Export all data about an account, as an operator */
    get: {
      parameters: {
        query?: { cursor?: string };
        header?: never;
        path: { id: string };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** A page of it, without secrets. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: PersonalData;
              /** Send it as `cursor` to get the next page; null at the end. */
              next_cursor: string | null;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/admin/events": {
    /** List events of all accounts, as an operator */
    get: {
      parameters: {
        query?: {
          user?: string;
          what?: string;
          outcome?: "done" | "refused";
          actor?: string;
          from?: string;
          until?: string;
          all?: "true" | "false";
          limit?: number;
          cursor?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** A page of events. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: OperatorsEvent[];
              /** Send it as `cursor` to get the next page; null at the end. */
              next_cursor: string | null;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/admin/throttles": {
    /** List accounts and networks that failed log-ins have locked out, as an operator */
    get: {
      parameters: {
        query?: { limit?: number; cursor?: string };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** A page of them. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Throttle[];
              /** Send it as `cursor` to get the next page; null at the end. */
              next_cursor: string | null;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/admin/dead_letters": {
    /** List events that a receiver did not accept in three days, as an operator */
    get: {
      parameters: {
        query?: { limit?: number; cursor?: string };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** A page of them. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: DeadLetter[];
              /** Send it as `cursor` to get the next page; null at the end. */
              next_cursor: string | null;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/admin/status": {
    /** Get the state of the service, as an operator */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** The state. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: ServiceStatus;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/admin/users/{id}/credentials": {
    /** Revoke all credentials of an account, as an operator */
    delete: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        /** Revoked. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Record<string, unknown>;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/admin/users/{id}/logins/{login}": {
    /** Log an account out in one place, as an operator */
    delete: {
      parameters: {
        query?: never;
        header?: never;
        path: { id: string; login: string };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** Revoked. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Record<string, unknown>;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/admin/users/{id}/tokens/{token}": {
    /** Revoke one API or action token of an account, as an operator */
    delete: {
      parameters: {
        query?: never;
        header?: never;
        path: { id: string; token: string };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** Revoked. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Record<string, unknown>;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/admin/users/{id}/second_factor": {
    /** Remove the second factor of an account, as an operator */
    delete: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        /** Removed, or there was none. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Record<string, unknown>;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/admin/users/{id}/password_reset": {
    /** Send a password reset email to an account, as an operator */
    post: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: { content: { "application/json": unknown } };
      responses: {
        /** Accepted. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: {
                /** false where the deployment sends no email. */
                is_sent: boolean;
              };
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/admin/throttles/{id}": {
    /** Lift the limits on log-ins of an account, as an operator */
    delete: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        /** Lifted. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: Record<string, unknown>;
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        404: responses["RestNotFound"];
        409: responses["RestConflict"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/rest/admin/dead_letters/replay": {
    /** Queue dead letters again, as an operator */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { "application/json": ReplayEvents } };
      responses: {
        /** How many were queued. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: {
                replayed: number;
              };
            };
          };
        };
        400: responses["RestBadRequest"];
        401: responses["RestUnauthorized"];
        403: responses["RestForbidden"];
        408: responses["RestRequestTimeout"];
        409: responses["RestConflict"];
        413: responses["RestContentTooLarge"];
        415: responses["RestUnsupportedMediaType"];
        429: responses["RestTooManyRequests"];
        500: responses["RestInternalServerError"];
        503: responses["RestServiceUnavailable"];
      };
    };
  };
  "/tokens": {
    /** Log in with email and password for a session token */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { "application/json": CreateSession } };
      responses: {
        /** Logged in. */
        200: {
          content: {
            "application/json": {
              success: "token created successfully";
              data: Session;
            };
          };
        };
        400: responses["SessionTokensBadRequest"];
        401: responses["SessionTokensUnauthorized"];
        403: responses["SessionTokensForbidden"];
        408: responses["SessionTokensRequestTimeout"];
        409: responses["SessionTokensConflict"];
        413: responses["SessionTokensContentTooLarge"];
        415: responses["SessionTokensUnsupportedMediaType"];
        429: responses["SessionTokensTooManyRequests"];
        500: responses["SessionTokensInternalServerError"];
        503: responses["SessionTokensServiceUnavailable"];
      };
    };
    /** Get a session */
    get: {
      parameters: {
        query?: { token?: string };
        header?: { "X-Token"?: string };
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** The session is valid. */
        200: { content: { "application/json": Session } };
        400: responses["SessionTokensBadRequest"];
        401: responses["SessionTokensUnauthorized"];
        409: responses["SessionTokensConflict"];
        429: responses["SessionTokensTooManyRequests"];
        500: responses["SessionTokensInternalServerError"];
        503: responses["SessionTokensServiceUnavailable"];
      };
    };
    /** Extend a session */
    put: {
      parameters: { query?: never; header?: { "X-Token"?: string }; path?: never; cookie?: never };
      requestBody: { content: { "application/json": ExtendSession } };
      responses: {
        /** Extended. */
        200: {
          content: {
            "application/json": {
              success: "data updated successfully";
              __latest_data: Session;
            };
          };
        };
        400: responses["SessionTokensBadRequest"];
        401: responses["SessionTokensUnauthorized"];
        403: responses["SessionTokensForbidden"];
        408: responses["SessionTokensRequestTimeout"];
        409: responses["SessionTokensConflict"];
        413: responses["SessionTokensContentTooLarge"];
        415: responses["SessionTokensUnsupportedMediaType"];
        429: responses["SessionTokensTooManyRequests"];
        500: responses["SessionTokensInternalServerError"];
        503: responses["SessionTokensServiceUnavailable"];
      };
    };
    /** Log out of a session */
    delete: {
      parameters: {
        query?: { token?: string };
        header?: { "X-Token"?: string };
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** Logged out. */
        200: {
          content: {
            "application/json": {
              success: "successfully deleted token";
            };
          };
        };
        400: responses["SessionTokensBadRequest"];
        401: responses["SessionTokensUnauthorized"];
        403: responses["SessionTokensForbidden"];
        409: responses["SessionTokensConflict"];
        429: responses["SessionTokensTooManyRequests"];
        500: responses["SessionTokensInternalServerError"];
        503: responses["SessionTokensServiceUnavailable"];
      };
    };
  };
  "/api/token": {
    /** Log in with email and password for a pair of JWTs */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: {
        content: {
          "application/json": LoginByEmail | LoginByUsername;
          "application/x-www-form-urlencoded": LoginByEmail | LoginByUsername;
          "multipart/form-data": LoginByEmail | LoginByUsername;
        };
      };
      responses: {
        /** Logged in. */
        200: { content: { "application/json": JwtPair } };
        400: responses["JwtPairBadRequest"];
        401: responses["JwtPairUnauthorized"];
        403: responses["JwtPairForbidden"];
        408: responses["JwtPairRequestTimeout"];
        413: responses["JwtPairContentTooLarge"];
        415: responses["JwtPairUnsupportedMediaType"];
        429: responses["JwtPairTooManyRequests"];
        500: responses["JwtPairInternalServerError"];
        503: responses["JwtPairServiceUnavailable"];
      };
    };
  };
  "/api/token/refresh": {
    /** Get a new access JWT for a refresh JWT */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: {
        content: {
          "application/json": RefreshRequest;
          "application/x-www-form-urlencoded": RefreshRequest;
          "multipart/form-data": RefreshRequest;
        };
      };
      responses: {
        /** A new access JWT. */
        200: { content: { "application/json": AccessJwt } };
        400: responses["JwtPairBadRequest"];
        401: responses["JwtPairUnauthorized"];
        403: responses["JwtPairForbidden"];
        408: responses["JwtPairRequestTimeout"];
        413: responses["JwtPairContentTooLarge"];
        415: responses["JwtPairUnsupportedMediaType"];
        429: responses["JwtPairTooManyRequests"];
        500: responses["JwtPairInternalServerError"];
        503: responses["JwtPairServiceUnavailable"];
      };
    };
  };
  "/api/token/verify": {
    /** Verify a JWT */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: {
        content: {
          "application/json": VerifyRequest;
          "application/x-www-form-urlencoded": VerifyRequest;
          "multipart/form-data": VerifyRequest;
        };
      };
      responses: {
        /** The token is valid. */
        200: { content: { "application/json": unknown[] } };
        400: responses["JwtPairBadRequest"];
        401: responses["JwtPairUnauthorized"];
        403: responses["JwtPairForbidden"];
        408: responses["JwtPairRequestTimeout"];
        413: responses["JwtPairContentTooLarge"];
        415: responses["JwtPairUnsupportedMediaType"];
        429: responses["JwtPairTooManyRequests"];
        500: responses["JwtPairInternalServerError"];
        503: responses["JwtPairServiceUnavailable"];
      };
    };
  };
  "/api/token/blacklist": {
    /** Revoke a refresh JWT and everything its login obtained */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: {
        content: {
          "application/json": RefreshRequest;
          "application/x-www-form-urlencoded": RefreshRequest;
          "multipart/form-data": RefreshRequest;
        };
      };
      responses: {
        /** Revoked. */
        200: { content: { "application/json": Record<string, unknown> } };
        400: responses["JwtPairBadRequest"];
        401: responses["JwtPairUnauthorized"];
        403: responses["JwtPairForbidden"];
        408: responses["JwtPairRequestTimeout"];
        413: responses["JwtPairContentTooLarge"];
        415: responses["JwtPairUnsupportedMediaType"];
        429: responses["JwtPairTooManyRequests"];
        500: responses["JwtPairInternalServerError"];
        503: responses["JwtPairServiceUnavailable"];
      };
    };
  };
  "/api/generate-action-token": {
    /** Issue an action token */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: {
        content: {
          "application/json": GenerateActionToken;
          "application/x-www-form-urlencoded": GenerateActionToken;
          "multipart/form-data": GenerateActionToken;
        };
      };
      responses: {
        /** The token, with its secret. */
        200: {
          content: {
            "application/json": {
              token: IssuedActionToken;
            };
          };
        };
        400: responses["ActionTokensBadRequest"];
        401: responses["ActionTokensUnauthorized"];
        403: responses["ActionTokensForbidden"];
        408: responses["ActionTokensRequestTimeout"];
        409: responses["ActionTokensConflict"];
        413: responses["ActionTokensContentTooLarge"];
        415: responses["ActionTokensUnsupportedMediaType"];
        422: responses["ActionTokensUnprocessableContent"];
        429: responses["ActionTokensTooManyRequests"];
        500: responses["ActionTokensInternalServerError"];
        503: responses["ActionTokensServiceUnavailable"];
        507: responses["ActionTokensInsufficientStorage"];
      };
    };
  };
  "/api/run-action-token": {
    /** Run an action token */
    post: {
      parameters: {
        query?: never;
        header?: { "Idempotency-Key"?: string };
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": RunActionToken;
          "application/x-www-form-urlencoded": RunActionToken;
          "multipart/form-data": RunActionToken;
        };
      };
      responses: {
        /** Action completed. */
        200: { content: { "application/json": ActionDone } };
        400: responses["ActionTokensBadRequest"];
        401: responses["ActionTokensUnauthorized"];
        403: responses["ActionTokensForbidden"];
        408: responses["ActionTokensRequestTimeout"];
        409: responses["ActionTokensConflict"];
        413: responses["ActionTokensContentTooLarge"];
        415: responses["ActionTokensUnsupportedMediaType"];
        /** Why it did not run; or what is wrong, by field; or the Idempotency-Key belongs to another request. */
        422: {
          content: { "application/json": ActionNotRun | ActionTokenFieldErrors | ActionTokenError };
        };
        429: responses["ActionTokensTooManyRequests"];
        500: responses["ActionTokensInternalServerError"];
        503: responses["ActionTokensServiceUnavailable"];
        507: responses["ActionTokensInsufficientStorage"];
      };
    };
  };
  "/api/action-tokens": {
    /** List your action tokens, newest first */
    get: {
      parameters: {
        query?: {
          state?: "active" | "used_up" | "expired" | "revoked" | "all";
          action?: string;
          audience?: ("anyone" | "person") | string;
          sort?: "created" | "-created" | "expires" | "-expires" | "used" | "-used";
          limit?: number;
          cursor?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** A page of tokens, without their secrets. */
        200: {
          content: {
            "application/json": {
              data: ActionToken[];
              /** Send it as `cursor` to get the next page; null at the end. */
              next_cursor: string | null;
            };
          };
        };
        400: responses["ActionTokensBadRequest"];
        401: responses["ActionTokensUnauthorized"];
        403: responses["ActionTokensForbidden"];
        409: responses["ActionTokensConflict"];
        422: responses["ActionTokensUnprocessableContent"];
        429: responses["ActionTokensTooManyRequests"];
        500: responses["ActionTokensInternalServerError"];
        503: responses["ActionTokensServiceUnavailable"];
      };
    };
  };
  "/api/action-tokens/uses": {
    /** List all uses */
    get: {
      parameters: {
        query?: { action?: string; limit?: number; cursor?: string };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** A page of uses. */
        200: {
          content: {
            "application/json": {
              data: ActionUse[];
              /** Send it as `cursor` to get the next page; null at the end. */
              next_cursor: string | null;
            };
          };
        };
        400: responses["ActionTokensBadRequest"];
        401: responses["ActionTokensUnauthorized"];
        403: responses["ActionTokensForbidden"];
        409: responses["ActionTokensConflict"];
        422: responses["ActionTokensUnprocessableContent"];
        429: responses["ActionTokensTooManyRequests"];
        500: responses["ActionTokensInternalServerError"];
        503: responses["ActionTokensServiceUnavailable"];
      };
    };
  };
  "/api/action-tokens/{id}/uses": {
    /** List uses of a token */
    get: {
      parameters: {
        query?: { limit?: number; cursor?: string };
        header?: never;
        path: { id: string };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** A page of uses. */
        200: {
          content: {
            "application/json": {
              data: ActionUse[];
              /** Send it as `cursor` to get the next page; null at the end. */
              next_cursor: string | null;
            };
          };
        };
        400: responses["ActionTokensBadRequest"];
        401: responses["ActionTokensUnauthorized"];
        403: responses["ActionTokensForbidden"];
        404: responses["ActionTokensNotFound"];
        409: responses["ActionTokensConflict"];
        422: responses["ActionTokensUnprocessableContent"];
        429: responses["ActionTokensTooManyRequests"];
        500: responses["ActionTokensInternalServerError"];
        503: responses["ActionTokensServiceUnavailable"];
      };
    };
  };
  "/api/action-tokens/{id}": {
    /** Revoke an action token */
    delete: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        /** Revoked. */
        204: { content?: never };
        400: responses["ActionTokensBadRequest"];
        401: responses["ActionTokensUnauthorized"];
        403: responses["ActionTokensForbidden"];
        404: responses["ActionTokensNotFound"];
        409: responses["ActionTokensConflict"];
        429: responses["ActionTokensTooManyRequests"];
        500: responses["ActionTokensInternalServerError"];
        503: responses["ActionTokensServiceUnavailable"];
      };
    };
  };
  "/api/user/contacts/{id}": {
    /** Remove a contact, and yourself from theirs */
    delete: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        /** Neither is a contact of the other. */
        204: { content?: never };
        400: responses["ActionTokensBadRequest"];
        401: responses["ActionTokensUnauthorized"];
        403: responses["ActionTokensForbidden"];
        404: responses["ActionTokensNotFound"];
        409: responses["ActionTokensConflict"];
        429: responses["ActionTokensTooManyRequests"];
        500: responses["ActionTokensInternalServerError"];
        503: responses["ActionTokensServiceUnavailable"];
      };
    };
  };
  "/api/user/get-contacts": {
    /** List your contacts, newest first */
    get: {
      parameters: {
        query?: { limit?: number; cursor?: string; search?: string };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** A page of contacts. */
        200: {
          content: {
            "application/json": {
              data: {
                contacts: Contact[];
              };
              /** Send it as `cursor` to get the next page; null at the end. */
              next_cursor: string | null;
            };
          };
        };
        400: responses["ActionTokensBadRequest"];
        401: responses["ActionTokensUnauthorized"];
        403: responses["ActionTokensForbidden"];
        409: responses["ActionTokensConflict"];
        422: responses["ActionTokensUnprocessableContent"];
        429: responses["ActionTokensTooManyRequests"];
        500: responses["ActionTokensInternalServerError"];
        503: responses["ActionTokensServiceUnavailable"];
      };
    };
  };
  "/api/user/contacts/followers": {
    /** List who else has you */
    get: {
      parameters: {
        query?: { limit?: number; cursor?: string };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** A page of them. */
        200: {
          content: {
            "application/json": {
              data: {
                contacts: Follower[];
              };
              /** Send it as `cursor` to get the next page; null at the end. */
              next_cursor: string | null;
            };
          };
        };
        400: responses["ActionTokensBadRequest"];
        401: responses["ActionTokensUnauthorized"];
        403: responses["ActionTokensForbidden"];
        409: responses["ActionTokensConflict"];
        422: responses["ActionTokensUnprocessableContent"];
        429: responses["ActionTokensTooManyRequests"];
        500: responses["ActionTokensInternalServerError"];
        503: responses["ActionTokensServiceUnavailable"];
      };
    };
  };
  "/oauth/introspect": {
    /** Introspect a token */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: {
        content: {
          "application/json": TokenRequest;
          "application/x-www-form-urlencoded": TokenRequest;
          "multipart/form-data": TokenRequest;
        };
      };
      responses: {
        /** What the token is, or that it is not active. */
        200: { content: { "application/json": ActiveToken | InactiveToken } };
        400: responses["OAuthBadRequest"];
        401: responses["OAuthUnauthorized"];
        403: responses["OAuthForbidden"];
        408: responses["OAuthRequestTimeout"];
        413: responses["OAuthContentTooLarge"];
        415: responses["OAuthUnsupportedMediaType"];
        429: responses["OAuthTooManyRequests"];
        500: responses["OAuthInternalServerError"];
        503: responses["OAuthServiceUnavailable"];
      };
    };
  };
  "/oauth/revoke": {
    /** Revoke a token */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: {
        content: {
          "application/json": TokenRequest;
          "application/x-www-form-urlencoded": TokenRequest;
          "multipart/form-data": TokenRequest;
        };
      };
      responses: {
        /** The token is not active any more. */
        200: { content?: never };
        400: responses["OAuthBadRequest"];
        401: responses["OAuthUnauthorized"];
        403: responses["OAuthForbidden"];
        408: responses["OAuthRequestTimeout"];
        413: responses["OAuthContentTooLarge"];
        415: responses["OAuthUnsupportedMediaType"];
        429: responses["OAuthTooManyRequests"];
        500: responses["OAuthInternalServerError"];
        503: responses["OAuthServiceUnavailable"];
      };
    };
  };
  "/oauth/token": {
    /** Exchange a token for a narrower JWT */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: {
        content: {
          "application/json": ExchangeRequest;
          "application/x-www-form-urlencoded": ExchangeRequest;
          "multipart/form-data": ExchangeRequest;
        };
      };
      responses: {
        /** The JWT. */
        200: { content: { "application/json": ExchangedToken } };
        400: responses["OAuthBadRequest"];
        401: responses["OAuthUnauthorized"];
        403: responses["OAuthForbidden"];
        408: responses["OAuthRequestTimeout"];
        413: responses["OAuthContentTooLarge"];
        415: responses["OAuthUnsupportedMediaType"];
        429: responses["OAuthTooManyRequests"];
        500: responses["OAuthInternalServerError"];
        503: responses["OAuthServiceUnavailable"];
      };
    };
  };
  "/health": {
    /** Health check */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** The Worker runs. */
        200: { content: { "application/json": Health } };
        500: responses["ServiceInternalServerError"];
      };
    };
  };
  "/.well-known/jwks.json": {
    /** Get the public keys of our JWTs */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** A JWK set. */
        200: { content: { "application/json": KeySet } };
        /** Not modified: `If-None-Match` names the current version. */
        304: { content?: never };
        500: responses["ServiceInternalServerError"];
      };
    };
  };
  "/status-lists/{list}": {
    /** Get a token status list */
    get: {
      parameters: { query?: never; header?: never; path: { list: string }; cookie?: never };
      requestBody?: never;
      responses: {
        /** A signed JWT with the compressed list. */
        200: { content: { "application/statuslist+jwt": string } };
        /** Not modified: `If-None-Match` names the current version. */
        304: { content?: never };
        404: responses["ServiceNotFound"];
        429: responses["ServiceTooManyRequests"];
        500: responses["ServiceInternalServerError"];
        503: responses["ServiceServiceUnavailable"];
      };
    };
  };
  "/.well-known/oauth-authorization-server": {
    /** Get the OAuth server metadata */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** The metadata. */
        200: { content: { "application/json": ServerMetadata } };
        /** Not modified: `If-None-Match` names the current version. */
        304: { content?: never };
        500: responses["ServiceInternalServerError"];
      };
    };
  };
  "/.well-known/oauth-protected-resource": {
    /** Get the metadata of this API as a protected resource */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** The metadata. */
        200: { content: { "application/json": ResourceMetadata } };
        /** Not modified: `If-None-Match` names the current version. */
        304: { content?: never };
        500: responses["ServiceInternalServerError"];
      };
    };
  };
  "/openapi.json": {
    /** Get this document */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** OpenAPI 3.1. */
        200: {
          content: {
            "application/json": {
              openapi: "3.1.1";
            } & Record<string, unknown>;
          };
        };
        /** Not modified: `If-None-Match` names the current version. */
        304: { content?: never };
        500: responses["ServiceInternalServerError"];
      };
    };
  };
}
