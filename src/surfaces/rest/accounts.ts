import type { HonoRequest } from "hono";
import * as v from "valibot";
import type { AccountChange, Accounts, PersonalDataStore } from "../../core/accounts.ts";
import { callerAfterPasswordChange, requireFresh } from "../../core/caller.ts";
import {
  ALL_EVENTS,
  type AuditEntry,
  type EventFilter,
  type EventStore,
} from "../../core/events.ts";
import type { LinkedIdentities, LinkedIdentity } from "../../core/identities.ts";
import { FACEBOOK, GOOGLE } from "../../core/issuers.ts";
import type { JwtPairs } from "../../core/jwt-pairs.ts";
import type { Page } from "../../core/page.ts";
import type { Recovery } from "../../core/recovery.ts";
import { mayDo, type Scopes } from "../../core/scopes.ts";
import type { Json } from "../../core/token.ts";
import { profileOf, profileToRow, type User } from "../../core/user.ts";
import { jsonBody, NO_FIELDS, pathId } from "../../http/fields.ts";
import {
  cursorText,
  exportCursorText,
  queryId,
  queryText,
  queryTime,
  queryValues,
  queryWord,
  readExportCursor,
  readPage,
  refuseField,
} from "../../http/query.ts";
import { refuseRequest } from "../../http/request-fault.ts";
import { defineRoutes, isoTime, isoTimeOrNull, type HttpResult, ok } from "../../http/surface.ts";
import { ChangeUser, DeleteUser, knownEmail, SignUp } from "./fields.ts";

export interface AccountServices {
  readonly accounts: Accounts;
  readonly jwtPairs: JwtPairs;
  readonly recovery: Recovery;
  readonly identities: LinkedIdentities;
  readonly personalData: PersonalDataStore;
  readonly audit: EventStore;
  readonly scopes: Scopes;
  readonly takesPasswords: boolean;
}

const signUp = jsonBody(SignUp);
const change = jsonBody(ChangeUser);
const deletion = jsonBody(DeleteUser, { isOptional: true });
export const reset = jsonBody(v.object({ email: knownEmail }));

/** `/rest/auth`, `/rest/user` and `/rest/audit`, in Opentact's form. */
export const accountRoutes = ({
  accounts,
  jwtPairs,
  recovery,
  identities,
  personalData,
  audit,
  scopes,
  takesPasswords,
}: AccountServices) =>
  defineRoutes([
    {
      method: "GET",
      path: "/rest/auth",
      access: "caller",
      scope: "account:read",
      async handle({ request, nowMs }, caller) {
        const audience = readAudience(request);
        const { jwt, user } =
          audience === null
            ? await jwtPairs.forCaller(caller, nowMs)
            : await jwtPairs.narrowed(caller, { audience, ...ALL }, nowMs);
        return {
          ...success({ ...userToJson(user), token: jwt }),
          // For gateways that authenticate by subrequest, such as nginx auth_request: who calls, and what they may do.
          headers: {
            "x-auth-user": user.id,
            "x-auth-scope": scopes.granted(caller.scopes).join(" "),
          },
        };
      },
    },
    {
      method: "POST",
      path: "/rest/user",
      access: "anyone",
      body: signUp,
      async handle({ request, nowMs }) {
        if (!takesPasswords) {
          await NO_FIELDS.read(request);
          refuseField("password", "is not taken here: POST /rest/login/email creates the account");
        }
        const { email, password, ...profile } = await signUp.read(request);
        const user = await accounts.signUp({ email, password, ...profileOf(profile) }, nowMs);
        return { ...success(userToJson(user)), status: 201 };
      },
    },
    {
      method: "GET",
      path: "/rest/user",
      access: "caller",
      scope: "account:read",
      showsUser: true,
      async handle(_, caller) {
        return success(userToJson(await accounts.read(caller)));
      },
    },
    {
      method: "PATCH",
      path: "/rest/user",
      access: "caller",
      scope: "account:write",
      body: change,
      async handle({ request, nowMs }, caller) {
        const wanted = changeOf(await change.read(request));
        const user = await accounts.change(caller, wanted, nowMs);
        const renewed =
          wanted.password === undefined ? null : callerAfterPasswordChange(caller, user);
        const issued = renewed === null ? null : await jwtPairs.forCaller(renewed, nowMs);
        return success({ ...userToJson(user), ...(issued !== null && { token: issued.jwt }) });
      },
    },
    {
      method: "DELETE",
      path: "/rest/user",
      access: "caller",
      scope: "account:write",
      body: deletion,
      async handle({ request, nowMs }, caller) {
        const { password } = await deletion.read(request);
        await accounts.remove(caller, password, nowMs);
        return success({});
      },
    },
    {
      method: "POST",
      path: "/rest/user/password_reset",
      access: "anyone",
      body: reset,
      async handle({ request, nowMs }) {
        const { email } = await reset.read(request);
        await recovery.requestReset(email, nowMs);
        return success({});
      },
    },
    {
      method: "POST",
      path: "/rest/user/verify_email",
      access: "caller",
      scope: "account:write",
      body: NO_FIELDS,
      async handle({ request, nowMs }, caller) {
        await NO_FIELDS.read(request);
        await recovery.requestVerification(caller, nowMs);
        return success({});
      },
    },
    {
      method: "GET",
      path: "/rest/audit",
      access: "caller",
      scope: "account:read",
      async handle({ request }, caller) {
        const filter = filterIn(request);
        const { userId } = caller;
        const found =
          filter === null
            ? await audit.list(userId, readPage(request))
            : await audit.find(userId, filter, readPage(request));
        return listOf(found, eventToJson);
      },
    },
    {
      method: "GET",
      path: "/rest/user/export",
      access: "caller",
      scope: "account:read",
      async handle({ request, nowMs }, caller) {
        // The export lists tokens as well: without this scope, a credential may not learn of them.
        if (!mayDo(caller, "tokens:read")) {
          refuseRequest({ code: "scope_insufficient", scope: "tokens:read" });
        }
        // guard: export-needs-a-fresh-log-in
        requireFresh(caller, nowMs);
        const { sections, next } = await personalData.read(
          caller.userId,
          readExportCursor(request),
        );
        return page(sections, exportCursorText(next));
      },
    },
    {
      method: "GET",
      path: "/rest/user/identities",
      access: "caller",
      scope: "account:read",
      async handle(_, caller) {
        // A user has at most one identity of each issuer, so they fit one page.
        return page((await identities.list(caller)).map(identityToJson), null);
      },
    },
    {
      method: "DELETE",
      path: "/rest/user/identities/:id",
      access: "caller",
      scope: "account:write",
      async handle({ request, nowMs }, caller) {
        await identities.remove(caller, pathId(request, "id"), nowMs);
        return success({});
      },
    },
  ]);

