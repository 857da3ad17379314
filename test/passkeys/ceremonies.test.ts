import { verifyAuthenticationResponse, verifyRegistrationResponse } from "@simplewebauthn/server";
import { beforeAll, describe, expect, it } from "vitest";
import { userHandleOf } from "../../src/core/passkeys.ts";
import { passkeyVerifier } from "../../src/crypto/webauthn.ts";
import { ORIGIN } from "../support/client.ts";
import { isThorough } from "../support/thorough.ts";
import {
  ALGORITHMS,
  AT,
  type Authenticator,
  BE,
  BS,
  base64url,
  bytesOf,
  type Ceremony,
  cbor,
  concat,
  newAuthenticator,
  SYNCED,
  UP,
  UV,
} from "./authenticator.ts";

/** Our verifier beside a widely used library: it must accept nothing that the library refuses. */

const RP_ID = "latchkey.test";
const RELATED = "https://latchkey.example";
const USER = "6f1f8b1e-5b0c-4c5e-9d43-1a8e0f6f2f10";
const CHALLENGE = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const GOOD: Ceremony = { challenge: CHALLENGE, userId: USER };
const expected = { challenge: CHALLENGE, rpId: RP_ID, origins: [ORIGIN, RELATED] };
const forLibrary = {
  expectedChallenge: CHALLENGE,
  expectedOrigin: [ORIGIN, RELATED],
  expectedRPID: RP_ID,
  requireUserVerification: true,
};

type Registration = Awaited<ReturnType<Authenticator["create"]>>;
type Assertion = Awaited<ReturnType<Authenticator["get"]>>;

const byLibrary = async (verified: Promise<{ readonly verified: boolean }>): Promise<boolean> =>
  verified.then((result) => result.verified).catch(() => false);

async function registered(response: Registration) {
  const ours = await passkeyVerifier.registered(response, expected);
  return {
    ours: ours !== null,
    library: await byLibrary(
      verifyRegistrationResponse({
        response: { ...response, clientExtensionResults: {} },
        ...forLibrary,
        supportedAlgorithmIDs: [...ALGORITHMS],
      }),
    ),
  };
}

async function asserted(response: Assertion, { id, cose }: Authenticator, flags = SYNCED) {
  const publicKey = cbor(cose);
  const ours = await passkeyVerifier.asserted(
    response,
    {
      credentialId: id,
      publicKey: base64url(publicKey),
      userHandle: userHandleOf(USER),
      isBackupEligible: (flags & BE) !== 0,
    },
    expected,
  );
  return {
    ours: ours !== null,
    library: await byLibrary(
      verifyAuthenticationResponse({
        response: { ...response, clientExtensionResults: {} },
        ...forLibrary,
        credential: { id, publicKey, counter: 0 },
      }),
    ),
  };
}

let authenticators: readonly Authenticator[] = [];
let other: Authenticator;
beforeAll(async () => {
  authenticators = await Promise.all(ALGORITHMS.map(newAuthenticator));
  other = await newAuthenticator();
});

const BOTH = { ours: true, library: true };

describe("good ceremonies are accepted", () => {
  it.each<[string, Partial<Ceremony>]>([
    ["as they are", {}],
    ["of an origin that is related", { origin: RELATED }],
    ["with a counter", { counter: 7 }],
    ["of a device alone", { flags: UP | UV }],
    ["with extensions", { extensions: cbor(new Map([["credProtect", 2]])) }],
    ["with more client data", { clientData: (data) => ({ ...data, other_keys: "can be added" }) }],
  ])("%s, with each algorithm", async (_, change) => {
    const ceremony = { ...GOOD, ...change };
    for (const each of authenticators) {
      expect(await registered(await each.create(ceremony))).toEqual(BOTH);
      expect(await asserted(await each.get(ceremony), each, change.flags)).toEqual(BOTH);
    }
  });

  it("a log-in that does not say whose the passkey is", async () => {
    const [each = other] = authenticators;
    expect(await asserted(await each.get({ challenge: CHALLENGE }), each)).toEqual(BOTH);
  });
});

