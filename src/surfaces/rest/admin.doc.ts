import * as v from "valibot";
import { WARNINGS } from "../../core/admin.ts";
import { RECEIVERS } from "../../core/deliveries.ts";
import type { Component, OperationDoc, RoutesOf } from "../../openapi/description.ts";
import {
  inQuery,
  answer,
  anyJson,
  CURSOR,
  count,
  describe,
  PAGE,
  pathParameter,
  text,
  textOrNull,
  time,
  timeOrNull,
  uuid,
  uuidOrNull,
} from "../../openapi/shapes.ts";
import { AuditEvent, Empty, PersonalData, page, success, User } from "./accounts.doc.ts";
import type { adminRoutes } from "./admin.ts";
import { ApiToken } from "./api-tokens.doc.ts";
import { UserLogins } from "./logins.doc.ts";
import { ChangeAccount, FindAccount, ReplayEvents } from "./fields.ts";

const Account = v.object({
  ...User.entries,
  kind: describe(v.picklist(["person", "service"]), "A service has API tokens and no log-in."),
  disabled_on: timeOrNull,
  has_password: v.boolean(),
  has_second_factor: v.boolean(),
  identities: describe(v.record(text, text), "By issuer, the subject that opens this account."),
});

const FoundToken = v.object({
  uuid: textOrNull,
  kind: textOrNull,
  status: text,
  created_on: timeOrNull,
  expired_on: timeOrNull,
  revoked_on: timeOrNull,
  claims: describe(v.nullable(v.record(text, anyJson)), "What is stored about it, or a JWT's."),
});

const OperatorsEvent = v.object({
  user_uuid: describe(uuidOrNull, "Whose event it is; null where no account is known."),
  ...AuditEvent.entries,
  actor_uuid: describe(uuidOrNull, "Who did it, operators too; null if unknown."),
  count: describe(count, "More than one where refused credentials were counted together."),
});

const Throttle = v.object({
  id: describe(text, "The account's uuid, or the digest of an email without one: send it to lift."),
  counts: v.picklist(["account", "network", "credential"]),
  until: describe(time, "When the next attempt is allowed."),
});

const DeadLetter = v.object({
  receiver: v.picklist(RECEIVERS),
  user_uuid: uuid,
  event_uuid: uuid,
  what: textOrNull,
  attempts: count,
  reason: text,
  died_on: time,
});

const Key = v.object({
  kid: text,
  alg: text,
  state: v.picklist(["standby", "active", "retiring"]),
  created_on: describe(timeOrNull, "null where the key does not say."),
  since: describe(timeOrNull, "When it came into this state."),
});

const Status = v.object({
  warnings: describe(v.array(v.picklist(WARNINGS)), "What needs someone; empty when all is well."),
  database_bytes: count,
  database_limit_bytes: describe(count, "DATABASE_LIMIT_BYTES."),
  rows: describe(v.record(text, count), "By table, at most 10,001 each."),
  outboxes: v.object({
    events: count,
    dead_letters: count,
    notices: count,
    revocations: describe(count, "Tombstones that KV has not taken yet."),
  }),
  oldest_on: describe(
    v.object({ events: timeOrNull, dead_letters: timeOrNull, notices: timeOrNull }),
    "When the oldest of them was queued or given up.",
  ),
  failed_requests: describe(
    count,
    "Of the last hour, at least: answers 5xx, counted in memory and written once a minute.",
  ),
  housekeeping_on: describe(timeOrNull, "When it last finished."),
  overdue_on: describe(
    timeOrNull,
    "Since when the oldest row that it left should have been deleted: null where it keeps up.",
  ),
  archive_failing_on: describe(
    timeOrNull,
    "Since when `EVENTS_ARCHIVE` has not taken the events that have expired, which therefore stay; else null.",
  ),
  keys: describe(v.array(Key), "The keys for JWTs, without their secrets."),
});

const ResetSent = v.object({
  is_sent: describe(v.boolean(), "false where the deployment sends no email."),
});

