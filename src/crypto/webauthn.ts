import { base64url } from "jose";
import * as v from "valibot";
import type { PasskeyVerifier } from "../core/passkeys.ts";
import { isBase64url } from "../core/compact-jws.ts";

/**
 * The two ceremonies of WebAuthn Level 3 (sections 7.1 and 7.2), without attestation: "none" is asked for, and what is
 * sent anyway proves nothing here. Stricter than the text where that costs no authenticator.
 */
export const passkeyVerifier: PasskeyVerifier = {
  challengeIn: (clientDataJson) => clientDataOf(clientDataJson)?.challenge ?? null,

  async registered({ id, rawId, response }, expected) {
    try {
      if (!(await isClientData(response.clientDataJSON, "webauthn.create", expected))) return null;
      const attestation = wholeCbor(bytesOf(response.attestationObject));
      if (!isMap(attestation) || attestation.size !== 3) return null;
      const statement = attestation.get("attStmt") ?? null;
      const format = attestation.get("fmt");
      if (!FORMATS.includes(String(format)) || !isMap(statement)) return null;
      if (format === "none" && statement.size > 0) return null;
      const bytes = attestation.get("authData");
      if (!(bytes instanceof Uint8Array)) return null;
      const { attested, ...data } = authenticatorData(bytes);
      if (attested === null || !(await isPresent(data, expected.rpId))) return null;
      const credentialId = base64url.encode(attested.credentialId);
      if (id !== credentialId || rawId !== credentialId) return null;
      await importKey(attested.publicKey);
      const aaguid = attested.aaguid.toHex();
      return {
        credentialId,
        publicKey: base64url.encode(attested.publicKey),
        aaguid: /^0+$/.test(aaguid)
          ? null
          : aaguid.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
        counter: data.counter,
        isBackupEligible: data.isBackupEligible,
        isBackedUp: data.isBackedUp,
      };
    } catch (error) {
      return malformedIsNull(error);
    }
  },

  async asserted({ id, rawId, response }, stored, expected) {
    try {
      if (id !== stored.credentialId || rawId !== id) return null;
      // An authenticator that keeps no user with the credential sends none.
      const handle = response.userHandle ?? null;
      // guard: passkey-is-its-users
      if (handle !== null && handle !== stored.userHandle) return null;
      if (!(await isClientData(response.clientDataJSON, "webauthn.get", expected))) return null;
      const bytes = bytesOf(response.authenticatorData);
      const data = authenticatorData(bytes);
      if (data.attested !== null || !(await isPresent(data, expected.rpId))) return null;
      // It says once and for all whether the credential may leave its device.
      if (data.isBackupEligible !== stored.isBackupEligible) return null;
      const { key, params, isDer } = await importKey(bytesOf(stored.publicKey));
      const signature = bytesOf(response.signature);
      const hash = await sha256(bytesOf(response.clientDataJSON));
      const isRight = await crypto.subtle.verify(
        params,
        key,
        isDer ? rawSignature(signature) : signature,
        new Uint8Array([...bytes, ...hash]),
      );
      // guard: passkey-signature-is-right
      return isRight ? { counter: data.counter, isBackedUp: data.isBackedUp } : null;
    } catch (error) {
      return malformedIsNull(error);
    }
  },
};

/** RangeError is ours and DataView's, TypeError the text decoder's, DOMException WebCrypto's for a key that is none. */
function malformedIsNull(error: unknown): null {
  if (error instanceof RangeError || error instanceof TypeError || error instanceof DOMException)
    return null;
  throw error;
}

/** @throws RangeError always */
function malformed(): never {
  throw new RangeError("malformed");
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return isBase64url(text) ? new Uint8Array(base64url.decode(text)) : malformed();
}

const sha256 = async (bytes: Uint8Array) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The identifiers of WebAuthn section 8. */
const FORMATS = ["none", "packed", "tpm", "android-key", "android-safetynet", "fido-u2f", "apple"];

