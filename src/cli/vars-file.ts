import { randomBytes } from "node:crypto";
import { open, readFile, realpath, rename, rm } from "node:fs/promises";
import { isDeepStrictEqual, parseEnv } from "node:util";
import { newKey } from "./keys/rotation.ts";

/** The secrets that the service needs to start, and how to create each. */
const SECRETS: Readonly<Record<string, () => string | Promise<string>>> = {
  JWT_KEYS: newKeySet,
  ENCRYPTION_KEYS: () => randomBytes(32).toString("base64"),
};

/**
 * Adds the secrets that the file lacks, and creates the file if there is none. Its content stays as it
 * is, byte for byte. The new file replaces the old one in one step, and only its owner can read it.
 * @param has names of secrets that are kept elsewhere
 * @returns the names that were added
 */
export async function addMissingSecrets(
  path: string,
  has: (name: string) => boolean = () => false,
): Promise<string[]> {
  const present = await contents(path);
  const named = parseEnv(present.toString());
  const missing = Object.entries(SECRETS).filter(
    ([name]) => named[name] === undefined && !has(name),
  );
  if (missing.length === 0) return [];
  const lines = await Promise.all(
    missing.map(async ([name, make]) => `${name}='${await make()}'\n`),
  );
  const lineBreak = present.length === 0 || present.at(-1) === 0x0a ? "" : "\n";
  await replace(path, Buffer.concat([present, Buffer.from(lineBreak + lines.join(""))]));
  return missing.map(([name]) => name);
}

/**
 * Changes a setting in the file, or adds it. Everything else stays as it is, byte for byte. The
 * new file replaces the old one in one step, and only its owner can read it.
 * @param value JSON
 * @returns false if the file has the setting in a form that cannot be changed safely
 */
export async function changeSetting(path: string, name: string, value: object): Promise<boolean> {
  const present = await contents(path);
  // One character per byte, so that bytes that are not UTF-8 come out as they went in.
  const text = present.toString("latin1");
  const assigned = `'${Buffer.from(quotable(value)).toString("latin1")}'`;
  const last = [...text.matchAll(assignment(name))].at(-1);
  const before = last === undefined ? text : text.slice(0, last.index + (last[1]?.length ?? 0));
  const after = last === undefined ? "" : text.slice(last.index + last[0].length);
  const lineBreak = last !== undefined || text === "" || text.endsWith("\n") ? "" : "\n";
  const line = last === undefined ? `${lineBreak}${name}=${assigned}\n` : assigned;
  const changed = Buffer.from(before + line + after, "latin1");
  const expected = { ...parseEnv(present.toString()), [name]: quotable(value) };
  if (!isDeepStrictEqual({ ...parseEnv(changed.toString()) }, expected)) return false;
  await replace(path, changed);
  return true;
}

/** `NAME=value` at the start of a line: the name and what is around it, and the value, quoted or not. */
function assignment(name: string): RegExp {
  return new RegExp(
    `^([ \\t]*(?:export[ \\t]+)?${name}[ \\t]*=[ \\t]*)(?:'[^']*'|"[^"]*"|\`[^\`]*\`|[^'"\`\\r\\n#][^\\r\\n#]*|)`,
    "gm",
  );
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
  const key = await newKey("ES256", Date.now());
  return quotable({ keys: [{ ...key, state: "active", activated_at: key.created_at }] });
}

/** JSON without single quotes, so that it can be put between them. */
function quotable(value: object): string {
  return JSON.stringify(value).replaceAll("'", "\\u0027");
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
