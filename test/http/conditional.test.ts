import { beforeAll, describe, expect, it, vi } from "vitest";
import { ROUTE_KEYS, PAGES, pathOf } from "../hostile/routes.ts";
import { type Answered, call, newCaller, newUser, newPair } from "../support/client.ts";
import { isolate, service } from "../support/service.ts";

/** Every route that nobody has to log in for, with what is answered by a GET without anything. */
const OPEN = [...ROUTE_KEYS.map(({ route }) => route), ...PAGES].filter(
  ({ method, access }) => method === "GET" && access === "open",
);
const pathIn = (path: string) => path.replace(":list", "0");

const get = (path: string, ifNoneMatch?: string, method = "GET"): Promise<Answered> =>
  call(method, path, {
    headers: {
      origin: "https://app.test",
      ...(ifNoneMatch !== undefined && { "if-none-match": ifNoneMatch }),
    },
  });

const isKept = ({ headers }: Answered) => !headers.get("cache-control")?.startsWith("no-store");
const etagOf = ({ headers }: Answered) => headers.get("etag") ?? "";

const kept: string[] = [];

beforeAll(async () => {
  // So that there is a list.
  await newCaller();
  for (const route of OPEN) {
    const path = pathIn(pathOf(route)).replace(/\/[0-]{8}[0-9a-f-]+$/, "/0");
    if (isKept(await get(path))) kept.push(path);
  }
});

it("whatever may be kept has a tag, and what has none may not be kept", async () => {
  expect(kept).toEqual(
    expect.arrayContaining([
      "/.well-known/jwks.json",
      "/.well-known/oauth-authorization-server",
      "/.well-known/oauth-protected-resource",
      "/openapi.json",
      "/status-lists/0",
      "/console/assets/style.css",
      "/console/assets/console.js",
      "/console/assets/docs.css",
    ]),
  );
  for (const path of kept) expect(etagOf(await get(path)), path).toMatch(/^(?:W\/)?"[0-9a-z]+"$/);
  const { access } = await newCaller();
  for (const answer of [
    await get("/health"),
    await call("GET", "/rest/user", { bearer: access }),
  ]) {
    expect([answer.headers.get("cache-control"), answer.headers.has("etag")]).toEqual([
      "no-store",
      false,
    ]);
  }
});

describe("a client that shows the tag", () => {
  it("gets 304 without a body, with what a cache needs of the headers", async () => {
    for (const path of kept) {
      const whole = await get(path);
      const etag = etagOf(whole);
      const bare = etag.replace(/^W\//, "");
      for (const method of ["GET", "HEAD"]) {
        for (const asked of [etag, `W/${bare}`, bare, `"x", ${etag}`, `"a,b",${bare} , "c"`, "*"]) {
          const { status, text, headers } = await get(path, asked, method);
          const where = `${method} ${path} ${asked}`;
          expect([status, text], where).toEqual([304, ""]);
          expect(headers.get("etag"), where).toBe(etag);
          expect(headers.get("cache-control"), where).toBe(whole.headers.get("cache-control"));
          for (const name of [
            "access-control-allow-origin",
            "access-control-expose-headers",
            "strict-transport-security",
            "x-content-type-options",
            "vary",
          ]) {
            expect(headers.get(name), `${where} ${name}`).toBe(whole.headers.get(name));
          }
        }
      }
    }
  });

  it("gets all of it where the tag is another's, or is none", async () => {
    for (const path of kept) {
      const bare = etagOf(await get(path)).replace(/^W\//, "");
      for (const asked of [
        '"x"',
        "",
        '""',
        bare.slice(1, -1),
        bare.slice(0, -1),
        'W/"x", "y"',
        '"*"',
      ]) {
        const { status, text } = await get(path, asked);
        expect([status, text.length > 0], `${path} ${asked}`).toEqual([200, true]);
      }
    }
  });

  it("gets 304 from no other method and of no refusal", async () => {
    expect((await get("/.well-known/jwks.json", "*", "PUT")).status).toBe(405);
    expect((await get("/status-lists/999", "*")).status).toBe(404);
    expect((await get("/health", "*")).status).toBe(200);
    expect((await get("/rest/user", "*")).status).toBe(401);
  });

  it("is told which origin the answer was for", async () => {
    const narrowed = service({ CORS_ORIGINS: "https://app.test" });
    const path = "/.well-known/jwks.json";
    const etag = etagOf(await narrowed("GET", path));
    for (const [origin, allowed] of [
      ["https://app.test", "https://app.test"],
      ["https://other.test", null],
    ] as const) {
      const headers = { origin, "if-none-match": etag };
      const answer = await narrowed("GET", path, { headers });
      expect(answer.status).toBe(304);
      expect(answer.headers.get("vary")).toContain("Origin");
      expect(answer.headers.get("access-control-allow-origin")).toBe(allowed);
    }
  });
});

it("another content has another tag", async () => {
  const tags = await Promise.all(kept.map(async (path) => etagOf(await get(path))));
  expect(new Set(tags).size).toBe(kept.length);
  const elsewhere = service({ ISSUER: "https://elsewhere.test" });
  const path = "/.well-known/oauth-authorization-server";
  expect(etagOf(await elsewhere("GET", path))).not.toBe(etagOf(await get(path)));
});

describe("a status list", () => {
  it("is the same for as long as nothing was revoked, and not much longer than ten minutes", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Math.ceil(Date.now() / 600_000) * 600_000);
    const { refresh } = await newPair(await newUser());
    const tag = async () => etagOf(await isolate().call("GET", "/status-lists/0"));
    const first = await tag();
    vi.setSystemTime(Date.now() + 599_000);
    expect(await tag()).toBe(first);
    await call("POST", "/oauth/revoke", { form: { token: refresh } });
    const revoked = await tag();
    expect(revoked).not.toBe(first);
    vi.setSystemTime(Date.now() + 1_000);
    expect(await tag()).not.toBe(revoked);
  });
});

describe("an asset is kept for good only under its own version", () => {
  const FILES = ["style.css", "docs.css", "docs.js", "console.js"];

  it.each(FILES)("%s", async (file) => {
    const path = `/console/assets/${file}`;
    const version = etagOf(await get(path)).slice(1, -1);
    expect((await get(`${path}?v=${version}`)).headers.get("cache-control")).toBe(
      "public, max-age=31536000, immutable",
    );
    const others = FILES.filter((each) => each !== file);
    const ofOthers = others.map(async (each) => etagOf(await get(`/console/assets/${each}`)));
    const wrong = (await Promise.all(ofOthers)).map((tag) => tag.slice(1, -1));
    for (const v of ["", "0000", version.toUpperCase(), ` ${version}`, `${version}x`, ...wrong]) {
      const { status, headers } = await get(`${path}?v=${encodeURIComponent(v)}`);
      expect(status).toBe(200);
      expect(headers.get("cache-control"), `?v=${v}`).toBe("no-cache");
      expect(headers.get("etag"), `?v=${v}`).toBe(`"${version}"`);
    }
    expect((await get(`${path}?v=0000&v=${version}`)).headers.get("cache-control")).toBe(
      "no-cache",
    );
  });
});
