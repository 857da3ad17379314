import {
  asked,
  chosen,
  dropped,
  fails,
  holds,
  onlyArgument,
  swallowed,
  times,
  unset,
  value,
  withoutArgument,
  withoutElement,
  withoutOperand,
  withoutProperty,
} from "./changes.ts";
import type { Guard, Suite } from "./mutant.ts";

const all = (file: string): Suite => ({ file: `test/${file}.test.ts` });
const only = (file: string, test: string): Suite => ({ ...all(file), test });

const atLag = (seconds: number) => only("revocation/bound", `LAG_SECONDS=${seconds} `);
const AT_0 = atLag(0);
const AT_10 = atLag(10);
const AT_60 = atLag(60);
const AT_300 = atLag(300);
const AT_86400 = atLag(86_400);
const ACTIVE = all("revocation/active");
const CHAINS = all("revocation/chains");
const LAG_CHANGES = all("revocation/lag-changes");
const RECORDS = all("revocation/records");
const REPLICAS = all("revocation/replicas");
const SESSIONS = all("revocation/sessions");
const ROTATION = all("revocation/rotation");
const ONCE = all("revocation/once");
const VERIFY = all("verify/verify");
const LIFETIMES = all("revocation/lifetimes");
const TRACE = all("bench/trace.node");
const SIMULATION = only("simulation/simulation.node", "holds over");
const ACCOUNT_RACES = all("races/changes");
const REVOCATION_RACES = all("races/revocations");
const SCOPES = all("contracts/scopes");
const MEMBERS = all("contracts/token-members");
const VERIFICATION = all("contracts/token-verification");
const RESTRICTED = all("revocation/restricted");
const EXCHANGE = all("exchange/exchange");
const ACTS = all("fresh-login/acts");
const PROOF = all("fresh-login/pages");
const AUTH_TIME = all("fresh-login/auth-time");
const ATTACKER = all("recovery/attacker");
const OWNER = all("recovery/owner");
const EMAIL_LOGIN = all("recovery/email-login");
const TRIES = all("throttling/accounts");
const JWT = all("crypto/jwt");
const LEGACY = all("contracts/legacy-jwts");
const CREDENTIALS = all("http/credentials");
const PASSKEYS = all("passkeys/passkeys");
const CEREMONIES = all("passkeys/ceremonies");
const CLIENT = all("client/refresh");
const EVENTS_OUT = all("events/deliveries");
const ARCHIVE = all("storage/events-archive");
const OPERATORS = all("admin/gate");
const HOUSEKEEPING = all("housekeeping");
const OPERATOR_PAGES = all("admin/pages");
const SECOND_FACTOR = all("second-factor/ways");
const FACTOR_STORIES = all("second-factor/stories");

