import type { Caller, CallerRef } from "./caller.ts";
import { refuse } from "./fault.ts";
import { enforceRateLimit, type RateLimits } from "./login-throttle.ts";
import { type AfterResponse, MAIL_BUDGET, type Mailer, MAILS, type MailType } from "./mail.ts";
import type { Secrets } from "./token.ts";
import { normalizeEmail } from "./user.ts";

export interface MailToken {
  readonly id: string;
  readonly type: MailType;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/**
 * Issues the token of an email, for one run by the mailbox's owner. The batch that issues also decides
 * whether there is an account, and whether MAIL_BUDGET allows the address another email.
 */
export interface MailTokenStore {
  /** @returns whether there is an email to send */
  issueFor(email: string, token: MailToken): Promise<boolean>;
  /**
   * For the caller's email or, where that is proven, for the one that they want instead.
   * @returns the address to send it to, null for none, or `caller_gone`
   */
  issueTo(
    caller: CallerRef,
    token: MailToken,
  ): Promise<{ readonly email: string } | null | "caller_gone">;
  /**
   * For an account's own email, at the wish of an operator, in the reserve of MAIL_BUDGET.
   * @returns the address; `not_found` where there is no such account with a mailbox, or it is disabled
   */
  issueByOperator(
    operator: CallerRef,
    userId: string,
    token: MailToken,
  ): Promise<{ readonly email: string } | "not_found" | "not_operator" | "over_budget">;
  /** For a pending email, if no one else has it. @returns whether there is an email to send */
  issueToPending(userId: string, email: string, token: MailToken): Promise<boolean>;
}

export type Recovery = ReturnType<typeof recovery>;

interface Deps {
  readonly store: MailTokenStore;
  readonly secrets: Secrets;
  readonly mailer: Mailer;
  readonly limits: RateLimits;
  readonly afterResponse: AfterResponse;
  readonly issuer: string;
  readonly sendsMail: boolean;
  readonly takesPasswords: boolean;
}

/** Emails with a token, for users who forgot their password or are to prove an email address. */
export function recovery({
  store,
  secrets,
  mailer,
  limits,
  afterResponse,
  issuer,
  sendsMail,
  takesPasswords,
}: Deps) {
  async function newToken(type: MailType, nowMs: number) {
    const { secret, id } = await secrets.create("action");
    const expiresAtMs = nowMs + MAILS[type].ttlSeconds * 1000;
    return { secret, token: { id, type, createdAtMs: nowMs, expiresAtMs } };
  }

  function send(to: string, secret: string, { id, type, expiresAtMs }: MailToken): Promise<void> {
    const link = `${issuer}/a/${secret}`;
    return mailer.send({ id, type, to, token: secret, link, expiresAtMs });
  }

  async function sendReset(email: string, nowMs: number): Promise<void> {
    const { secret, token } = await newToken("password_reset", nowMs);
    if (await store.issueFor(email, token)) await send(email, secret, token);
  }

  async function sendPending(userId: string, email: string, nowMs: number): Promise<void> {
    const { secret, token } = await newToken("verify_email", nowMs);
    if (await store.issueToPending(userId, email, token)) await send(email, secret, token);
  }

  return {
    /**
     * The caller learns nothing, not even by timing: everything happens after the answer, including
     * the question whether there is such an account.
     * @throws FaultError `throttled`
     */
    async requestReset(email: string, nowMs: number): Promise<void> {
      await enforceRateLimit(limits, "password_reset");
      if (!takesPasswords) return;
      afterResponse("send a password reset", sendReset(normalizeEmail(email), nowMs));
    },

    /**
     * Sends a link to choose a new password to the account's own email, for an operator.
     * @returns false where the deployment sends no email, so that none will come
     * @throws FaultError `not_found`, `operator_required`, `throttled` by MAIL_BUDGET, `unavailable`
     */
    async sendResetFor(operator: CallerRef, userId: string, nowMs: number): Promise<boolean> {
      const { secret, token } = await newToken("password_reset", nowMs);
      const issued = await store.issueByOperator(operator, userId, token);
      if (issued === "not_found") return refuse({ code: "not_found", what: "User" });
      if (issued === "not_operator") return refuse({ code: "operator_required", lacks: "role" });
      if (issued === "over_budget") {
        const retryAfterSeconds = MAIL_BUDGET.intervalSeconds;
        const policy = { name: "mail", quota: 1, windowSeconds: retryAfterSeconds };
        return refuse({ code: "throttled", retryAfterSeconds, policy });
      }
      afterResponse("send a password reset", send(issued.email, secret, token));
      return sendsMail;
    },

    /** After the answer: sends a link that proves a pending email. */
    askToProve(userId: string, email: string, nowMs: number): void {
      afterResponse("send an email verification", sendPending(userId, email, nowMs));
    },

    /**
     * Sends nothing where the email is verified and no other is pending, or MAIL_BUDGET is used up.
     * @throws FaultError `token_invalid`, `unavailable`
     */
    async requestVerification(caller: Caller, nowMs: number): Promise<void> {
      const { secret, token } = await newToken("verify_email", nowMs);
      const issued = await store.issueTo(caller, token);
      if (issued === "caller_gone") return refuse({ code: "token_invalid" });
      if (issued !== null)
        afterResponse("send an email verification", send(issued.email, secret, token));
    },
  };
}
