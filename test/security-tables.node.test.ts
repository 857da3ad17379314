import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PAPERS, paper } from "./papers.ts";

/** Their tables say which test shows what they claim. */
const PAGES = [...PAPERS].filter(([path]) => /^(?:SECURITY\.md|docs\/security\/)/.test(path));
// Not those of what test/clients installs for itself.
const TESTS = globSync("test/**/*.test.ts", { exclude: ["**/node_modules/**"] });

interface Row {
  readonly page: string;
  readonly head: string;
  readonly cells: readonly string[];
  /** What shows it, which the last cell says. */
  readonly shownBy: string;
}

/** A `|` in a cell is escaped. */
const cellsOf = (line: string) => line.slice(2, -2).split(" | ");

const ROWS: readonly Row[] = PAGES.flatMap(([page, text]) =>
  text
    .split("\n\n")
    .filter((block) => block.startsWith("|"))
    .flatMap((table) => {
      const [head = "", , ...rows] = table.trim().split("\n");
      return rows.map((row) => {
        const cells = cellsOf(row);
        return { page, head, cells, shownBy: cells.at(-1) ?? "" };
      });
    }),
);

/** The end of a test file's path, and words of titles in it: `jwt` "alg nOnE"; "a jku". Or all of a file. */
const NAMED = /`([a-z][a-z0-9/-]*)`((?: "[^"]+";?)+)|`test\/([a-z0-9/-]+)(?:\.node)?\.test\.ts`/g;

function filesCalled(name: string): string[] {
  const stems = TESTS.map((file) => [file, file.replace(/(?:\.node)?\.test\.ts$/, "")] as const);
  const files = (isIt: (stem: string) => boolean) =>
    stems.filter(([, stem]) => isIt(stem)).map(([file]) => file);
  const whole = files((stem) => stem === `test/${name}`);
  return whole.length > 0 ? whole : files((stem) => stem.endsWith(`/${name}`));
}

const named = ROWS.flatMap(({ page, shownBy }) =>
  [...shownBy.matchAll(NAMED)].flatMap(([, name, titles = "", whole]) => {
    if (name === undefined) return [{ page, name: whole ?? "", title: "" }];
    return [...titles.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => ({ page, name, title }));
  }),
);

describe("the tables about security", () => {
  it("are many, and each has a column for what shows it", () => {
    expect(ROWS.length).toBeGreaterThan(130);
    expect(ROWS.filter(({ head }) => !head.endsWith("| shown by |"))).toEqual([]);
    expect(ROWS.filter(({ head, cells }) => cells.length !== cellsOf(head).length)).toEqual([]);
  });

  it("have no row that no test shows", () => {
    expect(named.length).toBeGreaterThan(190);
    const left = ROWS.filter(({ shownBy }) => [...shownBy.matchAll(NAMED)].length === 0);
    expect(left).toEqual([]);
  });

  it.each([...new Set(named.map(({ name }) => name))])("%s is one test file", (name) => {
    expect(filesCalled(name)).toHaveLength(1);
  });

  it.each(named)("$page: $name has the test $title", ({ name, title }) => {
    const files = filesCalled(name).map((file) => readFileSync(file, "utf8"));
    expect(files.some((text) => text.includes(title))).toBe(true);
  });
});

/** The requirements of levels 1 and 2 in the chapters that the table has whole. */
const WHOLE = `
  6.1.1 6.1.2 6.1.3
  6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.6 6.2.7 6.2.8 6.2.9 6.2.10 6.2.11 6.2.12
  6.3.1 6.3.2 6.3.3 6.3.4  6.4.1 6.4.2 6.4.3 6.4.4  6.5.1 6.5.2 6.5.3 6.5.4 6.5.5
  6.6.1 6.6.2 6.6.3  6.8.1 6.8.2 6.8.3 6.8.4
  7.1.1 7.1.2 7.1.3  7.2.1 7.2.2 7.2.3 7.2.4  7.3.1 7.3.2
  7.4.1 7.4.2 7.4.3 7.4.4 7.4.5  7.5.1 7.5.2  7.6.1 7.6.2
  9.1.1 9.1.2 9.1.3  9.2.1 9.2.2 9.2.3 9.2.4`
  .trim()
  .split(/\s+/);

describe("ASVS", () => {
  const rows = ROWS.filter(({ head }) => head.startsWith("| id |"));
  const ids = rows.flatMap(({ cells: [id = ""] }) => id.split(", "));
  const [, without = ""] = paper("docs/security/standards.md").split("\n### Without a test\n");
  const told = without.match(/\b\d{1,2}\.\d\.\d{1,2}\b/g) ?? [];

  it("has each requirement of V6, V7 and V9, in a row or as one without a test", () => {
    const found = [...ids, ...told].filter((id) => /^[679]\./.test(id));
    expect(found.toSorted()).toEqual(WHOLE.toSorted());
  });

  it("has no number twice, and rows of all the chapters", () => {
    expect(ids.filter((id) => !/^\d{1,2}\.\d\.\d{1,2}$/.test(id))).toEqual([]);
    expect(new Set([...ids, ...told]).size).toBe(ids.length + told.length);
    expect(ids.length).toBeGreaterThan(80);
  });

  it("says at a row's beginning what is missing, and why", () => {
    const verdict =
      /^\*\*(?:Not met|Partly met|Does not apply|Written|By the platform|By design)\.\*\* \S.{8,}/;
    const unclear = ROWS.filter(
      ({ shownBy }) => !shownBy.startsWith("`") && !verdict.test(shownBy),
    );
    expect(unclear).toEqual([]);
  });
});
