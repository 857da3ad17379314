import * as v from "valibot";
import type { Accounts } from "../../core/accounts.ts";
import type { SecondFactor } from "../../core/second-factor.ts";
import { jsonBody, NO_FIELDS } from "../../http/fields.ts";
import { defineRoutes, isoTimeOrNull } from "../../http/surface.ts";
import { success } from "./accounts.ts";

export interface SecondFactorServices {
  readonly secondFactor: SecondFactor;
  readonly accounts: Accounts;
}

const otp = v.pipe(v.string("must be a string"), v.minLength(1, "must not be empty"));
export const confirm = jsonBody(v.object({ otp }));
/** Strict: a code under another name would be none, and a fresh log-in would do. */
export const optionalOtp = jsonBody(v.strictObject({ otp: v.optional(otp) }), { isOptional: true });

/** `/rest/user/totp` and its recovery codes. */
export const secondFactorRoutes = ({ secondFactor, accounts }: SecondFactorServices) =>
  defineRoutes([
    {
      method: "GET",
      path: "/rest/user/totp",
      access: "caller",
      scope: "account:read",
      async handle(_, caller) {
        const { confirmedAtMs, recoveryCodesLeft } = await secondFactor.state(caller);
        return success({
          enabled: confirmedAtMs !== null,
          enabled_on: isoTimeOrNull(confirmedAtMs),
          recovery_codes_left: recoveryCodesLeft,
        });
      },
    },
    {
      method: "POST",
      path: "/rest/user/totp",
      access: "caller",
      scope: "account:write",
      body: NO_FIELDS,
      async handle({ request, nowMs }, caller) {
        await NO_FIELDS.read(request);
        const { email } = await accounts.read(caller);
        return success(await secondFactor.begin(caller, email, nowMs));
      },
    },
    {
      method: "POST",
      path: "/rest/user/totp/confirm",
      access: "caller",
      scope: "account:write",
      body: confirm,
      async handle({ request, nowMs }, caller) {
        const { otp } = await confirm.read(request);
        const recovery_codes = await secondFactor.confirm(caller, otp, nowMs);
        return success({ recovery_codes });
      },
    },
    {
      method: "DELETE",
      path: "/rest/user/totp",
      access: "caller",
      scope: "account:write",
      body: optionalOtp,
      async handle({ request, nowMs }, caller) {
        const { otp = null } = await optionalOtp.read(request);
        await secondFactor.remove(caller, otp, nowMs);
        return success({});
      },
    },
    {
      method: "POST",
      path: "/rest/user/recovery_codes",
      access: "caller",
      scope: "account:write",
      body: optionalOtp,
      async handle({ request, nowMs }, caller) {
        const { otp = null } = await optionalOtp.read(request);
        const recovery_codes = await secondFactor.renewCodes(caller, otp, nowMs);
        return success({ recovery_codes });
      },
    },
  ]);