const ClientData = v.object({
  type: v.string(),
  challenge: v.string(),
  origin: v.string(),
  crossOrigin: v.optional(v.boolean(), false),
  topOrigin: v.optional(v.unknown()),
});

function clientDataOf(text: string): v.InferOutput<typeof ClientData> | null {
  try {
    const result = v.safeParse(ClientData, JSON.parse(utf8.decode(bytesOf(text))));
    return result.success ? result.output : null;
  } catch {
    return null;
  }
}

async function isClientData(
  text: string,
  type: "webauthn.create" | "webauthn.get",
  { challenge, origins }: { readonly challenge: string; readonly origins: readonly string[] },
): Promise<boolean> {
  const data = clientDataOf(text);
  // guard: passkey-is-for-this-site
  return (
    data !== null &&
    data.type === type &&
    data.challenge === challenge &&
    origins.includes(data.origin) &&
    // In a frame of another site, that site decides what the user sees around it.
    !data.crossOrigin &&
    data.topOrigin === undefined
  );
}

/** Section 6.1. @throws RangeError */
function authenticatorData(bytes: Uint8Array<ArrayBuffer>) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint8(32);
  const has = (bit: number) => (flags & (1 << bit)) !== 0;
  let end = 37;
  let attested = null;
  if (has(6)) {
    const keyAt = 55 + view.getUint16(53);
    const credentialId = bytes.slice(55, keyAt);
    if (credentialId.length === 0 || credentialId.length > 1_023) malformed();
    end = readCbor(bytes, keyAt).end;
    const publicKey = bytes.slice(keyAt, end);
    attested = { aaguid: bytes.slice(37, 53), credentialId, publicKey };
  }
  if (has(7)) {
    const extensions = readCbor(bytes, end);
    if (!isMap(extensions.value)) malformed();
    end = extensions.end;
  }
  if (end !== bytes.length) malformed();
  return {
    rpIdHash: bytes.slice(0, 32),
    isPresent: has(0),
    isVerified: has(2),
    isBackupEligible: has(3),
    isBackedUp: has(4),
    counter: view.getUint32(33),
    attested,
  };
}

/** For this service, by a user who was there and was verified. */
async function isPresent(
  data: Omit<ReturnType<typeof authenticatorData>, "attested">,
  rpId: string,
): Promise<boolean> {
  const hash = await sha256(new TextEncoder().encode(rpId));
  // guard: passkey-verifies-the-user
  return (
    hash.every((byte, at) => byte === data.rpIdHash[at]) &&
    data.isPresent &&
    data.isVerified &&
    (data.isBackupEligible || !data.isBackedUp)
  );
}

/** The key and how it verifies; exactly the members that RFC 9053 names. @throws RangeError, DOMException */
async function importKey(cose: Uint8Array<ArrayBuffer>) {
  const map = wholeCbor(cose);
  if (!isMap(map)) return malformed();
  const is = (kty: number, crv: Cbor | undefined, size: number) =>
    map.get(1) === kty && (crv === undefined || map.get(-1) === crv) && map.size === size;
  const part = (label: number, min: number, max = min) => {
    const bytes = map.get(label);
    const isFit = bytes instanceof Uint8Array && bytes.length >= min && bytes.length <= max;
    return isFit ? base64url.encode(bytes) : malformed();
  };
  const imported = async (
    jwk: JsonWebKey,
    params: { name: string; hash?: string; namedCurve?: string },
  ) => ({
    key: await crypto.subtle.importKey("jwk", jwk, params, false, ["verify"]),
    params,
    isDer: jwk.kty === "EC",
  });
  const hash = "SHA-256";
  switch (map.get(3)) {
    case ES256: {
      if (!is(2, 1, 5)) malformed();
      const jwk = { kty: "EC", crv: "P-256", x: part(-2, 32), y: part(-3, 32) };
      return imported(jwk, { name: "ECDSA", namedCurve: "P-256", hash });
    }
    case EDDSA:
      if (!is(1, 6, 4)) malformed();
      return imported({ kty: "OKP", crv: "Ed25519", x: part(-2, 32) }, { name: "Ed25519" });
    case RS256:
      // 2,048 to 4,096 bits, and 65537: with the exponent 1, every message would be its own signature.
      if (!is(3, undefined, 4) || part(-2, 3) !== "AQAB") malformed();
      return imported(
        { kty: "RSA", n: part(-1, 256, 512), e: "AQAB" },
        { name: "RSASSA-PKCS1-v1_5", hash },
      );
    default:
      return malformed();
  }
}

