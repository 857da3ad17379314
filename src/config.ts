import * as v from "valibot";
import { FACEBOOK, GOOGLE, type Issuer } from "./core/issuers.ts";
import type { Lifetimes } from "./core/token.ts";
import { type EncryptionKeys, type JwtKeySet, parseKeySet } from "./crypto/keys.ts";
import { type LegacySetting, parseLegacySetting } from "./crypto/legacy-jwts.ts";
import { parseScanningKeys, type ScanningKey } from "./crypto/github-signature.ts";
import { LEGACY_TOKENS } from "./crypto/secrets.ts";
import { ADDRESS_FORMS } from "./http/address.ts";
import { DEV_MODES, type DevMode, isNear } from "./http/dev.ts";
import { clientIds, openIdIssuers } from "./http/issuer-settings.ts";
import { LOGGED, type Logged } from "./http/request-log.ts";
import type { CorsOrigins } from "./http/transport.ts";
import type { Webhook } from "./mail/webhook.ts";

const DAY_SECONDS = 86_400;

/** A scheme and a host without a trailing slash, because clients compare it as a string. */
const origin = v.pipe(
  v.string("is missing"),
  v.check((text) => {
    const url = URL.parse(text);
    const isNamed = !text.includes("*");
    return isNamed && url !== null && /^https?:$/.test(url.protocol) && url.origin === text;
  }, "must be an origin such as https://auth.example.com, with no path and no last slash"),
);

const keySet = v.pipe(
  v.string("is missing"),
  v.rawTransform<string, JwtKeySet>(({ dataset, addIssue, NEVER }) => {
    const parsed = parseKeySet(dataset.value);
    if (!("wrong" in parsed)) return parsed;
    addIssue({ message: parsed.wrong });
    return NEVER;
  }),
);

/** Schemes that are never the origin of a page that sends requests. */
const NEVER_AN_ORIGIN = /^(?:file|ftp|wss?|data|blob|about|javascript|mailto):/;

/** As browsers send it in `Origin`. WebViews of apps have their own schemes, such as `capacitor://localhost`. */
function isBrowserOrigin(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || text.includes("*") || NEVER_AN_ORIGIN.test(text)) return false;
  return (
    url.host !== "" &&
    url.host === url.host.toLowerCase() &&
    text === `${url.protocol}//${url.host}`
  );
}

/** Several values in one text, with commas or spaces between. */
const listed = (text: string) => text.split(/[\s,]+/).filter(Boolean);

const corsOrigins = v.pipe(
  v.string("must be text"),
  v.transform((text): CorsOrigins => (text === "*" ? "*" : listed(text))),
  v.check(
    (origins) => origins === "*" || origins.every(isBrowserOrigin),
    "must be * or origins with commas between, each as browsers send it: no path, no * in it",
  ),
);

/** Of sites that may use this service's passkeys: apps on Android have origins of their own. */
const passkeyOrigins = v.pipe(
  v.string("must be text"),
  v.transform(listed),
  v.check(
    (origins) =>
      origins.every(
        (text) => isBrowserOrigin(text) || /^android:apk-key-hash:[\w-]{43}$/.test(text),
      ),
    "must be origins with commas between, each as browsers send it: no path, no * in it",
  ),
);

/** One message, whatever is wrong with it. */
function wholeNumber(
  unit: "seconds" | "milliseconds" | "days" | "bytes",
  min: number,
  max: number,
) {
  const message = `must be a whole number of ${unit} from ${min} to ${max}`;
  return v.pipe(
    v.string("must be text"),
    v.rawTransform<string, number>(({ dataset, addIssue, NEVER }) => {
      const value = /^\d{1,15}$/.test(dataset.value) ? Number(dataset.value) : Number.NaN;
      if (value >= min && value <= max) return value;
      addIssue({ message });
      return NEVER;
    }),
  );
}

