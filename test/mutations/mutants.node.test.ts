import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { faultsOf } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";

const root = resolve(import.meta.dirname, "../..");
const read = (file: string) =>
  existsSync(resolve(root, file)) ? readFileSync(resolve(root, file), "utf8") : null;

it("every mutant still applies", () => {
  expect(faultsOf(MUTANTS, read)).toEqual([]);
});

it("there are mutants of every layer that decides", () => {
  for (const layer of ["core", "storage", "crypto", "http", "actions"]) {
    expect(MUTANTS.filter(({ file }) => file.startsWith(`src/${layer}/`)).length).toBeGreaterThan(
      1,
    );
  }
  expect(MUTANTS.length).toBeGreaterThanOrEqual(30);
});

it("a mutant that no longer applies is a fault", () => {
  const mutant = { name: "x", file: "a.ts", find: "one", replace: "two", suites: [] };
  expect(faultsOf([mutant], () => "one")).toEqual([]);
  expect(faultsOf([mutant], () => "one and one")).toEqual(["x: its text occurs 2 times in a.ts"]);
  expect(faultsOf([mutant], () => null)).toEqual(["x: its text occurs 0 times in a.ts"]);
  expect(faultsOf([mutant, mutant], () => "one")).toEqual(["x: the name is taken"]);
});
