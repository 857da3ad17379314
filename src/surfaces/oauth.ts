import type { HonoRequest } from "hono";
import * as v from "valibot";
import { DERIVATION_FAULTS, refuse as refuseToken } from "../core/fault.ts";
import type { Introspection, IntrospectionService } from "../core/introspection.ts";
import { mayDo } from "../core/scopes.ts";
import { EXCHANGE_GRANT, type TokenExchange } from "../core/token-exchange.ts";
import { readFields, severalPerName } from "../http/body.ts";
import { findClient } from "../http/credentials.ts";
import { decode, JSON_OR_FORM } from "../http/fields.ts";
import { refuseField } from "../http/query.ts";
import { challenges, PLAIN_TEXTS, refusals } from "../http/refusals.ts";
import { type AnyFault, refuseRequest } from "../http/request-fault.ts";
import { defineRoutes, ok, type Surface } from "../http/surface.ts";

const text = v.pipe(v.string("must be a string"), v.minLength(1, "must not be empty"));

/** `token_type_hint` is not read: the prefix or the claims of a token already tell its kind. */
export const TokenField = v.object({ token: text });

/** Both take JSON too, which the RFCs don't ask for. */
const body = { schema: TokenField, media: JSON_OR_FORM };

const TOKEN_TYPE = "urn:ietf:params:oauth:token-type:";
/** RFC 8693 section 3: what we take, and what we issue. */
const tokenType = v.picklist(
  [`${TOKEN_TYPE}access_token`, `${TOKEN_TYPE}jwt`],
  `must be ${TOKEN_TYPE}access_token or ${TOKEN_TYPE}jwt`,
);

const TARGET = "must be one, or the same";
/** RFC 8693 section 2.1 allows several; a JWT of ours is for one. */
const target = v.pipe(
  v.union([v.string(), v.array(v.string())], TARGET),
  v.transform((sent) => (typeof sent === "string" ? [sent] : sent)),
);

const SECONDS = "must be a whole number of seconds";

/** Other parameters are ignored (RFC 6749 section 3.2), but for `actor_token`. */
export const ExchangeFields = v.object({
  grant_type: v.literal(EXCHANGE_GRANT, `must be ${EXCHANGE_GRANT}`),
  subject_token: text,
  subject_token_type: tokenType,
  requested_token_type: v.optional(tokenType, `${TOKEN_TYPE}access_token`),
  audience: v.optional(target, []),
  resource: v.optional(target, []),
  scope: v.optional(
    v.pipe(
      v.string("must be a string"),
      v.transform((names) => [...new Set(names.split(" ").filter(Boolean))]),
    ),
  ),
  expires_in: v.optional(
    v.pipe(
      v.union([v.string(), v.number()], SECONDS),
      v.transform(Number),
      v.integer(SECONDS),
      v.minValue(1, SECONDS),
    ),
  ),
});

const exchangeBody = { schema: ExchangeFields, media: JSON_OR_FORM };

/** What was sent without a value was not sent (RFC 6749 section 3.1). */
const withoutEmpty = (sent: unknown) =>
  Object.fromEntries(Object.entries(Object(sent)).filter(([, value]) => value !== ""));

/** The errors of RFC 6749 section 5.2 and RFC 8693 section 2.2.2, by fault. */
const FAULT_ERRORS: Readonly<Partial<Record<AnyFault["code"], string>>> = {
  scope_insufficient: "insufficient_scope",
  scope_exceeded: "invalid_scope",
  audience_unknown: "invalid_target",
  grant_unsupported: "unsupported_grant_type",
};

/** The others, by status. */
const ERRORS: Readonly<Record<number, string>> = {
  401: "invalid_client",
  429: "temporarily_unavailable",
  500: "server_error",
  503: "temporarily_unavailable",
};

export interface OAuthServices {
  readonly introspection: IntrospectionService;
  readonly exchange: TokenExchange;
}

/** Introspection (RFC 7662), revocation (RFC 7009) and token exchange (RFC 8693). */
export const oauth = (services: OAuthServices, issuer: string): Surface => ({
  name: "oauth",
  owns: (path) => path.startsWith("/oauth/"),
  refuse,
  routes: oauthRoutes(services, issuer),
});

