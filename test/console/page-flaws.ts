import { withoutRandom } from "../hostile/flaws.ts";
import type { Answered } from "../support/client.ts";

/** A tag in hostile input that no page of ours has. */
export const MARKUP = '"><s3ntinel onload=x>';

const STATUSES = [200, 303, 400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429];

const POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** What only our own code, a library or a store would say. */
const INTERNAL =
  /SQLITE|D1_|\b\w+Error\b:|\n\s+at |node_modules|but received|\[object |undefined|NaN/;

/** All that is wrong with a page, whatever was asked: empty for a good one. */
export async function pageFlaws(method: string, answer: Answered): Promise<string[]> {
  const { status, headers, text } = answer;
  const found: string[] = [];
  const expectThat = (holds: boolean, what: string) => {
    if (!holds) found.push(`${what} (${status} ${text.slice(0, 200)})`);
  };
  const isBodiless = method === "HEAD" || status === 303;
  expectThat(STATUSES.includes(status), "not a status of the pages");
  // A redirect has nothing in it that anybody on the way could rewrite.
  const cached = status === 303 ? "no-store" : "no-store, no-transform";
  expectThat(headers.get("cache-control") === cached, "may be stored, or rewritten");
  expectThat(headers.get("x-content-type-options") === "nosniff", "may be sniffed");
  expectThat(headers.has("strict-transport-security"), "no HSTS");
  expectThat(!headers.has("access-control-allow-origin"), "other origins may read it");
  expectThat(isBodiless === (text === ""), "body");
  expectThat(!INTERNAL.test(withoutRandom(text)), "internal text");
  if (status === 303) {
    const location = headers.get("location") ?? "";
    expectThat(/^\/(?!\/)/.test(location), `leads to ${location}`);
    return found;
  }
  expectThat(headers.get("content-security-policy") === POLICY, "policy");
  expectThat(headers.get("referrer-policy") === "same-origin", "referrer policy");
  const isFile = headers.get("content-disposition")?.startsWith("attachment") === true;
  if (isFile || method === "HEAD") return found;
  expectThat(headers.get("content-type") === "text/html; charset=utf-8", "media type");
  return [...found, ...(await markupFlaws(text))];
}

/** What the policy would stop, or what was meant to be text. */
async function markupFlaws(html: string): Promise<string[]> {
  const found: string[] = [];
  const rewriter = new HTMLRewriter().on("*", {
    element({ tagName, attributes }) {
      const has = new Map([...attributes].map(([name = "", value = ""]) => [name, value]));
      if (tagName === "s3ntinel") found.push("markup that was sent is markup of the page");
      if (tagName === "style") found.push("an inline style sheet");
      if (tagName === "script" && !has.has("src")) found.push("an inline script");
      for (const [name, value] of has) {
        if (name === "style" || name.startsWith("on")) found.push(`${tagName} has ${name}`);
        if (!/^(?:href|src|action|formaction|data-refresh)$/.test(name)) continue;
        // Pages lead to pages of ours, and load nothing from elsewhere.
        if (!/^(?:\/(?!\/)|#|data:,$)/.test(value)) found.push(`${tagName} leads to ${value}`);
      }
    },
  });
  await rewriter.transform(new Response(html)).text();
  return found;
}
