import sql, { join, type Sql } from "sql-template-tag";
import * as v from "valibot";
import {
  type ApiTokenQuery,
  type ApiTokenSearchStore,
  EXPIRING_MS,
  RELATED_MAX,
  TOKENS_SEARCHED,
  type TokenSort,
} from "../core/api-token-search.ts";
import type { StorageContext } from "./context.ts";
import { json, pageOf, textOf, toPage, uuids } from "./d1.ts";
import { noParentRevoked, NOT_USED_UP, parentsAreActive } from "./revocation.ts";
import { ApiRow, EFFECTIVE_END, toApi, TOKEN_COLUMNS } from "./rows.ts";
import { ACCOUNT, AccountRow, accountOf, StateRow } from "./tokens.ts";
import { uuid } from "../core/uuid.ts";

const OwnRow = v.intersect([ApiRow, StateRow, AccountRow]);

const FoundRow = v.intersect([
  OwnRow,
  v.object({
    sort_key: v.union([v.number(), v.string()]),
    total: v.number(),
    scanned: v.number(),
    replaced: v.pipe(json, v.array(v.string())),
  }),
]);

const LinkRow = v.object({
  relation: v.picklist(["parents", "children", "replaced"]),
  id: v.string(),
  name: v.string(),
  hint: v.string(),
});

/** More predecessors with a grace period are not shown. */
const REPLACED_MAX = 200;

const name = sql`tokens.detail ->> '$.name'`;
const hint = sql`tokens.detail ->> '$.hint'`;

const KEYS: Readonly<Record<TokenSort, Sql>> = {
  created: sql`tokens.created_at`,
  name: sql`lower(${name})`,
  expires: EFFECTIVE_END,
  used: sql`COALESCE(tokens.used_at, 0)`,
};

/** The condition on a token's own row. */
function matching({ search, filter, scope }: ApiTokenQuery, nowMs: number): Sql {
  const has = (text: Sql) => sql`instr(lower(${text}), lower(${search})) > 0`;
  return join(
    [
      sql`TRUE`,
      ...(search === "" ? [] : [sql`(${has(name)} OR ${has(hint)})`]),
      ...(scope === null
        ? []
        : [
            sql`EXISTS (SELECT 1 FROM json_each(tokens.detail, '$.scopes') AS given WHERE given.value = ${scope})`,
          ]),
      ...(filter === "expiring" ? [sql`${EFFECTIVE_END} < ${nowMs + EXPIRING_MS}`] : []),
      ...(filter === "unused" ? [sql`tokens.used_at IS NULL`] : []),
    ],
    " AND ",
  );
}

const isUsers = (userId: string) => sql`tokens.user_id = ${uuid(userId)} AND tokens.kind = 'api'`;
const isCurrent = (userId: string) => sql`
  tokens.credential_version = (SELECT credential_version FROM users WHERE id = ${uuid(userId)})
  AND tokens.api_token_version = (SELECT api_token_version FROM users WHERE id = ${uuid(userId)})`;

/** Newest first by the index `tokens_list`: those that may be active. */
const scanOfActive = (columns: Sql, userId: string) => sql`SELECT ${columns} FROM tokens
  WHERE ${isUsers(userId)} AND ${isCurrent(userId)} AND tokens.revoked_at IS NULL AND ${NOT_USED_UP}
  ORDER BY tokens.created_at DESC, tokens.id DESC LIMIT ${TOKENS_SEARCHED}`;

/** By the indexes `tokens_revoked` and `tokens_list`, whose versions only grow: those that may be inactive. */
const scanOfInactive = (columns: Sql, userId: string) => sql`
  SELECT * FROM (SELECT ${columns} FROM tokens WHERE ${isUsers(userId)} AND tokens.kind <> 'action' AND tokens.revoked_at IS NOT NULL
    ORDER BY tokens.revoked_at DESC LIMIT ${TOKENS_SEARCHED})
  UNION ALL SELECT * FROM (SELECT ${columns} FROM tokens
    WHERE ${isUsers(userId)} AND tokens.revoked_at IS NULL AND ${NOT_USED_UP}
    ORDER BY tokens.credential_version DESC, tokens.api_token_version DESC, tokens.created_at DESC, tokens.id DESC
    LIMIT ${TOKENS_SEARCHED})`;

const toOwn = (row: v.InferOutput<typeof OwnRow>) => ({
  token: toApi(row),
  address: null,
  revokedAtMs: row.revoked_at,
  isParentGone: row.parent_gone === 1,
  account: accountOf(row),
});

const ownColumns = (nowMs: number) => sql`${TOKEN_COLUMNS}, tokens.revoked_at, NULL AS address,
  NOT ${parentsAreActive(nowMs)} AS parent_gone, ${ACCOUNT}`;

