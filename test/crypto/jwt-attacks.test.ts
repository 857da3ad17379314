import { beforeAll, describe, expect, it, vi } from "vitest";
import { jwts } from "../../src/crypto/jwt.ts";
import { keyRing } from "../../src/crypto/keys.ts";
import { type Call, newUser, ORIGIN, textAt } from "../support/client.ts";
import { service } from "../support/service.ts";
import { ATTACKS, type Target } from "./attacks.ts";
import { ALGORITHMS, keySet, newJwk } from "./signing.ts";

let call: Call;
let target: Target;
let verify: (jwt: string) => Promise<unknown>;

beforeAll(async () => {
  const [ES256, EdDSA, RS256, HS256] = await Promise.all(
    ALGORITHMS.map((alg) => newJwk(alg, alg, alg === "ES256" ? "active" : "retiring")),
  );
  if (!ES256 || !EdDSA || !RS256 || !HS256) throw new Error("a key is missing");
  const keys = { ES256, EdDSA, RS256, HS256 };
  const set = Object.values(keys);
  call = service({ JWT_KEYS: JSON.stringify({ keys: set }) });
  const { email, password } = await newUser();
  let good = "";
  // One in sixteen has none of the letters by which base64url differs from base64.
  while (!/[-_]/.test(good)) {
    const pair = await call("POST", "/api/token/", { json: { email, password } });
    good = textAt(pair, "access");
  }
  const payload = Uint8Array.fromBase64(good.split(".")[1] ?? "", { alphabet: "base64url" });
  target = { keys, good, claims: JSON.parse(new TextDecoder().decode(payload)) };
  const ring = keyRing(keySet(...set));
  // Each by one that remembers nothing; the service above has the good one in its memory.
  verify = (jwt) => jwts(ring, ORIGIN).verify(jwt, Date.now());
});

/** Every way into the service for an access JWT. What no header can carry, the body does. */
async function statuses(jwt: string): Promise<number[]> {
  const shown = await call("POST", "/api/token/verify/", { json: { token: jwt } });
  if (/[^\x20-\x7e]/.test(jwt)) return [shown.status];
  const bearer = await call("GET", "/rest/user", { bearer: jwt });
  return [shown.status, bearer.status];
}

it("lets the good one in everywhere: only what is changed in it is refused", async () => {
  expect(await verify(target.good)).toMatchObject({ userId: target.claims.sub });
  expect(await statuses(target.good)).toEqual([200, 200]);
});

describe.each(Object.entries(ATTACKS))("%s", (_, attacks) => {
  it.each(Object.entries(attacks))("%s", async (_, attack) => {
    const jwt = await attack(target);
    expect(jwt).not.toBe(target.good);
    expect(await verify(jwt)).toBeNull();
    const [shown, bearer = 401] = await statuses(jwt);
    expect(shown).toBe(jwt.length > 60_000 ? 413 : 401);
    // What is no bearer token at all (RFC 6750 section 2.1) is a bad request.
    expect([400, 401]).toContain(bearer);
  });
});

describe("what costs nothing to refuse", () => {
  const work = () => {
    const spies = [
      vi.spyOn(Uint8Array, "fromBase64"),
      vi.spyOn(JSON, "parse"),
      vi.spyOn(crypto.subtle, "verify"),
    ];
    return () => spies.map((spy) => spy.mock.calls.length);
  };

  it("a good one is decoded, parsed and verified", async () => {
    const done = work();
    await verify(target.good);
    for (const count of done()) expect(count).toBeGreaterThan(0);
  });

  const FORMS = [
    "oversize (CVE-2025-30204, golang-jwt)",
    "JSON serialization (CVE-2022-39227, python-jwt)",
    "4 parts, and other numbers of them",
    "padding (joserfc #51, json-jwt #129)",
    "trailing bits (golang-jwt #502)",
  ];
  it.each(FORMS)("%s", async (name) => {
    const attacks = Object.entries(ATTACKS[name] ?? {});
    expect(attacks).not.toEqual([]);
    for (const [, attack] of attacks) {
      const jwt = await attack(target);
      // 1,400 brackets are within the size.
      if (jwt.includes("W1tbW1tb")) continue;
      const done = work();
      await verify(jwt);
      expect(done()).toEqual([0, 0, 0]);
      vi.restoreAllMocks();
    }
  });
});

/** Revocation goes by the claims, so that another spelling of the signature is no other token. */
it("takes ECDSA's other signature of the same JWT for the same JWT", async () => {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const [header, payload, signature = ""] = target.good.split(".");
  const bytes = Uint8Array.fromBase64(signature, { alphabet: "base64url" });
  const twin = order - BigInt(`0x${bytes.slice(32).toHex()}`);
  bytes.set(Uint8Array.fromHex(twin.toString(16).padStart(64, "0")), 32);
  const other = bytes.toBase64({ alphabet: "base64url", omitPadding: true });
  expect(await verify(`${header}.${payload}.${other}`)).toEqual(await verify(target.good));
});
