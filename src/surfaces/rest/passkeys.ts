import * as v from "valibot";
import type { IssueLogin } from "../../core/log-in.ts";
import type { Accounts } from "../../core/accounts.ts";
import type { Passkey, Passkeys } from "../../core/passkeys.ts";
import { jsonBody, NO_FIELDS, pathId } from "../../http/fields.ts";
import { defineRoutes, isoTime, isoTimeOrNull } from "../../http/surface.ts";
import { page, success } from "./accounts.ts";
import { AuthenticationResponse, knownEmail, RegistrationResponse, tokenName } from "./fields.ts";
import { issueField, loginResult } from "./log-in.ts";

export interface PasskeyServices {
  readonly accounts: Pick<Accounts, "read">;
  readonly passkeys: Passkeys;
  readonly issueLogin: IssueLogin;
}

const addition = jsonBody(
  v.object({ response: RegistrationResponse, name: v.optional(tokenName) }),
);
const renaming = jsonBody(v.object({ name: tokenName }));
const wantedOptions = jsonBody(v.object({ email: v.nullish(knownEmail) }), { isOptional: true });
const logIn = jsonBody(v.object({ response: AuthenticationResponse, issue: issueField }));

/** `/rest/user/passkeys` and `/rest/login/passkey`: WebAuthn in the JSON form that browsers read and write. */
export const passkeyRoutes = ({ accounts, passkeys, issueLogin }: PasskeyServices) =>
  defineRoutes([
    {
      method: "POST",
      path: "/rest/user/passkeys/options",
      access: "caller",
      scope: "account:write",
      body: NO_FIELDS,
      async handle({ request, nowMs }, caller) {
        await NO_FIELDS.read(request);
        const user = await accounts.read(caller);
        return success(await passkeys.creationOptions(caller, user, nowMs));
      },
    },
    {
      method: "POST",
      path: "/rest/user/passkeys",
      access: "caller",
      scope: "account:write",
      body: addition,
      async handle({ request, nowMs }, caller) {
        const { response, name } = await addition.read(request);
        const added = await passkeys.add(caller, response, name ?? null, nowMs);
        return { ...success(passkeyToJson(added)), status: 201 };
      },
    },
    {
      method: "GET",
      path: "/rest/user/passkeys",
      access: "caller",
      scope: "account:read",
      async handle(_, caller) {
        // A user has at most 20, so they fit one page.
        return page((await passkeys.list(caller)).map(passkeyToJson), null);
      },
    },
    {
      method: "PATCH",
      path: "/rest/user/passkeys/:id",
      access: "caller",
      scope: "account:write",
      body: renaming,
      async handle({ request, nowMs }, caller) {
        const { name } = await renaming.read(request);
        const id = pathId(request, "id");
        return success(passkeyToJson(await passkeys.rename(caller, id, name, nowMs)));
      },
    },
    {
      method: "DELETE",
      path: "/rest/user/passkeys/:id",
      access: "caller",
      scope: "account:write",
      async handle({ request, nowMs }, caller) {
        await passkeys.remove(caller, pathId(request, "id"), nowMs);
        return success({});
      },
    },
    {
      method: "POST",
      path: "/rest/login/passkey/options",
      access: "anyone",
      body: wantedOptions,
      async handle({ request, nowMs }) {
        const { email } = await wantedOptions.read(request);
        return success(await passkeys.requestOptions(email ?? null, nowMs));
      },
    },
    {
      method: "POST",
      path: "/rest/login/passkey",
      access: "anyone",
      body: logIn,
      async handle({ request, nowMs }) {
        const { response, issue } = await logIn.read(request);
        const login = await passkeys.logIn(response, nowMs);
        return loginResult(await issueLogin(login, "passkey", issue, nowMs));
      },
    },
  ]);

const passkeyToJson = (passkey: Passkey) => ({
  id: passkey.id,
  name: passkey.name,
  credential_id: passkey.credentialId,
  aaguid: passkey.aaguid,
  transports: passkey.transports,
  backup_eligible: passkey.isBackupEligible,
  backed_up: passkey.isBackedUp,
  created_on: isoTime(passkey.createdAtMs),
  last_used_on: isoTimeOrNull(passkey.lastUsedAtMs),
});
