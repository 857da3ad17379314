import { vi } from "vitest";
import { FACEBOOK, GOOGLE } from "../../src/core/issuers.ts";
import { type Call, type TestUser, textAt } from "../support/client.ts";
import { service } from "../support/service.ts";
import { AUDIENCE, newRealm, taking } from "./realms.ts";
import { DB } from "../support/database.ts";

export const google = newRealm("google");
export const facebook = newRealm("facebook");
export const other = newRealm("acme");
export const SETTINGS = { ...taking(other), GOOGLE_CLIENT_ID: AUDIENCE, FACEBOOK_APP_ID: AUDIENCE };
export const call = service(SETTINGS);

/** The same with an email service, which queues notices. */
export const callWithMail = service({
  ...SETTINGS,
  MAIL_WEBHOOK_URL: "https://mail.example/",
  MAIL_WEBHOOK_SECRET: `whsec_${btoa("x".repeat(32))}`,
});

/** Google's and Facebook's keys come from our own issuers: theirs would sign nothing for us. */
const REDIRECTED: Readonly<Record<string, string>> = {
  [GOOGLE.jwks]: google.jwks,
  [FACEBOOK.jwks]: facebook.jwks,
};
/** For `beforeEach` of each file: files share this module. */
export function redirectIssuers(): void {
  const real = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    return real(REDIRECTED[url] ?? input, init);
  });
}

export interface Person {
  readonly sub: string;
  readonly email: string;
  readonly email_verified?: unknown;
  readonly hd?: unknown;
}
export const newPerson = (fields: Partial<Person> = {}): Person => ({
  sub: crypto.randomUUID(),
  email: `${crypto.randomUUID()}@example.com`,
  email_verified: true,
  ...fields,
});

/** Of a Google Workspace of the email's own domain, for which Google speaks. */
export const byGoogle = async (person: Person, iss: string = GOOGLE.spellings[0]) => {
  const hd = person.email.split("@").at(-1);
  return { headers: { "X-Auth-Google-Token": await google.idToken({ iss, hd, ...person }) } };
};
export const byFacebook = async (person: Person) => ({
  headers: {
    "X-Auth-Facebook-Token": await facebook.idToken({ iss: FACEBOOK.spellings[0], ...person }),
  },
});
export const byOther = async (person: Person) => ({
  headers: { "X-Auth-Acme-Token": await other.idToken({ ...person }) },
});

/** As following the link in a mail would. */
export const proveEmail = (user: TestUser) =>
  DB.prepare("UPDATE users SET verified_on = 1 WHERE id = ?").bind(user.id).run();

export const whoIs = async (send: Parameters<Call>[2], by: Call = call) => {
  const answer = await by("GET", "/rest/auth", send);
  return answer.status === 200 ? textAt(answer, "payload", "uuid") : answer.status;
};
export const accounts = async (email: string) =>
  (await DB.prepare("SELECT id FROM users WHERE email = ?").bind(email).all()).results.length;
