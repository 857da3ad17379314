import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterEach, beforeEach, expect, it } from "vitest";
import { addMissingSecrets, readSettings } from "../../../src/cli/vars-file.ts";
import { parseKeySet } from "../../../src/crypto/keys.ts";

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "latchkey-secrets-"));
  file = join(directory, ".dev.vars");
});
afterEach(() => rm(directory, { recursive: true }));

it("creates a file that only its owner can read, with a key set that the service accepts", async () => {
  expect(await addMissingSecrets(file)).toEqual(["JWT_KEYS", "ENCRYPTION_KEYS"]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const { JWT_KEYS = "" } = parseEnv(await readFile(file, "utf8"));
  expect(parseKeySet(JWT_KEYS)).not.toHaveProperty("wrong");
  expect(JSON.parse(JWT_KEYS).keys).toMatchObject([{ alg: "ES256", use: "sig", state: "active" }]);
});

it("creates the secrets only once", async () => {
  await addMissingSecrets(file);
  const made = await readFile(file, "utf8");
  expect(await addMissingSecrets(file)).toEqual([]);
  expect(await readFile(file, "utf8")).toBe(made);
});

it.each([
  ["with a last line break", "# mine\r\nSIGN_UP = closed\n"],
  ["without one", "SIGN_UP='closed' # yes"],
  ["that is not UTF-8", Buffer.from([0x23, 0xff, 0xfe, 0x0a])],
])("keeps a file %s byte for byte", async (_, content) => {
  await writeFile(file, content, { mode: 0o644 });
  expect(await addMissingSecrets(file)).toEqual(["JWT_KEYS", "ENCRYPTION_KEYS"]);
  const after = await readFile(file);
  expect(after.subarray(0, content.length)).toEqual(Buffer.from(content));
  expect(after.subarray(content.length).toString()).toMatch(
    /^\n?JWT_KEYS='.*'\nENCRYPTION_KEYS='?[\w+/]{43}='?\n$/,
  );
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(directory)).toEqual([".dev.vars"]);
});

it.each(["JWT_KEYS=mine", "export JWT_KEYS='mine'", "JWT_KEYS="])(
  "leaves %s alone",
  async (line) => {
    const mine = `ENCRYPTION_KEYS=mine\n${line}`;
    await writeFile(file, mine);
    expect(await addMissingSecrets(file)).toEqual([]);
    expect(await readFile(file, "utf8")).toBe(mine);
  },
);

it("writes through a link to a file kept elsewhere", async () => {
  const elsewhere = join(directory, "secrets");
  await writeFile(elsewhere, "A=1\n");
  await symlink(elsewhere, file);
  await addMissingSecrets(file);
  expect(await readFile(elsewhere, "utf8")).toMatch(/^A=1\nJWT_KEYS='/);
});

it("reads settings, the later file's first", async () => {
  const other = join(directory, "other");
  await writeFile(file, "A=1\nB=1\n");
  await writeFile(other, "B=2\n");
  expect(await readSettings([file, other, join(directory, "none")])).toEqual({ A: "1", B: "2" });
});
