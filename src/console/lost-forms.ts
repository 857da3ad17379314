import type { HonoRequest } from "hono";
import * as v from "valibot";
import type { Encryption } from "../core/second-factor.ts";
import { formCookie, LOST_FORM_SECONDS, readFormCookie } from "../http/browser.ts";

/** What was typed into a form whose session ended, or whose log-in was too old, until its user is back. */
export interface LostForm {
  readonly userId: string;
  /** The page that it was on. */
  readonly page: string;
  /** The route that it was sent to. */
  readonly form: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** In characters of JSON: with what encrypts it, a cookie is at most 4 KB. */
const MAX_LENGTH = 2_600;

/** Of the context that is authenticated with it. */
const PURPOSE = "lost form";

const Kept = v.object({
  userId: v.string(),
  page: v.string(),
  form: v.string(),
  values: v.record(v.string(), v.unknown()),
  untilMs: v.number(),
});

const SECRET_NAME = /password|otp|code|secret|response|challenge|token/i;
/** A token of ours, whatever the deployment's prefix, or a JWT. */
const SECRET_VALUE = /[a-z\d]_(?:ses|api|act)_|\bey[\w-]+\.[\w-]+/;

const isPlain = ([name, value]: readonly [string, unknown]): boolean =>
  !SECRET_NAME.test(name) &&
  [value].flat().every((each) => typeof each === "string" && !SECRET_VALUE.test(each));

/**
 * Keeps a form in the browser that it came from, encrypted: whoever uses that browser next can neither read
 * nor change it, and it is shown to its own user alone.
 */
export const lostForms = (encryption: Encryption) => ({
  /** @returns the cookie that keeps it, without its secrets; null where nothing is left of it, or too much */
  async keep(lost: LostForm, nowMs: number): Promise<string | null> {
    const values = Object.fromEntries(Object.entries(lost.values).filter(isPlain));
    const text = JSON.stringify({ ...lost, values, untilMs: nowMs + LOST_FORM_SECONDS * 1000 });
    // guard: lost-form-is-bounded
    if (Object.keys(values).length === 0 || new TextEncoder().encode(text).length > MAX_LENGTH) {
      return null;
    }
    return formCookie(await encryption.encrypt(text, PURPOSE));
  },

  /** @returns null for none; "foreign" for another user's, one that is too old or none of ours */
  async read(
    request: HonoRequest,
    userId: string,
    nowMs: number,
  ): Promise<LostForm | "foreign" | null> {
    const cookie = readFormCookie(request);
    if (cookie === null) return null;
    const opened = await encryption.decrypt(cookie, PURPOSE);
    const kept =
      opened === null ? null : v.parse(v.pipe(v.string(), v.parseJson(), Kept), opened.text);
    // guard: lost-form-is-shown-to-its-user-alone
    return kept?.userId === userId && kept.untilMs > nowMs ? kept : "foreign";
  },
});
