import { describe, expect, it } from "vitest";
import { at, call, newCaller, ORIGIN } from "../support/client.ts";
import { service } from "../support/service.ts";

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
    expect([answer.text, answer.headers.get("cache-control")]).toEqual(["", "no-store"]);
  });

  it("is sent on from unknown paths too", async () => {
    const answer = await call("GET", "http://latchkey.test/nowhere");
    expect(answer.headers.get("location")).toBe("https://latchkey.test/nowhere");
  });

  it.each([
    "http://localhost/health",
    "http://localhost:8787/health",
    "http://127.0.0.1:8787/health",
    "http://127.0.0.1/health",
    "http://[::1]:8787/health",
    "http://[::1]/health",
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
    "http://evil.test/localhost",
    "http://localhost@evil.test/health",
    "http://127.0.0.2/health",
    "http://[::2]/health",
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

describe("a preflight", () => {
  const preflight = (path: string, asked: string) =>
    call("OPTIONS", path, {
      headers: {
        origin: "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": asked,
      },
    });

  it.each(PATHS)("allows what it asks for at %s", async (path) => {
    for (const asked of [
      "content-type,x-requested-with",
      "authorization, x-csrftoken, x-xsrf-token",
      "baggage,content-type,sentry-trace",
      "cache-control,pragma",
      "x-app-version , X-Other",
    ]) {
      const answer = await preflight(path, asked);
      expect(answer.status).toBe(204);
      const names = asked.split(",").map((name) => name.trim());
      expect(answer.headers.get("access-control-allow-headers")).toBe(names.join(", "));
      expect(answer.headers.get("vary")).toBe("Access-Control-Request-Headers");
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(answer.headers.has("access-control-allow-credentials")).toBe(false);
    }
  });

  it("gets back names alone, and a bounded number of them", async () => {
    const odd = await preflight("/tokens", 'a b, x-good, "quoted", , x:y, x-\u00e9, x(y)');
    expect(odd.headers.get("access-control-allow-headers")).toBe("x-good");
    const many = Array.from({ length: 2_000 }, (_, index) => `x-${index}`).join(",");
    const answer = await preflight("/tokens", many);
    const allowed = answer.headers.get("access-control-allow-headers") ?? "";
    expect(allowed.length).toBeLessThan(8_192);
    const long = await preflight("/tokens", "x".repeat(9_000));
    expect(long.headers.get("access-control-allow-headers")).toBe("");
  });

  it("varies by the origin too where origins are listed", async () => {
    const headers = { origin: "https://a.test", "access-control-request-headers": "x-a" };
    const answer = await service({ CORS_ORIGINS: "https://a.test" })("OPTIONS", "/tokens", {
      headers,
    });
    expect(answer.headers.get("vary")).toBe("Origin, Access-Control-Request-Headers");
    expect(answer.headers.get("access-control-allow-headers")).toBe("x-a");
  });

  it("says nothing of scripts on a page for people", async () => {
    const { status, headers } = await preflight("/console/login", "x-a");
    expect(status).toBe(204);
    expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  });
});

describe("CORS", () => {
  it("lets scripts read what a client waits and reports by", async () => {
    const { headers } = await call("GET", "/health");
    const exposed = headers.get("access-control-expose-headers")?.toLowerCase().split(", ");
    expect(exposed).toEqual(
      expect.arrayContaining(["ratelimit", "ratelimit-policy", "retry-after", "x-request-id"]),
    );
  });

  it.each([
    "capacitor://localhost",
    "ionic://localhost",
    "tauri://localhost",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    "moz-extension://0b6e1e5e-4d2f-4b3c-9d6b-2f0f5c6f8a11",
    "http://localhost:8100",
  ])("lets in the app whose origin is %s", async (origin) => {
    const place = service({ CORS_ORIGINS: `https://a.test ${origin}` });
    const { headers } = await place("OPTIONS", "/rest/user", { headers: { origin } });
    expect(headers.get("access-control-allow-origin")).toBe(origin);
  });

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
    for (const origin of [
      ...["https://c.test", "https://a.test.evil.test", "http://a.test", "null"],
      ...["https://evila.test", "https://a.test:444", ""],
    ]) {
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
  const odd = [
    "//health",
    "/health//",
    "/rest/user//",
    "/REST/user",
    "/api//token/",
    "/api/token//",
  ];
  for (const path of odd) {
    expect((await call("GET", ORIGIN + path)).status).toBe(404);
  }
});

it("serves a path with one slash more at its end, as Express and Laravel do", async () => {
  for (const [path, allow] of PATHS) {
    if (path.endsWith("/")) continue;
    const [plain, slashed] = [await call("PROPFIND", path), await call("PROPFIND", `${path}/`)];
    expect(slashed).toMatchObject({ status: 405, json: plain.json });
    expect(new Set(slashed.headers.get("allow")?.split(", "))).toEqual(new Set(allow.split(", ")));
  }
  const { access, id } = await newCaller();
  const made = await call("POST", "/rest/token/", { bearer: access, json: { name: "x" } });
  const uuid = at(made, "payload", "uuid");
  const list = await call("GET", "/rest/token/list/?limit=1", { bearer: access });
  expect(list).toMatchObject({ status: 200, json: { payload: [{ uuid }] } });
  const json = { name: "y" };
  for (const path of [`/rest/token/${uuid}/`, `/token/${uuid}/`]) {
    expect((await call("PATCH", path, { bearer: access, json })).status).toBe(200);
  }
  expect((await call("DELETE", `/rest/token/${uuid}/`, { bearer: access })).status).toBe(200);
  expect(at(await call("GET", "/rest/user/", { bearer: access }), "payload", "uuid")).toBe(id);
});
