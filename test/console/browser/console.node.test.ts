import { afterAll, beforeAll, describe, it, vi } from "vitest";
import { openHouse, type OpenHouse } from "./house.ts";
import { aTokensLife, byKeyboard, inOutAndEverywhere, twoPeopleMeet } from "./stories.ts";

/** Stories wait for each other where processors are few. */
vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

let house: OpenHouse;

beforeAll(async () => {
  house = await openHouse();
});

afterAll(() => house?.close());

describe.concurrent.each([
  ["with JavaScript", { javaScriptEnabled: true }],
  ["without JavaScript", { javaScriptEnabled: false }],
])("%s", (_, telling) => {
  it("two people meet over a code, from sign-up to contact", () => twoPeopleMeet(house, telling));
  it("a token's whole life", () => aTokensLife(house, telling));
  it("log in, out and everywhere", () => inOutAndEverywhere(house, telling));
});

it("everything is done by keyboard, and shows where it is", () => byKeyboard(house));
