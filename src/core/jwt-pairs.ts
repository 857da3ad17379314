import type { TokenCheckStore } from "./authenticate.ts";
import {
  type Authenticated,
  type Caller,
  type CallerRef,
  callerRefOfJwt,
  refuseRestricted,
  type WayIn,
} from "./caller.ts";
import { type JsonObject, type OwnClaims, refreshClaims } from "./claims.ts";
import { refuse } from "./fault.ts";
import type { RevocationStore } from "./introspection.ts";
import {
  attemptedSubjectOf,
  type JwtClaims,
  type Jwts,
  type RefreshClaims,
  refuseJwt,
} from "./jwt.ts";
import { enforceRateLimit, type RateLimits } from "./login-throttle.ts";
import type { PasswordLogin } from "./passwords.ts";
import {
  isOperatorScope,
  mayDoAtOnce,
  type Scope,
  type Scopes,
  withoutOperators,
} from "./scopes.ts";
import { notOpened } from "./sessions.ts";
import { idAt, type Lifetimes, type RefreshFamily } from "./token.ts";
import type { User } from "./user.ts";

export interface Rotation {
  readonly jti: string;
  readonly rotation: number;
  readonly rotatedAtMs: number;
  /** When the family expires: nothing that is derived from it lives longer. */
  readonly familyEndMs: number;
  /** Where it is wanted. */
  readonly user: User | null;
}

/** A caller who is active at this instant. */
export interface Confirmed {
  readonly user: User;
  /** When the token that was shown expires; infinite where none was. */
  readonly endMs: number;
}

/** What revokes a chain: its JWTs, what it was obtained with, and what the user does. */
export type Chain = Pick<
  JwtClaims,
  "fromJti" | "sid" | "parentIds" | "apiTokenVersion" | "loginVersion"
> & { readonly rootJti: string };

export interface RefreshFamilyStore {
  /**
   * In the batch of what is spent for it, if anything is.
   * @returns its index in the status lists, and the account after that; null where that is no longer active, or
   *   nothing was spent
   */
  insertFamily(
    family: RefreshFamily,
    who: Authenticated,
    way: WayIn,
  ): Promise<{ readonly statusIndex: number; readonly user: User } | null>;
  /**
   * Replaces the family's refresh token by one that `jti` names (RFC 9700 section 4.14.2). All who race
   * for ROTATION_GRACE_SECONDS get the same successor; anyone later revokes the family.
   * @returns null where the family is not active, or not any more
   */
  rotateFamily(
    claims: RefreshClaims,
    jti: string,
    nowMs: number,
    wantsUser: boolean,
  ): Promise<Rotation | null>;
  /**
   * Whether a credential that expires at `untilSeconds` may be derived from it. Asks no store where
   * that is within the revocation lag, counted from the JWT's own issue: a revocation since then
   * need not be known yet. Always asks where the user is wanted.
   * @returns null where it may not
   */
  isActiveUntil(
    claims: RefreshClaims,
    untilSeconds: number,
    nowMs: number,
    wantsUser: boolean,
  ): Promise<{ readonly user: User | null } | null>;
  /**
   * Asks D1 whatever the revocation lag: nothing issues a credential on an older answer.
   * @returns null where the caller is no longer active
   */
  confirm(
    caller: CallerRef & { readonly user: User | null },
    nowMs: number,
  ): Promise<Confirmed | null>;
  /**
   * The same, and the index of the chain in the status lists: one for each chain and credential version. Its row is
   * kept until the last JWT that it was listed for expires.
   */
  listChain(
    chain: Chain,
    untilMs: number,
    caller: CallerRef,
    nowMs: number,
  ): Promise<(Confirmed & { readonly statusIndex: number }) | null>;
  /** Notes that a JWT was obtained: once an hour for each log-in, after the answer. */
  noteIssued(caller: CallerRef, jti: string, nowMs: number): void;
}

export type JwtPairs = ReturnType<typeof jwtPairs>;

