import type { Case, Kv } from "./case.ts";

const keys = (count: number) => Array.from({ length: count }, (_, index) => `k${index}`);
const long = (length: number) => "k".repeat(length);

export const KV_CASES: readonly Case<Kv>[] = [
  { name: "a miss", ask: (kv) => kv.get("missing"), gives: null },
  {
    name: "put, get, put again, delete",
    ask: async (kv) => {
      const seen: unknown[] = [];
      await kv.put("k", "1", { expirationTtl: 60 });
      seen.push(await kv.get("k"));
      await kv.put("k", "2");
      seen.push(await kv.get("k"));
      await kv.delete("k");
      return [...seen, await kv.get("k")];
    },
    gives: ["1", "2", null],
  },
  {
    name: "an empty value is a value: a mark",
    ask: async (kv) => {
      await kv.put("mark", "", { expirationTtl: 60 });
      return [await kv.get("mark"), [...(await kv.get(["mark", "none"]))]];
    },
    gives: [
      "",
      [
        ["mark", ""],
        ["none", null],
      ],
    ],
  },
  { name: "deleting nothing", ask: (kv) => kv.delete("missing"), gives: undefined },
  {
    name: "59 s are too few",
    ask: (kv) => kv.put("k", "1", { expirationTtl: 59 }),
    gives: /at least 60/,
  },
  {
    name: "no time to live at all",
    ask: (kv) => kv.put("k", "1", { expirationTtl: 0 }),
    gives: /./,
  },
  {
    name: "a year",
    ask: (kv) => kv.put("k", "1", { expirationTtl: 31_536_000 }),
    gives: undefined,
  },
  { name: "a key of 512 bytes", ask: (kv) => kv.put(long(512), "1"), gives: undefined },
  { name: "a key of 513 bytes", ask: (kv) => kv.put(long(513), "1"), gives: /512/ },
  { name: "a key of 513 bytes, read", ask: (kv) => kv.get(long(513)), gives: /512/ },
  { name: "no key", ask: (kv) => kv.put("", "1"), gives: /empty/ },
  {
    name: "100 keys at once",
    ask: async (kv) => (await kv.get(keys(100))).size,
    gives: 100,
  },
  {
    name: "101 keys at once",
    ask: (kv) => kv.get(keys(101)),
    gives: /100/,
  },
];
