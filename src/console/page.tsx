import type { Child } from "hono/jsx";
import type { HttpResult } from "../http/surface.ts";
import { assetPath } from "./assets.ts";
import { Alert } from "./components.tsx";

/** What the browser may do with a page: load our own files and send forms to us, and nothing else. */
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
  // Cloudflare's Email Obfuscation would rewrite what looks like an address, and add a script for it.
  "cache-control": "no-store, no-transform",
  "content-security-policy": POLICY,
  // Pages have tokens in their addresses. Not `no-referrer`: browsers would send no Origin either.
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
  /** A sentence for search engines and previews of links. */
  readonly description?: string;
  /** Further elements of the head, such as a refresh for those without JavaScript. */
  readonly head?: Child;
}

const ABOUT = "Accounts, sessions and tokens: log in, manage API tokens, share codes.";

/** The parts of the console, as its menu shows them. */
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

/**
 * A page as the answer to a request of somebody who is logged in, or of anybody.
 * @param flash what the page before has left to be said
 */
export function renderPage(
  page: Page,
  path: string,
  isLoggedIn: boolean,
  flash?: Child,
): HttpResult {
  const document = <Document page={page} path={path} isLoggedIn={isLoggedIn} flash={flash} />;
  return {
    status: page.status ?? 200,
    body: null,
    text: `<!doctype html>${document}`,
    headers: { ...PAGE_HEADERS, ...page.headers },
  };
}

interface DocumentProps {
  readonly page: Page;
  readonly path: string;
  readonly isLoggedIn: boolean;
  readonly flash: Child;
}

function Document({ page, path, isLoggedIn, flash }: DocumentProps) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>{page.title} · Latchkey</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="theme-color" content="#f6f7f9" media="(prefers-color-scheme: light)" />
        <meta name="theme-color" content="#14171c" media="(prefers-color-scheme: dark)" />
        <meta name="description" content={page.description ?? ABOUT} />
        <link rel="icon" type="image/svg+xml" href={assetPath("icon.svg")} />
        <link rel="stylesheet" href={assetPath("style.css")} />
        <script src={assetPath("console.js")} defer />
        {page.head}
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to content
        </a>
        <header class="top">
          <a class="brand" href="/console">
            <span class="key" aria-hidden="true" />
            Latchkey
          </a>
          {isLoggedIn ? (
            <form method="post" action="/console/logout">
              <button class="quiet" type="submit">
                Log out
              </button>
            </form>
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
