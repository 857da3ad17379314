import { actionRegistry, builtInActions, tablesOf } from "./actions/registry.ts";
import { unprovenEraser } from "./actions/unproven.ts";
import type { Config } from "./config.ts";
import { type Accounts, accounts, type PersonalDataStore } from "./core/accounts.ts";
import { type Admin, admin as createAdmin } from "./core/admin.ts";
import type { Action } from "./core/action.ts";
import { type ActionPages, actionPages } from "./core/action-pages.ts";
import {
  type ActionTokens,
  actionTokens,
  type ActionUses,
  actionUses,
} from "./core/action-tokens.ts";
import { type ApiTokens, apiTokens } from "./core/api-tokens.ts";
import { type TokenVerification, tokenVerification } from "./core/token-verification.ts";
import { type Authenticate, authenticator } from "./core/authenticate.ts";
import { type OwnContacts, ownContacts } from "./core/contacts.ts";
import {
  type DeliveryReport,
  deliveries as createDeliveries,
  type LatchkeyEvent,
  type Receiver,
} from "./core/deliveries.ts";
import { ownClaims, withExternalId } from "./core/claims.ts";
import { type EmailLogins, emailLogins } from "./core/email-login.ts";
import type { EventStore } from "./core/events.ts";
import { type FreshLogins, freshLogins } from "./core/fresh-login.ts";
import { ha1b as createHa1b } from "./core/ha1b.ts";
import { identityLogin, type LinkedIdentities, linkedIdentities } from "./core/identities.ts";
import { type IssuerLogin, issuerLogin } from "./core/issuer-login.ts";
import { introspection, type IntrospectionService } from "./core/introspection.ts";
import { type JwtPairs, jwtPairs } from "./core/jwt-pairs.ts";
import { type IssueLogin, loginIssuer } from "./core/log-in.ts";
import { withLegacyJwts } from "./core/legacy-jwts.ts";
import { type Leaks, leaks } from "./core/leaks.ts";
import type { RateLimits } from "./core/login-throttle.ts";
import { type Logins, logins } from "./core/logins.ts";
import type { Mailer } from "./core/mail.ts";
import { notices as createNotices } from "./core/notices.ts";
import {
  type FirstFactor,
  firstFactor,
  noPasswords,
  passwordCheck,
  passwordLogin,
  passwordRules,
} from "./core/passwords.ts";
import { type Passkeys, passkeys } from "./core/passkeys.ts";
import { type Recovery, recovery as createRecovery } from "./core/recovery.ts";
import { roomLevel } from "./core/room.ts";
import { type Scopes, scopeTable } from "./core/scopes.ts";
import {
  type Encryption,
  type SecondFactor,
  secondFactor as createSecondFactor,
} from "./core/second-factor.ts";
import { type Sessions, sessions } from "./core/sessions.ts";
import { type StatusLists, statusLists } from "./core/status-lists.ts";
import { type TokenDiagnostics, tokenDiagnostics } from "./core/token-diagnosis.ts";
import { type TokenExchange, tokenExchange } from "./core/token-exchange.ts";
import type { Served } from "./storage/context.ts";
import type { ArchiveBucket } from "./storage/events-archive.ts";
import type { CleanupReport } from "./storage/housekeeping.ts";
import type { Options } from "./options.ts";
import { revocationPolicy } from "./storage/revocation.ts";
import { usersOf, viaQueue } from "./storage/deliveries.ts";
import { createStores, type StoreBindings, type Stores } from "./storage/stores.ts";
import { type CryptoServices, createCrypto, type PasswordHashing } from "./crypto/create-crypto.ts";
import { PASSKEY_ALGORITHMS, passkeyVerifier } from "./crypto/webauthn.ts";
import { auditClient, auditDevice, isShared, limitedNetworks, networkOf } from "./http/address.ts";
import { clientInfo, currentRecord } from "./http/request-record.ts";
import { type Metrics, requestLog } from "./http/request-log.ts";
import { noMailer, outbox } from "./mail/mailers.ts";
import { eventWebhook, mailWebhook } from "./mail/webhook.ts";

