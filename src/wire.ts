import { actions } from "./actions/registry.ts";
import type { Config } from "./config.ts";
import { accounts } from "./core/accounts.ts";
import { actionTokens } from "./core/action-tokens.ts";
import { apiTokens } from "./core/api-tokens.ts";
import { authenticator } from "./core/authenticate.ts";
import { introspection } from "./core/introspection.ts";
import { jwtPairs } from "./core/jwt-pairs.ts";
import { passwordLogin } from "./core/password-login.ts";
import type { Contacts, Passwords, Standing } from "./core/ports.ts";
import { sessions } from "./core/sessions.ts";
import { statusLists } from "./core/status-lists.ts";
import type { User } from "./core/user.ts";
import { jwts } from "./crypto/jwt.ts";
import { keyRing, publicKeySet } from "./crypto/keys.ts";
import { secrets } from "./crypto/secrets.ts";
import { statusListSigner } from "./crypto/status-list.ts";
import { actionTokens as actionTokenStore } from "./storage/action-tokens.ts";
import { background, type WaitUntil } from "./storage/background.ts";
import { d1ActionTokens } from "./storage/d1-action-tokens.ts";
import { d1Contacts } from "./storage/d1-contacts.ts";
import { d1StatusLists } from "./storage/d1-status-lists.ts";
import { d1Tokens } from "./storage/d1-tokens.ts";
import { d1Users } from "./storage/d1-users.ts";
import { database } from "./storage/database.ts";
import { deadline } from "./storage/deadline.ts";
import { endings } from "./storage/endings.ts";
import { housekeeping } from "./storage/housekeeping.ts";
import { kvTokens } from "./storage/kv-tokens.ts";
import { kvUsers } from "./storage/kv-users.ts";
import { memory } from "./storage/memory.ts";
import { checkPlan } from "./storage/promise.ts";
import { tokens as tokenStore } from "./storage/tokens.ts";
import { users as userStore } from "./storage/users.ts";

/** Half of what caches may keep a status list for. */
const STATUS_LIST_SCAN_MS = 30_000;

export interface Bindings {
  readonly KV: KVNamespace;
  readonly DB: D1Database;
}

/** What the runtime gives beside bindings. */
export interface Platform {
  readonly waitUntil: WaitUntil;
  readonly passwords: Passwords;
}

export type Services = ReturnType<typeof wire>;

/** Bindings and settings to services: the only place that knows which adapter serves which port. */
export function wire({ KV, DB }: Bindings, config: Config, { waitUntil, passwords }: Platform) {
  const work = background(waitUntil);
  const withDeadline = deadline(config.storageDeadlineMs);
  const db = database(DB, withDeadline);
  const kv = kvTokens(KV, withDeadline);
  const plan = checkPlan(config.revocationLagSeconds);
  const memories = {
    tokens: memory<Standing>(plan.memoryMs),
    jwts: memory<{ user: User | null }>(plan.memoryMs),
    copies: memory<true>(60_000),
    uses: memory<true>(3_600_000),
  };
  const ending = endings(db, kv, plan);
  const users = userStore({
    d1: d1Users(db, ending),
    kv: kvUsers(KV, withDeadline, config.revocationLagSeconds),
    background: work,
    plan,
    memories,
  });
  const strict = d1Tokens(db, ending);
  const tokens = tokenStore({ d1: strict, kv, background: work, plan, memories });
  const store = actionTokenStore(d1ActionTokens(db), kv, work);
  const contacts: Contacts = d1Contacts(db);

  const keys = keyRing(config.jwtKeys);
  const signedTokens = jwts(keys, config.issuer);
  const login = passwordLogin({ users, passwords });
  return {
    authenticate: authenticator({ login, secrets, tokens, jwts: signedTokens }),
    accounts: accounts({ users, passwords, signUpIsOpen: config.signUpIsOpen }),
    sessions: sessions({ login, secrets, tokens, users }),
    jwtPairs: jwtPairs({
      login,
      tokens,
      jwts: signedTokens,
      rotates: config.rotateRefreshTokens,
    }),
    apiTokens: apiTokens({ users, tokens, secrets, jwts: signedTokens }),
    actionTokens: actionTokens({ actions, store, secrets }),
    introspection: introspection({ jwts: signedTokens, secrets, strict, tokens }),
    statusLists: statusLists({
      store: d1StatusLists(db, memory(STATUS_LIST_SCAN_MS)),
      signer: statusListSigner(keys, config.issuer),
    }),
    publicKeys: publicKeySet(config.jwtKeys),
    contacts,
    housekeeping: housekeeping(db, ending),
  };
}
