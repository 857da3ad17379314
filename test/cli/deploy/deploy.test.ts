import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { expect, it, onTestFinished, vi } from "vitest";
import { main } from "../../../src/cli/deploy.ts";
import { newProject } from "../dev/project.ts";
import { fakeCloudflare, type Fetch } from "./cloudflare.ts";

const ISSUER = "https://auth.example.com";
const FILES = ["package.json", "node_modules", "src", "tsconfig.json"];
const WRANGLER = await readFile("wrangler.toml", "utf8");
const withSettings = (lines: string) => WRANGLER.replace("[vars]\n", `[vars]\n${lines}\n`);

/** A separate project as working directory, without a Cloudflare login or the developer's wrangler files. */
async function project(wranglerToml: string, files: Readonly<Record<string, string>> = {}) {
  const directory = await newProject(FILES, { "wrangler.toml": wranglerToml, ...files });
  const before = process.cwd();
  process.chdir(directory);
  vi.stubEnv("CLOUDFLARE_API_TOKEN", undefined);
  vi.stubEnv("WRANGLER_HOME", join(directory, "home"));
  vi.stubEnv("XDG_CONFIG_HOME", join(directory, "home"));
  onTestFinished(() => {
    process.chdir(before);
    vi.unstubAllEnvs();
  });
  return directory;
}

const nobody: Fetch = () => Promise.reject(new Error("nobody serves"));

