/** A JSON value, as `JSON.parse` makes it. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

/** What a credential may do, one word a kind of act; a token can never make one that can do more. */
export const SCOPES = [
  "tokens:read",
  "tokens:write",
  "account:read",
  "account:write",
  "actions:issue",
  "actions:run",
  "introspect",
] as const;

export type Scope = (typeof SCOPES)[number];

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The kinds of opaque token: who holds one sends the secret, and we hold a digest of it. */
export type TokenKind = "session" | "api" | "action";

/** One row a kind: how its secret begins, and how long it may live, in seconds. */
export const TOKEN_KINDS = {
  session: { prefix: "lk_ses_", ttlSeconds: HOUR, minTtlSeconds: HOUR, maxTtlSeconds: 30 * DAY },
  api: { prefix: "lk_api_", ttlSeconds: 30 * DAY, minTtlSeconds: MINUTE, maxTtlSeconds: 365 * DAY },
  action: { prefix: "lk_act_", ttlSeconds: HOUR, minTtlSeconds: MINUTE, maxTtlSeconds: 30 * DAY },
} as const satisfies Record<
  TokenKind,
  { prefix: string; ttlSeconds: number; minTtlSeconds: number; maxTtlSeconds: number }
>;

const KINDS = Object.keys(TOKEN_KINDS) as TokenKind[];

/** By its prefix; null for what is no opaque token of ours. */
export function kindOf(secret: string): TokenKind | null {
  return KINDS.find((kind) => secret.startsWith(TOKEN_KINDS[kind].prefix)) ?? null;
}

const SECRET = /(?<![0-9A-Za-z])lk_(?:ses|api|act)_[0-9A-Za-z]{49}(?![0-9A-Za-z])/;

/**
 * The opaque token in what somebody has pasted or scanned: a link, or what a mail program or a sentence has
 * glued on. Without one, the text as it is.
 */
export const tokenIn = (text: string): string => SECRET.exec(text)?.[0] ?? text;

export interface Secrets {
  /** @returns a new secret of the kind, and the id that it is known by */
  create(kind: TokenKind): Promise<{ secret: string; id: string }>;
  /** @returns the id, or null where the text is no well-formed secret of the kind; asks no store */
  idOf(kind: TokenKind, secret: string): Promise<string | null>;
  /** A digest of `text` that no one can test guesses against without the secret. */
  keyedDigest(secret: string, text: string): Promise<string>;
}

/** JWT lifetimes in seconds: simplejwt's defaults, and Opentact's day for `GET /rest/auth`. */
export const JWT_LIFETIMES = {
  access: 5 * MINUTE,
  refresh: DAY,
  auth: DAY,
  /** A JWT got with a JWT never outlives the login behind both by more than this. */
  sinceLogin: 30 * DAY,
} as const;

export const ACTION_MAX_USES = 1_000;

/** How deep API tokens nest: one created with one created with … */
export const API_TOKEN_DEPTH_MAX = 4;

/** How many active API tokens a user has at most. */
export const API_TOKENS_MAX = 1_000;

interface Stored {
  /** UUIDv8 of the token's SHA-256: the KV key, the D1 key, the public `uuid`. */
  readonly id: string;
  readonly userId: string;
  /** The user's credential version when the token was made; another one today means that it was ended. */
  readonly credentialVersion: number;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
  readonly expiresAtMs: number;
}

export interface SessionToken extends Stored {
  readonly kind: "session";
}

export interface ApiToken extends Stored {
  readonly kind: "api";
  /** The user's counter of "end all API tokens" when it was made. */
  readonly apiTokenVersion: number;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Prefix and last four characters, enough to recognise it and too little to use it. */
  readonly hint: string;
  readonly lastUsedAtMs: number | null;
  /** All that it was derived from: revoking or expiring one of them ends this token too. */
  readonly parentIds: readonly string[];
  /** Its successor, once it was rotated with a grace: from then on it can only end sooner. */
  readonly replacedById: string | null;
}

export interface ActionToken extends Stored {
  readonly kind: "action";
  readonly action: string;
  readonly payload: Json;
  /** The only user who may run it, or null. */
  readonly audience: string | null;
  readonly maxUses: number;
  readonly uses: number;
  /** As an API token's. */
  readonly parentIds: readonly string[];
  /** Whether whoever shows it may run it without a caller, for its issuer. */
  readonly runsForIssuer: boolean;
}

export type Token = SessionToken | ApiToken | ActionToken;

/**
 * A refresh token that was just replaced still gets its successor for so long: the answer may have
 * been lost, or two tabs may have asked at once. Later it is taken for stolen.
 */
export const ROTATION_GRACE_SECONDS = 10;

/** How long others may keep our public keys: a new one is in standby for longer than that. */
export const KEYS_MAX_AGE_SECONDS = 300;

/** How old a status list may be where it is cached: revocation reaches offline verifiers in so long. */
export const STATUS_LIST_MAX_AGE_SECONDS = 60;

/** One login on the JWT surface: every refresh token that follows from it, and the access tokens of those. */
export interface RefreshFamily extends Stored {
  readonly kind: "family";
}
