import type { FormField } from "./form.ts";

/** More brackets than that are part of the name. */
const MAX_DEPTH = 32;

type Tree = Map<string, unknown>;

/**
 * A form as PHP reads it: `payload[contact_id]` is a member of `payload`, `tags[]` one more of a list. The
 * last of several values of one name counts.
 */
export function nestedFields(fields: readonly FormField[]): Readonly<Record<string, unknown>> {
  const root: Tree = new Map();
  for (const [name, value] of fields) {
    const [, first = name, brackets = ""] = /^([^[\]]+)((?:\[[^[\]]*\])+)$/.exec(name) ?? [];
    const inner = Array.from(brackets.matchAll(/\[([^[\]]*)\]/g), ([, key = ""]) => key);
    put(root, inner.length > MAX_DEPTH ? [name] : [first, ...inner], value);
  }
  return Object.fromEntries(membersOf(root));
}

function put(root: Tree, path: readonly string[], value: unknown): void {
  let tree = root;
  for (const [index, part] of path.entries()) {
    const key = part === "" ? String(tree.size) : part;
    if (index === path.length - 1) tree.set(key, value);
    else {
      const known = tree.get(key);
      const next: Tree = known instanceof Map ? known : new Map();
      tree.set(key, next);
      tree = next;
    }
  }
}

const membersOf = (tree: Tree) =>
  Array.from(tree, ([key, item]) => [key, contentOf(item)] as const);

/** What is numbered from 0 on is a list. */
function contentOf(item: unknown): unknown {
  if (!(item instanceof Map)) return item;
  const members = membersOf(item);
  const isList = members.every(([key], index) => key === String(index));
  return isList ? members.map(([, value]) => value) : Object.fromEntries(members);
}
