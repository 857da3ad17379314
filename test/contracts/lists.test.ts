import { beforeAll, describe, expect, it } from "vitest";
import { at, call, itemsAt, newApiToken, newCaller, newUser } from "../support/client.ts";

const COUNT = 5;

interface List {
  readonly path: string;
  /** Where the items are in the answer. */
  readonly items: readonly string[];
  readonly badPage: unknown;
}

const LISTS: readonly List[] = [
  {
    path: "/rest/token/list",
    items: ["payload"],
    badPage: { status: 400, json: { success: false, message: expect.any(String), status: 400 } },
  },
  {
    path: "/api/action-tokens",
    items: ["data"],
    badPage: { status: 422, json: { message: "The given data was invalid." } },
  },
  {
    path: "/api/user/get-contacts",
    items: ["data", "contacts"],
    badPage: { status: 422, json: { message: "The given data was invalid." } },
  },
];

let bearer = "";
beforeAll(async () => {
  const user = await newCaller();
  bearer = user.access;
  for (let i = 0; i < COUNT; i++) {
    await newApiToken(bearer, `token ${i}`);
    const payload = { contact_id: (await newUser()).id };
    const json = { action: "addContact", payload, max_uses: 2 };
    const { json: made } = await call("POST", "/api/generate-action-token", { bearer, json });
    await call("POST", "/api/run-action-token", {
      bearer,
      json: { token: Object(made).token.token },
    });
  }
});

describe.each(LISTS)("$path", ({ path, items, badPage }) => {
  const page = (query: Record<string, string>) =>
    call("GET", `${path}?${new URLSearchParams(query)}`, { bearer });

  it("comes whole where it fits, with next_cursor null", async () => {
    const answer = await call("GET", path, { bearer });
    expect(answer.status).toBe(200);
    expect(itemsAt(answer, ...items)).toHaveLength(COUNT);
    expect(at(answer, "next_cursor")).toBeNull();
    expect((await page({ limit: String(COUNT) })).json).toEqual(answer.json);
  });

  it.each([1, 2, 3, 4])("comes in pages of %i, each item once and in order", async (limit) => {
    const whole = itemsAt(await call("GET", path, { bearer }), ...items);
    const seen: unknown[] = [];
    let cursor: string | null = null;
    do {
      const answer = await page({ limit: String(limit), ...(cursor !== null && { cursor }) });
      const found = itemsAt(answer, ...items);
      expect(found.length).toBeLessThanOrEqual(limit);
      expect(found.length).toBeGreaterThan(0);
      seen.push(...found);
      const next = at(answer, "next_cursor");
      cursor = typeof next === "string" ? next : null;
    } while (cursor !== null);
    expect(seen).toEqual(whole);
  });

  it("takes an empty parameter for none", async () => {
    const whole = (await call("GET", path, { bearer })).json;
    for (const query of [
      { limit: "" },
      { cursor: "" },
      { take: "", skip: "" },
      { limit: "", cursor: "" },
    ]) {
      expect(await page(query)).toMatchObject({ status: 200, json: whole });
    }
  });

  it("takes `take` and `skip` where Opentact has them, and else says that it does not", async () => {
    const whole = itemsAt(await call("GET", path, { bearer }), ...items);
    if (path !== "/rest/token/list") {
      for (const query of [{ take: "1" }, { skip: "1" }, { take: "1", skip: "1" }, { skip: "0" }]) {
        expect(await page(query)).toMatchObject(Object(badPage));
      }
      return;
    }
    const seen: unknown[] = [];
    for (let skip = 0; seen.length < 100; skip += 2) {
      const found = itemsAt(await page({ take: "2", skip: String(skip) }), ...items);
      seen.push(...found);
      if (found.length < 2) break;
    }
    expect(seen).toEqual(whole);
    const second = await page({ take: "2", skip: "1" });
    const next = at(second, "next_cursor");
    const rest = await page({ cursor: String(next) });
    expect([...itemsAt(second, ...items), ...itemsAt(rest, ...items)]).toEqual(whole.slice(1));
    expect(itemsAt(await page({ skip: "10000" }), ...items)).toEqual([]);
    for (const query of [
      { take: "0" },
      { take: "101" },
      { take: "x" },
      { skip: "-1" },
      { skip: "10001" },
      { skip: "1.5" },
      { take: "1", limit: "1" },
    ]) {
      expect(await page(query)).toMatchObject(Object(badPage));
    }
  });

  it.each(["0", "-1", "101", "1.5", "x"])("refuses limit=%j", async (limit) => {
    expect(await page({ limit })).toMatchObject(Object(badPage));
  });

  it.each(["x", "MTIz", "e30", "%"])("refuses cursor=%j", async (cursor) => {
    expect(await page({ cursor })).toMatchObject(Object(badPage));
  });
});
