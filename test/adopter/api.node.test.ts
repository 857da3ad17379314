import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { API_PAGE, apiPage } from "./api-page.ts";

it("the packages export what docs/reference/api.md says, as npm run docs writes it", () => {
  expect(readFileSync(API_PAGE, "utf8")).toBe(apiPage());
});
