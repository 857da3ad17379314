import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { bearer, jwt } from "better-auth/plugins";
import { counted, type D1Count } from "./count-d1.ts";

interface Env {
  readonly DB: D1Database;
  readonly COUNT?: string;
}

const count: D1Count = { queries: 0, read: 0, written: 0 };

/** As its documentation sets it up over D1: e-mail and password, sessions, bearer tokens, JWTs. */
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
