import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { bearer, jwt } from "better-auth/plugins";

interface Env {
  readonly DB: D1Database;
}

/** Set up as in its documentation for D1: email and password, sessions, bearer tokens, JWTs. */
function configure({ DB }: Env) {
  return betterAuth({
    baseURL: "http://localhost",
    secret: "a secret of the benchmark's own, of 32 bytes and more",
    database: DB,
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
      case "/verify": {
        const [, token = ""] = (request.headers.get("authorization") ?? "").split(" ");
        const { payload } = await auth.api.verifyJWT({ body: { token } });
        return Response.json({}, { status: payload === null ? 401 : 200 });
      }
      case "/ready":
        await auth.$context;
        return Response.json({});
      default:
        return auth.handler(request);
    }
  },
} satisfies ExportedHandler<Env>;