export const oauthRoutes = ({ introspection: service, exchange }: OAuthServices, issuer: string) =>
  defineRoutes([
    {
      method: "POST",
      path: "/oauth/introspect",
      access: "open",
      body,
      async handle({ request, nowMs }) {
        const sent = await readFields(request);
        const client = findClient(request, sent);
        if (client === null) return refuseToken({ code: "credentials_missing" });
        const caller = await service.client(client.id, client.secret, nowMs);
        if (!mayDo(caller, "introspect")) {
          refuseRequest({ code: "scope_insufficient", scope: "introspect" });
        }
        const found = await service.introspect(decode(TokenField, sent).token, caller, nowMs);
        return ok(found === null ? { active: false } : toJson(found, issuer));
      },
    },
    {
      method: "POST",
      path: "/oauth/revoke",
      access: "open",
      body,
      async handle({ request, nowMs }) {
        const sent = await readFields(request);
        const client = findClient(request, sent);
        // Whoever holds a token may revoke it, but a client that authenticates must do so correctly.
        const caller = client && (await service.client(client.id, client.secret, nowMs));
        await service.revoke(decode(TokenField, sent).token, caller, nowMs);
        return { status: 200, body: null };
      },
    },
    {
      method: "POST",
      path: "/oauth/token",
      access: "open",
      body: exchangeBody,
      async handle({ request, nowMs }) {
        const sent = withoutEmpty(await readFields(request, { ofForm: severalPerName }));
        const client = findClient(request, sent);
        // The subject token says enough; but a client that authenticates must do so correctly.
        if (client !== null) await service.client(client.id, client.secret, nowMs);
        if (typeof sent.grant_type === "string" && sent.grant_type !== EXCHANGE_GRANT) {
          refuseRequest({ code: "grant_unsupported" });
        }
        if ("actor_token" in sent) refuseField("actor_token", "is not supported");
        const fields = decode(ExchangeFields, sent);
        const [audience = null, ...others] = new Set([...fields.audience, ...fields.resource]);
        if (others.length > 0) refuseToken({ code: "audience_unknown" });
        const issued = await exchange(
          {
            subjectToken: fields.subject_token,
            audience,
            scopes: fields.scope ?? null,
            ttlSeconds: fields.expires_in ?? null,
          },
          nowMs,
        );
        return ok({
          access_token: issued.jwt,
          issued_token_type: fields.requested_token_type,
          token_type: "Bearer",
          expires_in: issued.ttlSeconds,
          scope: issued.scopes.join(" "),
        });
      },
    },
  ]);

function toJson(found: Introspection, issuer: string) {
  return {
    active: true,
    ...(found.scopes !== null && { scope: found.scopes.join(" ") }),
    client_id: "latchkey",
    token_type: found.kind === "access" || found.kind === "api" ? "Bearer" : "N_A",
    /** Our own member. */
    token_kind: found.kind,
    exp: found.expiresAt,
    iat: found.issuedAt,
    sub: found.userId,
    aud: found.audience ?? issuer,
    iss: issuer,
    jti: found.id,
  };
}

const CLIENT_FAILED = "Client authentication failed";

const refuse = refusals({
  challenge: (request, presented) =>
    challenges(request, presented === "nothing" ? presented : clientOf(request)),
  toBody: (description, status, fault) => ({
    error: FAULT_ERRORS[fault.code] ?? ERRORS[status] ?? "invalid_request",
    error_description: description,
  }),
  statuses: { scope_exceeded: 400, derivation_refused: 400 },
  texts: {
    ...PLAIN_TEXTS,
    grant_unsupported: "The only grant here is token exchange (RFC 8693)",
    subject_invalid: "The subject token is not active, or is not for this service",
    audience_unknown: "No tokens are issued for this audience",
    derivation_refused: ({ reason }) => DERIVATION_FAULTS[reason].message,
    scope_exceeded: "The subject token does not have a scope that was requested",
    credentials_doubled: "More than one client authentication was sent",
    credentials_missing: CLIENT_FAILED,
    token_invalid: CLIENT_FAILED,
    path_not_found: "There is nothing at this path",
    method_not_allowed: "Only POST is allowed here",
    media_type_unsupported: "Send application/x-www-form-urlencoded",
    unavailable: "Storage is not available, try again later",
  },
});

const clientOf = (request: HonoRequest) =>
  /^bearer /i.test(request.header("authorization") ?? "") ? "token" : "password";
