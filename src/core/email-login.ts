import type { Sql } from "./action.ts";
import type { Spending } from "./caller.ts";
import { type Device, isBrowser } from "./devices.ts";
import { refuse, UNKNOWN_SUBJECT } from "./fault.ts";
import { enforceRateLimit, type RateLimits } from "./login-throttle.ts";
import { type AfterResponse, EMAIL_LOGIN_SECONDS, type Mailer } from "./mail.ts";
import type { SecondFactor } from "./second-factor.ts";
import type { Secrets } from "./token.ts";
import { isNewEmail } from "./text.ts";
import { normalizeEmail, type UserWithPassword } from "./user.ts";

/** How often a code may be tried, and how many wrong ones an address may get in a day before only links work. */
export const CODE_TRIES = 5;
export const WRONG_CODES_A_DAY = 10;

/** One email with a link and a code: one log-in. Nothing in it can be used as either. */
export interface NewEmailLogin {
  /** Digest of the secret in the link. */
  readonly id: string;
  /** Digest of what the asker was answered. */
  readonly challengeId: string;
  /** HMAC of the code, keyed with the challenge. */
  readonly codeDigest: string;
  readonly email: string;
  /** Where it was asked. */
  readonly device: Device;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** One that is neither spent nor expired. */
export interface EmailLogin {
  readonly id: string;
  readonly email: string;
  /** As it is now; null where the email has no account. */
  readonly user: UserWithPassword | null;
  readonly device: Device;
  readonly createdAtMs: number;
}

/** What removes all that was left in an account whose email was never proven, once `claimed` holds. */
export type EraseUnproven = (userId: string, nowMs: number, claimed: Sql) => readonly Sql[];

export interface EmailLoginStore {
  /**
   * One batch: takes the address's turn to get an email, if it has an account or may get one, and stores the log-in
   * only with the turn.
   * @returns whether there is an email to send
   */
  insert(login: NewEmailLogin, mayCreate: boolean): Promise<boolean>;
  /** By its link. */
  find(id: string, nowMs: number): Promise<EmailLogin | null>;
  /**
   * Counts a try before the code is compared, in one transaction.
   * @returns the log-in, where the code is right and was not tried too often; and whose account it is about
   */
  tryCode(
    challengeId: string,
    codeDigest: string,
    nowMs: number,
  ): Promise<{ readonly login: EmailLogin | null; readonly userId: string | null }>;
  /**
   * Spends the log-in and proves the email, if the account is as `login` says. An account whose email was never proven
   * keeps nothing of what it had, because a stranger may have signed up with the email.
   * @param newUserId of the account to create where there is none
   */
  spending(login: EmailLogin, newUserId: string, nowMs: number): Promise<Spending>;
}

export interface EmailLoginRequested {
  /** Shown again with the code. */
  readonly challenge: string;
  readonly expiresAtMs: number;
}

export type EmailLogins = ReturnType<typeof emailLogins>;

interface Deps {
  readonly store: EmailLoginStore;
  readonly secrets: Secrets;
  readonly mailer: Mailer;
  readonly limits: RateLimits;
  readonly afterResponse: AfterResponse;
  readonly issuer: string;
  /** Asked each time: a full database takes no new accounts. */
  readonly signUpIsOpen: () => boolean;
  /** Of the request being served. */
  readonly device: () => Device;
  readonly secondFactor: Pick<SecondFactor, "pass">;
}

/** Logging in with a link or a code that is sent by email. */
export function emailLogins({
  store,
  secrets,
  mailer,
  limits,
  afterResponse,
  issuer,
  signUpIsOpen,
  device,
  secondFactor,
}: Deps) {
  /** No word of a stranger's own goes into an email: of programs, not even the name. */
  function askedFrom(): Device {
    const asked = device();
    // guard: email-has-no-words-of-strangers
    return { ...asked, browser: isBrowser(asked.browser) ? asked.browser : null };
  }

  async function send(login: NewEmailLogin, link: string, code: string): Promise<void> {
    if (!(await store.insert(login, signUpIsOpen() && isNewEmail(login.email)))) return;
    const { id, email: to, expiresAtMs } = login;
    const path = `${issuer}/console/login/link/${link}`;
    await mailer.send({
      id,
      type: "email_login",
      to,
      token: link,
      link: path,
      code,
      device: login.device,
      expiresAtMs,
    });
  }

  async function spending(login: EmailLogin, nowMs: number): Promise<Spending> {
    if (login.user === null && !signUpIsOpen()) return refuse({ code: "credentials_wrong" });
    return store.spending(login, crypto.randomUUID(), nowMs);
  }

  async function byCode(challenge: string, code: string, nowMs: number): Promise<EmailLogin> {
    await enforceRateLimit(limits, "login");
    const challengeId = await secrets.idOf("action", challenge);
    if (challengeId === null) {
      return refuse({ code: "credentials_wrong", attempted: UNKNOWN_SUBJECT });
    }
    const codeDigest = await secrets.keyedDigest(challenge, code);
    const { login, userId } = await store.tryCode(challengeId, codeDigest, nowMs);
    const attempted = { userId, credentialId: null };
    return login ?? refuse({ code: "credentials_wrong", attempted });
  }

  async function byLink(link: string, nowMs: number): Promise<EmailLogin | null> {
    const id = await secrets.idOf("action", link);
    return id === null ? null : store.find(id, nowMs);
  }

  return {
    /**
     * The caller learns nothing, not even by timing: whether there is an account is asked after the answer.
     * @throws FaultError `throttled`
     */
    async request(email: string, nowMs: number): Promise<EmailLoginRequested> {
      await enforceRateLimit(limits, "password_reset");
      const [link, challenge] = await Promise.all([
        secrets.create("action"),
        secrets.create("action"),
      ]);
      const code = newCode();
      const expiresAtMs = nowMs + EMAIL_LOGIN_SECONDS * 1000;
      const login: NewEmailLogin = {
        id: link.id,
        challengeId: challenge.id,
        codeDigest: await secrets.keyedDigest(challenge.secret, code),
        email: normalizeEmail(email),
        device: askedFrom(),
        createdAtMs: nowMs,
        expiresAtMs,
      };
      afterResponse("send a log-in by email", send(login, link.secret, code));
      return { challenge: challenge.secret, expiresAtMs };
    },

    /**
     * The code, where the log-in was asked.
     * @param code six digits
     * @returns the account, and what the log-in spends: it opens once for each email
     * @throws FaultError `credentials_wrong`, also where it was tried too often; `otp_required`, `throttled`,
     *   `unavailable`
     */
    async byCode(
      challenge: string,
      code: string,
      otp: string | null,
      nowMs: number,
    ): Promise<Spending> {
      const login = await byCode(challenge, code, nowMs);
      const { user } = login;
      // First, so that what lacks it can be sent again with it. One that was set up before the email was proven is
      // a stranger's, and is removed.
      // guard: email-asks-for-the-second-factor
      if (user?.emailVerifiedAtMs) await secondFactor.pass(user, otp, "email", nowMs);
      return spending(login, nowMs);
    },

    /** For a page that then asks for the second factor, where the account has one. */
    firstFactorByCode: async (challenge: string, code: string, nowMs: number) =>
      spending(await byCode(challenge, code, nowMs), nowMs),

    /** What a link would do; null for one that logs nobody in (any more). @throws FaultError `unavailable` */
    find: byLink,

    /** The same with the link. @throws FaultError `credentials_wrong`, `throttled`, `unavailable` */
    async firstFactorByLink(link: string, nowMs: number): Promise<Spending> {
      await enforceRateLimit(limits, "login");
      const login = await byLink(link, nowMs);
      return login === null ? refuse({ code: "credentials_wrong" }) : spending(login, nowMs);
    },
  };
}

/** Each of the million equally often: a remainder alone would favor the first ones. */
function newCode(): string {
  const fair = 4_294_000_000;
  for (;;) {
    const [drawn = fair] = crypto.getRandomValues(new Uint32Array(1));
    if (drawn < fair) return String(drawn % 1_000_000).padStart(6, "0");
  }
}
