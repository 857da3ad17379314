import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { GUARDS } from "./guards.ts";
import { markersIn, markersOf, mutantsOf } from "./mutant.ts";

const root = resolve(import.meta.dirname, "../..");
const markers = markersIn(root);

it("every marker has one row, and every row one marker", () => {
  expect(GUARDS.map(([id]) => id).toSorted()).toEqual(markers.map(({ id }) => id).toSorted());
  expect(new Set(markers.map(({ id }) => id)).size).toBe(markers.length);
  for (const { id } of markers) expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)+$/);
});

it.each(GUARDS.map((guard) => [guard[0], guard] as const))("%s still applies", (_, guard) => {
  const mutants = mutantsOf(guard, markers);
  expect(new Set(mutants.map(({ text }) => text)).size).toBe(mutants.length);
  for (const { file } of guard[3]) expect(existsSync(resolve(root, file)), file).toBe(true);
});

it("there are mutants of every layer that decides", () => {
  const layers = Map.groupBy(markers, ({ file }) => file.split("/")[1]);
  for (const layer of ["core", "storage", "crypto", "http", "actions", "mail", "console", "client"])
    expect(layers.get(layer)?.length, layer).toBeGreaterThan(1);
});

it("a marker is of the code right below it", () => {
  const source = "f(\n  // guard: a-b\n  // why\n  sql`x AND y`,\n);\n// guard: c-d\nif (a) b();\n";
  const found = markersOf("a.ts", source).map(({ id, guarded }) => [
    id,
    source.slice(guarded.start, guarded.end),
  ]);
  expect(found).toEqual([
    ["a-b", "sql`x AND y`"],
    ["c-d", "if (a) b();"],
  ]);
});
