import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const [, section = ""] = readFileSync("SECURITY.md", "utf8").split("## RFC requirements and ");
const rows = [...section.matchAll(/^\| .* \| .* \| (.*) \|$/gm)].map(([, shownBy = ""]) => shownBy);

/** One for each test that a row names: the file, and words of its title. */
const named = rows.flatMap((row) =>
  [...row.matchAll(/`(test\/[^`]+\.test\.ts)`((?: "[^"]+";?)+)/g)].flatMap(
    ([, file = "", titles]) =>
      [...(titles ?? "").matchAll(/"([^"]+)"/g)].map(([, title = ""]) => [file, title] as const),
  ),
);

it("the table in SECURITY.md has a row for each requirement, and each says what shows it", () => {
  expect(rows.length).toBeGreaterThan(40);
  expect(rows.filter((row) => !/`test\/|\*\*|tried by hand/.test(row))).toEqual(
    rows.filter((row) => row === "shown by"),
  );
});

it.each(named)("%s has the test %j", (file, title) => {
  expect(readFileSync(file, "utf8")).toContain(title);
});
