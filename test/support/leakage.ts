import { env } from "cloudflare:workers";
import { DB } from "./database.ts";

/** Everything that is kept or told somewhere: a name for the place, and its text. */
export type Exhibit = readonly [place: string, text: string];

/** All of KV: keys, values, metadata. */
export async function kvExhibits(): Promise<Exhibit[]> {
  const found: Exhibit[] = [];
  let cursor: string | null = null;
  do {
    const page: KVNamespaceListResult<unknown> = await env.KV.list({ cursor });
    for (const { name, metadata } of page.keys) {
      found.push([`KV key ${name}`, name]);
      found.push([`KV value of ${name}`, (await env.KV.get(name)) ?? ""]);
      if (metadata !== undefined) found.push([`KV metadata of ${name}`, JSON.stringify(metadata)]);
    }
    cursor = page.list_complete ? null : page.cursor;
  } while (cursor !== null);
  return found;
}

/** All of D1: every column of every table there is, none of them named here. */
/** Bytes, which D1 answers as numbers, in hexadecimal and as text. */
const shown = (value: unknown) =>
  Array.isArray(value)
    ? `${new Uint8Array(value).toHex()} ${new TextDecoder().decode(new Uint8Array(value))}`
    : String(value);

export async function d1Exhibits(): Promise<Exhibit[]> {
  const tables = await DB.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
  ).all<{ name: string }>();
  const found: Exhibit[] = [];
  for (const { name } of tables.results) {
    const { results } = await DB.prepare(`SELECT * FROM "${name}"`).all();
    for (const row of results) {
      for (const [column, value] of Object.entries(row)) {
        if (value !== null) found.push([`D1 ${name}.${column}`, shown(value)]);
      }
    }
  }
  return found;
}

/** Whatever has the form of a credential, whoever created it; the last one is for users.password alone. */
const FORMS: readonly RegExp[] = [
  /lk_(?:ses|api|act)_[0-9A-Za-z]{20,}/,
  /eyJ[\w-]{8,}\.[\w-]{8,}/,
  /\b(?:Basic|Bearer) [\w.+/=-]{8,}/,
  /\$argon2/,
];

const HOME_OF_HASHES = "D1 users.password";

/**
 * Looks for secrets in what is kept: as they are, encoded, as a digest, or as anything that has a
 * credential's form.
 * @returns what was found and where, without the secret
 */
export async function leaks(
  exhibits: readonly Exhibit[],
  secrets: Readonly<Record<string, string>>,
): Promise<string[]> {
  const needles = new Map<string, string>();
  for (const [name, secret] of Object.entries(secrets)) {
    for (const [form, text] of await spellings(secret)) needles.set(`${name} ${form}`, text);
  }
  const found: string[] = [];
  for (const [place, text] of exhibits) {
    const folded = text.toLowerCase();
    for (const [name, needle] of needles) {
      if (text.includes(needle) || folded.includes(needle)) found.push(`${place}: ${name}`);
    }
    for (const form of FORMS) {
      if (form.test(text) && !(place === HOME_OF_HASHES && form.source.includes("argon2"))) {
        found.push(`${place}: ${form}`);
      }
    }
  }
  return [...new Set(found)];
}

/** Every way in which a secret, or a digest of it, could have been written down. */
async function spellings(secret: string): Promise<[form: string, text: string][]> {
  const bytes = new TextEncoder().encode(secret);
  const forms: [string, string][] = [
    ["itself", secret],
    ["in an URL", encodeURIComponent(secret)],
    ["in base64", bytes.toBase64({ omitPadding: true })],
    ["in hex", bytes.toHex()],
  ];
  // A JWT's signature makes one again of the rest, which is no secret.
  const [, , signature] = secret.split(".");
  if (signature !== undefined && secret.startsWith("ey")) forms.push(["signature", signature]);
  for (const algorithm of ["SHA-256", "SHA-1", "SHA-512", "MD5"]) {
    const digest = new Uint8Array(await crypto.subtle.digest(algorithm, bytes));
    forms.push(
      [`${algorithm} in hex`, digest.toHex()],
      // Half of it would be enough to look someone up.
      [`${algorithm} in hex, first half`, digest.toHex().slice(0, digest.length)],
      [`${algorithm} in base64`, digest.toBase64({ omitPadding: true })],
      [`${algorithm} in base64url`, digest.toBase64({ omitPadding: true, alphabet: "base64url" })],
    );
  }
  return forms;
}
