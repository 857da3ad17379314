import * as v from "valibot";
import type { TokenKind } from "../../core/token.ts";
import { normalizeEmail, PROFILE_COLUMNS } from "../../core/user.ts";
import { createSecrets } from "../../crypto/secrets.ts";
import { EVENT_LOG, IS_WATCHED } from "../../storage/event-rows.ts";
import { CliError, UsageError } from "../cli-error.ts";
import type { D1 } from "../database.ts";
import { audited, find, iso, literal, literalId, type Told } from "./accounts.ts";
import { UUID } from "../../core/text.ts";

const SECRET = /^([a-z][a-z0-9]{1,15})_[a-z]+_[0-9A-Za-z]+$/;
const JWT = /^[\w-]+\.([\w-]+)\.[\w-]+$/;

const nullableNumber = v.nullable(v.number());
const nullableText = v.nullable(v.string());

const AccountRow = v.looseObject({
  id: v.string(),
  kind: v.string(),
  email: v.string(),
  role: v.string(),
  created_on: v.number(),
  modified_on: v.number(),
  deleted_on: nullableNumber,
  disabled_on: nullableNumber,
  verified_on: nullableNumber,
  metadata: v.string(),
  external_id: nullableText,
  has_password: v.number(),
  has_second_factor: v.number(),
  passkeys: v.number(),
  identities: v.string(),
});

const parsed = (text: string | null): unknown => (text === null ? null : JSON.parse(text));

/** Deleted ones too, of which little is left. That an operator saw it is an event. */
async function viewed(database: D1, id: string, nowMs: number) {
  const isIt = `id = ${literalId(id)}`;
  const [row] = await database.query(
    `SELECT id, kind, email, role, created_on, modified_on, deleted_on, disabled_on, verified_on, pending_email,
        ${PROFILE_COLUMNS.join(", ")}, metadata, external_id, password NOT IN ('', '!') AS has_password,
        EXISTS (SELECT 1 FROM second_factors WHERE user_id = users.id AND confirmed_at IS NOT NULL) AS has_second_factor,
        (SELECT COUNT(*) FROM passkeys WHERE user_id = users.id) AS passkeys,
        (SELECT json_group_array(issuer) FROM identities WHERE user_id = users.id) AS identities
      FROM users WHERE ${isIt}`,
    AccountRow,
  );
  if (row === undefined) return null;
  await database.run(audited("account.viewed", isIt, nowMs));
  return {
    ...row,
    created_on: iso(row.created_on),
    modified_on: iso(row.modified_on),
    deleted_on: iso(row.deleted_on),
    disabled_on: iso(row.disabled_on),
    verified_on: iso(row.verified_on),
    metadata: parsed(row.metadata),
    external_id: parsed(row.external_id),
    has_password: row.has_password === 1,
    has_second_factor: row.has_second_factor === 1,
    identities: parsed(row.identities),
  };
}

type Account = NonNullable<Awaited<ReturnType<typeof viewed>>>;

/** One member a line; what is not set is left out. */
const linesOf = (of: object): string[] =>
  Object.entries(of)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      return `${`${name}:`.padEnd(20)}${text}`;
    });

const accountLines = (account: Account): string[] =>
  linesOf({ ...account, ...(account.email === "" && { email: null }) });

interface Wanted {
  /** Of a token or an account; null where only the user is known. */
  readonly id: string | null;
  readonly userId: string | null;
  readonly note: string | null;
}

/** @param isSecret whether it came where no one else reads it @throws UsageError, CliError */
async function wantedOf(text: string, isSecret: boolean): Promise<Wanted> {
  // As `hex(id)` shows it in SQL too.
  const id = text.toLowerCase().replace(/^(\w{8})(\w{4})(\w{4})(\w{4})(\w{12})$/, "$1-$2-$3-$4-$5");
  if (UUID.test(id)) return { id, userId: null, note: null };
  const [, prefix] = SECRET.exec(text) ?? [];
  const [, payload] = JWT.exec(text) ?? [];
  if ((prefix ?? payload) !== undefined && !isSecret) {
    throw new UsageError(
      "This looks like a token. Send it with --stdin: arguments stay in your history.",
    );
  }
  if (prefix !== undefined) {
    const secrets = createSecrets([prefix]);
    const kind = secrets.kindOf(text);
    const tokenId = kind === null ? null : await secrets.idOf(kind, text);
    if (tokenId === null) throw new CliError("This token has a typo, or is not one of ours.");
    return { id: tokenId, userId: null, note: null };
  }
  if (payload !== undefined)
    return { ...claimsIn(payload), note: "Its signature was not checked." };
  // Not repeated: it may be a secret in a form that is not known here.
  if (isSecret) throw new CliError("This is no token of ours.");
  return { id: null, userId: null, note: null };
}

