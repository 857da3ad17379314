-- Tables of your own. Later changes are new files, 0002_….sql: those that were applied stay as they are.
CREATE TABLE coupons (
  code TEXT NOT NULL PRIMARY KEY,
  max_uses INTEGER NOT NULL
) STRICT;

CREATE TABLE coupon_uses (
  code TEXT NOT NULL REFERENCES coupons (code),
  user_id BLOB NOT NULL REFERENCES users (id), -- 16 bytes, which `uuid` makes of an id
  used_at INTEGER NOT NULL,
  PRIMARY KEY (code, user_id)
) STRICT, WITHOUT ROWID;

INSERT INTO coupons (code, max_uses) VALUES ('WELCOME', 100);
