import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const markdownIn = (directory: string, recursive: boolean): string[] =>
  readdirSync(directory, { recursive, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .toSorted()
    .map((name) => join(directory, name));

/** Everything that people read, README first: by its path, the text. */
export const PAPERS: ReadonlyMap<string, string> = new Map(
  ["README.md", ...markdownIn(".", false), ...markdownIn("docs", true)].map((path) => [
    path,
    readFileSync(path, "utf8"),
  ]),
);

export function paper(path: string): string {
  const text = PAPERS.get(path);
  if (text === undefined) throw new Error(`there is no ${path}`);
  return text;
}

/** The blocks of code in these languages, without the indentation of a list. */
export function blocksIn(text: string, languages: string) {
  const found = text.matchAll(new RegExp(`^( *)\`\`\`(${languages})\\n([^]*?)^ *\`\`\`$`, "gm"));
  return [...found].map(({ 1: indent = "", 2: language = "", 3: code = "", index }) => ({
    language,
    code: code.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
    line: text.slice(0, index).split("\n").length,
  }));
}
