INSERT INTO coupons (code, max_uses) VALUES ('LAST', 1);
