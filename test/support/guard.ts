import { env } from "cloudflare:workers";
import { inject } from "vitest";
import { hasIds, idChecks, type IdChecks, IS_UUID, isTextPlace, TYPED } from "./ids.ts";

/**
 * Production's rules around the bindings of every test: the local runtime lets break what
 * production refuses. A broken rule throws, and is remembered too, because the Worker turns an
 * error of its store into a 503 that a test may well expect. A second write of a key within a
 * second is no broken rule: the guard answers it as production does, with 429.
 */
export interface Guard {
  /** What was broken since the last call of `begin`. */
  readonly broken: readonly string[];
  /** How many statements were prepared that may write: all but a plain SELECT, and all of a session of D1's. */
  readonly writes: number;
  /** What they name, and the keys of KV that were written; emptied by whoever restores the stores. */
  readonly touched: { readonly tables: Set<string>; readonly keys: Set<string> };
  /** A new test begins, or within one a new request. */
  begin(): void;
  /** As if a second had passed: keys may be written again. */
  secondPasses(): void;
}

const KV_OPERATIONS = 1_000;
const KV_KEY_BYTES = 512;
const KV_METADATA_BYTES = 1_024;
const KV_VALUE_BYTES = 25 * 1024 * 1024;
const KV_KEYS_A_READ = 100;
const KV_MIN_TTL_SECONDS = 60;
const KV_MIN_CACHE_SECONDS = 30;
const KV_WRITE_INTERVAL_MS = 1_000;
const D1_PARAMETERS = 100;
const D1_BATCH = 100;
const D1_SQL_BYTES = 100_000;
const D1_VALUE_BYTES = 2_000_000;
const PBKDF2_ITERATIONS = 100_000;

type Arguments = readonly unknown[];
type Check = (args: Arguments) => void;

interface Guarded {
  readonly KV: object;
  readonly DB: object;
  readonly subtle: object;
}

const isTyped = (bytes: Uint8Array) => bytes.toHex() === TYPED.replaceAll("-", "");

const checks = idChecks(inject("schema"));
const isAboutIds = hasIds(inject("schema"));
const known = new Map<string, IdChecks | null>();

/** Of each statement once. */
function idsOf(sql: string): IdChecks | null {
  const found = known.get(sql);
  if (found !== undefined) return found;
  const made = isAboutIds(sql) ? checks(sql) : null;
  known.set(sql, made);
  return made;
}

