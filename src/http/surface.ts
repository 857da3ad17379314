import type { HonoRequest } from "hono";
import type { Caller } from "../core/caller.ts";
import type { Fault } from "../core/fault.ts";
import type { Scope } from "../core/token.ts";
import type { HttpResult } from "./answer.ts";
import type { RequestFault } from "./request-fault.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One request, as a handler sees it. */
export interface Exchange {
  readonly request: HonoRequest;
  readonly nowMs: number;
}

/** Who may call: nobody is asked (`open`), whoever sends a credential must be right (`anyone`), or somebody must be logged in (`caller`). */
export type Route = {
  readonly method: Method;
  readonly path: string;
  /** What the caller's credential must be allowed to do. */
  readonly scope?: Scope;
} & (
  | { readonly access: "open"; readonly handle: (x: Exchange) => Promise<HttpResult> }
  | {
      readonly access: "anyone";
      readonly handle: (x: Exchange, caller: Caller | null) => Promise<HttpResult>;
    }
  | {
      readonly access: "caller";
      readonly handle: (x: Exchange, caller: Caller) => Promise<HttpResult>;
    }
);

export interface RefusalContext {
  readonly request: HonoRequest;
  /** Stands in the log beside what went wrong. */
  readonly requestId: string;
}

/** One HTTP contract: its routes, and its own shape for everything that goes wrong under its paths. */
export interface Surface {
  readonly name: string;
  readonly routes: readonly Route[];
  /** Pages: no script of another origin may read them. */
  readonly isForPeople?: true;
  /** Whether an unknown path is answered in this surface's shape. */
  owns(path: string): boolean;
  /** Credential headers that are this surface's own parameters. */
  readonly ownHeaders?: readonly string[];
  refuse(fault: Fault | RequestFault, context: RefusalContext): HttpResult;
}
