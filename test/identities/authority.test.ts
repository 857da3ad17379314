import { beforeEach, describe, expect, it } from "vitest";
import { newUser } from "../support/client.ts";
import { service } from "../support/service.ts";
import {
  byFacebook,
  byGoogle,
  call,
  newPerson,
  other,
  proveEmail,
  SETTINGS,
  whoIs,
  redirectIssuers,
} from "./people.ts";
import { newRealm } from "./realms.ts";

beforeEach(redirectIssuers);

/** An issuer's word about an email counts only where it has authority, and of that email alone. */

async function proven(email: string) {
  const user = await newUser({ email });
  await proveEmail(user);
  return user;
}
const at = (domain: string) => `${crypto.randomUUID()}@${domain}`;

describe("Google's word", () => {
  it.each([
    ["gmail.com", undefined, true],
    ["googlemail.com", undefined, true],
    ["corp.example", "corp.example", true],
    ["corp.example", "CORP.example", true],
    ["corp.example", undefined, false],
    ["corp.example", "", false],
    ["corp.example", null, false],
    ["corp.example", true, false],
    ["corp.example", ["corp.example"], false],
    ["corp.example", "other.example", false],
    ["corp.example", "example", false],
    ["sub.corp.example", "corp.example", false],
    ["notgmail.com", undefined, false],
    ["gmail.com.example", undefined, false],
  ])("of an email at %s, with hd %j: %s", async (domain, hd, counts) => {
    const user = await proven(at(domain));
    expect(await whoIs(await byGoogle(newPerson({ email: user.email, hd })))).toBe(
      counts ? user.id : 409,
    );
  });

  it("that does not count makes an account whose email is not proven", async () => {
    const send = await byGoogle(newPerson({ hd: undefined }));
    const { json } = await call("GET", "/rest/user", send);
    expect(json).toMatchObject({ payload: { email_verified: false } });
    const hosted = await call("GET", "/rest/user", await byGoogle(newPerson()));
    expect(hosted.json).toMatchObject({ payload: { email_verified: true } });
  });
});

it("Facebook's word never counts", async () => {
  const user = await proven(at("example.com"));
  expect(await whoIs(await byFacebook(newPerson({ email: user.email })))).toBe(409);
});

describe("another issuer's word", () => {
  const realm = newRealm("acme");
  const withDomains = (domains: unknown) =>
    service({ ...SETTINGS, OPENID_ISSUERS: JSON.stringify([{ ...realm.row, domains }]) });

  it.each([
    ["an email of its list", "ACME.example", true],
    ["an email of its list, as a browser sends it", "xn--bcher-kva.example", true],
    ["another one's", "corp.example", false],
    ["one below", "sub.acme.example", false],
  ])("of %s", async (_, domain, counts) => {
    const by = withDomains(["acme.example", "bücher.example"]);
    const user = await proven(at(domain));
    const email = user.email.toLowerCase();
    const token = await realm.idToken({ email, email_verified: true });
    expect(await whoIs({ headers: { [realm.header]: token } }, by)).toBe(counts ? user.id : 409);
  });

  it("counts for none with an empty list, and for all without one", async () => {
    const user = await proven(at("corp.example"));
    const send = async () => ({
      headers: {
        [realm.header]: await realm.idToken({ email: user.email, email_verified: true }),
      },
    });
    expect(await whoIs(await send(), withDomains([]))).toBe(409);
    expect(await whoIs(await send(), withDomains(undefined))).toBe(user.id);
  });
});

describe("an email that only a fold makes another's", () => {
  const says = async (email: string) => ({
    headers: { "x-auth-acme-token": await other.idToken({ email, email_verified: true }) },
  });

  it.each([
    ["full width", (local: string) => `ｖ${local.slice(1)}@ex.test`],
    ["the Kelvin sign", (local: string) => `${local.replace("k", "\u212A")}@ex.test`],
    ["a long s", (local: string) => `${local.replace("s", "\u017F")}@ex.test`],
    ["a full-width domain", (local: string) => `${local}@ｅｘ.test`],
    ["another dot", (local: string) => `${local}@ex\u3002test`],
    ["white space", (local: string) => ` ${local}@ex.test`],
  ])("is refused: %s", async (_, spelled) => {
    const local = `vks${crypto.randomUUID()}`;
    await proven(`${local}@ex.test`);
    await proven(`${local}@exé.test`);
    expect(await whoIs(await says(spelled(local)))).toBe(409);
  });

  it("and with upper case in ASCII it is the same one", async () => {
    const user = await proven(`vks${crypto.randomUUID()}@ex.test`);
    expect(await whoIs(await says(user.email.toUpperCase()))).toBe(user.id);
  });
});
