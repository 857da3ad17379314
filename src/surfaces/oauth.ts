import type { HonoRequest } from "hono";
import * as v from "valibot";
import { refuse as refuseToken } from "../core/fault.ts";
import type { Introspection, IntrospectionService } from "../core/introspection.ts";
import { mayDo } from "../core/scopes.ts";
import { readFields } from "../http/body.ts";
import { findClient } from "../http/credentials.ts";
import { decode, JSON_OR_FORM } from "../http/fields.ts";
import { challenges, PLAIN_TEXTS, refusals } from "../http/refusals.ts";
import { refuseRequest } from "../http/request-fault.ts";
import { defineRoutes, ok, type Surface } from "../http/surface.ts";

const text = v.pipe(v.string("must be a string"), v.minLength(1, "must not be empty"));

/** `token_type_hint` is not read: the prefix or the claims of a token already tell its kind. */
export const TokenField = v.object({ token: text });

/** Both take JSON too, which the RFCs don't ask for. */
const body = { schema: TokenField, media: JSON_OR_FORM };

/** The errors of RFC 6749 section 5.2, by status. */
const ERRORS: Readonly<Record<number, string>> = {
  401: "invalid_client",
  429: "temporarily_unavailable",
  500: "server_error",
  503: "temporarily_unavailable",
};

/** Introspection (RFC 7662) and revocation (RFC 7009), for every kind of token. */
export const oauth = (service: IntrospectionService, issuer: string): Surface => ({
  name: "oauth",
  owns: (path) => path.startsWith("/oauth/"),
  refuse,
  routes: oauthRoutes(service, issuer),
});

export const oauthRoutes = (service: IntrospectionService, issuer: string) =>
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
    aud: issuer,
    iss: issuer,
    jti: found.id,
  };
}

const CLIENT_FAILED = "Client authentication failed";

const refuse = refusals({
  challenge: (request, presented) =>
    challenges(request, presented === "nothing" ? presented : clientOf(request)),
  toBody: (description, status, fault) => ({
    error:
      ERRORS[status] ??
      (fault.code === "scope_insufficient" ? "insufficient_scope" : "invalid_request"),
    error_description: description,
  }),
  texts: {
    ...PLAIN_TEXTS,
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
