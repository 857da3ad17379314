import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import * as v from "valibot";
import { defineAction } from "../../src/actions/define-action.ts";
import type { Action } from "../../src/core/action.ts";
import { at, textAt } from "../support/client.ts";
import { isolate, type Isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { joinBeta } from "./join-beta.ts";
import { couponUses, prepareCoupons, redeemCoupon } from "./coupons.ts";
import { EVENT_LOG } from "../../src/storage/event-rows.ts";
import { DB } from "../support/database.ts";

const withActions = (...actions: readonly Action[]) =>
  isolate({}, { KV: env.KV, DB: env.DB }, { options: { actions } });

const here = withActions(redeemCoupon);
let code = "";
let issuer = "";

beforeAll(async () => {
  issuer = (await here.newCaller()).access;
});
beforeEach(async () => {
  code = crypto.randomUUID().slice(9);
  await prepareCoupons(code, 3);
});

const generate = (place: Isolate, json: object) =>
  place.send("POST", "/api/generate-action-token", { bearer: issuer, json });

async function issue(place: Isolate, action: string, payload: unknown, max_uses = 9) {
  const answer = await generate(place, { action, payload, max_uses });
  expect(answer.status, answer.text).toBe(200);
  return textAt(answer, "token", "token");
}

const run = (place: Isolate, token: string, bearer?: string, key?: string, input?: unknown) =>
  place.send("POST", "/api/run-action-token", {
    json: { token, input },
    ...(bearer !== undefined && { bearer }),
    ...(key !== undefined && { headers: { "idempotency-key": key } }),
  });

const usesOf = (token: unknown) =>
  DB.prepare("SELECT uses FROM tokens WHERE id = ?").bind(token).first("uses");

describe("an action of one's own", () => {
  it("is a few lines, as README has it", async () => {
    await env.DB.exec(
      "CREATE TABLE IF NOT EXISTS beta_users (user_id BLOB PRIMARY KEY, joined_at INTEGER NOT NULL)",
    );
    const place = withActions(joinBeta);
    const token = await issue(place, "joinBeta", {}, 1);
    const [ann, ben] = [await place.newCaller(), await place.newCaller()];
    const answers = await Promise.all([ann, ben].map(({ access }) => run(place, token, access)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 422]);
    const joined = await DB.prepare("SELECT user_id FROM beta_users").all();
    expect(joined.results).toEqual([{ user_id: answers[0]?.status === 200 ? ann.id : ben.id }]);
  });

  it("answers null where JavaScript leaves the answer out", async () => {
    const silent = defineAction({
      name: "silent",
      payload: v.object({}),
      run: ({ runner, once, sql, uuid }) => {
        const result = {
          writes: once(sql`UPDATE users SET first_name = 'Sy' WHERE id = ${uuid(runner)}`),
        };
        return Object(result);
      },
    });
    const place = withActions(silent);
    const token = await issue(place, "silent", {}, 1);
    const answer = await run(place, token, (await place.newCaller()).access);
    expect(answer).toMatchObject({ status: 200, json: { data: null } });
  });

  it("runs, with its write, its answer and its event", async () => {
    const token = await issue(here, "redeemCoupon", { code });
    const runner = await here.newCaller();
    const answer = await run(here, token, runner.access);
    expect(answer).toMatchObject({ status: 200, json: { action: "redeemCoupon", data: { code } } });
    expect(await couponUses(code)).toBe(1);
    const events = await DB.prepare(
      `SELECT what, subject FROM ${EVENT_LOG.sql} WHERE user_id = ? AND what LIKE '%.r%' ORDER BY id DESC LIMIT 2`,
    )
      .bind(runner.id)
      .all();
    const receipt = at(answer, "receipt", "id");
    expect(events.results).toEqual([
      { what: "coupon.redeemed", subject: receipt },
      { what: "action.run", subject: receipt },
    ]);
  });

  it("is in the list of events, also of a version that does not know it", async () => {
    const runner = await here.newCaller();
    await run(here, await issue(here, "redeemCoupon", { code }), runner.access);
    for (const place of [here, isolate()]) {
      const audit = await place.send("GET", "/rest/audit", { bearer: runner.access });
      expect(at(audit, "payload", 0, "what")).toBe("coupon.redeemed");
    }
  });

  it("a constraint that its write breaks is its own refusal, and takes no use", async () => {
    const token = await issue(here, "redeemCoupon", { code });
    const runner = await here.newCaller();
    expect((await run(here, token, runner.access)).status).toBe(200);
    const again = await run(here, token, runner.access);
    expect(again).toMatchObject({
      status: 422,
      json: { reason: "rejected", message: "You have used this coupon already." },
    });
    expect(await couponUses(code)).toBe(1);
    expect(
      await DB.prepare("SELECT COUNT(*) AS n FROM receipts WHERE run_by = ?")
        .bind(runner.id)
        .first("n"),
    ).toBe(1);
    expect((await run(here, token, (await here.newCaller()).access)).status).toBe(200);
  });

  it("a lost answer is no refusal: the same key gets the same receipt", async () => {
    let isLost = true;
    const losing = isolate(
      {},
      intercept(async ({ label }, make) => {
        const result = await make();
        if (isLost && label.includes("INSERT coupon_uses")) {
          isLost = false;
          throw new Error("D1_ERROR: injected");
        }
        return result;
      }),
      { options: { actions: [redeemCoupon] } },
    );
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const token = await issue(losing, "redeemCoupon", { code });
    const { access } = await losing.newCaller();
    expect((await run(losing, token, access, "key")).status).toBe(503);
    expect((await run(losing, token, access, "key")).status).toBe(200);
    expect((await run(losing, token, access, "other")).status).toBe(422);
    expect(await couponUses(code)).toBe(1);
  });

  it("a store that fails before the commit is 503, and nothing is written", async () => {
    const failing = isolate(
      {},
      intercept(({ label }, make) => {
        if (label.includes("INSERT coupon_uses")) throw new Error("D1_ERROR: injected");
        return make();
      }),
      { options: { actions: [redeemCoupon] } },
    );
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const token = await issue(failing, "redeemCoupon", { code });
    expect((await run(failing, token, (await failing.newCaller()).access)).status).toBe(503);
    expect(await couponUses(code)).toBe(0);
  });

  it("needs a log-in, unless it says otherwise", async () => {
    const token = await issue(here, "redeemCoupon", { code });
    expect((await run(here, token)).status).toBe(401);
    expect(await couponUses(code)).toBe(0);
  });

  it.each([
    {},
    { code: 1 },
    { code: "" },
    { code: "x".repeat(41) },
    { code: "a", note: 1 },
    [],
    "x",
    null,
  ])("is not issued with the payload %j", async (payload) => {
    expect((await generate(here, { action: "redeemCoupon", payload })).status).toBe(422);
  });

  it("is not issued where it could not run", async () => {
    const answer = await generate(here, { action: "redeemCoupon", payload: { code: "none" } });
    expect(answer).toMatchObject({
      status: 422,
      json: { errors: { "payload.code": ["The selected payload.code is invalid."] } },
    });
  });

  it("has a page made from its name and payload", async () => {
    const token = await issue(here, "redeemCoupon", { code, note: "for you" });
    const preview = await here.services.actionPages.preview(token, null, Date.now());
    expect(preview).toMatchObject({
      title: "Redeem coupon",
      before: `Redeem coupon. Coupon: ${code}. note: for you.`,
      needsLogin: true,
    });
  });
});

/** An action of a few lines. */
const small = (parts: Partial<Parameters<typeof defineAction<typeof NUMBER>>[0]>) =>
  defineAction({
    name: "small",
    needsCaller: false,
    payload: NUMBER,
    run: ({ payload }) => ({ writes: [], answer: { n: payload.n } }),
    ...parts,
  });
const NUMBER = v.object({
  n: v.pipe(v.string(), v.transform(Number)),
  m: v.optional(v.string(), "m"),
});

describe("a payload", () => {
  it("is parsed once, and stored so that it can be parsed again", async () => {
    const parsed = vi.fn();
    const payload = v.object({
      when: v.pipe(
        v.string(),
        v.check(() => parsed() === undefined),
        v.transform((text) => new Date(text)),
      ),
      by: v.optional(v.pipe(v.string(), v.toLowerCase()), "X"),
    });
    const seen: string[] = [];
    const dated = defineAction({
      name: "dated",
      payload,
      needsCaller: false,
      run: ({ payload: { when, by } }) => {
        seen.push(`${when.getTime()} ${by}`);
        return { writes: [], answer: null };
      },
    });
    const place = withActions(dated, small({}));
    const token = await issue(place, "dated", { when: "1970-01-01T00:00:01Z" });
    parsed.mockClear();
    expect((await run(place, token)).status).toBe(200);
    expect(parsed).toHaveBeenCalledTimes(1);
    expect(seen).toEqual(["1000 x"]);
    const transformed = await run(place, await issue(place, "small", { n: "5" }));
    expect(transformed.json).toMatchObject({ data: { n: 5 } });
  });

  it("is shown in its normal form where that can be parsed again, and else as it was sent", async () => {
    const place = withActions(small({}));
    const shown = await generate(place, { action: "small", payload: { n: "5" } });
    expect(at(shown, "token", "payload")).toEqual({ n: "5" });
    const contact = { contact_id: (await place.newUser()).id.toUpperCase(), other: 1 };
    const normal = await generate(place, { action: "addContact", payload: contact });
    expect(at(normal, "token", "payload")).toEqual({
      contact_id: contact.contact_id.toLowerCase(),
    });
  });
});

describe("conditions", () => {
  it("know who runs it, and at issue that nobody does yet", async () => {
    const runners: (string | null)[] = [];
    const place = withActions(
      small({
        check: ({ runner, sql, uuid }) => {
          runners.push(runner);
          return runner === null
            ? []
            : [{ holds: sql`${uuid(runner)} <> ${uuid(runners[1] ?? "")}`, message: "Not you." }];
        },
      }),
    );
    const token = await issue(place, "small", { n: "1" });
    const [first, second] = [await place.newCaller(), await place.newCaller()];
    expect((await run(place, token, first.access)).json).toMatchObject({ message: "Not you." });
    expect((await run(place, token, second.access)).status).toBe(200);
    expect(runners).toEqual([null, first.id, second.id]);
  });
});

describe("a mistake in an action is an error of ours, and takes no use", () => {
  it.each<[string, Partial<Parameters<typeof small>[0]>, RegExp]>([
    [
      "an event that it does not declare",
      { run: () => ({ writes: [], answer: 1, event: String("a.b") as never }) },
      /the event a.b is not in its events/,
    ],
    [
      "an id as text in a write",
      {
        run: ({ sql, once, issuerId }) => ({
          writes: once(sql`DELETE FROM contacts WHERE user_id = ${issuerId}`),
          answer: 1,
        }),
      },
      /an id in SQL is \$\{uuid/,
    ],
    [
      "a write without once",
      { run: ({ sql }) => ({ writes: sql`DELETE FROM users` as never, answer: 1 }) },
      /a write without once/,
    ],
    [
      "a write that is none",
      { run: ({ once, sql }) => ({ writes: once(sql`SELECT 1`), answer: 1 }) },
      /must be an INSERT/,
    ],
    [
      "what it throws",
      {
        run: () => {
          throw new Error("own mistake");
        },
      },
      /own mistake/,
    ],
  ])("%s", async (_, parts, message) => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const place = withActions(small(parts));
    const made = await generate(place, { action: "small", payload: { n: "1" } });
    const answer = await run(place, textAt(made, "token", "token"));
    expect(answer.status).toBe(500);
    expect(answer.text).not.toMatch(message);
    expect(JSON.stringify(logged.mock.calls)).toMatch(message);
    expect(await usesOf(at(made, "token", "id"))).toBe(0);
  });

  it.each(["a CHECK", "a trigger", "FOREIGN KEY"])(
    "but %s that it breaks has the words of the action",
    async (what) => {
      await DB.batch(
        [
          "DROP TABLE IF EXISTS few",
          "CREATE TABLE few (n INTEGER CONSTRAINT positive CHECK (n > 0), of TEXT REFERENCES users (id))",
          "CREATE TRIGGER few_only BEFORE INSERT ON few WHEN new.n > 5 BEGIN SELECT RAISE(ABORT, 'at most five'); END",
        ].map((text) => DB.prepare(text)),
      );
      const [n, of, message] =
        {
          "a CHECK": [0, null, "Too few."],
          "a trigger": [6, null, "Too many."],
          "FOREIGN KEY": [1, "none", "Of whom?"],
        }[what] ?? [];
      const place = withActions(
        small({
          constraint: {
            positive: "Too few.",
            "at most five": "Too many.",
            "FOREIGN KEY": "Of whom?",
          },
          run: ({ once, sql }) => ({
            writes: once(sql`INSERT INTO few VALUES (${n}, ${of})`),
            answer: 1,
          }),
        }),
      );
      const answer = await run(place, await issue(place, "small", { n: "1" }));
      expect(answer).toMatchObject({ status: 422, json: { reason: "rejected", message } });
    },
  );
});
