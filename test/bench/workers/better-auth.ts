import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { bearer, jwt } from "better-auth/plugins";

interface Env {
  readonly DB: D1Database;
  readonly COUNT?: string;
}

const count: D1Count = { queries: 0, read: 0, written: 0 };

/** Set up as in its documentation for D1: email and password, sessions, bearer tokens, JWTs. */
function configure({ DB, COUNT }: Env) {
  return betterAuth({
    baseURL: "http://localhost",
    secret: "a secret of the benchmark's own, of 32 bytes and more",
    database: COUNT === "on" ? counted(DB, count) : DB,
    emailAndPassword: { enabled: true },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    plugins: [bearer(), jwt({ jwks: { keyPairConfig: { alg: "ES256" } } })],
  });
}

let auth: ReturnType<typeof configure> | undefined;

export default {
  async fetch(request, env) {
    auth ??= configure(env);
    switch (new URL(request.url).pathname) {
      case "/migrate": {
        const { runMigrations } = await getMigrations(auth.options);
        await runMigrations();
        return Response.json({});
      }
      case "/count": {
        const counts = Response.json(count);
        Object.assign(count, { queries: 0, read: 0, written: 0 });
        return counts;
      }
      case "/verify": {
        const [, token = ""] = (request.headers.get("authorization") ?? "").split(" ");
        const { payload } = await auth.api.verifyJWT({ body: { token } });
        return Response.json({}, { status: payload === null ? 401 : 200 });
      }
      default:
        return auth.handler(request);
    }
  },
} satisfies ExportedHandler<Env>;

export interface D1Count {
  queries: number;
  read: number;
  written: number;
}

/** The same database, counting queries and the rows that they touched. */
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
