// Made by src/cli/client-types.ts from the service's OpenAPI document. Not to be edited by hand.

export type SignUp = {
  /** 5 to 80 characters once it is trimmed; compares in lower case. */
  email: string;
  /** Taken exactly as sent; not all white space, and none of the most common ones. */
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
  /** 5 to 80 characters once it is trimmed; compares in lower case. */
  email?: string;
  /** Taken exactly as sent; not all white space, and none of the most common ones. */
  password?: string;
  /** A new e-mail or password needs it. */
  current_password?: string;
};

export type DeleteUser = {
  /** The account's own, where it has one. */
  password?: string;
};

export type PasswordReset = {
  /** 5 to 80 characters once it is trimmed; compares in lower case. */
  email: string;
};

export type Identity = {
  id: string;
  /** The first spelling of its `iss`. */
  issuer: string;
  subject: string;
  /** The account's e-mail when it was linked. */
  email: string | null;
  linked_on: string;
  /** To the hour. */
  last_used_on: string | null;
};

export type User = {
  created_on: string;
  modified_on: string;
  uuid: string;
  /** As it compares: trimmed, NFKC, lower case, the domain as DNS has it. */
  email: string;
  /** E.164. */
  phone_number: string | null;
  first_name: string | null;
  last_name: string | null;
  dob: string | null;
  /** The Google account that opens this one. */
  gmail_user_id: string | null;
  /** The Facebook account that opens this one. */
  facebook_user_id: string | null;
  apple_user_id: unknown;
  wechat_user_id: unknown;
  role: "User" | "Admin";
  gender: string | null;
  deleted_on: string | null;
  /** Whether the e-mail is proven to be hers. Anybody may sign up with any other: match accounts by `uuid`, never by e-mail. */
  email_verified: boolean;
  /** What `email` becomes once its mailbox has proven it. */
  pending_email: string | null;
  /** The deployment's own facts about her. */
  metadata: Record<string, unknown>;
};

export type UserWithJwt = {
  created_on: string;
  modified_on: string;
  uuid: string;
  /** As it compares: trimmed, NFKC, lower case, the domain as DNS has it. */
  email: string;
  /** E.164. */
  phone_number: string | null;
  first_name: string | null;
  last_name: string | null;
  dob: string | null;
  /** The Google account that opens this one. */
  gmail_user_id: string | null;
  /** The Facebook account that opens this one. */
  facebook_user_id: string | null;
  apple_user_id: unknown;
  wechat_user_id: unknown;
  role: "User" | "Admin";
  gender: string | null;
  deleted_on: string | null;
  /** Whether the e-mail is proven to be hers. Anybody may sign up with any other: match accounts by `uuid`, never by e-mail. */
  email_verified: boolean;
  /** What `email` becomes once its mailbox has proven it. */
  pending_email: string | null;
  /** The deployment's own facts about her. */
  metadata: Record<string, unknown>;
  /** A JWT for a day, or for as long as what it was got with. */
  token: string;
};

export type ChangedUser = {
  created_on: string;
  modified_on: string;
  uuid: string;
  /** As it compares: trimmed, NFKC, lower case, the domain as DNS has it. */
  email: string;
  /** E.164. */
  phone_number: string | null;
  first_name: string | null;
  last_name: string | null;
  dob: string | null;
  /** The Google account that opens this one. */
  gmail_user_id: string | null;
  /** The Facebook account that opens this one. */
  facebook_user_id: string | null;
  apple_user_id: unknown;
  wechat_user_id: unknown;
  role: "User" | "Admin";
  gender: string | null;
  deleted_on: string | null;
  /** Whether the e-mail is proven to be hers. Anybody may sign up with any other: match accounts by `uuid`, never by e-mail. */
  email_verified: boolean;
  /** What `email` becomes once its mailbox has proven it. */
  pending_email: string | null;
  /** The deployment's own facts about her. */
  metadata: Record<string, unknown>;
  /** After a new password, where the caller used a credential that it ended: a JWT to go on with. */
  token?: string;
};

export type AuditEvent = {
  uuid: string;
  when: string;
  what:
    | "user.created"
    | "user.changed"
    | "identity.linked"
    | "identity.unlinked"
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
    | "session.created"
    | "session.extended"
    | "session.revoked"
    | "logins.revoked_others"
    | "token.created"
    | "token.changed"
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
    | "credential.refused";
  outcome: "done" | "refused";
  /** Who did it; null where nobody knows. */
  actor_uuid: string | null;
  /** From where, as far as the deployment keeps it. */
  address: string | null;
  /** The token or JWT that was shown; null for a password. */
  token_uuid: string | null;
  /** What was made, changed or ended. */
  subject_uuid: string | null;
  request_id: string | null;
};

