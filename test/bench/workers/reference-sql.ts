/**
 * The statements that the service needs for a request, in the same form, on the rows that `ROWS` creates.
 */
export interface Reference {
  readonly sql: string;
  readonly values: (id?: string) => unknown[];
}

const USER = "00000000-0000-4000-8000-000000000001";
const CONTACT = "00000000-0000-4000-8000-000000000002";
const FAMILY = "00000000-0000-4000-8000-000000000003";
const SESSION = "00000000-0000-4000-8000-000000000004";
const ACTION = "00000000-0000-4000-8000-000000000005";
const FAR = 9_000_000_000_000;

export const ROWS: readonly string[] = [
  ...[USER, CONTACT].map(
    (id) => `INSERT INTO users (id, email, password, role, created_on, modified_on)
      VALUES ('${id}', '${id}@example.com', '', 'User', 1, 1)`,
  ),
  ...[
    [FAMILY, "family", "NULL"],
    [SESSION, "session", "NULL"],
    [ACTION, "action", "1000000000"],
  ].map(
    ([id, kind, maxUses]) => `INSERT INTO tokens
      (id, kind, user_id, credential_version, created_at, modified_at, expires_at, max_uses)
      VALUES ('${id}', '${kind}', '${USER}', 0, 1, 1, ${FAR}, ${maxUses})`,
  ),
];

const USER_COLUMNS = `users.id AS user_id, users.email, users.password, users.role,
  users.credential_version AS user_credential_version, users.api_token_version AS user_api_token_version, users.first_name, users.last_name,
  users.phone_number, users.dob, users.gender, users.created_on, users.modified_on,
  users.deleted_on, users.verified_on, users.ha1b, (SELECT json_group_object(issuer, subject)
    FROM identities WHERE identities.user_id = users.id) AS identities`;

const USER_IS_ACTIVE = "users.deleted_on IS NULL AND users.disabled_on IS NULL";

const NOT_REVOKED = `tokens.revoked_at IS NULL AND tokens.credential_version = users.credential_version
  AND (tokens.api_token_version IS NULL OR tokens.api_token_version = users.api_token_version) AND ${USER_IS_ACTIVE}`;

export const ACTIVE_JWT: Reference = {
  sql: `SELECT ${USER_COLUMNS} FROM users WHERE users.id = ? AND users.credential_version = ? AND ${USER_IS_ACTIVE}
    AND NOT EXISTS (SELECT 1 FROM tokens AS ended WHERE ended.id IN (?, ?)
      AND (ended.revoked_at IS NOT NULL OR ended.api_token_version <> users.api_token_version))`,
  values: () => [USER, 0, crypto.randomUUID(), FAMILY],
};

export const ACTIVE_TOKEN: Reference = {
  sql: `SELECT tokens.id, tokens.kind, tokens.user_id, tokens.credential_version, tokens.api_token_version,
      tokens.created_at, tokens.modified_at, tokens.expires_at, tokens.used_at, tokens.uses,
      tokens.max_uses, tokens.detail, ${USER_COLUMNS}
    FROM tokens JOIN users ON users.id = tokens.user_id
    WHERE tokens.id = ? AND tokens.kind IN ('session', 'api', 'action') AND tokens.expires_at > ?
      AND ${NOT_REVOKED}`,
  values: () => [SESSION, Date.now()],
};

const CONTACT_IS_ACTIVE = `EXISTS (SELECT 1 FROM users WHERE id = ? AND ${USER_IS_ACTIVE})`;

/** Use, receipt, event, effect, and the reason if it is refused, in one transaction. */
export const ACTION_RUN: readonly Reference[] = [
  {
    sql: `UPDATE tokens SET uses = uses + 1, modified_at = ?, won_by = ?
      WHERE tokens.id = ? AND tokens.kind = 'action' AND tokens.expires_at > ?
        AND tokens.uses < tokens.max_uses
        AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${NOT_REVOKED})
        AND EXISTS (SELECT 1 FROM users WHERE users.id = ? AND ${USER_IS_ACTIVE}) AND ${CONTACT_IS_ACTIVE}`,
    values: (id) => [Date.now(), id, ACTION, Date.now(), USER, CONTACT],
  },
  {
    sql: `INSERT INTO receipts (id, token_id, action, run_by, run_at, data, idempotency_key, issued_by)
      SELECT ?, tokens.id, ?, ?, ?, ?, ?, tokens.user_id FROM tokens WHERE tokens.id = ? AND tokens.won_by = ?`,
    values: (id) => [id, "addContact", USER, Date.now(), "{}", null, ACTION, id],
  },
  {
    sql: `INSERT INTO events
        (user_id, id, kind, actor, credential, subject, address, request_id)
      SELECT ?, ?, 45, ?, ?, ?, ?, ? WHERE changes() > 0`,
    values: (id) => [USER, id, null, ACTION, id, null, null],
  },
  {
    sql: `INSERT INTO contacts (user_id, contact_id, created_at)
      SELECT ?, ?, ? WHERE EXISTS (SELECT 1 FROM receipts WHERE id = ?) ON CONFLICT DO NOTHING`,
    values: (id) => [USER, CONTACT, Date.now(), id],
  },
  {
    sql: "SELECT * FROM receipts WHERE id = ? OR idempotency_key = ?",
    values: (id) => [id, null],
  },
  {
    sql: `SELECT tokens.id IS NOT NULL AS known, NOT (${NOT_REVOKED}) AS revoked,
        tokens.expires_at <= ? AS expired, tokens.uses >= tokens.max_uses AS used,
        TRUE AS caller_is_active, json_array(${CONTACT_IS_ACTIVE}) AS conditions
      FROM (SELECT 1) LEFT JOIN tokens ON tokens.id = ? LEFT JOIN users ON users.id = tokens.user_id`,
    values: () => [Date.now(), CONTACT, ACTION],
  },
];