async function deploy(line = "", fetch = nobody) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(line.split(" ").filter(Boolean), {
    write: (each) => out.push(each),
    writeError: (each) => err.push(each),
    fetch,
    stop: new AbortController().signal,
    outboxPatienceMs: 0,
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

it("resumes where it was interrupted, from nothing to a service that answers", {
  timeout: 240_000,
}, async () => {
  const directory = await project(withSettings(`ISSUER = "${ISSUER}"`));
  const cloudflare = await fakeCloudflare();
  for (const [name, value] of Object.entries(cloudflare.env)) vi.stubEnv(name, value);

  cloudflare.failOn(/^GET workers\/scripts\/latchkey\/secrets$/);
  const brokenOff = await deploy("--location weur", cloudflare.fetch);
  expect(brokenOff.code).toBe(1);
  expect(brokenOff.err).toContain("Secrets failed: ");
  expect(brokenOff.err).toContain("Done before: Database. Run it again to resume.");
  expect([...cloudflare.databases]).toEqual([["latchkey", { uuid: "db-1", location: "weur" }]]);

  expect(brokenOff.out).toContain("latchkey: created in weur, applied latchkey/0001_initial.sql");

  // As if it had already created the namespace, and there were a new migration.
  cloudflare.namespaces.set("latchkey-kv", "kv-1");
  await mkdir(join(directory, "migrations"));
  await writeFile(
    join(directory, "migrations/0001_more.sql"),
    "CREATE TABLE more (a TEXT) STRICT;",
  );
  cloudflare.failOn(null);
  const second = await deploy("", cloudflare.fetch);
  expect(second).toMatchObject({ code: 0, err: "" });
  expect(second.out).toContain("latchkey: applied 0001_more.sql\n");
  expect(second.out).toContain("KiB gzipped, at https://latchkey.test.workers.dev");
  expect(second.out).toContain(`${ISSUER} answers, and so does its database`);
  const file = join(directory, ".deploy.vars");
  const { JWT_KEYS, ENCRYPTION_KEYS } = parseEnv(await readFile(file, "utf8"));
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(Object.fromEntries(cloudflare.secrets)).toEqual({ JWT_KEYS, ENCRYPTION_KEYS });
  const bindings = cloudflare.worker().bindings;
  expect(bindings).toContainEqual({ name: "KV", type: "kv_namespace", namespace_id: "kv-1" });
  expect(bindings).toContainEqual({ name: "DB", type: "d1", id: "db-1" });

  const signUp = { email: "ann@example.com", password: "correct horse battery" };
  const made = await cloudflare.fetch(`${ISSUER}/rest/user`, {
    method: "POST",
    body: JSON.stringify(signUp),
  });
  expect(made.status).toBe(201);

  cloudflare.calls.length = 0;
  const third = await deploy("", cloudflare.fetch);
  expect(third).toMatchObject({ code: 0, err: "" });
  expect(third.out).toContain("latchkey: has all migrations\n");
  expect(third.out).toContain("Secrets    the Worker has them\n");
  const changes = cloudflare.calls.filter((call) => !call.startsWith("GET "));
  expect(changes).toEqual([
    "POST d1/database/db-1/query", // creates the table of the package's migrations if it is missing
    "POST d1/database/db-1/query", // reads it
    "POST d1/database/db-1/query", // and the project's own
    "POST d1/database/db-1/query",
    "POST workers/scripts/latchkey/versions",
    "POST workers/scripts/latchkey/deployments",
    "PATCH workers/scripts/latchkey/script-settings",
    "POST workers/scripts/latchkey/subdomain",
    "PUT workers/scripts/latchkey/schedules",
  ]);
  expect(cloudflare.worker().bindings).toContainEqual({ name: "KV", type: "inherit" });

  for (const { out, err } of [brokenOff, second, third]) {
    for (const { d, x } of JSON.parse(JWT_KEYS ?? "").keys) {
      expect(out + err).not.toContain(d);
      expect(out + err).not.toContain(x);
    }
  }
  expect((await readdir(directory)).filter((file) => file.startsWith(".wrangler-"))).toEqual([]);
});

it("deploys a fresh copy to workers.dev without a setting, and again from another one with the same keys", {
  timeout: 240_000,
}, async () => {
  await project(WRANGLER);
  const cloudflare = await fakeCloudflare();
  for (const [name, value] of Object.entries(cloudflare.env)) vi.stubEnv(name, value);
  const first = await deploy("", cloudflare.fetch);
  expect(first).toMatchObject({ code: 0, err: "" });
  expect(first.out).toContain('ISSUER = "https://latchkey.test.workers.dev"');
  expect(first.out).toMatch(/^Health +https:\/\/latchkey\.test\.workers\.dev answers/m);
  const keys = new Map(cloudflare.secrets);
  expect([...keys.keys()].toSorted()).toEqual(["ENCRYPTION_KEYS", "JWT_KEYS"]);

  // As Workers Builds does it: a new clone, without the files of the first.
  await project(WRANGLER);
  for (const [name, value] of Object.entries(cloudflare.env)) vi.stubEnv(name, value);
  const second = await deploy("", cloudflare.fetch);
  expect(second).toMatchObject({ code: 0, err: "" });
  expect(second.out).toContain("Secrets    the Worker has them\n");
  expect(cloudflare.secrets).toEqual(keys);
  expect(await readdir(".")).not.toContain(".deploy.vars");
});

it("switches the database's read replication on, once, where the settings want it", {
  timeout: 240_000,
}, async () => {
  await project(withSettings(`ISSUER = "${ISSUER}"\nREAD_REPLICAS = "on"`));
  const cloudflare = await fakeCloudflare();
  for (const [name, value] of Object.entries(cloudflare.env)) vi.stubEnv(name, value);
  cloudflare.failOn(/^PUT d1\/database\//);
  const refused = await deploy("", cloudflare.fetch);
  expect(refused.err).toContain("Replicas failed: Cloudflare answers 500");
  expect(refused.err).toContain("Done before: Database.");
  // Before the version that asks them.
  cloudflare.failOn(/secrets$/);
  const on = await deploy("", cloudflare.fetch);
  expect(on.out).toMatch(/^Replicas +latchkey: read replication switched on$/m);
  expect(cloudflare.databases.get("latchkey")?.read_replication).toEqual({ mode: "auto" });
  const again = await deploy("", cloudflare.fetch);
  expect(again.out).toMatch(/^Replicas +latchkey: read replication is on$/m);
  expect(cloudflare.calls.filter((call) => call.startsWith("PUT d1/"))).toHaveLength(2);
  for (const { out, err } of [refused, on, again]) {
    expect(out + err).not.toContain(cloudflare.env.CLOUDFLARE_API_TOKEN);
  }
});

it("a dry run checks, builds and sends nothing", { timeout: 120_000 }, async () => {
  await project(`${WRANGLER}
[env.staging]
vars = { ISSUER = "https://staging.example.com" }
kv_namespaces = [{ binding = "KV" }]
d1_databases = [{ binding = "DB", database_name = "latchkey-staging" }]
`);
  const { code, out, err } = await deploy("--dry-run --env staging");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toMatch(/^Settings +latchkey-staging at https:\/\/staging\.example\.com/);
  expect(out).toMatch(/^Build +\d+ KiB, \d+ KiB gzipped$/m);
  expect(out).toContain("the D1 database latchkey-staging");
  expect(out).toContain("kept in .deploy.vars.staging");
  await expect(stat(".deploy.vars.staging")).rejects.toThrow("ENOENT");
});

it("changes nothing without a Cloudflare login", { timeout: 60_000 }, async () => {
  await project(withSettings(`ISSUER = "${ISSUER}"`));
  const { code, err } = await deploy();
  expect(code).toBe(1);
  expect(err).toContain("You are not logged in to Cloudflare.");
  expect(err).toContain("CLOUDFLARE_API_TOKEN");
  expect(err).toContain("Nothing was changed");
  await expect(stat(".deploy.vars")).rejects.toThrow("ENOENT");
});

it.each([
  ["no ISSUER", "", {}, "ISSUER is missing: the origin of latchkey."],
  ["an ISSUER without TLS", 'ISSUER = "http://auth.example.com"', {}, "ISSUER must be https"],
  [
    "all that is wrong at once",
    `ISSUER = "${ISSUER}/"\nEVENT_DAYS = "0"`,
    {},
    /ISSUER must be an origin[\s\S]*EVENT_DAYS must be a whole number of days from 1 to 3650/,
  ],
  [
    "addresses of old versions",
    `ISSUER = "${ISSUER}"`,
    { "wrangler.toml": withSettings(`ISSUER = "${ISSUER}"`).replace("preview_urls = false", "") },
    "every uploaded version, with its keys, at its own address. Add: preview_urls = false",
  ],
  [
    "workers.dev beside a route",
    "",
    {
      "wrangler.toml": withSettings(`ISSUER = "${ISSUER}"`).replace(
        "preview_urls = false",
        'preview_urls = false\nworkers_dev = true\nroutes = [{ pattern = "auth.example.com", custom_domain = true }]',
      ),
    },
    "Change it to: workers_dev = false",
  ],
  ["the mode of npm run dev", `ISSUER = "${ISSUER}"\nDEV = "on"`, {}, "DEV is for npm run dev"],
  [
    "printed mails",
    `ISSUER = "${ISSUER}"\nMAIL_OUTBOX = "on"`,
    {},
    "MAIL_OUTBOX may be on only where",
  ],
  [
    "secrets that would be committed",
    `ISSUER = "${ISSUER}"\nJWT_KEYS = "{}"`,
    {},
    "JWT_KEYS in wrangler.toml would be committed. Move it to .deploy.vars.",
  ],
  [
    "keys that do not sign",
    `ISSUER = "${ISSUER}"`,
    { ".deploy.vars": `JWT_KEYS='{"keys":[]}'` },
    "JWT_KEYS ",
  ],
])("refuses %s before anybody is asked", async (_, settings, files, message) => {
  const directory = await newProject([], { "wrangler.toml": withSettings(settings), ...files });
  const before = process.cwd();
  process.chdir(directory);
  onTestFinished(() => process.chdir(before));
  const { code, out, err } = await deploy();
  expect([code, out]).toEqual([1, ""]);
  expect(err).toMatch(message);
});

it("explains invalid arguments, with exit code 2", async () => {
  expect((await deploy("--help")).out).toContain("Usage:");
  for (const line of ["--nope", "--location mars", "--region mars", "--env ../x", "now"]) {
    expect([line, (await deploy(line)).code]).toEqual([line, 2]);
  }
});

it("raises the revocation lag only once KV knows of everything that was revoked", {
  timeout: 240_000,
}, async () => {
  const lag = (seconds: number) =>
    withSettings(`ISSUER = "${ISSUER}"`).replace(
      'REVOCATION_LAG_SECONDS = "0"',
      `REVOCATION_LAG_SECONDS = "${seconds}"`,
    );
  await project(lag(300));
  const cloudflare = await fakeCloudflare();
  for (const [name, value] of Object.entries(cloudflare.env)) vi.stubEnv(name, value);
  cloudflare.failOn(/^GET workers\/scripts\/latchkey\/secrets$/);
  const fresh = await deploy("", cloudflare.fetch);
  expect(fresh.out).toContain("KV has everything that was revoked");
  await cloudflare.sql(
    "INSERT INTO pending_revocations (key, expires_at) VALUES ('revoked:it''s', 9e12)",
  );
  const owed = await deploy("", cloudflare.fetch);
  expect(owed.err).toContain("Outbox failed: KV lacks 1 revocations");
  expect(owed.err).toContain("Done before: Database. Run it again to resume.");
  await cloudflare.sql("DELETE FROM pending_revocations");
  const flushed = await deploy("", cloudflare.fetch);
  expect(flushed.err).toContain("Secrets failed: ");
});