/** Lists by what is held. A page begins where the one before it ended, and has not all of them. */
export type PersonalData = {
  user?: {
    uuid: string;
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
    metadata: unknown;
    identities: {
      issuer: string;
      subject: string;
      email: string | null;
      linked_on: string;
      last_used_on: string | null;
    }[];
    known_networks: {
      network_digest: string;
      last_login_on: string;
    }[];
  }[];
  api_tokens?: {
    uuid: string;
    created_on: string;
    modified_on: string;
    expired_on: string;
    revoked_on: string | null;
    name: string;
    token_hint: string;
    scopes: (
      | "tokens:read"
      | "tokens:write"
      | "account:read"
      | "account:write"
      | "actions:issue"
      | "actions:run"
      | "introspect"
    )[];
    last_used_on: string | null;
    derived_from: string[] | null;
    replaced_by_uuid: string | null;
  }[];
  sessions?: {
    uuid: string;
    created_on: string;
    modified_on: string;
    expired_on: string;
    revoked_on: string | null;
    last_used_on: string | null;
    address: string | null;
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
  }[];
  notices?: {
    uuid: string;
    email: string;
    kind: string;
    subject_uuid: string | null;
    happened_on: string;
  }[];
  audit?: {
    uuid: string;
    happened_on: string;
    what:
      | "user.created"
      | "user.changed"
      | "identity.linked"
      | "identity.unlinked"
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
      | "session.created"
      | "session.extended"
      | "session.revoked"
      | "logins.revoked_others"
      | "token.created"
      | "token.changed"
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
      | "credential.refused";
    outcome: "done" | "refused";
    actor_uuid: string | null;
    address: string | null;
    token_uuid: string | null;
    subject_uuid: string | null;
    request_id: string | null;
  }[];
};

export type CreateApiToken = {
  name: string;
  /** Seconds from now; 30 days if not sent. */
  ttl?: number | null;
  /** What it may do; all that its maker may if not sent. */
  scopes?:
    | (
        | "tokens:read"
        | "tokens:write"
        | "account:read"
        | "account:write"
        | "actions:issue"
        | "actions:run"
        | "introspect"
      )[]
    | null;
};

export type ChangeApiToken = {
  name?: string;
  /** Seconds from now. */
  ttl?: number;
};

export type RotateApiToken = {
  /** How long the old secret still works. */
  grace_seconds?: number | null;
};

export type ApiToken = {
  uuid: string;
  name: string;
  created_on: string;
  modified_on: string;
  expired_on: string;
  /** To the hour. */
  last_used_on: string | null;
  /** Its prefix and last four characters. */
  token_hint: string;
  scopes: (
    | "tokens:read"
    | "tokens:write"
    | "account:read"
    | "account:write"
    | "actions:issue"
    | "actions:run"
    | "introspect"
  )[];
};

