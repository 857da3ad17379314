import type { Refresh, RefreshResult } from "./refresh.ts";
import { isDue, isExpired, type LoginTokens, type TokenStore } from "./tokens.ts";

export type Fetch = (request: Request) => Promise<Response>;

/** Paths that take a caller's credential. Elsewhere a token is a parameter, or is rejected. */
const AUTHENTICATED = /^\/(?:rest|token|api)\//;
/** Routes below them without authentication. */
const OPEN = /^\/(?:api\/token|rest\/leaked|rest\/login|rest\/user\/password_reset)(?:\/|$)/;

/** Whether to attach the caller's credential to a request. */
export function takesCredential(request: Request, baseUrl: string): boolean {
  // guard: credential-goes-to-the-service-alone
  if (!request.url.startsWith(`${baseUrl}/`)) return false;
  const path = request.url.slice(baseUrl.length);
  if (!AUTHENTICATED.test(path) || OPEN.test(path.replace(/\?.*/, ""))) return false;
  // Keep a credential that the request already has: the service rejects two.
  return ![...request.headers.keys()].some(
    (name) => name === "authorization" || name === "x-token" || name.startsWith("x-auth-"),
  );
}

/** Attaches a fixed API token, session token or JWT. */
export function withToken(token: string, baseUrl: string, send: Fetch): Fetch {
  const isSession = /^[a-z0-9]+_ses_/.test(token);
  return (request) => {
    if (takesCredential(request, baseUrl)) {
      if (isSession) request.headers.set("x-token", token);
      else request.headers.set("authorization", `Bearer ${token}`);
    }
    return send(request);
  };
}

interface Login {
  readonly store: TokenStore;
  readonly refresh: Refresh;
}

/**
 * Attaches the login's access token, refreshing it before it expires and once more if it is rejected.
 * Without a login the request is sent without a credential, but a request that started in a login is
 * never sent without it.
 */
export function withLogin({ store, refresh }: Login, baseUrl: string, send: Fetch): Fetch {
  /** The access token that was rejected right after a refresh; refreshing again would not help. */
  let refusedAfterRefresh = "";

  async function freshTokens(tokens: LoginTokens): Promise<RefreshResult> {
    const nowMs = Date.now();
    if (!isDue(tokens, nowMs)) return { kind: "renewed", tokens };
    const refreshed = await refresh(tokens);
    const hasFailed = refreshed.kind === "unavailable" || refreshed.kind === "failed";
    return hasFailed && !isExpired(tokens, nowMs) ? { kind: "renewed", tokens } : refreshed;
  }

  return async (request) => {
    const stored = takesCredential(request, baseUrl) ? await store.load() : null;
    if (stored === null) return send(request);
    const current = await freshTokens(stored);
    if (current.kind !== "renewed") return responseFor(current);
    const { tokens } = current;
    const retry = request.clone();
    const first = await send(withBearer(request, tokens));
    if (!isRefused(first) || tokens.access === refusedAfterRefresh) return first;
    const refreshed = await refresh(tokens);
    if (refreshed.kind === "logged_out") return first;
    if (refreshed.kind !== "renewed") return responseFor(refreshed);
    await first.body?.cancel();
    const second = await send(withBearer(retry, refreshed.tokens));
    if (isRefused(second)) refusedAfterRefresh = refreshed.tokens.access;
    return second;
  };
}

function withBearer(request: Request, { access }: LoginTokens): Request {
  request.headers.set("authorization", `Bearer ${access}`);
  return request;
}

/** A wrong password is a 401 too, but must not be retried: it would count as another attempt. */
function isRefused(response: Response): boolean {
  if (response.status !== 401) return false;
  const challenge = response.headers.get("www-authenticate");
  return challenge === null || challenge.includes('error="invalid_token"');
}

/**
 * The response for a request that was not sent, in the service's own format.
 * @throws the network error of the refresh, as `fetch` would
 */
function responseFor(result: Exclude<RefreshResult, { kind: "renewed" }>): Response {
  switch (result.kind) {
    case "failed":
      throw result.error;
    case "logged_out":
      return errorResponse(401, "The log-in has ended");
    case "unavailable": {
      const seconds = Math.max(1, Math.ceil((result.untilMs - Date.now()) / 1000));
      return errorResponse(result.status, "The log-in cannot be refreshed now, try again later", {
        "retry-after": String(seconds),
      });
    }
  }
}

function errorResponse(
  status: number,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json({ success: false, message, status }, { status, headers });
}