const Claims = v.looseObject({
  jti: v.optional(v.string()),
  sub: v.pipe(v.string(), v.regex(UUID)),
});

function claimsIn(payload: string): Pick<Wanted, "id" | "userId"> {
  try {
    const text = Buffer.from(payload, "base64url").toString("utf8");
    const { jti = null, sub } = v.parse(Claims, JSON.parse(text));
    return { id: jti, userId: sub };
  } catch {
    throw new CliError("This JWT names no account of ours.");
  }
}

const TokenRow = v.object({
  id: v.string(),
  kind: v.string(),
  user_id: v.string(),
  created_at: v.number(),
  modified_at: v.number(),
  expires_at: v.number(),
  revoked_at: nullableNumber,
  used_at: nullableNumber,
  disabled_at: nullableNumber,
  is_current: v.number(),
  detail: v.string(),
  way: nullableText,
  address: nullableText,
  device: v.string(),
});

const TOKEN = `tokens.id, tokens.kind, tokens.user_id, created_at, modified_at, expires_at, revoked_at, used_at, disabled_at, detail,
  tokens.way, tokens.address, concat_ws(', ', devices.browser, devices.system, tokens.city, devices.country) AS device,
  (tokens.credential_version = users.credential_version
    AND (tokens.kind <> 'api' OR tokens.api_token_version = users.api_token_version)) AS is_current`;
const OF_TOKEN = `tokens JOIN users ON users.id = tokens.user_id
  LEFT JOIN devices ON devices.user_id = tokens.user_id AND devices.first_seen_at = tokens.device`;

const tokenJson = (row: v.InferOutput<typeof TokenRow>, nowMs: number) => {
  const { id, kind, is_current, revoked_at, disabled_at, expires_at } = row;
  const detail = Object(JSON.parse(row.detail));
  const state =
    revoked_at !== null || is_current === 0
      ? "revoked"
      : expires_at <= nowMs
        ? "expired"
        : disabled_at === null
          ? "active"
          : "disabled";
  return {
    id,
    kind: kind === "family" ? "jwt_pair" : kind,
    state,
    name: detail.name,
    hint: detail.hint,
    scopes: detail.scopes,
    way: row.way ?? undefined,
    device: row.device || undefined,
    address: row.address ?? undefined,
    created_on: iso(row.created_at),
    last_used_on: iso(kind === "api" ? row.used_at : row.modified_at),
    expires_on: iso(expires_at),
    revoked_on: iso(revoked_at),
  };
};

/** The account of an email, an id, or a token's id or text. The text is not repeated. */
export async function findUser(
  database: D1,
  given: string,
  isSecret: boolean,
  nowMs: number,
): Promise<Told> {
  const text = given.trim();
  const wanted = await wantedOf(text, isSecret);
  const tokens =
    wanted.id === null
      ? []
      : await database.query(
          `SELECT ${TOKEN} FROM ${OF_TOKEN} WHERE tokens.id = ${literalId(wanted.id)}`,
          TokenRow,
        );
  const [token] = tokens;
  const isEmail = wanted.id === null && wanted.userId === null;
  const id = isEmail
    ? (await find(database, normalizeEmail(text))).id
    : (wanted.userId ?? token?.user_id ?? wanted.id ?? "");
  const user = await viewed(database, id, nowMs);
  if (user === null) throw new CliError("There is no such account or token.");
  const found = token === undefined ? null : tokenJson(token, nowMs);
  return {
    lines: [
      ...accountLines(user),
      ...(found === null ? [] : ["", "Found by this token:", ...linesOf(found)]),
      ...(wanted.note === null ? [] : [wanted.note]),
    ],
    json: { user, token: found, ...(wanted.note !== null && { note: wanted.note }) },
  };
}

/** As many of each are shown. */
const SHOWN = 50;

/** The account, where it is logged in, and its API tokens. */
export async function showUser(database: D1, email: string, nowMs: number): Promise<Told> {
  const { id } = await find(database, email);
  const user = await viewed(database, id, nowMs);
  if (user === null) throw new CliError(`${email} has no account.`);
  const active = (kinds: string) =>
    database.query(
      `SELECT ${TOKEN} FROM ${OF_TOKEN}
        WHERE tokens.user_id = ${literalId(id)} AND tokens.kind IN (${kinds}) AND revoked_at IS NULL
          AND (max_uses IS NULL OR uses < max_uses) AND expires_at > ${literal(nowMs)}
          AND is_current ORDER BY created_at DESC LIMIT ${literal(SHOWN)}`,
      TokenRow,
    );
  const logins = (await active("'session', 'family'")).map((row) => tokenJson(row, nowMs));
  const tokens = (await active("'api'")).map((row) => tokenJson(row, nowMs));
  const listed = (title: string, items: readonly ReturnType<typeof tokenJson>[]) =>
    items.length === 0
      ? [`${title}: none`]
      : [
          `${title}:`,
          ...items.map((item) =>
            [
              item.id,
              item.kind,
              item.name ?? item.device ?? "unknown device",
              item.hint ?? item.way ?? "",
              `until ${item.expires_on?.slice(0, 10)}`,
            ].join("  "),
          ),
        ];
  return {
    lines: [
      ...accountLines(user),
      "",
      ...listed("Logged in", logins),
      ...listed("API tokens", tokens),
    ],
    json: { user, logins, api_tokens: tokens },
  };
}

