import { type Caller, type CallerRef, callerRefOfJwt, requireFresh } from "./caller.ts";
import { refuse } from "./fault.ts";
import type { Ha1b } from "./ha1b.ts";
import type { RevocationStore } from "./introspection.ts";
import type { IdentityRef } from "./issuers.ts";
import type { JwtClaims } from "./jwt.ts";
import { enforceRateLimit, type RateLimits } from "./login-throttle.ts";
import type { Notices } from "./notices.ts";
import type { CheckPassword, PasswordRules, Passwords } from "./passwords.ts";
import { requireRoom, type Room } from "./room.ts";
import type { Json } from "./token.ts";
import {
  EMPTY_PROFILE,
  hasPassword,
  normalizeEmail,
  type Profile,
  type ProfileChange,
  type User,
  type UserWithPassword,
} from "./user.ts";

export interface UserChange extends ProfileChange {
  readonly email?: string;
  /** Wanted, and compared with nothing until it is proven; null for none any more. */
  readonly pendingEmail?: string | null;
  /** A new hash raises the credential version; of opaque tokens only the caller's own is spared. */
  readonly passwordHash?: string;
  /** With a new password: the identity that was presented for it, which alone stays linked. */
  readonly keptIdentity?: IdentityRef | null;
  /** Of the new email and password; a change of either without it removes the old one. */
  readonly ha1bHash?: string;
}

export interface UserStore {
  /** @returns false where the email is taken */
  insert(user: UserWithPassword): Promise<boolean>;
  byId(id: string): Promise<UserWithPassword | null>;
  /** For display only: may be as old as the revocation lag. */
  profile(id: string): Promise<User | null>;
  /**
   * @param ifCredentialVersion the credential version whose password was presented, or null where none had
   *   to be: what was confirmed with one password must not happen under the next
   */
  update(
    caller: CallerRef,
    change: UserChange,
    ifCredentialVersion: number | null,
    nowMs: number,
  ): Promise<User | "email_taken" | null>;
  /** @returns false where the caller is no longer active */
  remove(caller: CallerRef, ifCredentialVersion: number, nowMs: number): Promise<boolean>;
}

/** Where an export continues: after this row of this section. */
export interface ExportCursor {
  readonly section: number;
  readonly after: string;
}

export interface PersonalDataStore {
  /**
   * Everything that is stored about a user and is no secret: rows by the name of their section, as
   * many as one answer takes. What changes between two pages may be in both, or in neither.
   */
  read(
    userId: string,
    from: ExportCursor | null,
  ): Promise<{
    readonly sections: Readonly<Record<string, readonly Json[]>>;
    readonly next: ExportCursor | null;
  }>;
}

export interface SignUp extends Partial<Profile> {
  readonly email: string;
  /** Exactly as sent. */
  readonly password: string;
}

/** Undefined for what stays as it is. */
export interface AccountChange extends ProfileChange {
  readonly email?: string | undefined;
  readonly password?: string | undefined;
  readonly currentPassword?: string | undefined;
}

export type Accounts = ReturnType<typeof accounts>;

interface Deps {
  readonly users: UserStore;
  readonly passwords: Passwords;
  readonly checkPassword: CheckPassword;
  readonly limits: RateLimits;
  readonly tokens: RevocationStore;
  readonly ha1b: Ha1b | null;
  readonly checkNew: PasswordRules;
  readonly signUpIsOpen: boolean;
  readonly room: Room;
  readonly takesPasswords: boolean;
  readonly notices: Pick<Notices, "tell">;
  /** Proves a new email; null where no email is sent, and a new one counts at once. */
  readonly askToProve: ((userId: string, email: string, nowMs: number) => void) | null;
}

