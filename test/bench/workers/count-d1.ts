export interface D1Count {
  queries: number;
  read: number;
  written: number;
}

/** The same database, counting the queries sent to it and the rows that it says they touched. */
export function counted(db: D1Database, count: D1Count): D1Database {
  const add = <T>(result: D1Result<T>): D1Result<T> => {
    count.read += result.meta.rows_read;
    count.written += result.meta.rows_written;
    return result;
  };
  const statement = (inner: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(inner, {
      get(target, name) {
        if (name === "bind") return (...values: unknown[]) => statement(target.bind(...values));
        if (name === "all" || name === "run") {
          return async () => {
            count.queries++;
            return add(await target[name]());
          };
        }
        return Reflect.get(target, name, target);
      },
    });
  return new Proxy(db, {
    get(target, name) {
      if (name === "prepare") return (query: string) => statement(target.prepare(query));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    has: (target, name) => name in target,
  });
}
