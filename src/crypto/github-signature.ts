import { importSPKI } from "jose";
import * as v from "valibot";
import type { SignatureCheck } from "../core/leaks.ts";

/** The format of https://api.github.com/meta/public_keys/secret_scanning. */
const PublicKeys = v.object({
  public_keys: v.pipe(
    v.array(v.object({ key_identifier: v.string(), key: v.string() })),
    v.minLength(1),
  ),
});

export interface ScanningKey {
  readonly id: string;
  /** A P-256 key as SPKI in PEM. */
  readonly pem: string;
}

/** @returns no keys for an empty text, null for a text that is not in GitHub's format */
export function parseScanningKeys(text: string): readonly ScanningKey[] | null {
  if (text === "") return [];
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), PublicKeys), text);
  if (!parsed.success) return null;
  return parsed.output.public_keys.map(({ key_identifier, key }) => ({
    id: key_identifier,
    pem: key,
  }));
}

/** Checks ECDSA (P-256, SHA-256) over the raw body, with the configured keys only. */
export function githubSignature(keys: readonly ScanningKey[]): SignatureCheck {
  return async (id, signature, body) => {
    const pem = keys.find((each) => each.id === id)?.pem;
    const raw = rawSignature(signature);
    if (pem === undefined || raw === null) return false;
    const key = await importSPKI(pem, "ES256");
    return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, raw, new Uint8Array(body));
  };
}

const COORDINATE_BYTES = 32;

/** WebCrypto expects r and s concatenated. GitHub sends DER: SEQUENCE { INTEGER, INTEGER }. */
function rawSignature(base64: string): Uint8Array<ArrayBuffer> | null {
  let der: Uint8Array;
  try {
    der = Uint8Array.fromBase64(base64);
  } catch {
    return null;
  }
  const raw = new Uint8Array(2 * COORDINATE_BYTES);
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return null;
  let at = 2;
  for (const end of [COORDINATE_BYTES, 2 * COORDINATE_BYTES]) {
    const length = der[at + 1] ?? 0;
    const integer = der.subarray(at + 2, at + 2 + length);
    if (der[at] !== 0x02 || length === 0 || integer.length !== length) return null;
    // DER adds a leading zero where the number would otherwise look negative.
    const digits = integer[0] === 0 ? integer.subarray(1) : integer;
    if (digits.length > COORDINATE_BYTES) return null;
    raw.set(digits, end - digits.length);
    at += 2 + length;
  }
  return at === der.length ? raw : null;
}
