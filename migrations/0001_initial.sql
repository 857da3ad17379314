-- The database of the first release: the same as schema.sql, with which it changes until then.
-- Times are milliseconds since the Unix epoch, ids are UUIDs in lower case.

CREATE TABLE users (
  id           TEXT NOT NULL PRIMARY KEY,
  email        TEXT NOT NULL,               -- as it compares: core/user.ts
  password     TEXT NOT NULL,               -- PHC string, or what an import brought; empty once deleted, or made by an identity
  role         TEXT NOT NULL DEFAULT 'User' CHECK (role IN ('User', 'Admin')),
  credential_version        INTEGER NOT NULL DEFAULT 0,  -- raised: every older credential is dead
  api_token_version    INTEGER NOT NULL DEFAULT 0,  -- raised: every older API token is dead
  login_version INTEGER NOT NULL DEFAULT 0, -- raised by "log out everywhere else": JWTs obtained with a password alone, which have no row, carry it
  first_name   TEXT,
  last_name    TEXT,
  phone_number TEXT,
  dob          TEXT,
  gender       TEXT,
  created_on   INTEGER NOT NULL,
  modified_on  INTEGER NOT NULL,
  deleted_on   INTEGER,
  verified_on  INTEGER,                     -- when the e-mail was proven to be hers; a new one is not yet
  disabled_on  INTEGER,                     -- set by an operator: nothing of the account stands
  ha1b         TEXT,                        -- Argon2id of md5(e-mail:domain:password), by which it is found; null: none
  metadata     TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
  pending_email TEXT,                       -- wanted and not yet proven: compared with nothing
  undo_email   TEXT,                        -- the e-mail before a change: who reads its mailbox may put it back
  undo_until   INTEGER,                     -- for so long; nobody else gets it meanwhile
  identities_revoked_on INTEGER               -- an ID token that was issued before links nothing
) STRICT, WITHOUT ROWID;

-- One living account for an e-mail; a deleted one does not hold it.
CREATE UNIQUE INDEX users_email ON users (email) WHERE deleted_on IS NULL;
CREATE INDEX users_undo_email ON users (undo_email) WHERE undo_email IS NOT NULL;

-- What is active: one row for each thing that can be revoked early or used up, and for a JWT that something
-- was derived from. Whatever is derived from a row asks for it, and is refused once it is gone: it outlives
-- its expires_at by two days, and nothing that is derived from it outlives its expires_at.
CREATE TABLE tokens (
  id          TEXT NOT NULL PRIMARY KEY,    -- digest of the secret; for a JWT its jti, for a family its sid
  kind        TEXT NOT NULL CHECK (kind IN ('session', 'api', 'action', 'family', 'jwt')),
  user_id     TEXT NOT NULL REFERENCES users (id),
  credential_version       INTEGER NOT NULL,             -- the user's, when it was made
  api_token_version   INTEGER,                      -- the user's, when an API token was made
  created_at  INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  revoked_at  INTEGER,
  used_at     INTEGER,                      -- API tokens: last use, to the hour
  uses        INTEGER NOT NULL DEFAULT 0,   -- action tokens
  max_uses    INTEGER CHECK (uses <= max_uses),
  claim       TEXT,                         -- who won last: a run's receipt, or a rotation's jti
  rotation    INTEGER NOT NULL DEFAULT 0,   -- families: how often the refresh token was replaced
  rotated_at  INTEGER,
  status_index INTEGER,                     -- families: the place in the status lists
  parents     TEXT CHECK (json_valid(parents)), -- API and action tokens: ids of all that they were derived from, a JSON array
  replaced_by TEXT,                         -- API tokens: the successor, once rotated with a grace
  detail      TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(detail))
) STRICT, WITHOUT ROWID;

-- The lists: a user's own of one kind that have been neither ended nor used up, newest first.
CREATE INDEX tokens_list ON tokens (user_id, kind, credential_version, api_token_version, created_at, id)
  WHERE revoked_at IS NULL AND (max_uses IS NULL OR uses < max_uses);

CREATE INDEX tokens_status ON tokens (status_index) WHERE status_index IS NOT NULL;

