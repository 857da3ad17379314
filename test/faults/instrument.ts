import type { Bindings } from "../../src/services.ts";

/** One call to a store, as it was made. */
export interface StorageCall {
  readonly store: "KV" | "D1";
  readonly operation: string;
  /** KV's keys with every id as `*`, or the statements' verbs and tables. */
  readonly label: string;
  readonly keys: readonly string[];
  /** Whether KV was asked for a list of keys, and so answers with a Map. */
  readonly isBulk: boolean;
  /** What KV is given to store. */
  readonly value: unknown;
}

/** Stands between the code and a store; `run` makes the real call. */
export type Interceptor = (call: StorageCall, run: () => Promise<unknown>) => Promise<unknown>;

/** The real bindings, each call of which goes through the interceptor. */
export function instrument({ KV, DB }: Bindings, intercept: Interceptor): Bindings {
  return { KV: instrumentKv(KV, intercept), DB: instrumentD1(DB, intercept) };
}

function instrumentKv(kv: KVNamespace, intercept: Interceptor): KVNamespace {
  return wrap(kv, (operation, method) => (...args) => {
    const [key, value] = args;
    const isBulk = Array.isArray(key);
    const keys = (isBulk ? key : [key]).map(String);
    const names = keys.map(masked).join(" ");
    const label = `KV ${operation} ${names}`;
    return intercept({ store: "KV", operation, label, keys, isBulk, value }, async () =>
      method(...args),
    );
  });
}

const STATEMENT_CALLS = ["all", "run", "first", "raw"];

function instrumentD1(db: D1Database, intercept: Interceptor): D1Database {
  const real = new WeakMap<object, { statement: object; sql: string }>();

  function through(sqls: readonly string[], run: Method) {
    const label = `D1 ${sqls.map(labelOf).join(" + ")}`;
    return intercept(
      { store: "D1", operation: "query", label, keys: [], isBulk: false, value: null },
      async () => run(),
    );
  }

  function statementOf(statement: object, sql: string): object {
    const wrapped = wrap(statement, (name, method) => (...args) => {
      if (STATEMENT_CALLS.includes(name)) return through([sql], () => method(...args));
      return statementOf(asObject(method(...args)), sql);
    });
    real.set(wrapped, { statement, sql });
    return wrapped;
  }

  return wrap(db, (name, method) => (...args) => {
    if (name === "prepare") return statementOf(asObject(method(...args)), String(args[0]));
    if (name !== "batch") throw new Error(`D1 ${name} is not instrumented`);
    const list = Array.isArray(args[0]) ? args[0].map((each) => real.get(each)) : [];
    return through(
      list.map((each) => each?.sql ?? ""),
      () => method(list.map((each) => each?.statement)),
    );
  });
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

function asObject(value: unknown): object {
  if (typeof value === "object" && value !== null) return value;
  throw new Error("no object");
}

const masked = (key: string) =>
  key.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "*").replaceAll(/\d{13}/g, "<time>");

/** `UPDATE tokens SET used_at` as `note use of tokens`: the one write that nobody waits for. */
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