export interface Bindings extends StoreBindings {
  /** Each limits a network; one that is not bound limits nothing. */
  readonly LOGIN_LIMIT?: RateLimit;
  readonly SIGN_UP_LIMIT?: RateLimit;
  readonly RESET_LIMIT?: RateLimit;
  readonly LEAK_LIMIT?: RateLimit;
  readonly TOKEN_LIMIT?: RateLimit;
  readonly REVOKE_LIMIT?: RateLimit;
  readonly STATUS_LIST_LIMIT?: RateLimit;
  readonly CREDENTIAL_LIMIT?: RateLimit;
  readonly CLIENT_LIMIT?: RateLimit;
  /** Where it is bound, and this Worker consumes it, its invocations deliver events; otherwise requests and the cron trigger do. */
  readonly EVENTS_QUEUE?: Pick<Queue, "send">;
  /** Where it is bound, events are put into it before they are deleted. */
  readonly EVENTS_ARCHIVE?: ArchiveBucket;
  /** Where it is bound, each request is a data point in it. */
  readonly METRICS?: Metrics;
}

/** What the runtime gives beside bindings. */
export interface Platform extends PasswordHashing {
  readonly waitUntil: (work: Promise<unknown>) => void;
}

/** The options that tokens depend on. */
type TokenOptions = Pick<Options, "scopes" | "audiences" | "claims">;

/** What the service can do, for surfaces and pages. */
export interface Services {
  readonly authenticate: Authenticate;
  readonly accounts: Accounts;
  readonly secondFactor: SecondFactor;
  /** For what a browser keeps for us. */
  readonly encryption: Encryption;
  /** What operators can do. */
  readonly admin: Admin;
  /** Half of a log-in, for pages: `startSecondStep` asks for the other one. */
  readonly firstFactor: FirstFactor;
  readonly sessions: Sessions;
  readonly freshLogins: FreshLogins;
  readonly jwtPairs: JwtPairs;
  readonly issueLogin: IssueLogin;
  readonly exchange: TokenExchange;
  readonly apiTokens: ApiTokens;
  readonly verify: TokenVerification;
  readonly actionTokens: ActionTokens;
  readonly actionPages: ActionPages;
  readonly actionUses: ActionUses;
  readonly recovery: Recovery;
  readonly emailLogins: EmailLogins;
  readonly introspection: IntrospectionService;
  readonly logins: Logins;
  readonly diagnose: TokenDiagnostics;
  readonly leaks: Leaks;
  readonly statusLists: StatusLists;
  readonly publicKeys: CryptoServices["publicKeys"];
  readonly contacts: OwnContacts;
  readonly identities: LinkedIdentities;
  readonly issuerLogin: IssuerLogin;
  readonly passkeys: Passkeys;
  readonly audit: EventStore;
  readonly personalData: PersonalDataStore;
  readonly limits: RateLimits;
  readonly scopes: Scopes;
  readonly takesPasswords: boolean;
  readonly report: ReturnType<typeof requestLog>;
  /** A cron run: what one does not finish, the next one does. */
  housekeeping(nowMs: number): Promise<HousekeepingReport>;
  /** Delivers the events that these messages of EVENTS_QUEUE are about. A failure is logged, and tried again by housekeeping. */
  deliver(messages: readonly unknown[]): Promise<void>;
}

interface DatabaseReport {
  readonly databaseBytes: number;
  /** Of DATABASE_LIMIT_BYTES. */
  readonly databasePercent: number;
  /** Of the log line. */
  readonly level: "info" | "warn" | "error";
}

export type HousekeepingReport = (CleanupReport | { readonly isSkipped: true }) &
  Partial<DeliveryReport> &
  DatabaseReport;

