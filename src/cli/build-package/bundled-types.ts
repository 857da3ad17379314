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
 * One file of what a module exports and of all that its types name, from the declarations that tsc wrote.
 * @throws Error where two of them have the same name, or one is not found
 */
export function bundledTypes(folder: string, entry: string): string {
  const modules = new Map<string, Module>();
  const load = (path: string) => {
    const module = modules.get(path) ?? parsed(path);
    modules.set(path, module);
    return module;
  };
  const found = new Map<string, Declaration>();
  const packages = new Map<string, Set<string>>();

  const include = ({ from, name }: Imported, as = name): void => {
    if (!from.startsWith(folder)) {
      const names = packages.get(from) ?? new Set();
      packages.set(from, names.add(name === as ? name : `${name} as ${as}`));
      return;
    }
    const { declarations, exports } = load(from);
    const declaration = declarations.get(name);
    const elsewhere = exports.get(name);
    if (declaration === undefined && elsewhere !== undefined) {
      include(elsewhere, as);
      return;
    }
    if (declaration === undefined || as !== name) throw new Error(`no ${as} in ${from}`);
    const same = found.get(name);
    if (same === declaration) return;
    if (same !== undefined) throw new Error(`two types have the name ${name}`);
    found.set(name, declaration);
    for (const word of namesIn(declaration.text)) {
      const imported = declaration.module.imports.get(word);
      if (imported !== undefined) include(imported, word);
      else if (word !== name && declarations.has(word)) include({ from, name: word });
    }
    for (const [, path = "", inner = ""] of declaration.text.matchAll(INLINE)) {
      include({ from: pathOf(from, path), name: inner });
    }
  };

  const { exports } = load(join(folder, entry));
  for (const [as, imported] of exports) include(imported, as);
  const lines = [...packages].map(([from, names]) =>
    [...names].some((name) => name.startsWith("*"))
      ? `import type ${[...names].join(", ")} from "${from}";`
      : `import type { ${[...names].sort().join(", ")} } from "${from}";`,
  );
  const texts = [...found].map(([name, { text }]) => {
    const bare = text.replace(INLINE, "$2").replace(/^export (?:default )?/m, "");
    const isPublic = exports.has(name);
    const declared = bare.replace(
      /^(?:declare )?(?=(?:function|const|class|abstract) )/m,
      "declare ",
    );
    return isPublic ? declared.replace(/^(?=(?:declare|interface|type) )/m, "export ") : declared;
  });
  return `${[...lines.sort(), "", ...texts, "export {};"].join("\n")}\n`;
}

const INLINE = /import\("(\.[^"]+)"\)\.(\w+)/g;

/** tsc writes each statement from the first column on, and indents what belongs to it. */
const STATEMENT = /(?:^\/\*\*(?:[^*]|\*(?!\/))*\*\/\n)?^[a-z].*\n(?:^[ \t}\])>].*\n)*/gm;
const DECLARED =
  /^(?:export )?(?:default )?(?:declare )?(?:abstract )?(?:function|const|class|interface|type|enum) (\w+)/m;

function parsed(path: string): Module {
  const declarations = new Map<string, Declaration>();
  const imports = new Map<string, Imported>();
  const exports = new Map<string, Imported>();
  const module: Module = { declarations, imports, exports };
  for (const [text] of readFileSync(path, "utf8").matchAll(STATEMENT)) {
    const [, list, star, from] =
      /^(?:import|export) (?:type )?(?:\{([^}]*)\}|\* as (\w+)|\w+) from "([^"]+)";$/m.exec(text) ??
      [];
    if (from !== undefined) {
      const to = /^export /m.test(text) ? exports : imports;
      const source = from.startsWith(".") ? pathOf(path, from) : from;
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
    }
  }
  return module;
}

const pathOf = (from: string, to: string) => join(from, "..", to).replace(/\.tsx?$/, ".d.ts");

/** The words of a declaration that may be names: not those of comments, texts or members. */
function namesIn(text: string): Set<string> {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/"(?:[^"\\]|\\.)*"/g, '""');
  return new Set(
    Array.from(code.matchAll(/(?<![.\w$])[A-Za-z_$][\w$]*(?!\??:|\w)/g), ([word]) => word),
  );
}