interface Deps {
  readonly login: PasswordLogin;
  readonly tokens: RefreshFamilyStore &
    Pick<TokenCheckStore, "findActiveJwt" | "noteLogin"> &
    Pick<RevocationStore, "revokeJwt">;
  readonly jwts: Jwts;
  readonly limits: RateLimits;
  /** Whether a refresh JWT is replaced on each use. */
  readonly rotates: boolean;
  readonly scopes: Scopes;
  readonly lifetimes: Lifetimes;
  /** Who a JWT may be for beside this service itself. */
  readonly audiences: readonly string[];
  readonly issuer: string;
  /** Null where the deployment has no claims of its own. */
  readonly ownClaims: OwnClaims | null;
}

/** How long an exchanged JWT lives where the request does not say. */
const EXCHANGED_SECONDS = 3_600;

/** What of a caller's power a JWT gets. */
export interface Narrowing {
  /** The issuer or one of the deployment's audiences. */
  readonly audience: string;
  /** Null: all that the caller has. */
  readonly scopes: readonly Scope[] | null;
  /** At most as long as the JWT of `GET /rest/auth`. Null: an hour. */
  readonly ttlSeconds: number | null;
}

export interface IssuedJwt {
  readonly jwt: string;
  readonly user: User;
  readonly scopes: readonly Scope[];
  readonly ttlSeconds: number;
}

export type JwtPair = { readonly refresh: string; readonly access: string };

