import type { Accounts } from "../../core/accounts.ts";
import type { ApiTokens, IssuedApiToken } from "../../core/api-tokens.ts";
import type { JwtPairs } from "../../core/jwt-pairs.ts";
import type { ApiToken, Json } from "../../core/token.ts";
import { ok } from "../../http/answer.ts";
import { readTypedJson } from "../../http/body.ts";
import { decode, pathId, refuseNarrowing } from "../../http/fields.ts";
import { cursorText, readSkippingPage } from "../../http/paging.ts";
import { refuseRequest } from "../../http/request-fault.ts";
import type { Route, Surface } from "../../http/surface.ts";
import { restAccounts, success } from "./accounts.ts";
import { restRefusal } from "./faults.ts";
import { ChangeToken, CreateToken, RotateToken } from "./fields.ts";

/** Contract `rest-tokens`: Opentact's named API tokens, and the accounts of all surfaces. */
export function restTokens(
  accounts: Accounts,
  pairs: JwtPairs,
  tokens: ApiTokens,
  more: readonly Route[],
): Surface {
  return {
    name: "rest-tokens",
    owns: (path) => path === "/rest" || path.startsWith("/rest/") || path.startsWith("/token/"),
    refuse: restRefusal,
    routes: [...restAccounts(accounts, pairs), ...tokenRoutes(tokens), ...more],
  };
}

function tokenRoutes(tokens: ApiTokens): readonly Route[] {
  // The contract has PATCH at one path and everything else at another.
  const change = (path: string): Route => ({
    method: "PATCH",
    path,
    scope: "tokens:write",
    access: "caller",
    async handle({ request, nowMs }, caller) {
      const body = await readTypedJson(request);
      refuseNarrowing(body, ChangeToken.entries);
      const { name, ttl } = decode(ChangeToken, body);
      if (name === undefined && ttl === undefined) {
        const message = "the body must have a name or a ttl";
        refuseRequest({ code: "fields_invalid", problems: [{ path: "", message }] });
      }
      const wanted = {
        ...(name !== undefined && { name }),
        ...(ttl !== undefined && { ttlSeconds: ttl }),
      };
      const id = pathId(request, "token");
      return success(shown(await tokens.change(caller, id, wanted, nowMs)));
    },
  });

  return [
    {
      method: "POST",
      path: "/rest/token",
      scope: "tokens:write",
      access: "caller",
      async handle({ request, nowMs }, caller) {
        const { name, ttl, scopes } = decode(CreateToken, await readTypedJson(request));
        const wanted = { name, ttlSeconds: ttl, scopes };
        return success(issued(await tokens.create(caller, wanted, nowMs)));
      },
    },
    {
      method: "GET",
      path: "/rest/token/list",
      scope: "tokens:read",
      access: "caller",
      async handle({ request, nowMs }, caller) {
        const { items, next } = await tokens.list(caller, readSkippingPage(request), nowMs);
        return ok({ success: true, payload: items.map(shown), next_cursor: cursorText(next) });
      },
    },
    {
      method: "DELETE",
      path: "/rest/token/all",
      scope: "tokens:write",
      access: "caller",
      async handle({ nowMs }, caller) {
        await tokens.revokeAll(caller, nowMs);
        return success({});
      },
    },
    {
      method: "POST",
      path: "/rest/token/:token/rotate",
      scope: "tokens:write",
      access: "caller",
      async handle({ request, nowMs }, caller) {
        const { grace_seconds } = decode(RotateToken, await readTypedJson(request));
        const id = pathId(request, "token");
        return success(issued(await tokens.rotate(caller, id, grace_seconds, nowMs)));
      },
    },
    change("/rest/token/:token"),
    change("/token/:token"),
    {
      method: "DELETE",
      path: "/rest/token/:token",
      scope: "tokens:write",
      access: "caller",
      async handle({ request, nowMs }, caller) {
        const sent = pathId(request, "token");
        const ended = await tokens.revoke(caller, sent, nowMs);
        return success({ token: sent, name: ended.name, ...times(ended) });
      },
    },
  ];
}

/** The one answer that has the secret. */
function issued({ token, secret }: IssuedApiToken): Readonly<Record<string, Json>> {
  return {
    name: token.name,
    ttl: Math.round((token.expiresAtMs - token.createdAtMs) / 1000),
    scopes: token.scopes,
    token: secret,
    uuid: token.id,
    ...times(token),
  };
}

function times(token: {
  createdAtMs: number;
  modifiedAtMs: number;
  expiresAtMs: number;
}): Readonly<Record<string, Json>> {
  return {
    created_on: new Date(token.createdAtMs).toISOString(),
    modified_on: new Date(token.modifiedAtMs).toISOString(),
    expired_on: new Date(token.expiresAtMs).toISOString(),
  };
}

function shown(token: ApiToken): Readonly<Record<string, Json>> {
  return {
    uuid: token.id,
    name: token.name,
    ...times(token),
    last_used_on: token.lastUsedAtMs === null ? null : new Date(token.lastUsedAtMs).toISOString(),
    token_hint: token.hint,
    scopes: token.scopes,
  };
}
