import type { Context, HonoRequest } from "hono";
import { HonoBase } from "hono/hono-base";
import type { BlankEnv } from "hono/types";
import type { Authenticate } from "../core/authenticate.ts";
import type { Caller } from "../core/caller.ts";
import type { EventStore } from "../core/events.ts";
import { type AttemptedSubject, FaultError } from "../core/fault.ts";
import type { Issuer } from "../core/issuers.ts";
import type { RateLimits } from "../core/login-throttle.ts";
import { mayDoAtOnce } from "../core/scopes.ts";
import { isFormOfAnotherSite } from "./browser.ts";
import { unlessKnown } from "./conditional.ts";
import { findCredential } from "./credentials.ts";
import { type DevMode, detour } from "./dev.ts";
import { pathRouter } from "./path-router.ts";
import { auditRefusal, limitHeaders, throttledJunk } from "./refusals.ts";
import { faultOf, refuseRequest } from "./request-fault.ts";
import { type RequestSummary, serverTiming } from "./request-log.ts";
import {
  credentialOf,
  type RequestRecord,
  requestRecord,
  withRequestRecord,
} from "./request-record.ts";
import type { HttpResult, Route, Surface } from "./surface.ts";
import { type CorsOrigins, preflight, toResponse } from "./transport.ts";

export type Fallback = (
  request: Request,
  env: Cloudflare.Env,
  ctx: Context["executionCtx"],
) => Response | Promise<Response>;

export interface MountOptions {
  readonly authenticate: Authenticate;
  readonly issuers: readonly Issuer[];
  readonly credentialsInQuery: boolean;
  readonly authHeaderTypes: readonly [string, ...string[]];
  readonly corsOrigins: CorsOrigins;
  readonly refused: EventStore["refused"];
  readonly limits: RateLimits;
  readonly report: RequestSummary;
  /** Whether answers say what they cost. */
  readonly isLocal: boolean;
  readonly dev: DevMode;
  readonly issuer: string;
  /** Answers the paths that belong to no surface's own, instead of 404. */
  readonly fallback: Fallback | null;
}

/**
 * The surfaces as one application. An unknown path is 404 and a wrong method 405 before anybody is
 * asked who they are; every refusal has the shape of the surface that owns the path.
 */
export function mount(surfaces: readonly Surface[], options: MountOptions): HonoBase<BlankEnv> {
  const app = new HonoBase<BlankEnv>({ router: pathRouter() });
  const readers = (surface: Surface) => (surface.isForPeople ? null : options.corsOrigins);

  const respond = async (
    surface: Surface,
    c: Context,
    path: string,
    run: (record: RequestRecord) => HttpResult | Promise<HttpResult>,
  ): Promise<Response> => {
    const record = requestRecord(c.req, surface.name, path);
    const elsewhere = detour(c.req, surface.isForPeople === true, options);
    if (elsewhere !== null) {
      record.outcome = elsewhere.status === 421 ? "misdirected" : "redirected";
      options.report(record, elsewhere.status);
      return elsewhere;
    }
    const answer = await withRequestRecord(record, async () => {
      try {
        return unlessKnown(await run(record), c.req);
      } catch (error) {
        return await refusal(surface, c.req, record, error, options);
      }
    });
    options.report(record, answer.status);
    const timed = options.isLocal ? withTiming(answer, record) : answer;
    return toResponse(timed, c.req, readers(surface));
  };

  for (const surface of surfaces) {
    for (const [path, routes] of byPath(surface.routes)) {
      const allow = allowedMethods(routes);
      // One handler a path: with two that match, Hono would compose them anew for each request.
      app.all(path, (c) => {
        const { method } = c.req;
        const route = routes.find((each) => each.method === (method === "HEAD" ? "GET" : method));
        return respond(surface, c, path, (record) => {
          if (route !== undefined) return handle(surface, route, c.req, record, options);
          return method === "OPTIONS"
            ? preflight(allow, c.req, options.issuers, readers(surface))
            : refuseRequest({ code: "method_not_allowed", method, allow });
        });
      });
    }
  }

  const ownerOf = (path: string): Surface => {
    const owner = surfaces.find((surface) => surface.owns(path));
    if (owner === undefined) throw new Error("no surface owns the rest of the paths");
    return owner;
  };

  // What fails before a request has an id, or after its answer: Hono's own text is no surface's.
  app.onError((error, c) => {
    console.error(JSON.stringify({ level: "error", error: error.stack ?? error.message }));
    const owner = ownerOf(c.req.path);
    const answer = owner.refuse({ code: "internal" }, { request: c.req, requestId: "" });
    return toResponse(withRequestId(answer, ""), c.req, readers(owner));
  });

  app.notFound((c) => {
    const owner = ownerOf(c.req.path);
    const { fallback } = options;
    if (fallback !== null && owner === surfaces.at(-1)) {
      const elsewhere = detour(c.req, true, options);
      return elsewhere ?? fallback(c.req.raw, Object(c.env), c.executionCtx);
    }
    return respond(owner, c, "*", () => refuseRequest({ code: "path_not_found" }));
  });
  return app;
}

