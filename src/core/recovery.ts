import type { Caller } from "./authenticate.ts";
import { refuse } from "./fault.ts";
import {
  type AfterResponse,
  MAILS,
  type Mailer,
  type MailToken,
  type MailTokens,
  type MailType,
} from "./mail.ts";
import { enforceRateLimit, type RateLimits } from "./login-throttle.ts";
import type { Secrets } from "./ports.ts";
import { normalizeEmail } from "./user.ts";

export type Recovery = ReturnType<typeof recovery>;

interface Deps {
  readonly tokens: MailTokens;
  readonly secrets: Secrets;
  readonly mailer: Mailer;
  readonly limits: RateLimits;
  readonly afterResponse: AfterResponse;
  readonly issuer: string;
}

/** Mails with a token, for who has forgotten her password or is to show that a mailbox is hers. */
export function recovery({ tokens, secrets, mailer, limits, afterResponse, issuer }: Deps) {
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
    if (await tokens.issueFor(email, token)) await send(email, secret, token);
  }

  async function sendPending(userId: string, email: string, nowMs: number): Promise<void> {
    const { secret, token } = await newToken("verify_email", nowMs);
    if (await tokens.issueToPending(userId, email, token)) await send(email, secret, token);
  }

  return {
    /**
     * Whoever asks learns nothing, not even by the time that it takes: all of it, the question
     * whether there is such an account too, comes after the answer.
     * @throws FaultError `throttled`
     */
    async requestReset(email: string, nowMs: number): Promise<void> {
      await enforceRateLimit(limits, "password_reset");
      afterResponse("send a password reset", sendReset(normalizeEmail(email), nowMs));
    },

    /** After the answer: proves an e-mail that somebody wants. */
    askToProve(userId: string, email: string, nowMs: number): void {
      afterResponse("send an e-mail verification", sendPending(userId, email, nowMs));
    },

    /**
     * Nothing is sent where the e-mail is verified and no other is wanted, or the address has had its mails.
     * @throws FaultError `token_invalid`, `unavailable`
     */
    async requestVerification(caller: Caller, nowMs: number): Promise<void> {
      const { secret, token } = await newToken("verify_email", nowMs);
      const issued = await tokens.issueTo(caller, token);
      if (issued === "caller_gone") return refuse({ code: "token_invalid" });
      if (issued !== null)
        afterResponse("send an e-mail verification", send(issued.email, secret, token));
    },
  };
}
