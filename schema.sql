-- Latchkey's database. Every statement can be repeated on a database that has it already.
-- Times are milliseconds since the Unix epoch, IDs are the 16 bytes of a UUID; in JSON they are text.

CREATE TABLE IF NOT EXISTS users (
  id           BLOB NOT NULL PRIMARY KEY,
  kind         TEXT NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'service')), -- a service has API tokens and no log-in
  email        TEXT NOT NULL,               -- in the normal form of core/user.ts; of a service `service:<name>`, which is no email
  password     TEXT NOT NULL,               -- PHC string or imported hash; empty if deleted, or if the account was created with an identity
  role         TEXT NOT NULL DEFAULT 'User' CHECK (role IN ('User', 'Admin')),
  credential_version INTEGER NOT NULL DEFAULT 0, -- raising it revokes every older credential
  api_token_version INTEGER NOT NULL DEFAULT 0, -- raising it revokes every older API token
  login_version INTEGER NOT NULL DEFAULT 0, -- raised by "log out everywhere else"; carried by JWTs obtained with a password, which have no row
  first_name   TEXT,
  last_name    TEXT,
  phone_number TEXT,
  dob          TEXT,
  gender       TEXT,
  created_on   INTEGER NOT NULL,
  modified_on  INTEGER NOT NULL,
  deleted_on   INTEGER,
  verified_on  INTEGER,                     -- when the user proved to own the email; null for a new email
  disabled_on  INTEGER,                     -- set by an operator: all credentials are refused
  ha1b         TEXT,                        -- Argon2id of md5(email:domain:password), to look up the account; null if HA1B is not used
  metadata     TEXT NOT NULL DEFAULT '{}' CHECK (json_type(metadata) = 'object' AND length(CAST(metadata AS BLOB)) <= 4096), -- the deployment's own facts
  external_id  TEXT CHECK (json_type(external_id) IN ('text', 'integer')), -- their id in the system that they came from, as JSON
  pending_email TEXT,                       -- requested but not yet proven; nothing is compared with it
  undo_email   TEXT,                        -- the email before a change, whose owner can undo the change
  undo_until   INTEGER,                     -- until then; no other account can use undo_email meanwhile
  email_login_at INTEGER,                   -- last log-in by email; null if never, and then the email is not known to be a way in
  identities_revoked_on INTEGER,            -- an ID token issued before this links no identity
  CHECK (kind = 'person' OR (password = '' AND ha1b IS NULL AND pending_email IS NULL AND verified_on IS NULL))
) STRICT, WITHOUT ROWID;

-- One account per email. A deleted account does not reserve its email.
CREATE UNIQUE INDEX IF NOT EXISTS users_email ON users (email) WHERE deleted_on IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS users_external_id ON users (external_id) WHERE external_id IS NOT NULL AND deleted_on IS NULL;
CREATE INDEX IF NOT EXISTS users_deleted ON users (deleted_on) WHERE deleted_on IS NOT NULL; -- for housekeeping
CREATE INDEX IF NOT EXISTS users_undo_email ON users (undo_email) WHERE undo_email IS NOT NULL;

