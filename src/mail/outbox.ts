import type { Mailer } from "../core/mail.ts";

const RULE = "─".repeat(80);

/**
 * Mails as lines in the terminal of `npm run dev`: nothing is sent, and nothing is kept. Tokens are
 * printed, so the settings allow it on a loopback issuer only.
 */
export const outbox: Mailer = {
  async send(mail) {
    const what =
      mail.type === "tokens_leaked"
        ? mail.tokenIds.join(" ")
        : `${mail.link} (until ${new Date(mail.expiresAtMs).toISOString()})`;
    // Between rules, so that it is found among the lines of requests.
    console.info(`\n${RULE}`);
    console.log(`Mail to ${mail.to}: ${mail.type} ${what}`);
    console.info(`${RULE}\n`);
  },
};

/** Neither a webhook nor an outbox: each mail is a line in the log that none went out. */
export const nowhere: Mailer = {
  async send() {
    throw new Error("no mail went out: MAIL_WEBHOOK_URL is not set");
  },
};
