import { faultOf } from "../http/request-fault.ts";
import type { Authenticate } from "../core/authenticate.ts";
import type { Caller } from "../core/caller.ts";
import type { EventStore } from "../core/events.ts";
import type { Sessions } from "../core/sessions.ts";
import { readSessionCookie } from "../http/browser.ts";
import { currentRecord } from "../http/request-record.ts";
import { auditRefusal } from "../http/refusals.ts";
import type { RequestContext } from "../http/surface.ts";

export interface PageDeps {
  readonly authenticate: Authenticate;
  readonly sessions: Sessions;
  readonly refused: EventStore["refused"];
}

/** Finds the user by the session cookie. */
export function authenticatePage({ authenticate, sessions, refused }: PageDeps) {
  return {
    /** @returns null without a session, or if it is no longer active */
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
     * Extends a session after half its time. If D1 is down the page still opens, because reads may
     * continue from KV.
     * @returns null if the session was revoked at this moment
     */
    async extendSession(
      { request, nowMs }: RequestContext,
      caller: Caller,
    ): Promise<Caller | null> {
      const { by } = caller;
      const secret = readSessionCookie(request);
      if (secret === null || by.method !== "token") return caller;
      if (by.token.expiresAtMs - nowMs >= (sessions.lifetimes.session / 2) * 1000) return caller;
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
