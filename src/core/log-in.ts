import { type Caller, loggedIn, type WayIn } from "./caller.ts";
import type { JwtPair, JwtPairs } from "./jwt-pairs.ts";
import type { Session, Sessions } from "./sessions.ts";
import type { User } from "./user.ts";

/** What a log-in may give: the JWT of `GET /rest/auth`, simplejwt's pair, or a session. */
export const LOGIN_ISSUES = ["jwt", "pair", "session"] as const;
export type LoginIssue = (typeof LOGIN_ISSUES)[number];

export type IssuedLogin =
  | { readonly issue: "jwt"; readonly user: User; readonly jwt: string }
  | ({ readonly issue: "pair" } & JwtPair)
  | { readonly issue: "session"; readonly session: Session };

/**
 * What a log-in that needed no password gives, as asked.
 * @param user as read in D1 just now
 * @throws FaultError `credentials_wrong` where their credentials were revoked meanwhile, `unavailable`
 */
export type IssueLogin = (
  user: User,
  way: Exclude<WayIn, "identity">,
  issue: LoginIssue,
  nowMs: number,
) => Promise<IssuedLogin>;

interface Deps {
  readonly sessions: Pick<Sessions, "open">;
  readonly jwtPairs: Pick<JwtPairs, "open" | "forCaller">;
}

export function loginIssuer({ sessions, jwtPairs }: Deps): IssueLogin {
  return async (user, way, issue, nowMs) => {
    switch (issue) {
      case "pair":
        return { issue, ...(await jwtPairs.open(user, way, nowMs)) };
      case "session":
        return { issue, session: await sessions.open(user, way, nowMs) };
      case "jwt": {
        const caller: Caller = loggedIn(user, { method: way }, nowMs);
        return { issue, ...(await jwtPairs.forCaller(caller, nowMs)) };
      }
    }
  };
}
