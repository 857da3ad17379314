/**
 * A longer JWT is rejected unread, in characters. Ours have fewer than 1,200, and at most 7,500 with all claims
 * and scopes that a deployment may add.
 */
export const MAX_JWT_LENGTH = 8_192;

/** Base64url without padding or stray bits in the last character, so that a value has only one spelling. */
const PART = String.raw`(?=[\w-])(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?`;
const BASE64URL = new RegExp(`^${PART}$`);
const COMPACT = new RegExp(String.raw`^${PART}\.${PART}\.${PART}$`);

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Whether it is the one spelling of some bytes. */
export const isBase64url = (text: string): boolean => BASE64URL.test(text);

/**
 * jose accepts padding, line breaks and bits after the last byte, so that one token has many spellings, against
 * RFC 8725. We accept a token only exactly as it was issued.
 */
export function isStrictCompact(jws: string): boolean {
  return COMPACT.test(jws);
}

/**
 * Parses JSON that is spelled exactly as we write it. Of two members with one name, `JSON.parse` uses the last
 * and other parsers use the first; this rejects both.
 * @returns undefined for anything else
 */
export function parseCanonicalJson(bytes: Uint8Array): unknown {
  try {
    const text = utf8.decode(bytes);
    const value: unknown = JSON.parse(text);
    return JSON.stringify(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}
