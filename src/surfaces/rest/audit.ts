import type { AuditEntry, EventStore } from "../../core/events.ts";
import type { Json } from "../../core/token.ts";
import { ok } from "../../http/answer.ts";
import { cursorText, readPage } from "../../http/paging.ts";
import type { Route } from "../../http/surface.ts";

/** `GET /rest/audit`: what was done to an account, for the one whose account it is. */
export function restAudit(audit: EventStore): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/rest/audit",
      scope: "account:read",
      access: "caller",
      async handle({ request }, caller) {
        const { items, next } = await audit.list(caller.userId, readPage(request));
        return ok({ success: true, payload: items.map(shown), next_cursor: cursorText(next) });
      },
    },
  ];
}

function shown(entry: AuditEntry): Readonly<Record<string, Json>> {
  return {
    uuid: entry.id,
    when: new Date(entry.createdAtMs).toISOString(),
    what: entry.what,
    outcome: entry.outcome,
    actor_uuid: entry.actorId,
    address: entry.address,
    token_uuid: entry.credentialId,
    subject_uuid: entry.subjectId,
    request_id: entry.requestId,
  };
}
