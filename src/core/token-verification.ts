import type { TokenCheckStore } from "./authenticate.ts";
import type { Caller } from "./caller.ts";
import { refuse } from "./fault.ts";
import type { StrictCheckStore } from "./introspection.ts";
import type { Jwts } from "./jwt.ts";
import { enforceRateLimit, type RateLimits } from "./login-throttle.ts";
import { networksOf } from "./networks.ts";
import { mayDo, type Scope, type Scopes } from "./scopes.ts";
import type { ApiToken, Secrets, SessionToken, TokenKind } from "./token.ts";

/** Why a credential is not active: the first of these that applies. */
export const INACTIVE_REASONS = [
  /** Malformed, never issued, or expired so long ago that it is not kept. */
  "unknown",
  /** A refresh JWT, a JWT for another audience, or an action token, which log no one in here. */
  "wrong_kind",
  /** Its user was deleted or disabled. */
  "user_gone",
  "expired",
  /** By itself, with its parent, or with all of its user's. */
  "revoked",
  /** Itself, or a token that it was derived from, which may also be restricted by now. */
  "disabled",
  "ip_not_allowed",
  "scope_missing",
  "remaining_exhausted",
  "rate_limited",
] as const;

export type InactiveReason = (typeof INACTIVE_REASONS)[number];

/** What is left of a token's uses. */
export interface MeterState {
  readonly remaining: number | null;
  readonly max: number | null;
  readonly seconds: number | null;
  /** When the last window began; null before the first charge. */
  readonly startedAtMs: number | null;
  readonly used: number;
}

export interface ChargeRequest {
  /** Names this request among those that charge at the same instant. */
  readonly chargeId: string;
  readonly tokenId: string;
  readonly scopes: readonly Scope[];
  /** 0 only looks. */
  readonly cost: number;
  /** Of the address that the token is used from; empty where that is not known. */
  readonly networks: readonly string[];
  /** The idempotency key of the request, whose it is, and a digest of the request; null without a key. */
  readonly once: {
    readonly callerId: string;
    readonly key: string;
    readonly requestDigest: string;
  } | null;
  readonly nowMs: number;
}

/** The token at the instant of the charge. */
export interface ChargeState {
  readonly token: SessionToken | ApiToken;
  readonly isUserGone: boolean;
  readonly isRevoked: boolean;
  /** Also where only a parent is disabled or restricted. */
  readonly isDisabled: boolean;
  readonly isIpAllowed: boolean;
  readonly hasScopes: boolean;
  /** Whether this request charged. */
  readonly isCharged: boolean;
  /** Afterwards; null for a token that counts nothing. */
  readonly meter: MeterState | null;
  /** The request that first had this key, with what was left after it: this one, or an earlier one. */
  readonly first: { readonly requestDigest: string; readonly meter: MeterState | null } | null;
}

export interface ChargeStore {
  /**
   * Charges an API token if it is active, may be used like this, and has so much left: all in one
   * transaction. A key that was used in the last day charges nothing.
   * @returns null for a token that is not known
   */
  charge(request: ChargeRequest): Promise<ChargeState | null>;
}

export interface Usage {
  readonly scopes: readonly Scope[];
  readonly cost: number;
  readonly ip: string | null;
  readonly idempotencyKey: string | null;
}

/** Times in milliseconds. */
export interface LimitState {
  readonly max: number;
  readonly seconds: number;
  readonly remaining: number;
  /** When the window ends; null where none has begun. */
  readonly resetsAtMs: number | null;
}

interface Counted {
  /** Null where it is not limited. */
  readonly remaining: number | null;
  readonly limit: LimitState | null;
}

export type Verification =
  | ({ readonly active: false; readonly reason: InactiveReason } & Counted)
  | ({
      readonly active: true;
      readonly kind: Exclude<TokenKind, "action"> | "access";
      readonly id: string;
      readonly userId: string;
      readonly scopes: readonly Scope[];
      /** Null for anything but an API token. */
      readonly token: ApiToken | null;
      readonly expiresAtMs: number;
    } & Counted);

export type TokenVerification = ReturnType<typeof tokenVerification>;

interface Deps {
  readonly secrets: Secrets;
  readonly jwts: Jwts;
  readonly store: ChargeStore;
  readonly strict: Pick<StrictCheckStore, "findActiveJwt">;
  readonly tokens: Pick<TokenCheckStore, "touch">;
  readonly limits: RateLimits;
  readonly scopes: Scopes;
}

const NOT_COUNTED: Counted = { remaining: null, limit: null };

const inactive = (reason: InactiveReason, counted = NOT_COUNTED): Verification => ({
  active: false,
  reason,
  ...counted,
});

