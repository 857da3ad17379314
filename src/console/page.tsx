import type { HonoRequest } from "hono";
import type { Child } from "hono/jsx";
import type { User } from "../core/user.ts";
import type { HttpResult } from "../http/surface.ts";
import { messageCookie, readMessageCookie } from "../http/browser.ts";
import { assetPath } from "./assets.ts";
import type { Look } from "./brand.ts";
import { Alert, PostForm, Sentence, UserText } from "./components.tsx";
import { frame as words, messages, operatorMessages } from "./words.ts";

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
  /** In a preview, instead of the title. */
  readonly previewTitle?: string;
  /** More elements of the head, such as a refresh for browsers without JavaScript. */
  readonly head?: Child;
}

/** The menu. */
const SECTIONS = [
  ["/console", words.menu.overview],
  ["/console/tokens", words.menu.apiTokens],
  ["/console/actions", words.menu.actionTokens],
  ["/console/contacts", words.menu.contacts],
  ["/console/activity", words.menu.activity],
  ["/console/inspector", words.menu.inspector],
] as const;

/** The menu of the account, below its name. */
const ACCOUNT = [
  ["/console/account", words.menu.profile],
  ["/console/account/security", words.menu.security],
  ["/console/account/data", words.menu.data],
] as const;

const OPERATORS = [["/console/admin", words.menu.operators]] as const;

export interface Frame {
  readonly path: string;
  readonly isLoggedIn: boolean;
  /** Who is logged in, where that is known. */
  readonly user: User | null;
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
  const { path, isLoggedIn, user, look, flash } = frame;
  return (
    <html lang={words.lang}>
      <Head page={page} look={look} />
      <body>
        <a class="skip" href="#main">
          {words.skip}
        </a>
        <header class="top">
          <a class="brand" href="/console">
            <Logo look={look} />
            {look.name}
          </a>
          <nav class="corner" aria-label={words.menu.account}>
            <a href="/docs">{words.docs}</a>
            {isLoggedIn ? (
              <AccountMenu user={user} />
            ) : (
              path !== "/console/login" && (
                <a class="button quiet small" href="/console/login">
                  {words.logIn}
                </a>
              )
            )}
          </nav>
        </header>
        {isLoggedIn && <Menu path={path} />}
        <main id="main">
          <Alert kind={path === "/console/login" ? "note" : "done"} text={flash} />
          {page.body}
        </main>
        <footer class="foot">
          <nav aria-label={words.about}>
            <ul>
              <li>
                <a href="/docs">{words.docs}</a>
              </li>
              {look.links.map(([text, href]) => (
                <li>
                  <a href={href}>{text}</a>
                </li>
              ))}
            </ul>
          </nav>
        </footer>
      </body>
    </html>
  );
}

function Head({ page, look }: { readonly page: Page; readonly look: Look }) {
  const description = page.description ?? words.description;
  return (
    <head>
      <meta charset="utf-8" />
      <title>
        {page.title} · {look.name}
      </title>
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="theme-color" content="#ffffff" media="(prefers-color-scheme: light)" />
      <meta name="theme-color" content="#1c2027" media="(prefers-color-scheme: dark)" />
      <meta name="description" content={description} />
      {look.icon === null ? (
        <link rel="icon" type="image/svg+xml" href={assetPath("icon.svg")} />
      ) : (
        <link rel="icon" href={look.icon} />
      )}
      <link rel="stylesheet" href={assetPath("style.css")} />
      {look.stylesheet !== null && <link rel="stylesheet" href={look.stylesheet} />}
      <script src={assetPath("console.js")} defer />
      <meta property="og:site_name" content={look.name} />
      <meta property="og:type" content="website" />
      <meta property="og:title" content={page.previewTitle ?? page.title} />
      <meta property="og:description" content={description} />
      {look.image !== null && <meta property="og:image" content={look.image} />}
      {page.head}
    </head>
  );
}

function Logo({ look: { logo, logoDark } }: { readonly look: Look }) {
  if (logo === null) return <span class="key" aria-hidden="true" />;
  if (logoDark === null) return <img class="logo plate" src={logo} alt="" />;
  return (
    <picture>
      <source srcset={logoDark} media="(prefers-color-scheme: dark)" />
      <img class="logo" src={logo} alt="" />
    </picture>
  );
}

/** Who is logged in, and what is theirs. */
function AccountMenu({ user }: { readonly user: User | null }) {
  const name = user === null ? "" : nameOf(user);
  const shown = name || (user?.email ?? words.menu.account);
  return (
    <details class="who">
      <summary>
        <span class="avatar" aria-hidden="true">
          <UserText text={(/[\p{L}\p{N}]/u.exec(shown)?.[0] ?? "?").toUpperCase()} />
        </span>
        <span class="who-name">
          <span class="unseen">{words.menu.accountOf}</span> <UserText text={shown} />
        </span>
      </summary>
      <div class="who-menu">
        {user !== null && (
          <p>
            {name !== "" && (
              <strong>
                <UserText text={name} />
              </strong>
            )}
            <UserText text={user.email} />
          </p>
        )}
        <ul>
          {[...ACCOUNT, ...(user?.role === "Admin" ? OPERATORS : [])].map(([href, text]) => (
            <li>
              <a href={href}>{text}</a>
            </li>
          ))}
        </ul>
        <PostForm action="/console/logout" button={words.logOut} look="quiet small" />
      </div>
    </details>
  );
}

const nameOf = ({ firstName, lastName }: User): string =>
  [firstName, lastName].filter((each) => each !== null).join(" ");

function Menu({ path }: { readonly path: string }) {
  return (
    <nav class="menu" aria-label={words.menu.label}>
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
const MESSAGES = { ...messages, ...operatorMessages } satisfies Readonly<
  Record<string, string | null | ((name: string) => string)>
>;

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
  const told = MESSAGES[message];
  const sentence = typeof told === "function" ? told(name ?? words.unnamed) : told;
  return { message, text: sentence === null ? null : <Sentence text={sentence} /> };
}

const isMessage = (message: string): message is Message => Object.hasOwn(MESSAGES, message);
