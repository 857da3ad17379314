import * as v from "valibot";
import type { Recovery } from "../../core/recovery.ts";
import { readTypedJson } from "../../http/body.ts";
import { decode } from "../../http/fields.ts";
import type { Route } from "../../http/surface.ts";
import { success } from "./accounts.ts";
import { knownEmail } from "./fields.ts";

export const PasswordReset = v.object({ email: knownEmail });

/** What leads to a mail with an action token; the token is run at POST /api/run-action-token. */
export function restRecovery(recovery: Recovery): readonly Route[] {
  return [
    {
      method: "POST",
      path: "/rest/user/password_reset",
      access: "anyone",
      async handle({ request, nowMs }) {
        const fields = decode(PasswordReset, await readTypedJson(request));
        await recovery.requestReset(fields.email, nowMs);
        return success({});
      },
    },
    {
      method: "POST",
      path: "/rest/user/verify_email",
      scope: "account:write",
      access: "caller",
      async handle({ request, nowMs }, caller) {
        // It has no fields; what is sent is bounded and JSON, as everywhere.
        await readTypedJson(request);
        await recovery.requestVerification(caller, nowMs);
        return success({});
      },
    },
  ];
}
