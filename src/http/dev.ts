import type { HonoRequest } from "hono";
import { httpsRedirect, isLoopback } from "./transport.ts";

/** Whether npm run dev serves, and for whom: this machine alone, or its network too. */
export const DEV_MODES = ["off", "on", "lan"] as const;
export type DevMode = (typeof DEV_MODES)[number];

/** Addresses, single names (Docker's), and endings that no public domain has: no page of a stranger can be at one. */
const NEAR =
  /^(?:\d+\.\d+\.\d+\.\d+|\[[\da-f:.]+\]|[\w-]+|[\w.-]+\.(?:local|lan|internal|localhost|home\.arpa))$/;

/** Whether the name can only be one of this machine or of its network. */
export const isNear = (hostname: string) => NEAR.test(hostname);

/**
 * Where a request goes that came over plain HTTP. A deployment sends it to HTTPS. A developer's machine
 * has none to send it to: wrangler would turn the answer back into HTTP, and a client go round for ever.
 * @returns null for one that is served
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
    // Cookies of localhost and of 127.0.0.1 are two worlds: people are kept in one.
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
 * A browser keeps a `__Host-` cookie over TLS and on localhost alone. For a phone, which comes over
 * plain HTTP, the cookies of the pages go by another name, and may be read on the way.
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
