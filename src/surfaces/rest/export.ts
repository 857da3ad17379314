import type { PersonalDataStore } from "../../core/accounts.ts";
import { ok } from "../../http/answer.ts";
import { exportCursorText, readExportCursor } from "../../http/export-cursor.ts";
import { refuseRequest } from "../../http/request-fault.ts";
import type { Route } from "../../http/surface.ts";

/** `GET /rest/user/export`: everything that is held about the caller. */
export function restExport(data: PersonalDataStore): readonly Route[] {
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
        const { sections, next } = await data.read(caller.userId, readExportCursor(request));
        return ok({ success: true, payload: sections, next_cursor: exportCursorText(next) });
      },
    },
  ];
}
