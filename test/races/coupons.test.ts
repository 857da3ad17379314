import { expect, it, vi } from "vitest";
import { couponUses, prepareCoupons, redeemCoupon } from "../actions/coupons.ts";
import type { Call } from "../support/client.ts";
import { times, track, won } from "./racers.ts";

vi.setConfig({ testTimeout: 60_000 });

const many = track(50, 1, {}, { options: { actions: [redeemCoupon] } });

const run = (token: string, bearer: string) => (call: Call) =>
  call("POST", "/api/run-action-token", { json: { token }, bearer });

async function issue(code: string, maxUses: number) {
  await prepareCoupons(code, maxUses);
  const { access } = await many.newCaller();
  const issued = { action: "redeemCoupon", payload: { code }, max_uses: 50 };
  return many.text("token.token", "POST", "/api/generate-action-token", {
    bearer: access,
    json: issued,
  });
}

it("50 runs of one user redeem a coupon once", async () => {
  const token = await issue("once", 50);
  const { access } = await many.newCaller();
  const answers = await many.race(times(50, run(token, access)));
  expect(won(answers)).toHaveLength(1);
  expect(await couponUses("once")).toBe(1);
  for (const { status, json } of answers.filter((each) => each.status !== 200)) {
    expect([status, json]).toEqual([
      422,
      {
        status: "action_token_invalid",
        reason: "rejected",
        message: "You have used this coupon already.",
      },
    ]);
  }
});

it("50 users redeem a coupon as often as it may be", async () => {
  const token = await issue("seven", 7);
  const people: { access: string }[] = [];
  for (let index = 0; index < 50; index++) people.push(await many.newCaller());
  const answers = await many.race(people.map(({ access }) => run(token, access)));
  expect(won(answers)).toHaveLength(7);
  expect(await couponUses("seven")).toBe(7);
  for (const { status, json } of answers.filter((each) => each.status !== 200)) {
    expect([status, json]).toMatchObject([422, { message: "This coupon is used up." }]);
  }
});
