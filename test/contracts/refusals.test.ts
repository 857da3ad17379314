import { beforeAll, describe, expect, it } from "vitest";
import { type Answered, call, newCaller } from "../support/client.ts";

/** How each surface says no: the body for a status and a text of its own. */
interface Shape {
  readonly notFound: unknown;
  readonly notAllowed: (method: string, allow: string) => unknown;
  readonly contentType: string;
}

const SHAPES = {
  "jwt-pair": {
    notFound: { detail: "Not found." },
    notAllowed: (method) => ({ detail: `Method "${method}" not allowed.` }),
    contentType: "application/json",
  },
  "action-tokens": {
    notFound: { message: "Not Found" },
    notAllowed: (method, allow) => ({
      message: `The ${method} method is not supported for this route. Supported methods: ${allow}.`,
    }),
    contentType: "application/json",
  },
  "session-tokens": {
    notFound: { error: "not found" },
    notAllowed: () => ({ error: "method not allowed" }),
    contentType: "application/json",
  },
  "rest-tokens": {
    notFound: { success: false, message: "Not found", status: 404 },
    notAllowed: () => ({ success: false, message: "Method not allowed", status: 405 }),
    contentType: "application/json",
  },
  oauth: {
    notFound: { error: "invalid_request", error_description: "There is nothing at this path" },
    notAllowed: () => ({
      error: "invalid_request",
      error_description: "Only POST is allowed here",
    }),
    contentType: "application/json",
  },
  service: {
    notFound: { type: "about:blank", title: "Not Found", status: 404 },
    notAllowed: () => ({ type: "about:blank", title: "Method Not Allowed", status: 405 }),
    contentType: "application/problem+json",
  },
} satisfies Record<string, Shape>;

type SurfaceName = keyof typeof SHAPES;

let access = "";
beforeAll(async () => {
  ({ access } = await newCaller());
});

describe("an unknown path is 404 in the shape of the surface that owns it", () => {
  const UNKNOWN: readonly [string, SurfaceName][] = [
    ["/api/token/nowhere", "jwt-pair"],
    ["/api/token/refresh/nowhere/", "jwt-pair"],
    ["/api/token/verify/x", "jwt-pair"],
    ["/api/nowhere", "action-tokens"],
    ["/api/tokens", "action-tokens"],
    ["/api/action-tokens//", "action-tokens"],
    ["/api/", "action-tokens"],
    ["/tokens/nowhere", "session-tokens"],
    ["/rest/nowhere", "rest-tokens"],
    ["/rest", "rest-tokens"],
    ["/rest/token/a/b", "rest-tokens"],
    ["/token/a/b", "rest-tokens"],
    ["/oauth/", "oauth"],
    ["/oauth/nothing", "oauth"],
    ["/oauth/authorize", "oauth"],
    ["/oauth", "service"],
    ["/.well-known/openid-configuration", "service"],
    ["/.well-known/jwks.json//", "service"],
    ["/nowhere", "service"],
    ["/api", "service"],
    ["/tokensx", "service"],
    ["/restx", "service"],
  ];
  it.each(UNKNOWN)("%s: %s", async (path, surface) => {
    const { notFound, contentType } = SHAPES[surface];
    // Before any question of who asks, and whatever the method.
    for (const method of ["GET", "POST", "DELETE", "OPTIONS", "PROPFIND"]) {
      const answer = await call(method, path, { bearer: "not.a.credential", xToken: "second" });
      expect(answer).toMatchObject({ status: 404, json: notFound });
      expect(answer.headers.get("content-type")).toBe(contentType);
    }
  });
});

