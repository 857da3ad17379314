import { base64url, CompactSign } from "jose";
import * as v from "valibot";
import type { KeyRing } from "./keys.ts";

/** The largest JWS that is looked at, in characters: ours are under 1,200. */
const MAX_LENGTH = 4_096;

/** Base64url without padding, and without stray bits in the last character: one value has one spelling. */
const PART = String.raw`(?=[\w-])(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?`;
const COMPACT = new RegExp(String.raw`^${PART}\.${PART}\.${PART}$`);

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** No extension is understood here (RFC 7515 section 4.1.11), and `b64` no JWT may use (RFC 7797 section 7). */
const Header = v.looseObject({
  alg: v.string(),
  kid: v.string(),
  crit: v.optional(v.never()),
  b64: v.optional(v.never()),
});

export interface VerifiedJws {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Uint8Array;
}

/**
 * The one way in for whatever is said to be signed by us: compact form, the key that `kid` names,
 * that key's algorithm, the signature. What header and payload say beyond that is the caller's to check.
 * @returns null for anything else
 */
export async function verifyCompact(jws: string, keys: KeyRing): Promise<VerifiedJws | null> {
  // guard: jwt-has-one-spelling
  if (jws.length > MAX_LENGTH || !isStrictCompact(jws)) return null;
  const [headerPart = "", payloadPart = "", signaturePart = ""] = jws.split(".");
  const header = parseCanonicalJson(base64url.decode(headerPart));
  if (!v.is(Header, header) || !isSpelledAsOurs(header)) return null;
  const key = await keys.verifying(header.kid);
  // Pinned to the key, never taken from the header (RFC 8725 section 3.1).
  // guard: algorithm-is-the-keys
  if (key === null || header.alg !== key.alg) return null;
  // By WebCrypto: jose would take all this apart once more, for a tenth of the whole request.
  const isRight = await crypto.subtle.verify(
    key.params,
    key.key,
    new Uint8Array(base64url.decode(signaturePart)),
    // A slice shares the token's text; the parts joined again would be a copy.
    encoder.encode(jws.slice(0, jws.lastIndexOf("."))),
  );
  return isRight ? { header, payload: base64url.decode(payloadPart) } : null;
}

/**
 * Signs with the active key: compact form, in the spelling that alone is taken back. Not with jose's
 * SignJWT, which first copies and checks the claims: they are ours, and their times are numbers already.
 */
export async function signCompact(typ: string, payload: object, keys: KeyRing): Promise<string> {
  const { key, kid, alg } = await keys.signing();
  return new CompactSign(encoder.encode(JSON.stringify(payload)))
    .setProtectedHeader({ alg, kid, typ })
    .sign(key);
}

/** Members in the order in which we write them: one token has one spelling. */
function isSpelledAsOurs(header: object): boolean {
  const [first, second] = Object.keys(header);
  return first === "alg" && second === "kid";
}

/**
 * JSON in exactly the spelling in which we write it. `JSON.parse` lets the last of two members of
 * one name win, where others take the first; this takes neither.
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

/**
 * jose takes what RFC 8725 would not: padding, line breaks, and bits past the last byte, with which
 * one token can be written in many ways. Ours is taken in exactly the form that was issued.
 */
export function isStrictCompact(jws: string): boolean {
  return COMPACT.test(jws);
}
