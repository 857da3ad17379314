import { actions } from "./actions/registry.ts";
import type { Config } from "./config.ts";
import { accounts } from "./core/accounts.ts";
import { actionPages } from "./core/action-pages.ts";
import { actionTokens, actionUses } from "./core/action-tokens.ts";
import { apiTokens } from "./core/api-tokens.ts";
import { type ActiveToken, authenticator } from "./core/authenticate.ts";
import { ownContacts } from "./core/contacts.ts";
import { ha1b, type Ha1bHashes } from "./core/ha1b.ts";
import { identityLogin, linkedIdentities } from "./core/identities.ts";
import { introspection } from "./core/introspection.ts";
import { jwtPairs } from "./core/jwt-pairs.ts";
import { leaks } from "./core/leaks.ts";
import { verifySecret } from "./core/login-throttle.ts";
import { logins } from "./core/logins.ts";
import type { Mailer } from "./core/mail.ts";
import { notices } from "./core/notices.ts";
import { passwordCheck, passwordLogin, passwordRules, type Passwords } from "./core/passwords.ts";
import { recovery } from "./core/recovery.ts";
import { sessions } from "./core/sessions.ts";
import { statusLists } from "./core/status-lists.ts";
import { tokenDiagnostics } from "./core/token-diagnosis.ts";
import type { User } from "./core/user.ts";
import { githubSignature } from "./crypto/github-signature.ts";
import { idTokens } from "./crypto/id-tokens.ts";
import { jwts } from "./crypto/jwt.ts";
import { jwtReader } from "./crypto/jwt-reader.ts";
import { keyRing, publicKeySet } from "./crypto/keys.ts";
import { neverPwned, pwnedPasswords } from "./crypto/pwned-passwords.ts";
import { secrets } from "./crypto/secrets.ts";
import { statusListSigner } from "./crypto/status-list.ts";
import { auditClient } from "./http/address.ts";
import { isShared, limitedNetworks, networkOf } from "./http/network.ts";
import { currentRecord, clientInfo } from "./http/client-info.ts";
import { type Metrics, requestLog } from "./http/request-log.ts";
import { noMailer, outbox } from "./mail/outbox.ts";
import { webhook } from "./mail/webhook.ts";
import { actionTokens as actionTokenStore } from "./storage/action-tokens.ts";
import { createAuditStatements } from "./storage/audit-sql.ts";
import { background, type WaitUntil } from "./storage/background.ts";
import { d1ActionTokens } from "./storage/d1-action-tokens.ts";
import { d1ActionUses } from "./storage/d1-action-uses.ts";
import { d1Audit } from "./storage/d1-audit.ts";
import { d1Contacts } from "./storage/d1-contacts.ts";
import { d1TokenDiagnosis } from "./storage/d1-token-diagnosis.ts";
import { d1Logins } from "./storage/d1-logins.ts";
import { d1DisplayNames } from "./storage/d1-display-names.ts";
import { d1PersonalData } from "./storage/d1-personal-data.ts";
import { d1Notices, noticeSql } from "./storage/d1-notices.ts";
import { d1MailTokens } from "./storage/d1-mail-tokens.ts";
import { loginThrottle } from "./storage/login-throttle.ts";
import { d1Ha1b } from "./storage/d1-ha1b.ts";
import { d1Identities, d1LinkedIdentities } from "./storage/d1-identities.ts";
import { d1StatusLists } from "./storage/d1-status-lists.ts";
import { d1Tokens } from "./storage/d1-tokens.ts";
import { d1Users } from "./storage/d1-users.ts";
import { database } from "./storage/database.ts";
import { deadline } from "./storage/deadline.ts";
import { pendingRevocations } from "./storage/pending-revocations.ts";
import { invalidateUser } from "./storage/invalidate-user.ts";
import { housekeeping } from "./storage/housekeeping.ts";
import { kvTokens } from "./storage/kv-tokens.ts";
import { kvUsers } from "./storage/kv-users.ts";
import { logins as loginStore } from "./storage/logins.ts";
import { cache } from "./storage/cache.ts";
import { revocationPolicy } from "./storage/revocation-policy.ts";
import { rateLimits } from "./storage/rate-limits.ts";
import { tokens as tokenStore } from "./storage/cached-tokens.ts";
import { users as userStore } from "./storage/users.ts";

