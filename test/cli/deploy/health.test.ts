import { describe, expect, it } from "vitest";
import { botsAreRefused, untilHealthy } from "../../../src/cli/deploy/readiness.ts";
import type { Fetch } from "./cloudflare.ts";

const ISSUER = "https://auth.example.com";
const stop = new AbortController().signal;

/** A healthy service with this version. */
const serving =
  (health: object): Fetch =>
  async (url) => {
    if (url.endsWith("/health")) return Response.json(health);
    if (url.includes("status-lists")) return new Response(null, { status: 404 });
    return Response.json({ issuer: ISSUER });
  };

describe("after a deploy", () => {
  it.each([
    ["that which was uploaded", { version_id: "b" }, null],
    ["the one before", { version_id: "a" }, `${ISSUER} is still served by version a`],
    ["one that does not say which it is", {}, null],
  ])("serves %s", async (_, said, wrong) => {
    const fetch = serving({ status: "ok", ...said });
    expect(await untilHealthy(ISSUER, { fetch, stop, versionId: "b", patienceMs: 0 })).toBe(wrong);
  });

  it.each([
    [
      403,
      "error code: 1010",
      /answers 403 to "Python-urllib\/3\.12".*docs\/operations\/deploy\.md/,
    ],
    [200, "{}", null],
    [503, "", null],
  ] as const)(
    "the keys are asked for as Python does, and %i is told",
    async (status, body, told) => {
      const agents: unknown[] = [];
      const fetch: Fetch = async (url, { headers }) => {
        agents.push([url, new Headers(headers).get("user-agent")]);
        return new Response(body, { status });
      };
      const said = await botsAreRefused(ISSUER, fetch);
      if (told === null) expect(said).toBeNull();
      else expect(said).toMatch(told);
      expect(agents).toEqual([[`${ISSUER}/.well-known/jwks.json`, "Python-urllib/3.12"]]);
    },
  );

  it("no answer is not reported", async () => {
    expect(await botsAreRefused(ISSUER, () => Promise.reject(new Error("gone")))).toBeNull();
  });
});
