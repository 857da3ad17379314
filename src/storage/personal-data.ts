import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { PersonalDataStore } from "../core/accounts.ts";
import type { Json } from "../core/token.ts";
import type { StorageContext } from "./context.ts";
import { column, digestOf, OWN_KEY, ownRows, textOf } from "./d1.ts";
import { EVENT_LOG } from "./event-rows.ts";
import { unlessOperators } from "./events.ts";
import { NOT_USED_UP } from "./revocation.ts";
import { EXPORTED_TOKENS, profileColumns } from "./rows.ts";
import { uuid } from "../core/uuid.ts";

/** Rows in one answer: some hundred kilobytes, however much a user has. */
const ROWS_A_PAGE = 500;

/** One list of rows; columns that end in `_on` are times, those in `_json` JSON. */
interface Section {
  readonly name: string;
  readonly columns: Sql;
  /** The tables, and the condition that a row is this user's. */
  readonly of: (userId: string) => Sql;
  /** What a row is sorted and continued by: one id, or two with a slash between. */
  readonly key: readonly [Sql] | readonly [Sql, Sql];
}

const RECEIPT = sql`r.id AS uuid, r.token_id AS token_uuid, r.action, r.run_by AS run_by_uuid, r.run_at AS run_on`;

const token = (name: string, kind: string, columns: Sql): Section => ({
  name,
  columns: sql`t.id AS uuid, t.created_at AS created_on, t.modified_at AS modified_on,
    t.expires_at AS expired_on, t.revoked_at AS revoked_on, ${columns}`,
  of: (userId) => {
    const own = sql`user_id = ${uuid(userId)} AND kind = ${kind}`;
    return kind === "action"
      ? sql`tokens AS t WHERE t.user_id = ${uuid(userId)} AND t.kind = 'action'`
      : // Worded as in the indexes, which have all of them: one that was not revoked is not used up.
        sql`(SELECT * FROM tokens WHERE ${own} AND revoked_at IS NULL AND ${NOT_USED_UP}
          UNION ALL SELECT * FROM tokens WHERE ${own} AND kind <> 'action' AND revoked_at IS NOT NULL) AS t
          LEFT JOIN devices ON devices.user_id = t.user_id AND devices.first_seen_at = t.device WHERE TRUE`;
  },
  key: [sql`t.id`],
});

const SECTIONS: readonly Section[] = [
  {
    name: "user",
    columns: sql`u.id AS uuid, u.kind, u.email, u.role, ${profileColumns("u")},
      u.created_on, u.modified_on, u.verified_on AS email_verified_on, u.pending_email, u.external_id AS external_id_json,
      u.undo_email AS former_email, u.undo_until AS former_email_until_on, u.email_login_at AS email_login_on, u.metadata AS metadata_json,
      (SELECT json_group_array(json_object('issuer', issuer, 'subject', subject, 'email', email, 'linked_on',
        strftime('%FT%H:%M:%fZ', created_at / 1000.0, 'unixepoch'), 'last_used_on',
        strftime('%FT%H:%M:%fZ', used_at / 1000.0, 'unixepoch'))) FROM identities WHERE user_id = u.id) AS identities_json,
      (SELECT confirmed_at FROM second_factors WHERE user_id = u.id) AS second_factor_on,
      (SELECT COUNT(*) FROM recovery_codes WHERE user_id = u.id AND used_at IS NULL) AS recovery_codes_left`,
    of: (userId) => sql`users AS u WHERE u.id = ${uuid(userId)} AND u.deleted_on IS NULL`,
    key: [sql`u.id`],
  },
  ...EXPORTED_TOKENS.map((each) => token(...each)),
  {
    name: "receipts_as_runner",
    columns: sql`${RECEIPT}, r.data AS data_json, CASE WHEN r.idempotency_key LIKE 'user:%'
      THEN substr(r.idempotency_key, 43) END AS idempotency_key`,
    of: (userId) => sql`receipts AS r WHERE r.run_by = ${uuid(userId)}`,
    key: [sql`r.id`],
  },
  {
    name: "receipts_as_issuer",
    columns: RECEIPT,
    of: (userId) => sql`tokens AS t JOIN receipts AS r ON r.token_id = t.id
      WHERE t.user_id = ${uuid(userId)} AND t.kind = 'action'`,
    key: [sql`t.id`, sql`r.id`],
  },
  {
    name: "contacts",
    columns: sql`c.contact_id AS contact_uuid, c.created_at AS created_on, c.token_id AS token_uuid, c.issuer_id AS issuer_uuid`,
    of: (userId) => sql`contacts AS c WHERE c.user_id = ${uuid(userId)}`,
    key: [sql`c.contact_id`],
  },
  {
    name: "passkeys",
    columns: sql`p.id AS uuid, p.name, p.credential_id, p.public_key, p.aaguid, p.transports AS transports_json, p.counter,
      p.is_backup_eligible AS backup_eligible, p.is_backed_up AS backed_up, p.created_at AS created_on, p.used_at AS last_used_on`,
    of: (userId) => sql`passkeys AS p WHERE p.user_id = ${uuid(userId)}`,
    key: [sql`p.id`],
  },
  {
    name: "devices",
    columns: sql`d.browser, d.system, d.country, d.city, d.way,
      (SELECT json_group_array(json_object('network_digest', key, 'last_login_on', strftime('%FT%H:%M:%fZ', value * 3600, 'unixepoch')))
        FROM json_each(d.networks)) AS networks_json, d.first_seen_at AS first_seen_on, d.last_seen_at AS last_seen_on`,
    of: (userId) => sql`devices AS d WHERE d.user_id = ${uuid(userId)}`,
    // As text, of which all are of one length.
    key: [sql`format('%d', d.first_seen_at)`],
  },
  {
    name: "notices",
    columns: sql`n.id AS uuid, n.email, n.kind, n.subject AS subject_uuid, n.detail AS login_json, n.at AS happened_on`,
    of: (userId) => sql`notices AS n WHERE n.user_id = ${uuid(userId)}`,
    key: [sql`n.id`],
  },
  {
    name: "audit",
    columns: sql`a.id AS uuid, a.at AS happened_on, a.what, a.outcome, ${unlessOperators(sql`a.actor`)} AS actor_uuid,
      ${unlessOperators(sql`a.address`)} AS address, ${unlessOperators(sql`a.credential`)} AS token_uuid,
      a.subject AS subject_uuid, ${unlessOperators(sql`a.request_id`)} AS request_id,
      json(CASE WHEN a.by_operator = 1 THEN 'true' ELSE 'false' END) AS by_operator_json`,
    of: (userId) => sql`${EVENT_LOG} AS a WHERE a.user_id = ${uuid(userId)}`,
    key: [sql`a.id`],
  },
];

