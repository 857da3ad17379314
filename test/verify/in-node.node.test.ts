import { createServer } from "node:http";
import { expect, it, onTestFinished } from "vitest";
import { newKey } from "../../src/cli/keys/rotation.ts";
import { parseKeySet, keyRing, publicKeySet } from "../../src/crypto/keys.ts";
import { signCompact } from "../../src/crypto/jws.ts";
import { createVerifier } from "../../src/verify/exports.ts";

it("verifies in Node, over HTTP", async () => {
  const key = { ...(await newKey("EdDSA", Date.now())), state: "active" };
  const set = parseKeySet(JSON.stringify({ keys: [key] }));
  if ("wrong" in set) throw new Error(set.wrong);
  const published = JSON.stringify({ keys: publicKeySet(set).keys });
  const paths: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url);
    response.end(published);
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await new Promise((listening) => server.once("listening", listening));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const issuer = `http://127.0.0.1:${address.port}`;

  const iat = Math.floor(Date.now() / 1000);
  const who = { token_type: "access", jti: "1", sub: "2", iss: issuer, aud: issuer };
  const jwt = await signCompact("at+jwt", { ...who, iat, exp: iat + 60 }, keyRing(set));
  const { verify } = createVerifier({ issuer });
  expect(await verify(jwt)).toMatchObject({ kind: "access", userId: "2", scopes: null });
  await expect(verify(`${jwt}=`)).rejects.toMatchObject({ code: "token_invalid" });
  expect(paths).toEqual(["/.well-known/jwks.json"]);
});
