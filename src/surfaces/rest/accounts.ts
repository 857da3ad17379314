import type { HonoRequest } from "hono";
import type { AccountChange, Accounts } from "../../core/accounts.ts";
import { callerAfterPasswordChange } from "../../core/caller.ts";
import { FACEBOOK, GOOGLE } from "../../core/issuers.ts";
import type { JwtPairs } from "../../core/jwt-pairs.ts";
import type { Json } from "../../core/token.ts";
import type { User } from "../../core/user.ts";
import { type HttpResult, ok } from "../../http/answer.ts";
import { readTypedJson } from "../../http/body.ts";
import { decode } from "../../http/fields.ts";
import { refuseRequest } from "../../http/request-fault.ts";
import type { Route } from "../../http/surface.ts";
import { ChangeUser, DeleteUser, SignUp } from "./fields.ts";

/** `/rest/auth` and `/rest/user`, in Opentact's form. */
export function restAccounts(accounts: Accounts, pairs: JwtPairs): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/rest/auth",
      scope: "account:read",
      access: "caller",
      async handle({ nowMs }, caller) {
        const { jwt, user } = await pairs.forCaller(caller, nowMs);
        return {
          ...success({ ...shownUser(user), token: jwt }),
          // For gateways that ask by subrequest, such as nginx auth_request: who it is, and what they may do.
          headers: { "x-auth-user": user.id, "x-auth-scope": caller.scopes.join(" ") },
        };
      },
    },
    {
      method: "POST",
      path: "/rest/user",
      access: "anyone",
      async handle({ request, nowMs }) {
        const fields = decode(SignUp, await readTypedJson(request));
        const user = await accounts.signUp(
          {
            email: fields.email,
            password: fields.password,
            firstName: fields.first_name,
            lastName: fields.last_name,
            phoneNumber: fields.phone_number,
            dob: fields.dob,
            gender: fields.gender,
          },
          nowMs,
        );
        return { ...success(shownUser(user)), status: 201 };
      },
    },
    {
      method: "GET",
      path: "/rest/user",
      scope: "account:read",
      access: "caller",
      async handle(_, caller) {
        return success(shownUser(await accounts.read(caller)));
      },
    },
    {
      method: "PATCH",
      path: "/rest/user",
      scope: "account:write",
      access: "caller",
      async handle({ request, nowMs }, caller) {
        const change = await readChange(request);
        const user = await accounts.change(caller, change, nowMs);
        const renewed =
          change.password === undefined ? null : callerAfterPasswordChange(caller, user);
        const issued = renewed === null ? null : await pairs.forCaller(renewed, nowMs);
        return success({ ...shownUser(user), ...(issued !== null && { token: issued.jwt }) });
      },
    },
    {
      method: "DELETE",
      path: "/rest/user",
      scope: "account:write",
      access: "caller",
      async handle({ request, nowMs }, caller) {
        const { password } = decode(DeleteUser, await readTypedJson(request));
        await accounts.remove(caller, password, nowMs);
        return success({});
      },
    },
  ];
}

export const success = (payload: Json): HttpResult => ok({ success: true, payload });

async function readChange(request: HonoRequest): Promise<AccountChange> {
  const fields = decode(ChangeUser, await readTypedJson(request));
  const { email, password, current_password, first_name, last_name, phone_number, dob, gender } =
    fields;
  const change: AccountChange = {
    ...(email !== undefined && { email }),
    ...(password !== undefined && { password }),
    ...(first_name !== undefined && { firstName: first_name }),
    ...(last_name !== undefined && { lastName: last_name }),
    ...(phone_number !== undefined && { phoneNumber: phone_number }),
    ...(dob !== undefined && { dob }),
    ...(gender !== undefined && { gender }),
  };
  if (Object.keys(change).length === 0) {
    const message = "the body must name at least one field to change";
    refuseRequest({ code: "fields_invalid", problems: [{ path: "", message }] });
  }
  return {
    ...change,
    ...(current_password !== undefined && { currentPassword: current_password }),
  };
}

function shownUser(user: User): Readonly<Record<string, Json>> {
  return {
    created_on: new Date(user.createdAtMs).toISOString(),
    modified_on: new Date(user.modifiedAtMs).toISOString(),
    uuid: user.id,
    email: user.email,
    phone_number: user.phoneNumber,
    first_name: user.firstName,
    last_name: user.lastName,
    dob: user.dob,
    gmail_user_id: user.identities[GOOGLE.spellings[0]] ?? null,
    facebook_user_id: user.identities[FACEBOOK.spellings[0]] ?? null,
    // No OpenID issuer of its own has a field here.
    apple_user_id: null,
    wechat_user_id: null,
    role: user.role,
    gender: user.gender,
    email_verified: user.emailVerifiedAtMs !== null,
    pending_email: user.pendingEmail,
    metadata: user.metadata,
    deleted_on: user.deletedAtMs === null ? null : new Date(user.deletedAtMs).toISOString(),
  };
}