/** As much as the JWT for this service itself. */
const ALL = { scopes: null, ttlSeconds: Number.POSITIVE_INFINITY };

/** Null for all events. @throws RequestFaultError `fields_invalid` */
function filterIn(request: HonoRequest): EventFilter | null {
  const what = queryText(request, "what");
  const filter: EventFilter = {
    ...ALL_EVENTS,
    kinds: what === undefined ? null : { names: [what], isExcluded: false },
    outcome: queryWord(request, "outcome", ["done", "refused"]) ?? null,
    aboutId: queryId(request, "about") ?? null,
    fromMs: queryTime(request, "from") ?? null,
    untilMs: queryTime(request, "until") ?? null,
  };
  return Object.values(filter).every((each) => each === null) ? null : filter;
}

/** `?audience=`: who the JWT is to be for; null for this service. @throws RequestFaultError `fields_invalid` */
function readAudience(request: HonoRequest): string | null {
  const [audience = null, ...others] = queryValues(request, "audience").filter(Boolean);
  if (others.length > 0) refuseField("audience", "must be one");
  return audience;
}

export const success = (payload: Json): HttpResult => ok({ success: true, payload });

/** A page of a list. */
export const listOf = <T>({ items, next }: Page<T>, toJson: (item: T) => Json): HttpResult =>
  page(items.map(toJson), cursorText(next));

export const page = (payload: Json, nextCursor: string | null): HttpResult =>
  ok({ success: true, payload, next_cursor: nextCursor });

function changeOf(fields: v.InferOutput<typeof ChangeUser>): AccountChange {
  const { email, password, current_password: currentPassword, ...profile } = fields;
  const change = { email, password, ...profileOf(profile) };
  if (Object.values(change).every((value) => value === undefined)) {
    const message = "the body must name at least one field to change";
    refuseRequest({ code: "fields_invalid", problems: [{ path: "", message }] });
  }
  return { ...change, currentPassword };
}

export function userToJson(user: User): Readonly<Record<string, Json>> {
  return {
    created_on: isoTime(user.createdAtMs),
    modified_on: isoTime(user.modifiedAtMs),
    uuid: user.id,
    email: user.email,
    ...profileToRow(user),
    gmail_user_id: user.identities[GOOGLE.spellings[0]] ?? null,
    facebook_user_id: user.identities[FACEBOOK.spellings[0]] ?? null,
    // Fields of the original API. Here such identities are listed at /rest/user/identities.
    apple_user_id: null,
    wechat_user_id: null,
    role: user.role,
    email_verified: user.emailVerifiedAtMs !== null,
    pending_email: user.pendingEmail,
    external_id: user.externalId,
    metadata: user.metadata,
    deleted_on: isoTimeOrNull(user.deletedAtMs),
  };
}

export function eventToJson(entry: AuditEntry): Readonly<Record<string, Json>> {
  return {
    uuid: entry.id,
    when: isoTime(entry.createdAtMs),
    what: entry.what,
    outcome: entry.outcome,
    actor_uuid: entry.actorId,
    address: entry.address,
    token_uuid: entry.credentialId,
    subject_uuid: entry.subjectId,
    request_id: entry.requestId,
    by_operator: entry.isByOperator,
  };
}

export const identityToJson = ({
  id,
  issuer,
  subject,
  email,
  linkedAtMs,
  lastUsedAtMs,
}: LinkedIdentity) => ({
  id,
  issuer,
  subject,
  email,
  linked_on: isoTime(linkedAtMs),
  last_used_on: isoTimeOrNull(lastUsedAtMs),
});