describe("a wrong method is 405 with Allow", () => {
  const KNOWN: readonly [string, SurfaceName, string][] = [
    ["/api/token/", "jwt-pair", "POST, OPTIONS"],
    ["/api/token", "jwt-pair", "POST, OPTIONS"],
    ["/api/token/refresh/", "jwt-pair", "POST, OPTIONS"],
    ["/api/token/verify", "jwt-pair", "POST, OPTIONS"],
    ["/api/token/blacklist/", "jwt-pair", "POST, OPTIONS"],
    ["/api/token/blacklist", "jwt-pair", "POST, OPTIONS"],
    ["/api/generate-action-token", "action-tokens", "POST, OPTIONS"],
    ["/api/run-action-token", "action-tokens", "POST, OPTIONS"],
    ["/api/action-tokens", "action-tokens", "GET, HEAD, OPTIONS"],
    ["/api/action-tokens/x", "action-tokens", "DELETE, OPTIONS"],
    ["/api/user/get-contacts", "action-tokens", "GET, HEAD, OPTIONS"],
    ["/tokens", "session-tokens", "POST, GET, PUT, DELETE, HEAD, OPTIONS"],
    ["/rest/auth", "rest-tokens", "GET, HEAD, OPTIONS"],
    ["/rest/user", "rest-tokens", "POST, GET, PATCH, DELETE, HEAD, OPTIONS"],
    ["/rest/token", "rest-tokens", "POST, OPTIONS"],
    ["/rest/token/list", "rest-tokens", "GET, HEAD, OPTIONS"],
    ["/rest/token/x", "rest-tokens", "PATCH, DELETE, OPTIONS"],
    ["/token/x", "rest-tokens", "PATCH, OPTIONS"],
    ["/rest/token/x/rotate", "rest-tokens", "POST, OPTIONS"],
    ["/oauth/introspect", "oauth", "POST, OPTIONS"],
    ["/oauth/revoke", "oauth", "POST, OPTIONS"],
    ["/.well-known/jwks.json", "service", "GET, HEAD, OPTIONS"],
    ["/.well-known/oauth-authorization-server", "service", "GET, HEAD, OPTIONS"],
    ["/health", "service", "GET, HEAD, OPTIONS"],
  ];
  it.each(KNOWN)("%s: %s", async (path, surface, allow) => {
    const wrong = ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"];
    for (const method of wrong.filter((each) => !allow.split(", ").includes(each))) {
      const answer = await call(method, path, { bearer: "not.a.credential", xToken: "second" });
      expect([method, answer.status]).toEqual([method, 405]);
      expect(answer.headers.get("allow")).toBe(allow);
      expect(answer.json).toEqual(SHAPES[surface].notAllowed(method, allow));
    }
  });
});

describe("a body over 64 KiB is 413", () => {
  const KIB_64 = 64 * 1024;
  const TAKES_BODY: readonly [string, string, unknown][] = [
    ["POST", "/api/token/", { detail: "Request body is too large." }],
    ["POST", "/api/token/verify/", { detail: "Request body is too large." }],
    ["POST", "/api/token/blacklist/", { detail: "Request body is too large." }],
    ["POST", "/api/generate-action-token", { message: "The body is too large." }],
    ["POST", "/api/run-action-token", { message: "The body is too large." }],
    ["PUT", "/tokens", { error: "request body is too large" }],
    ["POST", "/rest/user", { success: false, message: "The body is too large", status: 413 }],
    ["POST", "/rest/token", { success: false, message: "The body is too large", status: 413 }],
    ["PATCH", "/token/x", { success: false, message: "The body is too large", status: 413 }],
  ];
  /** Takes a bearer, except where the document knows none. */
  const send = (method: string, path: string, body: BodyInit, headers = {}): Promise<Answered> =>
    call(method, path, {
      bearer: access,
      body,
      headers: { "content-type": "application/json", ...headers },
    });

  it.each(TAKES_BODY)("%s %s", async (method, path, json) => {
    const tooLarge = `{"x":"${"y".repeat(KIB_64)}"}`;
    expect(await send(method, path, tooLarge)).toMatchObject({ status: 413, json });
    const lying = { "content-length": "2" };
    expect(await send(method, path, inPieces(17, 4_096), lying)).toMatchObject({
      status: 413,
      json,
    });
  });

  it("counts what arrives and not what Content-Length says", async () => {
    const answer = await send("PUT", "/tokens", inPieces(1, 64), { "content-length": "9999999" });
    expect(answer.status).toBe(400);
  });

  function inPieces(count: number, size: number): ReadableStream {
    let left = count;
    return new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(new Uint8Array(size).fill(0x20));
        else controller.close();
      },
    });
  }
});

describe("a body of another type is 415", () => {
  const OTHERS = ["text/plain", "application/xml; charset=utf-8", "text/json", ""];
  it.each(OTHERS)("%j", async (type) => {
    const send = (method: string, path: string) =>
      call(method, path, { bearer: access, headers: { "content-type": type }, body: "{}" });
    for (const path of ["", "refresh/", "verify/", "blacklist/"].map(
      (each) => `/api/token/${each}`,
    )) {
      const detail = `Unsupported media type "${type}" in request.`;
      expect(await send("POST", path)).toMatchObject({ status: 415, json: { detail } });
    }
    for (const path of ["/api/generate-action-token", "/api/run-action-token"]) {
      const json = { message: "Unsupported Media Type" };
      expect(await send("POST", path)).toMatchObject({ status: 415, json });
    }
    const rest = [
      ["POST", "/rest/user"],
      ["PATCH", "/rest/user"],
      ["DELETE", "/rest/user"],
      ["POST", "/rest/token"],
      ["PATCH", "/token/x"],
    ] as const;
    for (const [method, path] of rest) {
      expect(await send(method, path)).toMatchObject({
        status: 415,
        json: { success: false, message: expect.stringContaining("JSON"), status: 415 },
      });
    }
    // This surface's document knows 400 alone.
    const json = { error: "missing or invalid required fields" };
    expect(await send("POST", "/tokens")).toMatchObject({ status: 400, json });
  });
});
