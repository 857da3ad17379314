import { randomUUID } from "node:crypto";
import { open, readFile, realpath, rename, rm } from "node:fs/promises";
import { parseEnv } from "node:util";

/** The secrets that the service does not start without, and how a local one is made. */
const SECRETS: Readonly<Record<string, () => Promise<string>>> = { JWT_KEYS: newKeySet };

/**
 * Adds to the file the secrets that it does not name, and makes the file if there is none. What
 * stands in it stays as it is, byte for byte. The new file replaces the old one in one step, and
 * only its owner can read it.
 * @returns the names that were added
 */
export async function addMissingSecrets(path: string): Promise<string[]> {
  const present = await contents(path);
  const named = parseEnv(present.toString());
  const missing = Object.entries(SECRETS).filter(([name]) => named[name] === undefined);
  if (missing.length === 0) return [];
  const lines = await Promise.all(
    missing.map(async ([name, make]) => `${name}='${await make()}'\n`),
  );
  const lineBreak = present.length === 0 || present.at(-1) === 0x0a ? "" : "\n";
  await replace(path, Buffer.concat([present, Buffer.from(lineBreak + lines.join(""))]));
  return missing.map(([name]) => name);
}

/** The settings that files such as .dev.vars give, later files first. A missing file gives none. */
export async function readSettings(paths: readonly string[]): Promise<NodeJS.Dict<string>> {
  const files = await Promise.all(paths.map(contents));
  return Object.assign({}, ...files.map((text) => parseEnv(text.toString())));
}

async function contents(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return Buffer.alloc(0);
    throw error;
  }
}

async function replace(path: string, content: Buffer): Promise<void> {
  const target = await realpath(path).catch((error: unknown) => {
    if (isMissing(error)) return path;
    throw error;
  });
  const draft = `${target}.${process.pid}`;
  try {
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** A set of one ES256 key that signs. */
async function newKeySet(): Promise<string> {
  const { privateKey } = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["sign", "verify"],
  );
  const { kty, crv, x, y, d } = await crypto.subtle.exportKey("jwk", privateKey);
  const key = { kty, crv, x, y, d, kid: randomUUID(), alg: "ES256", use: "sig", state: "active" };
  return JSON.stringify({ keys: [key] });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
