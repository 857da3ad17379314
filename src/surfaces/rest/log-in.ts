import * as v from "valibot";
import type { EmailLogins } from "../../core/email-login.ts";
import { type IssuedLogin, type IssueLogin, LOGIN_ISSUES } from "../../core/log-in.ts";
import type { Json } from "../../core/token.ts";
import { jsonBody } from "../../http/fields.ts";
import { defineRoutes, type HttpResult, isoTime } from "../../http/surface.ts";
import { success, userToJson } from "./accounts.ts";
import { knownEmail, loginCode } from "./fields.ts";

/** What a log-in is to give: the payload of `GET /rest/auth`, a pair, or a session. */
export const issueField = v.optional(
  v.picklist(LOGIN_ISSUES, `must be one of ${LOGIN_ISSUES.join(", ")}`),
  "jwt",
);

export const askEmailLogin = jsonBody(v.object({ email: knownEmail }));
export const verifyEmailLogin = jsonBody(
  v.object({
    challenge: v.string("must be a string"),
    code: loginCode,
    issue: issueField,
    otp: v.nullish(v.string("must be a string"), null),
  }),
  { refusesNarrowing: true },
);

export interface EmailLoginServices {
  readonly emailLogins: EmailLogins;
  readonly issueLogin: IssueLogin;
}

/** `/rest/login`: log-ins without a password. */
export const emailLoginRoutes = ({ emailLogins, issueLogin }: EmailLoginServices) =>
  defineRoutes([
    {
      method: "POST",
      path: "/rest/login/email",
      access: "anyone",
      body: askEmailLogin,
      async handle({ request, nowMs }) {
        const { email } = await askEmailLogin.read(request);
        const { challenge, expiresAtMs } = await emailLogins.request(email, nowMs);
        return success({ challenge, expires_on: isoTime(expiresAtMs) });
      },
    },
    {
      method: "POST",
      path: "/rest/login/email/verify",
      access: "anyone",
      body: verifyEmailLogin,
      async handle({ request, nowMs }) {
        const { challenge, code, issue, otp } = await verifyEmailLogin.read(request);
        const login = await emailLogins.byCode(challenge, code, otp, nowMs);
        return loginResult(await issueLogin(login, "email", issue, nowMs));
      },
    },
  ]);

/** The answer of a log-in, in the shape of what it gives. */
export const loginResult = (issued: IssuedLogin): HttpResult => success(payloadOf(issued));

function payloadOf(issued: IssuedLogin): Json {
  switch (issued.issue) {
    case "jwt":
      return { ...userToJson(issued.user), token: issued.jwt };
    case "pair":
      return { refresh: issued.refresh, access: issued.access };
    case "session": {
      const { secret, email, expiresAtMs } = issued.session;
      return { token: secret, email, expires: expiresAtMs };
    }
  }
}
