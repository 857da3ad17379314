import * as v from "valibot";
import { PASSKEYS_MAX } from "../../core/passkeys.ts";
import type { Component, OperationDoc, RoutesOf } from "../../openapi/description.ts";
import {
  answer,
  count,
  describe,
  pathParameter,
  text,
  time,
  timeOrNull,
  uuid,
  uuidOrNull,
} from "../../openapi/shapes.ts";
import { Empty, page, success, UserWithJwt } from "./accounts.doc.ts";
import { AuthenticationResponse, RegistrationResponse } from "./fields.ts";
import type { passkeyRoutes } from "./passkeys.ts";

const Passkey = v.object({
  id: uuid,
  name: text,
  credential_id: text,
  aaguid: describe(uuidOrNull, "The model of authenticator, where it says."),
  transports: v.array(text),
  backup_eligible: describe(v.boolean(), "Whether it may be on several devices."),
  backed_up: v.boolean(),
  created_on: time,
  last_used_on: timeOrNull,
});

const descriptors = v.array(
  v.object({ type: v.literal("public-key"), id: text, transports: v.array(text) }),
);
const required = v.literal("required");

const CreationOptions = v.object({
  rp: v.object({ id: text, name: text }),
  user: v.object({ id: text, name: text, displayName: text }),
  challenge: text,
  pubKeyCredParams: v.array(v.object({ type: v.literal("public-key"), alg: v.number() })),
  timeout: count,
  excludeCredentials: descriptors,
  authenticatorSelection: v.object({
    residentKey: required,
    requireResidentKey: v.boolean(),
    userVerification: required,
  }),
  attestation: v.literal("none"),
});

const RequestOptions = v.object({
  challenge: text,
  timeout: count,
  rpId: text,
  allowCredentials: descriptors,
  userVerification: required,
});

const Issued = v.union([
  UserWithJwt,
  v.object({ refresh: text, access: text }),
  v.object({ token: text, email: text, expires: count }),
]);

export const passkeyComponents: Readonly<Record<string, Component>> = {
  Passkey: { schema: Passkey },
  PasskeyRegistration: {
    schema: RegistrationResponse,
    description:
      "`RegistrationResponseJSON` of WebAuthn: what `PublicKeyCredential.toJSON()` gives.",
  },
  PasskeyAssertion: {
    schema: AuthenticationResponse,
    description: "`AuthenticationResponseJSON` of WebAuthn.",
  },
};

const ID = pathParameter("id", "The passkey's `id`.");

export const passkeyOperations: Readonly<Record<RoutesOf<typeof passkeyRoutes>, OperationDoc>> = {
  "POST /rest/user/passkeys/options": {
    id: "passkeyCreationOptions",
    summary: "Get the options to create a passkey with",
    description:
      "For `PublicKeyCredential.parseCreationOptionsFromJSON` and `navigator.credentials.create`. The challenge is for this account, ten minutes and one passkey. 404 where the issuer is an IP address: passkeys do not work there.",
    answers: answer("The options.", success(CreationOptions)),
    refuses: [404],
  },
  "POST /rest/user/passkeys": {
    id: "addPasskey",
    summary: "Add a passkey",
    description: `Up to ${PASSKEYS_MAX} for an account. Without a \`name\` it is called after where it is kept. A response that does not answer the account's challenge is 400.`,
    answers: { 201: { description: "Added.", schema: success(Passkey) } },
    refuses: [404, 409],
  },
  "GET /rest/user/passkeys": {
    id: "listPasskeys",
    summary: "List the passkeys that can log in",
    description: "All of the account's passkeys, newest first.",
    answers: answer("All of them.", page(v.array(Passkey))),
  },
  "PATCH /rest/user/passkeys/:id": {
    id: "renamePasskey",
    summary: "Rename a passkey",
    description: "The name is for the user alone.",
    parameters: ID,
    answers: answer("The passkey as it is now.", success(Passkey)),
    refuses: [404],
  },
  "DELETE /rest/user/passkeys/:id": {
    id: "removePasskey",
    summary: "Remove a passkey",
    description: "The last way to log in cannot be removed.",
    parameters: ID,
    answers: answer("Removed.", success(Empty)),
    refuses: [404, 409],
  },
  "POST /rest/login/passkey/options": {
    id: "passkeyRequestOptions",
    summary: "Get the options to log in with a passkey",
    description:
      "For `PublicKeyCredential.parseRequestOptionsFromJSON` and `navigator.credentials.get`. Without an email, the browser offers all passkeys that it has for this service. With one, the answer looks the same whether the account exists and has passkeys or not.",
    security: [],
    answers: answer("The options.", success(RequestOptions)),
    refuses: [404, 429],
  },
  "POST /rest/login/passkey": {
    id: "logInWithPasskey",
    summary: "Log in with a passkey",
    description:
      "Gives what `issue` asks for: the payload of `GET /rest/auth`, a pair or a session. No second factor is asked for: the passkey has verified its user.",
    security: [],
    answers: answer("Logged in.", success(Issued)),
    refuses: [401, 404, 429],
  },
};
