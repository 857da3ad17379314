import type { HonoRequest } from "hono";
import {
  ALL_TOKENS,
  type ApiTokenQuery,
  TOKEN_SORTS,
  type TokenFilter,
} from "../core/api-token-search.ts";
import type { Scopes } from "../core/scopes.ts";
import { queryValue, refuseField } from "./query.ts";

const MAX_SEARCH = 64;

/**
 * `?search=`, `?filter=`, `?scope=` and `?sort=` (with "-" in front: descending). Empty is absent.
 * @param filters those that the list has
 * @returns null where none of them is there
 * @throws RequestFaultError `fields_invalid`
 */
export function readTokenQuery(
  request: HonoRequest,
  scopes: Pick<Scopes, "isKnown">,
  filters: readonly TokenFilter[],
): ApiTokenQuery | null {
  const value = (name: string) => queryValue(request, name)?.trim() || null;
  const [search, filter, scope, sort] = ["search", "filter", "scope", "sort"].map(value);
  if (!search && !filter && !scope && !sort) return null;
  if ([...(search ?? "")].length > MAX_SEARCH) {
    refuseField("search", `must be at most ${MAX_SEARCH} characters`);
  }
  const wanted = filters.find((each) => each === filter) ?? null;
  if (filter && wanted === null) refuseField("filter", `must be one of ${filters.join(", ")}`);
  if (scope && !scopes.isKnown(scope)) refuseField("scope", "must be a scope");
  const by = TOKEN_SORTS.find((each) => each === sort?.replace(/^-/, ""));
  if (sort && by === undefined) {
    refuseField("sort", `must be one of ${TOKEN_SORTS.join(", ")}, or one with "-" in front`);
  }
  return {
    search: search ?? "",
    filter: wanted,
    scope: scope ?? null,
    ...(by === undefined
      ? { sort: ALL_TOKENS.sort, isDescending: ALL_TOKENS.isDescending }
      : { sort: by, isDescending: sort?.startsWith("-") === true }),
  };
}
