import * as v from "valibot";
import type { Caller } from "../core/caller.ts";
import { type Fault, refuse } from "../core/fault.ts";
import type { Introspection, IntrospectionService } from "../core/introspection.ts";
import { type HttpResult, ok } from "../http/answer.ts";
import { readFields } from "../http/body.ts";
import { challenges, scopeChallenge } from "../http/challenge.ts";
import { type ClientCredential, findClient } from "../http/client-credential.ts";
import { decode } from "../http/fields.ts";
import { type RequestFault, refuseRequest } from "../http/request-fault.ts";
import type { RefusalContext, Surface } from "../http/surface.ts";

const text = v.pipe(v.string("must be a string"), v.minLength(1, "must not be empty"));

/** `token_type_hint` is only a hint, and not read: a token says itself what it is. */
export const Shown = v.object({ token: text });

/** Introspection (RFC 7662) and revocation (RFC 7009), for every kind of token. */
export function oauth(service: IntrospectionService, issuer: string): Surface {
  async function clientOf(client: ClientCredential, nowMs: number): Promise<Caller> {
    return service.client(client.id, client.secret, nowMs);
  }

  return {
    name: "oauth",
    owns: (path) => path.startsWith("/oauth/"),
    refuse: refusal,
    routes: [
      {
        method: "POST",
        path: "/oauth/introspect",
        access: "open",
        async handle({ request, nowMs }) {
          const body = await readFields(request);
          const client = findClient(request, body);
          if (client === null) return refuse({ code: "credentials_missing" });
          const caller = await clientOf(client, nowMs);
          if (!caller.scopes.includes("introspect")) {
            refuseRequest({ code: "scope_insufficient", scope: "introspect" });
          }
          const found = await service.introspect(decode(Shown, body).token, caller, nowMs);
          return ok(found === null ? { active: false } : shown(found, issuer));
        },
      },
      {
        method: "POST",
        path: "/oauth/revoke",
        access: "open",
        async handle({ request, nowMs }) {
          const body = await readFields(request);
          const client = findClient(request, body);
          // Holding the token is enough; but whoever says who it is must be right.
          const caller = client === null ? null : await clientOf(client, nowMs);
          await service.revoke(decode(Shown, body).token, caller, nowMs);
          return { status: 200, body: null };
        },
      },
    ],
  };
}

function shown(found: Introspection, issuer: string) {
  return {
    active: true,
    ...(found.scopes !== null && { scope: found.scopes.join(" ") }),
    client_id: "latchkey",
    token_type: found.kind === "access" || found.kind === "api" ? "Bearer" : "N_A",
    /** Ours: which kind of token it is. */
    token_kind: found.kind,
    exp: found.expiresAt,
    iat: found.issuedAt,
    sub: found.userId,
    aud: issuer,
    iss: issuer,
    jti: found.id,
  };
}

function refusal(fault: Fault | RequestFault, { request }: RefusalContext): HttpResult {
  const error = (
    status: number,
    code: string,
    description: string,
    headers?: Record<string, string>,
  ): HttpResult => ({
    status,
    body: { error: code, error_description: description },
    ...(headers && { headers }),
  });
  const unauthorized = (shown: "nothing" | "token" | "password") =>
    error(401, "invalid_client", "Client authentication failed", {
      "www-authenticate": challenges(request, shown),
    });

  switch (fault.code) {
    case "fields_invalid":
      return error(
        400,
        "invalid_request",
        fault.problems.map(({ path, message }) => `${path} ${message}`.trim()).join("; "),
      );
    case "body_malformed":
      return error(400, "invalid_request", `The body is not ${fault.expected}`);
    case "credentials_doubled":
      return error(400, "invalid_request", "More than one client authentication was sent");
    case "credentials_missing":
      return unauthorized("nothing");
    case "token_invalid":
      return unauthorized(
        /^bearer /i.test(request.header("authorization") ?? "") ? "token" : "password",
      );
    case "scope_insufficient":
      return error(403, "insufficient_scope", `This token does not have the scope ${fault.scope}`, {
        "www-authenticate": scopeChallenge(fault.scope),
      });
    case "sent_across_sites":
      return error(403, "invalid_request", "Sent by a page of another site");
    case "encoding_unsupported":
      return error(415, "invalid_request", "The content encoding is not supported", {
        "accept-encoding": "identity",
      });
    case "path_not_found":
      return error(404, "invalid_request", "There is nothing at this path");
    case "method_not_allowed":
      return error(405, "invalid_request", "Only POST is allowed here", {
        allow: fault.allow.join(", "),
      });
    case "body_late":
      return error(408, "invalid_request", "The body did not arrive in time");
    case "client_closed":
      return error(499, "invalid_request", "Client closed the connection");
    case "body_too_large":
      return error(413, "invalid_request", "The body is too large");
    case "media_type_unsupported":
      return error(415, "invalid_request", "Send application/x-www-form-urlencoded");
    case "throttled":
      return error(429, "temporarily_unavailable", "Too many attempts, try again later", {
        "retry-after": String(fault.retryAfterSeconds),
      });
    case "unavailable":
      return error(503, "temporarily_unavailable", "Storage is not available, try again later", {
        "retry-after": String(fault.retryAfterSeconds),
      });
    case "internal":
    // No route of this surface meets these.
    case "caller_missing":
    case "caller_refused":
    case "credentials_wrong":
    case "token_wrong_type":
    case "sign_up_closed":
    case "user_exists":
    case "identity_conflict":
    case "password_common":
    case "password_pwned":
    case "current_password_missing":
    case "last_way_in":
    case "not_found":
    case "token_not_found":
    case "scope_exceeded":
    case "derivation_refused":
    case "action_unknown":
    case "payload_invalid":
    case "reference_unknown":
    case "action_refused":
    case "idempotency_mismatch":
      return error(500, "server_error", "Internal server error");
  }
}
