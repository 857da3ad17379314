/**
 * For how many round trips to a store, one after another, the answer to each request of `budget.ts` waits: calls that
 * do not need each other travel together. What is done after the answer does not count. The columns are as there.
 */
export const TRIPS = `
                                                         | 0      | 60 | 300      | 10 warm | 300 warm
GET /health (anybody)                                    | 0      | 0  | 0        | 0       | 0
GET /.well-known/jwks.json (anybody)                     | 0      | 0  | 0        | 0       | 0
GET /.well-known/oauth-authorization-server (anybody)    | 0      | 0  | 0        | 0       | 0
GET /.well-known/oauth-protected-resource (anybody)      | 0      | 0  | 0        | 0       | 0
GET /openapi.json (anybody)                              | 0      | 0  | 0        | 0       | 0
GET /status-lists/:list (anybody)                        | 1      | 1  | 1        | 0       | 0
POST /rest/leaked (API token and session)                | 1      | 2  | 2        | 1       | 2
POST /rest/leaked (refresh JWT)                          | 1      | 2  | 2        | 1       | 2
POST /oauth/introspect (API token)                       | 2      | 2  | 2        | 2       | 2
POST /oauth/introspect (session)                         | 2      | 2  | 2        | 2       | 2
POST /oauth/introspect (action token)                    | 2      | 2  | 2        | 2       | 2
POST /oauth/introspect (access JWT)                      | 2      | 2  | 2        | 2       | 2
POST /oauth/introspect (refresh JWT)                     | 2      | 2  | 2        | 2       | 2
POST /oauth/revoke (API token)                           | 1      | 2  | 2        | 1       | 2
POST /oauth/revoke (session)                             | 1      | 2  | 2        | 1       | 2
POST /oauth/revoke (action token)                        | 1      | 2  | 2        | 1       | 2
POST /oauth/revoke (access JWT)                          | 1      | 2  | 2        | 1       | 2
POST /oauth/revoke (refresh JWT)                         | 1      | 2  | 2        | 1       | 2
POST /oauth/token (API token)                            | 2      | 3  | 3        | 1       | 1
POST /oauth/token (session)                              | 2      | 3  | 3        | 1       | 1
POST /oauth/token (access JWT)                           | 2      | 2  | 1        | 1       | 1
POST /oauth/token (JWT of Basic)                         | 2      | 2  | 2 or 1   | 1       | 1
POST /api/token/ (login)                                 | 2      | 2  | 2        | 2       | 2
POST /api/token/refresh/ (refresh)                       | 1      | 1  | 1 or 0   | 1       | 1 or 0
POST /api/token/refresh/ (refresh, rotating)             | 1      | 1  | 1        | 1       | 1
POST /api/token/verify/ (refresh JWT)                    | 1      | 1  | 1 or 0   | 0       | 0
POST /api/token/verify/ (access JWT)                     | 1      | 1  | 0        | 0       | 0
POST /api/token/blacklist/ (refresh JWT)                 | 1      | 2  | 2        |         |
POST /api/token (login)                                  | 2      | 2  | 2        | 2       | 2
POST /api/token/refresh (refresh)                        | 1      | 1  | 1 or 0   | 1       | 1 or 0
POST /api/token/refresh (refresh, rotating)              | 1      | 1  | 1        | 1       | 1
POST /api/token/verify (refresh JWT)                     | 1      | 1  | 1 or 0   | 0       | 0
POST /api/token/verify (access JWT)                      | 1      | 1  | 0        | 0       | 0
POST /api/token/blacklist (refresh JWT)                  | 1      | 2  | 2        |         |
POST /api/generate-action-token (API token)              | 2      | 3  | 3        | 1       | 1
POST /api/run-action-token (caller)                      | 2      | 3  | 3        |         |
POST /api/run-action-token (caller, with a key)          | 2      | 3  | 3        | 1       | 1
POST /api/run-action-token (nobody, with a key)          | 2      | 2  | 2        | 1       | 1
POST /api/run-action-token (password reset)              | 4      | 6  | 6        |         |
POST /api/run-action-token (email verification)          | 3      | 4  | 4        |         |
GET /api/action-tokens (API token)                       | 2      | 3  | 3        | 1       | 1
GET /api/action-tokens (API token: searched)             | 2      | 3  | 3        | 1       | 1
GET /api/action-tokens/uses (API token)                  | 2      | 3  | 3        | 1       | 1
GET /api/action-tokens/:id/uses (API token)              | 2      | 3  | 3        | 1       | 1
DELETE /api/action-tokens/:id (API token)                | 2      | 3  | 3        |         |
GET /api/user/get-contacts (API token)                   | 2      | 3  | 3        | 1       | 1
GET /api/user/contacts/followers (API token)             | 2      | 3  | 3        | 1       | 1
DELETE /api/user/contacts/:id (API token)                | 2      | 3  | 3        | 1       | 1
POST /tokens (login)                                     | 2      | 2  | 2        | 2       | 2
GET /tokens (session)                                    | 1      | 2  | 2        | 0       | 1
PUT /tokens (session)                                    | 1      | 1  | 1        | 1       | 1
DELETE /tokens (session)                                 | 1      | 2  | 2        |         |
GET /rest/auth (API token)                               | 1 or 2 | 3  | 3        | 1       | 1
POST /rest/user (anybody)                                | 1      | 1  | 1        |         |
POST /rest/user/password_reset (anybody)                 | 0      | 0  | 0        | 0       | 0
POST /rest/login/email (anybody)                         | 0      | 0  | 0        | 0       | 0
POST /rest/login/email/verify (proven email)             | 2      | 2  | 2        |         |
POST /rest/login/email/verify (proven email, session)    | 2      | 2  | 2        |         |
POST /rest/login/email/verify (proven email, pair)       | 2      | 2  | 2        |         |
POST /rest/login/email/verify (unproven email)           | 2      | 4  | 4        |         |
POST /rest/login/email/verify (unproven email, session)  | 2      | 4  | 4        |         |
POST /rest/login/email/verify (new email)                | 2      | 2  | 2        |         |
POST /rest/login/email/verify (new email, pair)          | 2      | 2  | 2        |         |
POST /rest/user/verify_email (JWT)                       | 3      | 3  | 3 or 2   | 2       | 2
GET /rest/user (API token)                               | 1      | 2  | 2        | 0       | 1
GET /rest/user (session)                                 | 1      | 2  | 2        | 0       | 1
GET /rest/user (JWT)                                     | 1      | 1  | 1        | 0       | 1
GET /rest/user (access JWT)                              | 1      | 1  | 1        | 0       | 1
GET /rest/user (Basic)                                   | 1      | 1  | 1        | 1       | 1
PATCH /rest/user (API token: name)                       | 2      | 4  | 4        | 2       | 4
PATCH /rest/user (API token: email)                      | 3      | 6  | 6        | 3       | 6
PATCH /rest/user (API token: password)                   | 3      | 6  | 6        |         |
DELETE /rest/user (JWT)                                  | 3      | 5  | 5 or 4   |         |
GET /rest/user/identities (API token)                    | 2      | 3  | 3        | 1       | 1
DELETE /rest/user/identities/:id (Basic)                 | 3      | 3  | 3        |         |
GET /rest/user/logins (access JWT)                       | 2      | 2  | 1        | 1       | 1
DELETE /rest/user/logins (access JWT)                    | 2      | 3  | 2        | 2       | 2
DELETE /rest/user/logins/:id (API token)                 | 2      | 4  | 4        |         |
POST /rest/user/passkeys/options (access JWT)            | 2      | 3  | 2        | 1       | 2
POST /rest/user/passkeys (access JWT)                    | 2      | 2  | 1        |         |
GET /rest/user/passkeys (API token)                      | 2      | 3  | 3        | 1       | 1
PATCH /rest/user/passkeys/:id (API token)                | 2      | 3  | 3        | 1       | 1
DELETE /rest/user/passkeys/:id (access JWT)              | 2      | 2  | 1        |         |
POST /rest/login/passkey/options (anybody)               | 1      | 1  | 1        | 1       | 1
POST /rest/login/passkey (jwt)                           | 2      | 2  | 2        |         |
POST /rest/login/passkey (session)                       | 2      | 2  | 2        |         |
POST /rest/login/passkey (pair)                          | 2      | 2  | 2        |         |
GET /rest/user/totp (API token)                          | 2      | 3  | 3        | 1       | 1
POST /rest/user/totp (access JWT)                        | 2      | 3  | 2        | 1       | 2
POST /rest/user/totp/confirm (API token)                 | 3      | 4  | 4        |         |
DELETE /rest/user/totp (access JWT)                      | 2      | 2  | 1        |         |
POST /rest/user/recovery_codes (access JWT)              | 2      | 2  | 1        | 1       | 1
GET /rest/user/export (access JWT)                       | 15     | 15 | 14       | 14      | 14
GET /rest/audit (API token)                              | 2      | 3  | 3        | 1       | 1
GET /rest/audit (API token: searched)                    | 2      | 3  | 3        | 1       | 1
POST /rest/token (API token)                             | 2      | 3  | 3        | 1       | 1
POST /rest/token/verify (API token)                      | 2      | 3  | 3        | 1       | 1
POST /rest/token/verify (session)                        | 2      | 3  | 3        | 1       | 1
POST /rest/token/verify (access JWT)                     | 2      | 3  | 3        | 1       | 1
POST /rest/token/verify (counted API token)              | 2      | 3  | 3        | 1       | 1
POST /rest/token/verify (counted API token, with a key)  | 2      | 3  | 3        | 1       | 1
GET /rest/token/list (API token)                         | 2      | 3  | 3        | 1       | 1
GET /rest/token/list (API token: searched)               | 2      | 3  | 3        | 1       | 1
DELETE /rest/token/all (JWT)                             | 2      | 4  | 4 or 3   | 2       | 4 or 3
DELETE /rest/token/all (API token)                       | 2      | 5  | 5        |         |
PATCH /rest/token/:token (API token: shorter)            | 2      | 4  | 4        | 1       | 2
PATCH /rest/token/:token (API token: disabled)           | 2      | 4  | 4        | 1       | 2
PATCH /rest/token/:token (API token: counted)            | 2      | 4  | 4        | 1       | 2
PATCH /token/:token (JWT: longer)                        | 2      | 2  | 2 or 1   | 2       | 2 or 1
DELETE /rest/token/:token (API token: uuid)              | 2      | 4  | 4        |         |
DELETE /rest/token/:token (API token: itself)            | 2      | 4  | 4        |         |
DELETE /rest/token/:token (API token: refresh JWT)       | 2      | 4  | 4        |         |
POST /rest/token/:token/rotate (API token)               | 3      | 5  | 5        |         |
POST /rest/token/:token/rotate (API token: with a grace) | 3      | 5  | 5        |         |
POST /rest/admin/find (email)                            | 4      | 4  | 4 or 3   | 3       | 3
POST /rest/admin/find (id)                               | 4      | 4  | 4 or 3   | 3       | 3
POST /rest/admin/find (API token)                        | 5      | 5  | 5 or 4   | 4       | 4
POST /rest/admin/find (access JWT)                       | 4      | 4  | 4 or 3   | 3       | 3
GET /rest/admin/users/:id (operator)                     | 3      | 3  | 3 or 2   | 2       | 2
GET /rest/admin/users/:id/logins (operator)              | 4      | 4  | 4 or 3   | 3       | 3
GET /rest/admin/users/:id/tokens (operator)              | 4      | 4  | 4 or 3   | 3       | 3
GET /rest/admin/users/:id/export (operator)              | 17     | 17 | 17 or 16 | 16      | 16
GET /rest/admin/events (operator)                        | 3      | 3  | 3 or 2   | 2       | 2
GET /rest/admin/events (of a user)                       | 4      | 4  | 4 or 3   | 3       | 3
GET /rest/admin/events (all)                             | 3      | 3  | 3 or 2   | 2       | 2
GET /rest/admin/throttles (operator)                     | 3      | 3  | 3 or 2   | 2       | 2
GET /rest/admin/dead_letters (operator)                  | 3      | 3  | 3 or 2   | 2       | 2
GET /rest/admin/status (operator)                        | 4      | 4  | 4 or 3   | 3       | 3
PATCH /rest/admin/users/:id (disabled)                   | 3      | 5  | 5 or 4   | 3       | 5 or 4
PATCH /rest/admin/users/:id (enabled)                    | 3      | 4  | 4 or 3   | 3       | 4 or 3
PATCH /rest/admin/users/:id (role)                       | 3      | 4  | 4 or 3   | 3       | 4 or 3
PATCH /rest/admin/users/:id (metadata)                   | 3      | 4  | 4 or 3   | 3       | 4 or 3
DELETE /rest/admin/users/:id/credentials (operator)      | 3      | 5  | 5 or 4   | 3       | 5 or 4
DELETE /rest/admin/users/:id/logins/:login (operator)    | 3      | 4  | 4 or 3   | 3       | 4 or 3
DELETE /rest/admin/users/:id/tokens/:token (operator)    | 3      | 4  | 4 or 3   | 3       | 4 or 3
DELETE /rest/admin/users/:id/second_factor (operator)    | 3      | 3  | 3 or 2   | 2       | 2
POST /rest/admin/users/:id/password_reset (operator)     | 4      | 4  | 4 or 3   |         |
DELETE /rest/admin/users/:id (operator)                  | 3      | 5  | 5 or 4   |         |
DELETE /rest/admin/throttles/:id (operator)              | 3      | 3  | 3 or 2   | 2       | 2
POST /rest/admin/dead_letters/replay (operator)          | 3      | 3  | 3 or 2   | 2       | 2
`;