/** For an API that its users call with our credentials: whether one is active, and charges its use. */
export function tokenVerification({
  secrets,
  jwts,
  store,
  strict,
  tokens,
  limits,
  scopes: table,
}: Deps) {
  async function ofToken(
    id: string,
    shown: string,
    { scopes, cost, ip, idempotencyKey }: Usage,
    by: Caller,
    nowMs: number,
  ): Promise<Verification> {
    const request = JSON.stringify([id, scopes.toSorted(), cost, ip]);
    const once = idempotencyKey !== null && {
      callerId: by.userId,
      key: idempotencyKey,
      requestDigest: await secrets.keyedDigest(shown, request),
    };
    const networks = ip === null ? [] : networksOf(ip);
    const chargeId = crypto.randomUUID();
    const state = await store.charge({
      ...{ chargeId, tokenId: id, scopes, cost, networks, nowMs },
      once: once || null,
    });
    if (state === null) return inactive("unknown");
    const { token, first } = state;
    // guard: charge-key-belongs-to-its-request
    if (once && first !== null && first.requestDigest !== once.requestDigest) {
      return refuse({ code: "idempotency_mismatch" });
    }
    const reason = reasonOf(state, nowMs);
    if (reason !== null) return inactive(reason);
    const meter = first === null ? state.meter : first.meter;
    const counted = meter === null ? NOT_COUNTED : countedIn(meter, nowMs);
    // guard: only-what-was-charged-is-active
    if (cost > 0 && meter !== null && !state.isCharged && first === null) {
      const isExhausted = meter.remaining !== null && meter.remaining < cost;
      return inactive(isExhausted ? "remaining_exhausted" : "rate_limited", counted);
    }
    if (token.kind === "api") tokens.touch(token, nowMs);
    return {
      active: true,
      kind: token.kind,
      id,
      userId: token.userId,
      scopes: table.granted(token.kind === "api" ? token.scopes : null),
      token: token.kind === "api" ? token : null,
      expiresAtMs: token.expiresAtMs,
      ...counted,
    };
  }

  async function ofJwt(shown: string, { scopes }: Usage, nowMs: number): Promise<Verification> {
    const claims = await jwts.verify(shown, nowMs);
    if (claims === null) {
      return inactive((await jwts.hasExpired(shown, nowMs)) ? "expired" : "unknown");
    }
    // guard: verified-jwt-is-for-this-service
    if (claims.type !== "access" || claims.audience !== null) return inactive("wrong_kind");
    if ((await strict.findActiveJwt(claims, nowMs)) === null) return inactive("revoked");
    if (!scopes.every((scope) => mayDo(claims, scope))) return inactive("scope_missing");
    return {
      active: true,
      kind: "access",
      id: claims.jti,
      userId: claims.userId,
      scopes: table.granted(claims.scopes),
      token: null,
      expiresAtMs: claims.expiresAt * 1000,
      ...NOT_COUNTED,
    };
  }

  /**
   * Asks D1, whatever the revocation lag. Only this charges. The same request with the same key charges
   * once; whether the token is still active is asked each time.
   * @throws FaultError `idempotency_mismatch`, `throttled` where the caller asks too often, `unavailable`
   */
  return async (shown: string, usage: Usage, by: Caller, nowMs: number): Promise<Verification> => {
    await enforceRateLimit(limits, "client", by.tokenId ?? by.userId);
    const kind = secrets.kindOf(shown);
    if (kind === null) return ofJwt(shown, usage, nowMs);
    if (kind === "action") return inactive("wrong_kind");
    const id = await secrets.idOf(kind, shown);
    return id === null ? inactive("unknown") : ofToken(id, shown, usage, by, nowMs);
  };
}

function reasonOf(state: ChargeState, nowMs: number): InactiveReason | null {
  if (state.isUserGone) return "user_gone";
  if (state.token.expiresAtMs <= nowMs) return "expired";
  if (state.isRevoked) return "revoked";
  if (state.isDisabled) return "disabled";
  if (!state.isIpAllowed) return "ip_not_allowed";
  return state.hasScopes ? null : "scope_missing";
}

function countedIn(meter: MeterState, nowMs: number): Counted {
  const { remaining, max, seconds, startedAtMs, used } = meter;
  if (max === null || seconds === null) return { remaining, limit: null };
  const endMs = startedAtMs === null ? null : startedAtMs + seconds * 1000;
  const isOpen = endMs !== null && endMs > nowMs;
  const left = isOpen ? Math.max(0, max - used) : max;
  return { remaining, limit: { max, seconds, remaining: left, resetsAtMs: isOpen ? endMs : null } };
}
