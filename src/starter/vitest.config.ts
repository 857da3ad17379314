import { generateKeyPairSync } from "node:crypto";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = { ...privateKey.export({ format: "jwk" }), kid: "test", alg: "ES256", state: "active" };

export default defineConfig({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: "./wrangler.toml" },
      miniflare: {
        bindings: {
          ISSUER: "https://auth.test",
          JWT_KEYS: JSON.stringify({ keys: [key] }),
          ENCRYPTION_KEYS: btoa("x".repeat(32)),
          LOG: "errors",
        },
      },
    }),
  ],
  test: {
    setupFiles: ["test/setup.ts"],
    provide: {
      latchkey: await readD1Migrations("node_modules/latchkey/migrations"),
      own: await readD1Migrations("migrations"),
    },
  },
});