/** simplejwt's pair of a refresh JWT and short-lived access JWTs; and the JWT of `GET /rest/auth`. */
export function jwtPairs({
  login,
  tokens,
  jwts,
  limits,
  rotates,
  scopes,
  lifetimes,
  audiences,
  issuer,
  ownClaims,
}: Deps) {
  /**
   * `iat` and `exp`, whole seconds rounded down. A log-in has an absolute end, however often it is
   * refreshed; where a setting moved that into the past, nothing is issued any more.
   */
  function lifetime(
    type: "access" | "refresh" | "auth",
    fromMs: number,
    {
      authTime,
      loginAt,
      apiTokenVersion,
    }: Pick<JwtClaims, "authTime" | "loginAt" | "apiTokenVersion">,
    endsAt = Number.POSITIVE_INFINITY,
  ) {
    const issuedAt = Math.floor(fromMs / 1000);
    // What was obtained with an API token is no log-in: it ends with that.
    const loginEnd = apiTokenVersion === null ? (loginAt ?? authTime) + lifetimes.login : endsAt;
    // guard: log-in-has-an-absolute-expiry
    const expiresAt = Math.min(issuedAt + lifetimes[type], loginEnd, endsAt);
    if (expiresAt <= issuedAt) refuse({ code: "token_invalid" });
    return { issuedAt, expiresAt };
  }

  const accessFrom = (refresh: RefreshClaims, own: JsonObject, nowMs: number): Promise<string> =>
    jwts.sign(
      {
        ...refresh,
        type: "access",
        jti: crypto.randomUUID(),
        rotation: null,
        // An access JWT never outlives the refresh JWT that it was obtained with.
        ...lifetime("access", nowMs, refresh, refresh.endsAt),
      },
      own,
    );

  const wantsUser = ownClaims !== null;
  const ownOf = (user: User | null): JsonObject => {
    if (ownClaims === null) return {};
    if (user === null) throw new Error("claims need a user");
    return ownClaims(user, null, null);
  };

  type Issue = Origin &
    Pick<
      JwtClaims,
      "jti" | "issuedAt" | "expiresAt" | "audience" | "statusIndex" | "scopes" | "endsAt"
    >;

  async function signFor(caller: Caller, user: User, issue: Issue): Promise<string> {
    const mayDoAll = scopes.names.every((name) => issue.scopes?.includes(name) ?? true);
    const claims = {
      type: "access" as const,
      userId: user.id,
      credentialVersion: caller.credentialVersion,
      ...issue,
      // The others of its chain may live longer; a new chain has no others.
      chainEndsAt: issue.rootJti === issue.jti ? issue.endsAt : issue.chainEndsAt,
      rotation: null,
      // A client that reads the role but not the scope must not mistake a narrow token for its user.
      role: mayDoAll ? user.role : null,
    };
    const own = ownClaims === null ? {} : ownClaims(user, issue.scopes, issue.audience);
    const jwt = await jwts.sign(claims, own);
    // The use of an API token is noted wherever it is shown.
    const isApiToken = caller.by.method === "token" && caller.by.token.kind === "api";
    if (!isApiToken) tokens.noteIssued(caller, issue.jti, issue.issuedAt * 1000);
    return jwt;
  }

  /**
   * A pair of a user who has just authenticated.
   * @throws FaultError `credentials_wrong` where their credentials were spent or revoked meanwhile, `unavailable`
   */
  async function open(who: Authenticated, way: WayIn, nowMs: number): Promise<JwtPair> {
    const authTime = Math.floor(nowMs / 1000);
    const issued = lifetime("refresh", nowMs, { authTime, loginAt: null, apiTokenVersion: null });
    // By its expiry, which is how housekeeping finds it.
    const sid = idAt(issued.expiresAt * 1000);
    const family = {
      kind: "family" as const,
      id: sid,
      userId: who.id,
      credentialVersion: who.credentialVersion,
      createdAtMs: nowMs,
      modifiedAtMs: nowMs,
      expiresAtMs: issued.expiresAt * 1000,
    };
    const opened = await tokens.insertFamily(family, who, way);
    if (opened === null) return refuse(notOpened(who));
    const { statusIndex, user } = opened;
    const own = ownOf(user);
    const refresh: RefreshClaims = {
      type: "refresh",
      jti: crypto.randomUUID(),
      userId: who.id,
      credentialVersion: who.credentialVersion,
      sid,
      parentIds: [],
      apiTokenVersion: null,
      loginVersion: null,
      rootJti: null,
      fromJti: null,
      rotation: 0,
      authTime,
      loginAt: null,
      ...issued,
      endsAt: issued.expiresAt,
      chainEndsAt: issued.expiresAt,
      audience: null,
      role: null,
      statusIndex,
      scopes: null,
    };
    return {
      refresh: await jwts.sign(refresh, refreshClaims(own)),
      access: await accessFrom(refresh, own, nowMs),
    };
  }

  return {
    open,

    /** @throws FaultError `credentials_wrong`, `otp_required`, `throttled`, `unavailable` */
    async obtain(
      email: string,
      password: string,
      otp: string | null,
      nowMs: number,
    ): Promise<JwtPair> {
      return open(await login(email, password, otp, nowMs), "password", nowMs);
    },

    /**
     * A new access JWT; with rotation also a new refresh JWT, and the one shown is spent.
     * @throws FaultError `token_invalid`, `token_wrong_type` for an access JWT, `throttled`,
     *   `unavailable`
     */
    async refresh(jwt: string, nowMs: number): Promise<Pick<JwtPair, "access"> | JwtPair> {
      await enforceRateLimit(limits, "token");
      const claims = await jwts.verify(jwt, nowMs);
      if (claims === null) return refuseJwt(jwts, jwt, nowMs);
      const attempted = attemptedSubjectOf(claims);
      if (!isRefresh(claims)) return refuse({ code: "token_wrong_type" });
      const { expiresAt } = lifetime("access", nowMs, claims, claims.endsAt);
      if (rotates) {
        const rotation = await tokens.rotateFamily(claims, crypto.randomUUID(), nowMs, wantsUser);
        if (rotation === null) return refuse({ code: "token_invalid", attempted });
        const { jti, rotatedAtMs, familyEndMs, user } = rotation;
        // The family's row decides: another version, with other lifetimes, may have rotated it.
        const familyEnd = Math.floor(familyEndMs / 1000);
        // guard: refresh-jwt-expires-with-its-family
        const issued = lifetime("refresh", rotatedAtMs, claims, familyEnd);
        const next: RefreshClaims = {
          ...claims,
          jti,
          rotation: rotation.rotation,
          ...issued,
          endsAt: issued.expiresAt,
          chainEndsAt: issued.expiresAt,
        };
        const own = ownOf(user);
        const access = await accessFrom(next, own, nowMs);
        return { refresh: await jwts.sign(next, refreshClaims(own)), access };
      }
      const active = await tokens.isActiveUntil(claims, expiresAt, nowMs, wantsUser);
      if (active === null) return refuse({ code: "token_invalid", attempted });
      const own = ownOf(active.user);
      const access = await accessFrom(claims, own, nowMs);
      if (claims.isLegacy !== true) return { access };
      const issued = lifetime("refresh", nowMs, claims, claims.endsAt);
      const refresh = { ...claims, jti: crypto.randomUUID(), ...issued };
      return { refresh: await jwts.sign(refresh, refreshClaims(own)), access };
    },

    /**
     * Revokes a refresh JWT, and with it everything that was derived from its log-in.
     * @throws FaultError `token_invalid`, `token_wrong_type` for an access JWT, `throttled`,
     *   `unavailable`
     */
    async revoke(jwt: string, nowMs: number): Promise<void> {
      await enforceRateLimit(limits, "token");
      const claims = await jwts.verify(jwt, nowMs);
      if (claims === null) return refuseJwt(jwts, jwt, nowMs);
      if (!isRefresh(claims)) return refuse({ code: "token_wrong_type" });
      const wasActive = await tokens.revokeJwt(claims, callerRefOfJwt(claims), nowMs);
      if (!wasActive) refuse({ code: "token_invalid", attempted: attemptedSubjectOf(claims) });
    },

    /**
     * Any JWT of ours, as simplejwt's UntypedToken.
     * @param clientId of a backend that asks for its users: rate-limited by this instead of by its network
     * @throws FaultError `token_invalid`, `throttled`, `unavailable`
     */
    async verify(jwt: string, clientId: string | null, nowMs: number): Promise<void> {
      await (clientId === null
        ? enforceRateLimit(limits, "token")
        : enforceRateLimit(limits, "client", clientId));
      const claims = await jwts.verify(jwt, nowMs);
      if (claims === null || (await tokens.findActiveJwt(claims, nowMs)) === null) {
        refuse({ code: "token_invalid" });
      }
    },

    /**
     * The JWT of `GET /rest/auth`. It never outlives what it was obtained with, through any number of
     * steps, and is revoked with it. Whether the caller is active is asked again, whatever the lag.
     * @throws FaultError `token_invalid`, `derivation_refused`, `unavailable`
     */
    async forCaller(caller: Caller, nowMs: number): Promise<{ jwt: string; user: User }> {
      refuseRestricted(caller);
      const { by } = caller;
      const isLogIn = by.method !== "token" && by.method !== "jwt" && caller.user !== null;
      const confirmed = isLogIn
        ? { user: caller.user, endMs: Number.POSITIVE_INFINITY }
        : await tokens.confirm(caller, nowMs);
      if (confirmed === null) return refuse({ code: "token_invalid" });
      if (isLogIn) tokens.noteLogin(caller.userId, by.method, nowMs);
      const { user, endMs } = confirmed;
      const issuedAt = Math.floor(nowMs / 1000);
      const jti = crypto.randomUUID();
      const origin = originOf(caller, user.loginVersion, jti, issuedAt, lifetimes.login);
      const endsAt = Math.min(origin.endsAt, Math.floor(endMs / 1000));
      // A token's are written even if they are all that there are: its JWT must not gain what is added later.
      // guard: jwt-keeps-its-scopes
      const granted = caller.scopes === null ? null : scopes.granted(caller.scopes);
      const jwt = await signFor(caller, user, {
        ...origin,
        jti,
        endsAt,
        // guard: jwt-expires-with-its-parent
        ...lifetime("auth", nowMs, origin, endsAt),
        audience: null,
        statusIndex: by.method === "jwt" ? by.claims.statusIndex : null,
        scopes: granted,
      });
      return { jwt, user };
    },

    /**
     * A JWT for one audience that can do less, and ends sooner, than the credential that it is obtained with (RFC
     * 8693). Its chain is in a status list, and nothing that is derived from it outlives it.
     * @throws FaultError `audience_unknown`, `scope_exceeded`, `derivation_refused`, `token_invalid`,
     *   `unavailable`
     */
    async narrowed(caller: Caller, wanted: Narrowing, nowMs: number): Promise<IssuedJwt> {
      refuseRestricted(caller);
      if (wanted.audience !== issuer && !audiences.includes(wanted.audience)) {
        return refuse({ code: "audience_unknown" });
      }
      const beyond = wanted.scopes?.find(
        (scope) => !mayDoAtOnce(caller, scope) || !scopes.isKnown(scope),
      );
      // guard: exchange-widens-no-scope
      if (beyond !== undefined) return refuse({ code: "scope_exceeded", scope: beyond });
      const operators = wanted.scopes?.find(isOperatorScope);
      if (operators !== undefined) {
        const confirmed = await tokens.confirm(caller, nowMs);
        if (confirmed === null) return refuse({ code: "token_invalid" });
        if (confirmed.user.role !== "Admin") refuse({ code: "scope_exceeded", scope: operators });
      }
      const granted = wanted.scopes ?? withoutOperators(scopes.granted(caller.scopes));
      if (granted.length === 0) return refuse({ code: "scope_exceeded", scope: "" });
      const issuedAt = Math.floor(nowMs / 1000);
      const jti = crypto.randomUUID();
      const loginVersion = caller.user?.loginVersion ?? 0;
      const origin = originOf(caller, loginVersion, jti, issuedAt, lifetimes.login);
      const longest = lifetime("auth", nowMs, origin, origin.endsAt).expiresAt;
      // guard: exchange-expires-with-its-parent
      const untilSeconds = Math.min(issuedAt + (wanted.ttlSeconds ?? EXCHANGED_SECONDS), longest);
      const listed = await tokens.listChain(origin, untilSeconds * 1000, caller, nowMs);
      if (listed === null) return refuse({ code: "token_invalid" });
      const { user, endMs, statusIndex } = listed;
      const expiresAt = Math.min(untilSeconds, Math.floor(endMs / 1000));
      const jwt = await signFor(caller, user, {
        ...origin,
        // As it is now, which may be later than when the caller was checked.
        loginVersion: origin.loginVersion === null ? null : user.loginVersion,
        jti,
        issuedAt,
        expiresAt,
        // Nothing that is derived from it lives longer.
        endsAt: expiresAt,
        audience: wanted.audience === issuer ? null : wanted.audience,
        statusIndex,
        scopes: granted,
      });
      return { jwt, user, scopes: granted, ttlSeconds: expiresAt - issuedAt };
    },
  };
}

