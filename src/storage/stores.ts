import type { PersonalDataStore, UserStore } from "../core/accounts.ts";
import type { DisplayNameStore } from "../core/action-pages.ts";
import type { ActionTokenStore } from "../core/action-tokens.ts";
import type { ContactStore } from "../core/contacts.ts";
import type { EventStore } from "../core/events.ts";
import type { Ha1bStore } from "../core/ha1b.ts";
import type { IdentityStore } from "../core/identities.ts";
import type { StrictCheckStore } from "../core/introspection.ts";
import type { LoginAttemptStore, RateLimits } from "../core/login-throttle.ts";
import type { NoticeStore } from "../core/notices.ts";
import type { PasswordHashStore } from "../core/passwords.ts";
import type { MailTokenStore } from "../core/recovery.ts";
import type { StatusListStore } from "../core/status-lists.ts";
import type { TokenDiagnosisStore } from "../core/token-diagnosis.ts";
import { createActionTokens } from "./action-tokens.ts";
import { apiTokensInD1 } from "./api-tokens.ts";
import { createCaches, invalidateUser } from "./cache.ts";
import { cachedTokens, type TokenStore } from "./cached-tokens.ts";
import { type Background, createBackground, createDeadline, type WaitUntil } from "./calls.ts";
import type { Served, StorageContext } from "./context.ts";
import { createDatabase } from "./d1.ts";
import { createAuditStatements, createEvents } from "./events.ts";
import { type CleanupReport, createHousekeeping } from "./housekeeping.ts";
import { createIdentities } from "./identities.ts";
import { kvTokens, kvUsers } from "./kv.ts";
import { createLoginAttempts, createRateLimits, type Limiters } from "./login-throttle.ts";
import { createMailTokens, createNotices, createNoticeStatements } from "./mail.ts";
import { createPersonalData } from "./personal-data.ts";
import { pendingRevocations, type RevocationPolicy } from "./revocation.ts";
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
  /** How long events are kept. */
  readonly eventDays: number;
  readonly sendsMail: boolean;
}

export interface Stores {
  readonly users: UserStore & PasswordHashStore & Ha1bStore;
  readonly tokens: TokenStore;
  /** Tokens as D1 has them, whatever the revocation lag. */
  readonly strictTokens: StrictCheckStore;
  readonly actionTokens: ActionTokenStore;
  readonly identities: IdentityStore;
  readonly mailTokens: MailTokenStore;
  readonly notices: NoticeStore;
  readonly attempts: LoginAttemptStore;
  readonly limits: RateLimits;
  readonly events: EventStore;
  readonly contacts: ContactStore;
  readonly displayNames: DisplayNameStore;
  readonly tokenDiagnosis: TokenDiagnosisStore;
  readonly statusLists: StatusListStore;
  readonly personalData: PersonalDataStore;
  readonly background: Background;
  /** Deletes expired rows, and flushes pending tombstones to KV. */
  readonly cleanUp: (nowMs: number) => Promise<CleanupReport>;
}

/** Every store of one isolate, over KV and D1. */
export function createStores(
  { KV, DB }: StoreBindings,
  policy: RevocationPolicy,
  { served, waitUntil, limiters, deadlineMs, eventDays, sendsMail }: StoreOptions,
): Stores {
  const withDeadline = createDeadline(deadlineMs, served.usage);
  const db = createDatabase(DB, withDeadline);
  const kv = kvTokens(KV, withDeadline);
  const copies = kvUsers(KV, withDeadline, policy.lagSeconds);
  const background = createBackground(waitUntil, served.requestId, policy);
  const caches = createCaches(policy);
  const context: StorageContext = {
    db,
    kv,
    copies,
    background,
    policy,
    caches,
    invalidatingUser: invalidateUser({ copies, background, policy, caches }),
    revocations: pendingRevocations(db, kv, background, policy),
    events: createAuditStatements(served.client),
    notices: createNoticeStatements(sendsMail),
    served,
  };
  const strictTokens = tokensInD1(context);
  return {
    users: createUsers(context),
    tokens: cachedTokens({ ...strictTokens, ...apiTokensInD1(context) }, context),
    strictTokens,
    actionTokens: createActionTokens(context),
    identities: createIdentities(context),
    mailTokens: createMailTokens(context),
    notices: createNotices(context),
    attempts: createLoginAttempts(context),
    limits: createRateLimits(limiters, context, withDeadline),
    events: createEvents(context),
    contacts: createContacts(context),
    displayNames: createDisplayNames(context),
    tokenDiagnosis: createTokenDiagnosis(context),
    statusLists: createStatusLists(context),
    personalData: createPersonalData(context),
    background,
    cleanUp: createHousekeeping(context, eventDays),
  };
}
