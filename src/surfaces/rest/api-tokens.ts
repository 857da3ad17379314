import * as v from "valibot";
import type { ApiTokenMembers, ApiTokens, IssuedApiToken } from "../../core/api-tokens.ts";
import type { Caller } from "../../core/caller.ts";
import { type Leaks, LEAKS_MAX } from "../../core/leaks.ts";
import { OPERATOR_SCOPES, type Scopes } from "../../core/scopes.ts";
import type { TokenVerification, Verification } from "../../core/token-verification.ts";
import type { ApiToken, Json } from "../../core/token.ts";
import { readJson, readSignedJson } from "../../http/body.ts";
import { decode, idempotencyKey, JSON_ONLY, jsonBody, pathId } from "../../http/fields.ts";
import { readSkippingPage } from "../../http/query.ts";
import { readTokenQuery } from "../../http/token-query.ts";
import { refuseRequest } from "../../http/request-fault.ts";
import {
  defineRoutes,
  isoTime,
  isoTimeOrNull,
  ok,
  type RequestContext,
} from "../../http/surface.ts";
import { listOf, success } from "./accounts.ts";
import { ChangeToken, createToken, RotateToken, verifyToken } from "./fields.ts";

export interface ApiTokenServices {
  readonly apiTokens: ApiTokens;
  readonly verify: TokenVerification;
  readonly leaks: Leaks;
  readonly scopes: Scopes;
}

/** Of the list of active tokens. */
const LISTED_FILTERS = ["expiring", "unused"] as const;

const rotation = jsonBody(RotateToken, { isOptional: true });
const change = jsonBody(ChangeToken, { refusesNarrowing: true });

const leakedTokens = <const T extends v.GenericSchema>(item: T) =>
  v.pipe(
    v.array(item, "must be a list"),
    v.minLength(1, "must not be empty"),
    v.maxLength(LEAKS_MAX, `must be at most ${LEAKS_MAX}`),
  );

export const LeakReport = v.object({ tokens: leakedTokens(v.string("must be a string")) });

/** A report of GitHub's secret scanning partner program, in GitHub's form. */
export const GithubLeakReport = leakedTokens(
  v.looseObject({ token: v.string("must be a string"), type: v.string("must be a string") }),
);

const KEY_HEADER = "github-public-key-identifier";
const SIGNATURE_HEADER = "github-public-key-signature";

/** Named API tokens, in Opentact's form. */
export function apiTokenRoutes({ apiTokens, verify, leaks, scopes: table }: ApiTokenServices) {
  const create = jsonBody(createToken([...table.names, ...OPERATOR_SCOPES]));
  const verification = jsonBody(verifyToken(table.names));

  const handleChange = async ({ request, nowMs }: RequestContext, caller: Caller) => {
    const { name, ttl, ...members } = await change.read(request);
    const wanted = {
      ...(name !== undefined && { name }),
      ...(ttl !== undefined && { ttlSeconds: ttl }),
      ...membersOf(members),
    };
    if (Object.keys(wanted).length === 0) {
      const message = "the body must name at least one field to change";
      refuseRequest({ code: "fields_invalid", problems: [{ path: "", message }] });
    }
    const id = pathId(request, "token");
    return success(apiTokenToJson(await apiTokens.change(caller, id, wanted, nowMs)));
  };

  return defineRoutes([
    {
      method: "POST",
      path: "/rest/token",
      access: "caller",
      scope: "tokens:write",
      body: create,
      async handle({ request, nowMs }, caller) {
        const { name, ttl, scopes, ...members } = await create.read(request);
        const wanted = { name, ttlSeconds: ttl, scopes, ...membersOf(members) };
        return success(issuedToJson(await apiTokens.create(caller, wanted, nowMs)));
      },
    },
    {
      method: "POST",
      path: "/rest/token/verify",
      access: "caller",
      scope: "introspect",
      body: verification,
      async handle({ request, nowMs }, caller) {
        const { token, ...usage } = await verification.read(request);
        const wanted = { ...usage, idempotencyKey: idempotencyKey(request) };
        return success(verifiedToJson(await verify(token, wanted, caller, nowMs)));
      },
    },
    {
      method: "GET",
      path: "/rest/token/list",
      scope: "tokens:read",
      access: "caller",
      async handle({ request, nowMs }, caller) {
        const page = readSkippingPage(request);
        const query = readTokenQuery(request, table, LISTED_FILTERS);
        if (query === null) {
          return listOf(await apiTokens.list(caller, page, nowMs), apiTokenToJson);
        }
        const found = await apiTokens.search(caller, query, page, nowMs);
        return listOf(found, ({ token }) => apiTokenToJson(token));
      },
    },
    {
      method: "DELETE",
      path: "/rest/token/all",
      access: "caller",
      scope: "tokens:write",
      async handle({ nowMs }, caller) {
        await apiTokens.revokeAll(caller, nowMs);
        return success({});
      },
    },
    {
      method: "POST",
      path: "/rest/token/:token/rotate",
      access: "caller",
      scope: "tokens:write",
      body: rotation,
      async handle({ request, nowMs }, caller) {
        const { grace_seconds } = await rotation.read(request);
        const id = pathId(request, "token");
        return success(issuedToJson(await apiTokens.rotate(caller, id, grace_seconds, nowMs)));
      },
    },
    // The contract has PATCH at one path and everything else at another.
    {
      method: "PATCH",
      path: "/rest/token/:token",
      access: "caller",
      scope: "tokens:write",
      body: change,
      handle: handleChange,
    },
    {
      method: "PATCH",
      path: "/token/:token",
      access: "caller",
      scope: "tokens:write",
      body: change,
      handle: handleChange,
    },
    {
      method: "DELETE",
      path: "/rest/token/:token",
      access: "caller",
      scope: "tokens:write",
      async handle({ request, nowMs }, caller) {
        const sent = pathId(request, "token");
        const revoked = await apiTokens.revoke(caller, sent, nowMs);
        return success({ token: sent, name: revoked.name, ...times(revoked) });
      },
    },
    {
      method: "POST",
      path: "/rest/leaked",
      // Whoever holds a token may revoke it: no caller is needed.
      access: "anyone",
      body: { schema: v.union([LeakReport, GithubLeakReport]), media: JSON_ONLY },
      async handle({ request, nowMs }) {
        const keyId = request.header(KEY_HEADER);
        if (keyId === undefined) {
          const { tokens } = decode(LeakReport, await readJson(request));
          await leaks.enforceRateLimit();
          const results = await leaks.report(tokens, nowMs);
          const revoked = results.filter((each) => each.wasRevoked).length;
          return success({ reported: tokens.length, revoked });
        }
        const signature = request.header(SIGNATURE_HEADER) ?? "";
        const json = await readSignedJson(request, (bytes) =>
          leaks.checkSignature(keyId, signature, bytes),
        );
        const found = decode(GithubLeakReport, json);
        const tokens = found.map(({ token }) => token);
        const results = await leaks.report(tokens, nowMs);
        return ok(
          found.map(({ token, type }, index) => ({
            token_raw: token,
            token_type: type,
            label: results[index]?.isOurs ? "true_positive" : "false_positive",
          })),
        );
      },
    },
  ]);
}

