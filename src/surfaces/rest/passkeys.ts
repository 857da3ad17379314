import * as v from "valibot";
import { isBase64url } from "../../core/compact-jws.ts";
import type { IssueLogin } from "../../core/log-in.ts";
import type { Accounts } from "../../core/accounts.ts";
import type { Passkey, Passkeys } from "../../core/passkeys.ts";
import { readTypedJson } from "../../http/body.ts";
import { documented, JSON_ONLY, jsonBody, pathId } from "../../http/fields.ts";
import { defineRoutes, isoTime, isoTimeOrNull } from "../../http/surface.ts";
import { page, success } from "./accounts.ts";
import { knownEmail, tokenName } from "./fields.ts";
import { issueField, loginResult } from "./log-in.ts";

export interface PasskeyServices {
  readonly accounts: Pick<Accounts, "read">;
  readonly passkeys: Passkeys;
  readonly issueLogin: IssueLogin;
}

const bytes = (max: number) => {
  const message = `must be base64url without padding, ${max} characters at most`;
  return v.pipe(
    v.string(message),
    documented(
      v.check((text: string) => text.length <= max && isBase64url(text), message),
      { pattern: "^[A-Za-z0-9_-]+$", minLength: 1, maxLength: max },
    ),
  );
};

/** At most 1,023 bytes (WebAuthn Level 3 section 4). */
const credential = {
  id: bytes(1_364),
  rawId: bytes(1_364),
  type: v.literal("public-key", 'must be "public-key"'),
};

const transport = v.pipe(
  v.string("must be a string"),
  v.regex(/^[a-z][a-z-]{0,31}$/, "must be a transport of WebAuthn"),
);

/** As `PublicKeyCredential.toJSON()` gives it; more that is in there is not used. */
export const RegistrationResponse = v.object({
  ...credential,
  response: v.object({
    clientDataJSON: bytes(4_096),
    attestationObject: bytes(24_576),
    transports: v.optional(
      v.pipe(v.array(transport, "must be a list"), v.maxLength(8, "must be at most 8 transports")),
    ),
  }),
});

export const AuthenticationResponse = v.object({
  ...credential,
  response: v.object({
    clientDataJSON: bytes(4_096),
    authenticatorData: bytes(4_096),
    signature: bytes(1_024),
    userHandle: v.nullish(bytes(86)),
  }),
});

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
      body: { schema: v.unknown(), media: JSON_ONLY, isOptional: true },
      async handle({ request, nowMs }, caller) {
        // It has no fields, but what is sent must be bounded JSON, as everywhere.
        await readTypedJson(request);
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
        const user = await passkeys.logIn(response, nowMs);
        return loginResult(await issueLogin(user, "passkey", issue, nowMs));
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
