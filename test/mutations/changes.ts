/** A piece of the syntax tree. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [property: string]: unknown;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * How the code below a marker is broken: by its syntax alone, so that no change of a name breaks a mutant.
 * @returns null where it does not fit that code
 */
export type Change = (guarded: Node, source: string) => Edit | null;

export const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && "start" in value;

/** The node and all in it, as they are written, and what contains others first. */
export function* all(node: Node): Generator<Node> {
  yield node;
  const children = Object.values(node).flat().filter(isNode);
  for (const child of children.toSorted((a, b) => a.start - b.start)) yield* all(child);
}

const nodesIn = (value: unknown): Node[] => (Array.isArray(value) ? value.filter(isNode) : []);
const nodeIn = (value: unknown): Node | null => (isNode(value) ? value : null);

const first = (guarded: Node, type: string): Node | null =>
  all(guarded).find((node) => node.type === type) ?? null;

const instead = (node: Node | null, text: string): Edit | null =>
  node === null ? null : { start: node.start, end: node.end, text };

/** With the comma behind it. */
function without(node: Node | undefined, source: string): Edit | null {
  if (node === undefined) return null;
  const comma = /^\s*,/.exec(source.slice(node.end))?.[0].length ?? 0;
  return { start: node.start, end: node.end + comma, text: "" };
}

/** The statement, the property or the element is not there. */
export const dropped: Change = (guarded, source) => without(guarded, source);

/** What `if` asks is always so, or never. */
export const asked =
  (answer: boolean): Change =>
  (guarded) =>
    instead(nodeIn(first(guarded, "IfStatement")?.test), String(answer));

/** What `?:` asks is always so, or never. */
export const chosen =
  (answer: boolean): Change =>
  (guarded) =>
    instead(nodeIn(first(guarded, "ConditionalExpression")?.test), String(answer));

/** What is returned, kept in a variable or given as a property is another value. */
export const value =
  (text: "true" | "false" | "[]" | "issuedAt"): Change =>
  (guarded) => {
    const types = ["ReturnStatement", "VariableDeclarator", "Property"];
    const holder = all(guarded).find(({ type }) => types.includes(type));
    const held = nodeIn(holder?.argument ?? holder?.init ?? holder?.value);
    const isFunction = held?.type === "ArrowFunctionExpression";
    return instead(isFunction ? nodeIn(held.body) : held, text);
  };

/** The n-th of what an operator joins is not asked. */
export const withoutOperand =
  (n: number, operator: "&&" | "||" | "??"): Change =>
  (guarded, source) => {
    const isChain = (node: Node) => node.type === "LogicalExpression" && node.operator === operator;
    const chain = all(guarded).find(isChain) ?? null;
    const flat = (node: Node | null): Node[] => {
      if (node === null) return [];
      return isChain(node) ? [...flat(nodeIn(node.left)), ...flat(nodeIn(node.right))] : [node];
    };
    const operands = flat(chain);
    if (operands[n] === undefined) return null;
    const kept = operands.filter((_, index) => index !== n);
    return instead(
      chain,
      kept.map(({ start, end }) => source.slice(start, end)).join(` ${operator} `),
    );
  };

/** A call is no more than its n-th argument. */
export const onlyArgument =
  (n: number): Change =>
  (guarded, source) => {
    const call = first(guarded, "CallExpression");
    const kept = nodesIn(call?.arguments)[n];
    return kept === undefined ? null : instead(call, source.slice(kept.start, kept.end));
  };

/** A call, list or object has not got its n-th argument, element or property. */
export const withoutArgument =
  (n: number): Change =>
  (guarded, source) =>
    without(nodesIn(first(guarded, "CallExpression")?.arguments)[n], source);
export const withoutElement =
  (n: number): Change =>
  (guarded, source) => {
    const lists = all(guarded).filter(({ type }) => type === "ArrayExpression");
    return without(lists.map(({ elements }) => nodesIn(elements)[n]).find(isNode), source);
  };
