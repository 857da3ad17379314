import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { prepareCoupons, redeemCoupon } from "../actions/coupons.ts";
import { at, ORIGIN } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { signedUpUser } from "./browser-user.ts";
import { linkOnPage, textOf } from "./html.ts";

const here = isolate({}, { KV: env.KV, DB: env.DB }, { options: { actions: [redeemCoupon] } });
const { call } = here;
const NEW = "/console/actions/new/redeemCoupon";

beforeEach(() => prepareCoupons("SUMMER", 2));

it("an action of one's own goes from the form to the code, the button and the Activity page", async () => {
  const [shop, customer] = [await signedUpUser(call), await signedUpUser(call)];
  expect((await shop.get("/console/actions")).text).toContain('href="/console/actions/new"');
  const choices = await shop.get("/console/actions/new");
  expect(textOf(choices)).toContain("Share my contact Anyone who opens");
  expect(choices.text).toContain(`href="${NEW}"`);
  const form = await shop.get(NEW);
  expect(textOf(form)).toContain("Coupon");
  const refused = await shop.submit(form, NEW, { code: "WINTER" });
  expect(refused.status).toBe(422);
  const issued = await shop.submit(form, NEW, { code: "SUMMER", token_preset: "10x86400" });
  const link = linkOnPage(issued, `${ORIGIN}/a/lk_act_`).slice(ORIGIN.length);

  const page = await customer.get(link);
  expect(textOf(page)).toContain("Redeem coupon. Coupon: SUMMER");
  expect(textOf(await customer.submit(page, link))).toContain("Done: Redeem coupon.");
  const again = await customer.submit(await customer.get(link), link);
  expect([again.status, textOf(again)]).toEqual([
    422,
    expect.stringContaining("You have used this coupon already."),
  ]);
  expect(textOf(await customer.get("/console/activity"))).toContain("You redeemed a coupon");
});

it("it is in the API document, which has another tag then, and in its pages", async () => {
  const [own, usual] = [
    await call("GET", "/openapi.json"),
    await isolate().call("GET", "/openapi.json"),
  ];
  const schema = (...path: readonly string[]) => at(own, "components", "schemas", ...path);
  expect(schema("GenerateActionToken", "properties", "action", "enum")).toEqual([
    "addContact",
    "redeemCoupon",
  ]);
  expect(schema("RedeemCouponPayload", "required")).toEqual(["code"]);
  expect(schema("AuditEventKind", "enum")).toContain("coupon.redeemed");
  expect(schema("PersonalData", "properties", "coupon_uses", "type")).toBe("array");
  expect(own.headers.get("etag")).not.toBe(usual.headers.get("etag"));
  const etag = own.headers.get("etag") ?? "";
  const known = await call("GET", "/openapi.json", { headers: { "if-none-match": etag } });
  expect(known.status).toBe(304);
  const docs = await call("GET", "/docs/generateActionToken");
  expect([docs.status, docs.text.includes("redeemCoupon")]).toEqual([200, true]);
});
