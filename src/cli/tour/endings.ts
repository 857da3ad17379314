import { annTold, restError, restUnauthorized, userShape } from "./accounts.ts";
import { generate, invalid, issued, refusedRun } from "./action-tokens.ts";
import { date, jwt, keep, secondsAhead, secret, someText, uuid } from "./checks.ts";
import { noAccount, notValid } from "./jwt-pair.ts";
import { scopes } from "./rest-tokens.ts";
import { MISSING } from "./session-tokens.ts";
import { basic, bearer, type Person, type Step } from "./step.ts";

const HOUR = 3600;

const login = ({ email }: Person, password: string) => ({
  method: "POST",
  path: "/api/token/",
  json: { email, password },
});

const removeAccount = (person: Person, shown: string, typed: string) => ({
  method: "DELETE",
  path: "/rest/user",
  headers: basic(person, shown),
  json: { password: typed },
});

const done = { status: 200, body: { success: true, payload: {} } };

export const passwordSteps: readonly Step[] = [
  {
    title: "Ann opens a session",
    ask: ({ ann }) => ({
      method: "POST",
      path: "/tokens",
      json: { email_id: ann.email, password: ann.password },
    }),
    answer: ({ ann }) => ({
      status: 200,
      body: {
        success: "token created successfully",
        data: {
          token: keep("last session", secret("lk_ses_")),
          email_id: ann.email,
          expires: secondsAhead(HOUR),
        },
      },
    }),
  },
  {
    title: "makes an API token",
    ask: ({ kept }) => ({
      method: "POST",
      path: "/rest/token",
      headers: bearer(kept.text("access")),
      json: { name: "server", ttl: 60 },
    }),
    answer: () => ({
      status: 200,
      body: {
        success: true,
        payload: {
          name: "server",
          ttl: 60,
          scopes,
          token: keep("last api", secret("lk_api_")),
          uuid,
          created_on: date,
          modified_on: date,
          expired_on: date,
        },
      },
    }),
  },
  {
    title: "and generates an action token",
    ask: (tour) => generate(tour),
    answer: (tour) => issued(tour, "last action"),
  },
  {
    title: "she cannot take a new password without the current one",
    ask: ({ ann }) => ({
      method: "PATCH",
      path: "/rest/user",
      headers: basic(ann, ann.password),
      json: { password: ann.newPassword, current_password: ann.newPassword },
    }),
    answer: () => restUnauthorized("Wrong credentials"),
  },
  {
    title: "she takes a new password",
    ask: ({ ann }) => ({
      method: "PATCH",
      path: "/rest/user",
      headers: basic(ann, ann.password),
      json: { password: ann.newPassword, current_password: ann.password },
    }),
    answer: ({ ann, kept }) => {
      const userId = kept.text("ann");
      const token = jwt({ type: "access", userId, seconds: 24 * HOUR, claims: { role: "User" } });
      return {
        status: 200,
        body: { success: true, payload: { ...userShape(ann, annTold), token } },
      };
    },
  },
  {
    title: "the session is over",
    ask: ({ kept }) => ({
      method: "GET",
      path: "/tokens",
      headers: { "x-token": kept.text("last session") },
    }),
    answer: () => ({ status: 400, body: { error: MISSING } }),
  },
  {
    title: "the API token is refused",
    ask: ({ kept }) => ({
      method: "GET",
      path: "/rest/auth",
      headers: bearer(kept.text("last api")),
    }),
    answer: () => restUnauthorized("Invalid token"),
  },
  {
    title: "the access JWT verifies no more",
    ask: ({ kept }) => ({
      method: "POST",
      path: "/api/token/verify/",
      json: { token: kept.text("access") },
    }),
    answer: () => notValid(),
  },
  {
    title: "the refresh JWT refreshes no more",
    ask: ({ kept }) => ({
      method: "POST",
      path: "/api/token/refresh/",
      json: { refresh: kept.text("refresh") },
    }),
    answer: () => notValid(),
  },
  {
    title: "the action token is revoked",
    ask: ({ kept }) => ({
      method: "POST",
      path: "/api/run-action-token",
      headers: bearer(kept.text("ben access")),
      json: { token: kept.text("last action") },
    }),
    answer: () => refusedRun("revoked"),
  },
  {
    title: "the old password logs nobody in",
    ask: ({ ann }) => login(ann, ann.password),
    answer: () => noAccount,
  },
  {
    title: "the new one does",
    ask: ({ ann }) => login(ann, ann.newPassword),
    answer: () => ({
      status: 200,
      body: { refresh: someText, access: keep("new access", someText) },
    }),
  },
];

export const deletionSteps: readonly Step[] = [
  {
    title: "Ann cannot delete her account without her password",
    ask: ({ kept }) => ({
      method: "DELETE",
      path: "/rest/user",
      headers: bearer(kept.text("new access")),
      json: {},
    }),
    answer: () => restError(400, someText),
  },
  {
    title: "nor with a wrong one",
    ask: ({ ann }) => removeAccount(ann, ann.newPassword, ann.password),
    answer: () => restUnauthorized("Wrong credentials"),
  },
  {
    title: "she deletes it",
    ask: ({ ann }) => removeAccount(ann, ann.newPassword, ann.newPassword),
    answer: () => done,
  },
  {
    title: "a login gets the answer of a wrong password",
    ask: ({ ann }) => login(ann, ann.newPassword),
    answer: () => noAccount,
  },
  {
    title: "her JWT is refused",
    ask: ({ kept }) => ({
      method: "GET",
      path: "/rest/user",
      headers: bearer(kept.text("new access")),
    }),
    answer: () => restUnauthorized("Invalid token"),
  },
  {
    title: "no action token can name her",
    ask: ({ kept }) => ({
      method: "POST",
      path: "/api/generate-action-token",
      headers: bearer(kept.text("ben access")),
      json: { action: "addContact", payload: { contact_id: kept.text("ann") } },
    }),
    answer: () => invalid({ "payload.contact_id": [someText] }),
  },
  {
    title: "her e-mail can sign up again, as a new account",
    ask: ({ ann }) => ({
      method: "POST",
      path: "/rest/user",
      json: { email: ann.email, password: ann.password },
    }),
    answer: ({ ann, kept }) => ({
      status: 201,
      body: {
        success: true,
        payload: userShape(ann, {
          first_name: null,
          uuid: (value, path) =>
            value === kept.text("ann") ? [`${path} is that of the deleted account`] : [],
        }),
      },
    }),
  },
  {
    title: "which is deleted too",
    ask: ({ ann }) => removeAccount(ann, ann.password, ann.password),
    answer: () => done,
  },
  {
    title: "and so is Ben's",
    ask: ({ ben }) => removeAccount(ben, ben.password, ben.password),
    answer: () => done,
  },
];
