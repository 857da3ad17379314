import type {
  ApiTokenQuery,
  ApiTokenSearchStore,
  ListedToken,
  OwnApiToken,
  TokenDetails,
  TokenSearch,
} from "./api-token-search.ts";
import type { TokenCheckStore } from "./authenticate.ts";
import {
  type Caller,
  type CallerRef,
  type Derivation,
  derivationOf,
  isFresh,
  isPowerful,
  parentsOf,
  refuseStale,
  requireFresh,
} from "./caller.ts";
import { refuse } from "./fault.ts";
import type { RevocationStore } from "./introspection.ts";
import type { Jwts } from "./jwt.ts";
import type { Notices } from "./notices.ts";
import { requireRoom, type Room } from "./room.ts";
import type { Page, PageRequest } from "./page.ts";
import {
  type Grant,
  isAllPowerful,
  isOperatorScope,
  mayDoAtOnce,
  type Scope,
  type Scopes,
  withoutOperators,
} from "./scopes.ts";
import { statusOf } from "./token-diagnosis.ts";
import {
  type ApiToken,
  hintOf,
  type Json,
  requestedOrNew,
  type Secrets,
  TTL_SECONDS,
  type TokenRestrictions,
} from "./token.ts";
import { UUID } from "./text.ts";

/** What an API token may be given, beside its name; null takes it away. */
export interface ApiTokenMembers {
  readonly metadata?: Json;
  readonly enabled?: boolean;
  readonly remaining?: number | null;
  readonly limit?: TokenRestrictions["limit"];
  readonly allowedIps?: readonly string[] | null;
}

export interface ApiTokenChange extends ApiTokenMembers {
  readonly name?: string;
  readonly expiresAtMs?: number;
}

/** Why a caller may derive nothing. */
export type DerivationRefusal = "caller_gone" | "replaced" | "too_deep" | "too_many";

export interface ApiTokenStore {
  /**
   * Operators' scopes only for one who is an operator at that instant.
   * @param isExempt false where an account that has a second factor gets none: `not_fresh`
   * @returns the token's final form; `taken` where there is a token of that secret already
   */
  insertApiToken(
    token: ApiToken,
    caller: CallerRef,
    derivation: Derivation,
    isExempt: boolean,
  ): Promise<ApiToken | DerivationRefusal | "taken" | "not_fresh" | "not_operator">;
  /** One of the caller's own that was not revoked, disabled or not. Asks D1. */
  findOwnApiToken(id: string, caller: CallerRef, nowMs: number): Promise<ApiToken | null>;
  /** Those that were not revoked, also where they are disabled. */
  listApiTokens(caller: CallerRef, page: PageRequest, nowMs: number): Promise<Page<ApiToken>>;
  /**
   * @param limits what the caller may grant: no later expiry, and no scope that it does not have. Where it is
   *   not `isExempt`, an account that has a second factor gets no later expiry than the token has: `not_fresh`
   * @returns why nothing was changed, if so
   */
  changeApiToken(
    id: string,
    caller: CallerRef,
    change: ApiTokenChange,
    limits: Pick<Derivation, "endMs" | "parentIds"> & {
      readonly scopes: Grant;
      readonly isExempt: boolean;
    },
    nowMs: number,
  ): Promise<
    ApiToken | "not_found" | "not_fresh" | "replaced" | "outlives" | { readonly beyond: Scope }
  >;
  /** @returns the token for exactly one of many callers */
  revokeApiToken(id: string, caller: CallerRef, nowMs: number): Promise<ApiToken | null>;
  /** All of the caller's, in one statement. @returns false where the caller is no longer active */
  revokeApiTokens(caller: CallerRef, nowMs: number): Promise<boolean>;
  /**
   * Replaces an API token by `next`, which takes all that it has, and its expiry unless `next` has an
   * earlier one. Both share what they may be charged. The old one expires at `oldEndsAtMs`, and never later than it would have.
   * @param derivation of anything that the caller derives: none of its parents may have been replaced
   * @returns why nothing was changed, if so; `taken` where there is a token of that secret already
   */
  rotateApiToken(
    id: string,
    next: Pick<ApiToken, "id" | "hint" | "parentIds"> & { readonly endMs: number },
    caller: CallerRef,
    derivation: Derivation,
    oldEndsAtMs: number,
    nowMs: number,
  ): Promise<ApiToken | "not_found" | "replaced" | "too_deep" | "taken">;
}