export const adminComponents: Readonly<Record<string, Component>> = {
  Account: { schema: Account },
  FoundToken: { schema: FoundToken },
  OperatorsEvent: { schema: OperatorsEvent },
  Throttle: { schema: Throttle },
  DeadLetter: { schema: DeadLetter },
  ServiceStatus: { schema: Status },
  FindAccount: {
    schema: FindAccount,
    fields: { query: { description: "An email, an account's or a token's `uuid`, or a token." } },
  },
  ChangeAccount: {
    schema: ChangeAccount,
    description: "Exactly one change.",
    extra: { minProperties: 1, maxProperties: 1 },
    fields: {
      disabled: {
        description:
          "true revokes everything that the account has, unlinks its identities, and refuses its owner until false.",
      },
      role: { description: "JWTs keep the claim of the old role until they expire." },
      metadata: { description: "Replaces what there was." },
    },
  },
  ReplayEvents: {
    schema: ReplayEvents,
    fields: { event_uuids: { description: "null for all dead letters." } },
  },
};

const ID = pathParameter("id", "The account's `uuid`.");

const operation = (
  id: string,
  summary: string,
  description: string,
  more: Omit<OperationDoc, "id" | "summary" | "description">,
): OperationDoc => ({ id, summary, description, ...more, refuses: [403, ...(more.refuses ?? [])] });

const deletion = (
  id: string,
  summary: string,
  description: string,
  done: string,
  parameters: OperationDoc["parameters"] = ID,
) =>
  operation(id, summary, description, {
    parameters,
    answers: answer(done, success(Empty)),
    refuses: [404],
  });

const SCANNED =
  "At most 5,000 rows are looked at for one page, so a page may be short, or empty, and yet have a `next_cursor`.";

