import type { HonoRequest } from "hono";
import type * as v from "valibot";
import type {
  Account,
  AccountAct,
  Admin,
  DeadLetter,
  EventFilter,
  KeyState,
  OperatorsDesk,
  OperatorsEntry,
  Scanned,
  Throttle,
} from "../../core/admin.ts";
import type { Caller } from "../../core/caller.ts";
import type { TokenDiagnosis } from "../../core/token-diagnosis.ts";
import type { Json } from "../../core/token.ts";
import { jsonBody, NO_FIELDS, pathId } from "../../http/fields.ts";
import {
  exportCursorText,
  keyCursorText,
  queryId,
  queryText,
  queryTime,
  queryWord,
  readExportCursor,
  readKeyPage,
  readPage,
} from "../../http/query.ts";
import { refuseRequest } from "../../http/request-fault.ts";
import {
  defineRoutes,
  type HttpResult,
  isoTime,
  isoTimeOrNull,
  type RequestContext,
} from "../../http/surface.ts";
import { eventToJson, listOf, page, success, userToJson } from "./accounts.ts";
import { apiTokenToJson } from "./api-tokens.ts";
import { loginsToJson } from "./logins.ts";
import { ChangeAccount, FindAccount, ReplayEvents } from "./fields.ts";

export interface AdminServices {
  readonly admin: Admin;
}

const find = jsonBody(FindAccount);
const change = jsonBody(ChangeAccount);
const replay = jsonBody(ReplayEvents);

/** `/rest/admin`, for operators: each request passes their one gate before it is read further. */
export function adminRoutes({ admin }: AdminServices) {
  const forOperators =
    (handle: (desk: OperatorsDesk, request: HonoRequest) => Promise<HttpResult>) =>
    async ({ request, nowMs }: RequestContext, caller: Caller) =>
      handle(await admin.requireOperator(caller, nowMs), request);

  const READ = { access: "caller", scope: "admin:read" } as const;
  const WRITE = { access: "caller", scope: "admin:write" } as const;

  /** A page of rows that are looked at by their key. */
  const list = <const P extends string, T>(
    path: P,
    toJson: (item: T) => Json,
    read: (
      desk: OperatorsDesk,
      request: HonoRequest,
      after: string | null,
      limit: number,
    ) => Promise<Scanned<T>>,
  ) => ({
    method: "GET" as const,
    path,
    ...READ,
    handle: forOperators(async (desk, request) => {
      const { limit, after } = readKeyPage(request);
      const { items, next } = await read(desk, request, after, limit);
      return page(items.map(toJson), keyCursorText(next));
    }),
  });
  const deletion = <const P extends string>(
    path: P,
    act: (desk: OperatorsDesk, request: HonoRequest) => Promise<unknown>,
  ) => ({
    method: "DELETE" as const,
    path,
    ...WRITE,
    handle: forOperators(async (desk, request) => {
      await act(desk, request);
      return success({});
    }),
  });

  return defineRoutes([
    {
      // Not GET: a URL is logged in many places, and what is looked for may be a secret.
      method: "POST",
      path: "/rest/admin/find",
      ...READ,
      body: find,
      handle: forOperators(async (desk, request) => {
        const { account, token } = await desk.find((await find.read(request)).query);
        return success({
          user: accountToJson(account),
          token: token === null ? null : diagnosisToJson(token),
        });
      }),
    },
    {
      method: "GET",
      path: "/rest/admin/users/:id",
      ...READ,
      handle: forOperators(async (desk, request) =>
        success(accountToJson(await desk.account(idIn(request)))),
      ),
    },
    {
      method: "GET",
      path: "/rest/admin/users/:id/logins",
      ...READ,
      handle: forOperators(async (desk, request) =>
        loginsToJson(await desk.logins(idIn(request), readPage(request))),
      ),
    },
    {
      method: "GET",
      path: "/rest/admin/users/:id/tokens",
      ...READ,
      handle: forOperators(async (desk, request) =>
        listOf(await desk.apiTokens(idIn(request), readPage(request)), apiTokenToJson),
      ),
    },
    {
      method: "GET",
      path: "/rest/admin/users/:id/export",
      ...READ,
      handle: forOperators(async (desk, request) => {
        const from = readExportCursor(request);
        const { sections, next } = await desk.personalData(idIn(request), from);
        return page(sections, exportCursorText(next));
      }),
    },
    list("/rest/admin/events", entryToJson, (desk, request, after, limit) =>
      desk.events(filterIn(request), after, limit),
    ),
    list("/rest/admin/throttles", throttleToJson, (desk, _, after, limit) =>
      desk.throttles(after, limit),
    ),
    list("/rest/admin/dead_letters", deadLetterToJson, (desk, _, after, limit) =>
      desk.deadLetters(after, limit),
    ),
    {
      method: "GET",
      path: "/rest/admin/status",
      ...READ,
      handle: forOperators(async (desk) => {
        const [{ databaseBytes, databaseLimitBytes, outboxes, ...status }, { rows, keys }] =
          await Promise.all([desk.health(), desk.stock()]);
        const oldest = Object.entries(status.oldestAtMs);
        return success({
          warnings: status.warnings,
          database_bytes: databaseBytes,
          database_limit_bytes: databaseLimitBytes,
          rows,
          outboxes,
          oldest_on: Object.fromEntries(oldest.map(([name, ms]) => [name, isoTimeOrNull(ms)])),
          failed_requests: status.failedRequests,
          housekeeping_on: isoTimeOrNull(status.housekeepingAtMs),
          overdue_on: isoTimeOrNull(status.overdueAtMs),
          archive_failing_on: isoTimeOrNull(status.archiveFailedAtMs),
          keys: keys.map(keyToJson),
        });
      }),
    },
    {
      method: "PATCH",
      path: "/rest/admin/users/:id",
      ...WRITE,
      body: change,
      handle: forOperators(async (desk, request) => {
        const act = actOf(await change.read(request));
        return success(accountToJson(await desk.change(idIn(request), act)));
      }),
    },
    deletion("/rest/admin/users/:id/credentials", (desk, request) => desk.revokeAll(idIn(request))),
    deletion("/rest/admin/users/:id/logins/:login", (desk, request) =>
      desk.revokeOne(idIn(request), "login", pathId(request, "login")),
    ),
    deletion("/rest/admin/users/:id/tokens/:token", (desk, request) =>
      desk.revokeOne(idIn(request), "token", pathId(request, "token")),
    ),
    deletion("/rest/admin/users/:id/second_factor", (desk, request) =>
      desk.removeSecondFactor(idIn(request)),
    ),
    {
      method: "POST",
      path: "/rest/admin/users/:id/password_reset",
      ...WRITE,
      body: NO_FIELDS,
      handle: forOperators(async (desk, request) => {
        await NO_FIELDS.read(request);
        return success({ is_sent: await desk.sendReset(idIn(request)) });
      }),
    },
    deletion("/rest/admin/users/:id", (desk, request) => desk.remove(idIn(request))),
    // The digest of an email is hex.
    deletion("/rest/admin/throttles/:id", (desk, request) =>
      desk.liftThrottles(idIn(request).toLowerCase()),
    ),
    {
      method: "POST",
      path: "/rest/admin/dead_letters/replay",
      ...WRITE,
      body: replay,
      handle: forOperators(async (desk, request) => {
        const { event_uuids } = await replay.read(request);
        return success({ replayed: await desk.replay(event_uuids) });
      }),
    },
  ]);
}