/** The only answer that has the secret. */
function issuedToJson({ token, secret }: IssuedApiToken): Readonly<Record<string, Json>> {
  return {
    name: token.name,
    ttl: Math.round((token.expiresAtMs - token.createdAtMs) / 1000),
    scopes: token.scopes,
    token: secret,
    uuid: token.id,
    ...times(token),
    ...membersToJson(token),
  };
}

type Times = Pick<ApiToken, "createdAtMs" | "modifiedAtMs" | "expiresAtMs">;

const times = ({ createdAtMs, modifiedAtMs, expiresAtMs }: Times) => ({
  created_on: isoTime(createdAtMs),
  modified_on: isoTime(modifiedAtMs),
  expired_on: isoTime(expiresAtMs),
});

export function apiTokenToJson(token: ApiToken): Readonly<Record<string, Json>> {
  return {
    uuid: token.id,
    name: token.name,
    ...times(token),
    last_used_on: isoTimeOrNull(token.lastUsedAtMs),
    token_hint: token.hint,
    scopes: token.scopes,
    ...membersToJson(token),
  };
}

/** Of a body: null takes one away. */
function membersOf({
  metadata,
  enabled,
  remaining,
  limit,
  allowed_ips,
}: Omit<v.InferOutput<typeof ChangeToken>, "name" | "ttl">): ApiTokenMembers {
  return {
    ...(enabled !== undefined && { enabled }),
    ...(remaining !== undefined && { remaining }),
    ...(limit !== undefined && { limit }),
    ...(metadata !== undefined && { metadata: metadata ?? {} }),
    ...(allowed_ips !== undefined && { allowedIps: allowed_ips }),
  };
}

function membersToJson({ metadata, isEnabled, restrictions }: ApiToken) {
  return {
    metadata,
    enabled: isEnabled,
    remaining: restrictions?.remaining ?? null,
    limit: restrictions?.limit ?? null,
    allowed_ips: restrictions?.allowedIps ?? null,
  };
}

function verifiedToJson(found: Verification): Readonly<Record<string, Json>> {
  const { remaining } = found;
  const limit = found.limit && {
    max: found.limit.max,
    seconds: found.limit.seconds,
    remaining: found.limit.remaining,
    reset_on:
      found.limit.resetsAtMs === null ? null : new Date(found.limit.resetsAtMs).toISOString(),
  };
  if (!found.active) return { active: false, reason: found.reason, remaining, limit };
  return {
    active: true,
    kind: found.kind,
    uuid: found.id,
    owner: { uuid: found.userId },
    scopes: found.scopes,
    name: found.token?.name ?? null,
    metadata: found.token?.metadata ?? {},
    remaining,
    limit,
    expired_on: new Date(found.expiresAtMs).toISOString(),
  };
}
