import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";

/** A passkey, and its credential ID. */
export interface Passkey {
  readonly key: KeyObject;
  readonly id: string;
}

/** One passkey in software, Ed25519, because such signatures follow from the key alone. */
export function newAuthenticator(number: number): Passkey {
  const seed = createHash("sha256").update(`passkey ${number}`).digest();
  const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  return {
    key,
    id: seed.subarray(0, 20).toString("base64url"),
  };
}

const sha256 = (data: string | Buffer) => createHash("sha256").update(data).digest();

const clientData = (type: string, challenge: string, origin: string) =>
  Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));

/** Of a user who was there and was verified; of a key that is backed up. */
function authenticatorData(origin: string, counter: number, attested: Buffer | null): Buffer {
  const head = Buffer.alloc(37);
  sha256(new URL(origin).hostname).copy(head);
  head[32] = 0x1d | (attested === null ? 0 : 0x40);
  head.writeUInt32BE(counter, 33);
  return Buffer.concat([head, ...(attested === null ? [] : [attested])]);
}

/** `RegistrationResponseJSON` */
export function created(
  { key, id, counts }: Passkey & { readonly counts: boolean },
  origin: string,
  challenge: string,
) {
  const jwk = createPublicKey(key).export({ format: "jwk" });
  const x = Buffer.from(String(jwk.x), "base64url");
  const named = Buffer.from(id, "base64url");
  // COSE_Key {1: 1, 3: -8, -1: 6, -2: x}
  const cose = Buffer.concat([Buffer.from("a4010103272006215820", "hex"), x]);
  const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, named.length]), named, cose]);
  const data = authenticatorData(origin, counts ? 1 : 0, attested);
  // {"fmt": "none", "attStmt": {}, "authData": data}
  const object = Buffer.concat([
    Buffer.from("a363666d74646e6f6e656761747453746d74a068617574684461746158", "hex"),
    Buffer.from([data.length]),
    data,
  ]);
  const response = {
    clientDataJSON: clientData("webauthn.create", challenge, origin).toString("base64url"),
    attestationObject: object.toString("base64url"),
  };
  return { id, rawId: id, type: "public-key", response };
}

/** `AuthenticationResponseJSON` */
export function asserted({ key, id }: Passkey, origin: string, challenge: string, counter: number) {
  const client = clientData("webauthn.get", challenge, origin);
  const data = authenticatorData(origin, counter, null);
  const signature = sign(null, Buffer.concat([data, sha256(client)]), key);
  const response = {
    clientDataJSON: client.toString("base64url"),
    authenticatorData: data.toString("base64url"),
    signature: signature.toString("base64url"),
  };
  return { id, rawId: id, type: "public-key", response };
}
