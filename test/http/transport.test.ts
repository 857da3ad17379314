import { describe, expect, it } from "vitest";
import { call, service } from "../support/client.ts";

describe("plain HTTP", () => {
  it.each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])(
    "is sent to HTTPS: %s",
    async (method) => {
      const { status, headers, text } = await call(
        method,
        "http://latchkey.test/rest/auth?a=b%20c",
      );
      expect([status, text]).toEqual([301, ""]);
      expect(headers.get("location")).toBe("https://latchkey.test/rest/auth?a=b%20c");
      expect(headers.get("cache-control")).toBe("no-store");
    },
  );

  it.each([
    "localhost.example.com",
    "127.0.0.1.example.com",
    "example.com:80",
    "127.0.0.2",
    "[::2]",
    "example.com/localhost",
    "example.com?http://localhost/",
    "localhost@example.com",
  ])("has no exemption for http://%s", async (host) => {
    expect((await service({})("GET", `http://${host}`)).status).toBe(301);
  });

  it.each(["localhost", "localhost:8787", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8787"])(
    "is served on http://%s, without HSTS",
    async (host) => {
      const { status, headers } = await service({})("GET", `http://${host}/health`);
      expect(status).toBe(200);
      expect(headers.has("strict-transport-security")).toBe(false);
    },
  );
});

describe("CORS", () => {
  const origins = service({ CORS_ORIGINS: "https://a.example https://b.example" });
  const asked = (origin: string) =>
    origins("GET", "/health", { headers: { origin } }).then(({ headers }) => headers);

  it("lets any origin in, and never with credentials", async () => {
    const { headers } = await call("GET", "/health", { headers: { origin: "https://x.example" } });
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.has("access-control-allow-credentials")).toBe(false);
  });

  it("names the origins of the list, one at a time", async () => {
    for (const origin of ["https://a.example", "https://b.example"]) {
      const headers = await asked(origin);
      expect(headers.get("access-control-allow-origin")).toBe(origin);
      expect(headers.get("vary")).toBe("Origin");
    }
  });

  it.each([
    "https://c.example",
    "http://a.example",
    "https://a.example.evil.example",
    "https://evila.example",
    "https://a.example:444",
    "null",
    "",
  ])("names no other: %j", async (origin) => {
    const headers = await asked(origin);
    expect(headers.has("access-control-allow-origin")).toBe(false);
    expect(headers.get("vary")).toBe("Origin");
  });

  it("answers a preflight with what the path takes, before anybody is asked who they are", async () => {
    const headers = { origin: "https://x.example", "access-control-request-method": "PATCH" };
    const answer = await call("OPTIONS", "/rest/user", { headers });
    expect(answer.status).toBe(204);
    const allowed = answer.headers.get("access-control-allow-methods")?.split(", ");
    expect(allowed).toEqual(expect.arrayContaining(["GET", "POST", "PATCH", "DELETE"]));
    expect(answer.headers.get("access-control-allow-headers")).toContain("Authorization");
    expect((await call("OPTIONS", "/rest/nothing", { headers })).status).toBe(404);
  });
});
