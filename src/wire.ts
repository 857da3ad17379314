import { actions } from "./actions/registry.ts";
import type { Config } from "./config.ts";
import { accounts } from "./core/accounts.ts";
import { actionTokens } from "./core/action-tokens.ts";
import { apiTokens } from "./core/api-tokens.ts";
import { authenticator } from "./core/authenticate.ts";
import { jwtPairs } from "./core/jwt-pairs.ts";
import { passwordLogin } from "./core/password-login.ts";
import type { Contacts, Standing } from "./core/ports.ts";
import { sessions } from "./core/sessions.ts";
import type { User } from "./core/user.ts";
import { jwts } from "./crypto/jwt.ts";
import { keyRing } from "./crypto/keys.ts";
import { argon2Passwords } from "./crypto/passwords.ts";
import { secrets } from "./crypto/secrets.ts";
import { actionTokens as actionTokenStore } from "./storage/action-tokens.ts";
import { d1ActionTokens } from "./storage/d1-action-tokens.ts";
import { d1Contacts } from "./storage/d1-contacts.ts";
import { d1Tokens } from "./storage/d1-tokens.ts";
import { d1Users } from "./storage/d1-users.ts";
import { database } from "./storage/database.ts";
import { kvTokens } from "./storage/kv-tokens.ts";
import { memory } from "./storage/memory.ts";
import { checkPlan } from "./storage/promise.ts";
import { tokens as tokenStore } from "./storage/tokens.ts";
import { users as userStore } from "./storage/users.ts";

export interface Bindings {
  readonly KV: KVNamespace;
  readonly DB: D1Database;
}

export type Services = ReturnType<typeof wire>;

/** Bindings and settings to services: the only place that knows which adapter serves which port. */
export function wire({ KV, DB }: Bindings, config: Config) {
  const db = database(DB);
  const kv = kvTokens(KV);
  const plan = checkPlan(config.revocationLagSeconds);
  const memories = {
    tokens: memory<Standing>(plan.memoryMs),
    jwts: memory<{ user: User | null }>(plan.memoryMs),
    uses: memory<true>(3_600_000),
  };
  const users = userStore(d1Users(db), kv, plan, memories);
  const tokens = tokenStore({ d1: d1Tokens(db), kv, plan, memories });
  const store = actionTokenStore(d1ActionTokens(db), kv);
  const contacts: Contacts = d1Contacts(db);

  const passwords = argon2Passwords();
  const signedTokens = jwts(keyRing(config.jwtKeys), config.issuer);
  const login = passwordLogin({ users, passwords });
  return {
    authenticate: authenticator({ login, secrets, tokens, jwts: signedTokens }),
    accounts: accounts({ users, passwords, signUpIsOpen: config.signUpIsOpen }),
    sessions: sessions({ login, secrets, tokens, users }),
    jwtPairs: jwtPairs({ login, tokens, jwts: signedTokens }),
    apiTokens: apiTokens({ users, tokens, secrets, jwts: signedTokens }),
    actionTokens: actionTokens({ actions, store, secrets }),
    contacts,
  };
}