const idIn = (request: HonoRequest) => pathId(request, "id");

/** @throws RequestFaultError `fields_invalid` unless it names exactly one */
function actOf(fields: v.InferOutput<typeof ChangeAccount>): AccountAct {
  const [first, ...others] = Object.keys(fields);
  if (first === undefined || others.length > 0) {
    const message = "the body must name exactly one of disabled, role and metadata";
    return refuseRequest({ code: "fields_invalid", problems: [{ path: "", message }] });
  }
  const { disabled, role, metadata } = fields;
  if (disabled !== undefined) return { disabled };
  return role === undefined ? { metadata: metadata ?? {} } : { role };
}

/** @throws RequestFaultError `fields_invalid` */
function filterIn(request: HonoRequest): EventFilter {
  const filter = {
    userId: queryId(request, "user"),
    what: queryText(request, "what"),
    outcome: queryWord(request, "outcome", ["done", "refused"]),
    actorId: queryId(request, "actor"),
    fromMs: queryTime(request, "from"),
    untilMs: queryTime(request, "until"),
  };
  const isAll = queryWord(request, "all", ["true", "false"]) === "true";
  const given = Object.fromEntries(
    Object.entries(filter).filter(([, value]) => value !== undefined),
  );
  return { ...given, isAll };
}

function accountToJson(account: Account): Readonly<Record<string, Json>> {
  return {
    ...userToJson(account),
    kind: account.kind,
    disabled_on: isoTimeOrNull(account.disabledAtMs),
    has_password: account.hasPassword,
    has_second_factor: account.hasSecondFactor,
    identities: account.identities,
  };
}

const diagnosisToJson = (token: TokenDiagnosis) => ({
  uuid: token.id,
  kind: token.kind,
  status: token.status,
  created_on: isoTimeOrNull(token.issuedAtMs),
  expired_on: isoTimeOrNull(token.expiresAtMs),
  revoked_on: isoTimeOrNull(token.revokedAtMs),
  claims: token.claims,
});

const keyToJson = ({ kid, alg, state, createdAtMs, sinceMs }: KeyState) => ({
  kid,
  alg,
  state,
  created_on: isoTimeOrNull(createdAtMs),
  since: isoTimeOrNull(sinceMs),
});

const entryToJson = (entry: OperatorsEntry) => ({
  user_uuid: entry.userId,
  ...eventToJson(entry),
  count: entry.count,
});

const throttleToJson = ({ owner, counts, untilMs }: Throttle) => ({
  id: owner,
  counts,
  until: isoTime(untilMs),
});

const deadLetterToJson = (letter: DeadLetter) => ({
  receiver: letter.receiver,
  user_uuid: letter.userId,
  event_uuid: letter.eventId,
  what: letter.what,
  attempts: letter.attempts,
  reason: letter.reason,
  died_on: isoTime(letter.diedAtMs),
});
