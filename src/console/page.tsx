import type { HonoRequest } from "hono";
import type { Child } from "hono/jsx";
import type { HttpResult } from "../http/surface.ts";
import { messageCookie, readMessageCookie } from "../http/browser.ts";
import { assetPath } from "./assets.ts";
import type { Look } from "./brand.ts";
import { Alert, PostForm, UserText } from "./components.tsx";

/** A page may load our own files and submit forms to us, nothing else. */
const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

export const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  // no-transform: Cloudflare's Email Obfuscation would rewrite email addresses and inject a script.
  "cache-control": "no-store, no-transform",
  "content-security-policy": POLICY,
  // URLs can contain tokens. Not `no-referrer`, because then browsers send no Origin with forms.
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
};

export interface Page {
  readonly title: string;
  readonly body: Child;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** For search engines and link previews. */
  readonly description?: string;
  /** More elements of the head, such as a refresh for browsers without JavaScript. */
  readonly head?: Child;
}

const ABOUT = "Accounts, sessions and tokens: log in, manage API tokens, share codes.";

/** The menu. */
const SECTIONS = [
  ["/console", "Overview"],
  ["/console/tokens", "API tokens"],
  ["/console/actions", "Action tokens"],
  ["/console/contacts", "Contacts"],
  ["/console/logins", "Logins"],
  ["/console/activity", "Activity"],
  ["/console/inspector", "Inspector"],
  ["/console/account", "Account"],
] as const;

export interface Frame {
  readonly path: string;
  readonly isLoggedIn: boolean;
  readonly look: Look;
  /** The message that the page before left. */
  readonly flash?: Child;
}

/** Renders a page as a response. */
export function renderPage(page: Page, frame: Frame): HttpResult {
  const document = <Document page={page} frame={frame} />;
  return {
    status: page.status ?? 200,
    body: null,
    text: `<!doctype html>${document}`,
    headers: { ...PAGE_HEADERS, ...page.headers },
  };
}

function Document({ page, frame }: { readonly page: Page; readonly frame: Frame }) {
  const { path, isLoggedIn, look, flash } = frame;
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>
          {page.title} · {look.name}
        </title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="theme-color" content="#f6f7f9" media="(prefers-color-scheme: light)" />
        <meta name="theme-color" content="#14171c" media="(prefers-color-scheme: dark)" />
        <meta name="description" content={page.description ?? ABOUT} />
        {look.logo === null ? (
          <link rel="icon" type="image/svg+xml" href={assetPath("icon.svg")} />
        ) : (
          <link rel="icon" href={look.logo} />
        )}
        <link rel="stylesheet" href={assetPath("style.css")} />
        {look.stylesheet !== null && <link rel="stylesheet" href={look.stylesheet} />}
        <script src={assetPath("console.js")} defer />
        <meta property="og:site_name" content={look.name} />
        {page.head}
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to content
        </a>
        <header class="top">
          <a class="brand" href="/console">
            {look.logo === null ? (
              <span class="key" aria-hidden="true" />
            ) : (
              <img class="logo" src={look.logo} alt="" />
            )}
            {look.name}
          </a>
          {isLoggedIn ? (
            <PostForm action="/console/logout" button="Log out" look="quiet" />
          ) : (
            <a class="button quiet" href="/console/login">
              Log in
            </a>
          )}
        </header>
        {isLoggedIn && <Menu path={path} />}
        <main id="main">
          <Alert kind={path === "/console/login" ? "note" : "done"} text={flash} />
          {page.body}
        </main>
        {look.links.length > 0 && (
          <footer class="foot">
            <nav aria-label="About">
              <ul>
                {look.links.map(([text, href]) => (
                  <li>
                    <a href={href}>{text}</a>
                  </li>
                ))}
              </ul>
            </nav>
          </footer>
        )}
      </body>
    </html>
  );
}

function Menu({ path }: { readonly path: string }) {
  return (
    <nav class="menu" aria-label="Console">
      <ul>
        {SECTIONS.map(([href, name]) => {
          const isCurrent = href === "/console" ? path === href : path.startsWith(href);
          return (
            <li>
              <a href={href} {...(isCurrent && { "aria-current": "page" })}>
                {name}
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

/**
 * What a form did, shown once on the next page. The message travels in a cookie that the next page
 * clears, not in the URL: a link could otherwise claim anything, and a reload would repeat it.
 * Null: the page it leads to says it in its own text.
 */
const MESSAGES = {
  session_expired: () => "Your session has expired. Log in to continue.",
  profile_saved: () => "Your profile was saved.",
  email_changed: () => "Your email was changed.",
  email_wanted: () => "A link is on its way to the new email. It counts once you have opened that.",
  identity_linked: () => "You can log in with that provider from now on.",
  identity_removed: () => "That provider does not open your account any more.",
  second_factor_removed: () =>
    "Your second factor was removed. A password alone opens your account.",
  passkey_added: (name: Child) => <>“{name}” was added. You can log in with it from now on.</>,
  passkey_removed: () => "The passkey was removed.",
  contact_removed: () => "The contact was removed.",
  password_changed: () =>
    "Your password was changed. Everything else that was logged in is logged out.",
  mail_sent: () => "A link is on its way to your mailbox, unless one went out a moment ago.",
  token_renamed: (name: Child) => <>Renamed to “{name}”.</>,
  token_revoked: (name: Child) => <>“{name}” was revoked. Whoever shows it is refused.</>,
  tokens_revoked: () => "All your API tokens were ended.",
  action_revoked: () => "Revoked. The code and the link no longer work.",
  login_revoked: () => "That login was ended.",
  logins_ended: () => "You are logged out everywhere but here.",
  logins_ended_some: () => "Many logins were ended, and some are left: end the others once more.",
  reset_sent: () => null,
  account_deleted: () => null,
} as const satisfies Record<string, (name: Child) => Child>;

export type Message = keyof typeof MESSAGES;

/** The message that the page before left. */
export interface FlashMessage {
  readonly message: Message;
  readonly text: Child;
}

/**
 * The cookie that carries a message to the next page.
 * @param name of the changed item, where several could be meant
 */
export const flashCookie = (message: Message, name = ""): string =>
  messageCookie(name === "" ? message : `${message} ${name}`);

/** @returns null without a message, and for any text that is not one of ours */
export function readFlash(request: HonoRequest): FlashMessage | null {
  const text = readMessageCookie(request);
  const [, message = "", name] = /^(\w+)(?: (.{1,64}))?$/su.exec(text ?? "") ?? [];
  if (!isMessage(message)) return null;
  return { message, text: MESSAGES[message](<UserText text={name ?? "It"} />) };
}

const isMessage = (message: string): message is Message => Object.hasOwn(MESSAGES, message);
