import pRetry, { AbortError } from "p-retry";
import type { Mail, Mailer, TokenMail } from "../core/mail.ts";

/** A deployment's own endpoint, which writes the mail's text and sends it. */
export interface Webhook {
  readonly url: string;
  /** The bytes behind each `whsec_`: while it is rotated, the new secret and the old one. */
  readonly secrets: readonly Uint8Array<ArrayBuffer>[];
}

/** All attempts and the waits between them fit into the 30 s that the runtime leaves after an answer. */
const ATTEMPT_MS = 5_000;
const RETRY = { retries: 2, minTimeout: 500, maxTimeout: 2_000, randomize: true } as const;

/** Will be as wrong the next time. */
// guard: refused-mail-is-not-repeated
const isFinal = (status: number) => status < 500 && status !== 408 && status !== 429;

/**
 * Mails as Standard Webhooks (https://www.standardwebhooks.com): each attempt is signed anew, with
 * its own time, and all of them have the same id, by which the receiver knows a repeat. It is signed
 * with every secret, and a receiver takes it by any: so neither side has to change at the same moment.
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
    // Not followed: the token would go where nobody has configured it to go.
    const signal = AbortSignal.timeout(ATTEMPT_MS);
    // guard: webhook-is-not-followed
    return await fetch(url, { method: "POST", body, headers, redirect: "manual", signal });
  } catch {
    // The runtime's own text may repeat the URL, in which some services hide a key.
    throw new Error("the mail webhook could not be reached in time");
  }
}

async function sign(secret: Uint8Array<ArrayBuffer>, text: string): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
  const tag = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text));
  return new Uint8Array(tag).toBase64();
}
