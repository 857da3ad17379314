/** Tests that must notice: a file, or part of its path, and where it says so only tests of that name. */
export interface Suite {
  readonly file: string;
  /** A regular expression. */
  readonly test?: string;
}

/** One wrong version of the service. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  readonly suites: readonly Suite[];
}

/** What is wrong with the table itself, given how each file reads; a mutant that no longer applies proves nothing. */
export function faultsOf(
  mutants: readonly Mutant[],
  read: (file: string) => string | null,
): string[] {
  const faults: string[] = [];
  const names = new Set<string>();
  for (const { name, file, find, replace } of mutants) {
    if (names.has(name)) faults.push(`${name}: the name is taken`);
    names.add(name);
    const found = (read(file)?.split(find).length ?? 1) - 1;
    if (found !== 1) faults.push(`${name}: its text occurs ${found} times in ${file}`);
    if (find === replace) faults.push(`${name}: changes nothing`);
  }
  return faults;
}
