import type { Operation, SurfaceDocument } from "./operation.ts";

/** The name of a status in the names of error answers. */
export const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  408: "RequestTimeout",
  409: "Conflict",
  413: "ContentTooLarge",
  415: "UnsupportedMediaType",
  422: "UnprocessableContent",
  429: "TooManyRequests",
  500: "InternalServerError",
  503: "ServiceUnavailable",
};

/** The statuses that follow from who may call a route and what it takes. */
export function refusalsOf(
  { unfit, wrongMediaType }: SurfaceDocument,
  { access, scope, body, parameters = [], refuses = [], asksNoStore = false }: Operation,
): readonly number[] {
  const asksWho = access !== "open";
  const takesFields = body !== undefined || parameters.some((each) => each.in !== "path");
  return [
    ...(asksWho ? [400, 401, 409, 429] : []),
    // A write is refused that a page of another site sent.
    ...(scope === undefined && body === undefined ? [] : [403]),
    ...(takesFields ? [unfit] : []),
    ...(body === undefined ? [] : [400, 408, 413, 415, wrongMediaType]),
    ...refuses,
    500,
    ...(asksNoStore ? [] : [503]),
  ].sort((a, b) => a - b);
}
