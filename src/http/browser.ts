import type { HonoRequest } from "hono";
import { serialize } from "hono/utils/cookie";
import { ISSUER_LOGIN_SECONDS } from "../core/issuer-login.ts";

/** What only browsers send: the cookies of the pages, and where a request comes from. */

/**
 * The cookie that holds a person's session token. `__Host-`: only this origin can have set it, and
 * only over a connection that nobody can write to (RFC 6265bis section 4.1.3.2).
 */
const NAME = "__Host-latchkey";

// guard: session-cookie-stays-here
const OPTIONS = { path: "/", secure: true, httpOnly: true, sameSite: "Strict" } as const;

/** Read by itself: taking all cookies apart costs more than the rest of the request where there are many. */
const SESSION = new RegExp(String.raw`(?:^|;)[ \t]*${NAME}=("?)([^";]{0,100})`);

/** @returns the session token, as far as one is long, as it was sent; null for none */
export function readSessionCookie(request: HonoRequest): string | null {
  return SESSION.exec(request.header("cookie") ?? "")?.[2] ?? null;
}

/** @param maxAgeSeconds how long the browser keeps it; the session itself may end before */
export function sessionCookie(secret: string, maxAgeSeconds: number): string {
  return serialize(NAME, secret, { ...OPTIONS, maxAge: maxAgeSeconds });
}

export const NO_SESSION_COOKIE = serialize(NAME, "", { ...OPTIONS, maxAge: 0 });

/** A log-in that an issuer has to send back to this browser, until then. */
const ISSUER_NAME = `${NAME}-issuer`;
const ISSUER_LOGIN = new RegExp(String.raw`(?:^|;)[ \t]*${ISSUER_NAME}=("?)([\w.-]{0,2100})`);

/** @returns what `issuerCookie` was given, or null for none; any text at all may be sent */
export const readIssuerCookie = (request: HonoRequest): string | null =>
  ISSUER_LOGIN.exec(request.header("cookie") ?? "")?.[2] ?? null;

export const issuerCookie = (state: string): string =>
  serialize(ISSUER_NAME, state, { ...OPTIONS, maxAge: ISSUER_LOGIN_SECONDS });

export const NO_ISSUER_COOKIE = serialize(ISSUER_NAME, "", { ...OPTIONS, maxAge: 0 });

/** Half of a log-in, until its code is entered. */
const STEP_NAME = `${NAME}-step`;
const STEP_SECONDS = 300;
const STEP = new RegExp(String.raw`(?:^|;)[ \t]*${STEP_NAME}=("?)([\w-]{0,500})`);

export const readStepCookie = (request: HonoRequest): string | null =>
  STEP.exec(request.header("cookie") ?? "")?.[2] || null;

export const stepCookie = (half: string): string =>
  serialize(STEP_NAME, half, { ...OPTIONS, maxAge: STEP_SECONDS });

export const NO_STEP_COOKIE = serialize(STEP_NAME, "", { ...OPTIONS, maxAge: 0 });

/** What a form did, until the page that it leads to has said it. */
const MESSAGE_NAME = `${NAME}-message`;
const MESSAGE_SECONDS = 60;
const MESSAGE = new RegExp(String.raw`(?:^|;)[ \t]*${MESSAGE_NAME}=("?)([^";]{0,2000})`);

/** @returns what `messageCookie` was given, or null for none; any text at all may be sent */
export function readMessageCookie(request: HonoRequest): string | null {
  const text = MESSAGE.exec(request.header("cookie") ?? "")?.[2];
  try {
    return text === undefined ? null : decodeURIComponent(text);
  } catch {
    return null;
  }
}

export const messageCookie = (text: string): string =>
  serialize(MESSAGE_NAME, text, { ...OPTIONS, maxAge: MESSAGE_SECONDS });

export const NO_MESSAGE_COOKIE = serialize(MESSAGE_NAME, "", { ...OPTIONS, maxAge: 0 });

/** What was typed into a form that could not be taken, until its user is logged in again. */
const FORM_NAME = `${NAME}-form`;
export const LOST_FORM_SECONDS = 900;
const LOST_FORM = new RegExp(String.raw`(?:^|;)[ \t]*${FORM_NAME}=("?)([\w-]{0,4000})`);

/** @returns what `formCookie` was given, or null for none; any text of that form may be sent */
export const readFormCookie = (request: HonoRequest): string | null =>
  LOST_FORM.exec(request.header("cookie") ?? "")?.[2] || null;

export const formCookie = (sealed: string): string =>
  serialize(FORM_NAME, sealed, { ...OPTIONS, maxAge: LOST_FORM_SECONDS });

export const NO_FORM_COOKIE = serialize(FORM_NAME, "", { ...OPTIONS, maxAge: 0 });

/** The browser's time zone, by its IANA name, as the script of the pages says. */
const ZONE = new RegExp(String.raw`(?:^|;)[ \t]*${NAME}-zone=([\w+/-]{1,50})(?:;|$)`);

/** @returns any text of that form at all; empty for none */
export const readZoneCookie = (request: HonoRequest): string =>
  ZONE.exec(request.header("cookie") ?? "")?.[1] ?? "";

/**
 * Whether a page of this origin sent the request: every browser since 2023 says so in
 * `Sec-Fetch-Site` (Fetch Metadata), which no script can set, and those before it by `Origin`.
 * What says neither is not taken.
 */
export function isSameOrigin(request: HonoRequest): boolean {
  const site = request.header("sec-fetch-site");
  if (site !== undefined) return site === "same-origin";
  return request.header("origin") === new URL(request.url).origin;
}

/**
 * Whether a page of another site sent the request without CORS, as a form does: the browser may then
 * have put a password in it that it keeps for Basic, and the page needs none of the answer.
 */
export function isFormOfAnotherSite(request: HonoRequest): boolean {
  const [site, mode] = [request.header("sec-fetch-site"), request.header("sec-fetch-mode")];
  return (
    (site === "cross-site" || site === "same-site") && (mode === "navigate" || mode === "no-cors")
  );
}

/** A link on another site led here, so that the browser held the cookie back (SameSite=Strict). */
export function isFromAnotherSite(request: HonoRequest): boolean {
  return request.header("sec-fetch-site") === "cross-site";
}
