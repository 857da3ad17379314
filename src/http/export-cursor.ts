import type { HonoRequest } from "hono";
import type { ExportCursor } from "../core/accounts.ts";
import { refuseSkipping } from "./paging.ts";
import { queryValue } from "./query.ts";
import { refuseRequest } from "./request-fault.ts";

const CURSOR = /^(\d{1,2})\.([0-9a-f-]{36}(?:\/[0-9a-f-]{36})?)$/;

export function exportCursorText(cursor: ExportCursor | null): string | null {
  return cursor === null ? null : btoa(`${cursor.section}.${cursor.after}`).replace(/=+$/, "");
}

/**
 * `?cursor=`, null where there is none.
 * @throws RequestFaultError `fields_invalid`
 */
export function readExportCursor(request: HonoRequest): ExportCursor | null {
  const text = queryValue(request, "cursor");
  refuseSkipping(request);
  if (!text) return null;
  let decoded = "";
  try {
    decoded = atob(text);
  } catch {
    // Stays empty, and so matches nothing.
  }
  const [, section, after] = CURSOR.exec(decoded) ?? [];
  if (section === undefined || after === undefined) {
    const message = "must be the next_cursor of an earlier answer";
    return refuseRequest({ code: "fields_invalid", problems: [{ path: "cursor", message }] });
  }
  return { section: Number(section), after };
}