const client = (change: object) => ({
  clientData: (data: Record<string, unknown>) => ({ ...data, ...change }),
});

/** Signed by the authenticator: nothing but the check itself refuses it. */
const SIGNED: Readonly<Record<string, Partial<Ceremony>>> = {
  "another challenge": { challenge: base64url(bytesOf(CHALLENGE).toReversed()) },
  "no challenge": client({ challenge: "" }),
  "a challenge that is encoded twice": {
    challenge: base64url(new TextEncoder().encode(CHALLENGE)),
  },
  "another origin": { origin: "https://latchkey.test.evil.example" },
  "another port": { origin: `${ORIGIN}:8443` },
  "another scheme": { origin: "http://latchkey.test" },
  "an origin in capitals": { origin: "https://LATCHKEY.test" },
  "another rpId": { rpId: "evil.example" },
  "another type": client({ type: "payment.get" }),
  "a frame of another site": client({ crossOrigin: true }),
  "a page of another site around it": client({ topOrigin: "https://evil.example" }),
  "nobody there": { flags: SYNCED & ~UP },
  "a user who was not verified": { flags: SYNCED & ~UV },
  "a backup of what has none": { flags: UP | UV | BS },
  "client data that is no object": { clientData: () => [CHALLENGE] },
  "client data that is no text": { clientData: () => new Uint8Array([0xff, 0xfe]) },
  "bytes after the authenticator data": { authData: (data) => concat(data, new Uint8Array(1)) },
  "authenticator data that is cut": { authData: (data) => data.slice(0, 36) },
  "extensions that are no map": { extensions: cbor("credProtect") },
  "extensions with a member twice": { extensions: new Uint8Array([0xa2, 1, 1, 1, 1]) },
  "extensions in a longer form": { extensions: new Uint8Array([0xa1, 0x18, 1, 1]) },
};

describe("each kind is refused by name", () => {
  it.each(Object.entries(SIGNED))("%s", async (_, change) => {
    const ceremony = { ...GOOD, ...change };
    for (const each of authenticators) {
      expect((await registered(await each.create(ceremony))).ours).toBe(false);
      expect((await asserted(await each.get(ceremony), each, change.flags)).ours).toBe(false);
    }
  });

  const [x, y] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  it.each<[string, ReadonlyMap<number, number | Uint8Array<ArrayBuffer>>]>([
    [
      "an algorithm that is not asked for",
      new Map<number, number | typeof x>([
        [1, 2],
        [3, -35],
        [-1, 2],
        [-2, x],
        [-3, y],
      ]),
    ],
    [
      "an algorithm of another key",
      new Map<number, number | typeof x>([
        [1, 2],
        [3, -257],
        [-1, 1],
        [-2, x],
        [-3, y],
      ]),
    ],
    [
      "a point that is not on the curve",
      new Map<number, number | typeof x>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, x],
        [-3, y],
      ]),
    ],
    [
      "an RSA key with the exponent 1",
      new Map<number, number | typeof x>([
        [1, 3],
        [3, -257],
        [-1, new Uint8Array(256).fill(255)],
        [-2, new Uint8Array([1])],
      ]),
    ],
    [
      "an RSA key of 1,024 bits",
      new Map<number, number | typeof x>([
        [1, 3],
        [3, -257],
        [-1, new Uint8Array(128).fill(255)],
        [-2, new Uint8Array([1, 0, 1])],
      ]),
    ],
  ])("a registration of %s", async (_, key) => {
    const [each = other] = authenticators;
    expect((await registered(await each.create(GOOD, cbor(key)))).ours).toBe(false);
  });

  it("a registration with an attestation that is not as its format has it", async () => {
    const [each = other] = authenticators;
    const key = cbor(each.cose);
    for (const response of [
      await each.create(GOOD, key, "nine"),
      await each.create(GOOD, key, "none", new Map([["sig", key]])),
      await each.create(GOOD, key, "none", 1),
      { ...(await each.create(GOOD)), id: other.id },
      { ...(await each.create(GOOD)), rawId: other.id },
    ]) {
      expect((await registered(response)).ours).toBe(false);
    }
  });

  it("a log-in with another's user handle, ID, key or signature, or as another ceremony", async () => {
    const [each = other] = authenticators;
    const good = await each.get(GOOD);
    const { response } = good;
    const [r = 0, ...rest] = bytesOf(response.signature);
    const wrong: readonly Assertion[] = [
      await each.get({ ...GOOD, userId: "0f1f8b1e-5b0c-4c5e-9d43-1a8e0f6f2f10" }),
      { ...good, id: other.id },
      { ...good, rawId: other.id },
      { ...(await other.get(GOOD)), id: each.id, rawId: each.id },
      { ...good, response: { ...response, signature: "" } },
      { ...good, response: { ...response, signature: `${response.signature}AA` } },
      {
        ...good,
        response: { ...response, signature: base64url(new Uint8Array([r ^ 1, ...rest])) },
      },
      await each.get({ ...GOOD, ...client({ type: "webauthn.create" }) }),
      await each.get({ ...GOOD, flags: SYNCED | AT }),
    ];
    for (const [index, each_] of wrong.entries()) {
      expect([index, (await asserted(each_, each)).ours]).toEqual([index, false]);
    }
    // It was registered as one that may leave its device.
    expect((await asserted(await each.get({ ...GOOD, flags: UP | UV }), each)).ours).toBe(false);
  });
});

