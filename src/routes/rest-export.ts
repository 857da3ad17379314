import type { ExportCursor, PersonalData } from "../core/audit.ts";
import { ok } from "../http/answer.ts";
import { refuseRequest } from "../http/request-fault.ts";
import type { Route } from "../http/surface.ts";

const CURSOR = /^(\d{1,2})\.([0-9a-f-]{36}(?:\/[0-9a-f-]{36})?)$/;

/** `GET /rest/user/export`: everything that is held about the caller. */
export function restExport(data: PersonalData): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/rest/user/export",
      scope: "account:read",
      access: "caller",
      async handle({ request }, caller) {
        // It lists her tokens too: no program learns of them here that may not list them.
        if (!caller.scopes.includes("tokens:read")) {
          refuseRequest({ code: "scope_insufficient", scope: "tokens:read" });
        }
        const cursor = request.query("cursor");
        const from = cursor === undefined ? null : parseCursor(cursor);
        const { sections, next } = await data.read(caller.userId, from);
        return ok({ success: true, payload: sections, next_cursor: cursorText(next) });
      },
    },
  ];
}

function cursorText(cursor: ExportCursor | null): string | null {
  return cursor === null ? null : btoa(`${cursor.section}.${cursor.after}`).replace(/=+$/, "");
}

function parseCursor(text: string): ExportCursor {
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
