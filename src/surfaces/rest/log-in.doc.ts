import * as v from "valibot";
import type { Component, OperationDoc, RoutesOf } from "../../openapi/description.ts";
import { answer, count, describe, text, time } from "../../openapi/shapes.ts";
import { EMAIL, success, UserWithJwt } from "./accounts.doc.ts";
import { askEmailLogin, type emailLoginRoutes, verifyEmailLogin } from "./log-in.ts";

const EmailLogin = v.object({
  challenge: describe(text, "Send it back with the code; alone it opens nothing."),
  expires_on: describe(time, "When link and code expire."),
});

/** What a log-in gives, by `issue`. */
export const IssuedLogin = v.union([
  UserWithJwt,
  v.object({ refresh: text, access: text }),
  v.object({
    token: describe(text, "A session token, for the header `X-Token`."),
    email: text,
    expires: describe(count, "Milliseconds since 1970."),
  }),
]);

export const ISSUE = {
  description:
    "What to give: the user with the JWT of `GET /rest/auth` (`jwt`, by default), a pair of JWTs (`pair`) or a session token (`session`).",
};

export const emailLoginComponents: Readonly<Record<string, Component>> = {
  AskEmailLogin: { schema: askEmailLogin.schema, fields: { email: EMAIL } },
  VerifyEmailLogin: {
    schema: verifyEmailLogin.schema,
    fields: {
      challenge: { description: "As it was answered where the log-in was asked." },
      code: { description: "The six digits in the email." },
      issue: ISSUE,
    },
  },
  EmailLogin: { schema: EmailLogin },
  IssuedLogin: { schema: IssuedLogin },
};

export const emailLoginOperations: Readonly<
  Record<RoutesOf<typeof emailLoginRoutes>, OperationDoc>
> = {
  "POST /rest/login/email": {
    id: "requestEmailLogin",
    summary: "Request an email with a link and a code that log in",
    description:
      "The answer is the same whether there is such an account or not. The first of link and code that is used logs in, once, within ten minutes. Where sign-up is open, the first log-in creates the account. The email is proven by it: an account that had not proven it loses all that it had, because a stranger may have signed up with the email.",
    security: [],
    answers: answer("Accepted.", success(EmailLogin)),
  },
  "POST /rest/login/email/verify": {
    id: "verifyEmailLogin",
    summary: "Log in with the code of an email",
    description:
      "A code works only with the challenge that it was sent for, and dies after five wrong tries. After ten wrong ones for an email within a day, only links log in.",
    security: [],
    answers: answer("Logged in.", success(IssuedLogin)),
    refuses: [401],
  },
};
