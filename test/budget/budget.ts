/**
 * What each request of each route costs: `2g 1p 1d` reads, writes and deletions of KV, `3q 6r 2w`
 * queries, rows read and rows written of D1, `1h` password hashes, with what is done after the
 * answer. A number that changes is a decision, and is changed here.
 *
 * The columns are REVOCATION_LAG_SECONDS: `0` holds for 10 in a cold isolate too, `300` and
 * `300 warm` for 86,400 (where they differ: `300 or 86,400`).
 */
export const BUDGET = `
                                                         | 0                       | 60                         | 300                                                   | 10 warm             | 300 warm
GET /health (anybody)                                    | -                       | -                          | -                                                     | -                   | -
GET /.well-known/jwks.json (anybody)                     | -                       | -                          | -                                                     | -                   | -
GET /.well-known/oauth-authorization-server (anybody)    | -                       | -                          | -                                                     | -                   | -
GET /.well-known/oauth-protected-resource (anybody)      | -                       | -                          | -                                                     | -                   | -
GET /openapi.json (anybody)                              | -                       | -                          | -                                                     | -                   | -
GET /status-lists/:list (anybody)                        | 1q 11r 0w               | 1q 11r 0w                  | 1q 11r 0w                                             | -                   | -
POST /rest/leaked (API token and session)                | 2p · 2q 38r 10w         | 2p · 2q 38r 10w            | 2p · 2q 38r 10w                                       | 2p · 2q 38r 10w     | 2p · 2q 38r 10w
POST /rest/leaked (refresh JWT)                          | 1p · 2q 13r 5w          | 1p · 2q 13r 5w             | 1p · 2q 13r 5w                                        | 1p · 2q 13r 5w      | 1p · 2q 13r 5w
POST /oauth/introspect (API token)                       | 3q 5r 1w                | 3q 5r 1w                   | 3q 5r 1w                                              | 2q 4r 0w            | 2q 4r 0w
POST /oauth/introspect (session)                         | 3q 5r 1w                | 3q 5r 1w                   | 3q 5r 1w                                              | 2q 4r 0w            | 2q 4r 0w
POST /oauth/introspect (action token)                    | 3q 10r 1w               | 3q 10r 1w                  | 3q 10r 1w                                             | 2q 9r 0w            | 2q 9r 0w
POST /oauth/introspect (access JWT)                      | 3q 5r 1w                | 3q 5r 1w                   | 3q 5r 1w                                              | 2q 4r 0w            | 2q 4r 0w
POST /oauth/introspect (refresh JWT)                     | 4q 6r 1w                | 4q 6r 1w                   | 4q 6r 1w                                              | 3q 5r 0w            | 3q 5r 0w
POST /oauth/revoke (API token)                           | 1p 1d · 2q 19r 5w       | 1p 1d · 2q 19r 5w          | 1p 1d · 2q 19r 5w                                     | 1p 1d · 2q 19r 5w   | 1p 1d · 2q 19r 5w
POST /oauth/revoke (session)                             | 1p 1d · 2q 19r 5w       | 1p 1d · 2q 19r 5w          | 1p 1d · 2q 19r 5w                                     | 1p 1d · 2q 19r 5w   | 1p 1d · 2q 19r 5w
POST /oauth/revoke (action token)                        | 1p 1d · 2q 22r 4w       | 1p 1d · 2q 22r 4w          | 1p 1d · 2q 22r 4w                                     | 1p 1d · 2q 22r 4w   | 1p 1d · 2q 22r 4w
POST /oauth/revoke (access JWT)                          | 1p · 2q 13r 6w          | 1p · 2q 13r 6w             | 1p · 2q 13r 6w                                        | 1p · 2q 13r 6w      | 1p · 2q 13r 6w
POST /oauth/revoke (refresh JWT)                         | 1p · 2q 13r 5w          | 1p · 2q 13r 5w             | 1p · 2q 13r 5w                                        | 1p · 2q 13r 5w      | 1p · 2q 13r 5w
POST /oauth/token (API token)                            | 3q 14r 5w               | 2g · 2q 12r 5w             | 2g · 2q 12r 5w                                        | 1q 11r 4w           | 1q 11r 4w
POST /oauth/token (session)                              | 3q 14r 5w               | 2g · 2q 12r 5w             | 2g · 2q 12r 5w                                        | 1q 11r 4w           | 1q 11r 4w
POST /oauth/token (access JWT)                           | 3q 13r 5w               | 1g · 2q 11r 5w             | 2q 11r 5w                                             | 1q 10r 4w           | 1q 10r 4w
POST /oauth/token (JWT of Basic)                         | 2q 9r 4w                | 1g · 1q 8r 4w              | 1g · 1q 8r 4w or 1q 8r 4w                             | 1q 8r 4w            | 1q 8r 4w
POST /api/token/ (login)                                 | 3q 53r 9w · 1h           | 3q 53r 9w · 1h             | 3q 53r 9w · 1h                                        | 3q 53r 9w · 1h      | 3q 53r 9w · 1h
POST /api/token/refresh/ (refresh)                       | 1q 3r 0w                | 1q 3r 0w                   | 1q 3r 0w or -                                         | 1q 3r 0w            | 1q 3r 0w or -
POST /api/token/refresh/ (refresh, rotating)             | 1q 9r 1w                | 1q 9r 1w                   | 1q 9r 1w                                              | 1q 9r 1w            | 1q 9r 1w
POST /api/token/verify/ (refresh JWT)                    | 1q 2r 0w                | 1g                         | 1g or -                                               | -                   | -
POST /api/token/verify/ (access JWT)                     | 1q 2r 0w                | 1g                         | -                                                     | -                   | -
POST /api/token/blacklist/ (refresh JWT)                 | 1p · 2q 13r 5w          | 1p · 2q 13r 5w             | 1p · 2q 13r 5w                                        |                     |
POST /api/token (login)                                  | 3q 53r 9w · 1h           | 3q 53r 9w · 1h             | 3q 53r 9w · 1h                                        | 3q 53r 9w · 1h      | 3q 53r 9w · 1h
POST /api/token/refresh (refresh)                        | 1q 3r 0w                | 1q 3r 0w                   | 1q 3r 0w or -                                         | 1q 3r 0w            | 1q 3r 0w or -
POST /api/token/refresh (refresh, rotating)              | 1q 9r 1w                | 1q 9r 1w                   | 1q 9r 1w                                              | 1q 9r 1w            | 1q 9r 1w
POST /api/token/verify (refresh JWT)                     | 1q 2r 0w                | 1g                         | 1g or -                                               | -                   | -
POST /api/token/verify (access JWT)                      | 1q 2r 0w                | 1g                         | -                                                     | -                   | -
POST /api/token/blacklist (refresh JWT)                  | 1p · 2q 13r 5w          | 1p · 2q 13r 5w             | 1p · 2q 13r 5w                                        |                     |
POST /api/generate-action-token (API token)              | 1p · 3q 17r 7w          | 2g 1p · 2q 15r 7w          | 2g 1p · 2q 15r 7w                                     | 1p · 1q 14r 6w      | 1p · 1q 14r 6w
POST /api/run-action-token (caller)                      | 1g · 3q 30r 14w         | 3g · 2q 26r 14w            | 3g · 2q 26r 14w                                       |                     |
POST /api/run-action-token (caller, with a key)          | 1g · 3q 32r 15w         | 3g · 2q 28r 15w            | 3g · 2q 28r 15w                                       | 1q 27r 14w          | 1q 27r 14w
POST /api/run-action-token (nobody, with a key)          | 1g · 1q 21r 10w         | 1g · 1q 21r 10w            | 1g · 1q 21r 10w                                       | 1q 21r 10w          | 1q 21r 10w
POST /api/run-action-token (password reset)              | 1g 1p · 4q 48r 12w · 1h  | 1g 1p 1d · 4q 49r 12w · 1h | 1g 1p 1d · 4q 49r 12w · 1h                            |                     |
POST /api/run-action-token (email verification)          | 1g · 3q 23r 9w          | 2g 1d · 2q 22r 9w          | 2g 1d · 2q 22r 9w or 1g 1d · 2q 22r 9w                |                     |
GET /api/action-tokens (API token)                       | 3q 18r 1w               | 2g · 2q 16r 1w             | 2g · 2q 16r 1w                                        | 1q 15r 0w           | 1q 15r 0w
GET /api/action-tokens (API token: searched)             | 3q 43r 1w               | 2g · 2q 41r 1w             | 2g · 2q 41r 1w                                        | 1q 40r 0w           | 1q 40r 0w
GET /api/action-tokens/uses (API token)                  | 3q 7r 1w                | 2g · 2q 5r 1w              | 2g · 2q 5r 1w                                         | 1q 4r 0w            | 1q 4r 0w
GET /api/action-tokens/:id/uses (API token)              | 4q 11r 1w               | 2g · 3q 9r 1w              | 2g · 3q 9r 1w                                         | 2q 8r 0w            | 2q 8r 0w
DELETE /api/action-tokens/:id (API token)                | 3q 12r 3w               | 2g · 2q 10r 3w             | 2g · 2q 10r 3w                                        |                     |
GET /api/user/get-contacts (API token)                   | 3q 3r 1w                | 2g · 2q 1r 1w              | 2g · 2q 1r 1w                                         | 1q 0r 0w            | 1q 0r 0w
GET /api/user/contacts/followers (API token)             | 3q 3r 1w                | 2g · 2q 1r 1w              | 2g · 2q 1r 1w                                         | 1q 0r 0w            | 1q 0r 0w
DELETE /api/user/contacts/:id (API token)                | 3q 14r 4w               | 2g · 2q 10r 4w             | 2g · 2q 10r 4w                                        | 1q 9r 3w            | 1q 9r 3w
POST /tokens (login)                                     | 1p · 3q 52r 9w · 1h      | 1p · 3q 52r 9w · 1h        | 1p · 3q 52r 9w · 1h                                   | 1p · 3q 52r 9w · 1h | 1p · 3q 52r 9w · 1h
GET /tokens (session)                                    | 1q 2r 0w                | 2g                         | 2g                                                    | -                   | 1g
PUT /tokens (session)                                    | 1p · 1q 4r 2w           | 1p · 1q 4r 2w              | 1p · 1q 4r 2w                                         | 1p · 1q 4r 2w       | 1p · 1q 4r 2w
DELETE /tokens (session)                                 | 1p 1d · 2q 12r 5w       | 1p 1d · 2q 12r 5w          | 1p 1d · 2q 12r 5w                                     |                     |
GET /rest/auth (API token)                               | 2q 3r 1w or 3q 7r 1w    | 2g · 2q 5r 1w              | 2g · 2q 5r 1w                                         | 1q 4r 0w            | 1q 4r 0w
POST /rest/user (anybody)                                | 1q 3r 4w · 1h           | 1q 3r 4w · 1h              | 1q 3r 4w · 1h                                         |                     |
POST /rest/user/password_reset (anybody)                 | 1q 8r 7w                | 1q 8r 7w                   | 1q 8r 7w                                              | 1q 8r 7w            | 1q 8r 7w
POST /rest/login/email (anybody)                         | 1q 15r 5w                | 1q 15r 5w                  | 1q 15r 5w                                             | 1q 15r 5w           | 1q 15r 5w
POST /rest/login/email/verify (proven email)             | 3q 31r 5w                | 3q 31r 5w                  | 3q 31r 5w                                             |                     |
POST /rest/login/email/verify (proven email, session)    | 1p · 2q 33r 8w           | 1p · 2q 33r 8w             | 1p · 2q 33r 8w                                        |                     |
POST /rest/login/email/verify (proven email, pair)       | 2q 34r 8w                | 2q 34r 8w                  | 2q 34r 8w                                             |                     |
POST /rest/login/email/verify (unproven email)           | 1p · 4q 50r 10w          | 1p 1d · 4q 51r 10w         | 1p 1d · 4q 51r 10w                                    |                     |
POST /rest/login/email/verify (unproven email, session)  | 2p · 3q 55r 13w          | 2p 1d · 3q 56r 13w         | 2p 1d · 3q 56r 13w                                    |                     |
POST /rest/login/email/verify (new email)                | 3q 22r 8w                | 3q 22r 8w                  | 3q 22r 8w                                             |                     |
POST /rest/login/email/verify (new email, pair)          | 2q 28r 11w              | 2q 28r 11w                 | 2q 28r 11w                                            |                     |
POST /rest/user/verify_email (JWT)                       | 3q 21r 6w                | 1g · 2q 20r 6w             | 1g · 2q 20r 6w or 2q 20r 6w                           | 2q 20r 6w           | 2q 20r 6w
GET /rest/user (API token)                               | 2q 3r 1w                | 2g · 1q 1r 1w              | 2g · 1q 1r 1w                                         | -                   | 1g
GET /rest/user (session)                                 | 1q 2r 0w                | 2g                         | 2g                                                    | -                   | 1g
GET /rest/user (JWT)                                     | 1q 1r 0w                | 1g                         | 1g                                                    | -                   | 1g
GET /rest/user (access JWT)                              | 1q 2r 0w                | 1g                         | 1g                                                    | -                   | 1g
GET /rest/user (Basic)                                   | 3q 47r 4w · 1h           | 3q 47r 4w · 1h             | 3q 47r 4w · 1h                                        | 2q 36r 4w · 1h      | 2q 36r 4w · 1h
PATCH /rest/user (API token: name)                       | 3q 8r 3w                | 2g 1d · 2q 6r 3w           | 2g 1d · 2q 6r 3w                                      | 2q 7r 2w            | 2g 1d · 1q 5r 2w
PATCH /rest/user (API token: email)                      | 5q 67r 10w · 1h          | 3g 1d · 4q 65r 10w · 1h    | 3g 1d · 4q 65r 10w · 1h                               | 4q 66r 9w · 1h      | 3g 1d · 3q 64r 9w · 1h
PATCH /rest/user (API token: password)                   | 1p · 6q 80r 13w · 2h     | 2g 1p 1d · 5q 79r 13w · 2h | 2g 1p 1d · 5q 79r 13w · 2h                            |                     |
DELETE /rest/user (JWT)                                  | 1p · 5q 83r 13w · 1h     | 1g 1p 1d · 4q 83r 13w · 1h | 1g 1p 1d · 4q 83r 13w · 1h or 1p 1d · 4q 83r 13w · 1h |                     |
GET /rest/user/identities (API token)                    | 3q 7r 1w                | 2g · 2q 3r 1w              | 2g · 2q 3r 1w                                         | 1q 2r 0w            | 1q 2r 0w
DELETE /rest/user/identities/:id (Basic)                 | 5q 59r 7w · 1h           | 5q 59r 7w · 1h             | 5q 59r 7w · 1h                                        |                     |
GET /rest/user/logins (access JWT)                       | 2q 23r 0w               | 1g · 1q 21r 0w             | 1q 21r 0w                                             | 1q 21r 0w           | 1q 21r 0w
DELETE /rest/user/logins (access JWT)                    | 4p · 3q 71r 16w         | 1g 4p · 2q 69r 16w         | 4p · 2q 69r 16w                                       | 4p · 3q 71r 16w     | 4p · 2q 69r 16w
DELETE /rest/user/logins/:id (API token)                 | 1p 1d · 4q 19r 6w       | 2g 1p 1d · 3q 17r 6w       | 2g 1p 1d · 3q 17r 6w                                  |                     |
POST /rest/user/passkeys/options (access JWT)            | 2q 4r 0w                | 2g · 1q 2r 0w              | 1g · 1q 2r 0w                                         | 1q 2r 0w            | 1g · 1q 2r 0w
POST /rest/user/passkeys (access JWT)                    | 2q 13r 5w               | 1g · 1q 11r 5w             | 1q 11r 5w                                             |                     |
GET /rest/user/passkeys (API token)                      | 3q 5r 1w                | 2g · 2q 3r 1w              | 2g · 2q 3r 1w                                         | 1q 2r 0w            | 1q 2r 0w
PATCH /rest/user/passkeys/:id (API token)                | 3q 11r 3w               | 2g · 2q 9r 3w              | 2g · 2q 9r 3w                                         | 1q 8r 2w            | 1q 8r 2w
DELETE /rest/user/passkeys/:id (access JWT)              | 2q 11r 2w               | 1g · 1q 9r 2w              | 1q 9r 2w                                              |                     |
POST /rest/login/passkey/options (anybody)               | 1q 3r 0w                | 1q 3r 0w                   | 1q 3r 0w                                              | 1q 3r 0w            | 1q 3r 0w
POST /rest/login/passkey (jwt)                           | 3q 20r 2w               | 3q 20r 2w                  | 3q 20r 2w                                             |                     |
POST /rest/login/passkey (session)                       | 1p · 2q 26r 7w           | 1p · 2q 26r 7w             | 1p · 2q 26r 7w                                        |                     |
POST /rest/login/passkey (pair)                          | 2q 27r 7w                | 2q 27r 7w                  | 2q 27r 7w                                             |                     |
GET /rest/user/totp (API token)                          | 3q 3r 1w                | 2g · 2q 1r 1w              | 2g · 2q 1r 1w                                         | 1q 0r 0w            | 1q 0r 0w
POST /rest/user/totp (access JWT)                        | 2q 8r 1w                | 2g · 1q 6r 1w              | 1g · 1q 6r 1w                                         | 1q 6r 1w            | 1g · 1q 6r 1w
POST /rest/user/totp/confirm (API token)                 | 4q 43r 13w              | 2g · 3q 39r 13w            | 2g · 3q 39r 13w                                       |                     |
DELETE /rest/user/totp (access JWT)                      | 2q 30r 12w              | 1g · 1q 27r 12w            | 1q 27r 12w                                            |                     |
POST /rest/user/recovery_codes (access JWT)              | 2q 62r 21w              | 1g · 1q 59r 21w            | 1q 59r 21w                                            | 1q 59r 21w          | 1q 59r 21w
GET /rest/user/export (access JWT)                       | 15q 87r 0w               | 1g · 14q 85r 0w            | 14q 85r 0w                                            | 14q 85r 0w          | 14q 85r 0w
GET /rest/audit (API token)                              | 3q 31r 1w               | 2g · 2q 29r 1w             | 2g · 2q 29r 1w                                        | 1q 28r 0w           | 1q 28r 0w
GET /rest/audit (API token: searched)                    | 3q 90r 1w               | 2g · 2q 88r 1w             | 2g · 2q 88r 1w                                        | 1q 87r 0w           | 1q 87r 0w
POST /rest/token (API token)                             | 1p · 3q 21r 5w          | 2g 1p · 2q 19r 5w          | 2g 1p · 2q 19r 5w                                     | 1p · 1q 18r 4w      | 1p · 1q 18r 4w
POST /rest/token/verify (API token)                      | 4q 8r 2w                | 2g · 3q 6r 2w              | 2g · 3q 6r 2w                                         | 1q 4r 0w            | 1q 4r 0w
POST /rest/token/verify (session)                        | 3q 7r 1w                | 2g · 2q 5r 1w              | 2g · 2q 5r 1w                                         | 1q 4r 0w            | 1q 4r 0w
POST /rest/token/verify (access JWT)                     | 3q 5r 1w                | 2g · 2q 3r 1w              | 2g · 2q 3r 1w                                         | 1q 2r 0w            | 1q 2r 0w
POST /rest/token/verify (counted API token)              | 4q 22r 3w               | 2g · 3q 20r 3w             | 2g · 3q 20r 3w                                        | 1q 18r 1w           | 1q 18r 1w
POST /rest/token/verify (counted API token, with a key)  | 4q 29r 5w               | 2g · 3q 27r 5w             | 2g · 3q 27r 5w                                        | 1q 25r 3w           | 1q 25r 3w
GET /rest/token/list (API token)                         | 3q 8r 1w                | 2g · 2q 6r 1w              | 2g · 2q 6r 1w                                         | 1q 5r 0w            | 1q 5r 0w
GET /rest/token/list (API token: searched)               | 3q 28r 1w               | 2g · 2q 26r 1w             | 2g · 2q 26r 1w                                        | 1q 25r 0w           | 1q 25r 0w
DELETE /rest/token/all (JWT)                             | 1p · 3q 13r 4w          | 1g 1p 1d · 2q 13r 4w       | 1g 1p 1d · 2q 13r 4w or 1p 1d · 2q 13r 4w             | 1p · 3q 13r 4w      | 1g 1p 1d · 2q 13r 4w or 1p 1d · 2q 13r 4w
DELETE /rest/token/all (API token)                       | 1p · 4q 16r 5w          | 2g 1p 1d · 3q 15r 5w       | 2g 1p 1d · 3q 15r 5w                                  |                     |
PATCH /rest/token/:token (API token: shorter)            | 2p · 4q 26r 6w          | 2g 2p · 3q 24r 6w          | 2g 2p · 3q 24r 6w                                     | 2p · 2q 23r 5w      | 2p · 2q 23r 5w
PATCH /rest/token/:token (API token: disabled)           | 1p 1d · 4q 24r 5w       | 2g 1p 1d · 3q 22r 5w       | 2g 1p 1d · 3q 22r 5w                                  | 1p 1d · 2q 21r 4w   | 1p 1d · 2q 21r 4w
PATCH /rest/token/:token (API token: counted)            | 1p 1d · 4q 38r 7w       | 2g 1p 1d · 3q 36r 7w       | 2g 1p 1d · 3q 36r 7w                                  | 1p 1d · 2q 35r 6w   | 1p 1d · 2q 35r 6w
PATCH /token/:token (JWT: longer)                        | 1p · 2q 13r 3w          | 1g 1p · 1q 12r 3w          | 1g 1p · 1q 12r 3w or 1p · 1q 12r 3w                   | 1p · 2q 13r 3w      | 1g 1p · 1q 12r 3w or 1p · 1q 12r 3w
DELETE /rest/token/:token (API token: uuid)              | 1p 1d · 4q 16r 6w       | 2g 1p 1d · 3q 14r 6w       | 2g 1p 1d · 3q 14r 6w                                  |                     |
DELETE /rest/token/:token (API token: itself)            | 1p 1d · 4q 16r 6w       | 2g 1p 1d · 3q 14r 6w       | 2g 1p 1d · 3q 14r 6w                                  |                     |
DELETE /rest/token/:token (API token: refresh JWT)       | 1p · 4q 18r 6w          | 2g 1p · 3q 16r 6w          | 2g 1p · 3q 16r 6w                                     |                     |
POST /rest/token/:token/rotate (API token)               | 2p 1d · 5q 28r 9w       | 2g 2p 1d · 4q 26r 9w       | 2g 2p 1d · 4q 26r 9w                                  |                     |
POST /rest/token/:token/rotate (API token: with a grace) | 2p 1d · 5q 32r 9w       | 2g 2p 1d · 4q 30r 9w       | 2g 2p 1d · 4q 30r 9w                                  |                     |
POST /rest/admin/find (email)                            | 4q 36r 2w               | 1g · 3q 33r 2w             | 1g · 3q 33r 2w or 3q 33r 2w                           | 3q 33r 2w           | 3q 33r 2w
POST /rest/admin/find (id)                               | 4q 36r 2w               | 1g · 3q 33r 2w             | 1g · 3q 33r 2w or 3q 33r 2w                           | 3q 33r 2w           | 3q 33r 2w
POST /rest/admin/find (API token)                        | 5q 38r 2w               | 1g · 4q 35r 2w             | 1g · 4q 35r 2w or 4q 35r 2w                           | 4q 35r 2w           | 4q 35r 2w
POST /rest/admin/find (access JWT)                       | 4q 39r 2w               | 1g · 3q 36r 2w             | 1g · 3q 36r 2w or 3q 36r 2w                           | 3q 36r 2w           | 3q 36r 2w
GET /rest/admin/users/:id (operator)                     | 3q 35r 2w               | 1g · 2q 32r 2w             | 1g · 2q 32r 2w or 2q 32r 2w                           | 2q 32r 2w           | 2q 32r 2w
GET /rest/admin/users/:id/logins (operator)              | 4q 54r 2w               | 1g · 3q 51r 2w             | 1g · 3q 51r 2w or 3q 51r 2w                           | 3q 51r 2w           | 3q 51r 2w
GET /rest/admin/users/:id/tokens (operator)              | 4q 40r 2w               | 1g · 3q 37r 2w             | 1g · 3q 37r 2w or 3q 37r 2w                           | 3q 37r 2w           | 3q 37r 2w
GET /rest/admin/users/:id/export (operator)              | 17q 121r 2w              | 1g · 16q 118r 2w           | 1g · 16q 118r 2w or 16q 118r 2w                       | 16q 118r 2w         | 16q 118r 2w
GET /rest/admin/events (operator)                        | 3q 8r 0w                | 1g · 2q 5r 0w              | 1g · 2q 5r 0w or 2q 5r 0w                             | 2q 5r 0w            | 2q 5r 0w
GET /rest/admin/events (of a user)                       | 4q 93r 2w               | 1g · 3q 90r 2w             | 1g · 3q 90r 2w or 3q 90r 2w                           | 3q 90r 2w           | 3q 90r 2w
GET /rest/admin/events (all)                             | 3q 103r 0w              | 1g · 2q 100r 0w            | 1g · 2q 100r 0w or 2q 100r 0w                         | 2q 100r 0w          | 2q 100r 0w
GET /rest/admin/throttles (operator)                     | 3q 15r 0w                | 1g · 2q 12r 0w             | 1g · 2q 12r 0w or 2q 12r 0w                           | 2q 12r 0w           | 2q 12r 0w
GET /rest/admin/dead_letters (operator)                  | 3q 8r 0w                | 1g · 2q 5r 0w              | 1g · 2q 5r 0w or 2q 5r 0w                             | 2q 5r 0w            | 2q 5r 0w
GET /rest/admin/status (operator)                        | 5q 221r 0w              | 1g · 4q 218r 0w            | 1g · 4q 218r 0w or 4q 218r 0w                         | 4q 218r 0w          | 4q 218r 0w
PATCH /rest/admin/users/:id (disabled)                   | 1p · 4q 34r 6w          | 1g 1p 1d · 3q 32r 6w       | 1g 1p 1d · 3q 32r 6w or 1p 1d · 3q 32r 6w             | 1p · 4q 34r 6w      | 1g 1p 1d · 3q 32r 6w or 1p 1d · 3q 32r 6w
PATCH /rest/admin/users/:id (enabled)                    | 3q 15r 0w               | 1g 1d · 2q 12r 0w          | 1g 1d · 2q 12r 0w or 1d · 2q 12r 0w                   | 3q 15r 0w           | 1g 1d · 2q 12r 0w or 1d · 2q 12r 0w
PATCH /rest/admin/users/:id (role)                       | 3q 15r 3w               | 1g 1d · 2q 12r 3w          | 1g 1d · 2q 12r 3w or 1d · 2q 12r 3w                   | 3q 15r 3w           | 1g 1d · 2q 12r 3w or 1d · 2q 12r 3w
PATCH /rest/admin/users/:id (metadata)                   | 3q 15r 3w               | 1g 1d · 2q 12r 3w          | 1g 1d · 2q 12r 3w or 1d · 2q 12r 3w                   | 3q 15r 3w           | 1g 1d · 2q 12r 3w or 1d · 2q 12r 3w
DELETE /rest/admin/users/:id/credentials (operator)      | 1p · 4q 23r 5w          | 1g 1p 1d · 3q 21r 5w       | 1g 1p 1d · 3q 21r 5w or 1p 1d · 3q 21r 5w             | 1p · 4q 23r 5w      | 1g 1p 1d · 3q 21r 5w or 1p 1d · 3q 21r 5w
DELETE /rest/admin/users/:id/logins/:login (operator)    | 1p 1d · 4q 24r 6w       | 1g 1p 1d · 3q 21r 6w       | 1g 1p 1d · 3q 21r 6w or 1p 1d · 3q 21r 6w             | 1p 1d · 4q 24r 6w   | 1g 1p 1d · 3q 21r 6w or 1p 1d · 3q 21r 6w
DELETE /rest/admin/users/:id/tokens/:token (operator)    | 1p 1d · 4q 24r 6w       | 1g 1p 1d · 3q 21r 6w       | 1g 1p 1d · 3q 21r 6w or 1p 1d · 3q 21r 6w             | 1p 1d · 4q 24r 6w   | 1g 1p 1d · 3q 21r 6w or 1p 1d · 3q 21r 6w
DELETE /rest/admin/users/:id/second_factor (operator)    | 3q 13r 0w               | 1g · 2q 10r 0w             | 1g · 2q 10r 0w or 2q 10r 0w                           | 2q 10r 0w           | 2q 10r 0w
POST /rest/admin/users/:id/password_reset (operator)     | 4q 25r 7w               | 1g · 3q 22r 7w             | 1g · 3q 22r 7w or 3q 22r 7w                           |                     |
DELETE /rest/admin/users/:id (operator)                  | 1p · 4q 35r 8w          | 1g 1p 1d · 3q 33r 8w       | 1g 1p 1d · 3q 33r 8w or 1p 1d · 3q 33r 8w             |                     |
DELETE /rest/admin/throttles/:id (operator)              | 3q 25r 3w                | 1g · 2q 22r 3w             | 1g · 2q 22r 3w or 2q 22r 3w                           | 2q 22r 3w           | 2q 22r 3w
POST /rest/admin/dead_letters/replay (operator)          | 3q 23r 4w               | 1g · 2q 20r 4w             | 1g · 2q 20r 4w or 2q 20r 4w                           | 2q 20r 4w           | 2q 20r 4w
`;
