import crc32 from "crc/calculators/crc32";
import type { HonoRequest } from "hono";
import type { HttpResult } from "./surface.ts";

/** Another text for each content, so that a cache can tell them apart. */
export function versionOf(text: string): string {
  return (crc32(new TextEncoder().encode(text)) >>> 0).toString(36);
}

interface Kept {
  readonly text: string;
  readonly type: string;
  readonly cacheControl: string;
  /** Two answers with the same tag may stand for each other (RFC 9110 section 8.8.3). */
  readonly etag: string;
}

/** An answer that caches may keep, and can ask about again by its tag. */
export const cacheable = ({ text, type, cacheControl, etag }: Kept): HttpResult => ({
  status: 200,
  body: null,
  text,
  headers: { "content-type": type, "cache-control": cacheControl, etag },
});

/** A text that stays what it is while the isolate lives; its version is computed when it is first asked for. */
export function fixedText(text: string, type: string) {
  let known: string | null = null;
  const version = () => {
    known ??= versionOf(text);
    return known;
  };
  return {
    version,
    answer: (cacheControl: string) =>
      cacheable({ text, type, cacheControl, etag: `"${version()}"` }),
  };
}

/**
 * 304 in place of what the client has already (RFC 9110 section 13.1.2). Tags are compared weakly:
 * an edge that compresses an answer makes its tag a weak one.
 */
export function unlessKnown(answer: HttpResult, request: HonoRequest): HttpResult {
  const { etag, "cache-control": cacheControl } = answer.headers ?? {};
  const asked = request.header("if-none-match");
  if (etag === undefined || asked === undefined || !isRead(request)) return answer;
  if (answer.status !== 200 || !names(asked, etag)) return answer;
  return {
    status: 304,
    body: null,
    headers: { etag, ...(cacheControl !== undefined && { "cache-control": cacheControl }) },
  };
}

const isRead = ({ method }: HonoRequest) => method === "GET" || method === "HEAD";

function names(asked: string, etag: string): boolean {
  if (asked.trim() === "*") return true;
  const opaque = etag.replace(/^W\//, "");
  const tags: readonly string[] = asked.match(/"[\x21\x23-\x7e\x80-\xff]*"/g) ?? [];
  return tags.includes(opaque);
}
