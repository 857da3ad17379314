import simd from "argon2id/dist/simd.wasm";
import { loadArgon2id } from "../../../src/crypto/argon2id.ts";
import { tagOf } from "../../../src/crypto/passwords.ts";
import { CURRENT_COST, SALT_BYTES } from "../../../src/crypto/phc.ts";
import { ACTION_RUN, ACTIVE_JWT, ACTIVE_TOKEN } from "./reference-sql.ts";
import { uuid } from "../../../src/core/uuid.ts";

interface Env {
  readonly KV: KVNamespace;
  readonly DB: D1Database;
}

let argon2id: ReturnType<typeof loadArgon2id> | undefined;

/** Only the work that a route cannot avoid: no parsing, no checks, no errors. */
const WORK: Record<string, (env: Env) => Promise<unknown>> = {
  "/d1": ({ DB }) =>
    DB.prepare(ACTIVE_JWT.sql)
      .bind(...ACTIVE_JWT.values().map((each) => uuid(each)))
      .all(),
  "/kv": ({ KV }) => KV.get("token"),
  "/kv-and-d1": ({ DB, KV }) =>
    Promise.all([
      KV.get("token"),
      DB.prepare(ACTIVE_TOKEN.sql)
        .bind(...ACTIVE_TOKEN.values().map((each) => uuid(each)))
        .all(),
    ]),
  async "/kv-then-batch"({ DB, KV }) {
    await KV.get("token");
    const receiptId = crypto.randomUUID();
    return DB.batch(
      ACTION_RUN.map(({ sql, values }) =>
        DB.prepare(sql).bind(...values(receiptId).map((each) => uuid(each))),
      ),
    );
  },
  async "/hash"() {
    argon2id ??= loadArgon2id(simd);
    const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
    return tagOf(argon2id, new TextEncoder().encode("correct horse battery"), salt, CURRENT_COST);
  },
};

export default {
  async fetch(request, env) {
    const work = WORK[new URL(request.url).pathname];
    if (work === undefined) return new Response(null, { status: 404 });
    const done = await work(env);
    return Response.json({ done: done !== null });
  },
} satisfies ExportedHandler<Env>;
