import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import * as v from "valibot";
import { beforeAll, describe, expect, it } from "vitest";
import { ALGORITHMS, newJwk, type TestJwk } from "../crypto/signing.ts";
import { call, newApiToken, newCaller, newUser, ORIGIN, textAt } from "../support/client.ts";
import { service } from "../support/service.ts";

const PUBLIC = { EC: ["crv", "x", "y"], OKP: ["crv", "x"], RSA: ["e", "n"] };
const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "k"];
const CACHEABLE = "public, max-age=300";

const JWKS = "/.well-known/jwks.json";
const METADATA = "/.well-known/oauth-authorization-server";

const KeySet = v.object({ keys: v.array(v.looseObject({ kty: v.string() })) });

const serving = (...keys: readonly object[]) => service({ JWT_KEYS: JSON.stringify({ keys }) });

const keys = new Map<string, TestJwk>();
function keyOf(alg: string): TestJwk {
  const key = keys.get(alg);
  if (key === undefined) throw new Error(alg);
  return key;
}

beforeAll(async () => {
  for (const alg of ALGORITHMS) keys.set(alg, await newJwk(alg));
});

describe("GET /.well-known/jwks.json", () => {
  it("has public keys only, each with kid, use and alg", async () => {
    const states = ["standby", "active", "retiring", "retiring"] as const;
    const set = ALGORITHMS.map((alg, i) => ({ ...keyOf(alg), state: states[i] }));
    const answer = await serving(...set)("GET", JWKS);
    expect(answer.status).toBe(200);
    const shown = ["ES256", "EdDSA", "RS256"].map((alg) => {
      const { kty = "", kid, ...parts } = keyOf(alg);
      const members = PUBLIC[kty === "EC" || kty === "OKP" ? kty : "RSA"];
      const own = Object.fromEntries(members.map((name) => [name, parts[name]]));
      return { kty, kid, alg, use: "sig", ...own };
    });
    expect(answer.json).toEqual({ keys: shown });
    for (const key of keys.values()) {
      for (const name of PRIVATE) {
        const secret = key[name];
        if (secret !== undefined) expect(answer.text).not.toContain(secret);
      }
    }
  });

  it("is empty where all keys are symmetric", async () => {
    const answer = await serving(keyOf("HS256"))("GET", JWKS);
    expect(answer).toMatchObject({ status: 200, json: { keys: [] } });
  });

  it.each([JWKS, METADATA])("may be kept for five minutes: %s", async (path) => {
    for (const method of ["GET", "HEAD"]) {
      const { status, headers } = await call(method, path);
      expect(status).toBe(200);
      expect(headers.get("cache-control")).toBe(CACHEABLE);
      expect(headers.get("content-type")).toBe("application/json");
      expect(headers.get("access-control-allow-origin")).toBe("*");
    }
    // A failure is not kept.
    expect((await call("PUT", path)).headers.get("cache-control")).toBe("no-store");
  });

  it("nobody is asked who they are", async () => {
    for (const path of [JWKS, METADATA]) {
      expect((await call("GET", path, { bearer: "of nobody" })).status).toBe(200);
    }
  });

  it.each(["ES256", "EdDSA", "RS256"])("verifies what %s signs, offline", async (alg) => {
    const send = serving(keyOf(alg), { ...(await newJwk("ES256", "other")), state: "retiring" });
    const { email, password } = await newUser();
    const pair = await send("POST", "/api/token/", { json: { email, password } });
    const access = textAt(pair, "access");
    const options = { issuer: ORIGIN, audience: ORIGIN, typ: "at+jwt", algorithms: [alg] };
    const { protectedHeader } = await jwtVerify(access, await publishedBy(send), options);
    expect(protectedHeader).toMatchObject({ alg, kid: alg });
  });

  it("shows a key in standby before it signs, and a retiring one as long as it verifies", async () => {
    const [old, next] = [await newJwk("ES256", "old"), await newJwk("EdDSA", "next", "standby")];
    const { email, password } = await newUser();
    const before = serving(old, next);
    const after = serving({ ...old, state: "retiring" }, { ...next, state: "active" });
    const kept = await publishedBy(before);
    const login = async (send: typeof before) =>
      textAt(await send("POST", "/api/token/", { json: { email, password } }), "access");
    const [first, second] = [await login(before), await login(after)];
    expect(decodeProtectedHeader(first).kid).toBe("old");
    expect(decodeProtectedHeader(second).kid).toBe("next");
    // A verifier that cached the earlier set knows the new key.
    await jwtVerify(second, kept);
    await jwtVerify(first, await publishedBy(after));
    expect((await after("GET", "/rest/user", { bearer: first })).status).toBe(200);
  });

  async function publishedBy(send: typeof call) {
    const { json } = await send("GET", JWKS);
    return createLocalJWKSet(v.parse(KeySet, json));
  }
});

