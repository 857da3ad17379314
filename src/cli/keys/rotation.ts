import { CompactSign, exportJWK, generateKeyPair, generateSecret } from "jose";
import { KEYS_MAX_AGE_SECONDS, type Lifetimes } from "../../core/token.ts";
import { verifyCompact } from "../../crypto/jws.ts";
import { type JwtKey, type JwtKeySet, keyRing, parseKeySet } from "../../crypto/keys.ts";
import { CliError } from "../cli-error.ts";

export const ALGORITHMS = ["ES256", "EdDSA", "RS256", "HS256"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** A new private JWK with its own `kid`, and no state yet. */
export async function newKey(alg: Algorithm, nowMs: number) {
  const key =
    alg === "HS256"
      ? await generateSecret(alg, { extractable: true })
      : (await generateKeyPair(alg, { extractable: true })).privateKey;
  return {
    ...(await exportJWK(key)),
    kid: crypto.randomUUID(),
    alg,
    use: "sig",
    created_at: new Date(nowMs).toISOString(),
  };
}

/** "Environment variable size" in the limits of Workers, which holds for secrets too. */
const SECRET_BYTES = 5 * 1024;

/**
 * Parses the set in a secret's text: the service would start with it, and each key verifies what it signs.
 * @throws CliError that says what is wrong, and repeats nothing of the keys
 */
export async function checkedSet(text: string): Promise<JwtKeySet> {
  const set = parseKeySet(text);
  if ("wrong" in set) throw new CliError(`JWT_KEYS would stop the service: ${set.wrong}`);
  if (Buffer.byteLength(text) > SECRET_BYTES) {
    throw new CliError(
      `JWT_KEYS has more than ${SECRET_BYTES} bytes, the limit for secrets of Workers. Drop a key first.`,
    );
  }
  for (const key of set.keys) {
    if (!(await works(key))) {
      throw new CliError(
        `${key.kid} does not verify what it signs: its members do not belong together.`,
      );
    }
  }
  return set;
}

async function works(key: JwtKeySet["keys"][number]): Promise<boolean> {
  const ring = keyRing({ keys: [{ ...key, state: "active" }] });
  try {
    const signing = await ring.signing();
    const jws = await new CompactSign(new TextEncoder().encode("Latchkey"))
      .setProtectedHeader({ alg: signing.alg, kid: signing.kid })
      .sign(signing.key);
    return (await verifyCompact(jws, ring)) !== null;
  } catch {
    // The message of WebCrypto may quote the key, so it is not passed on.
    return false;
  }
}

/** How long instances with the previous secret may keep running after an upload, in seconds. */
const DEPLOYMENT_SECONDS = 300;

/** How long JWTs can be valid after their key stopped signing, in seconds. */
export const lastJwtSeconds = ({ access, refresh, auth }: Lifetimes): number =>
  Math.max(access, refresh, auth) + DEPLOYMENT_SECONDS;

/** When a key's command runs, and how long a JWT that it signed may then still be valid. */
export interface RotationTime {
  readonly nowMs: number;
  readonly lastJwtSeconds: number;
}

export interface Changed {
  readonly keys: JwtKeySet["keys"];
  /** What was done, then warnings. */
  readonly messages: readonly string[];
}

const iso = (ms: number) => new Date(ms).toISOString();
const inWords = (ms: number) => `${iso(ms).slice(0, 19).replace("T", " ")} UTC`;

/** A new key stands by, or signs at once if it is the only one. */
export function add(keys: JwtKeySet["keys"], key: object, nowMs: number): object[] {
  const state =
    keys.length === 0 ? { state: "active", activated_at: iso(nowMs) } : { state: "standby" };
  return [...keys, { ...key, ...state }];
}

/** The standby key signs from now on; the one that signed until now only verifies. */
export function promote({ keys }: JwtKeySet, kid: string, { nowMs }: RotationTime): Changed {
  const key = find(keys, kid);
  if (key.state === "active") throw new CliError(`${kid} is already active.`);
  if (key.state === "retiring") {
    throw new CliError(
      `${kid} is retiring and cannot become active again. Add a key: npm run keys -- add`,
    );
  }
  const at = iso(nowMs);
  const promoted = keys.map((each) => {
    if (each.kid === kid) return { ...each, state: "active" as const, activated_at: at };
    return each.state === "active" ? { ...each, state: "retiring" as const, retired_at: at } : each;
  });
  return { keys: promoted, messages: [`${kid} is active.`, ...earlyWarning(key, nowMs)] };
}

function earlyWarning({ created_at, alg }: JwtKey, nowMs: number): string[] {
  const whom =
    alg === "HS256"
      ? "An instance of the service"
      : "Services that cache the JWK set, or an instance of this service,";
  const risk = `${whom} may not have it yet and would reject what it signs.`;
  if (created_at === undefined) {
    return [`Warning: this key does not say when it was created (created_at). ${risk}`];
  }
  const knownFromMs = Date.parse(created_at) + KEYS_MAX_AGE_SECONDS * 1000;
  if (knownFromMs <= nowMs) return [];
  return [
    `Warning: this key is less than ${KEYS_MAX_AGE_SECONDS} s old. ${risk}`,
    `Upload it at ${inWords(knownFromMs)} or later, and only if it was uploaded before as a standby key.`,
  ];
}

/** A standby key becomes a retiring one: it will not sign. */
export function retire({ keys }: JwtKeySet, kid: string, time: RotationTime): Changed {
  const { nowMs } = time;
  const key = find(keys, kid);
  if (key.state === "active") {
    throw new CliError(`${kid} is active: it signs. Promote another key to retire it.`);
  }
  if (key.state === "retiring" && key.retired_at !== undefined) {
    throw new CliError(`${kid} is already retiring.`);
  }
  const retired = { ...key, state: "retiring" as const, retired_at: iso(nowMs) };
  return {
    keys: keys.map((each) => (each.kid === kid ? retired : each)),
    messages: [
      `${kid} is retiring.`,
      `Safe to drop after ${inWords(nowMs + time.lastJwtSeconds * 1000)}.`,
    ],
  };
}

/** Removes a key from the set, after which everything that it signed is refused. */
export function drop({ keys }: JwtKeySet, kid: string, time: RotationTime): Changed {
  const key = find(keys, kid);
  const fromMs = droppableFromMs(key, time);
  if (key.state === "active") {
    throw new CliError(`${kid} is active: every JWT is signed with it. Promote another key first.`);
  }
  if (fromMs === null) {
    throw new CliError(
      `${kid} does not say when it was retired (retired_at), so JWTs that it signed may still be valid. Start counting now: npm run keys -- retire ${kid}`,
    );
  }
  if (time.nowMs <= fromMs) {
    throw new CliError(
      `JWTs that ${kid} signed may still be valid. Safe to drop after ${inWords(fromMs)}.`,
    );
  }
  return { keys: keys.filter((each) => each.kid !== kid), messages: [`Removed ${kid}.`] };
}

/** @returns when the last JWT of the key will have expired; 0 if it never signed, null if unknown */
function droppableFromMs(
  { state, retired_at }: JwtKey,
  { lastJwtSeconds }: RotationTime,
): number | null {
  if (state === "standby") return 0;
  if (state === "active" || retired_at === undefined) return null;
  return Date.parse(retired_at) + lastJwtSeconds * 1000;
}

function find(keys: JwtKeySet["keys"], kid: string): JwtKey {
  const key = keys.find((each) => each.kid === kid);
  if (key !== undefined) return key;
  throw new CliError(
    `There is no key ${kid}. The keys are: ${keys.map((each) => each.kid).join(", ")}`,
  );
}

const HEAD = ["kid", "alg", "state", "since", "safe to drop"];

/** The keys as a table, without anything secret. */
export function listing({ keys }: JwtKeySet, time: RotationTime): string[] {
  const rows = [
    HEAD,
    ...keys.map((key) => [key.kid, key.alg, key.state, since(key), whenToDrop(key, time)]),
  ];
  const widths = HEAD.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function since({ state, created_at, activated_at, retired_at }: JwtKey): string {
  const at = { standby: created_at, active: activated_at ?? created_at, retiring: retired_at }[
    state
  ];
  return at === undefined ? "unknown" : inWords(Date.parse(at));
}

function whenToDrop(key: JwtKey, time: RotationTime): string {
  if (key.state === "active") return "no: it signs";
  const fromMs = droppableFromMs(key, time);
  if (fromMs === null) return "unknown";
  return fromMs < time.nowMs ? "now" : `after ${inWords(fromMs)}`;
}