const EventRow = v.object({
  id: v.string(),
  user_id: v.string(),
  at: v.number(),
  what: v.string(),
  outcome: v.string(),
  actor: nullableText,
  subject: nullableText,
  address: nullableText,
  request_id: nullableText,
  count: v.number(),
  by_operator: v.number(),
});

/** @param email null for all accounts: what was refused, and what operators did */
export async function auditUser(
  database: D1,
  email: string | null,
  limit: number,
  cursor: string | null,
  nowMs: number,
): Promise<Told> {
  const id = email === null ? null : (await find(database, email)).id;
  if (id !== null) await viewed(database, id, nowMs);
  const which = id === null ? IS_WATCHED.sql : `user_id = ${literalId(id)}`;
  const rows = await database.query(
    `SELECT id, user_id, at, what, outcome, actor, subject, address, request_id, count, by_operator FROM ${EVENT_LOG.sql}
      WHERE ${which}${cursor === null ? "" : ` AND id < ${literalId(cursor)}`} ORDER BY id DESC LIMIT ${literal(limit + 1)}`,
    EventRow,
  );
  const page = rows.slice(0, limit).map(({ at, by_operator, ...row }) => ({
    ...row,
    at: iso(at),
    by_operator: by_operator === 1,
  }));
  const next = rows.length > limit ? (page.at(-1)?.id ?? null) : null;
  const lines = page.map(({ at, what, outcome, user_id, actor, address, by_operator }) =>
    [
      at,
      outcome.padEnd(7),
      what.padEnd(22),
      ...(id === null ? [`user ${user_id}`] : []),
      by_operator ? `by an operator${actor === null ? "" : ` (${actor})`}` : "",
      address ?? "",
    ]
      .join("  ")
      .trimEnd(),
  );
  return {
    lines: [
      ...(lines.length === 0 ? ["There are no events."] : lines),
      ...(next === null ? [] : [`More results: add --cursor ${next}`]),
    ],
    json: { events: page, next_cursor: next },
  };
}

const RESET_SECONDS = 3_600;

/**
 * A link to choose a new password, for an operator to hand over. Its run proves the email, as if it had been mailed:
 * so only one that is proven already gets it.
 */
export async function resetPassword(
  database: D1,
  email: string,
  prefix: string,
  nowMs: number,
): Promise<Told> {
  const { id: userId, disabled_on } = await find(database, email);
  if (disabled_on !== null) throw new CliError(`${email} is disabled. Enable it first.`);
  const kind: TokenKind = "action";
  const { secret, id } = await createSecrets([prefix]).create(kind);
  const expiresAtMs = nowMs + RESET_SECONDS * 1000;
  const detail = {
    action: "resetPassword",
    payload: { email },
    audience: userId,
    internal: true,
  };
  const isIt = `id = ${literalId(userId)} AND kind = 'person' AND disabled_on IS NULL AND deleted_on IS NULL
    AND verified_on IS NOT NULL AND email = ${literal(email)}`;
  const isIssued = `EXISTS (SELECT 1 FROM tokens WHERE id = ${literalId(id)})`;
  await database.run([
    `INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at, max_uses, detail)
      SELECT ${literalId(id)}, 'action', id, credential_version, ${literal(nowMs)}, ${literal(nowMs)}, ${literal(expiresAtMs)}, 1,
        ${literal(JSON.stringify(detail))} FROM users WHERE ${isIt}`,
    ...audited("mail.issued", `id = ${literalId(userId)} AND ${isIssued}`, nowMs, id),
  ]);
  const [{ n } = { n: 0 }] = await database.query(
    `SELECT COUNT(*) AS n FROM tokens WHERE id = ${literalId(id)}`,
    v.object({ n: v.number() }),
  );
  if (n === 0) {
    throw new CliError(
      `The email of ${email} is not proven, so a link that you hand over could prove a stranger's. Have them ask for a reset by email.`,
    );
  }
  const expires_on = iso(expiresAtMs);
  return {
    lines: [
      `Link for ${email} (shown only once), at the address of your service: /a/${secret}`,
      "It works once, within an hour: make sure that you give it to them. No email was sent.",
    ],
    json: { id: userId, email, path: `/a/${secret}`, expires_on },
  };
}
