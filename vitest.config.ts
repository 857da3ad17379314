import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { exportJWK, generateKeyPair } from "jose";
import { defineConfig } from "vitest/config";

/** Tests that need Node (processes, files). Every other test runs inside workerd. */
const NODE_TESTS = ["test/cli/**/*.test.ts", "test/**/*.node.test.ts"];

const { privateKey } = await generateKeyPair("ES256", { extractable: true });
const jwtKeys = JSON.stringify({
  keys: [
    { ...(await exportJWK(privateKey)), kid: "test", alg: "ES256", use: "sig", state: "active" },
  ],
});

const [schema] = await readD1Migrations({ migrationsDir: ".", migrationsPattern: "schema.sql" });
if (schema === undefined) throw new Error("schema.sql is missing");

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: { ISSUER: "https://latchkey.test", JWT_KEYS: jwtKeys } },
          }),
        ],
        test: {
          name: "workerd",
          include: ["test/**/*.test.{ts,tsx}"],
          exclude: NODE_TESTS,
          setupFiles: ["test/setup.ts"],
          provide: { schema: schema.queries },
        },
      },
      {
        test: { name: "node", environment: "node", include: NODE_TESTS },
      },
    ],
  },
});