interface Parts {
  readonly metrics: Metrics | undefined;
  readonly tokenOptions: TokenOptions;
  /** The actions of the deployment's own. */
  readonly own: readonly Action[];
  /** To whom events go. */
  readonly receivers: readonly Receiver[];
  readonly queue: Pick<Queue, "send"> | undefined;
}

export function createServices(
  stores: Stores,
  crypto: CryptoServices,
  config: Config,
  { metrics, receivers, queue, own, tokenOptions }: Parts,
): Services {
  const { tokens, users, attempts, limits, background, room } = stores;
  const { secrets, legacyKeys, passwords, isPwned } = crypto;
  const jwts =
    legacyKeys === null ? crypto.jwts : withLegacyJwts(crypto.jwts, legacyKeys, stores.legacyJwts);
  const { issuer, signUpIsOpen, lifetimes } = config;
  const { afterResponse } = background;
  const address = () => clientInfo().address;
  const { audiences = [], claims } = tokenOptions;
  const scopes = scopeTable(tokenOptions.scopes);
  const sendsMail = config.mail !== null;
  const mailer = mailerOf(config.mail);
  const notices = createNotices({
    store: stores.notices,
    mailer,
    secrets,
    afterResponse,
    issuer,
    sendsMail,
  });
  const deliveries = createDeliveries({
    store: stores.deliveries,
    receivers,
    afterResponse,
    enqueue: queue === undefined ? null : viaQueue(queue),
    clock: () => Date.now(),
  });
  const recovery = createRecovery({
    store: stores.mailTokens,
    secrets,
    mailer,
    limits,
    afterResponse,
    issuer,
    sendsMail,
    takesPasswords: config.passwords,
  });
  // guard: no-password-opens-where-there-are-none
  const checkPassword = config.passwords
    ? passwordCheck({ attempts, limits, store: users, passwords })
    : noPasswords(limits);
  const ha1b =
    crypto.ha1bHashes === null
      ? null
      : createHa1b({ users, hashes: crypto.ha1bHashes, attempts, limits });
  const secondFactor = createSecondFactor({
    users,
    store: stores.secondFactors,
    totp: crypto.totp,
    encryption: crypto.encryption,
    attempts,
    limits,
    notices,
    issuer,
  });
  const byPassword = firstFactor(checkPassword);
  const firstLogin = ha1b === null ? byPassword : ha1b.withHa1bUpgrade(byPassword);
  const login = passwordLogin(firstLogin, secondFactor);
  const builtIn = builtInActions(passwords, isPwned, tablesOf(own));
  const offered = builtIn.filter(({ name }) => config.passwords || name !== "resetPassword");
  const allActions = actionRegistry([...offered, ...own]);
  const store = stores.actionTokens;
  const issuedActions = actionTokens({ actions: allActions, store, secrets, notices, room });
  // guard: full-database-opens-no-accounts
  const opensAccounts = () => signUpIsOpen && !room.isFull();
  const loginByIdentity = identityLogin({
    idTokens: crypto.idTokens,
    store: stores.identities,
    limits,
    signUpIsOpen: opensAccounts,
    notices,
  });
  const authenticate = authenticator({
    login,
    identityLogin: loginByIdentity,
    others: ha1b === null ? {} : { ha1b: ha1b.login },
    secondFactor,
    secrets,
    tokens,
    jwts,
    address,
  });
  const claimsOfOwn = claims === undefined ? null : ownClaims(claims, issuer, scopes);
  const pairs = jwtPairs({
    login,
    tokens,
    jwts,
    limits,
    rotates: config.rotateRefreshTokens,
    scopes,
    lifetimes,
    audiences,
    issuer,
    ownClaims: config.userIdClaim === "external_id" ? withExternalId(claimsOfOwn) : claimsOfOwn,
  });
  const ownSessions = sessions({ login, secrets, tokens, users, lifetimes });
  const log = requestLog({ logged: config.logged, metrics });
  const diagnose = tokenDiagnostics({
    secrets,
    jwts,
    reader: crypto.jwtReader,
    store: stores.tokenDiagnosis,
    scopes,
  });
  return {
    authenticate,
    secondFactor,
    encryption: crypto.encryption,
    admin: createAdmin({
      store: stores.admin,
      logins: tokens,
      tokens,
      personalData: stores.personalData,
      diagnose,
      recovery,
      notices,
      keys: crypto.keyStates,
      room,
    }),
    firstFactor: firstLogin,
    accounts: accounts({
      users,
      passwords,
      checkPassword,
      checkNew: passwordRules(passwords, isPwned),
      limits,
      tokens,
      ha1b,
      signUpIsOpen,
      room,
      takesPasswords: config.passwords,
      notices,
      askToProve: sendsMail ? recovery.askToProve : null,
    }),
    sessions: ownSessions,
    freshLogins: freshLogins({
      strict: stores.strictTokens,
      tokens,
      users,
      checkPassword,
      secondFactor,
      takesPasswords: config.passwords,
    }),
    jwtPairs: pairs,
    issueLogin: loginIssuer({ sessions: ownSessions, jwtPairs: pairs }),
    exchange: tokenExchange({ authenticate, jwtPairs: pairs, secrets, limits, issuer }),
    apiTokens: apiTokens({
      tokens,
      search: stores.apiTokenSearch,
      secrets,
      jwts,
      notices,
      scopes,
      room,
    }),
    actionTokens: issuedActions,
    actionPages: actionPages({
      actions: allActions,
      store,
      secrets,
      displayNames: stores.displayNames,
      passkeys: stores.passkeys,
      run: issuedActions.run,
    }),
    actionUses: actionUses({ actions: allActions, store, tokens: stores.tokenDiagnosis }),
    recovery,
    emailLogins: emailLogins({
      store: stores.emailLogins,
      secrets,
      mailer,
      limits,
      afterResponse,
      issuer,
      signUpIsOpen: opensAccounts,
      device: () => auditDevice(config.eventAddress),
      secondFactor,
    }),
    introspection: introspection({
      jwts,
      secrets,
      strict: stores.strictTokens,
      tokens,
      limits,
      scopes,
      address,
    }),
    verify: tokenVerification({
      secrets,
      jwts,
      store: tokens,
      strict: stores.strictTokens,
      tokens,
      limits,
      scopes,
    }),
    logins: logins(tokens),
    diagnose,
    leaks: leaks({
      jwts,
      secrets,
      tokens,
      notices,
      limits,
      isSignedByGithub: crypto.isSignedByGithub,
    }),
    statusLists: statusLists({
      store: stores.statusLists,
      limits,
      signer: crypto.statusListSigner,
    }),
    publicKeys: crypto.publicKeys,
    contacts: ownContacts(stores.contacts),
    identities: linkedIdentities(stores.identities, notices),
    issuerLogin: issuerLogin({
      redirects: crypto.issuerRedirects,
      states: crypto.issuerStates,
      used: stores.identities,
      identityLogin: loginByIdentity,
      idTokens: crypto.idTokens,
      identities: stores.identities,
      notices,
      limits,
    }),
    passkeys: passkeys({
      store: stores.passkeys,
      verifier: passkeyVerifier,
      challenges: crypto.challenges,
      limits,
      notices,
      issuer,
      origins: config.passkeyOrigins,
      algorithms: PASSKEY_ALGORITHMS,
      keyedDigest: secrets.keyedDigest,
    }),
    audit: stores.events,
    personalData: stores.personalData,
    limits,
    scopes,
    takesPasswords: config.passwords,
    report(record, status) {
      log(record, status);
      // A full database is told apart, and another write does not help it.
      if (status >= 500 && status !== 507) stores.events.failed(record.requestId);
    },
    async housekeeping(nowMs) {
      // At the same time, because receivers may be slow.
      const delivered = background.bestEffort("deliver events", deliveries.housekeeping());
      try {
        const report = (await stores.cleanUp(nowMs)) ?? { isSkipped: true as const };
        await delivered;
        const bytes = room.used() ?? 0;
        const level = roomLevel(bytes, room.limitBytes);
        const database: DatabaseReport = {
          databaseBytes: bytes,
          databasePercent: Math.round((100 * bytes) / room.limitBytes),
          // Told in time, by what alerts are on.
          level: level === null ? "info" : level === "filling" ? "warn" : "error",
        };
        return { ...report, ...database, ...(await deliveries.report()) };
      } finally {
        await background.bestEffort("send notices that are due", notices.housekeeping(nowMs));
        await delivered;
      }
    },
    deliver: (messages) =>
      background.bestEffort("deliver events", deliveries.toUsers(usersOf(messages))),
  };
}

