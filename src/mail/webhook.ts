import pRetry, { AbortError } from "p-retry";
import type { Mail, Mailer, TokenMail } from "../core/mail.ts";

/** The deployment's own endpoint, which writes the email and sends it. */
export interface Webhook {
  readonly url: string;
  /** The decoded `whsec_` secrets: two while one is rotated. */
  readonly secrets: readonly Uint8Array<ArrayBuffer>[];
}

/** All attempts and waits must fit into the 30 s that `waitUntil` allows after the response. */
const ATTEMPT_MS = 5_000;
const RETRY = { retries: 2, minTimeout: 500, maxTimeout: 2_000, randomize: true } as const;

/** Repeating the request would fail the same way. */
// guard: refused-mail-is-not-repeated
const isFinal = (status: number) => status < 500 && status !== 408 && status !== 429;

/**
 * Sends emails as Standard Webhooks (https://www.standardwebhooks.com). Each attempt has its own
 * timestamp and signature but the same id, so the receiver can drop repeats. It is signed with every
 * secret, and the receiver accepts any of them, so both sides can rotate at different times.
 */
export function webhook({ url, secrets }: Webhook): Mailer {
  async function attempt(mail: Mail, body: string): Promise<void> {
    const id = `msg_${mail.id}`;
    const timestamp = String(Math.floor(Date.now() / 1000));
    const text = `${id}.${timestamp}.${body}`;
    const signatures = await Promise.all(secrets.map((secret) => sign(secret, text)));
    const response = await post(url, body, {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": timestamp,
      "webhook-signature": signatures.map((each) => `v1,${each}`).join(" "),
    });
    await response.body?.cancel();
    if (response.ok) return;
    const failure = `the mail webhook answered ${response.status}`;
    throw isFinal(response.status) ? new AbortError(failure) : new Error(failure);
  }

  return {
    send(mail) {
      const body = JSON.stringify(event(mail, Date.now()));
      return pRetry(() => attempt(mail, body), RETRY);
    },
  };
}

function event(mail: Mail, nowMs: number) {
  const { type, to } = mail;
  const timestamp = new Date(nowMs).toISOString();
  if (type === "tokens_leaked") return { type, timestamp, data: { to, tokens: mail.tokenIds } };
  if (type === "security_notice") {
    const notices = mail.notices.map(({ kind, subject, atMs }) => ({
      kind,
      at: new Date(atMs).toISOString(),
      subject,
    }));
    return { type, timestamp, data: { to, notices, undo: mail.undo && tokenOf(mail.undo) } };
  }
  return { type, timestamp, data: { to, ...tokenOf(mail) } };
}

const tokenOf = ({
  token,
  link,
  expiresAtMs,
}: Pick<TokenMail, "token" | "link" | "expiresAtMs">) => ({
  token,
  link,
  expires_at: new Date(expiresAtMs).toISOString(),
});

async function post(url: string, body: string, headers: Record<string, string>): Promise<Response> {
  try {
    // Redirects are not followed: they would take the token to a host that no one configured.
    const signal = AbortSignal.timeout(ATTEMPT_MS);
    // guard: webhook-is-not-followed
    return await fetch(url, { method: "POST", body, headers, redirect: "manual", signal });
  } catch {
    // The runtime's error text may contain the URL, in which some services put a key.
    throw new Error("the mail webhook could not be reached in time");
  }
}

async function sign(secret: Uint8Array<ArrayBuffer>, text: string): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
  const tag = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text));
  return new Uint8Array(tag).toBase64();
}
