import type { HonoRequest } from "hono";
import type { Cursor, PageRequest } from "../core/page.ts";
import { queryValue } from "./query.ts";
import { refuseRequest } from "./request-fault.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;
/** Rows that are skipped are read. */
const MAX_SKIP = 10_000;
const CURSOR = /^(\d{1,15})\.([0-9a-f-]{36})$/;

/**
 * `?limit=` (1 to 100, default 50) and `?cursor=` (the `next_cursor` of the page before). Empty is absent.
 * @throws RequestFaultError `fields_invalid`
 */
export function readPage(request: HonoRequest): PageRequest {
  refuseSkipping(request);
  return pageOf(request, queryValue(request, "limit"));
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

/** Whoever is not heard that they skip would be shown the same page for ever. */
export function refuseSkipping(request: HonoRequest): void {
  for (const name of ["take", "skip"]) {
    if (queryValue(request, name)) refuseField(name, "is not taken here: use limit and cursor");
  }
}

function pageOf(request: HonoRequest, sent: string | undefined, name = "limit"): PageRequest {
  const limit = sent || String(DEFAULT_LIMIT);
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > MAX_LIMIT) {
    refuseField(name, `must be a whole number from 1 to ${MAX_LIMIT}`);
  }
  const cursor = queryValue(request, "cursor");
  return { limit: Number(limit), after: cursor ? parseCursor(cursor) : null };
}

export function cursorText(cursor: Cursor | null): string | null {
  return cursor === null ? null : btoa(`${cursor.createdAtMs}.${cursor.id}`).replace(/=+$/, "");
}

function parseCursor(text: string): Cursor {
  let decoded = "";
  try {
    decoded = atob(text);
  } catch {
    // Stays empty, and so matches nothing.
  }
  const [, createdAtMs, id] = CURSOR.exec(decoded) ?? [];
  if (createdAtMs === undefined || id === undefined) {
    return refuseField("cursor", "must be the next_cursor of an earlier answer");
  }
  return { createdAtMs: Number(createdAtMs), id };
}

function refuseField(path: string, message: string): never {
  return refuseRequest({ code: "fields_invalid", problems: [{ path, message }] });
}