const Row = v.record(v.string(), v.union([v.string(), v.number(), v.null()]));

/** A page of a section: the rows, and where the next one begins. */
type ReadSection = (
  userId: string,
  after: string | null,
  limit: number,
) => Promise<readonly { readonly row: Json; readonly key: string }[]>;

export function createPersonalData({ db, tables }: StorageContext): PersonalDataStore {
  /** What was sent to the account's address is stored by the address's digest. */
  async function withMails(row: v.InferOutput<typeof Row>) {
    const sent = await db.first(
      sql`SELECT MAX(sent_at, noticed_at) AS last_mail_on FROM mails
        WHERE id = ${await digestOf(String(row.email))}`,
      v.object({ last_mail_on: v.number() }),
    );
    return { last_mail_on: null, ...row, ...sent };
  }

  const builtIn = SECTIONS.map((section) => {
    const read: ReadSection = async (userId, after, limit) => {
      const rows = await db.all(statement(section, userId, after ?? BEFORE_ALL, limit), Row);
      return Promise.all(
        rows.map(async (row) => ({
          row: toJson(section.name === "user" ? await withMails(row) : row),
          key: String(row.key),
        })),
      );
    };
    return [section.name, read] as const;
  });
  const own = tables.map((table) => {
    const read: ReadSection = async (userId, after, limit) => {
      const rows = await db.allOfOthers(
        await ownRows(
          db,
          table,
          sql`${column(table.userColumn)} IN (${uuid(userId)}, ${userId})`,
          after,
          limit,
        ),
      );
      return rows.map(({ [OWN_KEY]: key, [table.userColumn]: _, ...row }) => ({
        row: Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])),
        key: encodeURIComponent(String(key)),
      }));
    };
    return [table.name, read] as const;
  });
  const sections = [...builtIn, ...own];

  return {
    async read(userId, from) {
      const answer: Record<string, readonly Json[]> = {};
      let after = from?.after ?? null;
      let room = ROWS_A_PAGE;
      // One after the other, so that a section that does not fit costs nothing.
      for (const [index, [name, read]] of sections.entries()) {
        if (index < (from?.section ?? 0)) continue;
        const rows = await read(userId, after, room + 1);
        const taken = rows.slice(0, room);
        answer[name] = taken.map(({ row }) => row);
        room -= taken.length;
        if (rows.length > taken.length) {
          const next = { section: index, after: taken.at(-1)?.key ?? after ?? BEFORE_ALL };
          return { sections: answer, next };
        }
        after = null;
      }
      return { sections: answer, next: null };
    },
  };
}

/** Values of an action's own column as they are; bytes in Base64. */
function plain(value: unknown): Json {
  if (value === null || typeof value === "string" || typeof value === "number") return value;
  return value instanceof ArrayBuffer || Array.isArray(value)
    ? new Uint8Array(value).toBase64()
    : null;
}

/** Less than every id, in one or two parts. */
const BEFORE_ALL = "00000000-0000-0000-0000-000000000000";

function statement(
  { columns, of, key: [id, second] }: Section,
  userId: string,
  after: string,
  limit: number,
): Sql {
  const [one = "", two = ""] =
    after === BEFORE_ALL ? [] : after.split("/").map((each) => uuid(each));
  const text = second === undefined ? id : sql`${textOf(id)} || '/' || ${textOf(second)}`;
  const order = second === undefined ? id : sql`${id}, ${second}`;
  const isAfter = second === undefined ? sql`${id} > ${one}` : sql`(${order}) > (${one}, ${two})`;
  return sql`SELECT ${columns}, ${text} AS key FROM ${of(userId)} AND ${isAfter}
    ORDER BY ${order} LIMIT ${limit}`;
}

function toJson({ key: _, ...row }: v.InferOutput<typeof Row>): Json {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]): [string, Json] => {
      if (name.endsWith("_on")) {
        return [name, typeof value === "number" ? new Date(value).toISOString() : value];
      }
      if (!name.endsWith("_json")) return [name, value];
      const parsed: Json = typeof value === "string" ? JSON.parse(value) : value;
      return [name.slice(0, -"_json".length), parsed];
    }),
  );
}
