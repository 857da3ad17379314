import { beforeAll, describe, expect, it, vi } from "vitest";
import { jwts, verifiedJwts } from "../../src/crypto/jwt.ts";
import { keyRing } from "../../src/crypto/keys.ts";
import { call, newUser, ORIGIN, textAt } from "../support/client.ts";
import { claimsAt, keySet, newJwk } from "./signing.ts";

describe("what was verified is kept", () => {
  it("for so many, and the oldest is forgotten first", () => {
    const known = verifiedJwts<number>(3, 1_000);
    for (const [i, jwt] of ["a", "b", "a", "c", "d"].entries()) known.add(jwt, i);
    expect(["a", "b", "c", "d"].map((jwt) => known.get(jwt))).toEqual([2, undefined, 3, 4]);
  });

  it("for so many characters in all", () => {
    const known = verifiedJwts<true>(1_000, 100);
    const jwts = Array.from({ length: 50 }, (_, i) => String(i).padEnd(30, "."));
    for (const jwt of jwts) known.add(jwt, true);
    expect(jwts.filter((jwt) => known.get(jwt))).toEqual(jwts.slice(-3));
    known.add("x".repeat(101), true);
    expect([...jwts, "x".repeat(101)].filter((jwt) => known.get(jwt))).toEqual([]);
    known.add("y", true);
    expect(known.get("y")).toBe(true);
  });
});

const SECOND_MS = 1000;
const NOW = 1_800_000_000;
const claims = claimsAt(NOW);

describe("a JWT that was verified in this isolate", () => {
  let ring: ReturnType<typeof keyRing>;
  beforeAll(async () => {
    ring = keyRing(keySet(await newJwk("ES256", "k", "active")));
  });

  async function verified() {
    const ours = jwts(ring, ORIGIN);
    const jwt = await ours.sign(claims);
    expect(await ours.verify(jwt, NOW * SECOND_MS)).toEqual(claims);
    const spy = vi.spyOn(crypto.subtle, "verify");
    return { jwt, spy, verify: (text: string, seconds = NOW) => ours.verify(text, seconds * 1000) };
  }

  it("is taken again without its signature being computed", async () => {
    const { jwt, spy, verify } = await verified();
    for (const seconds of [NOW, NOW + 299]) expect(await verify(jwt, seconds)).toEqual(claims);
    expect(spy).not.toHaveBeenCalled();
  });

  it.each([
    ["has expired", NOW + 300],
    ["is long past", NOW + 86_400],
    ["is not yet issued, by a clock that was set back", NOW - 6],
  ])("is refused when it %s", async (_, seconds) => {
    const { jwt, verify } = await verified();
    expect(await verify(jwt, seconds)).toBeNull();
    expect(await verify(jwt)).toEqual(claims);
  });

  it("is no word for another spelling of it", async () => {
    const { jwt, verify } = await verified();
    const [header = "", payload = "", signature = ""] = jwt.split(".");
    const last = signature.at(-1) === "A" ? "B" : "A";
    const others = [
      `${jwt}=`,
      `${jwt} `,
      ` ${jwt}`,
      `${jwt}.`,
      `${header}.${payload}.${signature.slice(0, -1)}${last}`,
      `${header}.${payload}.${signature.slice(0, -4)}`,
      `${header}.${payload}=.${signature}`,
      `${header}\n.${payload}.${signature}`,
    ];
    for (const other of others) {
      // Twice: what was refused is not remembered either.
      expect([await verify(other), await verify(other)], other).toEqual([null, null]);
    }
  });

  it("is not remembered where it was refused", async () => {
    const { jwt, spy, verify } = await verified();
    const forged = jwt.replace(/.{10}$/, "AAAAAAAAAA");
    expect(await verify(forged)).toBeNull();
    expect(await verify(forged)).toBeNull();
    expect(spy).toHaveBeenCalledTimes(2);
  });

  it("is known to its own verifier alone: other keys, other issuer", async () => {
    const { jwt } = await verified();
    const otherKey = keyRing(keySet(await newJwk("ES256", "k", "active")));
    expect(await jwts(otherKey, ORIGIN).verify(jwt, NOW * SECOND_MS)).toBeNull();
    expect(await jwts(ring, "https://other.test").verify(jwt, NOW * SECOND_MS)).toBeNull();
  });
});

it("whether it is active is asked each time", async () => {
  const { email, password } = await newUser();
  const pair = await call("POST", "/api/token/", { json: { email, password } });
  const access = textAt(pair, "access");
  const verify = async () =>
    (await call("POST", "/api/token/verify/", { json: { token: access } })).status;
  expect([await verify(), await verify()]).toEqual([200, 200]);
  const end = await call("DELETE", "/rest/user", { bearer: access, json: { password } });
  expect(end.status).toBe(200);
  expect([await verify(), await verify()]).toEqual([401, 401]);
});
