/** One import: of a file of ours, or of a package. */
export interface Arrow {
  readonly from: string;
  /** A path from the root, or a package's name. */
  readonly to: string;
  readonly isPackage: boolean;
}

/** Only where they begin a line: elsewhere it may be a string. */
const COMMENTS = /^\s*(?:\/\*[\s\S]*?\*\/|\/\/.*$)/gm;

/** Every way to name another module: import and export from, for effect, at run time, in a type. */
const SPECIFIERS = [
  /\bfrom\s*["']([^"']+)["']/g,
  /^\s*import\s*["']([^"']+)["']/gm,
  /\b(?:import|require)\s*\(\s*["'`]([^"'`]+)["'`]/g,
  /\bimport\.meta\.resolve\(\s*["']([^"']+)["']/g,
  /\bnew URL\(\s*["']([^"']+\.[jt]sx?)["']\s*,\s*import\.meta\.url/g,
];

export function arrowsOf(from: string, source: string): Arrow[] {
  const code = source.replaceAll(COMMENTS, "");
  const specifiers = SPECIFIERS.flatMap((form) => [...code.matchAll(form)].map(([, name]) => name));
  return specifiers
    .filter((name) => name !== undefined)
    .map((name) =>
      name.startsWith(".") || name.startsWith("/")
        ? { from, to: new URL(name, `file:///${from}`).pathname.slice(1), isPackage: false }
        : { from, to: name, isPackage: true },
    );
}

/** @returns each circle once, as its files in order */
export function cyclesIn(arrows: readonly Arrow[]): string[] {
  const next = Map.groupBy(
    arrows.filter(({ isPackage }) => !isPackage),
    ({ from }) => from,
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file);
    if (start !== -1) cycles.push([...path.slice(start), file].join(" -> "));
    if (start !== -1 || done.has(file)) return;
    for (const { to } of next.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of next.keys()) visit(file, []);
  return cycles;
}
