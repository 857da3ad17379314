import { always, type Case } from "./case.ts";

const reference = (name: string, title: string, path: string, requests: number): Case => ({
  name,
  title,
  of: "reference",
  server: "reference",
  requests,
  prepare: always({ path }),
});

/** What others are measured against: a route of Hono's, a bare Worker, and the least work with storage. */
export const REFERENCES: readonly Case[] = [
  {
    name: "hello",
    title: "Hono's hello",
    of: "reference",
    server: "hello",
    requests: 6_000,
    prepare: always({ path: "/" }),
  },
  {
    name: "bare",
    title: "a bare Worker",
    of: "reference",
    server: "bare",
    requests: 6_000,
    prepare: always({ path: "/" }),
  },
  reference("d1", "one D1 read", "/d1", 600),
  reference("kv-and-d1", "one KV read and one D1 read at once", "/kv-and-d1", 400),
  reference("kv-then-batch", "one KV read, then one D1 batch", "/kv-then-batch", 300),
  { ...reference("hash", "one Argon2id hash", "/hash", 15), connections: 1 },
];
