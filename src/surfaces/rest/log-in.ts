import * as v from "valibot";
import { type IssuedLogin, LOGIN_ISSUES } from "../../core/log-in.ts";
import type { Json } from "../../core/token.ts";
import type { HttpResult } from "../../http/surface.ts";
import { success, userToJson } from "./accounts.ts";

/** What a log-in is to give: the payload of `GET /rest/auth`, a pair, or a session. */
export const issueField = v.optional(
  v.picklist(LOGIN_ISSUES, `must be one of ${LOGIN_ISSUES.join(", ")}`),
  "jwt",
);

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
