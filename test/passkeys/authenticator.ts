import { userHandleOf } from "../../src/core/passkeys.ts";
import { ORIGIN } from "../support/client.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Cbor = number | string | boolean | Bytes | ReadonlyMap<number | string, Cbor>;

export const base64url = (bytes: Uint8Array) =>
  bytes.toBase64({ alphabet: "base64url", omitPadding: true });
export const bytesOf = (text: string): Bytes =>
  Uint8Array.fromBase64(text, { alphabet: "base64url" });
export const concat = (...parts: readonly Uint8Array[]): Bytes =>
  new Uint8Array(parts.flatMap((part) => [...part]));
const text = (value: string): Bytes => new Uint8Array(new TextEncoder().encode(value));

function head(major: number, value: number): Bytes {
  if (value < 24) return new Uint8Array([(major << 5) | value]);
  return value < 256
    ? new Uint8Array([(major << 5) | 24, value])
    : new Uint8Array([(major << 5) | 25, value >> 8, value & 255]);
}

export function cbor(value: Cbor): Bytes {
  if (typeof value === "number") return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === "string") return concat(head(3, text(value).length), text(value));
  if (typeof value === "boolean") return new Uint8Array([value ? 0xf5 : 0xf4]);
  if (value instanceof Uint8Array) return concat(head(2, value.length), value);
  const entries = [...value].flatMap(([key, each]) => [cbor(key), cbor(each)]);
  return concat(head(5, value.size), ...entries);
}

/** Where a ceremony is made for; what is not given is right. */
export interface Ceremony {
  readonly challenge: string;
  readonly origin?: string;
  readonly rpId?: string;
  readonly userId?: string;
  /** Of the authenticator data; UP and UV, and BE and BS, by default. */
  readonly flags?: number;
  readonly counter?: number;
  readonly extensions?: Bytes;
  /** Changes what is signed. */
  readonly clientData?: (data: Record<string, unknown>) => unknown;
  readonly authData?: (data: Bytes) => Bytes;
}

/** UP, UV, BE, BS. */
export const SYNCED = 0x1d;
export const [UP, UV, BE, BS, AT, ED] = [1, 4, 8, 16, 64, 128];

const KINDS = {
  [-7]: {
    create: { name: "ECDSA", namedCurve: "P-256" },
    sign: { name: "ECDSA", hash: "SHA-256" },
  },
  [-8]: { create: { name: "Ed25519" }, sign: { name: "Ed25519" } },
  [-257]: {
    create: {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    },
    sign: { name: "RSASSA-PKCS1-v1_5" },
  },
};
export type Algorithm = keyof typeof KINDS;
export const ALGORITHMS = [-7, -8, -257] as const;

/** An authenticator with one passkey, in software. */
export async function newAuthenticator(algorithm: Algorithm = -7) {
  const { create: how, sign: signing } = KINDS[algorithm];
  const pair = await crypto.subtle.generateKey(how, true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new Error("no key pair");
  const jwk = await crypto.subtle.exportKey("jwk", pair.publicKey);
  if (jwk instanceof ArrayBuffer) throw new Error("no JWK");
  const member = (name: "x" | "y" | "n") => bytesOf(String(jwk[name]));
  const cose = new Map<number, Cbor>(
    algorithm === -257
      ? [
          [1, 3],
          [3, -257],
          [-1, member("n")],
          [-2, new Uint8Array([1, 0, 1])],
        ]
      : algorithm === -8
        ? [
            [1, 1],
            [3, -8],
            [-1, 6],
            [-2, member("x")],
          ]
        : [
            [1, 2],
            [3, -7],
            [-1, 1],
            [-2, member("x")],
            [-3, member("y")],
          ],
  );
  const credentialId = crypto.getRandomValues(new Uint8Array(20));
  const id = base64url(credentialId);

  const clientData = (
    type: string,
    { challenge, origin = ORIGIN, clientData: change }: Ceremony,
  ) => {
    const data = { type, challenge, origin, crossOrigin: false };
    const changed = change === undefined ? data : change(data);
    return changed instanceof Uint8Array ? concat(changed) : text(JSON.stringify(changed));
  };

  async function authData(ceremony: Ceremony, attested: Bytes): Promise<Bytes> {
    const { rpId = "latchkey.test", flags = SYNCED, counter = 0, extensions } = ceremony;
    const fixed = new Uint8Array(37);
    fixed.set(new Uint8Array(await crypto.subtle.digest("SHA-256", text(rpId))));
    fixed[32] = flags | (attested.length > 0 ? AT : 0) | (extensions === undefined ? 0 : ED);
    new DataView(fixed.buffer).setUint32(33, counter);
    const data = concat(fixed, attested, extensions ?? new Uint8Array());
    return ceremony.authData?.(data) ?? data;
  }

  return {
    id,
    cose,
    /** `RegistrationResponseJSON`. @param key and `asId`: in place of the passkey's own */
    async create(
      ceremony: Ceremony,
      key: Bytes = cbor(cose),
      fmt = "none",
      attStmt: Cbor = new Map(),
      asId = id,
    ) {
      const named = bytesOf(asId);
      const attested = concat(new Uint8Array(16), new Uint8Array([0, named.length]), named, key);
      const data = await authData(ceremony, attested);
      const object = new Map<string, Cbor>([
        ["fmt", fmt],
        ["attStmt", attStmt],
        ["authData", data],
      ]);
      return {
        id: asId,
        rawId: asId,
        type: "public-key" as const,
        response: {
          clientDataJSON: base64url(clientData("webauthn.create", ceremony)),
          attestationObject: base64url(cbor(object)),
          transports: ["internal" as const, "hybrid" as const],
        },
      };
    },
    /** `AuthenticationResponseJSON` */
    async get(ceremony: Ceremony) {
      const client = clientData("webauthn.get", ceremony);
      const data = await authData(ceremony, new Uint8Array());
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", client));
      const signed = new Uint8Array(
        await crypto.subtle.sign(signing, pair.privateKey, concat(data, hash)),
      );
      const signature = algorithm === -7 ? der(signed) : signed;
      const userHandle = ceremony.userId === undefined ? undefined : userHandleOf(ceremony.userId);
      return {
        id,
        rawId: id,
        type: "public-key" as const,
        response: {
          clientDataJSON: base64url(client),
          authenticatorData: base64url(data),
          signature: base64url(signature),
          ...(userHandle !== undefined && { userHandle }),
        },
      };
    },
  };
}
export type Authenticator = Awaited<ReturnType<typeof newAuthenticator>>;

/** r and s as DER has them. */
function der(raw: Uint8Array): Bytes {
  const integer = (bytes: Uint8Array) => {
    const from = bytes.findIndex((byte) => byte !== 0);
    const bare = bytes.subarray(from);
    const padded = (bare[0] ?? 0) > 127 ? concat(new Uint8Array(1), bare) : bare;
    return concat(new Uint8Array([2, padded.length]), padded);
  };
  const both = concat(integer(raw.subarray(0, 32)), integer(raw.subarray(32)));
  return concat(new Uint8Array([0x30, both.length]), both);
}
