import { type Caller, callerRefOfJwt } from "./authenticate.ts";
import { refuse } from "./fault.ts";
import type { Ha1b } from "./ha1b.ts";
import type { Notices } from "./notices.ts";
import type { CheckPassword } from "./password-login.ts";
import type { PasswordRules } from "./password-rules.ts";
import { enforceRateLimit, type RateLimits } from "./login-throttle.ts";
import type { JwtClaims, Passwords, TokenStore, UserChange, UserStore } from "./ports.ts";
import {
  hasPassword,
  normalizeEmail,
  type Profile,
  type User,
  type UserWithPassword,
} from "./user.ts";

export interface SignUp extends Profile {
  readonly email: string;
  /** Exactly as sent. */
  readonly password: string;
}

export interface AccountChange extends Partial<Profile> {
  readonly email?: string;
  readonly password?: string;
  readonly currentPassword?: string;
}

/** How old an ID token may be that stands in for a password where there is none. */
const FRESH_SECONDS = 600;

export type Accounts = ReturnType<typeof accounts>;

interface Deps {
  readonly users: UserStore;
  readonly passwords: Passwords;
  readonly checkPassword: CheckPassword;
  readonly limits: RateLimits;
  readonly tokens: Pick<TokenStore, "revokeByHolder" | "revokeJwt">;
  readonly ha1b: Ha1b | null;
  readonly checkNew: PasswordRules;
  readonly signUpIsOpen: boolean;
  readonly notices: Pick<Notices, "tell">;
  /** Proves a new e-mail; null where no mail goes out, and a new e-mail counts at once. */
  readonly askToProve: ((userId: string, email: string, nowMs: number) => void) | null;
}

/** What a caller's credential hangs on, and so is ended with; null where the secret itself was shown. */
function rootOf({ by }: Caller): string | null {
  if (by.method === "token") return by.token.id;
  return by.method === "jwt" ? (by.claims.sid ?? by.claims.rootJti ?? by.claims.jti) : null;
}

