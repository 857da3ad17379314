import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const MINUTE_MS = 60_000;
const STARTER = [
  ".gitignore .npmrc README.md migrations/0001_coupons.sql package.json src/index.ts",
  "test/redeem-coupon.test.ts test/setup.ts tsconfig.json vitest.config.ts wrangler.toml",
].flatMap((names) => names.split(" "));

let folder = "";
let project = "";
let tarball = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "latchkey-adopter-"));
  project = join(folder, "my-auth");
  tarball = await packed(".");
  const init = ["exec", "--yes", `--package=${tarball}`, "--", "latchkey", "init", project];
  await npm(folder, ...init, "--latchkey", tarball);
  await npm(project, "install");
}, 10 * MINUTE_MS);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** As in a terminal: without what this run's npm and vitest have set. @returns what it printed */
async function npm(cwd: string, ...args: readonly string[]): Promise<string> {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(?:npm_|VITEST|NODE_ENV)/i.test(name),
  );
  const env = { ...Object.fromEntries(own), npm_config_update_notifier: "false", NO_COLOR: "1" };
  const ran = await promisify(execFile)("npm", [...args], { cwd, env, maxBuffer: 1e8 }).catch(
    (error) => {
      throw new Error(`npm ${args.join(" ")}: ${error.stdout}${error.stderr}`);
    },
  );
  return ran.stdout + ran.stderr;
}

/** The tarball of a folder that is built already. */
async function packed(from: string): Promise<string> {
  const args = ["pack", from, "--ignore-scripts", "--json", "--pack-destination", folder];
  const [{ filename }] = JSON.parse(await npm(process.cwd(), ...args));
  return join(folder, filename);
}

/** Names and digests of what the adopter wrote. */
async function ownFiles(): Promise<Record<string, string>> {
  const entries = await readdir(project, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(project.length + 1))
    .filter((file) => !/^(?:node_modules|\.wrangler)\/|^package(?:-lock)?\.json$/.test(file));
  const digests = files.sort().map(async (file) => {
    const text = await readFile(join(project, file));
    return [file, createHash("sha256").update(text).digest("hex")] as const;
  });
  return Object.fromEntries(await Promise.all(digests));
}

describe("a project that installed the package from its tarball", () => {
  it("has the files that its README names, compiles, and passes its test", {
    timeout: 5 * MINUTE_MS,
  }, async () => {
    expect([...Object.keys(await ownFiles()), "package.json"].sort()).toEqual(STARTER.sort());
    expect(await npm(project, "run", "types")).not.toContain("error TS");
    expect(await npm(project, "test")).toContain("redeems a coupon once");
  });

  it("keeps its data and its files when it upgrades", { timeout: 10 * MINUTE_MS }, async () => {
    await npm(project, "run", "users", "--", "add", "ann@example.com");
    const before = await ownFiles();

    const next = join(folder, "next");
    await cp(join(project, "node_modules/latchkey"), next, { recursive: true });
    const manifest = JSON.parse(await readFile(join(next, "package.json"), "utf8"));
    await writeFile(
      join(next, "package.json"),
      JSON.stringify({ ...manifest, version: "99.0.0", scripts: {}, devDependencies: {} }),
    );
    await writeFile(
      join(next, "migrations/0002_next.sql"),
      "ALTER TABLE users ADD COLUMN next TEXT;\nUPDATE users SET next = 'upgraded';\n",
    );
    await npm(project, "install", await packed(next));
    expect(await npm(project, "run", "migrate")).toContain("Applied: latchkey/0002_next.sql.");
    expect(await npm(project, "run", "migrate")).toContain("It has all migrations.");
    expect(await npm(project, "run", "users", "--", "list")).toContain("ann@example.com");
    const sql = "SELECT users.next, coupons.code FROM users, coupons";
    const rows = await npm(
      project,
      "exec",
      "--",
      "wrangler",
      "d1",
      "execute",
      "DB",
      "--local",
      "--json",
      `--command=${sql}`,
    );
    expect(rows).toMatch(/"next": "upgraded",\s+"code": "WELCOME"/);
    expect(await ownFiles()).toEqual(before);
    expect(await npm(project, "test")).toContain("redeems a coupon once");
  });

  it("does what its own actions, scopes, brand, site and receiver say", {
    timeout: 5 * MINUTE_MS,
  }, async () => {
    await cp("test/adopter/project", project, { recursive: true });
    expect(await npm(project, "run", "types")).not.toContain("error TS");
    expect(await npm(project, "test")).toMatch(/Tests {2}6 passed/);
  });
});
