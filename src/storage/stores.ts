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
import { type Background, createBackground, type WaitUntil } from "./background.ts";
import { createCaches, invalidateUser } from "./cache.ts";
import { cachedTokens, type TokenStore } from "./cached-tokens.ts";
import { createContacts, createDisplayNames } from "./contacts.ts";
import { createDatabase } from "./d1.ts";
import { createDeadline, type StoreUsage } from "./deadline.ts";
import { type AuditClient, createAuditStatements, createEvents } from "./events.ts";
import { type CleanupReport, createHousekeeping } from "./housekeeping.ts";
import { createIdentities } from "./identities.ts";
import { kvTokens, kvUsers } from "./kv.ts";
import {
  type AttemptNetwork,
  createLoginAttempts,
  createRateLimits,
  type Limiters,
} from "./login-throttle.ts";
import { createMailTokens, createNotices, createNoticeStatements } from "./mail.ts";
import { createPersonalData } from "./personal-data.ts";
import { pendingRevocations, type RevocationPolicy } from "./revocation.ts";
import { createStatusLists } from "./status-lists.ts";
import { createTokenDiagnosis } from "./token-diagnosis.ts";
import { tokensInD1 } from "./tokens.ts";
import { createUsers } from "./users.ts";

export interface StoreBindings {
  readonly KV: KVNamespace;
  readonly DB: D1Database;
}

/** What the stores ask about the request that is being served; of none, as in a cron run, it is empty. */
export interface Served {
  /** Counts the store calls of the request; null where there is none. */
  usage(): StoreUsage | null;
  requestId(): string;
  /** In the form in which it may be stored. */
  client(): AuditClient;
  /** That log-in attempts are counted by. */
  attemptNetwork(): AttemptNetwork;
  /** That refused credentials are counted by: the widest that one holder may have. */
  noisyNetwork(): string;
  /** That rate limits count, the narrowest first. */
  limitedNetworks(): readonly string[];
  /** That emails are known to be asked from. */
  network(): string;
}

export interface StoreOptions {
  readonly policy: RevocationPolicy;
  readonly served: Served;
  readonly waitUntil: WaitUntil;
  readonly limiters: Limiters;
  readonly deadlineMs: number;
  /** How long events are kept. */
  readonly auditDays: number;
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
export function createStores({ KV, DB }: StoreBindings, options: StoreOptions): Stores {
  const { policy, served, waitUntil, limiters, deadlineMs, auditDays, sendsMail } = options;
  const withDeadline = createDeadline(deadlineMs, served.usage);
  const db = createDatabase(DB, withDeadline);
  const kv = kvTokens(KV, withDeadline);
  const copies = kvUsers(KV, withDeadline, policy.lagSeconds);
  const background = createBackground(waitUntil, served.requestId, policy);
  const caches = createCaches(policy);
  const invalidatingUser = invalidateUser({ copies, background, policy, caches });
  const revocations = pendingRevocations(db, kv, background, policy);
  const events = createAuditStatements(served.client);
  const notices = createNoticeStatements(sendsMail);
  const changes = { db, background, revocations, events, notices, invalidatingUser };
  const strictTokens = tokensInD1({ db, revocations, events, notices });
  const d1 = { ...strictTokens, ...apiTokensInD1(db, revocations, events, notices) };
  return {
    users: createUsers({ ...changes, copies, policy }),
    tokens: cachedTokens({ d1, kv, background, policy, caches, invalidatingUser }),
    strictTokens,
    actionTokens: createActionTokens({ ...changes, kv }),
    identities: createIdentities(db, events, notices, background),
    mailTokens: createMailTokens(db, events, served.network),
    notices: createNotices(db),
    attempts: createLoginAttempts(db, background, served.attemptNetwork),
    limits: createRateLimits(limiters, served.limitedNetworks, background, withDeadline),
    events: createEvents(db, events, background, served.noisyNetwork),
    contacts: createContacts(db, events),
    displayNames: createDisplayNames(db),
    tokenDiagnosis: createTokenDiagnosis(db),
    statusLists: createStatusLists(db),
    personalData: createPersonalData(db),
    background,
    cleanUp: createHousekeeping(db, revocations, kv, auditDays),
  };
}
