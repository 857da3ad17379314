import type * as v from "valibot";
import type { JsonObject } from "../core/token.ts";
import type { Route, RouteKey } from "../http/surface.ts";

/** What a `.doc.ts` file says of a surface. Who may call a route, its scope and its body come from the route itself. */

export type { JsonObject };

/** A schema that has its own name in the document, and what the schema cannot say. */
export interface Component {
  readonly schema: v.GenericSchema;
  readonly description?: string;
  /** Overrides keywords of the converted schema. */
  readonly extra?: JsonObject;
  /** Overrides keywords of its members, or adds members. One with a `type`, `anyOf` or `$ref` replaces the member. */
  readonly fields?: Readonly<Record<string, JsonObject>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly description: string;
  readonly schema: v.GenericSchema;
}

export interface ResponseDoc {
  readonly description: string;
  /** None: an answer without a body. */
  readonly schema?: v.GenericSchema;
  readonly mediaType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface OperationDoc {
  /** `operationId`: generated clients name their function after it. */
  readonly id: string;
  readonly summary: string;
  readonly description: string;
  readonly parameters?: readonly Parameter[];
  /** Documented in place of the schema of the route, which is created for each service. */
  readonly body?: v.GenericSchema;
  /** The answers by status: successes, and refusals with a shape of their own. */
  readonly answers: Readonly<Record<number, ResponseDoc>>;
  /** Statuses that only this route answers, beyond those that follow from what it takes. */
  readonly refuses?: readonly number[];
  /** Uses no store, and so never answers 503. */
  readonly asksNoStore?: boolean;
  /** Instead of what follows from `access`. */
  readonly security?: readonly JsonObject[];
}

/** The routes that a function returns. A path with a last slash is the same route, and documented without it. */
export type RoutesOf<F extends (...deps: never[]) => readonly Route[]> = Exclude<
  RouteKey<ReturnType<F>>,
  `${string}/`
>;

/** One surface. `Key` demands an entry for each of its routes. */
export interface SurfaceDoc<Key extends string = string> {
  readonly title: string;
  readonly description: string;
  /** Begins the names of its error answers. */
  readonly prefix: string;
  readonly operations: Readonly<Record<Key, OperationDoc>>;
  readonly errors: Readonly<Record<number, ResponseDoc>>;
  readonly components: Readonly<Record<string, Component>>;
  /** The status of fields that don't fit. */
  readonly unfit: 400 | 422;
  /** The status of a body of an unsupported type. */
  readonly wrongMediaType: 400 | 415;
}

export interface Operation
  extends Omit<OperationDoc, "body">,
    Pick<Route, "access" | "scope" | "body"> {}

export interface DocumentedSurface extends Omit<SurfaceDoc, "operations"> {
  /** The name of the `Surface`. */
  readonly name: string;
  readonly operations: Readonly<Record<string, Operation>>;
}
