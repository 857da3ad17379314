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
    // Framed, so that it stands out from the request log.
    console.info(`\n${RULE}`);
    console.log(printable(`Mail to ${mail.to}: ${mail.type} ${contentOf(mail)}`));
    console.info(`${RULE}\n`);
  },
};

function contentOf(mail: Mail): string {
  switch (mail.type) {
    case "tokens_leaked":
      return mail.tokenIds.join(" ");
    case "security_notice": {
      const kinds = mail.notices.map(({ kind }) => kind).join(" ");
      const links = [mail.undo, mail.revoke].filter((each) => each !== null).map(linkOf);
      return [kinds, ...links].join(" ");
    }
    case "email_login":
      return `code ${mail.code} or ${linkOf(mail)}, asked from ${deviceText(mail.device)}`;
    default:
      return linkOf(mail);
  }
}

const linkOf = ({ link, expiresAtMs }: Pick<TokenMail, "link" | "expiresAtMs">) =>
  `${link} (until ${new Date(expiresAtMs).toISOString()})`;

/** Without a webhook: sending fails, and the failure is logged. */
export const noMailer: Mailer = {
  async send() {
    throw new Error("no mail went out: MAIL_WEBHOOK_URL is not set");
  },
};