/** Guards these objects in place, so that everyone who holds them is guarded. */
export function guard({ KV, DB, subtle }: Guarded): Guard {
  const broken: string[] = [];
  const written = new Map<string, { real: number; shown: number }>();
  let operations = 0;
  let writes = 0;
  const touched = { tables: new Set<string>(), keys: new Set<string>() };

  function must(holds: boolean, rule: string): void {
    if (holds) return;
    broken.push(rule);
    throw new Error(`production refuses this: ${rule}`);
  }

  function mustFit(value: unknown, limit: number, what: string): void {
    // No character has more than three bytes of UTF-8, so nearly every text fits without being encoded.
    if (typeof value === "string" && value.length * 3 <= limit) return;
    const size = bytes(value);
    must(size <= limit, `${what} of ${size} bytes`);
  }

  function countOperation(): void {
    operations++;
    must(operations <= KV_OPERATIONS, `KV: more than ${KV_OPERATIONS} operations a request`);
  }

  function checkKey(key: unknown): string {
    const text = typeof key === "string" ? key : "";
    must(text !== "" && text !== "." && text !== "..", `KV: ${JSON.stringify(key)} is no key`);
    mustFit(text, KV_KEY_BYTES, "KV: a key");
    return text;
  }

  /** By the clock that the test shows, or by the real one: a test may say that an hour has passed. */
  function checkRate(key: string, operation: "PUT" | "DELETE"): void {
    const last = written.get(key);
    const now = { real: performance.now(), shown: Date.now() };
    if (last !== undefined) {
      const passed = Math.max(now.real - last.real, Math.abs(now.shown - last.shown));
      if (passed < KV_WRITE_INTERVAL_MS) {
        throw new Error(`KV ${operation} failed: 429 Too Many Requests`);
      }
    }
    written.set(key, now);
    touched.keys.add(key);
  }

  const checkRead: Check = ([keys, options]) => {
    countOperation();
    const list: unknown[] = Array.isArray(keys) ? keys : [keys];
    must(list.length <= KV_KEYS_A_READ, `KV: ${list.length} keys in one read`);
    list.forEach(checkKey);
    const cacheTtl = member(options, "cacheTtl");
    must(!(Number(cacheTtl) < KV_MIN_CACHE_SECONDS), `KV: a cacheTtl of ${cacheTtl}`);
  };

  const onKv: Record<string, Check> = {
    get: checkRead,
    getWithMetadata: checkRead,
    put([name, value, options]) {
      countOperation();
      const key = checkKey(name);
      mustFit(value, KV_VALUE_BYTES, "KV: a value");
      const ttl = member(options, "expirationTtl");
      must(ttl == null || Number(ttl) >= KV_MIN_TTL_SECONDS, `KV: an expirationTtl of ${ttl}`);
      mustFit(JSON.stringify(member(options, "metadata")), KV_METADATA_BYTES, "KV: metadata");
      checkRate(key, "PUT");
    },
    delete([name]) {
      countOperation();
      checkRate(checkKey(name), "DELETE");
    },
    list: countOperation,
  };
  for (const [name, check] of Object.entries(onKv)) {
    replace(KV, name, (original) => async (...args) => {
      check(args);
      return original(...args);
    });
  }

  function checkValue(value: unknown): void {
    must(value !== undefined, "D1: undefined as a value");
    mustFit(value, D1_VALUE_BYTES, "D1: a value");
    if (typeof value !== "number") return;
    must(Number.isFinite(value), `D1: ${value} becomes NULL`);
    must(!Number.isInteger(value) || Number.isSafeInteger(value), `D1: ${value} loses digits`);
  }

  function checkIds({ before }: IdChecks, values: Arguments): void {
    for (const [index, value] of values.entries()) {
      const place = before[index] ?? "";
      const where = `${place.slice(-80)}?`;
      if (value instanceof Uint8Array) {
        must(!isTyped(value), `D1: what someone typed, as an id: ${where}`);
      }
      if (typeof value !== "string" || value === TYPED) continue;
      must(!IS_UUID.test(value) || isTextPlace(place), `D1: a UUID as text: ${where}`);
    }
  }

  replace(DB, "prepare", (original) => (...args) => {
    const [sql] = args;
    mustFit(sql, D1_SQL_BYTES, "D1: a statement");
    const ids = idsOf(String(sql));
    const wrong = ids?.wrong ?? [];
    must(wrong.length === 0, `D1: an id and a text: ${wrong.join("; ")}`);
    if (!/^\s*SELECT\b/i.test(String(sql))) {
      writes++;
      const named = String(sql).matchAll(/\b(?:INTO|UPDATE|FROM)\s+"?(\w+)/g);
      for (const [, table = ""] of named) touched.tables.add(table);
    }
    const statement = original(...args);
    if (typeof statement === "object" && statement !== null) {
      replace(statement, "bind", (bind) => (...values) => {
        must(values.length <= D1_PARAMETERS, `D1: ${values.length} parameters`);
        values.forEach(checkValue);
        if (ids !== null) checkIds(ids, values);
        return bind(...values);
      });
    }
    return statement;
  });
  replace(DB, "batch", (original) => async (...args) => {
    const size = Array.isArray(args[0]) ? args[0].length : 0;
    must(size <= D1_BATCH, `D1: a batch of ${size} statements`);
    return original(...args);
  });
  replace(DB, "withSession", (original) => (...args) => {
    const session = Object(original(...args));
    if (args[0] === "first-primary") {
      writes++;
      return session;
    }
    // Only with the heartbeat in the same statement does it say how old what it shows may be.
    return {
      prepare(sql: string) {
        must(/FROM heartbeat\b/.test(sql), "D1: a read of a replica that proves nothing");
        return session.prepare(sql);
      },
    };
  });

  for (const name of ["deriveBits", "deriveKey"]) {
    replace(subtle, name, (original) => async (...args) => {
      const iterations = Number(member(args[0], "iterations") ?? 0);
      must(iterations <= PBKDF2_ITERATIONS, `PBKDF2: ${iterations} iterations`);
      return original(...args);
    });
  }

  return {
    broken,
    get writes() {
      return writes;
    },
    touched,
    begin() {
      broken.length = 0;
      operations = 0;
    },
    secondPasses: () => written.clear(),
  };
}

/** The guard of this test file; `test/setup.ts` asks it after every test. */
export const rules: Guard = guard({ KV: env.KV, DB: env.DB, subtle: crypto.subtle });

type Method = (...args: Arguments) => unknown;

/** In place and for good: `vi.spyOn` on top of it restores to this. */
function replace(target: object, name: string, guarded: (original: Method) => Method): void {
  const original: unknown = Reflect.get(target, name);
  if (typeof original !== "function") throw new Error(`no method ${name}`);
  const value = guarded((...args) => Reflect.apply(original, target, args));
  Object.defineProperty(target, name, { value, configurable: true, writable: true });
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function bytes(value: unknown): number {
  if (typeof value === "string") return new TextEncoder().encode(value).byteLength;
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer ? value.byteLength : 0;
}