export type IssuedApiToken = {
  name: string;
  /** Its whole life in seconds. */
  ttl: number;
  scopes: (
    | "tokens:read"
    | "tokens:write"
    | "account:read"
    | "account:write"
    | "actions:issue"
    | "actions:run"
    | "introspect"
  )[];
  /** The secret. It is shown this once. */
  token: string;
  uuid: string;
  created_on: string;
  modified_on: string;
  expired_on: string;
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

export type LeakVerdict = {
  token_raw: string;
  token_type: string;
  label: "true_positive" | "false_positive";
};

export type OpentactError = {
  success: false;
  message: string;
  /** The HTTP status. */
  status: number;
};

export type OpentactFailure = {
  success: false;
  message: string;
  /** The HTTP status. */
  status: number;
  /** Stands in the log beside what went wrong. */
  request_id: string;
};

export type CreateSession = {
  /** An account's e-mail. */
  email_id: string;
  /** Taken exactly as sent, spaces included. */
  password: string;
};

export type ExtendSession = {
  /** Or in the header `X-Token`. */
  token?: string;
  extend: true;
};

export type Session = {
  /** The secret; `X-Token` logs in with it on every surface. */
  token: string;
  email_id: string;
  /** Milliseconds since 1970. */
  expires: number;
};

export type NodeError = {
  error: string;
};

export type NodeFailure = {
  error: string;
  /** Stands in the log beside what went wrong. */
  request_id: string;
};

/** An account's e-mail and password. */
export type Login = {
  email?: string | number;
  /** Taken exactly as sent, spaces included. */
  password: string | number;
  /** Taken for the e-mail where that is missing. */
  username?: string | number;
} & (
  | {
      email: unknown;
    }
  | {
      username: unknown;
    }
);

export type RefreshRequest = {
  refresh: string | number;
};

export type VerifyRequest = {
  /** Any JWT of this service. */
  token: string | number;
};

export type JwtPair = {
  /** Lives for a day, and gets new access JWTs. */
  refresh: string;
  /** Lives for five minutes, and logs in on every surface. */
  access: string;
};

export type AccessJwt = {
  /** Lives for five minutes. */
  access: string;
  /** The next refresh JWT, where the deployment rotates them; the one sent is spent. */
  refresh?: string;
};

/** What Django REST framework says went wrong. */
export type DrfDetail = {
  detail: string;
  code?: "token_not_valid";
};

/** By field, what is wrong with it. */
export type DrfFields = {
  email?: string[];
  password?: string[];
  refresh?: string[];
  token?: string[];
  non_field_errors?: string[];
} & Record<string, string[]>;

export type DrfFailure = {
  detail: string;
  /** Stands in the log beside what went wrong. */
  request_id: string;
};

export type GenerateActionToken = {
  /** What the token can do. */
  action: "addContact";
  /** What the action is given: a JSON value, or a string that holds one. `addContact` takes `NewContact`. */
  payload?: unknown;
  /** Seconds. */
  ttl?: (string | number) | null;
  /** How often it may be run. */
  max_uses?: (string | number) | null;
  /** The id of the only user who may run it. */
  audience?: string | null;
};

/** The payload of the action `addContact`. */
export type NewContact = {
  /** You, or somebody whom you introduce. */
  contact_id: string;
};

export type RunActionToken = {
  /** The secret of an action token. */
  token: string;
  /** What the action takes from whoever runs it, where it takes any. */
  input?: unknown;
};

export type ActionToken = {
  id: string;
  /** Who issued it. */
  user_id: string;
  action: string;
  /** What the action was given, as a JSON value. */
  payload: unknown;
  /** The only user who may run it; null for whoever holds it. */
  audience: string | null;
  max_uses: number;
  uses: number;
  expires_at: string;
  created_at: string;
  updated_at: string;
};

export type IssuedActionToken = {
  id: string;
  /** Who issued it. */
  user_id: string;
  action: string;
  /** What the action was given, as a JSON value. */
  payload: unknown;
  /** The only user who may run it; null for whoever holds it. */
  audience: string | null;
  max_uses: number;
  uses: number;
  expires_at: string;
  created_at: string;
  updated_at: string;
  /** The secret. It is shown this once. */
  token: string;
};

/** That it ran: once for each use. */
export type Receipt = {
  id: string;
  token_id: string;
  action: string;
  /** For whom it ran: the caller, or the issuer where nobody was logged in. */
  run_by: string;
  run_at: string;
};

export type ActionDone = {
  status: "action_success";
  action: string;
  /** What the action answers: for `addContact`, `{contact_id, mutual}`. */
  data: unknown;
  receipt: Receipt;
};

export type Contact = {
  contact: {
    id: string;
    first_name: string | null;
    last_name: string | null;
  };
  created_at: string;
};

export type LaravelMessage = {
  message: string;
};

/** By field, what is wrong with it. */
export type LaravelFields = {
  message: string;
  errors: Record<string, string[]>;
};

export type LaravelFailure = {
  message: string;
  /** Stands in the log beside what went wrong. */
  request_id: string;
};

export type ActionNotRun = {
  status: "action_token_invalid";
  message: string;
  reason: "unknown" | "expired" | "used" | "revoked" | "audience" | "rejected";
};

export type TokenQuestion = {
  /** A token of any kind. */
  token: string;
  /** Not read: a token says what it is. */
  token_type_hint?: unknown;
  /** The `uuid` of the API token below. */
  client_id?: string;
  /** An API token, where it is not in the header. */
  client_secret?: string;
};

export type ActiveToken = {
  active: true;
  /** Scopes with spaces between; missing where the token is bound to none. */
  scope?: string;
  client_id: "latchkey";
  token_type: "Bearer" | "N_A";
  token_kind: "session" | "api" | "action" | "access" | "refresh";
  /** Seconds since 1970. */
  exp: number;
  /** Seconds since 1970. */
  iat: number;
  /** Whose it is. */
  sub: string;
  aud: string;
  iss: string;
  /** The token's own id. */
  jti: string;
};

/** It does not stand; never why. */
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
  /** Stands in the log beside what went wrong. */
  request_id: string;
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
  scopes_supported: (
    | "tokens:read"
    | "tokens:write"
    | "account:read"
    | "account:write"
    | "actions:issue"
    | "actions:run"
    | "introspect"
  )[];
  response_types_supported: unknown[];
  grant_types_supported: unknown[];
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
  /** Stands in the log beside what went wrong. */
  request_id: string;
};

