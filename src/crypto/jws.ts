import { base64url, CompactSign } from "jose";
import * as v from "valibot";
import { isStrictCompact, MAX_JWT_LENGTH, parseCanonicalJson } from "../core/compact-jws.ts";
import type { KeyRing } from "./keys.ts";

const encoder = new TextEncoder();

/** No extensions are supported (RFC 7515 section 4.1.11), and a JWT must not use `b64` (RFC 7797 section 7). */
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
 * The only check of our own signatures: compact form, the key that `kid` names, that key's algorithm, the
 * signature. The caller checks everything else in header and payload.
 * @returns null if any of these is wrong
 */
export async function verifyCompact(jws: string, keys: KeyRing): Promise<VerifiedJws | null> {
  // guard: jwt-has-one-spelling
  if (jws.length > MAX_JWT_LENGTH || !isStrictCompact(jws)) return null;
  const [headerPart = "", payloadPart = "", signaturePart = ""] = jws.split(".");
  const header = parseCanonicalJson(base64url.decode(headerPart));
  if (!v.is(Header, header) || !isSpelledAsOurs(header)) return null;
  const key = await keys.verifying(header.kid);
  // Pinned to the key, never taken from the header (RFC 8725 section 3.1).
  // guard: algorithm-is-the-keys
  if (key === null || header.alg !== key.alg) return null;
  // WebCrypto, not jose, which would parse all of it again and cost a tenth of the whole request.
  const isRight = await crypto.subtle.verify(
    key.params,
    key.key,
    new Uint8Array(base64url.decode(signaturePart)),
    // A slice shares the token's memory; joining the parts would copy it.
    encoder.encode(jws.slice(0, jws.lastIndexOf("."))),
  );
  return isRight ? { header, payload: base64url.decode(payloadPart) } : null;
}

/**
 * Signs with the active key, in the one spelling that `verifyCompact` accepts. Not with jose's SignJWT, which
 * copies and checks the claims first: ours need no check, and their times are numbers already.
 */
export async function signCompact(typ: string, payload: object, keys: KeyRing): Promise<string> {
  const { key, kid, alg } = await keys.signing();
  return new CompactSign(encoder.encode(JSON.stringify(payload)))
    .setProtectedHeader({ alg, kid, typ })
    .sign(key);
}

/** Whether the members are in the order in which we write them, so that a token has only one spelling. */
function isSpelledAsOurs(header: object): boolean {
  const [first, second] = Object.keys(header);
  return first === "alg" && second === "kid";
}