/** What a caller's credential was derived from, and so is revoked with; null where a password or the like was presented. */
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
  room,
  takesPasswords,
  notices,
  askToProve,
}: Deps) {
  /**
   * Asks for the current password or, where the account has none, for a fresh log-in.
   * @returns the account, with its present credential version
   * @throws FaultError `current_password_missing`, `credentials_wrong`, `login_not_fresh`, `throttled`
   */
  async function confirm(
    caller: Caller,
    password: string | undefined,
    field: "current_password" | "password",
    nowMs: number,
  ): Promise<UserWithPassword> {
    const { userId } = caller;
    if (password !== undefined) {
      const credentialId = rootOf(caller);
      const endShown = () => endRoot(caller, nowMs);
      return checkPassword({ userId, credentialId }, password, nowMs, endShown);
    }
    const user = await users.byId(userId);
    if (user === null || (takesPasswords && hasPassword(user))) {
      return refuse({ code: "current_password_missing", field });
    }
    // guard: account-without-a-password-asks-for-a-fresh-log-in
    requireFresh(caller, nowMs);
    return user;
  }

  /** It was stolen, or its owner forgot the password: either way it gets no further guess. */
  async function endRoot(caller: Caller, nowMs: number): Promise<void> {
    const id = rootOf(caller);
    if (id === null || (await tokens.revokeByHolder([id], null, nowMs)).length > 0) return;
    if (caller.by.method !== "jwt") return;
    const { claims } = caller.by;
    // For a log-in's JWT the whole log-in, as its refresh JWT would.
    const root: JwtClaims = claims.sid === null ? claims : { ...claims, type: "refresh" };
    await tokens.revokeJwt(root, callerRefOfJwt(claims), nowMs);
  }

  /** @throws FaultError `token_invalid` where the account is gone, `unavailable` */
  async function read(caller: Caller): Promise<User> {
    const user = caller.user ?? (await users.profile(caller.userId));
    return user === null || user.deletedAtMs !== null ? refuse({ code: "token_invalid" }) : user;
  }

  /** What was confirmed did not happen: the caller is gone, or their password was replaced. */
  async function refuseLate(caller: Caller, ifCredentialVersion: number | null): Promise<never> {
    const user = ifCredentialVersion === null ? null : await users.byId(caller.userId);
    const isReplaced = user !== null && user.credentialVersion !== ifCredentialVersion;
    return refuse({ code: isReplaced ? "credentials_wrong" : "token_invalid" });
  }

  /** @returns the new email in its normal form, or undefined where there is none or it is the present one */
  async function newEmail(caller: Caller, email: string | undefined): Promise<string | undefined> {
    if (email === undefined) return undefined;
    const wanted = normalizeEmail(email);
    return wanted === (await read(caller)).email ? undefined : wanted;
  }

  /** What a new email changes; sending the present one takes back a pending one. */
  function emailChange(sent: string | undefined, email: string | undefined): UserChange {
    if (askToProve === null) return email === undefined ? {} : { email };
    if (email !== undefined) return { pendingEmail: email };
    return sent === undefined ? {} : { pendingEmail: null };
  }

  return {
    /** Anyone's account, as old as the revocation lag. @returns null where there is none. @throws FaultError `unavailable` */
    async find(id: string): Promise<User | null> {
      const user = await users.profile(id);
      return user === null || user.deletedAtMs !== null ? null : user;
    },

    /**
     * @throws FaultError `sign_up_closed`, `password_common`, `password_pwned`, `user_exists`,
     *   `throttled`, `storage_full`, `unavailable`
     */
    async signUp({ email, password, ...profile }: SignUp, nowMs: number): Promise<User> {
      // Without passwords the first log-in creates the account.
      if (!signUpIsOpen || !takesPasswords) refuse({ code: "sign_up_closed" });
      requireRoom(room);
      await enforceRateLimit(limits, "sign_up");
      await checkNew(password);
      const user = {
        ...EMPTY_PROFILE,
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
        externalId: null,
        metadata: {},
      };
      const stored = {
        ...user,
        passwordHash: await passwords.hash(password),
        ha1bHash: ha1b === null ? null : await ha1b.hashOf(user.email, password),
        hasSecondFactor: false,
      };
      if (!(await users.insert(stored))) refuse({ code: "user_exists" });
      return user;
    },

    read,

    /**
     * A new email or password needs the current password, or a fresh log-in where there is none. A new
     * password revokes every other credential of the user, JWTs and outstanding action tokens too. A
     * new email counts once it is proven: until then no one learns whether it is taken.
     * @throws FaultError `current_password_missing`, `credentials_wrong`, `login_not_fresh`, `password_common`,
     *   `password_pwned`, `user_exists`, `token_invalid`, `throttled`, `storage_full`, `unavailable`
     */
    async change(caller: Caller, change: AccountChange, nowMs: number): Promise<User> {
      const { email: sentEmail, password, currentPassword, ...profile } = change;
      // What opens or secures the account can always be changed.
      if (sentEmail === undefined && password === undefined) requireRoom(room);
      const email = await newEmail(caller, sentEmail);
      let ifCredentialVersion: number | null = null;
      let ha1bHash: string | undefined;
      // guard: change-needs-the-current-password
      if (email !== undefined || password !== undefined) {
        const { userId } = caller;
        // guard: no-password-is-set-where-there-are-none
        if (password !== undefined && !takesPasswords) {
          await checkPassword({ userId, credentialId: null }, password, nowMs);
        }
        const user = await confirm(caller, currentPassword, "current_password", nowMs);
        ifCredentialVersion = user.credentialVersion;
        // As for sign-up: the answer says whether the email is taken, or an email goes to a stranger.
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
     * Deletes the account and revokes all its credentials at once; the email may sign up again. An
     * account without a password is deleted by a fresh log-in: an older one may be stolen.
     * @throws FaultError `current_password_missing`, `credentials_wrong`, `login_not_fresh`, `token_invalid`,
     *   `throttled`, `unavailable`
     */
    async remove(caller: Caller, password: string | undefined, nowMs: number): Promise<void> {
      const { credentialVersion } = await confirm(caller, password, "password", nowMs);
      if (!(await users.remove(caller, credentialVersion, nowMs)))
        await refuseLate(caller, credentialVersion);
    },
  };
}
