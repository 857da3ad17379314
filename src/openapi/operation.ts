import type * as v from "valibot";
import type { Json, Scope } from "../core/token.ts";
import type { Route } from "../http/surface.ts";

export type JsonObject = { readonly [key: string]: Json };

/** A schema with a name of its own in the document, and what it cannot say of itself. */
export interface Component {
  readonly schema: v.GenericSchema;
  readonly description?: string;
  /** Laid over what is made of the schema. */
  readonly extra?: JsonObject;
  /** Laid over its members; one that it does not have is put in. */
  readonly fields?: Readonly<Record<string, JsonObject>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly description: string;
  readonly schema: v.GenericSchema;
}

export const MEDIA = {
  json: ["application/json"],
  /** What Django REST framework and Laravel take. */
  fields: ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"],
} as const;

export interface Body {
  readonly schema: v.GenericSchema;
  readonly media: readonly string[];
  readonly isOptional?: boolean;
}

export interface ResponseDoc {
  readonly description: string;
  /** None: an answer without a body. */
  readonly schema?: v.GenericSchema;
  readonly mediaType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One route, as the document tells of it. */
export interface Operation {
  /** `operationId`: generated clients name their function so. */
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  readonly access: Route["access"];
  readonly scope?: Scope;
  readonly parameters?: readonly Parameter[];
  readonly body?: Body;
  /** What it answers by status: its successes, and refusals with a shape of their own. */
  readonly answers: Readonly<Record<number, ResponseDoc>>;
  /** Statuses that only this route gives, beyond those that follow from what it takes. */
  readonly refuses?: readonly number[];
  /** Asks no store, and so is never without one. */
  readonly asksNoStore?: boolean;
  /** Instead of what follows from `access`. */
  readonly security?: readonly JsonObject[];
}

/** One surface: what the document says of its routes and of all that it refuses. */
export interface SurfaceDocument {
  /** The name of the `Surface`. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** In front of the names of its error answers. */
  readonly prefix: string;
  /** By method and path, as the route has them. */
  readonly operations: Readonly<Record<string, Operation>>;
  readonly errors: Readonly<Record<number, ResponseDoc>>;
  readonly components: Readonly<Record<string, Component>>;
  /** Security schemes whose header means something else here. */
  readonly ownSchemes?: readonly string[];
  /** The status of fields that do not fit. */
  readonly unfit: 400 | 422;
  /** The status of a body of a type that is not taken. */
  readonly wrongMediaType: 400 | 415;
}
