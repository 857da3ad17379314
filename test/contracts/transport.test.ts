import { describe, expect, it } from "vitest";
import { call, newCaller, ORIGIN, service } from "../support/client.ts";

/** One path of each surface, and what `Allow` says of it. */
const PATHS: readonly (readonly [path: string, allow: string])[] = [
  ["/tokens", "POST, GET, PUT, DELETE, HEAD, OPTIONS"],
  ["/api/token/", "POST, OPTIONS"],
  ["/api/token/refresh", "POST, OPTIONS"],
  ["/api/run-action-token", "POST, OPTIONS"],
  ["/api/action-tokens", "GET, HEAD, OPTIONS"],
  ["/rest/user", "POST, GET, PATCH, DELETE, HEAD, OPTIONS"],
  ["/rest/token/all", "DELETE, OPTIONS"],
  ["/token/x", "PATCH, OPTIONS"],
  ["/health", "GET, HEAD, OPTIONS"],
];

describe("plain HTTP", () => {
  const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"];
  it.each(METHODS)("gets 301 to the same URL on HTTPS for %s", async (method) => {
    const answer = await call(method, "http://latchkey.test:8080/tokens?token=a%20b&x=%2F");
    expect(answer.status).toBe(301);
    expect(answer.headers.get("location")).toBe(
      "https://latchkey.test:8080/tokens?token=a%20b&x=%2F",
    );
    expect(answer.headers.get("strict-transport-security")).toBeNull();
  });

  it("is sent on from unknown paths too", async () => {
    const answer = await call("GET", "http://latchkey.test/nowhere");
    expect(answer.headers.get("location")).toBe("https://latchkey.test/nowhere");
  });

  it.each([
    "http://localhost/health",
    "http://localhost:8787/health",
    "http://127.0.0.1:8787/health",
    "http://[::1]:8787/health",
  ])("is served on loopback: %s", async (url) => {
    const answer = await call("GET", url);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("strict-transport-security")).toBeNull();
  });

  it.each([
    "http://localhost.evil.test/health",
    "http://127.0.0.1.evil.test/health",
    "http://evil.test/?http://localhost/health",
    "http://notlocalhost/health",
  ])("is not served where loopback is only part of the name: %s", async (url) => {
    expect((await call("GET", url)).status).toBe(301);
  });
});

describe("headers that every answer has", () => {
  it.each(PATHS)("HSTS and no-store on %s", async (path) => {
    for (const method of ["GET", "POST", "OPTIONS", "PROPFIND"]) {
      const { headers } = await call(method, path);
      expect(headers.get("strict-transport-security")).toMatch(/^max-age=\d{7,}/);
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
  });

  it("and good ones as well", async () => {
    const { access } = await newCaller();
    const { status, headers } = await call("GET", "/rest/auth", { bearer: access });
    expect(status).toBe(200);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("strict-transport-security")).toMatch(/^max-age=\d{7,}/);
    expect(headers.get("content-type")).toMatch(/^application\/json/);
    expect(headers.get("access-control-allow-origin")).toBe("*");
  });
});

describe("OPTIONS", () => {
  it.each(PATHS)("says what %s takes: %s", async (path, allow) => {
    const answer = await call("OPTIONS", path, {
      headers: { origin: "https://app.test", "access-control-request-method": "POST" },
    });
    expect(answer.status).toBe(204);
    expect(answer.text).toBe("");
    expect(new Set(answer.headers.get("allow")?.split(", "))).toEqual(new Set(allow.split(", ")));
    expect(answer.headers.get("access-control-allow-methods")).toBe(answer.headers.get("allow"));
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    const allowed = answer.headers.get("access-control-allow-headers")?.toLowerCase().split(/, */);
    expect(allowed).toEqual(
      expect.arrayContaining([
        "authorization",
        "content-type",
        "idempotency-key",
        "x-auth-token",
        "x-auth-google-token",
        "x-auth-facebook-token",
        "x-auth-ha1b-token",
        "x-token",
      ]),
    );
    expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
  });
});

describe("CORS", () => {
  const from = (origin: string) => ({ headers: { origin } });

  it("lets every origin in, on refusals too, and never with credentials", async () => {
    for (const path of ["/health", "/nowhere", "/rest/user", "/tokens"]) {
      const { headers } = await call("GET", path, from("https://anyone.test"));
      expect(headers.get("access-control-allow-origin")).toBe("*");
      expect(headers.get("access-control-allow-credentials")).toBeNull();
      expect(headers.get("access-control-expose-headers")).toMatch(/WWW-Authenticate/);
    }
  });

  it("lets in whom CORS_ORIGINS names, and nobody else", async () => {
    const narrowed = service({ CORS_ORIGINS: "https://a.test, https://b.test:8443" });
    for (const origin of ["https://a.test", "https://b.test:8443"]) {
      for (const method of ["GET", "OPTIONS"]) {
        const { headers } = await narrowed(method, "/rest/user", from(origin));
        expect(headers.get("access-control-allow-origin")).toBe(origin);
        expect(headers.get("vary")).toBe("Origin");
      }
    }
    for (const origin of ["https://c.test", "https://a.test.evil.test", "http://a.test", "null"]) {
      for (const method of ["GET", "OPTIONS"]) {
        const { headers } = await narrowed(method, "/rest/user", from(origin));
        expect(headers.get("access-control-allow-origin")).toBeNull();
        expect(headers.get("vary")).toBe("Origin");
      }
    }
    const { headers } = await narrowed("GET", "/rest/user");
    expect(headers.get("access-control-allow-origin")).toBeNull();
  });
});

it("answers HEAD as GET without the body", async () => {
  const { access, id } = await newCaller();
  const answer = await call("HEAD", "/rest/auth", { bearer: access });
  expect(answer).toMatchObject({ status: 200, text: "" });
  expect(answer.headers.get("x-auth-user")).toBe(id);
  expect(await call("HEAD", "/api/token/")).toMatchObject({ status: 405, text: "" });
});

it("serves no other URL for the same path", async () => {
  const odd = ["/health/", "//health", "/rest/user/", "/tokens/", "/REST/user", "/api//token/"];
  for (const path of odd) {
    expect((await call("GET", ORIGIN + path)).status).toBe(404);
  }
});
