import * as v from "valibot";
import { createLatchkey, defineAction } from "latchkey";

export const redeemCoupon = defineAction({
  name: "redeemCoupon",
  payload: v.object({
    code: v.pipe(v.string(), v.minLength(1), v.maxLength(40), v.title("Coupon")),
    note: v.optional(v.string()),
  }),
  answer: v.object({ code: v.string() }),
  tables: [{ name: "coupon_uses", userColumn: "user_id", expiresColumn: "expires_at" }],
  events: { "coupon.redeemed": "You redeemed a coupon" },
  constraint: "You have used this coupon already.",
  check: ({ payload: { code }, sql }) => [
    {
      holds: sql`(SELECT max_uses FROM coupons WHERE code = ${code})
        > (SELECT COUNT(*) FROM coupon_uses WHERE code = ${code})`,
      field: "code",
      message: "This coupon is used up.",
    },
  ],
  run: ({ payload: { code }, runner, nowMs, once, sql, uuid }) => ({
    writes: once(
      sql`INSERT INTO coupon_uses (code, user_id, used_at) VALUES (${code}, ${uuid(runner)}, ${nowMs})`,
    ),
    answer: { code },
    event: "coupon.redeemed",
  }),
});

export default createLatchkey({ actions: [redeemCoupon] });
