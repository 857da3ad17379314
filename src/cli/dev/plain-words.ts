export const LOG_IN = `Nobody is logged in at Cloudflare. Either
  npx wrangler login                        opens a browser, or
  export CLOUDFLARE_API_TOKEN=…             a token by the template "Edit Cloudflare Workers", with D1: Edit added
                                            (dash.cloudflare.com/profile/api-tokens)`;

const MAX_LENGTH = 2_000;

/** What lies between this machine and Cloudflare, and not in what was asked. The first that fits is told. */
const KNOWN: readonly (readonly [sign: RegExp, text: (found: string) => string])[] = [
  [
    /non-interactive environment|not logged in|You must be logged in|Not authenticated/i,
    () => LOG_IN,
  ],
  [
    /more than one account/i,
    () => "There is more than one account. Name one: export CLOUDFLARE_ACCOUNT_ID=…",
  ],
  [
    /(?:Authentication error|Invalid access token|Unable to authenticate|Invalid request headers|Invalid format for Authorization)[^\n"]*|\[code: (?:10000|9109|9106|6003|10001)\]/i,
    (found) =>
      `Cloudflare takes neither token nor log-in (${found}). Either CLOUDFLARE_API_TOKEN is wrong, has ended or may not edit Workers, KV and D1, or CLOUDFLARE_ACCOUNT_ID is an account that it has no access to.`,
  ],
  [
    /fetch failed|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|UND_ERR\w*/,
    (found) => `Cloudflare's API cannot be reached from here (${found}). Is there a network?`,
  ],
  [
    /\b5\d\d [A-Z][\w ]*|malformed response from the API/,
    (found) => `Cloudflare's API does not answer as it should (${found.trim()}). Try again later.`,
  ],
];

/** Why wrangler failed, where it is a matter of network, log-in or Cloudflare; else null. */
export function plainReason(said: string): string | null {
  for (const [sign, text] of KNOWN) {
    const [found] = sign.exec(said) ?? [];
    if (found !== undefined) return text(found);
  }
  return null;
}

/** What wrangler says of an error, without the JSON around it and without what it says besides. */
export function errorText(said: string): string {
  const json = said.slice(said.search(/^\{/m));
  try {
    const { error } = JSON.parse(json);
    const notes = Array.isArray(error.notes) ? error.notes : [];
    return [error, ...notes]
      .map(({ text }) => String(text))
      .join("\n")
      .slice(0, MAX_LENGTH);
  } catch {
    const at = said.indexOf("[ERROR]");
    return (at === -1 ? said : said.slice(at + "[ERROR]".length)).trim().slice(0, MAX_LENGTH);
  }
}
