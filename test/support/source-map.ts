/**
 * The paths in the tree that ARCHITECTURE.md shows: the fenced block whose first line is `src/`.
 * Each further line is two spaces for each level below `src/`, one name, which ends in `/` for a
 * folder, and, two spaces or more behind it, what it is for.
 * @throws Error for a line of another form
 */
export function readTree(markdown: string): string[] {
  const block = /^```\w*\n(src\/\s*?\n[\s\S]*?)^```/m.exec(markdown)?.[1];
  if (block === undefined) throw new Error("no fenced block begins with a line src/");
  const folders = ["src/"];
  return block
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [, indent = "", name] = /^((?: {2})+)(\S+)(?: {2,}\S.*)?$/.exec(line) ?? [];
      const folder = folders[indent.length / 2 - 1];
      if (name === undefined || folder === undefined) throw new Error(`not a line of it: ${line}`);
      folders.length = indent.length / 2;
      if (name.endsWith("/")) folders.push(folder + name);
      return folder + name;
    });
}