export const withoutProperty =
  (n: number): Change =>
  (guarded, source) =>
    without(nodesIn(first(guarded, "ObjectExpression")?.properties)[n], source);

/** What is waited for fails, and nobody hears of it. */
export const swallowed: Change = (guarded, source) => {
  const awaited = nodeIn(first(guarded, "AwaitExpression")?.argument);
  if (awaited === null) return null;
  return instead(awaited, `(${source.slice(awaited.start, awaited.end)}).catch(() => undefined)`);
};

/** The n-th number is so many times what it was. */
export const times =
  (factor: number, n = 0): Change =>
  (guarded, source) => {
    const numbers = [...all(guarded)].filter((node) => typeof node.value === "number");
    const number = numbers[n];
    if (number === undefined) return null;
    return instead(number, `${factor} * ${source.slice(number.start, number.end)}`);
  };

/** The first SQL that has such a word, with its `${…}` blanked out: all keeps its place. */
function sqlOf(guarded: Node, source: string, word: RegExp): { text: string; at: number } | null {
  for (const node of all(guarded)) {
    if (node.type !== "TemplateLiteral") continue;
    const at = node.start + 1;
    let text = source.slice(at, node.end - 1);
    for (const { start, end } of nodesIn(node.expressions)) {
      const [from, to] = [start - 2 - at, end + 1 - at];
      text = text.slice(0, from) + "?".repeat(to - from) + text.slice(to);
    }
    if (word.test(text)) return { text, at };
  }
  return null;
}

/** How far the text goes until a comma, one of these words, or the end of the parentheses around it. */
function lengthOf(text: string, ends: RegExp): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "(") depth++;
    if (text[at] === ")" && --depth < 0) return at;
    const isWord = /\W/.test(text[at - 1] ?? " ");
    if (depth === 0 && (text[at] === "," || (isWord && ends.test(text.slice(at))))) return at;
  }
  return text.length;
}

const CONDITION = /\b(?:WHERE|AND|OR)\b/g;
const AFTER_CONDITION =
  /^(?:WHERE|AND|OR|THEN|ELSE|END|AS|FROM|LEFT|UNION|GROUP|ORDER|LIMIT|ON|RETURNING)\b/;

/**
 * The n-th condition of the SQL always holds, or never. The first word WHERE, AND or OR begins condition 1, the
 * next one 2, whatever parentheses they are in; 0 is what comes before.
 */
const condition =
  (n: number, so: "OR TRUE" | "AND FALSE"): Change =>
  (guarded, source) => {
    const found = sqlOf(guarded, source, n === 0 ? /^/ : /\b(?:WHERE|AND|OR)\b/);
    if (found === null) return null;
    const { text, at } = found;
    const starts = [0, ...Array.from(text.matchAll(CONDITION), endOf)];
    const from = starts[n];
    if (from === undefined) return null;
    const to = from + lengthOf(text.slice(from), AFTER_CONDITION);
    const asked = source.slice(at + from, at + to).trim();
    return { start: at + from, end: at + to, text: ` (${asked} ${so}) ` };
  };
export const holds = (n: number) => condition(n, "OR TRUE");
export const fails = (n: number) => condition(n, "AND FALSE");

/** The n-th column that an UPDATE sets keeps its value. */
export const unset =
  (n: number): Change =>
  (guarded, source) => {
    const found = sqlOf(guarded, source, /\bSET\b/);
    const set = /\bSET\b/.exec(found?.text ?? "");
    if (found === null || set === null) return null;
    const { text, at } = found;
    let from = endOf(set);
    let to = from + lengthOf(text.slice(from), /^WHERE\b/);
    for (let skipped = 0; skipped < n; skipped++) {
      if (text[to] !== ",") return null;
      from = to + 1;
      to = from + lengthOf(text.slice(from), /^WHERE\b/);
    }
    const column = /^\s*(\w+)/.exec(text.slice(from))?.[1];
    if (column === undefined) return null;
    return { start: at + from, end: at + to, text: ` ${column} = ${column} ` };
  };

const endOf = ({ index, 0: text }: RegExpExecArray) => index + text.length;