interface responses {
  /** The body does not parse, a field does not fit, or more than one credential was sent. */
  RestBadRequest: { content: { "application/json": OpentactError } };
  /** Nobody is logged in, or what was sent logs nobody in. */
  RestUnauthorized: { content: { "application/json": OpentactError } };
  /** The credential does not have the scope, or would give more than it has; or sign-up is closed; or a page of another site sent it. */
  RestForbidden: { content: { "application/json": OpentactError } };
  /** No such thing among the caller's own. */
  RestNotFound: { content: { "application/json": OpentactError } };
  /** The path takes other methods. */
  RestMethodNotAllowed: { content: { "application/json": OpentactError } };
  /** The body did not arrive in time. */
  RestRequestTimeout: { content: { "application/json": OpentactError } };
  /** This e-mail has an account, which what was sent does not open; or the token was replaced by its rotation; or nothing else opens the account. */
  RestConflict: { content: { "application/json": OpentactError } };
  /** The body is larger than 64 KiB. */
  RestContentTooLarge: { content: { "application/json": OpentactError } };
  /** The body is not JSON by its type, or it is compressed. */
  RestUnsupportedMediaType: { content: { "application/json": OpentactError } };
  /** Too many tries. */
  RestTooManyRequests: { content: { "application/json": OpentactError } };
  /** Our fault. */
  RestInternalServerError: { content: { "application/json": OpentactFailure } };
  /** Storage did not answer, so the outcome is unknown: a change that was asked for may have happened. */
  RestServiceUnavailable: { content: { "application/json": OpentactFailure } };
  /** The fields are missing or wrong, the token does not stand, or the password does not match. */
  SessionTokensBadRequest: { content: { "application/json": NodeError } };
  /** A credential was sent beside it, and logs nobody in. */
  SessionTokensUnauthorized: { content: { "application/json": NodeError } };
  /** A page of another site sent it. */
  SessionTokensForbidden: { content: { "application/json": NodeError } };
  /** There is nothing at this path. */
  SessionTokensNotFound: { content: { "application/json": NodeError } };
  /** The path takes other methods. */
  SessionTokensMethodNotAllowed: { content: { "application/json": NodeError } };
  /** The body did not arrive in time. */
  SessionTokensRequestTimeout: { content: { "application/json": NodeError } };
  /** This e-mail has an account that the ID token does not open. */
  SessionTokensConflict: { content: { "application/json": NodeError } };
  /** The body is larger than 64 KiB. */
  SessionTokensContentTooLarge: { content: { "application/json": NodeError } };
  /** The body is compressed. */
  SessionTokensUnsupportedMediaType: { content: { "application/json": NodeError } };
  /** Too many tries. */
  SessionTokensTooManyRequests: { content: { "application/json": NodeError } };
  /** Our fault. */
  SessionTokensInternalServerError: { content: { "application/json": NodeFailure } };
  /** Storage did not answer, so the outcome is unknown: a change that was asked for may have happened. */
  SessionTokensServiceUnavailable: { content: { "application/json": NodeFailure } };
  /** The body does not parse (`detail`), or by field what is wrong with it. */
  JwtPairBadRequest: { content: { "application/json": DrfFields | DrfDetail } };
  /** No account opens with it, or the JWT does not stand, or is not of the type that is asked for. */
  JwtPairUnauthorized: { content: { "application/json": DrfDetail } };
  /** A page of another site sent it. */
  JwtPairForbidden: { content: { "application/json": DrfDetail } };
  /** There is nothing at this path. */
  JwtPairNotFound: { content: { "application/json": DrfDetail } };
  /** The path takes other methods. */
  JwtPairMethodNotAllowed: { content: { "application/json": DrfDetail } };
  /** The body did not arrive in time. */
  JwtPairRequestTimeout: { content: { "application/json": DrfDetail } };
  /** The body is larger than 64 KiB. */
  JwtPairContentTooLarge: { content: { "application/json": DrfDetail } };
  /** The body is neither JSON nor a form, or it is compressed. */
  JwtPairUnsupportedMediaType: { content: { "application/json": DrfDetail } };
  /** Too many tries. */
  JwtPairTooManyRequests: { content: { "application/json": DrfDetail } };
  /** Our fault. */
  JwtPairInternalServerError: { content: { "application/json": DrfFailure } };
  /** Storage did not answer, so the outcome is unknown: a change that was asked for may have happened. */
  JwtPairServiceUnavailable: { content: { "application/json": DrfFailure } };
  /** The body does not parse, or more than one credential was sent. */
  ActionTokensBadRequest: { content: { "application/json": LaravelMessage } };
  /** Nobody is logged in, or what was sent logs nobody in. */
  ActionTokensUnauthorized: { content: { "application/json": LaravelMessage } };
  /** The credential does not have the scope, which WWW-Authenticate names; or a page of another site sent it. */
  ActionTokensForbidden: { content: { "application/json": LaravelMessage } };
  /** No such token among the caller's own. */
  ActionTokensNotFound: { content: { "application/json": LaravelMessage } };
  /** The path takes other methods. */
  ActionTokensMethodNotAllowed: { content: { "application/json": LaravelMessage } };
  /** The body did not arrive in time. */
  ActionTokensRequestTimeout: { content: { "application/json": LaravelMessage } };
  /** This e-mail has an account that the ID token does not open. */
  ActionTokensConflict: { content: { "application/json": LaravelMessage } };
  /** The body is larger than 64 KiB. */
  ActionTokensContentTooLarge: { content: { "application/json": LaravelMessage } };
  /** The body is neither JSON nor a form, or it is compressed. */
  ActionTokensUnsupportedMediaType: { content: { "application/json": LaravelMessage } };
  /** By field, what is wrong with it. */
  ActionTokensUnprocessableContent: { content: { "application/json": LaravelFields } };
  /** Too many tries. */
  ActionTokensTooManyRequests: { content: { "application/json": LaravelMessage } };
  /** Our fault. */
  ActionTokensInternalServerError: { content: { "application/json": LaravelFailure } };
  /** Storage did not answer, so the outcome is unknown: a change that was asked for may have happened. */
  ActionTokensServiceUnavailable: { content: { "application/json": LaravelFailure } };
  /** The body does not parse or fit, or more than one credential was sent. */
  OAuthBadRequest: { content: { "application/json": OAuthError } };
  /** No client credential was sent, or it does not stand. */
  OAuthUnauthorized: { content: { "application/json": OAuthError } };
  /** The client's token does not have the scope; or a page of another site sent it. */
  OAuthForbidden: { content: { "application/json": OAuthError } };
  /** There is nothing at this path. */
  OAuthNotFound: { content: { "application/json": OAuthError } };
  /** The path takes POST alone. */
  OAuthMethodNotAllowed: { content: { "application/json": OAuthError } };
  /** The body did not arrive in time. */
  OAuthRequestTimeout: { content: { "application/json": OAuthError } };
  /** The body is larger than 64 KiB. */
  OAuthContentTooLarge: { content: { "application/json": OAuthError } };
  /** The body is neither JSON nor a form, or it is compressed. */
  OAuthUnsupportedMediaType: { content: { "application/json": OAuthError } };
  /** Too many tries. */
  OAuthTooManyRequests: { content: { "application/json": OAuthError } };
  /** Our fault. */
  OAuthInternalServerError: { content: { "application/json": OAuthFailure } };
  /** Storage did not answer, so the outcome is unknown: a change that was asked for may have happened. */
  OAuthServiceUnavailable: { content: { "application/json": OAuthFailure } };
  /** There is nothing at this path. */
  ServiceNotFound: { content: { "application/problem+json": Problem } };
  /** The path takes other methods. */
  ServiceMethodNotAllowed: { content: { "application/problem+json": Problem } };
  /** Too many requests from one network. */
  ServiceTooManyRequests: { content: { "application/problem+json": Problem } };
  /** Our fault. */
  ServiceInternalServerError: { content: { "application/problem+json": ProblemFailure } };
  /** Storage did not answer, so the outcome is unknown: a change that was asked for may have happened. */
  ServiceServiceUnavailable: { content: { "application/problem+json": ProblemFailure } };
}