export function createApiTokenSearch({ db }: StorageContext): ApiTokenSearchStore {
  const ownTokens = (filter: Sql, nowMs: number) =>
    db.all(
      sql`SELECT ${ownColumns(nowMs)} FROM tokens JOIN users ON users.id = tokens.user_id
        WHERE tokens.kind = 'api' AND ${filter}`,
      OwnRow,
    );

  return {
    async search({ userId }, query, page, nowMs) {
      const isInactive = query.filter === "inactive";
      const isGrouped = query.search === "" && query.filter === null && query.scope === null;
      const columns = sql`tokens.id, tokens.parents, tokens.replaced_by, tokens.revoked_at, ${KEYS[query.sort]} AS key,
        ${EFFECTIVE_END} AS expires_at, (${matching(query, nowMs)}) AS matches, (${isCurrent(userId)}) AS is_current`;
      const isActive = sql`tokens.revoked_at IS NULL AND tokens.is_current AND tokens.expires_at > ${nowMs}
        AND ${noParentRevoked(nowMs)}`;
      const hasSuccessor = sql`tokens.replaced_by IS NOT NULL AND EXISTS (SELECT 1 FROM tokens AS successor
        WHERE successor.id = tokens.replaced_by AND successor.revoked_at IS NULL AND successor.expires_at > ${nowMs})`;
      const { from, order, limit } = pageOf(
        sql`tokens.id`,
        sql`tokens.key`,
        page,
        query.isDescending,
      );
      // One scan, whatever is asked: the counts and the page come from what it found.
      const rows = await db.all(
        sql`WITH scanned AS MATERIALIZED (${isInactive ? scanOfInactive(columns, userId) : scanOfActive(columns, userId)}),
            found AS MATERIALIZED (SELECT tokens.id, tokens.key, ${isGrouped ? hasSuccessor : sql`FALSE`} AS has_successor
              FROM scanned AS tokens WHERE tokens.matches AND ${isInactive ? sql`NOT (${isActive})` : isActive}),
            shown AS (SELECT tokens.id, tokens.key FROM found AS tokens
              WHERE NOT tokens.has_successor AND ${from} ORDER BY ${order} ${limit})
          SELECT ${ownColumns(nowMs)}, shown.key AS sort_key,
            (SELECT COUNT(*) FROM found) AS total, (SELECT MAX(rows) FROM (SELECT COUNT(*) AS rows FROM scanned GROUP BY revoked_at IS NULL)) AS scanned,
            
            (SELECT json_group_array(${textOf(sql`id`)}) FROM (SELECT id FROM found WHERE has_successor LIMIT ${REPLACED_MAX})) AS replaced
          FROM shown JOIN tokens ON tokens.id = shown.id JOIN users ON users.id = tokens.user_id
          ORDER BY ${pageOf(sql`shown.id`, sql`shown.key`, page, query.isDescending).order}`,
        FoundRow,
      );
      const found = rows.map((row) => ({
        id: row.id,
        createdAtMs: row.created_at,
        key: row.sort_key,
        own: toOwn(row),
      }));
      const { items, next, previous } = toPage(found, page, ({ key }) => key);
      const [first] = rows;
      const isStart = page.after === null && page.before === undefined && !page.skip;
      return {
        items: items.map(({ own }) => own),
        next,
        previous,
        total: first?.total ?? (isStart ? 0 : null),
        isAll: (first?.scanned ?? 0) < TOKENS_SEARCHED,
        replaced:
          first === undefined || first.replaced.length === 0
            ? []
            : (await ownTokens(sql`tokens.id IN (${uuids(first.replaced)})`, nowMs)).map(toOwn),
      };
    },

    async find(id, { userId }, nowMs) {
      // guard: only-own-tokens-are-shown
      const [row] = await ownTokens(
        sql`tokens.id = ${uuid(id)} AND tokens.user_id = ${uuid(userId)}`,
        nowMs,
      );
      return row === undefined ? null : toOwn(row);
    },

    async related(id, { userId }, nowMs) {
      const named = (relation: string) =>
        sql`${relation} AS relation, tokens.id, ${name} AS name, ${hint} AS hint`;
      const columns = sql`tokens.id, tokens.created_at, tokens.detail, tokens.parents, tokens.replaced_by, tokens.expires_at`;
      const isChild = sql`tokens.parents IS NOT NULL
        AND EXISTS (SELECT 1 FROM json_each(tokens.parents) AS link WHERE link.value = ${id})`;
      const rows = await db.all(
        sql`WITH scanned AS MATERIALIZED (${scanOfActive(columns, userId)}),
            active AS MATERIALIZED (SELECT * FROM scanned AS tokens
              WHERE (tokens.replaced_by = ${uuid(id)} OR ${isChild}) AND tokens.expires_at > ${nowMs} AND ${noParentRevoked(nowMs)}
              ORDER BY tokens.created_at DESC, tokens.id DESC LIMIT ${RELATED_MAX})
          SELECT ${named("parents")} FROM tokens WHERE ${isUsers(userId)}
            AND tokens.id IN (SELECT unhex(link.value, '-') FROM tokens AS child, json_each(child.parents) AS link WHERE child.id = ${uuid(id)})
          UNION ALL SELECT ${named("replaced")} FROM active AS tokens WHERE tokens.replaced_by = ${uuid(id)}
          UNION ALL SELECT ${named("children")} FROM active AS tokens WHERE ${isChild}`,
        LinkRow,
      );
      const of = (relation: string) =>
        rows.filter((row) => row.relation === relation).map(({ relation: _, ...link }) => link);
      return { parents: of("parents"), children: of("children"), replaced: of("replaced") };
    },
  };
}
