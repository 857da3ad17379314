import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const paper = readFileSync("SECURITY.md", "utf8");

/** Each section's tables whose last column is "shown by", as rows of cells. */
const rowsOf = (heading: string): string[][] => {
  const [, section = ""] = paper.split(`\n## ${heading}\n`);
  const [text = ""] = section.split("\n## ", 1);
  return text
    .trim()
    .split("\n\n")
    .filter((block) => /^\|.* shown by \|\n/.test(block))
    .flatMap((table) => table.trim().split("\n").slice(2))
    .map((row) => row.slice(2, -2).split(" | "));
};

const ALWAYS = rowsOf("What always holds");
const CONSOLE = rowsOf("The console");
const RFCS = rowsOf("RFC requirements and their tests");
const ASVS = rowsOf("OWASP ASVS 5.0").filter(([id = ""]) => /^\d/.test(id));
/** Of every table that there is. */
const TABLES = paper
  .split("\n\n")
  .filter((block) => block.startsWith("|"))
  .map((table) => table.trim().split("\n"));
const ALL = TABLES.flatMap((lines) => lines.slice(2).map((row) => row.slice(2, -2).split(" | ")));

const shownBy = (row: readonly string[]) => row.at(-1) ?? "";

/** One for each test that a row names: the file, and words of its title. */
const named = ALL.flatMap((row) =>
  [...shownBy(row).matchAll(/`(test\/[^`]+\.test\.ts)`((?: "[^"]+";?)*)/g)].flatMap(
    ([, file = "", titles = ""]) => {
      const words = [...titles.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => title);
      // A file alone is named for all that it has.
      return (words.length > 0 ? words : [""]).map((title) => [file, title] as const);
    },
  ),
);

describe("the tables in SECURITY.md", () => {
  it.each([
    ["what always holds", ALWAYS, 15],
    ["the console", CONSOLE, 4],
    ["RFCs", RFCS, 40],
    ["ASVS", ASVS, 80],
  ])("have a row of three cells for each requirement: %s", (_, rows, least) => {
    expect(rows.length).toBeGreaterThan(least);
    expect(rows.filter((row) => row.length !== 3)).toEqual([]);
  });

  it("name tests", () => {
    expect(named.length).toBeGreaterThan(150);
  });

  it.each([...new Map(named.map((each) => [each.join(), each])).values()])(
    "%s has the test %j",
    (file, title) => {
      expect(readFileSync(file, "utf8")).toContain(title);
    },
  );

  it("all have a column for what shows it", () => {
    const heads = TABLES.map(([head = ""]) => head);
    expect(heads.length).toBeGreaterThan(18);
    expect(heads.filter((head) => !head.endsWith("| shown by |"))).toEqual([]);
  });

  it("have no row that no test shows", () => {
    const shown = /`test\/[\w./-]+\.test\.ts`/;
    expect(ALL.filter((row) => !shown.test(shownBy(row)))).toEqual([]);
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
  const ids = ASVS.map(([id = ""]) => id);

  it("each requirement of V6, V7 and V9 has a row, or is said to have none", () => {
    const [, without = ""] = paper.split("\n### Without a test\n");
    const told = without.match(/\b[679]\.\d\.\d{1,2}\b/g) ?? [];
    const rows = ids.filter((id) => /^[679]\./.test(id));
    expect([...rows, ...told].toSorted()).toEqual(WHOLE.toSorted());
  });

  it("each row has a requirement's number, and no two have one", () => {
    expect(ids.filter((id) => !/^\d{1,2}\.\d\.\d{1,2}$/.test(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("what a row begins with says what is missing, and why", () => {
    const verdict =
      /^\*\*(?:Not met|Partly met|Does not apply|Written|By the platform|By design)\.\*\* \S.{8,}/;
    const wrong = ASVS.filter(
      (row) => shownBy(row).startsWith("**") && !verdict.test(shownBy(row)),
    );
    expect(wrong).toEqual([]);
  });
});