export interface paths {
  "/rest/auth": {
    /** Say who one is, and get a JWT for a day */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
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
    /** Make an account */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { "application/json": SignUp } };
      responses: {
        /** Made. */
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
      };
    };
    /** Read one's account */
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
    /** Change one's account, e-mail or password */
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
      };
    };
    /** Delete one's account, and end every credential of it */
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
  "/rest/user/identities": {
    /** List the accounts at OpenID issuers that open one's own */
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
              /** Send it as `cursor` for the page that follows; null at the end. */
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
    /** Remove one of them */
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
  "/rest/user/export": {
    /** Everything that is held about one, page by page */
    get: {
      parameters: { query?: { cursor?: string }; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** A page of it, nothing of it secret. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: PersonalData;
              /** Send it as `cursor` for the page that follows; null at the end. */
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
  "/rest/user/password_reset": {
    /** Have a mail sent by which a forgotten password is replaced */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { "application/json": PasswordReset } };
      responses: {
        /** Taken. */
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
    /** Have a mail sent that proves one's e-mail */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: { content: { "application/json": unknown } };
      responses: {
        /** Taken. */
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
    /** What was done to one's account, newest first */
    get: {
      parameters: {
        query?: { limit?: number; cursor?: string };
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
              /** Send it as `cursor` for the page that follows; null at the end. */
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
  "/rest/token": {
    /** Make an API token */
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
      };
    };
  };
  "/rest/token/list": {
    /** List one's API tokens, newest first */
    get: {
      parameters: {
        query?: { limit?: number; cursor?: string; take?: number; skip?: number };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** A page of them, without their secrets. */
        200: {
          content: {
            "application/json": {
              success: true;
              payload: ApiToken[];
              /** Send it as `cursor` for the page that follows; null at the end. */
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
    /** End all one's API tokens at once, and nothing else */
    delete: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** Ended. */
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
    /** Give an API token a new secret */
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
    /** Rename an API token, or set when it ends */
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
      };
    };
    /** End an API token, or one of one's own JWTs */
    delete: {
      parameters: { query?: never; header?: never; path: { token: string }; cookie?: never };
      requestBody?: never;
      responses: {
        /** Ended. */
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
    /** Rename an API token, or set when it ends (the same at another path) */
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
      };
    };
  };
  "/rest/leaked": {
    /** End tokens that were found where they should not be */
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
        /** How many were ended; to GitHub, a verdict on each. */
        200: {
          content: {
            "application/json":
              | {
                  success: true;
                  payload: {
                    reported: number;
                    /** How many of them this report revoked. */
                    revoked: number;
                  };
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
  "/tokens": {
    /** Log in with e-mail and password for a session token */
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
    /** Read a session token */
    get: {
      parameters: {
        query?: { token?: string };
        header?: { "X-Token"?: string };
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** It stands. */
        200: { content: { "application/json": Session } };
        400: responses["SessionTokensBadRequest"];
        401: responses["SessionTokensUnauthorized"];
        409: responses["SessionTokensConflict"];
        429: responses["SessionTokensTooManyRequests"];
        500: responses["SessionTokensInternalServerError"];
        503: responses["SessionTokensServiceUnavailable"];
      };
    };
    /** Extend a session token to an hour from now */
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
    /** End a session token */
    delete: {
      parameters: {
        query?: { token?: string };
        header?: { "X-Token"?: string };
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** Ended. */
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
  "/api/token/": {
    /** Log in with e-mail and password for a pair of JWTs */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: {
        content: {
          "application/json": Login;
          "application/x-www-form-urlencoded": Login;
          "multipart/form-data": Login;
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
  "/api/token/refresh/": {
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
  "/api/token/verify/": {
    /** Ask whether a JWT stands */
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
        /** It stands. */
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
  "/api/token/blacklist/": {
    /** Revoke a refresh JWT and all that its login has given */
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
  "/api/token": {
    /** Log in with e-mail and password for a pair of JWTs (without the last slash) */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: {
        content: {
          "application/json": Login;
          "application/x-www-form-urlencoded": Login;
          "multipart/form-data": Login;
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
    /** Get a new access JWT for a refresh JWT (without the last slash) */
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
    /** Ask whether a JWT stands (without the last slash) */
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
        /** It stands. */
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
    /** Revoke a refresh JWT and all that its login has given (without the last slash) */
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
        /** It ran. */
        200: { content: { "application/json": ActionDone } };
        400: responses["ActionTokensBadRequest"];
        401: responses["ActionTokensUnauthorized"];
        403: responses["ActionTokensForbidden"];
        408: responses["ActionTokensRequestTimeout"];
        409: responses["ActionTokensConflict"];
        413: responses["ActionTokensContentTooLarge"];
        415: responses["ActionTokensUnsupportedMediaType"];
        /** It did not run, and why; or by field what is wrong; or the Idempotency-Key was used with another request. */
        422: { content: { "application/json": ActionNotRun | LaravelFields | LaravelMessage } };
        429: responses["ActionTokensTooManyRequests"];
        500: responses["ActionTokensInternalServerError"];
        503: responses["ActionTokensServiceUnavailable"];
      };
    };
  };
  "/api/action-tokens": {
    /** List one's own action tokens that can still run, newest first */
    get: {
      parameters: {
        query?: { limit?: number; cursor?: string };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** A page of them, without their secrets. */
        200: {
          content: {
            "application/json": {
              data: ActionToken[];
              /** Send it as `cursor` for the page that follows; null at the end. */
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
  "/api/action-tokens/{id}": {
    /** End one of one's own action tokens */
    delete: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        /** Ended. */
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
    /** Remove a contact, and oneself from theirs */
    delete: {
      parameters: { query?: never; header?: never; path: { id: string }; cookie?: never };
      requestBody?: never;
      responses: {
        /** Neither has the other. */
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
    /** List one's contacts, newest first */
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
                contacts: Contact[];
              };
              /** Send it as `cursor` for the page that follows; null at the end. */
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
    /** Ask whether a token stands, and what it is */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: {
        content: {
          "multipart/form-data": TokenQuestion;
          "application/x-www-form-urlencoded": TokenQuestion;
          "application/json": TokenQuestion;
        };
      };
      responses: {
        /** What it is, or that it does not stand. */
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
    /** End a token of any kind */
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: {
        content: {
          "multipart/form-data": TokenQuestion;
          "application/x-www-form-urlencoded": TokenQuestion;
          "application/json": TokenQuestion;
        };
      };
      responses: {
        /** It is ended. */
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
  "/health": {
    /** Whether the Worker runs */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** It runs. */
        200: {
          content: {
            "application/json": {
              status: "ok";
              /** The release, as in package.json. */
              version?: string;
              /** Cloudflare's id of the upload that runs, as `npm run deploy` told it. */
              version_id?: string;
            };
          };
        };
        500: responses["ServiceInternalServerError"];
      };
    };
  };
  "/.well-known/jwks.json": {
    /** The public keys of our JWTs */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** A JWK set. */
        200: { content: { "application/json": KeySet } };
        /** `If-None-Match` names what would be answered. */
        304: { content?: never };
        500: responses["ServiceInternalServerError"];
      };
    };
  };
  "/.well-known/oauth-authorization-server": {
    /** What an OAuth client needs to know */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** Metadata. */
        200: { content: { "application/json": ServerMetadata } };
        /** `If-None-Match` names what would be answered. */
        304: { content?: never };
        500: responses["ServiceInternalServerError"];
      };
    };
  };
  "/openapi.json": {
    /** This document, for programs */
    get: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody?: never;
      responses: {
        /** OpenAPI 3.1. */
        200: {
          content: {
            "application/json": {
              openapi: "3.1.1";
            };
          };
        };
        /** `If-None-Match` names what would be answered. */
        304: { content?: never };
        500: responses["ServiceInternalServerError"];
      };
    };
  };
  "/status-lists/{list}": {
    /** One bit a login, for verifiers far away */
    get: {
      parameters: { query?: never; header?: never; path: { list: string }; cookie?: never };
      requestBody?: never;
      responses: {
        /** A signed JWT with the compressed list. */
        200: { content: { "application/statuslist+jwt": string } };
        /** `If-None-Match` names what would be answered. */
        304: { content?: never };
        404: responses["ServiceNotFound"];
        429: responses["ServiceTooManyRequests"];
        500: responses["ServiceInternalServerError"];
        503: responses["ServiceServiceUnavailable"];
      };
    };
  };
}
