import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { problemOf } from "../../src/console/problems.ts";
import { NEED_MORE, newFixtures, pathIn, POST_FORMS, sampleFor } from "../console/forms.ts";
import { newPageClient } from "../console/page-client.ts";
import { ROUTE_KEYS } from "../hostile/routes.ts";
import { isolate } from "../support/service.ts";
import { type Interceptor, intercept } from "../support/stores.ts";
import text from "../../src/console/assets/openapi.json";
import { isWrite } from "./injections.ts";
import { GOOD, requestOf } from "./requests.ts";
import { some } from "../support/thorough.ts";
import { begin, buildWorld, type World } from "./world.ts";

/** What nobody can say whose question was not answered. */
const CLAIMS =
  /\bnothing\b|\bunchanged\b|\b(?:was|were|been|is|did) ?(?:not|n.t)\b(?! available)|no change|rolled back/i;
const UNCERTAIN =
  "We couldn't confirm the change. It may have happened: reload before you try again.";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** Does what it is asked to write, and does not say so. */
const commitsAndFails: Interceptor = async (call, run) => {
  const answer = await run();
  if (call.store === "D1" && isWrite(call)) throw new Error("D1_ERROR: Network connection lost.");
  return answer;
};

beforeEach(() => {
  vi.spyOn(console, "error").mockReturnValue();
  vi.spyOn(console, "warn").mockReturnValue();
});

describe("a store that commits and then fails is 503, and no surface says that nothing happened", () => {
  let world: World;
  beforeAll(async () => {
    world = await buildWorld();
  });

  it("to programs", async () => {
    const surfaces = new Set<string>();
    const wrong: string[] = [];
    for (const each of GOOD) {
      await begin(world);
      const { send } = isolate({ ...each.settings }, intercept(commitsAndFails));
      const { status, text } = await send(...requestOf(each, world));
      if (status !== 503) continue;
      surfaces.add(ROUTE_KEYS.find(({ name }) => name === each.routeKey)?.surface.name ?? "");
      if (CLAIMS.test(text)) wrong.push(`${each.routeKey} (${each.as}): ${text}`);
    }
    expect(wrong).toEqual([]);
    expect(surfaces).toEqual(
      new Set(["rest-tokens", "oauth", "jwt-pair", "action-tokens", "session-tokens"]),
    );
  });
});

describe("and no page either", () => {
  /** They change nothing, or not before their answer. */
  const NO_CHANGE = [
    "/console/forgotten",
    "/console/login/email",
    "/console/confirm",
    "/console/inspector",
    "/console/tokens/find",
  ];

  it.each(some(POST_FORMS, 0).filter(({ path }) => !NEED_MORE.includes(path)))(
    "$path",
    async ({ path }) => {
      let fails = false;
      const bindings = intercept((call, run) => (fails ? commitsAndFails(call, run) : run()));
      const { call } = isolate({}, bindings);
      const visitor = await newPageClient(call);
      const about = await newFixtures(visitor, call);
      fails = true;
      const answer = await visitor.send(pathIn(path, about), sampleFor(path, about));
      if (NO_CHANGE.includes(path)) return expect(answer.status).toBeLessThan(400);
      expect(answer.status).toBe(503);
      const page = answer.text.replaceAll("&#39;", "'");
      expect(page).toContain(UNCERTAIN);
      expect(page.replace(UNCERTAIN, "")).not.toMatch(
        /nothing (?:was|has|is)|not (?:changed|done)/i,
      );
    },
  );
});

it("the words for people and for readers of the API document are the same for every fault of storage", () => {
  expect(problemOf({ code: "unavailable", retryAfterSeconds: 5 }).message).toBe(UNCERTAIN);
  const { components } = JSON.parse(text);
  const described = Object.entries<{ description: string }>(components.responses)
    .filter(([name]) => name.endsWith("ServiceUnavailable"))
    .map(([, { description }]) => description);
  expect(described.length).toBeGreaterThan(4);
  for (const description of described) expect(description).toContain("may have happened");
});