/**
 * At most so many, cold, below a lag of 60 and from there on. From 60 on a tombstone is in KV before the answer, and an
 * opaque token that KV answers takes two. A link from an email has no copy in KV, and a new password is hashed only
 * after the token was asked about: each is one more.
 */
export const BOUNDS: readonly (readonly [of: RegExp, below60: number, from60: number])[] = [
  [/^POST \/api\/token\/verify/, 1, 1],
  [/^GET (?:\/tokens|\/rest\/user) \((?:session|API token)\)/, 1, 2],
  [/^GET \/rest\/user \((?:access )?JWT\)/, 1, 1],
  [/^POST \/api\/token\/refresh/, 1, 1],
  [/^POST \/api\/run-action-token \(nobody/, 2, 2],
  [/^POST \/api\/run-action-token \(caller/, 2, 3],
  [/^POST \/api\/run-action-token \(email/, 3, 4],
  [/^POST \/api\/run-action-token \(password/, 4, 6],
  [/^POST (?:\/api\/token\/?|\/tokens) \(login\)/, 2, 2],
  [/^POST \/rest\/login\/passkey \(/, 2, 2],
  [/^POST \/rest\/login\/email\/verify \((?:proven|new)/, 2, 2],
  [/^POST \/rest\/login\/email\/verify \(unproven/, 2, 4],
  [/^POST \/rest\/user \(/, 2, 2],
];
