import { deviceText } from "../core/devices.ts";
import type { Mail, Mailer, TokenMail } from "../core/mail.ts";
import { printable } from "../core/text.ts";

const RULE = "─".repeat(80);

/**
 * Prints emails to the terminal of `npm run dev` instead of sending them. It prints tokens, so the
 * settings allow it only for an issuer on localhost.
 */
export const outbox: Mailer = {
  async send(mail) {
    const [title, ...lines] = linesOf(mail, Date.now());
    const text = [`✉ ${title} → ${mail.to}`, ...lines.map((line) => `  ${line}`)].map(printable);
    // At once, so that no line of a request comes between.
    console.log(`\n${RULE}\n${text.join("\n")}\n${RULE}\n`);
  },
};

/** A title, and what the email would say. */
function linesOf(mail: Mail, nowMs: number): readonly string[] {
  const linkOf = (title: string, token: Pick<TokenMail, "link" | "expiresAtMs">) => [
    ...(title === "" ? [] : [`${title}:`]),
    token.link,
    `expires in ${lifeText(token.expiresAtMs - nowMs)}`,
  ];
  switch (mail.type) {
    case "password_reset":
      return ["Reset your password", ...linkOf("", mail)];
    case "verify_email":
      return ["Verify your email", ...linkOf("", mail)];
    case "email_login":
      return [
        `Your log-in code is ${mail.code}`,
        ...linkOf("", mail),
        `asked from ${deviceText(mail.device)}`,
      ];
    case "tokens_leaked":
      return ["API tokens found in a public place were revoked", ...mail.tokenIds];
    case "security_notice":
      return [
        "Security notice",
        ...mail.notices.map(({ kind, login }) =>
          login === null ? kind : `${kind}: ${deviceText(login)}`,
        ),
        ...(mail.undo === null ? [] : linkOf("Undo the change", mail.undo)),
        ...(mail.revoke === null ? [] : linkOf("Log out what is new", mail.revoke)),
      ];
  }
}

const MINUTE_MS = 60_000;

/** As in "expires in 10 min". */
function lifeText(ms: number): string {
  const minutes = Math.round(ms / MINUTE_MS);
  if (minutes < 120) return `${minutes} min`;
  return minutes < 48 * 60
    ? `${Math.round(minutes / 60)} hours`
    : `${Math.round(minutes / 1440)} days`;
}

/** Without a webhook: sending fails, and the failure is logged. */
export const noMailer: Mailer = {
  async send() {
    throw new Error("no mail went out: MAIL_WEBHOOK_URL is not set");
  },
};
