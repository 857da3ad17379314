import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = { ...privateKey.export({ format: "jwk" }), kid: "test", alg: "ES256", state: "active" };
const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const worker = (name: string) => ({
  name,
  modules: true,
  script: readFileSync(`${name}/worker.js`, "utf8"),
  compatibilityDate: "2026-10-23",
});

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
          EVENTS_WEBHOOK_URL: "https://receiver.test/hook",
          EVENTS_WEBHOOK_SECRET: secret,
        },
        serviceBindings: { ORDERS: "orders" },
        outboundService: "receiver",
        workers: [
          {
            ...worker("orders"),
            serviceBindings: {
              AUTH: { name: "vitest-plugin-runner-adopter", entrypoint: "LatchkeyService" },
            },
          },
          { ...worker("receiver"), bindings: { SECRET: secret } },
        ],
      },
    }),
  ],
  test: {
    name: "adopter",
    testTimeout: 30_000,
    setupFiles: ["test/setup.ts"],
    provide: {
      latchkey: await readD1Migrations("node_modules/latchkey/migrations"),
      own: await readD1Migrations("migrations"),
    },
  },
});
