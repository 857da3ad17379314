import { globSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const read = (pattern: string) =>
  globSync(pattern, { cwd: "src/console" })
    .map((file) => readFileSync(`src/console/${file}`, "utf8"))
    .join("\n");

it("every class of a stylesheet is on a page, and every class of a page in a stylesheet", () => {
  const css = read("assets/*.css").replaceAll(/\/\*.*?\*\//gs, "");
  const selectors = css.match(/[^{}]+(?=\{)/g)?.filter((each) => !each.includes("@")) ?? [];
  const styled = new Set(selectors.join().match(/(?<=\.)[a-z][\w-]*/gi));
  const pages = read("**/*.{ts,tsx,js}");
  const words = new Set(pages.match(/[\w-]+/g));
  expect(styled.size).toBeGreaterThan(50);
  expect([...styled].filter((name) => !words.has(name))).toEqual([]);
  const given = pages.match(/(?<=class(?:Name =|=)? ?")[^"]+/g)?.flatMap((each) => each.split(" "));
  expect(given?.filter((name) => !styled.has(name))).toEqual([]);
});