/** What `revoke` revoked: an API token, or one of the caller's own JWTs. */
export interface RevokedToken {
  readonly name: string | null;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
  readonly expiresAtMs: number;
}

export interface NewApiToken extends ApiTokenMembers {
  readonly name: string;
  readonly ttlSeconds: number | null;
  /** Null: all that the caller has. */
  readonly scopes: Grant;
}

/** The secret is never shown again. */
export interface IssuedApiToken {
  readonly token: ApiToken;
  readonly secret: string;
  /** The same form was sent before, and this is the token that it created. */
  readonly isRepeated?: true;
}

const restrictionsOf = (members: ApiTokenMembers): TokenRestrictions | null => {
  const { remaining = null, limit = null, allowedIps = null } = members;
  return remaining === null && limit === null && allowedIps === null
    ? null
    : { remaining, limit, allowedIps };
};

/** A token can never create one with more scopes than its own. @throws FaultError `scope_exceeded` */
function mayGive(caller: Caller, scopes: readonly Scope[]): void {
  const beyond = scopes.find((scope) => !mayDoAtOnce(caller, scope));
  // guard: scopes-are-never-exceeded
  if (beyond !== undefined) refuse({ code: "scope_exceeded", scope: beyond });
}

function refuseDerived(why: DerivationRefusal): never {
  return refuse(
    why === "caller_gone" ? { code: "token_invalid" } : { code: "derivation_refused", reason: why },
  );
}

/**
 * The parents of a rotated token's successor: those of the old one if it rotates itself, or a person
 * rotates it. Any other token that rotates it becomes a parent too.
 */
function successorOf(caller: Caller, old: ApiToken): Pick<Derivation, "parentIds" | "endMs"> {
  const { by } = caller;
  const isItself = caller.tokenId === old.id || (by.method === "jwt" && by.claims.sid === old.id);
  if (isItself) return { parentIds: old.parentIds, endMs: old.expiresAtMs };
  const { parentIds, endMs } = derivationOf(caller);
  return { parentIds: [...new Set([...old.parentIds, ...parentIds])], endMs };
}

export type ApiTokens = ReturnType<typeof apiTokens>;

interface Deps {
  readonly tokens: ApiTokenStore &
    Pick<TokenCheckStore, "findActive"> &
    Pick<RevocationStore, "revokeJwt">;
  readonly search: ApiTokenSearchStore;
  readonly secrets: Secrets;
  readonly jwts: Jwts;
  readonly notices: Pick<Notices, "tell">;
  readonly scopes: Scopes;
  readonly room: Room;
}

