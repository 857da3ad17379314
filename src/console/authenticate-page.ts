import { faultOf } from "../http/request-fault.ts";
import type { Authenticate } from "../core/authenticate.ts";
import type { Caller } from "../core/caller.ts";
import type { EventStore } from "../core/events.ts";
import type { Sessions } from "../core/sessions.ts";
import { TOKEN_KINDS } from "../core/token.ts";
import { readSessionCookie } from "../http/browser.ts";
import { currentRecord } from "../http/request-record.ts";
import { auditRefusal } from "../http/refusals.ts";
import type { RequestContext } from "../http/surface.ts";

export interface PageDeps {
  readonly authenticate: Authenticate;
  readonly sessions: Sessions;
  readonly refused: EventStore["refused"];
}

const { ttlSeconds, maxTtlSeconds } = TOKEN_KINDS.session;

/** As long as a session can be extended. */
export const SESSION_COOKIE_SECONDS = maxTtlSeconds;

/** A session that has less than this left is extended when a page is opened. */
const EXTEND_BELOW_MS = (ttlSeconds / 2) * 1000;

/** Who opens a page, by the session in her cookie. */
export function authenticatePage({ authenticate, sessions, refused }: PageDeps) {
  return {
    /** @returns null where there is no session, or one that does not stand any more */
    async currentUser({ request, nowMs }: RequestContext): Promise<Caller | null> {
      const token = readSessionCookie(request);
      if (token === null) return null;
      const record = currentRecord();
      if (record !== null) record.credential = "session";
      try {
        return await authenticate({ method: "session", token }, nowMs);
      } catch (error) {
        const fault = faultOf(error);
        if (fault.code !== "token_invalid") throw error;
        auditRefusal(fault, refused);
        return null;
      }
    },

    /**
     * Half of it over, a session is extended. A page opens all the same where that cannot be written
     * down: reads go on while D1 is down.
     * @returns null where the session was ended at this instant
     */
    async extendSession(
      { request, nowMs }: RequestContext,
      caller: Caller,
    ): Promise<Caller | null> {
      const { by } = caller;
      const secret = readSessionCookie(request);
      if (secret === null || by.method !== "token") return caller;
      if (by.token.expiresAtMs - nowMs >= EXTEND_BELOW_MS) return caller;
      try {
        await sessions.extend(secret, nowMs);
        return caller;
      } catch (error) {
        const { code } = faultOf(error);
        if (code === "unavailable") return caller;
        if (code === "token_invalid") return null;
        throw error;
      }
    },
  };
}
