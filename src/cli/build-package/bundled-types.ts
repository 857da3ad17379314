import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A top-level declaration of a module, with the comment before it. */
interface Declaration {
  readonly module: Module;
  readonly name: string;
  readonly text: string;
}

/** What a name that a module imports is: a name of another module, or of a package. */
interface Imported {
  readonly from: string;
  readonly name: string;
}

interface Module {
  readonly declarations: ReadonlyMap<string, Declaration>;
  readonly imports: ReadonlyMap<string, Imported>;
  readonly exports: ReadonlyMap<string, Imported>;
}

/**
 * One file of what a module exports and of all that its types name, from the declarations that tsc wrote. Of two
 * types with one name, the second gets another.
 * @param apart modules whose types are only imported
 * @throws Error where a name is not found
 */
export function bundledTypes(folder: string, entry: string, apart?: RegExp): string {
  const modules = new Map<string, Module>();
  const load = (path: string) => {
    const module = modules.get(path) ?? parsed(path);
    modules.set(path, module);
    return module;
  };
  const { exports: published } = load(join(folder, entry));
  const named = new Map<string, string>();
  const found = new Map<string, Declaration>();
  const packages = new Map<string, Set<string>>();

  /** The name in the file of what a module or a package calls `name`. */
  const nameOf = ({ from, name }: Imported, wanted = name): string => {
    const isOurs = from.startsWith(folder) && !apart?.test(from);
    const declaration = isOurs ? load(from).declarations.get(name) : undefined;
    if (isOurs && declaration === undefined) {
      const elsewhere = load(from).exports.get(name);
      if (elsewhere === undefined) throw new Error(`no ${name} in ${from}`);
      return nameOf(elsewhere);
    }
    const key = `${from} ${name}`;
    const before = named.get(key);
    if (before !== undefined) return before;
    const isFree = (free: string) =>
      ![...named.values()].includes(free) && (published.has(name) || !published.has(free));
    const own = declaration === undefined ? wanted : name;
    const [unique = own] = [own, `${own}_1`, `${own}_2`].filter(isFree);
    named.set(key, unique);
    if (declaration === undefined) {
      const as = name === "*" ? `* as ${unique}` : `{ ${name} as ${unique} }`;
      packages.set(from, (packages.get(from) ?? new Set()).add(as));
      return unique;
    }
    found.set(unique, declaration);
    const { imports, declarations } = declaration.module;
    let text = declaration.text.replace(INLINE, (_, path: string, inner: string) =>
      nameOf({ from: pathOf(from, path), name: inner }),
    );
    for (const word of namesIn(text)) {
      const imported = imports.get(word) ?? (declarations.has(word) ? { from, name: word } : null);
      const now = imported === null ? word : nameOf(imported, word);
      if (now !== word) text = text.replace(new RegExp(`${BEFORE}${word}${AFTER}`, "g"), now);
    }
    found.set(unique, { ...declaration, text });
    return unique;
  };

  for (const imported of published.values()) nameOf(imported);
  const lines = [...packages].flatMap(([from, names]) =>
    [...names].map(
      (each) =>
        `import type ${each.replace(/(\w+) as \1 /, "$1 ")} from "${from.replace(`${folder}/`, "./")}";`,
    ),
  );
  const texts = [...found].map(([name, { text }]) => {
    const bare = text.replace(/^export (?:default )?/m, "");
    const declared = bare.replace(/^(?=(?:function|const|class|abstract) )/m, "declare ");
    if (!published.has(name)) return declared;
    return declared.replace(/^(?=(?:declare|interface|type) )/m, "export ");
  });
  const main = published.get("default");
  const last = main === undefined ? "export {};" : `export { ${nameOf(main)} as default };`;
  return `${[...lines.sort(), "", ...texts, last].join("\n")}\n`;
}

/** A word that is no member, and no name of one. */
const BEFORE = "(?<![.\\w$])";
const AFTER = "(?!\\??:|[\\w$])";
const INLINE = /import\("(\.[^"]+)"\)\.(\w+)/g;

/** Statements with the comments before them: each ends with the line after which no bracket is open. */
function statementsOf(text: string): string[] {
  const statements: string[] = [];
  let statement = "";
  for (const line of text.split("\n")) {
    statement += `${line}\n`;
    const code = codeOf(statement);
    const open = code.match(/[[({]/g)?.length ?? 0;
    const closed = code.match(/[\])}]/g)?.length ?? 0;
    if (!/[;}]\s*$/.test(code) || open !== closed) continue;
    statements.push(statement);
    statement = "";
  }
  return statements;
}

/** Without comments, and without what is in texts. */
const codeOf = (text: string) =>
  text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/"(?:[^"\\\n]|\\.)*"/g, '""');

const DECLARED =
  /^(?:export )?(?:default )?(?:declare )?(?:abstract )?(?:function|const|class|interface|type|enum) (\w+)/m;

function parsed(path: string): Module {
  const declarations = new Map<string, Declaration>();
  const imports = new Map<string, Imported>();
  const exports = new Map<string, Imported>();
  const module: Module = { declarations, imports, exports };
  for (const text of statementsOf(readFileSync(path, "utf8"))) {
    const [, fallback, list, star, from] =
      /^(?:import|export) (?:type )?(?:(\w+)(?:, )?)?(?:\{([^}]*)\}|\* as (\w+))? ?from "([^"]+)";$/m.exec(
        text,
      ) ?? [];
    if (from !== undefined) {
      const to = /^export /m.test(text) ? exports : imports;
      const source = from.startsWith(".") ? pathOf(path, from) : from;
      if (fallback !== undefined) to.set(fallback, { from: source, name: "default" });
      if (star !== undefined) to.set(star, { from: source, name: "*" });
      for (const item of list?.split(",") ?? []) {
        const [name = "", as = name] = item
          .trim()
          .replace(/^type /, "")
          .split(" as ");
        if (name !== "") to.set(as, { from: source, name });
      }
      continue;
    }
    const [, name] = DECLARED.exec(text) ?? [];
    // A function has a statement for each of its signatures.
    if (name !== undefined) {
      const before = declarations.get(name)?.text ?? "";
      declarations.set(name, { module, name, text: before + text });
      if (/^export /m.test(text)) exports.set(name, { from: path, name });
    }
  }
  return module;
}

const pathOf = (from: string, to: string) => join(from, "..", to).replace(/\.tsx?$/, ".d.ts");

/** The words of a declaration that may be names: not those of comments or texts. */
function namesIn(text: string): Set<string> {
  const word = new RegExp(`${BEFORE}[A-Za-z_$][\\w$]*${AFTER}`, "g");
  return new Set(Array.from(codeOf(text).matchAll(word), ([found]) => found));
}
