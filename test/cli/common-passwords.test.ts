import { readFileSync } from "node:fs";
import { dictionary } from "@zxcvbn-ts/language-common";
import { expect, it } from "vitest";
import { commonPasswordListSource, LIST_FILE } from "../../src/cli/common-passwords.ts";
import { isCommonPassword } from "../../src/crypto/common-passwords.ts";

it("the committed list is what the command generates", () => {
  expect(readFileSync(LIST_FILE, "utf8")).toBe(commonPasswordListSource());
});

it("it has the most common passwords that are long enough", () => {
  const choosable = dictionary["passwords-common"].slice(0, 3000).filter((it) => it.length >= 8);
  expect(choosable.length).toBeGreaterThan(600);
  expect(choosable.filter((password) => !isCommonPassword(password))).toEqual([]);
});
