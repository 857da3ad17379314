import type { PersonalTable } from "../core/action.ts";
import type { ReceiverName } from "../core/deliveries.ts";
import type { EraseUnproven } from "../core/email-login.ts";
import type { StrictCheckStore } from "../core/introspection.ts";
import type { Room } from "../core/room.ts";
import type { Lifetimes } from "../core/token.ts";
import { createActionTokens } from "./action-tokens.ts";
import { createApiTokenSearch } from "./api-token-search.ts";
import { apiTokensInD1 } from "./api-tokens.ts";
import { createAdmin } from "./admin.ts";
import { createCaches, invalidateUser } from "./cache.ts";
import { cachedTokens } from "./cached-tokens.ts";
import { createBackground, createDeadline, type WaitUntil } from "./calls.ts";
import type { Served, StorageContext, WaysIn } from "./context.ts";
import { createDatabase } from "./d1.ts";
import { createDeviceStatements } from "./devices.ts";
import { createDeliveries, tellingOfQueued } from "./deliveries.ts";
import { createEmailLogins } from "./email-logins.ts";
import { createAuditStatements, createEvents } from "./events.ts";
import type { ArchiveBucket } from "./events-archive.ts";
import { createHousekeeping } from "./housekeeping.ts";
import { createIdentities } from "./identities.ts";
import { kvTokens, kvUsers } from "./kv.ts";
import { createLegacyJwts } from "./legacy-jwts.ts";
import { createLoginAttempts, createRateLimits, type Limiters } from "./login-throttle.ts";
import { createMailTokens, createNotices, createNoticeStatements } from "./mail.ts";
import { createPasskeys } from "./passkeys.ts";
import { createPersonalData } from "./personal-data.ts";
import { createReplicas } from "./replicas.ts";
import { readCopy } from "./rows.ts";
import { operatorCheck, pendingRevocations, type RevocationPolicy } from "./revocation.ts";
import { createSecondFactors } from "./second-factors.ts";
import { databaseSize } from "./size.ts";
import { createStatusLists, createTokenDiagnosis, tokensInD1 } from "./tokens.ts";
import { createContacts, createDisplayNames, createUsers } from "./users.ts";

export interface StoreBindings {
  readonly KV: KVNamespace;
  readonly DB: D1Database;
}

export interface StoreOptions {
  readonly served: Served;
  readonly waitUntil: WaitUntil;
  readonly limiters: Limiters;
  readonly deadlineMs: number;
  /** DATABASE_LIMIT_BYTES */
  readonly databaseLimitBytes: number;
  /** How long events are kept. */
  readonly eventDays: number;
  readonly routineEventDays: number;
  readonly sendsMail: boolean;
  /** ADMIN_SECOND_FACTOR */
  readonly operatorsNeedSecondFactor: boolean;
  readonly waysIn: WaysIn;
  /** Those of actions of the deployment's own. */
  readonly tables: readonly PersonalTable[];
  readonly eraseUnproven: EraseUnproven;
  readonly lifetimes: Lifetimes;
  /** To whom events go. */
  readonly receivers: readonly ReceiverName[];
  /** EVENTS_ARCHIVE, where it is bound. */
  readonly archive: ArchiveBucket | undefined;
}

export type Stores = ReturnType<typeof createStores>;

/** Every store of one isolate, over KV and D1. */
export function createStores(
  { KV, DB }: StoreBindings,
  policy: RevocationPolicy,
  {
    served,
    waitUntil,
    limiters,
    deadlineMs,
    databaseLimitBytes,
    eventDays,
    routineEventDays,
    sendsMail,
    operatorsNeedSecondFactor,
    waysIn,
    lifetimes,
    receivers,
    archive,
    tables,
    eraseUnproven,
  }: StoreOptions,
) {
  const withDeadline = createDeadline(deadlineMs, served.usage);
  let onQueued: (userIds: readonly string[]) => void = () => undefined;
  const size = databaseSize(databaseLimitBytes);
  const database = createDatabase(DB, withDeadline, size.note);
  const db =
    receivers.length === 0 ? database : tellingOfQueued(database, (userIds) => onQueued(userIds));
  const kv = kvTokens(KV, withDeadline, readCopy);
  const copies = kvUsers(KV, withDeadline, policy.lagSeconds);
  const background = createBackground(waitUntil, served.requestId);
  const caches = createCaches(policy);
  const notices = createNoticeStatements(sendsMail);
  const context: StorageContext = {
    db,
    size,
    replicas: createReplicas({
      d1: DB,
      db,
      // One that is near and slow is none.
      withDeadline: createDeadline(deadlineMs / 3, served.usage),
      background,
      policy,
      size,
    }),
    kv,
    copies,
    background,
    policy,
    lifetimes,
    caches,
    invalidatingUser: invalidateUser({ copies, background, policy, caches }),
    revocations: pendingRevocations(db, kv, background, policy),
    events: createAuditStatements(served.client, receivers),
    notices,
    devices: createDeviceStatements(served, notices),
    served,
    waysIn,
    isOperator: operatorCheck(operatorsNeedSecondFactor),
    tables,
  };
  let workedMs = 0;
  const metered = createDatabase(DB, withDeadline, (meta) => {
    // Where it is not told, nothing is counted: housekeeping must not stop for it.
    workedMs += meta.duration ?? 0;
    size.note(meta);
  });
  const statementMs = () => {
    const ms = workedMs;
    workedMs = 0;
    return ms;
  };
  const inD1 = tokensInD1(context);
  /** Tokens as D1 has them, whatever the revocation lag. */
  const strictTokens: StrictCheckStore = inD1;
  return {
    users: createUsers(context),
    tokens: cachedTokens({ ...inD1, ...apiTokensInD1(context) }, context),
    strictTokens,
    actionTokens: createActionTokens(context),
    legacyJwts: createLegacyJwts(context),
    identities: createIdentities(context),
    passkeys: createPasskeys(context),
    secondFactors: createSecondFactors(context),
    mailTokens: createMailTokens(context),
    emailLogins: createEmailLogins(context, eraseUnproven),
    notices: createNotices(context),
    attempts: createLoginAttempts(context),
    limits: createRateLimits(limiters, context, withDeadline),
    events: createEvents(context),
    deliveries: createDeliveries(context, (listener) => {
      onQueued = listener;
    }),
    contacts: createContacts(context),
    displayNames: createDisplayNames(context),
    apiTokenSearch: createApiTokenSearch(context),
    tokenDiagnosis: createTokenDiagnosis(context),
    statusLists: createStatusLists(context),
    personalData: createPersonalData(context),
    admin: createAdmin(context),
    background,
    room: size satisfies Room,
    /** Deletes expired rows, and flushes pending tombstones to KV. */
    cleanUp: createHousekeeping(
      {
        ...context,
        db: metered,
        revocations: pendingRevocations(metered, kv, background, policy),
        statementMs,
        withDeadline,
        archive,
      },
      { eventDays, routineEventDays, receivers },
    ),
  };
}
