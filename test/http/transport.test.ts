import { describe, expect, it } from "vitest";
import { service } from "../support/service.ts";

describe("on a developer's machine", () => {
  const ISSUER = "http://localhost:8787";
  const OTHERS = [
    "http://10.0.2.2:8787",
    "http://192.168.1.20:8787",
    "http://latchkey:8787",
    "http://host.docker.internal:8787",
    "http://laptop.local:8787",
    "http://[fd00::1]:8787",
    "http://127.0.0.1.evil.example:8787",
    "http://evil.example",
  ];
  const NAMES_OF_OTHERS = OTHERS.slice(0, -2);
  const PATHS = [
    "/health",
    "/console",
    "/a/lk_act_x",
    "/rest/auth",
    "/api/token/",
    "/tokens",
    "/x",
  ];

  it.each(OTHERS)("another name gets a sentence and no way round: %s", async (origin) => {
    for (const settings of [{ ISSUER }, { ISSUER: "https://auth.example.com", DEV: "on" }]) {
      for (const path of PATHS) {
        for (const method of ["GET", "POST", "OPTIONS"]) {
          const { status, headers, text } = await service(settings)(method, origin + path);
          expect([status, headers.get("location")]).toEqual([421, null]);
          expect(headers.get("content-type")).toBe("text/plain; charset=utf-8");
          expect(text).toContain(settings.ISSUER);
          expect(text).toContain("npm run dev -- --lan");
        }
      }
    }
  });

  const lan = service({ ISSUER: "http://192.168.1.20:8787", DEV: "lan", MAIL_OUTBOX: "on" });
  it.each(NAMES_OF_OTHERS)("with --lan it is served to its own network: %s", async (origin) => {
    const { status, headers } = await lan("GET", `${origin}/health`);
    expect([status, headers.has("strict-transport-security")]).toEqual([200, false]);
    expect((await lan("GET", `${origin}/console/login`)).status).toBe(200);
  });

  it.each(OTHERS.slice(-2))(
    "and not to a name that a stranger's page may have: %s",
    async (origin) => {
      const { status, text } = await lan("GET", `${origin}/console`);
      expect([status, text]).toEqual([421, expect.stringContaining("its own network")]);
    },
  );

  it("pages are kept under one name, with path and query; programs are served under each", async () => {
    const local = service({ ISSUER });
    for (const origin of ["http://127.0.0.1:8787", "http://[::1]:8787"]) {
      for (const path of ["/", "/console", "/console/login?next=%2Fa", "/a/lk_act_x", "/docs"]) {
        const { status, headers } = await local("GET", origin + path);
        expect([path, status, headers.get("location")]).toEqual([path, 307, ISSUER + path]);
      }
      expect((await local("GET", `${origin}/health`)).status).toBe(200);
      expect((await local("POST", `${origin}/api/token/`)).status).toBe(400);
      expect((await local("POST", `${origin}/console/login`)).status).not.toBe(307);
    }
    expect((await local("GET", "http://127.0.0.1:8788/console")).status).not.toBe(307);
    expect((await local("GET", `${ISSUER}/docs`)).status).toBe(200);
  });

  it("a tunnel's name is served where it is the issuer", async () => {
    const tunnel = service({ ISSUER: "https://name.tunnel.example", DEV: "on" });
    expect((await tunnel("GET", "http://name.tunnel.example/health")).status).toBe(200);
    expect((await tunnel("GET", "https://name.tunnel.example/health")).status).toBe(200);
  });

  it("a phone stays logged in over plain HTTP, by a cookie that has no power elsewhere", async () => {
    const phone = "http://192.168.1.20:8787";
    const json = { email: "phone@example.com", password: "correct horse battery" };
    await lan("POST", `${phone}/rest/user`, { json });
    const logIn = await lan("POST", `${phone}/console/login`, {
      form: json,
      headers: { origin: phone },
    });
    const [cookie = "", ...more] = logIn.headers.getSetCookie();
    expect(more).toEqual([]);
    expect(cookie).toMatch(/^lan-latchkey=lk_ses_\w+; (?!.*Secure).*HttpOnly/);
    const [pair = ""] = cookie.split(";");
    const opened = await lan("GET", `${phone}/console/account`, { headers: { cookie: pair } });
    expect(opened.text).toContain("phone@example.com");
    for (const local of ["http://localhost:8787", "https://192.168.1.20:8787"]) {
      const { text } = await lan("GET", `${local}/console/account`, { headers: { cookie: pair } });
      expect(text).not.toContain("phone@example.com");
    }
  });

  it("--lan is nothing for an issuer that others can reach", () => {
    for (const issuer of ["https://auth.example.com", "http://evil.example"]) {
      expect(() => service({ ISSUER: issuer, DEV: "lan" })).toThrow("DEV may be lan only where");
    }
  });
});
