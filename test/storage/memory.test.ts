import { expect, it } from "vitest";
import { cache } from "../../src/storage/cache.ts";

it("keeps at most 10,000, and evicts the oldest first", () => {
  const known = cache<number>(1_000);
  for (let i = 0; i < 10_000; i++) known.set(`${i}`, i, 0);
  known.set("0", 0, 1);
  known.set("new", -1, 1);
  expect(["0", "1", "2", "9999", "new"].map((id) => known.get(id, 2))).toEqual([
    0,
    null,
    2,
    9_999,
    -1,
  ]);
});

it("keeps to its number after any deletions, and after all was cleared", () => {
  const known = cache<number>(1_000, 3);
  const has = () => Array.from({ length: 30 }, (_, i) => i).filter((i) => known.get(`${i}`, 1));
  const add = (...ids: number[]) => {
    for (const id of ids) known.set(`${id}`, 1, 0);
  };
  add(1, 2, 3, 4, 5);
  known.delete("3");
  add(6, 4, 7);
  expect(has()).toEqual([4, 6, 7]);
  known.clear();
  add(8, 9, 10, 11);
  expect(has()).toEqual([9, 10, 11]);
  for (const id of ["9", "10", "11"]) known.delete(id);
  add(...Array.from({ length: 18 }, (_, i) => i + 12));
  expect(has()).toEqual([27, 28, 29]);
});

it("trusts a word for so long and no longer", () => {
  const known = cache<true>(1_000);
  known.set("a", true, 5);
  expect([known.get("a", 1_004), known.get("a", 1_005)]).toEqual([true, null]);
  const none = cache<true>(0);
  none.set("a", true, 5);
  expect(none.get("a", 5)).toBeNull();
});
