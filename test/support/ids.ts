import { idsToText } from "../../src/core/uuid.ts";

/** The row with its ids as text. */
export const rowToText = (row: unknown): Record<string, unknown> =>
  Object.fromEntries(Object.entries(Object(row)).map(([name, value]) => [name, idsToText(value)]));

/** The statement with each `'<uuid>'` as bytes. */
export const idsToBytes = (statement: string): string =>
  statement.replaceAll(
    /'([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})'/g,
    (_, id: string) => `x'${id.replaceAll("-", "")}'`,
  );

/** The columns of schema.sql that hold ids, as `table.column`. */
export const idColumns = (schema: readonly string[]): string[] =>
  columnsOf(schema).flatMap(({ name, type }) => (type === "BLOB" ? [name] : []));

const columnsOf = (schema: readonly string[]) =>
  schema.flatMap((statement) => {
    const [, table] = /CREATE TABLE (?:IF NOT EXISTS )?(\w+)/.exec(statement) ?? [];
    return Array.from(statement.matchAll(/^\s+(\w+)\s+(BLOB|TEXT|INTEGER)\b/gm), (found) => ({
      name: `${table}.${found[1]}`,
      type: found[2],
    }));
  });

/** A UUID that people type: as a name, in a search, as a key. It is a text wherever it goes. */
export const TYPED = "7e57ab1e-0000-4000-8000-00000000cafe";

export const IS_UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Where the service itself stores or compares an id as text: what is before the `?`, in one line. */
const TEXT_PLACES: readonly RegExp[] = [
  // The id of an account, or with a network's digest behind it.
  /\blogin_attempts\b/,
  // A position of housekeeping, of any table.
  /\bINTO housekeeping \(task, cursor\)/,
  // What people type.
  /\bemail = $|\bUPDATE passkeys SET name = $|\bjson_set\(detail, '\$\.name', $|\bjson_object\('email', $/,
  // In JSON they are text.
  /->> '\$\.\w+' = $/,
  /\bjson_each\(tokens\.parents\) AS link WHERE link\.value = $/,
  // An issuer's name for a person.
  /\bidentities\b(?:(?!\bevents\b).)*\bsubject = $/,
  /\bINTO identities \(issuer, subject, [\w, ]+\) (?:SELECT \?|VALUES \('[^']*'), $/,
  // A key with which a request is repeated.
  /\bsubstr\(idempotency_key, \?\) = $/,
  // As an authenticator chose it.
  /\bINTO passkeys\b.*\bVALUES \(\?1, $/,
  // The id of a request.
  / IN \([\d, ]+\) THEN $/,
  // Of an action's own table, which may have either.
  /"\w+" IN \(\?, $/,
  /\bINTO (?:notes|pairs)\b|\bWITH RECURSIVE n \(i\)/,
];

export const isTextPlace = (before: string): boolean =>
  TEXT_PLACES.some((place) => place.test(before));

export interface IdChecks {
  /** Comparisons of an id with what is a text, or made of an id as if it were one. */
  readonly wrong: readonly string[];
  /** Per value, what is before it. */
  readonly before: readonly string[];
  /** The values that an id is compared with, by their index. */
  readonly compared: ReadonlySet<number>;
}

const AS_TEXT = /NULLIF\(lower\(format\('%s-%s-%s-%s-%s'.*?, 11\)\)\)\), '----'\)/g;
const OPERATOR = String.raw`(<>|!=|<=|>=|=|<|>|IS NOT|IS|NOT IN|IN|NOT LIKE|LIKE|GLOB|\|\||BETWEEN)`;

/** Statements that have to do with ids: a definition compares none, and a test may have a table of its own. */
export function hasIds(schema: readonly string[]): (sql: string) => boolean {
  const tables = new Set(idColumns(schema).map((each) => each.split(".")[0]));
  const named = new RegExp(`\\b(?:${[...tables].join("|")})\\b`);
  return (sql) => named.test(sql) && !/^\s*CREATE\b/.test(sql);
}

/**
 * SQLite finds a text and bytes different without a word: a condition with both is never true, and under NOT it
 * always is. @param schema statements of schema.sql
 */
export function idChecks(schema: readonly string[]): (sql: string) => IdChecks {
  const nameOf = (column: string) => column.slice(column.indexOf(".") + 1);
  const ids = idColumns(schema);
  const names = new Set(ids.map(nameOf));
  const texts = columnsOf(schema).filter(
    ({ name, type }) => type === "TEXT" && names.has(nameOf(name)),
  );
  const column = String.raw`(?<![\w$.'<])(?:\w+\.)?(?:${[...names].join("|")})(?![\w(.'>])`;
  const fine = new RegExp(
    String.raw`^(?:$|\?|x'|NULL\b|unhex\(|CASE\b|COALESCE\((?!')|MIN\(|MAX\(|\((?:\?|x'|"|unhex\(|SELECT (?!value\b|json|lower|'|~)|WITH|${column})|${column}(?! *->))`,
  );
  const compared = new RegExp(`${column}\\s*${OPERATOR}\\s*`, "g");
  const reversed = new RegExp(
    String.raw`(?:\bvalue|'[^']*'|~|json_extract\([^()]*\))\s*(?:<>|!=|<=|>=|=|<|>|IS NOT|IS|IN|\|\|)\s*${column}`,
    "g",
  );
  const asText = new RegExp(
    String.raw`(?:\|\|\s*|\b(?:lower|upper|instr|trim|replace)\()${column}|substr\(${column},[\d, ]+\)\s*(?:=|<>|\|\|)\s*['?]|\b(?:COALESCE|IFNULL)\(${column},\s*'`,
    "g",
  );
  /** Where the statement also names a table in which a column of this name is a text. */
  const mayBeText = (text: string, sql: string) =>
    !ids.includes(text) &&
    texts.some(
      ({ name }) =>
        nameOf(name) === nameOf(text) && new RegExp(`\\b${name.split(".")[0]}\\b`).test(sql),
    );

  return (given) => {
    const sql = given
      .replaceAll(/('[^']*')|--[^\n]*/g, "$1")
      .replaceAll(/\s+/g, " ")
      .replaceAll(AS_TEXT, "~");
    const before: string[] = [];
    for (const { index } of sql.matchAll(/\?/g)) before.push(sql.slice(0, index));
    const wrong: string[] = [];
    const others = new Set<number>();
    for (const found of sql.matchAll(compared)) {
      const end = found.index + found[0].length;
      const rest = sql.slice(end);
      const ambiguous = mayBeText(/[\w.]+/.exec(found[0])?.[0] ?? "", sql);
      const at = before.findIndex(
        (text) => text.length === end || text === `${sql.slice(0, end)}(`,
      );
      if (at >= 0 && !ambiguous) others.add(at);
      const isConcatenation = /\|\||LIKE|GLOB/.test(found[1] ?? "");
      if ((isConcatenation || !fine.test(rest)) && !ambiguous) {
        wrong.push(found[0] + rest.slice(0, 40));
      }
    }
    for (const pattern of [reversed, asText]) {
      for (const [text] of sql.matchAll(pattern)) {
        const name = new RegExp(column).exec(text)?.[0] ?? "";
        if (!mayBeText(name, sql)) wrong.push(text);
      }
    }
    return { wrong, before, compared: others };
  };
}