function isRefresh(claims: JwtClaims): claims is RefreshClaims {
  // guard: only-refresh-jwts-refresh
  return claims.type === "refresh" && claims.sid !== null && claims.rotation !== null;
}

type Origin = Chain & Pick<JwtClaims, "authTime" | "loginAt" | "endsAt" | "chainEndsAt">;

const bounded = (endsAt: number) => ({ endsAt, chainEndsAt: endsAt });

/** @param jti of the JWT to be issued: the first of a chain names the chain */
function originOf(
  { by, authTimeMs }: Caller,
  loginVersion: number,
  jti: string,
  nowSeconds: number,
  loginSeconds: number,
): Origin {
  const none = { sid: null, parentIds: [], apiTokenVersion: null, loginVersion: null };
  // Never later than the user logged in, or a thief's credential would become fresh by being exchanged.
  // guard: jwt-is-no-fresher-than-its-log-in
  const authTime = Math.min(nowSeconds, Math.floor(authTimeMs / 1000));
  const first = { ...none, rootJti: jti, fromJti: null, authTime, loginAt: null };
  switch (by.method) {
    case "token": {
      const { token } = by;
      return {
        ...first,
        sid: token.id,
        // guard: jwt-keeps-its-tokens-version
        ...(token.kind === "api" && {
          parentIds: token.parentIds,
          apiTokenVersion: token.apiTokenVersion,
        }),
        // guard: chain-expires-with-its-token
        ...bounded(Math.floor(token.expiresAtMs / 1000)),
      };
    }
    case "jwt": {
      const { rootJti, fromJti, ...claims } = by.claims;
      const { sid, parentIds, apiTokenVersion, loginAt, endsAt, chainEndsAt } = claims;
      const bounds = { authTime: claims.authTime, loginAt, endsAt, chainEndsAt };
      const kept = {
        sid,
        parentIds,
        apiTokenVersion,
        loginVersion: claims.loginVersion,
        ...bounds,
      };
      // guard: chain-has-one-root
      return rootJti === null
        ? { ...kept, rootJti: jti, fromJti: by.claims.jti }
        : { ...kept, rootJti, fromJti };
    }
    // A log-in: with a password, or whatever else opens the account.
    default:
      return {
        ...first,
        loginVersion,
        loginAt: authTime === nowSeconds ? null : nowSeconds,
        ...bounded(nowSeconds + loginSeconds),
      };
  }
}
