import { existsSync, readFileSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { exportJWK, generateKeyPair } from "jose";
import { defineConfig } from "vitest/config";

/** Tests that need Node (processes, files). All others run in workerd. */
const NODE_TESTS = ["test/cli/**/*.test.ts", "test/clients/**/*.test.ts", "test/**/*.node.test.ts"];

/** Tests that take minutes, start their own services or need a browser: `npm run test:long`. */
const LONG_TESTS = [
  "test/adopter/*.test.ts",
  "test/bench/capacity.node.test.ts",
  "test/faults/matrix-*.test.ts",
  "test/console/browser/**/*.test.ts",
  "test/cli/{deploy,dev,keys,users}/*.test.ts",
  "test/cli/tour.test.ts",
  "test/clients/**/*.test.ts",
  "test/**/readme-blocks.node.test.ts",
  "test/hostile/processor.node.test.ts",
];

/** Tests that `npm test` runs with fewer rounds, requests or rows than the long suites. */
const THOROUGH_TESTS = [
  "test/audit/with-change.test.ts",
  "test/budget/{budget,growth}.test.ts",
  "test/console/hostile.test.ts",
  "test/faults/uncertain.test.ts",
  "test/hostile/{bodies,large,paths}.test.ts",
  "test/housekeeping.test.ts",
  "test/log/routes.test.ts",
  "test/races/{changes,once,revocations}.test.ts",
  "test/revocation/{bound,chains,cost,lag-changes,lifetimes}.test.ts",
  "test/throttling/{accounts,flood,junk}.test.ts",
  "test/crypto/imported-passwords.test.ts",
  "test/passkeys/ceremonies.test.ts",
  "test/simulation/simulation.node.test.ts",
];

/** Tests that need a fresh isolate, because of rate limits or what is counted in memory: each starts a workerd of its own. */
const ALONE_TESTS = [
  "test/audit/refused.test.ts",
  "test/budget/budget.test.ts",
  "test/contracts/leaked.test.ts",
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

/** Packages may contain tests, and some test folders have their own packages (test/install.ts). */
const PACKAGES = ["**/node_modules/**", "test/adopter/project/**"];

/**
 * Workerd's databases are temporary files, and in memory take a tenth less of all suites' time. Left on disk where Docker
 * gives memory only 64 MB. Tests in Node may build packages, which stay on disk.
 */
const onDisk = { TMPDIR: tmpdir() };
const IN_MEMORY = "/dev/shm";
if (process.env.TMPDIR === undefined && existsSync(IN_MEMORY)) {
  const { bavail, bsize } = statfsSync(IN_MEMORY);
  if (bavail * bsize >= 1_000_000_000) process.env.TMPDIR = IN_MEMORY;
}

/** Ends a test that hangs, but long enough for a slow one on two busy cores. */
const limits = { testTimeout: 30_000, hookTimeout: 30_000 };

/** All settings, so that a developer's `.dev.vars` does not affect tests. */
const settings = {
  ISSUER: "https://latchkey.test",
  JWT_KEYS: jwtKeys,
  ENCRYPTION_KEYS: btoa("x".repeat(32)),
  SIGN_UP: "open",
  REVOCATION_LAG_SECONDS: "0",
  READ_REPLICAS: "off",
  CORS_ORIGINS: "*",
  QUERY_CREDENTIALS: "off",
  ROTATE_REFRESH_TOKENS: "off",
  STORAGE_DEADLINE_MS: "3000",
  GITHUB_SCANNING_KEYS: "",
  EVENT_ADDRESS: "truncated",
  EVENT_DAYS: "90",
  MAIL_WEBHOOK_URL: "",
  MAIL_WEBHOOK_SECRET: "",
  EVENTS_WEBHOOK_URL: "",
  EVENTS_WEBHOOK_SECRET: "",
  MAIL_OUTBOX: "off",
  GOOGLE_CLIENT_ID: "",
  FACEBOOK_APP_ID: "",
  PASSKEY_ORIGINS: "",
  OPENID_ISSUERS: "[]",
  HA1B: "off",
  ADMIN_SECOND_FACTOR: "off",
  PWNED_PASSWORDS: "off",
  PWNED_PASSWORDS_URL: "https://api.pwnedpasswords.com",
  // A line per request would bury the tests' output. Tests of the log switch it on.
  LOG: "errors",
  DEV: "off",
};

/** Wycheproof's test vectors from the folder in VECTORS, because workerd cannot read files. */
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
    // Tests wait for workerd more than they compute, so use every processor.
    maxWorkers: "100%",
    // With interception, the pool keeps a late console line of a Worker for a message that never comes, and the run
    // never ends (cloudflare/workers-sdk#15719).
    disableConsoleIntercept: true,
    projects: [
      ...(["workerd", "workerd-alone", "long-workerd"] as const).map((name) => ({
        // For the guides' Workers, which import the package as users do.
        resolve: {
          alias: [
            {
              find: /^latchkey$/,
              replacement: fileURLToPath(import.meta.resolve("./src/exports.ts")),
            },
          ],
        },
        plugins: [
          cloudflareTest({
            main: "./test/support/worker.ts",
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: settings,
              r2Buckets: ["TEST_ARCHIVE"],
              // The Worker's own RPC, as another Worker of the account has it.
              serviceBindings: {
                AUTH: { name: `vitest-plugin-runner-${name}`, entrypoint: "LatchkeyService" },
              },
            },
          }),
        ],
        test: {
          ...inWorkerd,
          name,
          // Starting workerd takes longer than most files, so they share it. `test/setup.ts` empties the stores.
          isolate: name !== "workerd",
          provide: { schema: schema.queries, vectors, thorough: name === "long-workerd" },
          include: {
            workerd: ["test/**/*.test.{ts,tsx}"],
            "workerd-alone": ALONE_TESTS,
            "long-workerd": [...LONG_TESTS, ...THOROUGH_TESTS],
          }[name],
          exclude: [
            ...PACKAGES,
            ...(vectors === null ? ["test/vectors/**"] : []),
            ...NODE_TESTS,
            ...(name === "workerd" ? [...LONG_TESTS, ...ALONE_TESTS] : []),
          ],
        },
      })),
      ...(["node", "long-node"] as const).map((name) => ({
        // For the recipe in docs/guides/client.md, which imports the package as users do.
        resolve: {
          alias: {
            "latchkey-client": fileURLToPath(import.meta.resolve("./src/client/latchkey.ts")),
          },
        },
        test: {
          ...limits,
          name,
          environment: "node" as const,
          env: onDisk,
          provide: { thorough: name === "long-node" },
          include: name === "node" ? NODE_TESTS : [...LONG_TESTS, "test/simulation/*.node.test.ts"],
          exclude: [
            ...PACKAGES,
            ...(name === "node" ? LONG_TESTS : ["test/faults/matrix-*.test.ts"]),
          ],
          globalSetup: name === "node" ? [] : ["test/install.ts"],
        },
      })),
    ],
  },
});
