import * as v from "valibot";
import { SCOPES } from "../../core/scopes.ts";
import { storedText } from "../../core/text.ts";
import { idOfDigest, type LegacyTokens } from "../../crypto/secrets.ts";
import { CliError } from "../cli-error.ts";
import type { D1 } from "../database.ts";
import { audited, literal, literalId } from "./accounts.ts";
import { type Output, textOf } from "./import.ts";
import { timeOf } from "./import-formats.ts";

interface OldToken {
  /** Of the secret, as it is stored there, in hexadecimal. */
  readonly digest: string;
  readonly owner: string | number;
  readonly name: string;
  readonly hint: string;
  readonly scopes: readonly string[];
  readonly createdAtMs: number;
  /** Null for never. */
  readonly expiresAtMs: number | null;
}

const owner = v.union([v.string(), v.number()]);
const time = v.pipe(
  v.unknown(),
  v.transform((value) =>
    typeof value === "string" ? Date.parse(String(timeOf(value))) : Number.NaN,
  ),
  v.check((ms) => !Number.isNaN(ms)),
);
const optionalTime = v.optional(v.nullable(time), null);
const hex = (bytes: number) => v.pipe(v.string(), v.regex(new RegExp(`^[\\da-f]{${bytes * 2}}$`)));

const SanctumRows = v.array(
  v.pipe(
    v.object({
      id: v.union([v.string(), v.number()]),
      tokenable_id: owner,
      name: v.string(),
      token: hex(32),
      // A JSON column: some exports have its text.
      abilities: v.optional(
        v.nullable(
          v.union([v.array(v.string()), v.pipe(v.string(), v.parseJson(), v.array(v.string()))]),
        ),
        null,
      ),
      created_at: optionalTime,
      expires_at: optionalTime,
    }),
    v.transform(
      ({ id, tokenable_id, name, token, abilities, created_at, expires_at }): OldToken => ({
        digest: token,
        owner: tokenable_id,
        name: storedText(name)?.slice(0, 64) || "Sanctum",
        hint: `${id}|…`,
        scopes: abilities === null || abilities.includes("*") ? SCOPES : abilities,
        createdAtMs: created_at ?? 0,
        expiresAtMs: expires_at,
      }),
    ),
  ),
);

const KnoxRows = v.pipe(
  v.array(v.looseObject({ model: v.string() })),
  v.transform((all): unknown => all.filter(({ model }) => model === "knox.authtoken")),
  v.array(
    v.pipe(
      v.object({
        pk: v.string(),
        fields: v.looseObject({
          token_key: v.optional(v.string(), ""),
          user: owner,
          created: optionalTime,
          expiry: optionalTime,
          // Of older versions the primary key is another.
          digest: v.optional(hex(64)),
        }),
      }),
      v.transform(
        ({ pk, fields: { token_key, user, created, expiry, digest } }): OldToken => ({
          digest: digest ?? pk,
          owner: user,
          name: "Knox",
          hint: `${token_key}…`,
          scopes: SCOPES,
          createdAtMs: created ?? 0,
          expiresAtMs: expiry,
        }),
      ),
    ),
  ),
);

const READERS = { sanctum: SanctumRows, knox: KnoxRows } as const;

export type TokenFormat = keyof typeof READERS;
export const TOKEN_FORMATS = Object.keys(READERS) as readonly TokenFormat[];

/** Which of the setting LEGACY_TOKENS each is. */
const SETTING: Readonly<Record<TokenFormat, LegacyTokens | "knox or knox4">> = {
  sanctum: "sanctum",
  knox: "knox or knox4",
};

/** Tokens per run of wrangler, and characters of them per statement: D1 takes 100,000 bytes. */
const BATCH = 5_000;
const PER_STATEMENT = 100;

/**
 * Imports opaque tokens by their digests: their owners' programs go on with them, as API tokens, until they end or
 * `untilMs`. Can be repeated: a token that is there is left as it is.
 */
export async function importTokens(
  file: string,
  format: TokenFormat,
  { untilMs, isDryRun }: { readonly untilMs: number; readonly isDryRun: boolean },
  database: D1,
  nowMs: number,
  { write, progress }: Output,
): Promise<void> {
  const all = tokensIn(await textOf(file), format);
  const tokens = all.filter(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > nowMs);
  write(`${tokens.length} tokens have not expired, of ${all.length}.`);
  if (isDryRun) return;
  let imported = 0;
  for (let at = 0; at < tokens.length; at += BATCH) {
    imported += await importBatch(tokens.slice(at, at + BATCH), untilMs, database, nowMs);
    progress(`${Math.min(at + BATCH, tokens.length)} of ${tokens.length} tokens`);
  }
  const left = tokens.length - imported;
  const others =
    left > 0 ? `; ${left} of them belong to no account here, or were imported before` : "";
  write(`Imported ${imported} ${imported === 1 ? "token" : "tokens"}${others}.`);
  write(`They are accepted where LEGACY_TOKENS has ${SETTING[format]}.`);
}

function tokensIn(text: string, format: TokenFormat): readonly OldToken[] {
  try {
    return v.parse(READERS[format], JSON.parse(text.replace(/^\uFEFF/, "")));
  } catch {
    // The parser would quote the file.
    throw new CliError(`This is no export of ${format}'s tokens.`);
  }
}

async function importBatch(
  tokens: readonly OldToken[],
  untilMs: number,
  database: D1,
  nowMs: number,
): Promise<number> {
  const rows = tokens.map(({ digest, owner, name, hint, scopes, createdAtMs, expiresAtMs }) => ({
    id: idOfDigest(Buffer.from(digest, "hex")),
    owner: JSON.stringify(owner),
    user: String(owner).toLowerCase(),
    detail: JSON.stringify({ name, hint, scopes, metadata: {} }),
    created: Math.min(createdAtMs, nowMs),
    ends: Math.min(expiresAtMs ?? untilMs, untilMs),
  }));
  const ids = rows.map(({ id }) => literalId(id));
  // Of this run: others have another time.
  const isNew = `kind = 'api' AND modified_at = ${literal(nowMs)} AND id IN`;
  const chunks = Array.from({ length: Math.ceil(rows.length / PER_STATEMENT) }, (_, index) =>
    [rows, ids].map((list) => list.slice(index * PER_STATEMENT, (index + 1) * PER_STATEMENT)),
  );
  await database.run(
    chunks.flatMap(([some = [], theirs = []]) => [
      `INSERT INTO tokens (id, kind, user_id, credential_version, api_token_version, created_at, modified_at,
        expires_at, detail)
        SELECT unhex(given.value ->> '$.id', '-'), 'api', users.id, users.credential_version, users.api_token_version,
          given.value ->> '$.created', ${literal(nowMs)}, given.value ->> '$.ends', given.value ->> '$.detail'
        FROM json_each(${literal(JSON.stringify(some))}) AS given
        JOIN users ON users.external_id = given.value ->> '$.owner' OR users.id = unhex(given.value ->> '$.user', '-')
        WHERE users.deleted_on IS NULL ON CONFLICT DO NOTHING`,
      ...audited(
        "token.created",
        `id IN (SELECT user_id FROM tokens WHERE ${isNew} (${theirs.join(", ")}))`,
        nowMs,
      ),
    ]),
  );
  const counts = await database.query(
    chunks
      .map(
        ([, theirs = []]) =>
          `SELECT COUNT(*) AS count FROM tokens WHERE ${isNew} (${theirs.join(", ")})`,
      )
      .join(";\n"),
    v.object({ count: v.number() }),
  );
  return counts.reduce((sum, { count }) => sum + count, 0);
}
