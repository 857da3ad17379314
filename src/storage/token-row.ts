import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import {
  type ActionToken,
  type ApiToken,
  type Json,
  type RefreshFamily,
  SCOPES,
  type SessionToken,
  type Token,
} from "../core/token.ts";

/** When a token expires: a parent's end may have been moved up since it was created. */
export const EFFECTIVE_END: Sql = sql`MIN(tokens.expires_at, COALESCE((SELECT MIN(parent.expires_at)
  FROM json_each(tokens.parents) AS link JOIN tokens AS parent ON parent.id = link.value), tokens.expires_at))`;

/** The columns of a token that stands or did; `detail` holds what only its kind has. */
export const TOKEN_COLUMNS: Sql = sql`tokens.id, tokens.kind, tokens.user_id, tokens.credential_version, tokens.api_token_version, tokens.created_at,
  tokens.modified_at, ${EFFECTIVE_END} AS expires_at, tokens.used_at, tokens.uses, tokens.max_uses, tokens.parents, tokens.replaced_by,
  tokens.detail`;

const common = {
  id: v.string(),
  user_id: v.string(),
  credential_version: v.number(),
  created_at: v.number(),
  modified_at: v.number(),
  expires_at: v.number(),
};

const json = v.pipe(v.string(), v.parseJson());

const parents = v.pipe(
  v.nullable(v.string()),
  v.transform((text) => text ?? "[]"),
  v.parseJson(),
  v.array(v.string()),
);

const ApiDetail = v.object({
  name: v.string(),
  hint: v.string(),
  scopes: v.array(v.picklist(SCOPES)),
});

/** `payload` was parsed when it was issued, and is parsed again by its action before it is used. */
const ActionDetail = v.object({
  action: v.string(),
  payload: v.custom<Json>((value) => value !== undefined),
  audience: v.nullable(v.string()),
  /** There where it was issued with a credential that may not run actions. */
  needsCaller: v.optional(v.boolean(), false),
});

export const SessionRow = v.object({ ...common, kind: v.literal("session") });
export const ApiRow = v.object({
  ...common,
  kind: v.literal("api"),
  api_token_version: v.number(),
  used_at: v.nullable(v.number()),
  parents,
  replaced_by: v.nullable(v.string()),
  detail: v.pipe(json, ApiDetail),
});
export const ActionRow = v.object({
  ...common,
  kind: v.literal("action"),
  uses: v.number(),
  max_uses: v.number(),
  parents,
  detail: v.pipe(json, ActionDetail),
});
export const TokenRow = v.variant("kind", [SessionRow, ApiRow, ActionRow]);

const toStored = (row: v.InferOutput<typeof TokenRow>) => ({
  id: row.id,
  userId: row.user_id,
  credentialVersion: row.credential_version,
  createdAtMs: row.created_at,
  modifiedAtMs: row.modified_at,
  expiresAtMs: row.expires_at,
});

export function toSession(row: v.InferOutput<typeof SessionRow>): SessionToken {
  return { kind: row.kind, ...toStored(row) };
}

export function toApi(row: v.InferOutput<typeof ApiRow>): ApiToken {
  return {
    kind: row.kind,
    ...toStored(row),
    apiTokenVersion: row.api_token_version,
    ...row.detail,
    lastUsedAtMs: row.used_at,
    parentIds: row.parents,
    replacedById: row.replaced_by,
  };
}

export function toAction(row: v.InferOutput<typeof ActionRow>): ActionToken {
  const { needsCaller, ...detail } = row.detail;
  return {
    kind: row.kind,
    ...toStored(row),
    ...detail,
    runsForIssuer: !needsCaller,
    parentIds: row.parents,
    maxUses: row.max_uses,
    uses: row.uses,
  };
}

export function toToken(row: v.InferOutput<typeof TokenRow>): Token {
  switch (row.kind) {
    case "session":
      return toSession(row);
    case "api":
      return toApi(row);
    case "action":
      return toAction(row);
  }
}

/** What goes into the column `detail`. */
export function detailOf(token: Token | RefreshFamily, address: string | null): string {
  switch (token.kind) {
    case "session":
    case "family":
      return address === null ? "{}" : JSON.stringify({ address });
    case "api":
      return JSON.stringify({ name: token.name, hint: token.hint, scopes: token.scopes });
    case "action": {
      const { action, payload, audience, runsForIssuer } = token;
      return JSON.stringify({
        action,
        payload,
        audience,
        ...(!runsForIssuer && { needsCaller: true }),
      });
    }
  }
}
