import type { Caller } from "./authenticate.ts";
import { refuse } from "./fault.ts";
import type { ApiTokenChange, Jwts, Page, PageRequest, Secrets, Tokens, Users } from "./ports.ts";
import { type ApiToken, TOKEN_KINDS } from "./token.ts";

/** What `end` ended: an API token, or one of the caller's own JWTs. */
export interface Ended {
  readonly name: string | null;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
  readonly expiresAtMs: number;
}

export type ApiTokens = ReturnType<typeof apiTokens>;

interface Deps {
  readonly users: Users;
  readonly tokens: Tokens;
  readonly secrets: Secrets;
  readonly jwts: Jwts;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Named tokens for programs, as the rest-tokens contract has them. */
export function apiTokens({ users, tokens, secrets, jwts }: Deps) {
  async function endJwt(jwt: string, caller: Caller, nowMs: number): Promise<Ended | null> {
    const claims = await jwts.verify(jwt, nowMs);
    if (claims?.userId !== caller.userId) return null;
    // A refresh JWT stands for its whole family (RFC 7009 section 2.1).
    const id = claims.type === "refresh" && claims.sid !== null ? claims.sid : claims.jti;
    const expiresAtMs = claims.expiresAt * 1000;
    if (!(await tokens.endJwt(id, caller, expiresAtMs, nowMs))) return null;
    const createdAtMs = claims.issuedAt * 1000;
    return { name: null, createdAtMs, modifiedAtMs: createdAtMs, expiresAtMs };
  }

  return {
    /** @returns the token, and the secret that is never shown again */
    async create(
      caller: Caller,
      { name, ttlSeconds }: { name: string; ttlSeconds: number | null },
      nowMs: number,
    ): Promise<{ token: ApiToken; secret: string }> {
      const { secret, id } = await secrets.create("api");
      const token = await tokens.insert<ApiToken>(
        {
          kind: "api",
          id,
          userId: caller.userId,
          epoch: caller.epoch,
          apiEpoch: 0,
          createdAtMs: nowMs,
          modifiedAtMs: nowMs,
          expiresAtMs: nowMs + (ttlSeconds ?? TOKEN_KINDS.api.ttlSeconds) * 1000,
          name,
          hint: `${TOKEN_KINDS.api.prefix}…${secret.slice(-4)}`,
          lastUsedAtMs: null,
        },
        caller,
      );
      return token === null ? refuse({ code: "token_invalid" }) : { token, secret };
    },

    /** The caller's own that stand, newest first. */
    list(caller: Caller, page: PageRequest, nowMs: number): Promise<Page<ApiToken>> {
      return tokens.listApi(caller, page, nowMs);
    },

    /** @throws FaultError `token_not_found`, `unavailable` */
    async change(
      caller: Caller,
      id: string,
      { name, ttlSeconds }: { name?: string; ttlSeconds?: number },
      nowMs: number,
    ): Promise<ApiToken> {
      const change: ApiTokenChange = {
        ...(name === undefined ? {} : { name }),
        ...(ttlSeconds === undefined ? {} : { expiresAtMs: nowMs + ttlSeconds * 1000 }),
      };
      const changed = UUID.test(id) ? await tokens.changeApi(id, caller, change, nowMs) : null;
      return changed ?? refuse({ code: "token_not_found" });
    },

    /**
     * @param shown the secret, the uuid, or one of the caller's own JWTs
     * @throws FaultError `token_not_found`, `unavailable`
     */
    async end(caller: Caller, shown: string, nowMs: number): Promise<Ended> {
      const id = UUID.test(shown) ? shown : await secrets.idOf("api", shown);
      const ended =
        id === null ? await endJwt(shown, caller, nowMs) : await tokens.endApi(id, caller, nowMs);
      return ended ?? refuse({ code: "token_not_found" });
    },

    /** All of the caller's API tokens in one statement, however many there are. */
    async endAll(caller: Caller, nowMs: number): Promise<void> {
      if (!(await users.endApiTokens(caller, nowMs))) refuse({ code: "token_invalid" });
    },
  };
}