const [ES256, EDDSA, RS256] = [-7, -8, -257];
/** COSE's numbers of the signatures that are accepted, the preferred first. */
export const PASSKEY_ALGORITHMS: readonly number[] = [EDDSA, ES256, RS256];

/** From DER (RFC 3279 section 2.2.3), in its one spelling, to r and s of 32 bytes each, which WebCrypto takes. */
function rawSignature(der: Uint8Array): Uint8Array<ArrayBuffer> {
  const raw = new Uint8Array(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der[at + 1] ?? 0;
    const from = at + 2;
    at = from + length;
    const [first = 0xff, second = 0] = der.subarray(from, at);
    const isPadded = first === 0 && length > 1;
    if (der[from - 2] !== 2 || first > 0x7f || (isPadded && second < 0x80)) malformed();
    const integer = der.subarray(isPadded ? from + 1 : from, at);
    if (integer.length > 32) malformed();
    raw.set(integer, end - integer.length);
  }
  return der[0] === 0x30 && der[1] === der.length - 2 && at === der.length ? raw : malformed();
}

type Cbor =
  | number
  | boolean
  | null
  | string
  | Uint8Array<ArrayBuffer>
  | readonly Cbor[]
  | ReadonlyMap<Cbor, Cbor>;

const isMap = (value: Cbor): value is ReadonlyMap<Cbor, Cbor> => value instanceof Map;

/** Deeper than any statement or extension is. */
const MAX_DEPTH = 8;

function wholeCbor(bytes: Uint8Array<ArrayBuffer>): Cbor {
  const { value, end } = readCbor(bytes, 0);
  return end === bytes.length ? value : malformed();
}

/**
 * One item of what CTAP2's canonical form allows (section 8 there): definite lengths in their shortest form, no key
 * twice, no tags, no floating point. @throws RangeError, TypeError
 */
function readCbor(bytes: Uint8Array<ArrayBuffer>, start: number) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = start;
  const take = (length: number) => {
    if (length > bytes.length - at) malformed();
    at += length;
    return at - length;
  };
  function argument(info: number): number {
    if (info < 24) return info;
    const value =
      info === 24
        ? view.getUint8(take(1))
        : info === 25
          ? view.getUint16(take(2))
          : info === 26
            ? view.getUint32(take(4))
            : malformed();
    const least = info === 24 ? 24 : info === 25 ? 256 : 65_536;
    return value < least ? malformed() : value;
  }
  function map(size: number, depth: number): ReadonlyMap<Cbor, Cbor> {
    const entries = new Map<Cbor, Cbor>();
    for (let left = size; left > 0; left--) {
      const key = item(depth);
      const isKey = typeof key === "string" || typeof key === "number";
      if (!isKey || entries.has(key)) malformed();
      entries.set(key, item(depth));
    }
    return entries;
  }
  function item(depth: number): Cbor {
    if (depth > MAX_DEPTH) malformed();
    const first = view.getUint8(take(1));
    const value = argument(first & 31);
    switch (first >> 5) {
      case 0:
        return value;
      case 1:
        return -1 - value;
      case 2:
        return bytes.slice(take(value), at);
      case 3:
        return utf8.decode(bytes.subarray(take(value), at));
      case 4:
        // Each element is a byte at least.
        if (value > bytes.length - at) malformed();
        return Array.from({ length: value }, () => item(depth + 1));
      case 5:
        return map(value, depth + 1);
      case 7:
        return value === 22 ? null : value === 21 || (value !== 20 && malformed());
      default:
        return malformed();
    }
  }
  return { value: item(0), end: at };
}