describe("GET /.well-known/oauth-authorization-server", () => {
  const metadataOf = (issuer: string) => ({
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    introspection_endpoint: `${issuer}/oauth/introspect`,
    introspection_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
    revocation_endpoint: `${issuer}/oauth/revoke`,
    revocation_endpoint_auth_methods_supported: [
      "none",
      "client_secret_basic",
      "client_secret_post",
    ],
    scopes_supported: [
      "tokens:read",
      "tokens:write",
      "account:read",
      "account:write",
      "actions:issue",
      "actions:run",
      "introspect",
    ],
    response_types_supported: [],
    token_endpoint: `${issuer}/oauth/token`,
    token_endpoint_auth_methods_supported: ["none", "client_secret_basic", "client_secret_post"],
    grant_types_supported: ["urn:ietf:params:oauth:grant-type:token-exchange"],
  });

  it("has what there is, under the issuer that is configured", async () => {
    expect((await call("GET", METADATA)).json).toEqual(metadataOf(ORIGIN));
    const elsewhere = "https://auth.example.com:8443";
    const { json } = await service({ ISSUER: elsewhere })("GET", METADATA);
    expect(json).toEqual(metadataOf(elsewhere));
  });

  it("has the issuer of the JWTs, as a string", async () => {
    const issuer = textAt(await call("GET", METADATA), "issuer");
    const { access } = await newCaller();
    const [, payload = ""] = access.split(".");
    expect(JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))).iss).toBe(issuer);
    expect(issuer).not.toMatch(/\/$/);
  });

  it("names nothing that does not exist", async () => {
    const metadata = metadataOf(ORIGIN);
    expect((await call("GET", metadata.jwks_uri)).status).toBe(200);
    for (const endpoint of [metadata.introspection_endpoint, metadata.revocation_endpoint]) {
      expect((await call("POST", endpoint)).status).not.toBe(404);
    }
    const { access } = await newCaller();
    for (const scope of metadata.scopes_supported) {
      await newApiToken(access, scope, 60, [scope]);
    }
  });
});

it("the metadata of the protected resource names this service and what it takes", async () => {
  const { json } = await call("GET", "/.well-known/oauth-protected-resource");
  expect(json).toMatchObject({
    resource: ORIGIN,
    authorization_servers: [ORIGIN],
    jwks_uri: `${ORIGIN}${JWKS}`,
    bearer_methods_supported: ["header"],
  });
});

it("password managers find the page that changes a password", async () => {
  const answer = await call("GET", "/.well-known/change-password");
  expect([answer.status, answer.headers.get("location")]).toEqual([
    302,
    "/console/account/security/password",
  ]);
});

const FINGERPRINT = Array.from({ length: 32 }, () => "AB").join(":");

it("the files of settings say what the settings say", async () => {
  const send = service({
    APPLE_APPS: "ABCDE12345.com.acme.app",
    ANDROID_APPS: `com.acme.app=${FINGERPRINT}, com.acme.app=${FINGERPRINT.replace("AB", "CD")}`,
    SECURITY_CONTACT: "mailto:security@acme.example",
  });
  const get = (name: string) => send("GET", `/.well-known/${name}`);
  const apple = await get("apple-app-site-association");
  expect(apple.headers.get("content-type")).toMatch(/^application\/json/);
  expect(apple.json).toEqual({
    applinks: { details: [{ appIDs: ["ABCDE12345.com.acme.app"], components: [{ "/": "/a/*" }] }] },
    webcredentials: { apps: ["ABCDE12345.com.acme.app"] },
  });
  expect((await get("assetlinks.json")).json).toMatchObject([
    {
      target: {
        package_name: "com.acme.app",
        sha256_cert_fingerprints: [FINGERPRINT, FINGERPRINT.replace("AB", "CD")],
      },
    },
  ]);
  const { text } = await get("security.txt");
  const [, expires = ""] = /^Expires: (.+)$/m.exec(text) ?? [];
  expect(text).toMatch(/^Contact: mailto:security@acme\.example$/m);
  expect(Date.parse(expires) - Date.now()).toBeGreaterThan(170 * 86_400_000);
  expect(Date.parse(expires) - Date.now()).toBeLessThan(365 * 86_400_000);
});

it.each([
  ["APPLE_APPS", "com.acme.app"],
  ["ANDROID_APPS", "com.acme.app"],
  ["SECURITY_CONTACT", "security@acme.example"],
])("%s of another form stops the start", (name, value) => {
  expect(() => service({ [name]: value })).toThrow(name);
});

it.each([
  "openid-configuration",
  "oauth-authorization-server/x",
  "apple-app-site-association",
  "assetlinks.json",
  "security.txt",
])("/.well-known/%s is a real 404", async (name) => {
  const answer = await call("GET", `/.well-known/${name}`);
  expect(answer.status).toBe(404);
  expect(answer.text).not.toContain("issuer");
});
