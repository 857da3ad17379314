import { env } from "cloudflare:workers";
import type { Bindings } from "../../src/services.ts";

/** One call to a store, about to be made. */
export interface StorageCall {
  readonly store: "KV" | "D1";
  /** KV's method, or `query`. */
  readonly operation: string;
  /** KV's keys with every id as `*`, or the statements' verbs and tables. */
  readonly label: string;
  readonly keys: readonly string[];
  /** Whether the nearest replica of D1 is asked. */
  readonly isReplica: boolean;
  /** The SQL of each statement; none for KV. */
  readonly statements: readonly string[];
  /** Whether KV was asked for a list of keys, and so answers with a Map. */
  readonly isBulk: boolean;
  /** What KV is given to store. */
  readonly value: unknown;
}

/** Runs the call, or does something else around it: fails, loses the answer, delays, counts, holds at a gate. */
export type Interceptor = (call: StorageCall, run: () => Promise<unknown>) => Promise<unknown>;

const STATEMENT_CALLS = ["all", "run", "first", "raw"];

/** The real KV and D1, each call of which goes through the interceptor. */
export function intercept(interceptor: Interceptor, { KV, DB }: Bindings = env): Bindings {
  const real = new WeakMap<object, { statement: object; sql: string }>();

  function query(statements: readonly string[], isReplica: boolean, run: Method) {
    const label = `${isReplica ? "replica" : "D1"} ${statements.map(labelOf).join(" + ")}`;
    const rest = { keys: [], isBulk: false, value: null, isReplica };
    return interceptor({ store: "D1", operation: "query", label, statements, ...rest }, async () =>
      run(),
    );
  }

  function statementOf(statement: object, sql: string, isReplica: boolean): object {
    const wrapped = wrap(statement, (name, method) => (...args) => {
      if (STATEMENT_CALLS.includes(name)) return query([sql], isReplica, () => method(...args));
      return statementOf(Object(method(...args)), sql, isReplica);
    });
    real.set(wrapped, { statement, sql });
    return wrapped;
  }

  function databaseOf<T extends object>(database: T, isReplica: boolean): T {
    return wrap(database, (name, method) => (...args) => {
      if (name === "withSession") return databaseOf(Object(method(...args)), true);
      if (name === "prepare")
        return statementOf(Object(method(...args)), String(args[0]), isReplica);
      if (name !== "batch") throw new Error(`D1 ${name} is not intercepted`);
      const list = Array.isArray(args[0]) ? args[0].map((each) => real.get(each)) : [];
      return query(
        list.map((each) => each?.sql ?? ""),
        isReplica,
        () => method(list.map((each) => each?.statement)),
      );
    });
  }

  return {
    KV: wrap(KV, (operation, method) => (...args) => {
      const [key, value] = args;
      const isBulk = Array.isArray(key);
      const keys = (isBulk ? key : [key]).map(String);
      const label = `KV ${operation} ${keys.map(masked).join(" ")}`;
      const rest = { keys, statements: [], isBulk, value, isReplica: false };
      return interceptor({ store: "KV", operation, label, ...rest }, async () => method(...args));
    }),
    DB: databaseOf(DB, false),
  };
}

/**
 * The real stores, and a replica of D1 that shows what was there at the last `sync`: locally D1 has none, and a
 * session is the database itself, as it is here before.
 */
export function withReplica({ KV, DB }: Bindings = env) {
  let asTables = "";
  const query = (sql: string) => DB.prepare(sql);
  return {
    bindings: {
      KV,
      DB: wrap(DB, (name, method) => {
        if (name !== "withSession") return method;
        return (constraint) => {
          if (constraint !== "first-unconstrained") return method(constraint);
          return { prepare: (sql: string) => query(`${asTables} ${sql}`) };
        };
      }),
    },
    async sync(): Promise<void> {
      const { results } = await query(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'shown_*'",
      ).all<{ name: string }>();
      const names = results.map(({ name }) => name);
      await DB.batch(
        names.flatMap((name) => [
          query(`DROP TABLE IF EXISTS shown_${name}`),
          query(`CREATE TABLE shown_${name} AS SELECT * FROM ${name}`),
        ]),
      );
      asTables = `WITH ${names.map((name) => `${name} AS (SELECT * FROM shown_${name})`).join(", ")}`;
    },
    /** The heartbeat at this instant by the database's clock, as if it had been written then. */
    async beat(atMs: number): Promise<void> {
      await query("INSERT OR REPLACE INTO heartbeat (only, at) VALUES (1, ?)").bind(atMs).run();
    },
  };
}

/** When KV's values expire: its own clock does not follow that of the tests. */
const expiries = new Map<string, number>();

/**
 * D1, and KV as one location sees it. What it once read, a missing key too, it may answer again for so
 * long, whatever was written elsewhere; only its own writes it sees at once.
 */
export function atLocation(lagSeconds: number): { KV: KVNamespace; DB: D1Database } {
  const { KV, DB } = env;
  const seen = new Map<string, { value: string | null; untilMs: number }>();

  async function read(key: string): Promise<string | null> {
    const known = seen.get(key);
    if (known !== undefined && Date.now() < known.untilMs) return known.value;
    const hasExpired = Date.now() >= (expiries.get(key) ?? Number.POSITIVE_INFINITY);
    const value = hasExpired ? null : await KV.get(key);
    seen.set(key, { value, untilMs: Date.now() + lagSeconds * 1000 });
    return value;
  }

  const there = wrap(KV, (name, method) => {
    if (name === "put" || name === "delete") {
      return (key, ...rest) => {
        seen.delete(String(key));
        const ttl: unknown = Reflect.get(Object(rest[1]), "expirationTtl");
        expiries.set(String(key), typeof ttl === "number" ? Date.now() + ttl * 1000 : Infinity);
        return method(key, ...rest);
      };
    }
    if (name !== "get") return method;
    return async (keys) => {
      if (!Array.isArray(keys)) return read(String(keys));
      return new Map(await Promise.all(keys.map(async (key) => [key, await read(key)] as const)));
    };
  });
  return { KV: there, DB };
}

type Method = (...args: unknown[]) => unknown;

/** The same object, with every method of it replaced. */
function wrap<T extends object>(target: T, replace: (name: string, method: Method) => Method): T {
  return new Proxy(target, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function" || typeof name !== "string") return member;
      return replace(name, (...args) => Reflect.apply(member, target, args));
    },
  });
}

const masked = (key: string) =>
  key.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "*").replaceAll(/\d{13}/g, "<time>");

/** `UPDATE tokens SET used_at` as `UPDATE tokens.used_at`: the one write that nobody waits for. */
function labelOf(sql: string): string {
  const [, write, into] = /^\s*(INSERT|UPDATE|DELETE)\s+(?:INTO\s+|FROM\s+)?(\w+)/.exec(sql) ?? [];
  if (write !== undefined) {
    return /SET used_at = \?/.test(sql) ? "UPDATE tokens.used_at" : `${write} ${into}`;
  }
  // Whose a refused token was, asked for the audit after the answer.
  if (/^\s*SELECT user_id, expires_at FROM tokens/.test(sql)) return "SELECT tokens.user_id";
  const [, from = "nothing"] = /\bFROM\s+(\w+)/.exec(sql) ?? [];
  return `SELECT ${from}`;
}
