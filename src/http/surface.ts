import type { HonoRequest } from "hono";
import type * as v from "valibot";
import type { Caller } from "../core/caller.ts";
import type { BuiltInScope } from "../core/scopes.ts";
import type { Json } from "../core/token.ts";
import type { AnyFault } from "./request-fault.ts";

/** An HTTP answer as data; `toResponse` makes the Response, with the headers that every answer has. */
export interface HttpResult {
  readonly status: number;
  /** null for an answer without a body. */
  readonly body: Json;
  /** Instead of a body: text of a type that `headers` names. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Further `Set-Cookie` lines: the only header that an answer may have several of. */
  readonly cookies?: readonly string[];
}

export const ok = (body: Json): HttpResult => ({ status: 200, body });

export const isoTime = (ms: number): string => new Date(ms).toISOString();
export const isoTimeOrNull = (ms: number | null) => (ms === null ? null : isoTime(ms));

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One request, as a handler sees it. */
export interface RequestContext {
  readonly request: HonoRequest;
  readonly nowMs: number;
}

/** What a route takes as its body. The API document is generated from it. */
export interface BodyRule {
  readonly schema: v.GenericSchema;
  readonly media: readonly string[];
  /** Whether the route works without a body. */
  readonly isOptional?: boolean;
}

/** `open`: no authentication. `anyone`: optional, but a credential that is sent must be valid. `caller`: required. */
export type Route = {
  readonly method: Method;
  readonly path: string;
  /** The scope that the caller's credential must have. */
  readonly scope?: BuiltInScope;
  readonly body?: BodyRule;
  /** Whether the answer shows the caller's account. */
  readonly showsUser?: true;
} & (
  | { readonly access: "open"; readonly handle: (context: RequestContext) => Promise<HttpResult> }
  | {
      readonly access: "anyone";
      readonly handle: (context: RequestContext, caller: Caller | null) => Promise<HttpResult>;
    }
  | {
      readonly access: "anyone";
      /** Reads what it needs whoever asks while the caller is checked; their refusal comes before any other. */
      readonly handleMeanwhile: (
        context: RequestContext,
        caller: Promise<Caller | null>,
      ) => Promise<HttpResult>;
    }
  | {
      readonly access: "caller";
      readonly handle: (context: RequestContext, caller: Caller) => Promise<HttpResult>;
    }
);

export interface RefusalContext {
  readonly request: HonoRequest;
  /** Matches the entry in the service log. */
  readonly requestId: string;
}

/** Whatever is mounted: its routes, and its own shape for everything that goes wrong under its paths. */
export interface Surface {
  readonly name: string;
  readonly routes: readonly Route[];
  /** Pages: no script of another origin may read them. */
  readonly isForPeople?: true;
  /** Whether an unknown path is answered in this surface's shape. */
  owns(path: string): boolean;
  /** Credential headers that are this surface's own parameters. */
  readonly ownHeaders?: readonly string[];
  refuse(fault: AnyFault, context: RefusalContext): HttpResult;
}

/** Keeps each route's method and path in its type, so that the documentation can be checked for every route. */
export const defineRoutes = <const R extends readonly Route[]>(routes: R): R => routes;

/** `POST /rest/token`, of each of these routes. */
export type RouteKey<R extends readonly Route[]> = R[number] extends infer One
  ? One extends Route
    ? `${One["method"]} ${One["path"]}`
    : never
  : never;
