import { describe, expect, it } from "vitest";
import committed from "../../src/openapi/examples.json?raw";
import { SURFACES } from "../../src/openapi/document.ts";
import { readExamples } from "../../src/openapi/examples.ts";
import { documentedKey } from "../../src/openapi/surfaces.ts";
import { ROUTE_KEYS } from "../hostile/routes.ts";
import { ORIGIN, over } from "../support/client.ts";
import { undocumented } from "../support/documented.ts";

const DOCUMENTED = SURFACES.flatMap(({ name, operations }) =>
  Object.entries(operations).map(([routeKey, { access, scope }]) => ({
    name,
    routeKey,
    access,
    scope,
  })),
);

it("has every route that there is, with who may call it, and no other", () => {
  const routes = ROUTE_KEYS.map(
    ({ name: routeKey, surface: { name }, route: { access, scope } }) => ({
      name,
      routeKey: documentedKey(routeKey),
      access,
      scope,
    }),
  );
  // A path with a last slash is the same route.
  const sorted = <T extends { readonly routeKey: string }>(all: readonly T[]) =>
    [...new Map(all.map((each) => [each.routeKey, each])).values()].toSorted((a, b) =>
      a.routeKey.localeCompare(b.routeKey),
    );
  expect(sorted(DOCUMENTED)).toEqual(sorted(routes));
});

it("has examples that fit what it says", () => {
  const wrong = readExamples(committed).flatMap(({ operation, as, status, request, answer }) => {
    const [method = ""] = operation.split(" ");
    const { body } = answer;
    const flaws = undocumented(
      {
        method,
        url: ORIGIN + request.path,
        mediaType: request.mediaType,
        body: request.body ?? undefined,
      },
      {
        status,
        headers: new Headers(answer.headers),
        text: body === null ? "" : typeof body === "string" ? body : JSON.stringify(body),
        json: body,
      },
    );
    return flaws.map((flaw) => `${operation} (${as}): ${flaw}`);
  });
  expect(wrong).toEqual([]);
});

describe("what the document does not have fails the test that meets it:", () => {
  const user = { status: "ok" };
  const answering = (body: unknown, init: ResponseInit = {}) =>
    over(() => Response.json(body, { headers: { "content-type": "application/json" }, ...init }));

  it("what it has passes", async () => {
    expect((await answering(user)("GET", "/health")).json).toEqual(user);
  });

  it.each([
    ["a status", answering(user, { status: 202 }), "the status"],
    ["a member", answering({ ...user, version: 1 }), "version"],
    ["a value", answering({ status: "fine" }), "status"],
    ["a missing member", answering({}), "status"],
    ["a media type", answering(user, { headers: { "content-type": "text/json" } }), "text/json"],
  ])("%s", async (_, call, what) => {
    await expect(call("GET", "/health")).rejects.toThrow(
      new RegExp(`openapi.json does not have this: GET /health answered \\d+: .*${what}`),
    );
  });

  it("a path", async () => {
    await expect(answering(user)("GET", "/nothing")).rejects.toThrow("no such path");
  });

  it("a method", async () => {
    await expect(answering(user)("PUT", "/health")).rejects.toThrow("no such method");
  });

  it("a shape of refusal", async () => {
    const call = answering({ detail: "Not found." }, { status: 404 });
    await expect(call("GET", "/nothing")).rejects.toThrow("media type");
    await expect(call("GET", "/rest/nothing")).rejects.toThrow("the body");
  });

  it("a missing header", async () => {
    const send = { json: { token: "x" } };
    const call = answering({ detail: "Token is invalid or expired" }, { status: 401 });
    await expect(call("POST", "/api/token/verify/", send)).rejects.toThrow("WWW-Authenticate");
  });

  it("a request that was granted", async () => {
    const call = answering({ access: "x", refresh: "y" });
    await expect(call("POST", "/api/token/", { json: { email: "a@b.cc" } })).rejects.toThrow(
      "the request: ",
    );
    expect(
      await call("POST", "/api/token/", { json: { email: "a", password: "b" } }),
    ).toBeDefined();
  });
});
