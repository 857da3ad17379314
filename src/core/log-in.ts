import { type Authenticated, type Caller, loggedIn, isSpending, type WayIn } from "./caller.ts";
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
 * @throws FaultError `credentials_wrong` where they were spent or revoked meanwhile, `unavailable`
 */
export type IssueLogin = (
  who: Authenticated,
  way: Exclude<WayIn, "identity">,
  issue: LoginIssue,
  nowMs: number,
) => Promise<IssuedLogin>;

interface Deps {
  readonly sessions: Pick<Sessions, "open" | "spend">;
  readonly jwtPairs: Pick<JwtPairs, "open" | "forCaller">;
}

export function loginIssuer({ sessions, jwtPairs }: Deps): IssueLogin {
  return async (who, way, issue, nowMs) => {
    switch (issue) {
      case "pair":
        return { issue, ...(await jwtPairs.open(who, way, nowMs)) };
      case "session":
        return { issue, session: await sessions.open(who, way, nowMs) };
      case "jwt": {
        const user = isSpending(who) ? await sessions.spend(who, nowMs) : who;
        const caller: Caller = loggedIn(user, { method: way }, nowMs);
        return { issue, ...(await jwtPairs.forCaller(caller, nowMs)) };
      }
    }
  };
}