/** mulberry32 */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Draw = ReturnType<typeof random>;

/** Flips, removes, adds or repeats bytes. */
function mutated(bytes: Uint8Array, draw: Draw): Uint8Array<ArrayBuffer> {
  const at = draw(bytes.length);
  const changed = new Uint8Array(bytes);
  switch (draw(6)) {
    case 0:
      return concat(bytes.subarray(0, at), bytes.subarray(at + 1 + draw(4)));
    case 1:
      return concat(bytes.subarray(0, at), new Uint8Array([draw(256)]), bytes.subarray(at));
    case 2:
      return concat(bytes.subarray(0, at), bytes.subarray(at, at + 8), bytes.subarray(at));
    case 3:
      changed[at] = draw(256);
      return changed;
    default:
      changed[at] = (changed[at] ?? 0) ^ (1 << draw(8));
      return changed;
  }
}

const ROUNDS = isThorough ? 10_000 : 1_200;

it(`of ${ROUNDS} mutated ceremonies none is accepted that the library refuses`, {
  timeout: 300_000,
}, async () => {
  const draw = random(17);
  const kinds = Object.values(SIGNED);
  let [accepted, refusedByBoth] = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    const each = authenticators[draw(3)] ?? other;
    const isLogIn = draw(2) === 0;
    const flags = draw(3) === 0 ? draw(64) : SYNCED;
    // Half are signed as they are; the others are changed on their way.
    const change = draw(2) === 0 ? (kinds[draw(kinds.length)] ?? {}) : {};
    const signed: Ceremony =
      draw(2) === 0
        ? { ...GOOD, flags, ...change }
        : { ...GOOD, authData: (data) => mutated(data, draw) };
    const isChangedLater = draw(2) === 0;
    const good = isLogIn ? await each.get(signed) : await each.create(signed);
    const response: Record<string, unknown> = { ...good.response };
    if (isChangedLater) {
      const names = [
        "clientDataJSON",
        "attestationObject",
        "authenticatorData",
        "signature",
        "userHandle",
      ].filter((name) => name in response);
      const name = names[draw(names.length)] ?? "";
      response[name] = base64url(mutated(bytesOf(String(response[name])), draw));
    }
    const sent = { ...good, response };
    const { ours, library } = isLogIn
      ? await asserted(sent as Assertion, each, flags)
      : await registered(sent as Registration);
    if (ours && !library) throw new Error(`round ${round}: ${JSON.stringify(sent)}`);
    if (ours) accepted++;
    if (!ours && !library) refusedByBoth++;
  }
  // Otherwise it would show nothing.
  expect(accepted).toBeGreaterThan(ROUNDS / 100);
  expect(refusedByBoth).toBeGreaterThan(ROUNDS / 2);
});