/** Sign-up, read, change, delete: one account for all surfaces. */
export function accounts({
  users,
  passwords,
  checkPassword,
  checkNew,
  limits,
  tokens,
  ha1b,
  signUpIsOpen,
  notices,
  askToProve,
}: Deps) {
  /**
   * The current password, or where nothing but the account's identity was shown, that it has none.
   * @returns the account, of its present credential version
   * @throws FaultError `current_password_missing`, `credentials_wrong`, `throttled`
   */
  async function confirm(
    caller: Caller,
    password: string | undefined,
    field: "current_password" | "password",
    nowMs: number,
  ): Promise<UserWithPassword> {
    const { userId, by } = caller;
    if (password !== undefined) {
      const credentialId = rootOf(caller);
      const endShown = () => endRoot(caller, nowMs);
      return checkPassword({ userId, credentialId }, password, nowMs, endShown);
    }
    if (by.method !== "identity") return refuse({ code: "current_password_missing", field });
    const user = await users.byId(userId);
    return user === null || hasPassword(user)
      ? refuse({ code: "current_password_missing", field })
      : user;
  }

  /** It was stolen, or its owner no longer knows the password: either way it guesses no further. */
  async function endRoot(caller: Caller, nowMs: number): Promise<void> {
    const id = rootOf(caller);
    if (id === null || (await tokens.revokeByHolder([id], null, nowMs)).length > 0) return;
    if (caller.by.method !== "jwt") return;
    const { claims } = caller.by;
    // Of a log-in's JWT all of the log-in, as its refresh JWT does.
    const root: JwtClaims = claims.sid === null ? claims : { ...claims, type: "refresh" };
    await tokens.revokeJwt(root, callerRefOfJwt(claims), nowMs);
  }

  /** @throws FaultError `token_invalid` where the account is gone, `unavailable` */
  async function read(caller: Caller): Promise<User> {
    const user = caller.user ?? (await users.profile(caller.userId));
    return user === null || user.deletedAtMs !== null ? refuse({ code: "token_invalid" }) : user;
  }

  /** What was confirmed did not happen: the caller is gone, or the password is no longer hers. */
  async function refuseLate(caller: Caller, ifCredentialVersion: number | null): Promise<never> {
    const user = ifCredentialVersion === null ? null : await users.byId(caller.userId);
    const isReplaced = user !== null && user.credentialVersion !== ifCredentialVersion;
    return refuse({ code: isReplaced ? "credentials_wrong" : "token_invalid" });
  }

  /** @returns the new e-mail as it compares, or undefined where it is none or the present one */
  async function newEmail(caller: Caller, email: string | undefined): Promise<string | undefined> {
    if (email === undefined) return undefined;
    const wanted = normalizeEmail(email);
    return wanted === (await read(caller)).email ? undefined : wanted;
  }

  /** What a new e-mail changes; one that is the present one takes back what was wanted before. */
  function emailChange(sent: string | undefined, email: string | undefined): UserChange {
    if (askToProve === null) return email === undefined ? {} : { email };
    if (email !== undefined) return { pendingEmail: email };
    return sent === undefined ? {} : { pendingEmail: null };
  }

  return {
    /**
     * @throws FaultError `sign_up_closed`, `password_common`, `password_pwned`, `user_exists`,
     *   `throttled`, `unavailable`
     */
    async signUp({ email, password, ...profile }: SignUp, nowMs: number): Promise<User> {
      if (!signUpIsOpen) refuse({ code: "sign_up_closed" });
      await enforceRateLimit(limits, "sign_up");
      await checkNew(password);
      const user = {
        ...profile,
        id: crypto.randomUUID(),
        email: normalizeEmail(email),
        role: "User" as const,
        credentialVersion: 0,
        apiTokenVersion: 0,
        loginVersion: 0,
        createdAtMs: nowMs,
        modifiedAtMs: nowMs,
        deletedAtMs: null,
        emailVerifiedAtMs: null,
        pendingEmail: null,
        identities: {},
        metadata: {},
      };
      const stored = {
        ...user,
        passwordHash: await passwords.hash(password),
        ha1bHash: ha1b === null ? null : await ha1b.hashOf(user.email, password),
      };
      if (!(await users.insert(stored))) refuse({ code: "user_exists" });
      return user;
    },

    read,

    /**
     * A new e-mail or password needs the current password, or the ID token where there is none. A
     * new password ends every other credential of the user, JWTs and outstanding action tokens too. A
     * new e-mail counts once a mail to it was answered: until then nobody learns whether it is taken.
     * @throws FaultError `current_password_missing`, `credentials_wrong`, `password_common`,
     *   `password_pwned`, `user_exists`, `token_invalid`, `throttled`, `unavailable`
     */
    async change(caller: Caller, change: AccountChange, nowMs: number): Promise<User> {
      const { email: sentEmail, password, currentPassword, ...profile } = change;
      const email = await newEmail(caller, sentEmail);
      let ifCredentialVersion: number | null = null;
      let ha1bHash: string | undefined;
      // guard: change-needs-the-present-password
      if (email !== undefined || password !== undefined) {
        const user = await confirm(caller, currentPassword, "current_password", nowMs);
        ifCredentialVersion = user.credentialVersion;
        // It is told whether the e-mail is taken, or it is a mail to a stranger: as sign-up.
        if (email !== undefined) await enforceRateLimit(limits, "sign_up");
        if (password !== undefined) await checkNew(password);
        const known = password ?? currentPassword;
        if (ha1b !== null && known !== undefined) {
          const next = askToProve === null ? email : undefined;
          if (password !== undefined || next !== undefined) {
            ha1bHash = await ha1b.hashOf(next ?? user.email, known);
          }
        }
      }
      const update: UserChange = {
        ...profile,
        ...emailChange(sentEmail, email),
        ...(password === undefined
          ? {}
          : {
              passwordHash: await passwords.hash(password),
              keptIdentity: caller.by.method === "identity" ? caller.by.identity : null,
            }),
        ...(ha1bHash === undefined ? {} : { ha1bHash }),
      };
      const changed = await users.update(caller, update, ifCredentialVersion, nowMs);
      if (changed === "email_taken") return refuse({ code: "user_exists" });
      if (changed === null) return refuseLate(caller, ifCredentialVersion);
      if (ifCredentialVersion !== null) notices.tell([caller.userId], nowMs);
      if (email !== undefined) askToProve?.(caller.userId, email, nowMs);
      return changed;
    },

    /**
     * Ends the account and every credential of it at once; the e-mail may sign up again. An account
     * without a password is deleted by an ID token of a moment ago: an older one may be stolen.
     * @throws FaultError `current_password_missing`, `credentials_wrong`, `token_invalid`, `throttled`,
     *   `unavailable`
     */
    async remove(caller: Caller, password: string | undefined, nowMs: number): Promise<void> {
      const { by } = caller;
      const isOld =
        by.method === "identity" && by.identity.issuedAtMs < nowMs - FRESH_SECONDS * 1000;
      if (password === undefined && isOld) refuse({ code: "credentials_wrong" });
      const { credentialVersion } = await confirm(caller, password, "password", nowMs);
      if (!(await users.remove(caller, credentialVersion, nowMs)))
        await refuseLate(caller, credentialVersion);
    },
  };
}
