import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "vite";
import { all, type Change, isNode, type Node } from "./changes.ts";

/** Tests that must notice: a file, and where it says so only tests of that name (a regular expression). */
export interface Suite {
  readonly file: string;
  readonly test?: string;
}

/** What breaks at the marker `// guard: <id>`, each way in which it is broken, and who must notice all of them. */
export type Guard = readonly [
  id: string,
  breaks: string,
  changes: readonly [Change, ...Change[]],
  suites: readonly [Suite, ...Suite[]],
];

/** One wrong version of the service. */
export interface Mutant {
  readonly name: string;
  readonly breaks: string;
  readonly file: string;
  readonly text: string;
  readonly suites: readonly Suite[];
}

interface Marker {
  readonly id: string;
  readonly file: string;
  readonly source: string;
  /** The outermost piece of code that begins right below the marker. */
  readonly guarded: Node;
}

function parsed(file: string, source: string) {
  const { program, comments, errors } = parseSync(file, source);
  const root: unknown = program;
  if (errors.length > 0 || !isNode(root)) throw new Error(`${file} does not parse`);
  return { root, comments };
}

export function markersOf(file: string, source: string): Marker[] {
  if (!source.includes("// guard: ")) return [];
  const { root, comments } = parsed(file, source);
  return comments.flatMap(({ value: text, end }) => {
    const id = /^ guard: (.*)$/.exec(text)?.[1];
    if (id === undefined) return [];
    const below = [...all(root)].filter(({ start }) => start > end);
    const [guarded] = below.toSorted((a, b) => a.start - b.start || b.end - a.end);
    if (guarded === undefined) throw new Error(`${file}: no code is below ${id}`);
    return [{ id, file, source, guarded }];
  });
}

export function markersIn(root: string): Marker[] {
  const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => /\.tsx?$/.test(file))
    .flatMap((file) => markersOf(`src/${file}`, readFileSync(join(root, "src", file), "utf8")));
}

/** @throws Error where a change no longer fits the code: such a mutant would prove nothing */
export function mutantsOf([id, breaks, changes, suites]: Guard, markers: readonly Marker[]) {
  const marker = markers.find((each) => each.id === id);
  if (marker === undefined) throw new Error(`${id}: no marker`);
  const { file, source, guarded } = marker;
  return changes.map((change, index): Mutant => {
    const name = changes.length === 1 ? id : `${id}/${index + 1}`;
    const edit = change(guarded, source);
    if (edit === null) throw new Error(`${name}: does not fit the code below its marker`);
    const text = source.slice(0, edit.start) + edit.text + source.slice(edit.end);
    parsed(file, text);
    return { name, breaks, file, text, suites };
  });
}