async function handle(
  surface: Surface,
  route: Route,
  request: HonoRequest,
  record: RequestRecord,
  options: MountOptions,
): Promise<HttpResult> {
  // Pages for people have a stricter rule of their own, and say so on a page.
  // guard: no-form-of-another-site
  if (route.method !== "GET" && surface.isForPeople !== true && isFormOfAnotherSite(request)) {
    refuseRequest({ code: "sent_across_sites" });
  }
  const context = { request, nowMs: record.startedMs };
  if (route.access === "open") return route.handle(context);
  const checked = checkedCaller(surface, route, request, record, options);
  if ("handleMeanwhile" in route) {
    // Whatever else is wrong with the request.
    const answer = route.handleMeanwhile(context, checked);
    await Promise.all([checked, answer.catch(() => null)]);
    return answer;
  }
  const caller = await checked;
  if (route.access === "anyone") return route.handle(context, caller);
  return caller === null
    ? refuseRequest({ code: "caller_missing" })
    : route.handle(context, caller);
}

async function checkedCaller(
  surface: Surface,
  route: Route,
  request: HonoRequest,
  record: RequestRecord,
  options: MountOptions,
): Promise<Caller | null> {
  const caller = await callerOf(surface, route, request, record, options);
  // guard: route-asks-for-its-scope
  if (caller !== null && route.scope !== undefined && !mayDoAtOnce(caller, route.scope)) {
    refuseRequest({ code: "scope_insufficient", scope: route.scope });
  }
  return caller;
}

async function callerOf(
  surface: Surface,
  { showsUser }: Route,
  request: HonoRequest,
  record: RequestRecord,
  { authenticate, issuers, credentialsInQuery, authHeaderTypes }: MountOptions,
): Promise<Caller | null> {
  const credential = findCredential(request, {
    issuers,
    inQuery: credentialsInQuery,
    headerTypes: authHeaderTypes,
    except: surface.ownHeaders ?? [],
  });
  if (credential === null) return null;
  record.credential = credential.method;
  try {
    const caller = await authenticate(credential, record.startedMs, showsUser);
    record.credential = credentialOf(caller);
    return caller;
  } catch (error) {
    const fault = error instanceof FaultError ? error.fault : null;
    if (fault?.code === "token_invalid") refuseCaller("token", fault.attempted);
    if (fault?.code === "credentials_wrong") refuseCaller("password", fault.attempted);
    throw error;
  }
}

function refuseCaller(presented: "token" | "password", attempted?: AttemptedSubject): never {
  refuseRequest({ code: "caller_refused", presented, ...(attempted && { attempted }) });
}

async function refusal(
  surface: Surface,
  request: HonoRequest,
  record: RequestRecord,
  error: unknown,
  { refused, limits, authHeaderTypes }: MountOptions,
): Promise<HttpResult> {
  const { requestId } = record;
  const fault = await throttledJunk(faultOf(error), record.credential === "malformed", limits);
  auditRefusal(fault, refused);
  const answer = withHeaderType(
    surface.refuse(fault, { request, requestId }),
    surface,
    authHeaderTypes,
  );
  record.outcome = fault.code;
  record.error = error;
  if (answer.status >= 500) return withRequestId(answer, requestId);
  return { ...answer, headers: { ...answer.headers, ...limitHeaders(fault) } };
}

/** Challenges with the word that `Authorization` takes; OAuth's own clients send no other than Bearer. */
function withHeaderType(
  answer: HttpResult,
  { name }: Surface,
  [word]: MountOptions["authHeaderTypes"],
): HttpResult {
  const challenge = answer.headers?.["www-authenticate"];
  if (word === "Bearer" || name === "oauth" || challenge === undefined) return answer;
  const changed = challenge.replace(/\bBearer(?= realm=)/, word);
  return { ...answer, headers: { ...answer.headers, "www-authenticate": changed } };
}

/** What went wrong on our side is found in the log by it, whatever the surface's shape is. */
function withRequestId(answer: HttpResult, requestId: string): HttpResult {
  const { body, headers } = answer;
  const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
  return {
    ...answer,
    body: isObject ? { ...body, request_id: requestId } : body,
    headers: { ...headers, "x-request-id": requestId },
  };
}

function withTiming(answer: HttpResult, record: RequestRecord): HttpResult {
  const { requestId } = record;
  const timing = { "x-request-id": requestId, "server-timing": serverTiming(record) };
  return { ...answer, headers: { ...answer.headers, ...timing } };
}

function byPath(routes: readonly Route[]): Map<string, Route[]> {
  return Map.groupBy(routes, (route) => route.path);
}

function allowedMethods(routes: readonly Route[]): string[] {
  const methods: string[] = routes.map((route) => route.method);
  return [...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"];
}
