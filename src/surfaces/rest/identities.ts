import type { LinkedIdentities } from "../../core/identities.ts";
import { ok } from "../../http/answer.ts";
import { pathId } from "../../http/fields.ts";
import type { Route } from "../../http/surface.ts";
import { success } from "./accounts.ts";

/** The accounts at OpenID issuers that open the caller's. */
export function restIdentities(identities: LinkedIdentities): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/rest/user/identities",
      scope: "account:read",
      access: "caller",
      async handle(_, caller) {
        const payload = (await identities.list(caller)).map((each) => ({
          id: each.id,
          issuer: each.issuer,
          subject: each.subject,
          email: each.email,
          linked_on: new Date(each.linkedAtMs).toISOString(),
          last_used_on:
            each.lastUsedAtMs === null ? null : new Date(each.lastUsedAtMs).toISOString(),
        }));
        // At most one of an issuer: they are one page.
        return ok({ success: true, payload, next_cursor: null });
      },
    },
    {
      method: "DELETE",
      path: "/rest/user/identities/:id",
      scope: "account:write",
      access: "caller",
      async handle({ request, nowMs }, caller) {
        const id = pathId(request, "id");
        await identities.remove(caller, id.toLowerCase(), nowMs);
        return success({});
      },
    },
  ];
}
