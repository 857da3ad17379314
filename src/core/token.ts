import type { Scope } from "./scopes.ts";

/** A JSON value, as `JSON.parse` makes it. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

export type JsonObject = { readonly [key: string]: Json };

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The kinds of opaque token, by the code in each secret: the client sends the secret, and we store a digest of it. */
export const TOKEN_KINDS = { session: "ses", api: "api", action: "act" } as const;

export type TokenKind = keyof typeof TOKEN_KINDS;

/** How long a token may live for which its creator says so with `ttl`, in seconds. */
export const TTL_SECONDS = {
  api: { default: 30 * DAY, min: MINUTE, max: 365 * DAY },
  action: { default: HOUR, min: MINUTE, max: 30 * DAY },
} as const;

/**
 * A UUID of version 8 (RFC 9562 section 5.8) that sorts by a time, so that storage finds rows by it without an index.
 * It is no secret: 74 of its bits are random.
 */
export const idAt = (timeMs: number): string => `${timeOf(timeMs)}${crypto.randomUUID().slice(15)}`;

/** The first of all ids of this time. */
export const firstIdAt = (timeMs: number): string => `${timeOf(timeMs)}000-8000-000000000000`;

function timeOf(timeMs: number): string {
  const time = Math.max(0, Math.floor(timeMs)).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-8`;
}

/** No credential lives longer, whatever the settings: what reminds of a revoked one is kept for so long. */
export const LONGEST_LIFE_SECONDS = TTL_SECONDS.api.max;

/**
 * How long all others live, in seconds: settings, which may differ in a version that runs beside this one.
 * So what is asked of an issued credential is its own expiry, and never these.
 */
export interface Lifetimes {
  readonly access: number;
  readonly refresh: number;
  /** The JWT of `GET /rest/auth`. */
  readonly auth: number;
  /** A session, counted from its creation and from each extension. */
  readonly session: number;
  /** From a log-in, however often it is refreshed or extended: at most `LONGEST_LIFE_SECONDS`. */
  readonly login: number;
}

export interface Secrets {
  /** @returns a new secret of the kind, and the id that it is known by */
  create(kind: TokenKind): Promise<{ secret: string; id: string }>;
  /** @returns the id, or null where the text is no well-formed secret of the kind; asks no store */
  idOf(kind: TokenKind, secret: string): Promise<string | null>;
  /** By its prefix; null for anything but an opaque token of ours. Asks no store. */
  kindOf(secret: string): TokenKind | null;
  /**
   * The opaque token in a text that someone pasted or scanned: a link, or with characters that a mail
   * program or a sentence attached. Without one, the text as it is.
   */
  tokenIn(text: string): string;
  /** A digest of `text` that no one can test guesses against without the secret. */
  keyedDigest(secret: string, text: string): Promise<string>;
}

/** @returns the id of an opaque token of any kind; null for anything else. Asks no store. */
export async function opaqueIdOf(secrets: Secrets, text: string): Promise<string | null> {
  const kind = secrets.kindOf(text);
  return kind === null ? null : secrets.idOf(kind, text);
}

/** The secret that a form was given before, so that sending it twice creates one token; otherwise a new one. */
export async function requestedOrNew(
  secrets: Secrets,
  kind: TokenKind,
  requestedSecret: string | null,
): Promise<{ secret: string; id: string }> {
  const id = requestedSecret === null ? null : await secrets.idOf(kind, requestedSecret);
  return requestedSecret === null || id === null
    ? secrets.create(kind)
    : { secret: requestedSecret, id };
}

export const ACTION_MAX_USES = 1_000;

/** How deep API tokens nest: one created with one created with … */
export const API_TOKEN_DEPTH_MAX = 4;

/** How many active API tokens a user has at most. */
export const API_TOKENS_MAX = 1_000;

interface Stored {
  /** UUIDv8 of the token's SHA-256: the KV key, the D1 key, the public `uuid`. */
  readonly id: string;
  readonly userId: string;
  /** The user's credential version when the token was created; a different one now means that it is revoked. */
  readonly credentialVersion: number;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
  readonly expiresAtMs: number;
}

export interface SessionToken extends Stored {
  readonly kind: "session";
  /** When its user last proved who they are: at the log-in, or later on a page that asked again. */
  readonly authenticatedAtMs: number;
}

export interface ApiToken extends Stored {
  readonly kind: "api";
  /** The user's counter of "revoke all API tokens" when it was created. */
  readonly apiTokenVersion: number;
  readonly name: string;
  /** As it was created; `Scopes.granted` says which of them still grant something. */
  readonly scopes: readonly Scope[];
  /** Prefix and last four characters: enough to recognize it, too little to use it. */
  readonly hint: string;
  readonly lastUsedAtMs: number | null;
  /** All that it was derived from: if one of them is revoked or expires, so is this token. */
  readonly parentIds: readonly string[];
  /** Its successor, once it was rotated with a grace period: from then on it can only expire sooner. */
  readonly replacedById: string | null;
  /** The adopter's own facts about it: a JSON object. */
  readonly metadata: Json;
  /** While it is not, it is refused, with all that was derived from it. */
  readonly isEnabled: boolean;
  /** Null for a token that may be used anywhere and any number of times. */
  readonly restrictions: TokenRestrictions | null;
}

/**
 * A token that has one is never copied or cached, so that each check asks D1, and nothing can be derived
 * from it: a copy or a JWT could be used more often, or elsewhere.
 */
export interface TokenRestrictions {
  /** How much may still be charged in all. Shared with its successors and predecessors by rotation. */
  readonly remaining: number | null;
  /** How much may be charged in a window of time. Shared as `remaining`. */
  readonly limit: { readonly max: number; readonly seconds: number } | null;
  /** The networks that it may be used from, as `normalizedNetwork` spells them. */
  readonly allowedIps: readonly string[] | null;
}

/** Its prefix and last four characters: enough to recognize a secret, too little to use it. */
export const hintOf = (secret: string): string =>
  `${secret.slice(0, secret.lastIndexOf("_") + 1)}…${secret.slice(-4)}`;

/** Bounds of what an API token may be given. */
export const API_TOKEN_LIMITS = {
  metadataBytes: 4_096,
  remaining: 1_000_000_000,
  limitMax: 1_000_000_000,
  limitSeconds: 30 * DAY,
  allowedIps: 50,
  cost: 1_000_000,
} as const;

export interface ActionToken extends Stored {
  readonly kind: "action";
  readonly action: string;
  readonly payload: Json;
  /** The only user who may run it, or null. */
  readonly audience: string | null;
  readonly maxUses: number;
  readonly uses: number;
  /** As of an API token. */
  readonly parentIds: readonly string[];
  /** Whether anyone who shows it may run it without a caller, for its issuer. */
  readonly runsForIssuer: boolean;
}

export type Token = SessionToken | ApiToken | ActionToken;

/** What its owner may be shown of it. @param granted those of its scopes that still grant something */
export function membersOf(
  token: Token,
  granted: (scopes: readonly Scope[]) => readonly Scope[],
): JsonObject {
  switch (token.kind) {
    case "session":
      return {};
    case "api":
      return {
        name: token.name,
        hint: token.hint,
        scopes: granted(token.scopes),
        metadata: token.metadata,
        ...(token.restrictions !== null && {
          remaining: token.restrictions.remaining,
          limit: token.restrictions.limit,
          allowed_ips: token.restrictions.allowedIps,
        }),
        last_used: token.lastUsedAtMs === null ? null : new Date(token.lastUsedAtMs).toISOString(),
      };
    case "action": {
      const { action, payload, audience, uses, maxUses } = token;
      return { action, payload, audience, uses, max_uses: maxUses };
    }
  }
}

/**
 * A refresh token that was just replaced still gets its successor for so long: the answer may have been
 * lost, or two tabs may have asked at once. After that it counts as stolen.
 */
export const ROTATION_GRACE_SECONDS = 10;

/** How long others may cache our public keys: a new key is in standby for longer than that. */
export const KEYS_MAX_AGE_SECONDS = 300;

/** How long a status list may be cached, and so how late offline verifiers learn of a revocation. */
export const STATUS_LIST_MAX_AGE_SECONDS = 60;

/** One log-in with JWTs: every refresh token that follows from it, and their access tokens. */
export interface RefreshFamily extends Stored {
  readonly kind: "family";
}
