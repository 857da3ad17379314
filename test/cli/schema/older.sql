-- schema.sql as it was before operators, the audit and identities (commit 05d9036).
CREATE TABLE IF NOT EXISTS users (
 id TEXT NOT NULL PRIMARY KEY,
 email TEXT NOT NULL,
 password TEXT NOT NULL,
 role TEXT NOT NULL DEFAULT 'User' CHECK (role IN ('User', 'Admin')),
 credential_version INTEGER NOT NULL DEFAULT 0,
 api_token_version INTEGER NOT NULL DEFAULT 0,
 first_name TEXT,
 last_name TEXT,
 phone_number TEXT,
 dob TEXT,
 gender TEXT,
 created_on INTEGER NOT NULL,
 modified_on INTEGER NOT NULL,
 deleted_on INTEGER,
 verified_on INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS users_email ON users (email) WHERE deleted_on IS NULL;
CREATE TABLE IF NOT EXISTS tokens (
 id TEXT NOT NULL PRIMARY KEY,
 kind TEXT NOT NULL CHECK (kind IN ('session', 'api', 'action', 'family', 'jwt')),
 user_id TEXT NOT NULL REFERENCES users (id),
 credential_version INTEGER NOT NULL,
 api_token_version INTEGER,
 created_at INTEGER NOT NULL,
 modified_at INTEGER NOT NULL,
 expires_at INTEGER NOT NULL,
 revoked_at INTEGER,
 used_at INTEGER,
 uses INTEGER NOT NULL DEFAULT 0,
 max_uses INTEGER CHECK (uses <= max_uses),
 claim TEXT,
 rotation INTEGER NOT NULL DEFAULT 0,
 rotated_at INTEGER,
 status_index INTEGER,
 detail TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(detail))
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tokens_list ON tokens (user_id, kind, credential_version, api_token_version, created_at, id)
 WHERE revoked_at IS NULL AND (max_uses IS NULL OR uses < max_uses);
CREATE INDEX IF NOT EXISTS tokens_status ON tokens (status_index) WHERE status_index IS NOT NULL;
CREATE TABLE IF NOT EXISTS status_indexes (
 only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
 next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS receipts (
 id TEXT NOT NULL PRIMARY KEY,
 token_id TEXT NOT NULL,
 action TEXT NOT NULL,
 run_by TEXT NOT NULL REFERENCES users (id),
 run_at INTEGER NOT NULL,
 data TEXT NOT NULL CHECK (json_valid(data)),
 idempotency_key TEXT
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS receipts_idempotency
 ON receipts (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE TABLE IF NOT EXISTS pending_revocations (
 key TEXT NOT NULL PRIMARY KEY,
 expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS housekeeping (
 task TEXT NOT NULL PRIMARY KEY,
 cursor TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contacts (
 user_id TEXT NOT NULL REFERENCES users (id),
 contact_id TEXT NOT NULL REFERENCES users (id),
 created_at INTEGER NOT NULL,
 PRIMARY KEY (user_id, contact_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS contacts_list ON contacts (user_id, created_at, contact_id);
