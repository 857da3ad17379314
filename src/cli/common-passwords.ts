import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dictionary } from "@zxcvbn-ts/language-common";

/** The file that this writes, with `node src/cli/common-passwords.ts`. */
export const LIST_FILE = fileURLToPath(
  new URL("../crypto/common-password-list.ts", import.meta.url),
);

const COUNT = 3000;
const MIN_CHARACTERS = 8;
const LINE_WIDTH = 160;

/**
 * The text of `LIST_FILE`. The package ranks by how common a password is; the order is given up,
 * because a sorted list is an eighth smaller once compressed.
 * @throws Error where the package holds what a template literal or a split at spaces would change
 */
export function commonPasswordListSource(): string {
  const ranked = dictionary["passwords-common"].map((word) => word.toLowerCase());
  const words = [...new Set(ranked.filter((word) => word.length >= MIN_CHARACTERS))]
    .slice(0, COUNT)
    .sort();
  const odd = words.find((word) => !/^[!-~]+$/.test(word) || /[`\\$]/.test(word));
  if (words.length !== COUNT || odd !== undefined) {
    throw new Error(`the package's list is not what it was: ${words.length} words, odd: ${odd}`);
  }
  return `// Made by src/cli/common-passwords.ts from @zxcvbn-ts/language-common (MIT, copyright 2012-2016
// Dan Wheeler and Dropbox, Inc., 2021 @zxcvbn-ts). Not to be edited by hand.

/** The ${COUNT} most common passwords of ${MIN_CHARACTERS} characters or more: lower case, sorted, parted by white space. */
export const commonPasswordList = \`
${lines(words).join("\n")}
\`;
`;
}

function lines(words: readonly string[]): string[] {
  const result: string[] = [];
  let line = "";
  for (const word of words) {
    if (line !== "" && line.length + 1 + word.length > LINE_WIDTH) {
      result.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...result, line];
}

if (import.meta.main) writeFileSync(LIST_FILE, commonPasswordListSource());
