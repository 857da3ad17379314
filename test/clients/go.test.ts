import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt, generateKeyPair, importJWK, SignJWT } from "jose";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { freePort } from "../cli/dev/project.ts";
import { expired, newPerson } from "./people.ts";
import { type RunningServer, startServer } from "./server.ts";
import { present } from "./tools.ts";

// As Debian packages Go's libraries: without a module proxy.
const ENV = { ...process.env, GO111MODULE: "off", GOPATH: "/usr/share/gocode" };

/** The recipe, as a program that listens. @returns its address, and what ends it */
async function startApi(go: string, issuer: string) {
  const directory = await mkdtemp(join(tmpdir(), "latchkey-go-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const program = join(directory, "api");
  execFileSync(go, ["build", "-o", program, "test/clients/recipes/api.go"], { env: ENV });
  const listen = `127.0.0.1:${await freePort()}`;
  const child = spawn(program, { env: { ISSUER: issuer, LISTEN: listen } });
  onTestFinished(() => void child.kill());
  const me = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`http://${listen}/me`, { headers });
    return response.status === 200 ? (await response.json()).user : response.status;
  };
  await vi.waitFor(() => me("nonsense"), { timeout: 10_000 });
  return me;
}

/** The same claims but for these, signed with the service's key. */
async function signed(
  { signingKey }: RunningServer,
  access: string,
  claims: object,
  header: object = {},
) {
  const { alg, kid } = signingKey;
  return new SignJWT({ ...decodeJwt(access), ...claims })
    .setProtectedHeader({ alg, kid, typ: "at+jwt", ...header })
    .sign(await importJWK(signingKey, alg));
}

describe.each(present(["go"], "list", "gopkg.in/square/go-jose.v2"))("Go (%s)", (go) => {
  it("takes a fresh token, and refuses all others", { timeout: 180_000 }, async () => {
    const server = await startServer();
    onTestFinished(() => server.close());
    const me = await startApi(go, server.origin);
    const { access, refresh, id } = await newPerson(server);
    const { alg, kid } = server.signingKey;
    const claims = decodeJwt(access);
    const { privateKey } = await generateKeyPair("ES256");
    const { exp: _, ...endless } = claims;
    const secret = new TextEncoder().encode(JSON.stringify(server.signingKey));
    const header = { kid, typ: "at+jwt" };
    const refused = {
      nonsense: "nonsense",
      "a refresh token": refresh,
      expired: await expired(server, access),
      "another audience": await signed(server, access, { aud: "https://other.example" }),
      "another issuer": await signed(server, access, { iss: "https://other.example" }),
      "no end": await new SignJWT(endless)
        .setProtectedHeader({ ...header, alg })
        .sign(await importJWK(server.signingKey, alg)),
      "another type": await signed(server, access, {}, { typ: "JWT" }),
      "another key": await new SignJWT(claims)
        .setProtectedHeader({ ...header, alg })
        .sign(privateKey),
      "an unknown key": await signed(server, access, {}, { kid: "unknown" }),
      HS256: await new SignJWT(claims).setProtectedHeader({ ...header, alg: "HS256" }).sign(secret),
      none: `${Buffer.from(JSON.stringify({ ...header, alg: "none" })).toString("base64url")}.${access.split(".")[1]}.`,
    };
    expect(await me(access)).toBe(id);
    expect(await me(await signed(server, access, {}))).toBe(id);
    for (const [what, token] of Object.entries(refused)) {
      expect([what, await me(token)]).toEqual([what, 401]);
    }
    const keyless = await startApi(go, `http://127.0.0.1:${await freePort()}`);
    expect(await keyless(access)).toBe(503);
  });
});