/** Named tokens for programs, by the rest-tokens contract. */
export function apiTokens({ tokens, search, secrets, jwts, notices, scopes: table, room }: Deps) {
  const withGranted = (token: ApiToken): ApiToken => ({
    ...token,
    scopes: table.granted(token.scopes),
  });

  const toListed = (own: OwnApiToken, nowMs: number): ListedToken => ({
    token: withGranted(own.token),
    status: statusOf(own, nowMs),
    revokedAtMs: own.revokedAtMs,
  });

  async function revokeJwt(
    jwt: string,
    caller: Caller,
    nowMs: number,
  ): Promise<RevokedToken | null> {
    const claims = await jwts.verifyToRevoke(jwt, nowMs);
    if (claims?.userId !== caller.userId) return null;
    if (!(await tokens.revokeJwt(claims, caller, nowMs))) return null;
    const createdAtMs = claims.issuedAt * 1000;
    const expiresAtMs = claims.expiresAt * 1000;
    return { name: null, createdAtMs, modifiedAtMs: createdAtMs, expiresAtMs };
  }

  /** The token that the same form created before; null where there is none, or it is another's or not active. */
  async function earlier(
    caller: Caller,
    requestedSecret: string | null,
    nowMs: number,
  ): Promise<IssuedApiToken | null> {
    const id = requestedSecret === null ? null : await secrets.idOf("api", requestedSecret);
    const found =
      requestedSecret === null || id === null ? null : await tokens.findActive(id, nowMs);
    return requestedSecret !== null &&
      found?.token.kind === "api" &&
      found.token.userId === caller.userId
      ? { token: withGranted(found.token), secret: requestedSecret, isRepeated: true }
      : null;
  }

  return {
    /** A secret for a form to send back, so that sending the form twice creates one token. */
    newSecret: async (): Promise<string> => (await secrets.create("api")).secret,

    /**
     * One that is created with an API token, or with a JWT that was obtained with one, expires no later
     * than that and is revoked with it. On an account that has a second factor, a powerful one needs a fresh log-in.
     * @param requestedSecret from `newSecret`: if its token was created before, that one is returned
     * @returns the token, and the secret that is never shown again
     * @throws FaultError `scope_exceeded`, `derivation_refused`, `login_not_fresh`, `token_invalid`,
     *   `storage_full`, `unavailable`
     */
    async create(
      caller: Caller,
      { name, ttlSeconds, scopes, ...members }: NewApiToken,
      nowMs: number,
      requestedSecret: string | null = null,
    ): Promise<IssuedApiToken> {
      requireRoom(room);
      mayGive(caller, scopes ?? []);
      const derivation = derivationOf(caller);
      const { secret, id } = await requestedOrNew(secrets, "api", requestedSecret);
      const expiresAtMs = Math.min(
        nowMs + (ttlSeconds ?? TTL_SECONDS.api.default) * 1000,
        derivation.endMs,
      );
      const given = scopes ?? withoutOperators(caller.scopes ?? table.names);
      const token = await tokens.insertApiToken(
        {
          kind: "api",
          id,
          userId: caller.userId,
          credentialVersion: caller.credentialVersion,
          apiTokenVersion: 0,
          createdAtMs: nowMs,
          modifiedAtMs: nowMs,
          expiresAtMs,
          name,
          scopes: given,
          hint: hintOf(secret),
          lastUsedAtMs: null,
          parentIds: derivation.parentIds,
          replacedById: null,
          metadata: members.metadata ?? {},
          isEnabled: members.enabled ?? true,
          restrictions: restrictionsOf(members),
        },
        caller,
        derivation,
        isFresh(caller, nowMs) || !isPowerful(given, expiresAtMs - nowMs),
      );
      if (typeof token === "string") {
        const before = await earlier(caller, requestedSecret, nowMs);
        if (before !== null) return before;
        if (token === "not_fresh") return refuseStale(caller);
        if (token === "not_operator") {
          return refuse({ code: "scope_exceeded", scope: scopes?.find(isOperatorScope) ?? "" });
        }
        // The token of this form is no longer active, or another's.
        if (token === "taken") return refuse({ code: "idempotency_mismatch" });
        return refuseDerived(token);
      }
      if (isAllPowerful(token.scopes)) notices.tell([caller.userId], nowMs);
      return { token: withGranted(token), secret };
    },

    /**
     * A new secret for a token that may have leaked. The old one stays valid for the grace period, and
     * never past its own expiry. A powerful one needs a fresh log-in: unless an API token rotates it, which the
     * successor is derived from, whoever stole a log-in could have the secret and lose nothing with the log-in.
     * @throws FaultError `token_not_found`, `scope_exceeded`, `derivation_refused`, `login_not_fresh`, `unavailable`
     */
    async rotate(
      caller: Caller,
      oldId: string,
      graceSeconds: number,
      nowMs: number,
      requestedSecret: string | null = null,
    ): Promise<IssuedApiToken> {
      const before = await earlier(caller, requestedSecret, nowMs);
      if (before !== null) return before;
      const old = UUID.test(oldId) ? await tokens.findOwnApiToken(oldId, caller, nowMs) : null;
      if (old === null) return refuse({ code: "token_not_found" });
      mayGive(caller, old.scopes);
      const derivation = parentsOf(caller);
      // guard: rotation-of-a-powerful-token-needs-a-fresh-log-in
      if (derivation.parentIds.length === 0 && isPowerful(old.scopes, old.expiresAtMs - nowMs)) {
        requireFresh(caller, nowMs);
      }
      const { parentIds, endMs } = successorOf(caller, old);
      const { secret, id } = await requestedOrNew(secrets, "api", requestedSecret);
      const next = { id, hint: hintOf(secret), parentIds, endMs };
      const oldEndsAtMs = nowMs + graceSeconds * 1000;
      const token = await tokens.rotateApiToken(
        oldId,
        next,
        caller,
        derivation,
        oldEndsAtMs,
        nowMs,
      );
      if (typeof token !== "string") return { token: withGranted(token), secret };
      // Another request at the same time was first.
      const other = await earlier(caller, requestedSecret, nowMs);
      if (other !== null) return other;
      if (token === "not_found") return refuse({ code: "token_not_found" });
      if (token === "taken") return refuse({ code: "idempotency_mismatch" });
      return refuse({ code: "derivation_refused", reason: token });
    },

    /** The caller's own that are active, newest first. */
    async list(caller: Caller, page: PageRequest, nowMs: number): Promise<Page<ApiToken>> {
      const found = await tokens.listApiTokens(caller, page, nowMs);
      return { ...found, items: found.items.map(withGranted) };
    },

    /** The caller's own that a query finds. */
    async search(
      caller: Caller,
      query: ApiTokenQuery,
      page: PageRequest,
      nowMs: number,
    ): Promise<TokenSearch<ListedToken>> {
      const found = await search.search(caller, query, page, nowMs);
      const listed = (some: readonly OwnApiToken[]) => some.map((own) => toListed(own, nowMs));
      return { ...found, items: listed(found.items), replaced: listed(found.replaced) };
    },

    /**
     * One of the caller's own, active or not, with those that it is related to.
     * @throws FaultError `token_not_found`
     */
    async find(caller: Caller, id: string, nowMs: number): Promise<TokenDetails> {
      const own = UUID.test(id) ? await search.find(id, caller, nowMs) : null;
      if (own === null) return refuse({ code: "token_not_found" });
      return { ...toListed(own, nowMs), ...(await search.related(id, caller, nowMs)) };
    },

    /** The id of the API token that a text is or names, for a search; null for any other text. Asks no store. */
    idIn: async (text: string): Promise<string | null> =>
      UUID.test(text) ? text : secrets.idOf("api", secrets.tokenIn(text)),

    /**
     * A token never extends itself, nor any other beyond its own expiry. On an account that has a second factor,
     * more than 90 days need a fresh log-in.
     * @throws FaultError `token_not_found`, `scope_exceeded`, `derivation_refused`, `login_not_fresh`, `storage_full`,
     *   `unavailable`
     */
    async change(
      caller: Caller,
      id: string,
      {
        ttlSeconds,
        ...members
      }: ApiTokenMembers & { readonly name?: string; readonly ttlSeconds?: number },
      nowMs: number,
    ): Promise<ApiToken> {
      const { metadata, remaining, limit, allowedIps } = members;
      // A token can always be restricted, disabled or ended.
      if (metadata !== undefined) requireRoom(room);
      // A restricted token could give itself more.
      if ([remaining, limit, allowedIps].some((each) => each !== undefined)) derivationOf(caller);
      const change: ApiTokenChange = {
        ...members,
        ...(ttlSeconds === undefined ? {} : { expiresAtMs: nowMs + ttlSeconds * 1000 }),
      };
      if (!UUID.test(id)) return refuse({ code: "token_not_found" });
      const { parentIds, endMs } = parentsOf(caller);
      const isExempt = isFresh(caller, nowMs) || !isPowerful([], (ttlSeconds ?? 0) * 1000);
      const limits = { parentIds, endMs, scopes: caller.scopes, isExempt };
      const changed = await tokens.changeApiToken(id, caller, change, limits, nowMs);
      switch (changed) {
        case "not_found":
          return refuse({ code: "token_not_found" });
        case "not_fresh":
          return refuseStale(caller);
        case "replaced":
        case "outlives":
          return refuse({ code: "derivation_refused", reason: changed });
        default:
          return "beyond" in changed
            ? refuse({ code: "scope_exceeded", scope: changed.beyond })
            : withGranted(changed);
      }
    },

    /**
     * @param credential the secret, the uuid, or one of the caller's own JWTs
     * @throws FaultError `token_not_found`, `unavailable`
     */
    async revoke(caller: Caller, credential: string, nowMs: number): Promise<RevokedToken> {
      const id = UUID.test(credential) ? credential : await secrets.idOf("api", credential);
      const revoked =
        id === null
          ? await revokeJwt(credential, caller, nowMs)
          : await tokens.revokeApiToken(id, caller, nowMs);
      return revoked ?? refuse({ code: "token_not_found" });
    },

    /** All of the caller's API tokens in one statement, however many there are. */
    async revokeAll(caller: Caller, nowMs: number): Promise<void> {
      if (!(await tokens.revokeApiTokens(caller, nowMs))) refuse({ code: "token_invalid" });
    },
  };
}
