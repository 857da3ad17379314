import { env } from "cloudflare:workers";
import { decodeJwt, decodeProtectedHeader, importJWK, SignJWT } from "jose";
import { expect, it } from "vitest";
import { MAX_JWT_LENGTH } from "../../src/core/compact-jws.ts";
import { isolate } from "../support/service.ts";

const { call, newCaller } = isolate();

it("a JWT longer than any of ours is not looked at, even if we signed it", async () => {
  const { access } = await newCaller();
  const { alg = "", ...header } = decodeProtectedHeader(access);
  const [jwk] = JSON.parse(env.JWT_KEYS ?? "").keys;
  const key = await importJWK({ ...jwk, state: undefined }, alg);
  const sign = (padding: string) =>
    new SignJWT({ ...decodeJwt(access), padding }).setProtectedHeader({ alg, ...header }).sign(key);
  const verify = async (token: string) =>
    (await call("POST", "/api/token/verify/", { json: { token } })).status;
  expect(await verify(await sign("short"))).toBe(200);
  expect(await verify(await sign("x".repeat(MAX_JWT_LENGTH)))).toBe(401);
});

it("a body past 64 KiB is refused, and one of 64 KiB is not", async () => {
  const headers = { "content-type": "application/json" };
  const spaces = (count: number) => `{"token":"x"}${" ".repeat(count - 13)}`;
  const send = async (bytes: number) =>
    (await call("POST", "/api/token/verify/", { headers, body: spaces(bytes) })).status;
  expect([await send(64 * 1024), await send(64 * 1024 + 1)]).toEqual([401, 413]);
});

it("bytes that are no UTF-8 are refused, not mended", async () => {
  const headers = { "content-type": "application/json" };
  const json = (name: string) =>
    new TextEncoder().encode(
      JSON.stringify({
        email: `${crypto.randomUUID()}@example.com`,
        password: "correct horse battery",
        first_name: name,
      }),
    );
  const broken = json("?");
  broken[broken.lastIndexOf("?".charCodeAt(0))] = 0xff;
  expect((await call("POST", "/rest/user", { headers, body: json("?") })).status).toBe(201);
  expect((await call("POST", "/rest/user", { headers, body: broken })).status).toBe(400);
});