/** Several of one form, none of them twice; the first is what the service itself uses. */
export type OneOrMore = readonly [string, ...string[]];

const oneOrMore = (form: RegExp, most: number, message: string) =>
  v.pipe(
    v.string("must be text"),
    v.rawTransform<string, OneOrMore>(({ dataset, addIssue, NEVER }) => {
      const [first = "", ...more] = listed(dataset.value);
      const values: OneOrMore = [first, ...more];
      const isSet = new Set(values).size === values.length && values.length <= most;
      if (isSet && values.every((value) => form.test(value))) return values;
      addIssue({ message });
      return NEVER;
    }),
  );

const legacySetting = v.pipe(
  v.string("must be text"),
  v.transform((text) => (text === "" ? null : (parseLegacySetting(text) ?? undefined))),
  v.custom<LegacySetting | null>(
    (setting) => setting !== undefined,
    'must be JSON such as {"until":"2027-03-01","keys":[{"alg":"HS256","secret":…}]}, a secret no shorter than its hash',
  ),
);

const legacyTokens = v.pipe(
  v.string("must be text"),
  v.transform(listed),
  v.array(v.picklist(LEGACY_TOKENS, `must be of ${LEGACY_TOKENS.join(", ")}`)),
);

const scanningKeys = v.pipe(
  v.string("must be text"),
  v.transform(parseScanningKeys),
  v.custom<readonly ScanningKey[]>(
    (keys) => keys !== null,
    'must be JSON as GitHub publishes it: {"public_keys":[{"key_identifier":…,"key":…}]}',
  ),
);

/** Plain HTTP and printed emails are allowed only on the developer's own machine. */
const isLoopback = (url: string) =>
  /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?(?:\/|$)/.test(url);

const webhookUrl = v.pipe(
  v.string("must be text"),
  v.check((text) => {
    // Returns before parsing: an exception, even a caught one, during start-up makes V8 read all modules again.
    if (text === "") return true;
    const url = URL.parse(text);
    const isSafe = isLoopback(text) || url?.protocol === "https:";
    // `fetch` rejects URLs that contain a password.
    return isSafe && url?.username === "" && url.password === "";
  }, "must be an https URL without user name and password"),
);

/**
 * Standard Webhooks: `whsec_` and the base64 of 24 to 64 bytes. During a rotation there are two, the new one
 * first. Null if it is empty.
 */
const webhookSecrets = v.pipe(
  v.string("must be text"),
  v.rawTransform<string, readonly Uint8Array<ArrayBuffer>[] | null>(
    ({ dataset, addIssue, NEVER }) => {
      const texts = listed(dataset.value);
      if (texts.length === 0) return null;
      const secrets = texts.map(webhookSecret).filter((secret) => secret !== null);
      if (secrets.length === texts.length && secrets.length <= 2) return secrets;
      addIssue({ message: "must be whsec_ and the base64 of 24 to 64 bytes, or two of these" });
      return NEVER;
    },
  ),
);

