import type { Bindings } from "../../src/services.ts";

/** One call to a store, about to be made. */
export interface StoreCall {
  readonly store: "KV" | "D1";
  /** KV's method, or the SQL of each statement. */
  readonly does: readonly string[];
}

/** Runs the call, or does something else around it: waits, counts, throws. */
export type Around = <T>(call: StoreCall, run: () => Promise<T>) => Promise<T>;

const KV_METHODS = ["get", "getWithMetadata", "put", "delete", "list"];

/** The same KV and D1, with something around each call that reaches them. */
export function intercept({ KV, DB }: Bindings, around: Around): Bindings {
  const inner = new WeakMap<object, D1PreparedStatement>();
  const texts = new WeakMap<object, string>();

  function statement(target: D1PreparedStatement, text: string): D1PreparedStatement {
    const outer = methods(target, (name, call) =>
      name === "bind"
        ? (...values) => statement(target.bind(...values), text)
        : (...args) => around({ store: "D1", does: [text] }, async () => call(...args)),
    );
    inner.set(outer, target);
    texts.set(outer, text);
    return outer;
  }

  return {
    KV: methods(KV, (name, call) =>
      KV_METHODS.includes(name)
        ? (...args) => around({ store: "KV", does: [name] }, async () => call(...args))
        : call,
    ),
    DB: methods(DB, (name, call) => {
      if (name === "prepare") return (text) => statement(DB.prepare(String(text)), String(text));
      if (name !== "batch") return call;
      return (statements) => {
        const outer = Array.isArray(statements) ? statements : [];
        const does = outer.map((each) => texts.get(each) ?? "");
        const unwrapped = outer.map((each) => inner.get(each) ?? each);
        return around({ store: "D1", does }, () => DB.batch(unwrapped));
      };
    }),
  };
}

type Method = (...args: unknown[]) => unknown;

/** The object with each of its methods replaced by what `replace` makes of it. */
function methods<T extends object>(target: T, replace: (name: string, call: Method) => Method): T {
  return new Proxy(target, {
    get(_, key) {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== "function" || typeof key !== "string") return member;
      return replace(key, (...args) => Reflect.apply(member, target, args));
    },
  });
}

/**
 * KV as one location sees it. What it once read, a missing key too, it may answer again for so
 * long, whatever was written elsewhere; only its own writes it sees at once.
 */
export function kvLocation(kv: KVNamespace, lagSeconds: number): KVNamespace {
  const seen = new Map<string, { value: string | null; untilMs: number }>();

  async function read(key: string): Promise<string | null> {
    const known = seen.get(key);
    if (known !== undefined && Date.now() < known.untilMs) return known.value;
    const value = await kv.get(key);
    seen.set(key, { value, untilMs: Date.now() + lagSeconds * 1000 });
    return value;
  }

  return methods(kv, (name, call) => {
    if (name === "put" || name === "delete") {
      return (key, ...rest) => {
        seen.delete(String(key));
        return call(key, ...rest);
      };
    }
    if (name !== "get") return call;
    return async (keys) => {
      if (!Array.isArray(keys)) return read(String(keys));
      return new Map(await Promise.all(keys.map(async (key) => [key, await read(key)] as const)));
    };
  });
}
