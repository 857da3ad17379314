import sql from "sql-template-tag";
import * as v from "valibot";
import { expect, expectTypeOf, it } from "vitest";
import { defineAction } from "../../src/actions/define-action.ts";
import { RESERVED_TABLES } from "../../src/actions/registry.ts";
import { checkOptions } from "../../src/options.ts";
import { call, itemsAt, newCaller } from "../support/client.ts";
import { env } from "cloudflare:workers";
import { redeemCoupon } from "./coupons.ts";

type Parts = Partial<Parameters<typeof defineAction>[0]>;

const small = (parts: Parts = {}) =>
  defineAction({
    name: "small",
    payload: v.object({}),
    run: () => ({ writes: [], answer: null }),
    ...parts,
  });

const wrongWith = (...actions: readonly ReturnType<typeof small>[]) =>
  checkOptions({ actions }).wrong.map((line) => line.replace(/^options\.actions\./, ""));

it("a good action is taken", () => {
  expect(wrongWith(redeemCoupon, small())).toEqual([]);
});

it("every mistake in every action is listed at once", () => {
  const wrong = wrongWith(
    small({ name: "9" }),
    small({ name: "addContact" }),
    small(),
    small({ name: "Small" }),
    small({ name: "a", page: { asksForLogin: false } }),
    small({ name: "b", payload: v.object({ token_uses: v.string() }) }),
    small({ name: "c", events: { redeemed: "x", "token.created": "y", "a.b": "one" } }),
    small({ name: "d", events: { "a.b": "another" } }),
    small({
      name: "e",
      tables: [
        { name: "users", userColumn: "id" },
        { name: "x; DROP", userColumn: "id" },
        { name: "sqlite_x", userColumn: "id" },
        { name: "mine", userColumn: "id" },
      ],
    }),
    small({
      name: "g",
      page: {
        presets: [
          { uses: 0, seconds: 60 },
          { uses: 1, seconds: 59 },
          { uses: 1000, seconds: 2_592_000 },
        ],
        next: { text: "x", href: "javascript:alert(1)" },
        renew: { text: "x", href: "//evil.example" },
      },
    }),
    small({
      name: "h",
      page: {
        presets: Array(7).fill({ uses: 1, seconds: 60 }),
        next: { text: "x", href: "/\\evil.example" },
        renew: { text: "x", href: "https://shop.example/a" },
      },
    }),
    small({ name: "f", tables: [{ name: "mine", userColumn: "other" }] }),
  );
  expect(wrong).toEqual([
    "0 (9): the name must be a letter and then letters, digits or _, at most 64",
    "1 (addContact): a built-in action has this name",
    "3 (Small): another action has this name",
    "4 (a): its page must ask for a log-in, or needsCaller must be false",
    "5 (b): the console has a field of its own named token_uses",
    "6 (c): the event redeemed must be words of a-z, 0-9 and _ with dots, as in coupon.redeemed",
    "6 (c): the event token.created is built in: use it without declaring it",
    "7 (d): the event a.b has another sentence in another action",
    "8 (e): the table users is not its own",
    "8 (e): x; DROP must be a name of a-z, 0-9 and _",
    "8 (e): the table sqlite_x is not its own",
    "9 (g): a preset of 0 uses and 60 seconds is out of bounds",
    "9 (g): a preset of 1 uses and 59 seconds is out of bounds",
    "9 (g): javascript:alert(1) must be a path or an https URL",
    "9 (g): //evil.example must be a path or an https URL",
    "10 (h): must have at most 6 presets",
    "10 (h): /\\evil.example must be a path or an https URL",
    "11 (f): the table mine is declared otherwise by another action",
  ]);
});

it("what is no action is named, beside the mistakes of those that are", () => {
  const { wrong } = checkOptions({ actions: [small({ name: "9" }), { name: "x" }] as never });
  expect(wrong).toEqual([
    "options.actions.1 must be made with defineAction",
    expect.stringContaining("options.actions.0 (9)"),
  ]);
});

it("the service's own tables, and all that an export has, are reserved", async () => {
  const tables = await env.DB.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '_cf_*'",
  ).all<{ name: string }>();
  const { access } = await newCaller();
  const exported = await call("GET", "/rest/user/export", { bearer: access });
  const names = [
    ...tables.results.map(({ name }) => name),
    ...Object.keys(Object(Object(exported.json).payload)),
  ];
  expect(names.filter((name) => !RESERVED_TABLES.includes(name))).toEqual([]);
  expect(itemsAt(exported, "payload", "user")).toHaveLength(1);
});

it("types of payload, input, answer and events reach each other", () => {
  defineAction({
    name: "typed",
    payload: v.object({
      at: v.pipe(
        v.string(),
        v.transform((text) => new Date(text)),
      ),
      by: v.optional(v.number()),
    }),
    input: v.object({ pin: v.string() }),
    answer: v.object({ ok: v.boolean() }),
    events: { "typed.run": "It ran" },
    check({ payload, runner }) {
      expectTypeOf(payload).toEqualTypeOf<{ at: Date; by?: number | undefined }>();
      expectTypeOf(runner).toEqualTypeOf<string | null>();
      return [];
    },
    run({ payload, input, runner, once }) {
      expectTypeOf(payload.at).toEqualTypeOf<Date>();
      expectTypeOf(input).toEqualTypeOf<{ pin: string }>();
      expectTypeOf(runner).toEqualTypeOf<string>();
      return { writes: once(sql`DELETE FROM x`), answer: { ok: true }, event: "typed.run" };
    },
    page: { describe: ({ payload: { at } }) => ({ before: at.toISOString(), after: "" }) },
  });
  const parts = { name: "typed", payload: v.object({}) };
  // @ts-expect-error An event that is not declared.
  defineAction({ ...parts, run: () => ({ writes: [], answer: 1, event: "other.run" }) });
  // @ts-expect-error An answer of another type.
  defineAction({ ...parts, answer: v.string(), run: () => ({ writes: [], answer: 1 }) });
  // @ts-expect-error A write that does not depend on the run.
  defineAction({ ...parts, run: () => ({ writes: sql`DELETE FROM x`, answer: 1 }) });
});