function mailerOf(mail: Config["mail"]): Mailer {
  if (mail === null) return noMailer;
  return mail === "outbox" ? outbox : mailWebhook(mail);
}

/** What the stores ask about the request that is being served. */
function served({ eventAddress }: Config): Served {
  const address = () => clientInfo().address;
  const networks = () => {
    const record = currentRecord();
    return record === null ? [] : limitedNetworks(record.address, record.zone);
  };
  return {
    usage: currentRecord,
    requestId: () => clientInfo().requestId,
    client: () => auditClient(eventAddress),
    device: () => auditDevice(eventAddress),
    network: () => networkOf(address()),
    limitedNetworks: networks,
    noisyNetwork: () => networks().at(-1)?.split(" ")[0] ?? "",
    attemptNetwork() {
      const mayBeKnown = !isShared(address());
      return { name: mayBeKnown ? networkOf(address()) : (networks()[0] ?? ""), mayBeKnown };
    },
  };
}

/** The service over these bindings: one isolate's stores, and all that it can do with them. */
export function servicesOver(
  bindings: Bindings,
  config: Config,
  platform: Platform,
  options: Partial<Pick<Options, "on" | "actions">> & TokenOptions = {},
): Services {
  const { on, actions: own = [] } = options;
  const ofRequest = served(config);
  const policy = revocationPolicy(config.revocationLagSeconds, config.readReplicas);
  const receivers: Receiver[] = [
    ...(on === undefined
      ? []
      : [{ name: "handler" as const, send: async (event: LatchkeyEvent) => on(event, bindings) }]),
    ...(config.eventsWebhook === null ? [] : [eventWebhook(config.eventsWebhook)]),
  ];
  const stores = createStores(bindings, policy, {
    served: ofRequest,
    waitUntil: platform.waitUntil,
    limiters: {
      login: bindings.LOGIN_LIMIT,
      sign_up: bindings.SIGN_UP_LIMIT,
      password_reset: bindings.RESET_LIMIT,
      leak: bindings.LEAK_LIMIT,
      token: bindings.TOKEN_LIMIT,
      revoke: bindings.REVOKE_LIMIT,
      status_list: bindings.STATUS_LIST_LIMIT,
      credential: bindings.CREDENTIAL_LIMIT,
      client: bindings.CLIENT_LIMIT,
    },
    deadlineMs: config.storageDeadlineMs,
    databaseLimitBytes: config.databaseLimitBytes,
    eventDays: config.eventDays,
    routineEventDays: config.routineEventDays,
    sendsMail: config.mail !== null,
    operatorsNeedSecondFactor: config.adminSecondFactor === "required",
    waysIn: { password: config.passwords, email: config.mail !== null },
    tables: tablesOf(own),
    eraseUnproven: unprovenEraser(tablesOf(own)),
    lifetimes: config.lifetimes,
    receivers: receivers.map(({ name }) => name),
    archive: bindings.EVENTS_ARCHIVE,
  });
  const crypto = createCrypto(
    { ...config, audiences: options.audiences ?? [] },
    platform,
    ofRequest.requestId,
  );
  return createServices(stores, crypto, config, {
    metrics: bindings.METRICS,
    receivers,
    queue: bindings.EVENTS_QUEUE,
    own,
    tokenOptions: options,
  });
}
