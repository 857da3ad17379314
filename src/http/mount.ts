import { type Context, Hono, type HonoRequest } from "hono";
import type { AuditLog } from "../core/audit.ts";
import type { Authenticate, Caller } from "../core/authenticate.ts";
import { FaultError, type Named } from "../core/fault.ts";
import type { Issuer } from "../core/issuers.ts";
import type { Answer } from "./answer.ts";
import { findCredential } from "./credentials.ts";
import { requestOrigin, withOrigin } from "./origin.ts";
import { faultOf, noteRefused } from "./refused.ts";
import { refuseRequest } from "./request-fault.ts";
import type { Route, Surface } from "./surface.ts";
import { type CorsOrigins, httpsRedirect, preflight, toResponse } from "./transport.ts";

export interface MountOptions {
  readonly authenticate: Authenticate;
  readonly issuers: readonly Issuer[];
  readonly credentialsInQuery: boolean;
  readonly corsOrigins: CorsOrigins;
  readonly refused: AuditLog["refused"];
}

/**
 * The surfaces as one application. An unknown path is 404 and a wrong method 405 before anybody is
 * asked who they are; every refusal has the shape of the surface that owns the path.
 */
export function mount(surfaces: readonly Surface[], options: MountOptions): Hono {
  const app = new Hono();

  const respond = async (
    surface: Surface,
    c: Context,
    run: () => Answer | Promise<Answer>,
  ): Promise<Response> => {
    const redirect = httpsRedirect(c.req.url);
    if (redirect !== null) return redirect;
    const answer = await withOrigin(c, async () => {
      try {
        return await run();
      } catch (error) {
        return refusal(surface, c.req, error, options);
      }
    });
    return toResponse(answer, c.req, surface.isForPeople ? null : options.corsOrigins);
  };

  for (const surface of surfaces) {
    for (const [path, routes] of byPath(surface.routes)) {
      for (const route of routes) {
        app.on(route.method, path, (c) =>
          respond(surface, c, () => handle(surface, route, c.req, options)),
        );
      }
      const allow = allowedMethods(routes);
      app.all(path, (c) =>
        respond(surface, c, () =>
          c.req.method === "OPTIONS"
            ? preflight(allow, options.issuers)
            : refuseRequest({ code: "method_not_allowed", method: c.req.method, allow }),
        ),
      );
    }
  }

  app.notFound((c) => {
    const owner = surfaces.find((surface) => surface.owns(c.req.path));
    if (owner === undefined) throw new Error("no surface owns the rest of the paths");
    return respond(owner, c, () => refuseRequest({ code: "path_not_found" }));
  });
  return app;
}

async function handle(
  surface: Surface,
  route: Route,
  request: HonoRequest,
  options: MountOptions,
): Promise<Answer> {
  const exchange = { request, nowMs: Date.now() };
  if (route.access === "open") return route.handle(exchange);
  const caller = await callerOf(surface, request, exchange.nowMs, options);
  if (caller !== null && route.scope !== undefined && !caller.scopes.includes(route.scope)) {
    refuseRequest({ code: "scope_insufficient", scope: route.scope });
  }
  if (route.access === "anyone") return route.handle(exchange, caller);
  return caller === null
    ? refuseRequest({ code: "caller_missing" })
    : route.handle(exchange, caller);
}

async function callerOf(
  surface: Surface,
  request: HonoRequest,
  nowMs: number,
  { authenticate, issuers, credentialsInQuery }: MountOptions,
): Promise<Caller | null> {
  const credential = findCredential(request, {
    issuers,
    inQuery: credentialsInQuery,
    except: surface.ownHeaders ?? [],
  });
  if (credential === null) return null;
  try {
    return await authenticate(credential, nowMs);
  } catch (error) {
    const fault = error instanceof FaultError ? error.fault : null;
    if (fault?.code === "token_invalid") refuseCaller("token", fault.named);
    if (fault?.code === "credentials_wrong") refuseCaller("password", fault.named);
    throw error;
  }
}

function refuseCaller(shown: "token" | "password", named?: Named): never {
  refuseRequest({ code: "caller_refused", shown, ...(named && { named }) });
}

function refusal(
  surface: Surface,
  request: HonoRequest,
  error: unknown,
  { refused }: MountOptions,
): Answer {
  const { requestId } = requestOrigin();
  const fault = faultOf(error);
  noteRefused(fault, refused);
  const answer = surface.refuse(fault, { request, requestId });
  if (answer.status < 500) return answer;
  log(surface, request, requestId, error);
  return { ...answer, headers: { ...answer.headers, "x-request-id": requestId } };
}

/** Never the URL: a contract may put a token there. */
function log(surface: Surface, request: HonoRequest, requestId: string, error: unknown): void {
  const cause = error instanceof FaultError ? error.cause : error;
  console.error(
    JSON.stringify({
      level: "error",
      request_id: requestId,
      surface: surface.name,
      method: request.method,
      route: request.routePath,
      error: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
    }),
  );
}

function byPath(routes: readonly Route[]): Map<string, Route[]> {
  return Map.groupBy(routes, (route) => route.path);
}

function allowedMethods(routes: readonly Route[]): string[] {
  const methods: string[] = routes.map((route) => route.method);
  return [...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"];
}