function webhookSecret(text: string): Uint8Array<ArrayBuffer> | null {
  const [, encoded] = /^whsec_([\w+/]+={0,2})$/.exec(text) ?? [];
  const bytes = encoded === undefined ? null : fromBase64(encoded);
  return bytes !== null && bytes.length >= 24 && bytes.length <= 64 ? bytes : null;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    // Not Uint8Array.fromBase64: `npm run deploy` checks settings in Node, which lacks it.
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

/** AES-256 keys, the first for what is new. */
const encryptionKeys = v.pipe(
  v.string("is missing"),
  v.rawTransform<string, EncryptionKeys>(({ dataset, addIssue, NEVER }) => {
    const decoded = listed(dataset.value).map(fromBase64);
    const [first, ...others] = decoded.filter((key) => key?.length === 32);
    if (first && others.length === decoded.length - 1) {
      return [first, ...others.filter((key) => key !== null)];
    }
    addIssue({ message: "must be the base64 of 32 bytes, or several of these, commas between" });
    return NEVER;
  }),
);

const switched = v.pipe(
  v.picklist(["on", "off"], "must be on or off"),
  v.transform((text) => text === "on"),
);

/** The identifiers of iOS apps: the team's ten characters, and the bundle. */
const appleApps = v.pipe(
  v.string("must be text"),
  v.transform(listed),
  v.check(
    (ids) => ids.every((id) => /^[A-Z\d]{10}\.[A-Za-z\d.-]{1,155}$/.test(id)),
    "must be TEAMID.bundle.id, or several with commas between",
  ),
);

const androidApps = v.pipe(
  v.string("must be text"),
  v.transform(listed),
  v.check(
    (apps) => apps.every((app) => /^[A-Za-z][\w.]{0,150}=(?:[A-F\d]{2}:){31}[A-F\d]{2}$/.test(app)),
    "must be package=fingerprint, the fingerprint as AB:CD:… of 32 bytes; several with commas between",
  ),
  v.transform((apps) => {
    const byName = new Map<string, string[]>();
    for (const app of apps) {
      const [name = "", fingerprint = ""] = app.split("=");
      byName.set(name, [...(byName.get(name) ?? []), fingerprint]);
    }
    return [...byName].map(([name, fingerprints]) => ({ name, fingerprints }));
  }),
);

const contact = v.pipe(
  v.string("must be text"),
  v.check(
    (text) => text === "" || /^(?:https:\/\/|mailto:)[!-~]+$/.test(text),
    "must be an https or mailto URL",
  ),
);

/** Each row's comment is its description in docs/reference/settings.md: `npm run docs` after a change. */
const Fields = v.object({
  /**
   * This service's origin, such as `https://auth.example.com`: `iss` and `aud` of its JWTs. `npm run dev`
   * sets the local address.
   */
  ISSUER: origin,
  /** A secret: the JWK set that signs JWTs. `npm run dev` and `npm run deploy` create one. */
  JWT_KEYS: keySet,
  /**
   * A secret: the keys that encrypt what the database must store but not reveal, such as the secrets of
   * second factors. Each is the base64 of 32 random bytes (`openssl rand -base64 32`). If there are several,
   * separated by commas, the first encrypts and all decrypt. `npm run dev` and `npm run deploy` create one.
   */
  ENCRYPTION_KEYS: encryptionKeys,
  /** `closed` refuses sign-up with 403. */
  SIGN_UP: v.optional(v.picklist(["open", "closed"], "must be open or closed"), "open"),
  /**
   * With `off`, no account has a password. People log in by email, OpenID issuers or passkeys, and their
   * first log-in creates the account. Every password is treated as wrong, and none is hashed.
   */
  PASSWORDS: v.optional(switched, "on"),
  /**
   * A revoked credential is refused everywhere within this many seconds, up to 86,400. With 0, every check
   * asks the database.
   */
  REVOCATION_LAG_SECONDS: v.optional(wholeNumber("seconds", 0, DAY_SECONDS), "0"),
  /**
   * With `on` and a revocation lag of 5 or more, checks ask the nearest replica of the database. `npm run
   * deploy` switches its replication on.
   */
  READ_REPLICAS: v.optional(switched, "off"),
  /**
   * How long the access JWT of a pair lives, in seconds; 60 to 86,400. As with all lifetimes, a change
   * applies to what is issued or extended afterwards.
   */
  ACCESS_TOKEN_SECONDS: v.optional(wholeNumber("seconds", 60, DAY_SECONDS), "300"),
  /** How long a refresh JWT lives; 60 to 7,776,000 (90 days), and no longer than `LOGIN_MAX_DAYS`. */
  REFRESH_TOKEN_SECONDS: v.optional(wholeNumber("seconds", 60, 90 * DAY_SECONDS), "86400"),
  /**
   * How long a session lives from its creation and from each extension; 60 to 2,592,000, and no longer than
   * `LOGIN_MAX_DAYS`.
   */
  SESSION_SECONDS: v.optional(wholeNumber("seconds", 60, 30 * DAY_SECONDS), "3600"),
  /** How long a JWT of `GET /rest/auth` lives; 60 to 2,592,000, and no longer than `LOGIN_MAX_DAYS`. */
  AUTH_TOKEN_SECONDS: v.optional(wholeNumber("seconds", 60, 30 * DAY_SECONDS), "86400"),
  /**
   * When a log-in ends for good, however often its session is extended or its JWTs are refreshed; 1 to 365
   * days.
   */
  LOGIN_MAX_DAYS: v.optional(wholeNumber("days", 1, 365), "30"),
  /**
   * The value of the claim `user_id` in JWTs: the account's `uuid`, or the `external_id` that an import kept,
   * with its type (the uuid if there is none). `sub` is always the uuid.
   */
  USER_ID_CLAIM: v.optional(
    v.picklist(["uuid", "external_id"], "must be uuid or external_id"),
    "uuid",
  ),
  /**
   * A secret: the keys of the system that the accounts came from. Its JWTs are accepted `until` a date and
   * refreshed into ours: `{"until":"2027-03-01","keys":[{"alg":"HS256","secret":"…"}]}`. A key has `alg` and
   * `secret`, or is a public JWK with `alg`; add `kid` if the JWTs have one. `user_id_claim` is the claim
   * with the user's uuid or `external_id` (by default `user_id`). With `issuer` and `audience`, JWTs must
   * match these.
   */
  LEGACY_JWT_KEYS: v.optional(legacySetting, ""),
  /**
   * The kinds of opaque tokens that are accepted after `npm run users -- import-tokens` imported their
   * digests, separated by commas: `sanctum`, `knox`, or `knox4` for knox before version 5.
   */
  LEGACY_TOKENS: v.optional(legacyTokens, ""),
  /**
   * The words that `Authorization` accepts before a JWT or an API token, separated by commas: `Bearer`, `JWT`
   * and `Token`. Challenges name the first. Latchkey's own client sends `Bearer`.
   */
  AUTH_HEADER_TYPES: v.optional(
    oneOrMore(/^(?:Bearer|JWT|Token)$/, 3, "must be of Bearer, JWT and Token, with commas between"),
    "Bearer",
  ),
  /**
   * The start of session, API and action tokens: `acme` makes `acme_ses_…`, `acme_api_…`, `acme_act_…`. If
   * there are several, separated by commas, new tokens get the first, and tokens with the others stay valid.
   */
  TOKEN_PREFIX: v.optional(
    oneOrMore(
      /^[a-z][a-z0-9]{1,15}$/,
      8,
      "must be up to 8 prefixes with commas between, each 2 to 16 characters of a-z and 0-9",
    ),
    "lk",
  ),
  /**
   * The origins whose scripts may call from a browser, separated by commas, each exactly as a browser sends
   * it. App schemes work too (`capacitor://localhost`). `*` allows any.
   */
  CORS_ORIGINS: v.optional(corsOrigins, "*"),
  /** `on` also accepts credentials in the query. */
  QUERY_CREDENTIALS: v.optional(switched, "off"),
  /** With `on`, each refresh also returns a new refresh JWT, and the old one is used up. */
  ROTATE_REFRESH_TOKENS: v.optional(switched, "off"),
  /** How long KV or D1 may take before the answer is a 503; 50 to 30,000. */
  STORAGE_DEADLINE_MS: v.optional(wholeNumber("milliseconds", 50, 30_000), "3000"),
  /**
   * GitHub's public keys for secret scanning, in the format of
   * https://api.github.com/meta/public_keys/secret_scanning.
   */
  GITHUB_SCANNING_KEYS: v.optional(scanningKeys, ""),
  /** How much of a network address events keep: `full`, `truncated` (IPv4 to /24, IPv6 to /48) or `none`. */
  EVENT_ADDRESS: v.optional(
    v.picklist(ADDRESS_FORMS, `must be one of ${ADDRESS_FORMS.join(", ")}`),
    "truncated",
  ),
  /**
   * How many bytes the database may have, which is D1's limit on the paid plan; on the free one it is 500000000. From
   * 60 % on operators are warned, and at 95 % new accounts and tokens are refused.
   */
  DATABASE_LIMIT_BYTES: v.optional(wholeNumber("bytes", 100_000, 10 ** 14), "10000000000"),
  /** How many days an event is kept that matters for security; 1 to 3,650. Where `EVENTS_ARCHIVE` is bound, events are archived then. */
  EVENT_DAYS: v.optional(wholeNumber("days", 1, 3_650), "90"),
  /** How many days all other events are kept: sessions, JWTs, action tokens, an action's own; 1 to 3,650. */
  ROUTINE_EVENT_DAYS: v.optional(wholeNumber("days", 1, 3_650), "14"),
  /**
   * The https endpoint that receives emails (http only on this machine). Without it, no email is sent, and
   * the log says so.
   */
  MAIL_WEBHOOK_URL: v.optional(webhookUrl, ""),
  /**
   * A secret that must be set together with the URL: `whsec_` and the base64 of 24 to 64 random bytes, for
   * example from `echo "whsec_$(openssl rand -base64 32)"`. During a rotation, two of them, the new one
   * first.
   */
  MAIL_WEBHOOK_SECRET: v.optional(webhookSecrets, ""),
  /**
   * The https endpoint that receives every event (http only on this machine). Each is sent until it answers
   * 2xx. Without it, none is sent.
   */
  EVENTS_WEBHOOK_URL: v.optional(webhookUrl, ""),
  /** A secret that must be set together with the URL, in the format of `MAIL_WEBHOOK_SECRET`. */
  EVENTS_WEBHOOK_SECRET: v.optional(webhookSecrets, ""),
  /**
   * `on` prints emails with their tokens if there is no webhook; `npm run dev` sets it. Allowed only if
   * `ISSUER` is on loopback or `DEV` is `lan`.
   */
  MAIL_OUTBOX: v.optional(switched, "off"),
  /** Your client ids at Google, separated by commas. Without one, no one can log in with Google. */
  GOOGLE_CLIENT_ID: v.optional(clientIds, ""),
  /**
   * A secret: the client secret of the first of these client ids. With it, the console shows a button for
   * Google; register `ISSUER`/log-in/google/callback as a redirect URI there.
   */
  GOOGLE_CLIENT_SECRET: v.optional(v.string("must be text"), ""),
  /** Your app id at Facebook, for Limited Login. Without it, no one can log in with Facebook. */
  FACEBOOK_APP_ID: v.optional(clientIds, ""),
  /**
   * Other OpenID issuers: `[{"name":"acme","issuer":"https://…","jwks":"https://…","audience":["…"]}]`. With
   * `"domains":["acme.example"]`, an issuer is trusted only for emails of these domains. `http:` is allowed
   * only on loopback. With `"client_id"`, one of the audience, and its `"client_secret"`, the console shows a
   * button for this issuer, whose redirect URI is `ISSUER`/log-in/acme/callback. Make the setting a secret
   * then.
   */
  OPENID_ISSUERS: v.optional(openIdIssuers, "[]"),
  /**
   * Your iOS apps, as `TEAMID.bundle.id`, separated by commas. Links with a token open in them
   * (`/.well-known/apple-app-site-association`).
   */
  APPLE_APPS: v.optional(appleApps, ""),
  /**
   * Your Android apps, as `package=fingerprint`, separated by commas (the SHA-256 of the signing certificate,
   * `AB:CD:…`). List an app with two certificates twice (`/.well-known/assetlinks.json`).
   */
  ANDROID_APPS: v.optional(androidApps, ""),
  /** Where to report security problems, as an https or mailto URL, for `/.well-known/security.txt`. */
  SECURITY_CONTACT: v.optional(contact, ""),
  /**
   * Origins of other sites where this service's passkeys work too, separated by commas. Browsers read them at
   * `/.well-known/webauthn`, and accept at most five different names.
   */
  PASSKEY_ORIGINS: v.optional(passkeyOrigins, ""),
  /** Whether operators (accounts with the role `Admin`) need a second factor: `required` or `off`. */
  ADMIN_SECOND_FACTOR: v.optional(
    v.picklist(["required", "off"], "must be required or off"),
    "required",
  ),
  /** `on` accepts `X-Auth-HA1B-Token`, and stores an Argon2id hash of its digest. */
  HA1B: v.optional(switched, "off"),
  /** With `on`, a new password that appeared in a data breach is refused with 400. */
  PWNED_PASSWORDS: v.optional(switched, "off"),
  /** The origin of the range API, if you run a mirror. */
  PWNED_PASSWORDS_URL: v.optional(origin, "https://api.pwnedpasswords.com"),
  /**
   * Serves plain HTTP: `on` under its own name only, `lan` to the local network too. `npm run dev` sets it;
   * `npm run deploy` refuses both.
   */
  DEV: v.optional(v.picklist(DEV_MODES, `must be one of ${DEV_MODES.join(", ")}`), "off"),
  VERSION_METADATA: v.optional(v.object({ id: v.string() }), { id: "" }),
  /**
   * Which requests write a log line: `requests` (each) or `errors` (those that end in a 5xx). The terminal of
   * `npm run dev` shows each request in any case.
   */
  LOG: v.optional(v.picklist(LOGGED, `must be one of ${LOGGED.join(", ")}`), "requests"),
});

/** For the settings reference, which is generated. `VERSION_METADATA` is a binding. */
export const SETTINGS = Fields.entries;

/** Otherwise a setting would say something that never happens. */
const OUTLIVES_LOGIN = "must be no longer than LOGIN_MAX_DAYS";

const Settings = v.pipe(
  Fields,
  v.forward(
    v.partialCheck(
      [["REFRESH_TOKEN_SECONDS"], ["LOGIN_MAX_DAYS"]],
      ({ REFRESH_TOKEN_SECONDS: lives, LOGIN_MAX_DAYS: days }) => lives <= days * DAY_SECONDS,
      OUTLIVES_LOGIN,
    ),
    ["REFRESH_TOKEN_SECONDS"],
  ),
  v.forward(
    v.partialCheck(
      [["SESSION_SECONDS"], ["LOGIN_MAX_DAYS"]],
      ({ SESSION_SECONDS: lives, LOGIN_MAX_DAYS: days }) => lives <= days * DAY_SECONDS,
      OUTLIVES_LOGIN,
    ),
    ["SESSION_SECONDS"],
  ),
  v.forward(
    v.partialCheck(
      [["AUTH_TOKEN_SECONDS"], ["LOGIN_MAX_DAYS"]],
      ({ AUTH_TOKEN_SECONDS: lives, LOGIN_MAX_DAYS: days }) => lives <= days * DAY_SECONDS,
      OUTLIVES_LOGIN,
    ),
    ["AUTH_TOKEN_SECONDS"],
  ),
  v.forward(
    v.partialCheck(
      [["MAIL_WEBHOOK_URL"], ["MAIL_WEBHOOK_SECRET"]],
      ({ MAIL_WEBHOOK_URL: url, MAIL_WEBHOOK_SECRET: secrets }) =>
        (url === "") === (secrets === null),
      "must be set together with MAIL_WEBHOOK_URL",
    ),
    ["MAIL_WEBHOOK_SECRET"],
  ),
  v.forward(
    v.partialCheck(
      [["EVENTS_WEBHOOK_URL"], ["EVENTS_WEBHOOK_SECRET"]],
      ({ EVENTS_WEBHOOK_URL: url, EVENTS_WEBHOOK_SECRET: secrets }) =>
        (url === "") === (secrets === null),
      "must be set together with EVENTS_WEBHOOK_URL",
    ),
    ["EVENTS_WEBHOOK_SECRET"],
  ),
  v.forward(
    v.partialCheck(
      [
        ["PASSWORDS"],
        ["MAIL_WEBHOOK_URL"],
        ["MAIL_OUTBOX"],
        ["GOOGLE_CLIENT_ID"],
        ["FACEBOOK_APP_ID"],
        ["OPENID_ISSUERS"],
      ],
      ({ PASSWORDS, MAIL_WEBHOOK_URL, MAIL_OUTBOX, ...issuers }) =>
        PASSWORDS ||
        MAIL_OUTBOX ||
        MAIL_WEBHOOK_URL !== "" ||
        Object.values(issuers).some(({ length }) => length > 0),
      "may be off only with MAIL_WEBHOOK_URL or an OpenID issuer: nothing else creates accounts",
    ),
    ["PASSWORDS"],
  ),
  v.forward(
    v.partialCheck(
      [["ISSUER"], ["DEV"]],
      ({ ISSUER, DEV }) => DEV !== "lan" || isNear(new URL(ISSUER).hostname),
      "may be lan only where ISSUER is an address of this machine's own network",
    ),
    ["DEV"],
  ),
  v.forward(
    v.partialCheck(
      [["ISSUER"], ["MAIL_OUTBOX"], ["DEV"]],
      ({ ISSUER, MAIL_OUTBOX, DEV }) => !MAIL_OUTBOX || DEV === "lan" || isLoopback(ISSUER),
      "may be on only where ISSUER is http://localhost: it prints tokens",
    ),
    ["MAIL_OUTBOX"],
  ),
);

type CamelCase<S extends string> = S extends `${infer Word}_${infer Rest}`
  ? `${Lowercase<Word>}${Capitalize<CamelCase<Rest>>}`
  : Lowercase<S>;

const camelCase = (name: string) =>
  name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

type Settings = v.InferOutput<typeof Settings>;

/** `EVENT_DAYS` as `eventDays`: a new setting is only a row of `Fields`. */
type ByCamelCase = { readonly [N in keyof Settings as CamelCase<N>]: Settings[N] };

/** Every setting, or in its place what is derived from it. */
export type Config = Omit<ByCamelCase, keyof Derived> & Derived;

interface Derived {
  readonly signUpIsOpen: boolean;
  readonly lifetimes: Lifetimes;
  /** New tokens have the first. */
  readonly tokenPrefixes: OneOrMore;
  readonly credentialsInQuery: boolean;
  /** How emails are sent: printed, to a webhook, or not at all. */
  readonly mail: "outbox" | Webhook | null;
  /** Where events are sent; null for nowhere. */
  readonly eventsWebhook: Webhook | null;
  readonly issuers: readonly Issuer[];
  readonly takesHa1b: boolean;
  /** The API that knows leaked passwords; null if new passwords are not checked. */
  readonly pwnedPasswordsUrl: string | null;
  /** Which requests write a log line. */
  readonly logged: Logged;
  /** Whether this is a developer's own machine. If so, answers contain what they cost. */
  readonly isLocal: boolean;
  readonly dev: DevMode;
  /** Cloudflare's id of the deployed version; null if there is none. */
  readonly versionId: string | null;
}

/** Where it is and what is wrong with it, without the value. */
export function wrongAt(issue: v.BaseIssue<unknown>): string {
  const isMissing = issue.path?.at(-1)?.origin === "key" && issue.input === undefined;
  return `${v.getDotPath(issue)} ${isMissing ? "is missing" : issue.message}`;
}

/**
 * The checked settings.
 * @param wrongOptions what is wrong with the options of `createLatchkey`, which one error lists too
 * @throws Error that lists everything that is wrong, without any values
 */
export function readConfig(
  env: Readonly<Record<string, unknown>>,
  wrongOptions: readonly string[] = [],
): Config {
  const result = v.safeParse(Settings, env);
  const wrong = [...(result.issues ?? []).map(wrongAt), ...wrongOptions];
  if (!result.success || wrong.length > 0) {
    const what = wrongOptions.length > 0 ? "settings and options" : "settings";
    throw new Error(`Latchkey cannot start with these ${what}:\n  ${wrong.join("\n  ")}`);
  }
  const settings = result.output;
  const named = Object.entries(settings).map(([name, value]) => [camelCase(name), value]);
  return Object.freeze({
    ...(Object.fromEntries(named) as ByCamelCase),
    signUpIsOpen: settings.SIGN_UP === "open",
    lifetimes: lifetimesOf(settings),
    tokenPrefixes: settings.TOKEN_PREFIX,
    credentialsInQuery: settings.QUERY_CREDENTIALS,
    mail: mailOf(settings),
    eventsWebhook: webhookOf(settings.EVENTS_WEBHOOK_URL, settings.EVENTS_WEBHOOK_SECRET),
    issuers: [
      googleOf(settings),
      { ...FACEBOOK, audience: settings.FACEBOOK_APP_ID },
      ...settings.OPENID_ISSUERS,
    ],
    takesHa1b: settings.HA1B && settings.PASSWORDS,
    pwnedPasswordsUrl: settings.PWNED_PASSWORDS ? settings.PWNED_PASSWORDS_URL : null,
    logged: settings.LOG,
    isLocal: settings.DEV === "lan" || isLoopback(settings.ISSUER),
    versionId: settings.VERSION_METADATA.id || null,
    dev: settings.DEV === "off" && isLoopback(settings.ISSUER) ? "on" : settings.DEV,
  });
}

function googleOf({ GOOGLE_CLIENT_ID: audience, GOOGLE_CLIENT_SECRET: secret }: Settings): Issuer {
  const [id] = audience;
  const client = id === undefined || secret === "" ? {} : { client: { id, secret } };
  return { ...GOOGLE, audience, ...client };
}

const LIFETIMES = [
  "ACCESS_TOKEN_SECONDS",
  "REFRESH_TOKEN_SECONDS",
  "AUTH_TOKEN_SECONDS",
  "SESSION_SECONDS",
  "LOGIN_MAX_DAYS",
] as const;

/** The lifetimes alone, for commands that have no secrets at hand. @throws v.ValiError */
export const readLifetimes = (env: Readonly<Record<string, unknown>>): Lifetimes =>
  lifetimesOf(v.parse(v.pick(Fields, LIFETIMES), env));

function lifetimesOf(
  settings: Pick<v.InferOutput<typeof Fields>, (typeof LIFETIMES)[number]>,
): Lifetimes {
  return {
    access: settings.ACCESS_TOKEN_SECONDS,
    refresh: settings.REFRESH_TOKEN_SECONDS,
    auth: settings.AUTH_TOKEN_SECONDS,
    session: settings.SESSION_SECONDS,
    login: settings.LOGIN_MAX_DAYS * DAY_SECONDS,
  };
}

function mailOf(settings: v.InferOutput<typeof Settings>): Config["mail"] {
  const webhook = webhookOf(settings.MAIL_WEBHOOK_URL, settings.MAIL_WEBHOOK_SECRET);
  return webhook ?? (settings.MAIL_OUTBOX ? "outbox" : null);
}

const webhookOf = (url: string, secrets: Webhook["secrets"] | null): Webhook | null =>
  url !== "" && secrets !== null ? { url, secrets } : null;
