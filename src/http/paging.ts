import type { HonoRequest } from "hono";
import type { Cursor, PageRequest } from "../core/ports.ts";
import { queryValue } from "./query.ts";
import { refuseRequest } from "./request-fault.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;
const CURSOR = /^(\d{1,15})\.([0-9a-f-]{36})$/;

/**
 * `?limit=` (1 to 100, default 50) and `?cursor=` (the `next_cursor` of the page before).
 * @throws RequestFaultError `fields_invalid`
 */
export function readPage(request: HonoRequest): PageRequest {
  const limit = queryValue(request, "limit") ?? String(DEFAULT_LIMIT);
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > MAX_LIMIT) {
    refuseField("limit", `must be a whole number from 1 to ${MAX_LIMIT}`);
  }
  const cursor = queryValue(request, "cursor");
  return { limit: Number(limit), after: cursor === undefined ? null : parseCursor(cursor) };
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