export interface Bindings {
  readonly KV: KVNamespace;
  readonly DB: D1Database;
  /** Limits a network; where one is not bound, nothing is limited by it. */
  readonly LOGIN_LIMIT?: RateLimit;
  readonly SIGN_UP_LIMIT?: RateLimit;
  readonly RESET_LIMIT?: RateLimit;
  readonly LEAK_LIMIT?: RateLimit;
  readonly TOKEN_LIMIT?: RateLimit;
  readonly REVOKE_LIMIT?: RateLimit;
  readonly STATUS_LIST_LIMIT?: RateLimit;
  readonly CREDENTIAL_LIMIT?: RateLimit;
  readonly CLIENT_LIMIT?: RateLimit;
  /** Where it is bound, each request is a data point in it. */
  readonly METRICS?: Metrics;
}

/** What the runtime gives beside bindings. */
export interface Platform {
  readonly waitUntil: WaitUntil;
  readonly passwords: Passwords;
  /** For the deployment of this issuer. */
  readonly ha1bHashes: (issuer: string) => Ha1bHashes;
}

export type Services = ReturnType<typeof wire>;

/** Bindings and settings to services: the only place that knows which adapter serves which port. */
export function wire(
  bindings: Bindings,
  config: Config,
  { waitUntil, passwords, ha1bHashes }: Platform,
) {
  const { KV, DB } = bindings;
  const requestId = () => clientInfo().requestId;
  const withDeadline = deadline(config.storageDeadlineMs, currentRecord);
  const db = database(DB, withDeadline);
  const kv = kvTokens(KV, withDeadline);
  const policy = revocationPolicy(config.revocationLagSeconds);
  const work = background(waitUntil, requestId, policy);
  const caches = {
    tokens: cache<ActiveToken>(policy.cacheTtlMs),
    jwts: cache<{ user: User | null }>(policy.cacheTtlMs),
    copies: cache<true>(60_000),
    uses: cache<true>(3_600_000),
  };
  const revocations = pendingRevocations(db, kv, work, policy);
  const sendsMail = config.mail !== null;
  const queued = noticeSql(sendsMail);
  const audited = createAuditStatements(() => auditClient(config.auditAddress));
  const userCopies = kvUsers(KV, withDeadline, config.revocationLagSeconds);
  const invalidating = invalidateUser({ kv: userCopies, background: work, policy, caches });
  const users = userStore({
    d1: d1Users(db, revocations, audited, queued),
    kv: userCopies,
    background: work,
    policy,
    invalidating,
  });
  const strict = d1Tokens(db, revocations, audited, queued);
  const tokens = tokenStore({
    d1: strict,
    kv,
    background: work,
    policy,
    caches,
    revokeApiTokens: users.revokeApiTokens,
  });
  const store = {
    ...actionTokenStore(d1ActionTokens(db, revocations, audited, queued), kv, work, invalidating),
    ...d1ActionUses(db),
  };

  const keys = keyRing(config.jwtKeys);
  const signedTokens = jwts(keys, config.issuer);
  const mailer = mailerOf(config.mail);
  const network = () => networkOf(clientInfo().address);
  const told = notices({
    store: d1Notices(db),
    mailer,
    secrets,
    afterResponse: work.afterResponse,
    issuer: config.issuer,
    sendsMail,
  });
  const cleanUp = housekeeping(db, revocations, kv, config.auditDays);
  const networks = () => {
    const record = currentRecord();
    return record === null ? [] : limitedNetworks(record.address, record.zone);
  };
  /** The widest that one holder may have. */
  const noisyNetwork = () => networks().at(-1)?.split(" ")[0] ?? "";
  const limiters = {
    login: bindings.LOGIN_LIMIT,
    sign_up: bindings.SIGN_UP_LIMIT,
    password_reset: bindings.RESET_LIMIT,
    leak: bindings.LEAK_LIMIT,
    token: bindings.TOKEN_LIMIT,
    revoke: bindings.REVOKE_LIMIT,
    status_list: bindings.STATUS_LIST_LIMIT,
    credential: bindings.CREDENTIAL_LIMIT,
    client: bindings.CLIENT_LIMIT,
  };
  const limits = rateLimits(limiters, networks, work, withDeadline);
  const recover = recovery({
    store: d1MailTokens(db, audited, network),
    secrets,
    mailer,
    limits,
    afterResponse: work.afterResponse,
    issuer: config.issuer,
  });
  const attempts = loginThrottle(db, work, () => {
    const { address } = clientInfo();
    const mayBeKnown = !isShared(address);
    return { name: mayBeKnown ? networkOf(address) : (networks()[0] ?? ""), mayBeKnown };
  });
  const checkPassword = passwordCheck({
    verifySecret: verifySecret({ attempts, limits }),
    store: users,
    passwords,
  });
  const ha1bLogin = config.takesHa1b
    ? ha1b({ users: d1Ha1b(db, work), hashes: ha1bHashes(config.issuer), attempts, limits })
    : null;
  const byPassword = passwordLogin(checkPassword);
  const login = ha1bLogin === null ? byPassword : ha1bLogin.withHa1bUpgrade(byPassword);
  const { pwnedPasswordsUrl } = config;
  const isPwned =
    pwnedPasswordsUrl === null ? neverPwned : pwnedPasswords(pwnedPasswordsUrl, requestId);
  const checkNew = passwordRules(passwords, isPwned);
  const allActions = actions(passwords, isPwned);
  const issuedActions = actionTokens({ actions: allActions, store, secrets, notices: told });
  const diagnosisStore = d1TokenDiagnosis(db);
  return {
    authenticate: authenticator({
      login,
      identityLogin: identityLogin({
        idTokens: idTokens(config.issuers, config.storageDeadlineMs),
        store: d1Identities(db, audited, queued, work),
        limits,
        signUpIsOpen: config.signUpIsOpen,
        notices: told,
      }),
      ha1b: ha1bLogin,
      secrets,
      tokens,
      jwts: signedTokens,
    }),
    accounts: accounts({
      users,
      passwords,
      checkPassword,
      checkNew,
      limits,
      tokens,
      ha1b: ha1bLogin,
      signUpIsOpen: config.signUpIsOpen,
      notices: told,
      askToProve: sendsMail ? recover.askToProve : null,
    }),
    sessions: sessions({ login, secrets, tokens, users }),
    jwtPairs: jwtPairs({
      login,
      tokens,
      jwts: signedTokens,
      limits,
      rotates: config.rotateRefreshTokens,
    }),
    apiTokens: apiTokens({ tokens, secrets, jwts: signedTokens, notices: told }),
    actionTokens: issuedActions,
    actionPages: actionPages({
      actions: allActions,
      store,
      secrets,
      displayNames: d1DisplayNames(db),
      run: issuedActions.run,
    }),
    actionUses: actionUses({
      actions: allActions,
      store,
      tokens: diagnosisStore,
    }),
    recovery: recover,
    introspection: introspection({ jwts: signedTokens, secrets, strict, tokens, limits }),
    logins: logins(
      loginStore({ d1: d1Logins(db, revocations, audited), kv, background: work, caches }),
    ),
    diagnose: tokenDiagnostics({
      secrets,
      jwts: signedTokens,
      reader: jwtReader(keys, config.issuer),
      store: diagnosisStore,
    }),
    leaks: leaks({
      jwts: signedTokens,
      secrets,
      tokens,
      notices: told,
      limits,
      isSignedByGithub: githubSignature(config.githubScanningKeys),
    }),
    statusLists: statusLists({
      store: d1StatusLists(db),
      limits,
      signer: statusListSigner(keys, config.issuer),
    }),
    publicKeys: publicKeySet(config.jwtKeys),
    contacts: ownContacts(d1Contacts(db, audited)),
    identities: linkedIdentities(d1LinkedIdentities(db, audited, queued), told),
    audit: d1Audit(db, audited, work, noisyNetwork),
    limits,
    personalData: d1PersonalData(db),
    async housekeeping(nowMs: number) {
      try {
        return await cleanUp(nowMs);
      } finally {
        await work.bestEffort("send notices that are due", told.housekeeping(nowMs));
      }
    },
    report: requestLog({ logged: config.logged, metrics: bindings.METRICS }),
  };
}

function mailerOf(mail: Config["mail"]): Mailer {
  if (mail === null) return noMailer;
  return mail === "outbox" ? outbox : webhook(mail);
}