-- One row per token that can be revoked or used up, per JWT that something was derived from or that was revoked, and
-- per chain in a status list (with `jtis` and `loginVersion` in detail). A derived
-- credential is refused once its parent's row is gone. So rows are kept for an hour after expires_at at least,
-- while nothing derived from a row outlives its expires_at.
CREATE TABLE IF NOT EXISTS tokens (
  id          BLOB NOT NULL PRIMARY KEY,    -- digest of the secret; jti of a JWT, sid of a family
  kind        TEXT NOT NULL CHECK (kind IN ('session', 'api', 'action', 'family', 'jwt')),
  user_id     BLOB NOT NULL REFERENCES users (id),
  credential_version INTEGER NOT NULL,      -- the user's at creation
  api_token_version INTEGER,                -- API tokens: the user's at creation
  created_at  INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  revoked_at  INTEGER,
  authenticated_at INTEGER,                 -- sessions: when the user last proved who they are, if that is not created_at
  used_at     INTEGER,                      -- API tokens: last use, rounded to the hour
  uses        INTEGER NOT NULL DEFAULT 0,   -- action tokens
  max_uses    INTEGER CHECK (uses <= max_uses),
  won_by      BLOB,                         -- which request won last: the receipt of a run, or the jti of a rotation
  rotation    INTEGER NOT NULL DEFAULT 0,   -- families: how often the refresh token was rotated
  rotated_at  INTEGER,
  status_index INTEGER,                     -- families, and rows that list an exchanged chain: the index in the status lists
  parents     TEXT CHECK (json_valid(parents)), -- API and action tokens: JSON array of the IDs of everything that they were derived from
  replaced_by BLOB,                         -- API tokens: the successor, if rotated with a grace period
  disabled_at INTEGER,                      -- API tokens: refused while set, with all that was derived from them
  meter       BLOB,                         -- API tokens: the row of token_meters that counts their uses
  allowed_ips TEXT CHECK (json_valid(allowed_ips)), -- API tokens: JSON array of the networks they may be used from
  device      INTEGER,                      -- sessions and families: first_seen_at of the user's device; with what, and from where:
  way         TEXT,
  city        TEXT,
  address     TEXT,                         -- as EVENT_ADDRESS allows
  detail      TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(detail))
) STRICT, WITHOUT ROWID;

-- For lists of a user's tokens of one kind that were neither revoked nor used up, newest first.
CREATE INDEX IF NOT EXISTS tokens_list ON tokens (user_id, kind, credential_version, api_token_version, created_at, id)
  WHERE revoked_at IS NULL AND (max_uses IS NULL OR uses < max_uses);

-- For a user's list of revoked API tokens, and for their export. Only a revocation writes it.
CREATE INDEX IF NOT EXISTS tokens_revoked ON tokens (user_id, kind, revoked_at) WHERE kind <> 'action' AND revoked_at IS NOT NULL;

-- All action tokens that a user issued, newest first: also those that can no longer be used. The service's own, for
-- emails, are in no list.
CREATE INDEX IF NOT EXISTS tokens_actions ON tokens (user_id, created_at, id)
  WHERE kind = 'action' AND json_extract(detail, '$.internal') IS NULL;

-- For housekeeping. Families are found by their ids, so that a log-in for a JWT pair writes no row more.
CREATE INDEX IF NOT EXISTS tokens_expiry ON tokens (expires_at) WHERE (kind = 'api' OR kind = 'action');
CREATE INDEX IF NOT EXISTS tokens_login_expiry ON tokens (expires_at) WHERE (kind = 'session' OR kind = 'jwt');

-- A new index is one more than the greatest: the index leads to both.
CREATE INDEX IF NOT EXISTS tokens_status ON tokens (status_index) WHERE status_index IS NOT NULL;

CREATE INDEX IF NOT EXISTS tokens_meter ON tokens (meter) WHERE meter IS NOT NULL;

-- Families whose ids do not tell when they expire: those that were extended past that, and those of an earlier system.
CREATE TABLE IF NOT EXISTS family_expiries (
  at INTEGER NOT NULL,                      -- when housekeeping looks at it: its expires_at, or earlier
  id BLOB NOT NULL,
  PRIMARY KEY (at, id)
) STRICT, WITHOUT ROWID;

-- What may still be charged with an API token. One row for a token and all its rotations, so that a grace
-- period doubles nothing.
CREATE TABLE IF NOT EXISTS token_meters (
  id             BLOB NOT NULL PRIMARY KEY,
  remaining      INTEGER CHECK (remaining >= 0),
  limit_max      INTEGER,
  limit_seconds  INTEGER,
  window_started_at INTEGER,
  window_used    INTEGER NOT NULL DEFAULT 0,
  charged_by     BLOB                       -- the request that charged last
) STRICT, WITHOUT ROWID;