-- The next free place in the status lists.
CREATE TABLE status_indexes (
  only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
  next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE receipts (
  id              TEXT NOT NULL PRIMARY KEY,
  token_id        TEXT NOT NULL,
  action          TEXT NOT NULL,
  run_by          TEXT NOT NULL REFERENCES users (id),
  run_at          INTEGER NOT NULL,
  data            TEXT NOT NULL CHECK (json_valid(data)),
  idempotency_key TEXT,                     -- with the caller that it is bound to in front
  request_digest  TEXT                      -- of the request that had the key; keyed by the token's secret
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX receipts_idempotency
  ON receipts (idempotency_key) WHERE idempotency_key IS NOT NULL;

-- Marks of what was ended that KV has yet to take.
CREATE TABLE pending_revocations (
  key        TEXT NOT NULL PRIMARY KEY,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far each task of housekeeping has come.
CREATE TABLE housekeeping (
  task   TEXT NOT NULL PRIMARY KEY,
  cursor TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE contacts (
  user_id    TEXT NOT NULL REFERENCES users (id),
  contact_id TEXT NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, contact_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX contacts_list ON contacts (user_id, created_at, contact_id);
-- Who has somebody as a contact: a stranger who had her e-mail before her has her no longer.
CREATE INDEX contacts_of ON contacts (contact_id, user_id);

-- Who did what, when and from where: every change, and every failure to authenticate. The primary
-- key is the list of a user's own, in the order of time, so that an event costs one row written.
CREATE TABLE audit (
  user_id    TEXT NOT NULL,                 -- whose; the nil UUID where nobody is named
  id         TEXT NOT NULL,                 -- UUIDv7
  at         INTEGER NOT NULL,
  what       TEXT NOT NULL,                 -- one of core/audit.ts
  outcome    TEXT NOT NULL CHECK (outcome IN ('done', 'refused')),
  actor      TEXT,                          -- the user who did it; null where nobody knows
  credential TEXT,                          -- the token or JWT that was shown, by its id
  subject    TEXT,                          -- what was made, changed or ended, by its id
  address    TEXT,                          -- as AUDIT_ADDRESS allows
  request_id TEXT,
  count      INTEGER NOT NULL DEFAULT 1,    -- of what names nobody: how many there were, of one network and isolate
  PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;

-- The export of all that is held about a user: also what has ended, and what she has run.
CREATE INDEX tokens_owner ON tokens (user_id, id);
CREATE INDEX receipts_runner ON receipts (run_by, id);
CREATE INDEX receipts_token ON receipts (token_id, id);

-- The mails to one address, whoever asks for them and whichever account names it. Who takes the turn in which
-- no other is sent stands in the row: the token in the mail, or the sending of notices.
CREATE TABLE mails (
  id         TEXT NOT NULL PRIMARY KEY,     -- digest of the address
  token_id   TEXT NOT NULL,
  sent_at    INTEGER NOT NULL,
  sent       TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(sent)), -- when each of the last day was, of those that strangers can cause
  noticed_at INTEGER NOT NULL DEFAULT 0     -- last security notice
) STRICT, WITHOUT ROWID;

-- What its owner must be told of an account, until the mail was handed over, at an e-mail that was proven: written in the batch of the
-- change, sent after the answer or by housekeeping, all that is due to one address in one mail.
CREATE TABLE notices (
  user_id   TEXT NOT NULL,
  id        TEXT NOT NULL,                  -- UUIDv7
  email     TEXT NOT NULL,                  -- to whom
  kind      TEXT NOT NULL,                  -- one of core/security-notices.ts, or token_leaked
  subject   TEXT,                           -- what it is about, by its id
  at        INTEGER NOT NULL,
  due_at    INTEGER NOT NULL,               -- nobody sends it before
  tries     INTEGER NOT NULL DEFAULT 0,
  lease     TEXT,                           -- the sending that took it last
  PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;

-- How often an account's password was tried and not found right, by account (for an e-mail without
-- one, by its digest) and by account and network. It grows before the password is hashed.
CREATE TABLE login_attempts (
  id           TEXT NOT NULL PRIMARY KEY,   -- the account; or account/digest of the network
  drained_at INTEGER NOT NULL,            -- when the last of them will be forgotten
  last_login_at     INTEGER                      -- networks: last login from there
) STRICT, WITHOUT ROWID;

-- Accounts at OpenID issuers that open one here. A table and not columns on the user, so that another
-- issuer is a row of settings and not a change of this schema. An issuer names a person by `subject`
-- alone, for ever; an e-mail there can go to somebody else.
CREATE TABLE identities (
  issuer     TEXT NOT NULL,
  subject    TEXT NOT NULL,
  user_id    TEXT NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL,
  email      TEXT,                          -- of the account when it was linked
  used_at    INTEGER,                       -- last use, to the hour
  PRIMARY KEY (issuer, subject),
  UNIQUE (user_id, issuer)                  -- a second person of one issuer does not join an account
) STRICT, WITHOUT ROWID;

-- Whose digest an HA1B token is: the token itself names nobody.
CREATE INDEX users_ha1b ON users (ha1b) WHERE ha1b IS NOT NULL;