export const adminOperations: Readonly<Record<RoutesOf<typeof adminRoutes>, OperationDoc>> = {
  "POST /rest/admin/find": operation(
    "findAccount",
    "Find an account, as an operator",
    "By its email, its `uuid`, or the `uuid` or text of any token of it. The text of a token is not repeated. Like all that follow: only for accounts with the role `Admin`, which the database is asked each time. That an operator looked at an account is one of its events.",
    {
      answers: answer(
        "The account, and the token if it was one.",
        success(v.object({ user: Account, token: v.nullable(FoundToken) })),
      ),
      refuses: [404],
    },
  ),
  "GET /rest/admin/users/:id": operation(
    "readAccount",
    "Get an account, as an operator",
    "Deleted accounts too, of which little is left.",
    { parameters: ID, answers: answer("The account.", success(Account)), refuses: [404] },
  ),
  "GET /rest/admin/users/:id/logins": operation(
    "listAccountLogins",
    "List where an account is logged in, as an operator",
    "Active log-ins, newest first, and the devices that logged in lately.",
    {
      parameters: [...ID, ...PAGE],
      answers: answer("A page of log-ins.", UserLogins),
      refuses: [404],
    },
  ),
  "GET /rest/admin/users/:id/tokens": operation(
    "listAccountTokens",
    "List the API tokens of an account, as an operator",
    "Those that were not revoked, newest first, without their secrets.",
    {
      parameters: [...ID, ...PAGE],
      answers: answer("A page of API tokens.", page(v.array(ApiToken))),
      refuses: [404],
    },
  ),
  "GET /rest/admin/users/:id/export": operation(
    "exportAccount",
    "Export all data about an account, as an operator",
    "As its owner would get it, page by page: for a request of access (GDPR article 15), and to see what was revoked.",
    {
      parameters: [...ID, CURSOR],
      answers: answer("A page of it, without secrets.", page(PersonalData)),
      refuses: [404],
    },
  ),
  "GET /rest/admin/events": operation(
    "listEvents",
    "List events of all accounts, as an operator",
    `Of one account, newest first. Without \`user\`: what was refused at accounts and what operators did, newest first; what named no account is of the nil UUID. With \`all=true\` and no \`user\`: the whole log, sorted by account. ${SCANNED}`,
    {
      parameters: [
        inQuery("user", "Whose events.", uuid),
        inQuery("what", "The kind of event.", text),
        inQuery("outcome", "How it ended.", v.picklist(["done", "refused"])),
        inQuery("actor", "Who did it.", uuid),
        inQuery("from", "Not before.", time),
        inQuery("until", "Before.", time),
        inQuery("all", "The whole log.", v.picklist(["true", "false"])),
        ...PAGE,
      ],
      answers: answer("A page of events.", page(v.array(OperatorsEvent))),
      refuses: [404],
    },
  ),
  "GET /rest/admin/throttles": operation(
    "listThrottles",
    "List accounts and networks that failed log-ins have locked out, as an operator",
    `Counters that allow no attempt now, of accounts, of an account from one network, and of a credential. Networks are kept as digests. ${SCANNED}`,
    { parameters: PAGE, answers: answer("A page of them.", page(v.array(Throttle))) },
  ),
  "GET /rest/admin/dead_letters": operation(
    "listDeadLetters",
    "List events that a receiver did not accept in three days, as an operator",
    "By receiver and account.",
    { parameters: PAGE, answers: answer("A page of them.", page(v.array(DeadLetter))) },
  ),
  "GET /rest/admin/status": operation(
    "readStatus",
    "Get the state of the service, as an operator",
    "What needs someone, the size of the database, what waits to be sent, requests that failed, when housekeeping last finished, and the keys for JWTs.",
    { answers: answer("The state.", success(Status)) },
  ),
  "PATCH /rest/admin/users/:id": operation(
    "changeAccount",
    "Disable or enable an account, or set its role or metadata, as an operator",
    "One change in each request. Repeated, it changes nothing.",
    {
      parameters: ID,
      answers: answer("The account as it is now.", success(Account)),
      refuses: [404, 507],
    },
  ),
  "DELETE /rest/admin/users/:id/credentials": deletion(
    "revokeAccountCredentials",
    "Revoke all credentials of an account, as an operator",
    "Sessions, JWTs, API tokens and action tokens. Its password and other ways to log in stay: disable it to stop those.",
    "Revoked.",
  ),
  "DELETE /rest/admin/users/:id/logins/:login": deletion(
    "revokeAccountLogin",
    "Log an account out in one place, as an operator",
    "A session, or a JWT pair with all JWTs that were derived from it. Needs a fresh log-in. Repeated, it changes nothing.",
    "Revoked.",
    [...ID, ...pathParameter("login", "The log-in's `id`.")],
  ),
  "DELETE /rest/admin/users/:id/tokens/:token": deletion(
    "revokeAccountToken",
    "Revoke one API or action token of an account, as an operator",
    "With all that was derived from it. Needs a fresh log-in. Links that were sent by email are not among them. Repeated, it changes nothing.",
    "Revoked.",
    [...ID, ...pathParameter("token", "The token's ID.")],
  ),
  "DELETE /rest/admin/users/:id/second_factor": deletion(
    "removeAccountSecondFactor",
    "Remove the second factor of an account, as an operator",
    "For someone who has lost the app and the recovery codes: they log in without, and are told by email. Make sure first that it is them who ask.",
    "Removed, or there was none.",
  ),
  "POST /rest/admin/users/:id/password_reset": operation(
    "sendPasswordReset",
    "Send a password reset email to an account, as an operator",
    "To its own email; 404 where it is disabled.",
    {
      parameters: ID,
      answers: answer("Accepted.", success(ResetSent)),
      refuses: [404, 429],
    },
  ),
  "DELETE /rest/admin/users/:id": deletion(
    "deleteAccount",
    "Delete an account, as an operator",
    "As its owner would: revokes all its credentials, and erases what is stored about the person (GDPR article 17). The email can sign up again.",
    "Deleted.",
  ),
  "DELETE /rest/admin/throttles/:id": deletion(
    "liftThrottles",
    "Lift the limits on log-ins of an account, as an operator",
    "Empties its counters of failed attempts, from all networks.",
    "Lifted.",
    pathParameter("id", "Of `GET /rest/admin/throttles`, or an account's `uuid`."),
  ),
  "POST /rest/admin/dead_letters/replay": operation(
    "replayEvents",
    "Queue dead letters again, as an operator",
    "Behind what waits of the same accounts, for another three days.",
    {
      answers: answer("How many were queued.", success(v.object({ replayed: count }))),
    },
  ),
};