-- Requests with an idempotency key that found an API token active, for a day: repeated, they charge nothing.
CREATE TABLE IF NOT EXISTS token_charges (
  id             TEXT NOT NULL PRIMARY KEY, -- digest of the caller and their key
  request_digest TEXT NOT NULL,             -- HMAC of the request, keyed with the token's secret
  charged_at     INTEGER NOT NULL,
  meter          TEXT CHECK (json_valid(meter)) -- what was left afterwards
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS token_charges_expiry ON token_charges (charged_at);

CREATE TABLE IF NOT EXISTS receipts (
  id              BLOB NOT NULL PRIMARY KEY,
  token_id        BLOB NOT NULL,
  action          TEXT NOT NULL,
  run_by          BLOB NOT NULL REFERENCES users (id),
  run_at          INTEGER NOT NULL,
  data            TEXT NOT NULL CHECK (json_valid(data)),
  idempotency_key TEXT,                     -- prefixed with the caller that it belongs to
  request_digest  TEXT,                     -- HMAC, keyed with the token's secret, of the request that had the idempotency key
  issued_by       BLOB NOT NULL             -- who had created the token
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX IF NOT EXISTS receipts_idempotency
  ON receipts (idempotency_key) WHERE idempotency_key IS NOT NULL;

-- Outbox: tombstones that still have to be written to KV.
CREATE TABLE IF NOT EXISTS pending_revocations (
  key        TEXT NOT NULL PRIMARY KEY,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When the database was last known to take writes, by its own clock. A replica that shows this row shows all that
-- was written before.
CREATE TABLE IF NOT EXISTS heartbeat (
  only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
  at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Housekeeping: who is at work, and what the last run left.
CREATE TABLE IF NOT EXISTS housekeeping_run (
  only        INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
  lease       BLOB,                         -- the run that is at work
  until       INTEGER NOT NULL,             -- it has died if it is still there then
  minute_at   INTEGER NOT NULL,             -- the minute that left_ms counts from
  left_ms     INTEGER NOT NULL,             -- how long statements may still take in it
  finished_at INTEGER,
  overdue_at  INTEGER,                      -- since when the oldest row that it left should have been gone
  archive_failed_at INTEGER                 -- since when EVENTS_ARCHIVE has not taken events
) STRICT, WITHOUT ROWID;

-- The progress of each housekeeping task.
CREATE TABLE IF NOT EXISTS housekeeping (
  task   TEXT NOT NULL PRIMARY KEY,
  cursor TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS contacts (
  user_id    BLOB NOT NULL REFERENCES users (id),
  contact_id BLOB NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL,
  token_id   BLOB,                          -- the action token over which they met; null if it was another way
  issuer_id  BLOB,                          -- who had created it: one of the two, or whoever introduced them
  PRIMARY KEY (user_id, contact_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS contacts_list ON contacts (user_id, created_at, contact_id);
-- To find everyone who has a user as a contact: resetting the password of an account whose email was never
-- verified removes all contacts, because a stranger may have signed up with the email.
-- A user also sees who has them, newest first.
CREATE INDEX IF NOT EXISTS contacts_of ON contacts (contact_id, created_at, user_id);

-- What happened, which is the audit log: every change and every failed authentication. The primary key is also
-- the index for a user's list in order of time. EVENT_LOG (src/storage/event-rows.ts) has its rows with their words.
CREATE TABLE IF NOT EXISTS events (
  user_id    BLOB NOT NULL,                 -- whose event; the nil UUID if no user is known
  id         BLOB NOT NULL,                 -- UUIDv7, which says when
  kind       INTEGER NOT NULL,              -- its number in core/events.ts; 0: an action's own
  own_kind   TEXT,                          -- then its name
  refused    INTEGER NOT NULL DEFAULT 0,    -- a failure to authenticate
  done_by    INTEGER NOT NULL DEFAULT 0,    -- 0: `actor`; 1: the user; 2: an operator: its user learns that, and not who or from where
  actor      BLOB,                          -- the other user who did it; null if unknown
  credential BLOB,                          -- ID of the token or JWT that was sent
  subject    BLOB,                          -- ID of what was created, changed or revoked
  address    INTEGER,                       -- as EVENT_ADDRESS allows: IPv4 and networks as numbers
  ipv6       TEXT,                          -- a whole IPv6 address
  request_id TEXT,                          -- not of routine
  count      INTEGER NOT NULL DEFAULT 1,    -- events without a user are counted, per network and isolate
  PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;

-- What operators look for among the events of all users, in order of time: attacks, and what operators did.
CREATE INDEX IF NOT EXISTS events_watched ON events (id)
  WHERE (refused = 1 AND user_id <> x'00000000000000000000000000000000') OR done_by = 2;

-- The users with events of each day (UTC), by which those that have expired are found: most events add no row.
CREATE TABLE IF NOT EXISTS event_days (
  day     INTEGER NOT NULL,                 -- since 1970
  user_id BLOB NOT NULL,
  PRIMARY KEY (day, user_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER IF NOT EXISTS events_of_day AFTER INSERT ON events
WHEN NEW.user_id <> x'00000000000000000000000000000000' BEGIN
  INSERT OR IGNORE INTO event_days (day, user_id)
    VALUES ((('0x' || substr(hex(NEW.id), 1, 12)) ->> '$') / 86400000, NEW.user_id);
END;

-- Outbox: events that a receiver (`on` of createLatchkey, or the webhook) has not accepted yet. Written in the
-- batch of the event, only where there is a receiver.
CREATE TABLE IF NOT EXISTS deliveries (
  receiver   TEXT NOT NULL CHECK (receiver IN ('handler', 'webhook')),
  user_id    BLOB NOT NULL,
  position   INTEGER NOT NULL,              -- the order in which the user's events were committed; their ids follow clocks
  event_id   BLOB NOT NULL,
  queued_at  INTEGER NOT NULL,
  due_at     INTEGER NOT NULL,              -- of a user's first: not sent before. The others wait for it
  attempts   INTEGER NOT NULL DEFAULT 0,    -- that failed
  lease      BLOB,                          -- of a user's first: whoever sends them, until due_at
  PRIMARY KEY (receiver, user_id, position)
) STRICT, WITHOUT ROWID;

-- Events that a receiver did not accept in three days. `npm run events -- replay` queues them again.
CREATE TABLE IF NOT EXISTS dead_letters (
  receiver   TEXT NOT NULL,
  user_id    BLOB NOT NULL,
  event_id   BLOB NOT NULL,
  attempts   INTEGER NOT NULL,
  reason     TEXT NOT NULL,                 -- of the last failure
  died_at    INTEGER NOT NULL,
  PRIMARY KEY (receiver, user_id, event_id)
) STRICT, WITHOUT ROWID;

-- For the export of a user's data, which includes used-up tokens and the user's own runs. The other kinds, of which
-- each log-in writes one, have no index for it: `tokens_list` and `tokens_revoked` have them all.
CREATE INDEX IF NOT EXISTS tokens_owner ON tokens (user_id, id) WHERE kind = 'action';
CREATE INDEX IF NOT EXISTS receipts_runner ON receipts (run_by, id);
CREATE INDEX IF NOT EXISTS receipts_token ON receipts (token_id, id);

-- What a user's action tokens were used for, newest first.
CREATE INDEX IF NOT EXISTS receipts_issuer ON receipts (issued_by, run_at, id);

-- Limits emails per address, across all accounts and everyone who can cause them. The row names the sender
-- whose turn it is (the token in the email, or a delivery of notices): no other email is sent meanwhile.
CREATE TABLE IF NOT EXISTS mails (
  id         TEXT NOT NULL PRIMARY KEY,     -- digest of the address
  token_id   BLOB NOT NULL,
  sent_at    INTEGER NOT NULL,
  sent       TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(sent)), -- times of the last day's emails that strangers can cause
  noticed_at INTEGER NOT NULL DEFAULT 0,    -- last security notice
  wrong_codes TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(wrong_codes)), -- times of the last day's wrong log-in codes
  due_at     INTEGER NOT NULL DEFAULT 0     -- when housekeeping looks at it: written at the insert, so that an email costs no index
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS mails_due ON mails (due_at);

-- Browsers and programs with which a user has logged in, as far as they can be told apart: what they say they are,
-- and their country. The newest 50 of a user; written in the batch that opens a log-in.
CREATE TABLE IF NOT EXISTS devices (
  user_id       BLOB NOT NULL REFERENCES users (id),
  first_seen_at INTEGER NOT NULL,           -- no other of the user has the same
  last_seen_at  INTEGER NOT NULL,
  browser       TEXT,
  system        TEXT,
  country       TEXT,                       -- null where EVENT_ADDRESS keeps no place
  city          TEXT,                       -- of the last log-in
  way           TEXT NOT NULL,              -- with what the last log-in was made
  networks      TEXT NOT NULL CHECK (json_type(networks) = 'object'), -- of the last twenty: digest, and hour of the last log-in
  PRIMARY KEY (user_id, first_seen_at)
) STRICT, WITHOUT ROWID;

-- Log-ins by email, until they expire: a link and a code, of which the first that is used spends both. A row is
-- written only in the batch that takes the address's turn in `mails`.
CREATE TABLE IF NOT EXISTS email_logins (
  id         BLOB NOT NULL PRIMARY KEY,     -- digest of the secret in the link
  challenge  BLOB NOT NULL,                 -- digest of what the asker was answered, with which the code must be shown
  code       TEXT NOT NULL,                 -- HMAC of the code, keyed with the challenge
  email      TEXT NOT NULL,
  address    TEXT NOT NULL,                 -- the email's row in `mails`
  credential_version INTEGER,               -- the account's when it was asked; null if there was none
  device     TEXT NOT NULL CHECK (json_valid(device)), -- where it was asked
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  tries      INTEGER NOT NULL DEFAULT 0,    -- of the code
  used_at    INTEGER,
  used_by    BLOB                           -- the request that spent it
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX IF NOT EXISTS email_logins_challenge ON email_logins (challenge);
CREATE INDEX IF NOT EXISTS email_logins_expiry ON email_logins (expires_at);

-- Security notices for the owner of an account, to a proven email, until it was handed over. Written in the
-- batch of the change; sent after the answer or by housekeeping, with one email per address for all that are due.
CREATE TABLE IF NOT EXISTS notices (
  user_id   BLOB NOT NULL,
  id        BLOB NOT NULL,                  -- UUIDv7
  email     TEXT NOT NULL,                  -- the recipient
  kind      TEXT NOT NULL,                  -- a kind in core/security-notices.ts, or token_leaked
  subject   BLOB,                           -- ID of what it is about
  detail    TEXT CHECK (json_valid(detail)), -- new_login: with what, from which device
  at        INTEGER NOT NULL,
  due_at    INTEGER NOT NULL,               -- not sent before
  attempts  INTEGER NOT NULL DEFAULT 0,
  lease     BLOB,                           -- the delivery that reserved it last
  PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;

-- Failed login attempts, per account (or digest of an email without one), and per account and network.
-- An attempt is counted before the password is hashed, and its row goes where it was right. The key begins with
-- when housekeeping deletes it, so that an attempt writes no index.
CREATE TABLE IF NOT EXISTS login_attempts (
  due_at     INTEGER NOT NULL,              -- when all attempts will have drained for certain: a day, or ten
  id         TEXT NOT NULL,                 -- account, or account/digest of the network
  drained_at INTEGER NOT NULL,              -- when all attempts will have drained
  PRIMARY KEY (due_at, id)
) STRICT, WITHOUT ROWID;

-- OpenID accounts with which users can log in. A separate table, so that a new issuer needs only a setting.
-- Only `subject` identifies a person permanently: an email at an issuer can be given to someone else.
CREATE TABLE IF NOT EXISTS identities (
  issuer     TEXT NOT NULL,
  subject    TEXT NOT NULL,
  user_id    BLOB NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL,
  email      TEXT,                          -- the account's email when it was linked
  used_at    INTEGER,                       -- last use, rounded to the hour
  PRIMARY KEY (issuer, subject),
  UNIQUE (user_id, issuer)                  -- one account per issuer and user
) STRICT, WITHOUT ROWID;

-- Passkeys (WebAuthn Level 3 section 5.1) with which users can log in.
CREATE TABLE IF NOT EXISTS passkeys (
  id            BLOB NOT NULL PRIMARY KEY,  -- digest of the credential ID and the user
  user_id       BLOB NOT NULL REFERENCES users (id),
  credential_id TEXT NOT NULL,              -- as the authenticator chose it, base64url
  public_key    TEXT NOT NULL,              -- COSE_Key (RFC 9052 section 7), base64url
  name          TEXT NOT NULL,
  aaguid        TEXT,                       -- the model of authenticator; null where it does not say
  transports    TEXT NOT NULL CHECK (json_valid(transports)), -- JSON array, as the browser reported them
  counter       INTEGER NOT NULL,           -- the highest signature counter seen; 0 where the authenticator counts nothing
  is_backup_eligible INTEGER NOT NULL CHECK (is_backup_eligible IN (0, 1)), -- may be on several devices
  is_backed_up  INTEGER NOT NULL CHECK (is_backed_up IN (0, 1)),
  created_at    INTEGER NOT NULL,
  used_at       INTEGER                     -- last log-in
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS passkeys_owner ON passkeys (user_id, id);
CREATE INDEX IF NOT EXISTS passkeys_credential ON passkeys (credential_id, created_at);

-- Asked which passkeys it has, an email without any gets credential IDs made of this, which stay the same.
CREATE TABLE IF NOT EXISTS decoys (
  only   INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
  secret TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO decoys (only, secret) VALUES (1, lower(hex(randomblob(32))));

-- Challenges of WebAuthn that registered a passkey or logged in with one, and log-ins by redirect, until they would
-- have expired. Asking for a challenge, and starting a log-in, writes nothing.
CREATE TABLE IF NOT EXISTS used_challenges (
  expires_at INTEGER NOT NULL,              -- part of the challenge, so that it is the same for all who show it
  id         TEXT NOT NULL,                 -- digest of the challenge, or of the log-in's secret
  used_by    BLOB,                          -- the log-in with a passkey that spent it
  PRIMARY KEY (expires_at, id)
) STRICT, WITHOUT ROWID;

-- The second factor of an account: TOTP (RFC 6238).
CREATE TABLE IF NOT EXISTS second_factors (
  user_id    BLOB NOT NULL PRIMARY KEY REFERENCES users (id),
  secret     TEXT NOT NULL,                 -- encrypted with a key of ENCRYPTION_KEYS, bound to the user
  created_at INTEGER NOT NULL,
  confirmed_at INTEGER,                     -- null: pending, and asked for nowhere
  last_step  INTEGER NOT NULL DEFAULT 0     -- the time step of the last accepted code: none works twice
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS recovery_codes (
  user_id    BLOB NOT NULL REFERENCES users (id),
  digest     TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  used_at    INTEGER,
  PRIMARY KEY (user_id, digest)
) STRICT, WITHOUT ROWID;

-- To look up the account of an HA1B token, which does not name it.
CREATE INDEX IF NOT EXISTS users_ha1b ON users (ha1b) WHERE ha1b IS NOT NULL;
