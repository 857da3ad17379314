import type { HonoRequest } from "hono";
import { httpsRedirect, isLoopback } from "./transport.ts";

/** Whether this is npm run dev, and whom it serves: this machine only, or its network too. */
export const DEV_MODES = ["off", "on", "lan"] as const;
export type DevMode = (typeof DEV_MODES)[number];

/** IP addresses, single names (Docker's), and suffixes that no public domain has: no stranger's page can be at one. */
const NEAR =
  /^(?:\d+\.\d+\.\d+\.\d+|\[[\da-f:.]+\]|[\w-]+|[\w.-]+\.(?:local|lan|internal|localhost|home\.arpa))$/;

/** Whether only this machine or its network can have this name. */
export const isNear = (hostname: string) => NEAR.test(hostname);

/**
 * What answers a request over plain HTTP. A deployment redirects it to HTTPS. A developer's machine cannot:
 * wrangler would rewrite the redirect to HTTP, and the client would loop.
 * @returns null if the request is served
 */
export function detour(
  request: HonoRequest,
  isPage: boolean,
  { dev, issuer }: { readonly dev: DevMode; readonly issuer: string },
): Response | null {
  const { url, method } = request;
  if (dev === "off") return httpsRedirect(url);
  if (!url.startsWith("http:")) return null;
  const [asked, own] = [new URL(url), new URL(issuer)];
  if (asked.host === own.host) return null;
  if (isLoopback(url)) {
    const isOtherName = isLoopback(issuer) && asked.port === own.port;
    // localhost and 127.0.0.1 have separate cookies, so pages redirect to the one that is configured.
    return isPage && isOtherName && (method === "GET" || method === "HEAD")
      ? redirect(307, issuer + asked.pathname + asked.search)
      : null;
  }
  if (dev === "lan" && isNear(asked.hostname)) return null;
  return new Response(`${dev === "lan" ? ONLY_NEAR : `${ONLY_HERE}${issuer}.\n${FOR_OTHERS}`}\n`, {
    status: 421,
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  });
}

const ONLY_NEAR =
  "This is npm run dev, which answers by the names and addresses of its own network alone.";
const ONLY_HERE = "This is npm run dev, which answers here by this name alone: ";
const FOR_OTHERS =
  "For phones, emulators and other machines of the same network, start it with: npm run dev -- --lan";

function redirect(status: number, location: string): Response {
  return new Response(null, { status, headers: { location, "cache-control": "no-store" } });
}

type Fetch<Rest extends unknown[]> = (
  request: Request,
  ...rest: Rest
) => Response | Promise<Response>;

/**
 * Browsers accept a `__Host-` cookie only over TLS and on localhost. For a phone on plain HTTP, the pages'
 * cookies get another name; others on the network can read them.
 */
export function withLanCookies<Rest extends unknown[]>(fetch: Fetch<Rest>): Fetch<Rest> {
  return async (request, ...rest) => {
    const { url } = request;
    if (!url.startsWith("http:") || isLoopback(url)) return fetch(request, ...rest);
    const headers = new Headers(request.headers);
    const cookies = headers.get("cookie");
    if (cookies !== null) headers.set("cookie", cookies.replaceAll(/(^|; *)lan-/g, "$1__Host-"));
    const response = await fetch(new Request(request, { headers }), ...rest);
    const set = response.headers.getSetCookie();
    if (set.length === 0) return response;
    const changed = new Response(response.body, response);
    changed.headers.delete("set-cookie");
    for (const each of set) {
      const plain = each.replace(/^__Host-/, "lan-").replace(/; *Secure/i, "");
      changed.headers.append("set-cookie", plain);
    }
    return changed;
  };
}
