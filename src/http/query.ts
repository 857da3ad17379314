import type { HonoRequest } from "hono";
import type { ExportCursor } from "../core/accounts.ts";
import type { Cursor, PageRequest } from "../core/page.ts";
import { refuseRequest } from "./request-fault.ts";
import { UUID } from "../core/text.ts";

const NO_CURSOR = "must be the next_cursor of an earlier answer";
const MAX_PARAMETERS = 100;
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;
/** Skipped rows are read too. */
const MAX_SKIP = 10_000;
/** Back or on from an item: its time or, after "=", its URL-encoded text, and its id. */
const CURSOR = /^(<?)(\d{1,15}|=[\w.!~*'()%-]{0,800})\.([0-9a-f-]{36})$/;
/** After one id or two, or after a position in a deployment's own table: URL-encoded JSON. */
const EXPORT_CURSOR =
  /^(\d{1,2})\.([0-9a-f-]{36}(?:\/[0-9a-f-]{36})?|%5B[\w.!~*'()%-]{1,2000}%5D)$/;

/** The first value of this name in the query; undefined for none. @throws RequestFaultError `fields_invalid` */
export function queryValue(request: HonoRequest, name: string): string | undefined {
  return queryValues(request, name)[0];
}

/**
 * All values of this name. Hono searches the rest of the URL once for each parameter, so their number is bounded.
 * @throws RequestFaultError `fields_invalid`
 */
export function queryValues(request: HonoRequest, name: string): readonly string[] {
  const { url } = request;
  let count = 0;
  for (let at = url.indexOf("&"); at !== -1; at = url.indexOf("&", at + 1)) {
    if (++count === MAX_PARAMETERS) {
      refuseField("query", `must have at most ${MAX_PARAMETERS} parameters`);
    }
  }
  return request.queries(name) ?? [];
}

/**
 * `?limit=` (1 to 100) and `?cursor=` (the `next_cursor` of the page before). Empty is absent.
 * @throws RequestFaultError `fields_invalid`
 */
export function readPage(request: HonoRequest, defaultLimit = DEFAULT_LIMIT): PageRequest {
  refuseSkipping(request);
  return pageOf(request, queryValue(request, "limit") || `${defaultLimit}`);
}

/**
 * The same, and Opentact's `?take=` and `?skip=`.
 * @throws RequestFaultError `fields_invalid`
 */
export function readSkippingPage(request: HonoRequest): PageRequest {
  const [limit, take] = [queryValue(request, "limit"), queryValue(request, "take")];
  if (limit && take) refuseField("take", "must not stand beside limit");
  const skip = queryValue(request, "skip") || "0";
  if (!/^\d{1,5}$/.test(skip) || Number(skip) > MAX_SKIP) {
    refuseField("skip", `must be a whole number from 0 to ${MAX_SKIP}`);
  }
  return { ...pageOf(request, limit || take, limit ? "limit" : "take"), skip: Number(skip) };
}

/**
 * `?cursor=` of an export; null for none.
 * @throws RequestFaultError `fields_invalid`
 */
export function readExportCursor(request: HonoRequest): ExportCursor | null {
  const text = queryValue(request, "cursor");
  refuseSkipping(request);
  if (!text) return null;
  const [section = "", after = ""] = partsOf(text, EXPORT_CURSOR);
  return { section: Number(section), after };
}

export function cursorText(cursor: Cursor | null, direction: "" | "<" = ""): string | null {
  if (cursor === null) return null;
  const { key, id } = cursor;
  const text = typeof key === "number" ? String(key) : `=${encodeURIComponent(key)}`;
  return encoded(`${direction}${text}.${id}`);
}

export function exportCursorText(cursor: ExportCursor | null): string | null {
  return cursor === null ? null : encoded(`${cursor.section}.${cursor.after}`);
}

/** Of a list in the order of ids: one, or several with slashes between, the first of which may be a word. */
const KEY = /^([0-9a-z/*#+-]{1,150})$/;

/** `?limit=`, and `?cursor=` of a list that continues after a key. @throws RequestFaultError `fields_invalid` */
export function readKeyPage(request: HonoRequest): { limit: number; after: string | null } {
  refuseSkipping(request);
  const limit = readLimit(queryValue(request, "limit"));
  const cursor = queryValue(request, "cursor");
  return { limit, after: cursor ? (partsOf(cursor, KEY)[0] ?? null) : null };
}

export const keyCursorText = (key: string | null): string | null =>
  key === null ? null : encoded(key);

/** If `skip` were ignored, a client that pages with it would read the same page forever. */
function refuseSkipping(request: HonoRequest): void {
  for (const name of ["take", "skip"]) {
    if (queryValue(request, name)) refuseField(name, "is not taken here: use limit and cursor");
  }
}

function readLimit(sent: string | undefined, name = "limit"): number {
  const limit = sent || String(DEFAULT_LIMIT);
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > MAX_LIMIT) {
    refuseField(name, `must be a whole number from 1 to ${MAX_LIMIT}`);
  }
  return Number(limit);
}

function pageOf(request: HonoRequest, sent: string | undefined, name = "limit"): PageRequest {
  const limit = readLimit(sent, name);
  const cursor = queryValue(request, "cursor");
  if (!cursor) return { limit, after: null };
  const [direction, text = "", id = ""] = partsOf(cursor, CURSOR);
  const at = { key: text.startsWith("=") ? unescaped(text.slice(1)) : Number(text), id };
  return direction === "<" ? { limit, after: null, before: at } : { limit, after: at };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return refuseField("cursor", NO_CURSOR);
  }
}

const encoded = (text: string) => btoa(text).replace(/=+$/, "");

function partsOf(cursor: string, form: RegExp): readonly string[] {
  let decoded = "";
  try {
    decoded = atob(cursor);
  } catch {
    // Stays empty, which matches no form.
  }
  const [, ...parts] = form.exec(decoded) ?? [];
  return parts.length > 0 ? parts : refuseField("cursor", NO_CURSOR);
}

/** A member of the query; undefined for none, and for an empty one. @throws RequestFaultError `fields_invalid` */
export const queryText = (request: HonoRequest, name: string): string | undefined =>
  queryValue(request, name)?.trim() || undefined;

/** One of these words. @throws RequestFaultError `fields_invalid` */
export function queryWord<const W extends string>(
  request: HonoRequest,
  name: string,
  words: readonly W[],
): W | undefined {
  const given = queryText(request, name);
  const word = words.find((each) => each === given);
  return given === undefined || word !== undefined
    ? word
    : refuseField(name, `must be one of ${words.join(", ")}`);
}

/** An id, in lowercase. @throws RequestFaultError `fields_invalid` */
export function queryId(request: HonoRequest, name: string): string | undefined {
  const given = queryText(request, name)?.toLowerCase();
  return given === undefined || UUID.test(given) ? given : refuseField(name, "must be a uuid");
}

/** An ISO 8601 time, in ms. @throws RequestFaultError `fields_invalid` */
export function queryTime(request: HonoRequest, name: string): number | undefined {
  const given = queryText(request, name);
  if (given === undefined) return undefined;
  const ms = /^\d{4}-\d\d-\d\dT/.test(given) ? Date.parse(given) : Number.NaN;
  return ms >= 0 ? ms : refuseField(name, "must be an ISO 8601 time like 2026-01-31T12:00:00Z");
}

export function refuseField(path: string, message: string): never {
  return refuseRequest({ code: "fields_invalid", problems: [{ path, message }] });
}
