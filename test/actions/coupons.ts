import { env } from "cloudflare:workers";

export { redeemCoupon } from "./redeem-coupon.ts";

/** The tables of the action, and one coupon. */
export async function prepareCoupons(code: string, maxUses: number): Promise<void> {
  await env.DB.batch([
    env.DB.prepare(
      "CREATE TABLE IF NOT EXISTS coupons (code TEXT NOT NULL PRIMARY KEY, max_uses INTEGER NOT NULL) STRICT",
    ),
    env.DB.prepare(
      `CREATE TABLE IF NOT EXISTS coupon_uses (code TEXT NOT NULL REFERENCES coupons (code), user_id BLOB NOT NULL REFERENCES users (id),
        used_at INTEGER NOT NULL, expires_at INTEGER, PRIMARY KEY (code, user_id)) STRICT, WITHOUT ROWID`,
    ),
    env.DB.prepare("INSERT OR REPLACE INTO coupons VALUES (?, ?)").bind(code, maxUses),
  ]);
}

export const couponUses = (code: string) =>
  env.DB.prepare("SELECT COUNT(*) AS n FROM coupon_uses WHERE code = ?").bind(code).first("n");
