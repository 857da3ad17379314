import type { Mail, Mailer, TokenMail } from "../core/mail.ts";
import { printable } from "../core/text.ts";

const RULE = "─".repeat(80);

/**
 * Mails as lines in the terminal of `npm run dev`: nothing is sent, and nothing is kept. Tokens are
 * printed, so the settings allow it on a loopback issuer only.
 */
export const outbox: Mailer = {
  async send(mail) {
    // Between rules, so that it is found among the lines of requests.
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
      return mail.undo === null ? kinds : `${kinds} ${linkOf(mail.undo)}`;
    }
    default:
      return linkOf(mail);
  }
}

const linkOf = ({ link, expiresAtMs }: Pick<TokenMail, "link" | "expiresAtMs">) =>
  `${link} (until ${new Date(expiresAtMs).toISOString()})`;

/** Neither a webhook nor an outbox: each mail is a line in the log that none went out. */
export const noMailer: Mailer = {
  async send() {
    throw new Error("no mail went out: MAIL_WEBHOOK_URL is not set");
  },
};
