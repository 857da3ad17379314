import sql, { Sql } from "sql-template-tag";

const GUARD = Symbol("guard");

/** A write that happens only in the run that got a use of the token. */
export interface OnceWrite {
  readonly [GUARD]: (claimed: Sql) => Sql;
}

/** A position in a statement: between two values, and how far in that text. */
interface Place {
  readonly piece: number;
  readonly offset: number;
}

interface Word {
  readonly text: string;
  readonly start: Place;
  readonly end: Place;
}

/** Texts, names in quotes, comments, words, and every other character. */
const TOKEN =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?\*\/|[\p{L}_][\p{L}\p{N}_$]*|[\s\S]/gu;

/** The words outside of parentheses. @throws Error where the text cannot be read so */
function topLevelWords(statement: Sql): readonly Word[] {
  const words: Word[] = [];
  let depth = 0;
  for (const [piece, text] of statement.strings.entries()) {
    for (const { 0: token, index } of text.matchAll(TOKEN)) {
      if (token === "(") depth++;
      else if (token === ")" && --depth < 0) break;
      else if (/^["'`[]$/.test(token)) wrong("has a quote that is not closed", statement);
      else if (token === ";") wrong("must be one statement without a semicolon", statement);
      else if (depth === 0 && /^[\p{L}_]/u.test(token)) {
        const end = { piece, offset: index + token.length };
        words.push({ text: token.toUpperCase(), start: { piece, offset: index }, end });
      }
    }
  }
  if (depth !== 0) wrong("has parentheses that do not match", statement);
  return words;
}

function part({ strings, values }: Sql, from: Place, to: Place): Sql {
  const texts = strings.slice(from.piece, to.piece + 1);
  const last = texts.length - 1;
  texts[last] = texts[last]?.slice(0, to.offset) ?? "";
  texts[0] = texts[0]?.slice(from.offset) ?? "";
  return new Sql(texts, values.slice(from.piece, to.piece));
}

/**
 * Makes an INSERT, UPDATE or DELETE depend on the run's claim: rows are inserted from a query that is
 * empty without it, and changed or deleted only with it.
 * @throws Error where the statement is another
 */
export function once(statement: Sql): OnceWrite {
  const words = topLevelWords(statement);
  const verbAt = words.findIndex(({ text }) => /^(?:INSERT|REPLACE|UPDATE|DELETE)$/.test(text));
  const [first] = words;
  const isWrite = first !== undefined && (verbAt === 0 || (verbAt > 0 && first.text === "WITH"));
  if (!isWrite) return wrong("must be an INSERT, UPDATE or DELETE", statement);
  const after = words.slice(verbAt + 1);
  const begin = { piece: 0, offset: 0 };
  const end = {
    piece: statement.strings.length - 1,
    offset: statement.strings.at(-1)?.length ?? 0,
  };
  const returning = after.find(({ text }) => text === "RETURNING")?.start ?? end;

  if (/^(?:INSERT|REPLACE)$/.test(words[verbAt]?.text ?? "")) {
    const sourceAt = after.findIndex(({ text }) => /^(?:VALUES|SELECT|WITH)$/.test(text));
    const source = after[sourceAt];
    if (source === undefined) return wrong("must insert VALUES or a SELECT", statement);
    const upsert = after.find(
      ({ text }, at) => at > sourceAt && text === "ON" && after[at + 1]?.text === "CONFLICT",
    );
    const tail = upsert?.start ?? returning;
    const [head, rows, rest] = [
      part(statement, begin, source.start),
      part(statement, source.start, tail),
      part(statement, tail, end),
    ];
    return guarded((claimed) => sql`${head}SELECT * FROM (${rows}\n) WHERE ${claimed}\n${rest}`);
  }

  if (after.some(({ text }) => /^(?:ORDER|LIMIT)$/.test(text))) {
    return wrong("cannot have ORDER BY or LIMIT", statement);
  }
  const where = after.find(({ text }) => text === "WHERE");
  const rest = part(statement, returning, end);
  if (where === undefined) {
    const head = part(statement, begin, returning);
    return guarded((claimed) => sql`${head}\nWHERE ${claimed}\n${rest}`);
  }
  const [head, condition] = [
    part(statement, begin, where.end),
    part(statement, where.end, returning),
  ];
  return guarded((claimed) => sql`${head} (${condition}\n) AND ${claimed}\n${rest}`);
}

/** The statement, once the condition of the claim is known. */
export const guardedBy = (write: OnceWrite, claimed: Sql): Sql => write[GUARD](claimed);

export const isOnceWrite = (value: unknown): value is OnceWrite =>
  typeof value === "object" && value !== null && GUARD in value;

const guarded = (guard: (claimed: Sql) => Sql): OnceWrite => ({ [GUARD]: guard });

function wrong(what: string, statement: Sql): never {
  throw new Error(`once: a write ${what}: ${statement.sql.trim().slice(0, 200)}`);
}