/** One row a marker in src. Conditions, elements and arguments are counted: see changes.ts. */
// biome-ignore format: a table
export const GUARDS: readonly Guard[] = [
  // Whether a credential is active, as D1 has it.
  ["user-is-active", "a user who was disabled goes on", [holds(1)], [all("contracts/disabled")]],
  ["token-is-active", "a token works after its own revocation, a new password, or the end of all API tokens", [holds(0), holds(1), holds(2)], [AT_0]],
  ["parents-are-active", "a token outlives a parent: its row is gone, it was revoked, has expired, or all were revoked", [fails(2), fails(3), fails(4), fails(6)], [CHAINS, SIMULATION]],
  ["disabled-or-restricted-parent-blocks", "what an API token made is good while the token is disabled, counted, or for some addresses alone", [holds(0), holds(1), holds(2)], [MEMBERS]],
  ["token-and-parents-are-active", "a token is good while it, or what made it, is disabled", [holds(1), holds(2)], [MEMBERS]],
  ["jwt-is-active", "a JWT outlives the end of all API tokens, of all log-ins, its own, or its parents'", [withoutElement(1), withoutElement(2), withoutElement(3), withoutElement(4)], [AT_0, CHAINS, all("logins/logins")]],
  ["jwt-parents-have-not-expired", "a JWT is good while what it was obtained with has expired", [holds(3)], [SIMULATION]],
  ["check-reads-the-whole-state", "a token's own expiry, or all that would revoke it, is not asked", [holds(3), holds(4)], [SESSIONS, AT_0]],
  ["check-of-a-jwt-reads-the-whole-state", "a JWT works after a new password, or its revocation", [holds(2), holds(4)], [AT_0]],

  // No write for a caller who is gone.
  ["caller-token-is-active", "a write asks not whether the caller's token has expired, or was revoked", [holds(2), holds(3)], [ACTIVE]],
  ["caller-is-active", "a write asks not for the caller's new password, or their JWT", [holds(2), holds(4)], [ACTIVE]],
  ["caller-is-known-by-its-token", "a write takes the copy of a token for its state", [withoutProperty(1)], [ACTIVE]],
  ["insert-asks-the-caller", "a token is inserted for a caller who is gone", [holds(2)], [ACTIVE]],
  ["owner-is-active", "a caller who is gone changes an API token", [holds(1)], [ACTIVE]],
  ["only-owners-change-a-token", "another user's API token is revoked, or one more than once", [holds(2), holds(4)], [all("contracts/rest-tokens"), all("contracts/rest-token-ends"), REVOCATION_RACES]],
  ["account-change-asks-the-caller", "an account is changed for a caller who is gone, or gets another's email", [holds(3), holds(4)], [ACCOUNT_RACES, ACTIVE]],
  ["password-is-the-current-one", "a password shown before another change allows one after it", [holds(2)], [only("faults/matrix-0", "PATCH /rest/user .API token: password")]],
  ["change-needs-the-current-password", "a stolen session is enough for a new password", [asked(false)], [all("contracts/account-changes")]],
  ["only-owners-log-out", "a log-in is revoked by anybody, more than once, or by a caller who is gone", [holds(3), holds(6), holds(8)], [all("logins/logins")]],
  ["known-network-or-device-is-no-news", "a log-in from a known network is news", [fails(1)], [all("logins/devices")]],
  ["devices-are-bounded", "a user has any number of devices", [dropped], [all("logins/devices")]],
  ["no-place-without-addresses", "a place is stored where no address may be", [withoutOperand(1, "&&")], [all("logins/devices")]],
  ["revoked-login-leaves-a-tombstone", "a log-in that the link of a notice revoked goes on where KV is asked", [fails(0)], [all("logins/devices")]],
  ["issuer-login-stays-with-its-issuer", "a log-in that was started at one issuer is finished at another, or any time later", [asked(false)], [all("identities/issuer-login")]],
  ["issuer-login-is-used-once", "an answer of an issuer logs in twice", [asked(false)], [all("identities/issuer-login")]],
  ["state-is-signed-here", "a browser makes up a log-in", [asked(true)], [all("identities/issuer-login")]],
  ["issuer-is-asked-over-tls", "a browser is sent to an issuer over plain HTTP", [asked(false)], [all("identities/issuer-login")]],
  ["only-an-active-caller-links", "a caller who is gone links an identity", [holds(2)], [all("identities/issuer-login")]],
  ["identity-is-linked-to-who-asked", "an identity is linked to the account of whoever is logged in", [asked(false)], [all("identities/issuer-login")]],

  // Operators.
  ["only-operators-pass", "whoever is logged in is an operator", [asked(false)], [OPERATORS]],
  ["operator-has-the-role", "a role that was taken away, or a credential that was revoked, goes on", [holds(2)], [OPERATORS]],
  ["operator-has-a-second-factor", "an operator without a second factor passes where one is required", [chosen(false)], [OPERATORS]],
  ["operators-writes-ask-again", "a write goes on after the role was taken away", [holds(1)], [OPERATORS]],
  ["removal-by-an-operator-needs-a-fresh-log-in", "an old log-in removes a second factor", [dropped], [OPERATORS]],
  ["operators-revoke-what-is-active", "an operator revokes once more what was revoked", [holds(2)], [OPERATORS]],
  ["operators-revoke-ask-again", "a log-in is revoked after the role was taken away", [holds(1)], [OPERATORS]],
  ["operators-revoke-with-a-fresh-log-in", "an old log-in revokes a token for good", [dropped], [OPERATORS]],
  ["operators-changes-need-a-fresh-login", "an old log-in gives roles", [asked(false)], [OPERATORS]],
  ["only-operators-get-operators-scopes", "a user makes a token with operators' scopes", [chosen(false)], [OPERATORS]],
  ["operators-are-not-named", "a user learns which operator it was, and from where", [holds(0)], [all("admin/day")]],
  ["disabling-revokes-all", "what was revoked by disabling works again after enabling", [unset(2)], [all("admin/day")]],

  // Sessions and passwords.
  ["session-has-an-absolute-expiry", "a session is extended for ever", [times(9)], [SESSIONS]],
  ["only-active-sessions-are-extended", "a session that has expired, or was revoked, is extended", [holds(3), holds(4)], [SESSIONS]],
  ["session-is-revoked-once", "a session is revoked more than once", [holds(4)], [SESSIONS, REVOCATION_RACES]],
  ["new-password-revokes-all", "a new password leaves credentials, or linked identities", [withoutArgument(1), withoutArgument(2)], [AT_0, all("identities/own")]],
  ["new-password-spares-the-callers-token", "a new password spares nothing, or everything", [fails(1), holds(1)], [AT_0]],
  ["new-password-unlinks-identities", "a new password leaves linked identities", [fails(3)], [all("identities/own")]],
  ["last-way-in-stays", "the last way in is removed, or one of two cannot be", [value("true"), value("false")], [all("identities/own")]],
  ["challenge-is-ours", "anyone makes up a challenge", [asked(true)], [PASSKEYS]],
  ["challenge-is-used-once", "a challenge is used again", [value("true")], [PASSKEYS]],
  ["passkey-challenge-is-the-callers", "a challenge adds a passkey to another's account", [value("true")], [PASSKEYS]],
  ["code-is-no-password", "a code alone makes a log-in fresh where a password is asked for", [asked(false)], [PROOF]],
  ["new-passkey-needs-a-fresh-login", "a stolen session or an API token adds a passkey", [dropped], [PASSKEYS]],
  ["passkey-challenge-is-spent-once", "one answer of a passkey logs in twice", [holds(2)], [PASSKEYS]],
  ["cloned-passkey-is-refused", "a copy of a passkey opens the account", [value("true")], [PASSKEYS]],
  ["passkey-is-its-users", "a passkey opens another's account", [asked(false)], [CEREMONIES]],
  ["passkey-signature-is-right", "a log-in needs no signature", [chosen(true)], [CEREMONIES]],
  ["passkey-is-for-this-site", "a ceremony of another kind, challenge or site, or in a frame of one", [withoutOperand(1, "&&"), withoutOperand(2, "&&"), withoutOperand(3, "&&"), withoutOperand(4, "&&"), withoutOperand(5, "&&")], [CEREMONIES]],
  ["passkey-verifies-the-user", "for another rpId, with nobody there, or with somebody else", [withoutOperand(0, "&&"), withoutOperand(1, "&&"), withoutOperand(2, "&&"), withoutOperand(3, "&&")], [CEREMONIES]],
  ["deletion-revokes-all", "a deletion leaves the account, or its credentials", [unset(0), unset(4)], [AT_60, all("rights/deletion")]],
  ["deletion-leaves-no-data", "a deletion leaves what an action answered", [unset(0)], [all("rights/deletion")]],
  ["every-wrong-password-costs-the-same", "an account that is unknown costs no hash", [dropped], [all("contracts/equal-work")]],

  // Tombstones, KV and caches: the revocation lag.
  ["every-revocation-leaves-a-tombstone", "a raise of the lag brings back what was revoked", [fails(1)], [SIMULATION]],
  ["tombstone-before-the-answer", "a tombstone that KV did not take is no failure", [swallowed], [RECORDS]],
  ["tombstone-stays-enqueued-until-written", "a tombstone that KV did not take is deleted", [swallowed], [RECORDS]],
  ["copy-asks-for-its-tombstone", "a copy is good after the token's revocation", [dropped], [RECORDS]],
  ["copy-asks-for-parents", "a copy is good after the revocation of its parent", [value("[]")], [LAG_CHANGES]],
  ["copy-asks-whether-it-was-narrowed", "a copy works until its old end, or while its token is disabled", [withoutElement(0)], [RECORDS]],
  ["copy-asks-for-all-of-its-user", "a copy outlives the end of all API tokens", [withoutElement(1)], [AT_60]],
  ["copy-is-of-the-current-version", "a copy outlives a new password", [chosen(false)], [AT_60]],
  ["copy-expires-by-itself", "a copy is good for as long as KV has it", [chosen(true)], [SESSIONS]],
  ["jwt-asks-for-tombstones", "KV says nothing of a JWT's new password, API tokens, log-ins, or revocation", [withoutElement(0), withoutElement(1), withoutElement(3)], [AT_60]],
  ["jwt-asks-whether-a-parent-was-narrowed", "a JWT works until the old end of its token", [value("[]")], [CHAINS]],
  ["narrowing-leaves-a-tombstone", "copies work until their old end, or while their token is disabled", [fails(3), fails(4)], [RECORDS, RESTRICTED]],
  ["restricted-token-always-asks-d1", "a restricted token is cached and copied", [value("true")], [RESTRICTED]],
  ["revoked-token-leaves-the-cache", "this isolate goes on with a token that it has revoked", [dropped], [AT_10]],
  ["revoked-parent-leaves-the-cache", "this isolate goes on with a JWT whose parent it has revoked", [dropped], [AT_10]],
  ["cache-evicts", "a cached yes is good for ever, or never", [withoutOperand(1, "&&"), chosen(false)], [AT_10, TRACE]],
  ["cache-counts-kvs-own-lag", "the cache adds the whole lag to KV's own", [chosen(false)], [AT_300]],
  ["kv-answers-from-its-own-lag-on", "KV answers at a lag that it cannot keep, or never", [value("true"), value("false")], [AT_10, ACTIVE]],
  ["replica-proves-its-age", "a replica is believed however old it is", [value("true")], [SIMULATION]],
  ["heartbeat-is-not-from-the-future", "a clock that is wrong makes every replica fresh", [value("true")], [REPLICAS]],
  ["proof-lasts-from-the-heartbeat-on", "a replica's yes is cached for a whole lag more", [withoutProperty(1)], [REPLICAS]],
  ["clock-skew-is-subtracted", "clocks that differ are taken for the same", [times(0)], [REPLICAS]],
  ["replica-answers-for-what-no-one-changed-here", "a replica answers for a restricted token, or for what this isolate has just changed", [withoutOperand(0, "&&"), withoutOperand(1, "&&")], [REPLICAS]],
  ["signature-alone-only-for-short-jwts", "a JWT of any life is not asked about", [value("true")], [AT_60]],
  ["refresh-asks-whether-it-is-active", "a refresh does not ask whether the log-in was revoked", [asked(true)], [AT_0]],
  ["auth-asks-the-primary", "a JWT is obtained with what was revoked within the lag", [withoutOperand(0, "&&")], [AT_86400]],

  // Chains: nothing outlives or exceeds what it was derived from.
  ["replaced-token-derives-nothing", "a token that was replaced makes others", [fails(2)], [CHAINS]],
  ["nobody-extends-past-the-caller", "an API token extends itself by a stale copy", [fails(2)], [LAG_CHANGES]],
  ["token-change-stays-within-the-caller", "a token changes one with more scopes, extends itself, or is extended after its rotation", [holds(0), holds(1), holds(2)], [SCOPES, SIMULATION]],
  ["token-has-one-successor", "an API token has two successors", [holds(1)], [SIMULATION]],
  ["holder-revokes-what-is-active", "a report revokes what had been revoked", [holds(4)], [SIMULATION]],
  ["token-has-its-token-as-parent", "what an API token made outlives it", [withoutElement(0)], [CHAINS]],
  ["token-has-its-jwt-as-parent", "what an API token's JWT made outlives that JWT", [withoutElement(0)], [SIMULATION]],
  ["refresh-jwt-revokes-its-family", "a refresh JWT is revoked without its log-in", [chosen(false)], [AT_0]],
  ["one-jwt-revokes-its-chain", "a JWT revoked in the middle of a chain leaves the others", [withoutOperand(0, "??")], [SIMULATION]],
  ["chain-has-its-jwts-as-parents", "a JWT obtained with a JWT outlives that one", [withoutElement(2)], [CHAINS]],
  ["chain-has-one-root", "a JWT obtained with a JWT hangs on the last alone", [chosen(true)], [CHAINS]],
  ["chain-expires-with-its-token", "the JWT of a token, renewed, outlives the token", [times(0.5)], [SIMULATION]],
  ["jwt-names-its-parents", "a JWT outlives what it was obtained with", [withoutElement(0)], [AT_0]],
  ["jwt-expires-with-its-parent", "a JWT ends later than what it was obtained with", [withoutArgument(3)], [CHAINS]],
  ["jwt-keeps-its-tokens-version", "an API token's JWT outlives the end of all API tokens", [withoutProperty(1)], [AT_60]],
  ["jwt-is-no-fresher-than-its-log-in", "a JWT says that its user logged in when it was obtained", [onlyArgument(0)], [AUTH_TIME]],
  ["fresh-is-ten-minutes", "an old log-in is fresh, or one of the future", [withoutOperand(0, "&&"), withoutOperand(1, "&&")], [ACTS]],
  ["account-without-a-password-asks-for-a-fresh-log-in", "an old log-in changes and deletes an account that has no password", [dropped], [ACTS]],
  ["removal-of-an-identity-needs-a-fresh-log-in", "an old log-in removes a way in", [dropped], [ACTS]],
  ["export-needs-a-fresh-log-in", "an old log-in, or an API token, exports all data", [dropped], [ACTS]],
  ["rotation-of-a-powerful-token-needs-a-fresh-log-in", "an old log-in gets the secret of a powerful token", [asked(false)], [ACTS]],
  ["second-factor-asks-who-makes-a-powerful-token", "an old log-in makes a powerful token where there is a second factor", [chosen(true)], [ACTS]],
  ["second-factor-asks-who-extends-a-token", "an old log-in extends a token for a year where there is a second factor", [chosen(true)], [ACTS]],
  ["pages-pass-their-gate", "a user's form for operators is looked at before they are refused", [dropped], [OPERATOR_PAGES]],
  ["operators-pages-are-not-there", "a user learns that there are pages for operators", [chosen(false)], [OPERATOR_PAGES]],
  ["operators-export-needs-a-fresh-login", "an old log-in of an operator downloads all data of an account", [dropped], [OPERATOR_PAGES]],
  ["deletion-names-the-account", "an account is deleted by a form that names another", [asked(false)], [OPERATOR_PAGES]],
  ["exported-file-needs-a-fresh-log-in", "an old session downloads all data", [dropped], [PROOF]],
  ["page-makes-powerful-tokens-for-a-fresh-log-in", "an old session makes a powerful token on a page", [asked(false)], [PROOF]],
  ["searched-secret-stays-out-of-addresses", "an API token that is searched for stands in an address", [asked(false)], [only("console/tokens", "a search")]],
  ["only-own-tokens-are-shown", "everybody's API token has a page for everybody", [holds(1)], [all("storage/api-token-search")]],
  ["only-active-sessions-are-confirmed", "whoever logged out while they proved who they are goes on", [holds(0)], [PROOF]],
  ["api-tokens-are-never-fresh", "an API token is as fresh as a log-in", [chosen(true)], [AUTH_TIME]],
  ["identity-is-as-fresh-as-its-log-in", "an issuer's log-in of last year counts as of now", [onlyArgument(0)], [AUTH_TIME]],
  ["jwt-keeps-its-scopes", "the JWT of a narrow token may do everything", [chosen(true)], [SCOPES]],
  ["jwt-for-others-does-not-open", "a JWT for an adopter's API acts for its user here", [asked(false)], [EXCHANGE]],
  ["exchange-widens-no-scope", "an exchanged JWT may do more than its subject", [asked(false)], [EXCHANGE]],
  ["exchange-expires-with-its-parent", "an exchanged JWT outlives its subject", [onlyArgument(0)], [EXCHANGE]],
  ["renewed-jwt-keeps-its-bounds", "a new password frees a JWT of its bounds", [asked(true)], [SIMULATION]],
  ["scopes-are-never-exceeded", "a token makes one that may do more", [asked(false)], [SCOPES]],
  ["rpc-asks-for-the-audience", "a JWT of this service opens another API over RPC", [asked(false)], [all("rpc")]],
  ["rpc-asks-for-scopes", "a narrow token opens everything over RPC", [chosen(true)], [all("rpc")]],

  ["restricted-token-derives-nothing", "a token of few uses makes one of many", [asked(false)], [MEMBERS]],

  // Charges.
  ["restricted-token-asks-for-the-address", "a token is good wherever it is shown", [value("true")], [MEMBERS]],
  ["charge-asks-for-the-address", "a token is charged wherever it is used", [holds(0)], [VERIFICATION]],
  ["charge-asks-for-scopes", "a token is charged for what it may not do", [holds(0)], [VERIFICATION]],
  ["charge-is-one-statement", "what is not active, has nothing left, is over its limit, or was charged before is charged", [holds(2), holds(3), holds(5), holds(7)], [VERIFICATION]],
  ["a-key-charges-once", "a key is used up by a refusal, or charges each time", [holds(2), fails(2)], [VERIFICATION]],
  ["verified-jwt-is-for-this-service", "a JWT for another API is active for this one", [withoutOperand(1, "||")], [VERIFICATION]],
  ["charge-key-belongs-to-its-request", "a key lets through another request", [asked(false)], [VERIFICATION]],
  ["only-what-was-charged-is-active", "what could not be charged is active", [asked(false)], [VERIFICATION]],

  // latchkey/verify, in other people's services.
  ["verifier-takes-one-spelling", "a JWT has many spellings", [withoutOperand(1, "||")], [VERIFY]],
  ["verifier-takes-one-type", "a refresh JWT or a status list opens an API", [asked(false)], [VERIFY]],
  ["verifier-asks-whom-it-is-for", "a JWT for somebody else opens an API", [withoutOperand(1, "||")], [VERIFY]],
  ["verifier-asks-for-the-time", "an expired JWT opens an API", [asked(false)], [VERIFY]],
  ["verifier-asks-for-scopes", "a narrow token does everything", [asked(false)], [VERIFY]],
  ["verifier-fails-closed", "an API token opens an API while introspection fails", [asked(false)], [VERIFY]],
  ["verifier-fails-closed-without-a-list", "a JWT is good where its list cannot be had", [asked(true)], [VERIFY]],
  ["verifier-takes-the-list-it-asked-for", "another list, or another issuer's, says what was revoked", [asked(false)], [VERIFY]],
  ["verifier-asks-no-other-host", "a JWT makes a verifier ask any host", [asked(false)], [VERIFY]],
  ["unknown-key-is-looked-for-seldom", "each JWT with an unknown key fetches the keys", [asked(false)], [VERIFY]],

  // Refresh families.
  ["log-in-has-an-absolute-expiry", "a log-in that rotates has no end", [onlyArgument(0)], [ROTATION]],
  ["refresh-jwt-expires-with-its-family", "a version with longer lifetimes extends what one with shorter ones rotated", [withoutArgument(3)], [LIFETIMES]],
  ["tombstone-outlives-the-token", "a tombstone is gone while what it revokes still lives", [value("true")], [LIFETIMES]],
  ["rotation-has-one-winner", "everyone who shows a refresh JWT at once rotates it", [holds(2)], [ROTATION, only("races/once", "50 refreshes")]],
  ["revoked-family-does-not-rotate", "a revoked log-in rotates", [holds(2)], [ROTATION]],
  ["theft-revokes-the-family", "a spent refresh JWT is only refused; or one in its grace revokes all", [fails(3), holds(4)], [ROTATION]],
  ["theft-leaves-a-tombstone", "KV is not told of a theft", [fails(1)], [ROTATION]],
  ["grace-is-for-the-last-token-alone", "grace for a token two steps behind, or for ever", [holds(0), holds(1)], [ROTATION]],
  ["replaced-refresh-jwt-is-not-active", "a refresh JWT that was replaced is active", [chosen(false)], [all("oauth/introspect"), ROTATION]],
  ["status-list-shows-what-is-revoked", "a revoked log-in is not in the status list", [fails(3)], [all("oauth/status-list")]],

  // Actions: at most so many runs, all of it or nothing.
  ["consume-asks-everything", "a claim asks not for the end, the uses, the state, the runner, the key or the conditions; or counts none", [holds(3), holds(4), holds(5), holds(9), holds(10), holds(11), unset(0)], [ONCE, ACTIVE]],
  ["receipt-needs-the-use", "a receipt without a claim", [holds(2)], [ONCE]],
  ["effect-needs-the-use", "an effect without a claim", [holds(0)], [ONCE]],
  ["key-belongs-to-its-request", "another body under a key gets the receipt", [value("true")], [ONCE]],
  ["key-is-bound-to-its-input", "another input under a key gets the receipt", [withoutElement(4)], [OWNER]],
  ["only-what-can-run-is-revoked", "an action token is revoked by anybody, after its use, or by a caller who is gone", [holds(3), holds(8), holds(10)], [all("contracts/action-tokens"), REVOCATION_RACES, ACTIVE]],
  ["audience-is-asked", "an action runs for another than its audience", [value("false")], [ONCE]],
  ["expensive-action-asks-first", "a password is hashed for a token that cannot run", [withoutOperand(1, "||")], [ATTACKER]],
  ["nobody-issues-resets", "anybody issues a reset for themselves", [value("false")], [ATTACKER]],
  ["reset-revokes-all", "a reset leaves credentials", [unset(2)], [OWNER]],
  ["reset-keeps-only-named-passkeys", "a reset keeps passkeys that someone else added, or none", [holds(2), fails(2)], [PASSKEYS]],
  ["unproven-account-keeps-no-passkey", "a stranger's passkey opens an account of another's email", [fails(2)], [PASSKEYS]],
  ["unproven-passkeys-are-not-offered", "a page offers to keep what a reset removes", [holds(2)], [PASSKEYS]],
  ["only-mailed-links-show-passkeys", "anyone with an action token sees its issuer's passkeys", [withoutOperand(0, "&&")], [PASSKEYS]],
  ["reset-leaves-a-tombstone", "a reset leaves copies in KV", [value("false")], [OWNER]],
  ["email-is-proven-by-its-account", "an address is verified by anyone who follows the link", [value("false")], [ATTACKER]],
  ["mail-to-an-old-address-is-void", "a mail to an old address counts", [holds(0)], [ATTACKER]],
  ["only-a-settled-email-comes-back", "an address in between may undo a change too", [holds(2)], [all("recovery/changed-email")]],

  // Log-ins by email.
  ["email-has-no-words-of-strangers", "a stranger's words are sent to anybody", [withoutProperty(1)], [EMAIL_LOGIN]],
  ["email-asks-for-the-second-factor", "an email opens an account that has a second factor", [asked(false)], [EMAIL_LOGIN]],
  ["email-login-is-usable-once", "a log-in is shown as good that was used, is over, or was sent before a new password", [holds(3), holds(4), holds(8)], [EMAIL_LOGIN]],
  ["email-login-has-a-turn", "strangers fill the table", [holds(2)], [EMAIL_LOGIN]],
  ["code-tries-are-limited", "a code is guessed; or many codes of one address", [holds(4), holds(5)], [EMAIL_LOGIN]],
  ["email-login-is-spent-once", "a code logs in twice", [holds(2)], [EMAIL_LOGIN]],
  ["new-second-factor-is-asked-for", "an email opens an account that got a second factor meanwhile", [chosen(true)], [EMAIL_LOGIN]],
  ["log-in-opens-with-what-it-spends", "what was spent before opens another session", [chosen(false)], [EMAIL_LOGIN]],
  ["unproven-account-is-taken-over", "a stranger keeps what they left in an account of another's email", [chosen(false)], [EMAIL_LOGIN]],
  ["no-password-is-set-where-there-are-none", "a fresh log-in sets a password where there are to be none", [asked(false)], [EMAIL_LOGIN]],
  ["no-password-opens-where-there-are-none", "a password opens where there are to be none", [chosen(true)], [EMAIL_LOGIN]],

  // Tries, budgets, events.
  ["attempts-are-counted-by-account", "wrong passwords are counted by network alone", [holds(1)], [TRIES]],
  ["attempts-count-on-in-the-next-group", "at midnight all tries are forgotten, or where a clock is behind", [withoutElement(0), withoutElement(2)], [all("throttling/housekeeping")]],
  ["networks-are-known-for-90-days", "a network is known for ever, or of another user", [holds(1), holds(2)], [TRIES]],
  ["attempts-are-limited", "tries have no end; or an attack uses up those of the owner's own network", [holds(1), fails(2)], [TRIES]],
  ["refused-attempt-is-not-hashed", "a password is hashed that may not be tried", [asked(false)], [TRIES]],
  ["log-ins-are-limited-by-network", "log-ins are not limited by network", [dropped], [all("throttling/networks")]],
  ["ipv6-is-counted-by-network", "the owner of an IPv6 network can try from all of its addresses", [times(2, 1)], [TRIES]],
  ["mail-budget-has-an-interval", "a mail whenever one is asked for", [holds(2)], [ATTACKER]],
  ["failed-notice-is-retried", "a notice that failed waits as if it had been sent", [dropped], [all("recovery/notices")]],
  ["webhook-is-not-followed", "a token goes where the webhook redirects to", [withoutProperty(3)], [all("recovery/webhook")]],
  ["refused-mail-is-not-repeated", "what the webhook refused is sent again and again", [value("false")], [all("recovery/webhook")]],
  ["event-only-of-a-change", "an event whether or not there was a change", [holds(1)], [all("audit/with-change")]],
  ["new-log-in-leaves-an-event", "each log-in leaves an event, or a receiver does not get it", [holds(3), fails(2)], [all("audit/events")]],
  ["known-log-in-is-known-by-all", "a log-in from a new device, in a new way or from a new network leaves no event", [holds(2), holds(3), holds(4)], [all("audit/events")]],
  ["log-ins-outlive-what-is-derived", "the row of a log-in goes while a location whose clock is behind accepts its JWTs", [times(0)], [all("housekeeping")]],
  ["only-new-events-are-queued", "a receiver gets earlier events again", [holds(4)], [all("audit/with-change")]],
  ["one-sender-a-user", "two runs send the same events", [holds(2)], [EVENTS_OUT]],
  ["later-events-wait", "a later event overtakes one that failed", [dropped], [EVENTS_OUT]],
  ["only-accepted-events-go", "what a receiver did not accept is lost", [holds(2)], [EVENTS_OUT]],
  ["event-needs-acceptance", "an event is lost whatever the webhook answers", [asked(true)], [all("events/event-webhook")]],
  ["expired-rows-alone-go", "housekeeping deletes what is alive", [holds(1)], [HOUSEKEEPING]],
  ["families-go-after-their-last-expiry", "a family that was extended is deleted", [holds(2)], [HOUSEKEEPING]],
  ["housekeeping-runs-alone", "two runs of housekeeping work at once", [holds(1)], [HOUSEKEEPING]],
  ["housekeeping-stops-at-its-share", "housekeeping takes all of the primary's time", [asked(false)], [HOUSEKEEPING]],
  ["full-database-takes-nothing-new", "a database is filled until no one can log in", [asked(false)], [all("faults/full")]],
  ["full-database-opens-no-accounts", "log-ins create accounts in a full database", [withoutOperand(1, "&&")], [all("faults/full")]],
  ["undelivered-events-stay", "an event expires before its receiver has it", [holds(2)], [EVENTS_OUT]],
  ["archive-is-never-overwritten", "a run that died has archived events that the next one writes over", [withoutProperty(0)], [ARCHIVE]],
  ["archived-events-alone-go", "events go that the bucket does not have", [holds(1)], [ARCHIVE]],
  ["only-expired-days-go", "events go before their time", [holds(2)], [all("audit/kept")]],
  ["own-events-only", "everybody's events for everybody", [holds(1)], [all("audit/events")]],
  ["own-events-are-found", "everybody's events are found by everybody", [holds(0)], [all("audit/find")]],
  ["names-of-events-are-own", "an event names a token of another user", [holds(6), holds(7)], [all("audit/find")]],
  ["csv-cells-are-no-formulas", "a name in a downloaded file runs as a formula", [chosen(false)], [all("console/activity")]],

  // What comes in: token types, audiences, spelling, places.
  ["only-access-jwts-open", "a refresh JWT opens what an access JWT does", [dropped], [all("contracts/credentials")]],
  ["only-refresh-jwts-refresh", "an access JWT refreshes", [withoutOperand(0, "&&")], [all("contracts/jwt-pair")]],
  ["jwt-is-for-a-known-audience", "a JWT for an audience that there is not is active", [chosen(true)], [JWT]],
  ["reserved-claims-are-ours", "a deployment's claim has a reserved name", [asked(false)], [all("exchange/claims")]],
  ["jwt-is-ours-and-for-us", "issuer or audience is not checked", [withoutOperand(0, "||"), withoutOperand(1, "||")], [JWT]],
  ["jwt-is-of-one-type-and-user", "two claims say two things of type or user", [withoutOperand(0, "||"), withoutOperand(1, "||")], [JWT]],
  ["jwt-has-its-time", "a JWT is taken after its end, or before its time", [withoutOperand(0, "||"), withoutOperand(1, "||")], [JWT]],
  ["legacy-jwts-are-never-fresh", "a JWT of the earlier system counts as a new log-in", [value("issuedAt")], [LEGACY]],
  ["legacy-jwts-do-not-pass-the-second-factor", "one opens an account whose second factor was never asked for", [fails(1)], [LEGACY]],
  ["legacy-jwts-end", "JWTs of the earlier system are taken after the date", [asked(false)], [LEGACY]],
  ["legacy-jwt-has-its-time", "one is taken after its end, or before its time", [withoutOperand(1, "||"), withoutOperand(2, "||")], [LEGACY]],
  ["legacy-jwt-is-for-the-expected", "one of another issuer is taken", [asked(false)], [LEGACY]],
  ["legacy-account-is-as-imported", "a refresh JWT from before a log-out everywhere is adopted", [holds(2)], [LEGACY]],
  ["verified-jwt-still-expires", "a JWT that was verified once is taken for ever", [chosen(true)], [all("crypto/verified-jwts")]],
  ["jwt-has-one-spelling", "a JWT is of any length, or written in many ways", [withoutOperand(0, "||"), withoutOperand(1, "||")], [all("revocation/edges"), JWT]],
  ["algorithm-is-the-keys", "a JWT chooses its own algorithm", [withoutOperand(1, "||")], [all("crypto/jwt-attacks"), JWT]],
  ["secret-is-of-its-kind", "a token of one kind passes for another", [withoutOperand(0, "||")], [all("crypto/secrets")]],
  ["body-is-bounded", "a body of any size is read", [dropped], [all("revocation/edges"), all("http/body")]],
  ["no-credential-in-the-query", "credentials in the query are always taken", [withoutOperand(0, "&&")], [CREDENTIALS]],
  ["one-credential", "of two credentials the first counts", [dropped], [CREDENTIALS]],
  ["route-asks-for-its-scope", "a narrow token opens every route", [asked(false)], [SCOPES]],
  ["no-form-of-another-site", "a form of another site is taken", [asked(false)], [all("contracts/input")]],
  ["pages-take-only-own-forms", "a page takes a form of another site", [asked(false)], [all("console/cross-site")]],
  ["session-cookie-stays-here", "the cookie goes to scripts, or out with another site's requests", [withoutProperty(2), withoutProperty(3)], [all("console/auth-pages")]],
  ["page-links-are-paths-or-https", "an action's page links to a script or, unseen, to another site", [asked(false)], [all("actions/definitions")]],
  ["log-in-leads-to-own-pages", "a log-in leads to another site", [chosen(true)], [all("console/auth-pages")]],
  ["lost-form-is-shown-to-its-user-alone", "whoever logs in next reads what another had typed", [chosen(true)], [all("console/flash")]],
  ["lost-form-is-bounded", "a long form makes a cookie that no browser keeps", [asked(false)], [all("console/flash")]],

  // The second factor.
  ["password-asks-for-the-second-factor", "a password alone opens an account with a second factor", [dropped], [SECOND_FACTOR]],
  ["identity-asks-for-the-second-factor", "an identity alone opens an account with a second factor", [dropped], [SECOND_FACTOR]],
  ["ha1b-asks-for-the-second-factor", "HA1B alone opens an account with a second factor", [dropped], [SECOND_FACTOR]],
  ["pages-ask-for-the-second-factor", "a page logs in with the first factor alone", [asked(true)], [EMAIL_LOGIN, all("identities/issuer-login"), all("console/second-factor")]],
  ["half-a-log-in-releases-nothing", "a right password alone makes its network known, and as many attempts as one likes", [asked(true)], [FACTOR_STORIES]],
  ["half-a-log-in-ends-with-its-password", "the first half of a log-in outlives its password, or five minutes", [withoutOperand(1, "||"), withoutOperand(2, "||")], [all("console/second-factor")]],
  ["codes-are-limited-by-day", "codes are guessed for as long as networks last", [chosen(false)], [FACTOR_STORIES]],
  ["a-factor-that-counts-is-not-replaced", "a thief replaces the second factor", [holds(1)], [FACTOR_STORIES]],
  ["a-factor-is-confirmed-once", "of many who confirm, each has recovery codes, and one has those that work", [holds(2)], [FACTOR_STORIES]],
  ["a-code-works-once", "a code that was seen is used again", [holds(3)], [FACTOR_STORIES, SECOND_FACTOR]],
  ["a-recovery-code-works-once", "a recovery code opens twice", [holds(2)], [FACTOR_STORIES, SECOND_FACTOR]],
  ["ciphertext-is-bound-to-its-context", "what is encrypted for one user opens for another", [withoutProperty(2)], [all("crypto/totp")]],

  // The client that others install.
  ["one-refresh-for-all", "everyone who waits refreshes", [asked(true)], [CLIENT]],
  ["log-out-stays-a-log-out", "a refresh brings a log-in back to life", [dropped], [CLIENT]],
  ["nothing-goes-out-as-another", "what one user began goes out as another", [withoutOperand(1, "&&")], [CLIENT]],
  ["credential-goes-to-the-service-alone", "the credential goes to whatever is asked", [dropped], [all("client/calls")]],
];
