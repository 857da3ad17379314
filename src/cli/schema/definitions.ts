/** What a `CREATE TABLE` says, in a form that compares: no comments, no spaces, no capitals. */
export interface Table {
  /** By name; each as it stands in the statement. */
  readonly columns: ReadonlyMap<string, string>;
  /** What is said of the table as a whole, such as `PRIMARY KEY (a, b)`. */
  readonly constraints: readonly string[];
  /** What follows the columns, such as `STRICT`. */
  readonly options: string;
}

const COMMENT = /^(?:--|\/\*)/;
const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|\w+|\s+|./g;
const CONSTRAINT = /^(?:CONSTRAINT|PRIMARY|UNIQUE|CHECK|FOREIGN)$/i;

/** The statement on one line, without its comments: whoever cuts it into pieces finds no quote in one. */
export function withoutComments(sql: string): string {
  return tokensOf(sql).join("").trim();
}

/** Two statements, or parts of them, that say the same are the same. */
export function comparable(sql: string): string {
  return tokensOf(sql)
    .filter((token) => token !== " ")
    .map((token) => (/^\w/.test(token) ? token.toLowerCase() : token))
    .join(" ");
}

/** @param sql `CREATE TABLE …` as `sqlite_schema` has it */
export function tableOf(sql: string): Table {
  const tokens = tokensOf(sql);
  const columns = new Map<string, string>();
  const constraints: string[] = [];
  let item: string[] = [];
  let depth = 0;
  let at = tokens.indexOf("(");
  const take = () => {
    const text = item.join("").trim();
    const first = item.find((token) => token !== " ") ?? "";
    if (CONSTRAINT.test(first)) constraints.push(comparable(text));
    else columns.set(first.replace(/^["`[]|["`\]]$/g, "").toLowerCase(), text);
    item = [];
  };
  for (; at < tokens.length; at++) {
    const token = tokens[at] ?? "";
    if (token === ")") depth--;
    if (depth === 0 && token === ")") break;
    if (depth === 1 && token === ",") take();
    else if (depth > 0) item.push(token);
    if (token === "(") depth++;
  }
  take();
  return {
    columns,
    constraints: constraints.sort(),
    options: comparable(tokens.slice(at + 1).join("")),
  };
}

/** Without comments, and one space for all that there is in a row. */
function tokensOf(sql: string): string[] {
  const tokens: string[] = [];
  for (const token of sql.match(TOKEN) ?? []) {
    if (COMMENT.test(token)) continue;
    const isSpace = token.trim() === "";
    if (!isSpace) tokens.push(token);
    else if (tokens.at(-1) !== " ") tokens.push(" ");
  }
  return tokens;
}
