import pRetry, { AbortError } from "p-retry";
import { isOwnEvent, type Receiver, ReceiverGoneError, SEND_MS } from "../core/deliveries.ts";
import { deviceText } from "../core/devices.ts";
import type { Mail, Mailer, TokenMail } from "../core/mail.ts";

/** An endpoint of the deployment: one writes emails and sends them, one takes events. */
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
 * Sends a message as Standard Webhooks (https://www.standardwebhooks.com). Each attempt has its own
 * timestamp and signature but the same id, so the receiver can drop repeats. It is signed with every
 * secret, and the receiver accepts any of them, so both sides can rotate at different times.
 * @returns the status of the answer
 */
async function deliver(
  { url, secrets }: Webhook,
  { name, id, body, deadlineMs }: Message,
): Promise<number> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const text = `${id}.${timestamp}.${body}`;
  const signatures = await Promise.all(secrets.map((secret) => sign(secret, text)));
  const headers = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatures.map((each) => `v1,${each}`).join(" "),
  };
  // Redirects are not followed: they would take the token to a host that no one configured.
  const signal = AbortSignal.timeout(deadlineMs);
  // guard: webhook-is-not-followed
  const request: RequestInit = { method: "POST", body, headers, redirect: "manual", signal };
  const response = await fetch(url, request).catch(() => {
    // The runtime's error text may contain the URL, in which some services put a key.
    throw new Error(`the ${name} could not be reached in time`);
  });
  // However large it is: no one reads it.
  await response.body?.cancel();
  return response.status;
}

interface Message {
  /** What errors call the receiver. */
  readonly name: string;
  readonly id: string;
  readonly body: string;
  readonly deadlineMs: number;
}

const isOk = (status: number) => status >= 200 && status < 300;

/** The receiver of events. It has accepted one if it answers 2xx, and takes none any more if it answers 410. */
export const eventWebhook = (webhook: Webhook): Receiver => ({
  name: "webhook",
  async send(event) {
    // What must happen once is known by the receipt of the run.
    const id = isOwnEvent(event.type) ? (event.subject ?? event.id) : event.id;
    const status = await deliver(webhook, {
      name: "webhook",
      id,
      body: JSON.stringify(event),
      deadlineMs: SEND_MS,
    });
    // guard: event-needs-acceptance
    if (isOk(status)) return;
    const failure = `the webhook answered ${status}`;
    throw status === 410 ? new ReceiverGoneError(failure) : new Error(failure);
  },
});

/** Sends emails. */
export function mailWebhook(webhook: Webhook): Mailer {
  async function attempt(mail: Mail, body: string): Promise<void> {
    const status = await deliver(webhook, {
      name: "mail webhook",
      id: `msg_${mail.id}`,
      body,
      deadlineMs: ATTEMPT_MS,
    });
    if (isOk(status)) return;
    const failure = `the mail webhook answered ${status}`;
    throw isFinal(status) ? new AbortError(failure) : new Error(failure);
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
    const notices = mail.notices.map(({ kind, subject, login, atMs }) => ({
      kind,
      at: new Date(atMs).toISOString(),
      subject,
      ...(login !== null && { login }),
    }));
    const undo = mail.undo && tokenOf(mail.undo);
    const revoke = mail.revoke && tokenOf(mail.revoke);
    return { type, timestamp, data: { to, notices, undo, revoke } };
  }
  if (type === "email_login") {
    const device = { ...mail.device, text: deviceText(mail.device) };
    return { type, timestamp, data: { to, ...tokenOf(mail), code: mail.code, device } };
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

async function sign(secret: Uint8Array<ArrayBuffer>, text: string): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
  const tag = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text));
  return new Uint8Array(tag).toBase64();
}
