import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { exportJWK, generateKeyPair } from "jose";
import { defineConfig } from "vitest/config";

/** Tests that need Node (processes, files). Every other test runs inside workerd. */
const NODE_TESTS = ["test/cli/**/*.test.ts", "test/clients/**/*.test.ts", "test/**/*.node.test.ts"];

/** What takes minutes, starts services of its own, or needs a browser: `npm run test:long`. */
const LONG_TESTS = [
  "test/faults/matrix-*.test.ts",
  "test/console/browser/**/*.test.ts",
  "test/cli/{deploy,dev,users}/*.test.ts",
  "test/cli/tour.test.ts",
  "test/clients/**/*.test.ts",
  "test/**/readme-blocks.node.test.ts",
  "test/hostile/processor.node.test.ts",
];

/** What the suite runs with fewer rounds, requests or rows: the long suites leave nothing out. */
const THOROUGH_TESTS = [
  "test/audit/with-change.test.ts",
  "test/console/hostile.test.ts",
  "test/hostile/{bodies,paths}.test.ts",
  "test/races/{changes,revocations}.test.ts",
  "test/revocation/{bound,chains,lag-changes}.test.ts",
  "test/throttling/{flood,junk}.test.ts",
  "test/crypto/imported-passwords.test.ts",
];

/** What counts on an isolate that nobody used before: on rate limits, keys that are cached, or all that is stored. */
const ALONE_TESTS = [
  "test/audit/{refused,with-change}.test.ts",
  "test/budget/budget.test.ts",
  "test/contracts/leaked.test.ts",
  "test/faults/outage.test.ts",
  "test/housekeeping.test.ts",
  "test/identities/{first-use,id-tokens}.test.ts",
  "test/leakage.test.ts",
  "test/log/routes.test.ts",
  "test/openapi/examples.test.ts",
  "test/recovery/webhook.test.ts",
  "test/revocation/restore.test.ts",
  "test/rights/deletion.test.ts",
  "test/throttling/networks.test.ts",
];

const { privateKey } = await generateKeyPair("ES256", { extractable: true });
const jwtKeys = JSON.stringify({
  keys: [
    { ...(await exportJWK(privateKey)), kid: "test", alg: "ES256", use: "sig", state: "active" },
  ],
});

const [schema] = await readD1Migrations({ migrationsDir: ".", migrationsPattern: "schema.sql" });
if (schema === undefined) throw new Error("schema.sql is missing");

/** Packages may bring tests, and some folders have packages of their own (test/install.ts). */
const PACKAGES = "**/node_modules/**";

/** A test that hangs must end; one that is slow on two busy cores must not fail of it. */
const limits = { testTimeout: 30_000, hookTimeout: 30_000 };

/** Every setting, so that none of a developer's own in `.dev.vars` reaches a test. */
const settings = {
  ISSUER: "https://latchkey.test",
  JWT_KEYS: jwtKeys,
  SIGN_UP: "open",
  REVOCATION_LAG_SECONDS: "0",
  CORS_ORIGINS: "*",
  QUERY_CREDENTIALS: "off",
  ROTATE_REFRESH_TOKENS: "off",
  STORAGE_DEADLINE_MS: "3000",
  GITHUB_SCANNING_KEYS: "",
  AUDIT_ADDRESS: "truncated",
  AUDIT_DAYS: "90",
  MAIL_WEBHOOK_URL: "",
  MAIL_WEBHOOK_SECRET: "",
  MAIL_OUTBOX: "off",
  GOOGLE_CLIENT_ID: "",
  FACEBOOK_APP_ID: "",
  OPENID_ISSUERS: "[]",
  HA1B: "off",
  PWNED_PASSWORDS: "off",
  PWNED_PASSWORDS_URL: "https://api.pwnedpasswords.com",
  // A line a request would bury what tests say; those of the log ask for it.
  LOG: "errors",
  DEV: "off",
};

/** Wycheproof's test vectors, from the folder that VECTORS names: workerd sees no files. */
const { VECTORS } = process.env;
const vectors = VECTORS
  ? {
      signatures: readFileSync(`${VECTORS}/json_web_signature_test.json`, "utf8"),
      keys: readFileSync(`${VECTORS}/json_web_key_test.json`, "utf8"),
    }
  : null;

const inWorkerd = {
  ...limits,
  setupFiles: ["test/setup.ts"],
  globalSetup: ["test/identities/issuer.ts"],
};

export default defineConfig({
  test: {
    // Tests wait for workerd more than they compute: no processor is to be left out.
    maxWorkers: "100%",
    // A console line that a Worker writes late is parked by the pool for a message that never comes, and the run
    // never ends (cloudflare/workers-sdk#15719). Without interception nothing is parked.
    disableConsoleIntercept: true,
    projects: [
      ...(["workerd", "workerd-alone", "long-workerd"] as const).map((name) => ({
        plugins: [
          cloudflareTest({
            main: "./test/support/worker.ts",
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: settings },
          }),
        ],
        test: {
          ...inWorkerd,
          name,
          // To start workerd and load the Worker takes longer than most files. `test/setup.ts` empties the stores.
          isolate: name !== "workerd",
          provide: { schema: schema.queries, vectors, thorough: name === "long-workerd" },
          include: {
            workerd: ["test/**/*.test.{ts,tsx}"],
            "workerd-alone": ALONE_TESTS,
            "long-workerd": [...LONG_TESTS, ...THOROUGH_TESTS],
          }[name],
          exclude: [
            PACKAGES,
            ...NODE_TESTS,
            ...(name === "workerd" ? [...LONG_TESTS, ...ALONE_TESTS] : []),
          ],
        },
      })),
      ...(["node", "long-node"] as const).map((name) => ({
        // The recipe of docs/guides/client.md, as users of the package write it.
        resolve: {
          alias: {
            "latchkey/client": fileURLToPath(import.meta.resolve("./src/client/latchkey.ts")),
          },
        },
        test: {
          ...limits,
          name,
          environment: "node" as const,
          provide: { thorough: name === "long-node" },
          include: name === "node" ? NODE_TESTS : LONG_TESTS,
          exclude: [PACKAGES, ...(name === "node" ? LONG_TESTS : ["test/faults/matrix-*.test.ts"])],
          globalSetup: name === "node" ? [] : ["test/install.ts"],
        },
      })),
    ],
  },
});
