import { readD1Migrations } from "@cloudflare/vitest-plugin";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { createTestHarness } from "wrangler";
import { uuid } from "../../src/core/uuid.ts";
import { idsToBytes, rowToText } from "../support/ids.ts";

/** The Worker as `wrangler dev` runs it, at an address of its own. */
export interface RunningServer {
  readonly origin: string;
  /** What signs its JWTs, for a test that needs one which time alone would give. */
  readonly signingKey: JWK & { readonly kid: string; readonly alg: string };
  /** Its database, for what time alone would make. */
  write(sql: string, ...values: readonly (string | number)[]): Promise<unknown[]>;
  close(): Promise<void>;
}

/** Its issuer is its own address, on an empty database. @param host by which it is called: passkeys need a name */
export async function startServer(
  settings: Readonly<Record<string, string>> = {},
  host = "127.0.0.1",
): Promise<RunningServer> {
  const harness = createTestHarness();
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const signingKey = { ...(await exportJWK(privateKey)), kid: "test", alg: "ES256" };
  const keySet = JSON.stringify({ keys: [{ ...signingKey, state: "active" }] });
  const withIssuer = (issuer: string) => ({
    workers: [
      {
        configPath: "./wrangler.toml",
        vars: { ISSUER: issuer, ...settings },
        secrets: { JWT_KEYS: keySet, ENCRYPTION_KEYS: btoa("x".repeat(32)) },
      },
    ],
  });
  // The address is known once it listens, and stays the same from then on.
  await harness.update(withIssuer("http://localhost"));
  const { url } = await harness.listen();
  const { origin } = new URL(`http://${host}:${url.port}`);
  await harness.update(withIssuer(origin));
  const [schema] = await readD1Migrations({ migrationsDir: ".", migrationsPattern: "schema.sql" });
  const { DB } = await harness.getWorker().getEnv();
  await DB.batch((schema?.queries ?? []).map((query: string) => DB.prepare(query)));
  return {
    origin,
    signingKey,
    async write(sql, ...values) {
      const { results } = await DB.prepare(idsToBytes(sql))
        .bind(...values.map((value) => uuid(value)))
        .all();
      return results.map(rowToText);
    },
    close: () => harness.close(),
  };
}
