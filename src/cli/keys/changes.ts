import { JWT_LIFETIMES, KEYS_MAX_AGE_SECONDS } from "../../core/token.ts";
import type { JwtKey, JwtKeySet } from "../../crypto/keys.ts";
import { Refused } from "./refused.ts";

/** How long a new secret may take until no instance runs with the one before, in seconds. */
const DEPLOYMENT_SECONDS = 300;

/** How long a JWT can outlive the moment in which its key ceased to sign, in seconds. */
export const LAST_JWT_SECONDS =
  Math.max(JWT_LIFETIMES.access, JWT_LIFETIMES.refresh, JWT_LIFETIMES.auth) + DEPLOYMENT_SECONDS;

export interface Changed {
  readonly keys: JwtKeySet["keys"];
  /** What was done, and then what else to know. */
  readonly says: readonly string[];
}

const iso = (ms: number) => new Date(ms).toISOString();
export const inWords = (ms: number) => `${iso(ms).slice(0, 19).replace("T", " ")} UTC`;

/** A key made by `newKey` stands by, or signs at once where it is the only one. */
export function add(keys: JwtKeySet["keys"], key: object, nowMs: number): object[] {
  const state =
    keys.length === 0 ? { state: "active", activated_at: iso(nowMs) } : { state: "standby" };
  return [...keys, { ...key, ...state }];
}

/** The standby key signs from now on; the key that signed until now only verifies. */
export function promote({ keys }: JwtKeySet, kid: string, nowMs: number): Changed {
  const key = find(keys, kid);
  if (key.state === "active") throw new Refused(`${kid} is active already.`);
  if (key.state === "retiring") {
    throw new Refused(`${kid} is retiring and does not come back. Add a key: npm run keys -- add`);
  }
  const at = iso(nowMs);
  const promoted = keys.map((each) => {
    if (each.kid === kid) return { ...each, state: "active" as const, activated_at: at };
    return each.state === "active" ? { ...each, state: "retiring" as const, retired_at: at } : each;
  });
  return { keys: promoted, says: [`${kid} is active.`, ...earlyWarning(key, nowMs)] };
}

function earlyWarning({ created_at, alg }: JwtKey, nowMs: number): string[] {
  const whom =
    alg === "HS256"
      ? "an instance of the service"
      : "whoever keeps our JWK set, or an instance of the service,";
  const risk = `${whom} may not have it yet, and would refuse what it signs.`;
  if (created_at === undefined) {
    return [`Careful: this key does not say since when it stands by (created_at): ${risk}`];
  }
  const knownFromMs = Date.parse(created_at) + KEYS_MAX_AGE_SECONDS * 1000;
  if (knownFromMs <= nowMs) return [];
  return [
    `Careful: this key is younger than ${KEYS_MAX_AGE_SECONDS} s: ${risk}`,
    `Upload at ${inWords(knownFromMs)} at the earliest, and only if it was uploaded while it stood by.`,
  ];
}

/** A standby key goes out of line: it will not sign. */
export function retire({ keys }: JwtKeySet, kid: string, nowMs: number): Changed {
  const key = find(keys, kid);
  if (key.state === "active") {
    throw new Refused(`${kid} is active: it signs. Promote another key, and this one retires.`);
  }
  if (key.state === "retiring" && key.retired_at !== undefined) {
    throw new Refused(`${kid} is retiring already.`);
  }
  const retired = { ...key, state: "retiring" as const, retired_at: iso(nowMs) };
  return {
    keys: keys.map((each) => (each.kid === kid ? retired : each)),
    says: [
      `${kid} is retiring.`,
      `It may be dropped from ${inWords(nowMs + LAST_JWT_SECONDS * 1000)} on.`,
    ],
  };
}

/** A key goes out of the set, and whatever it has signed is refused. */
export function drop({ keys }: JwtKeySet, kid: string, nowMs: number): Changed {
  const key = find(keys, kid);
  const fromMs = droppableFromMs(key);
  if (key.state === "active") {
    throw new Refused(`${kid} is active: every JWT hangs on it. Promote another key first.`);
  }
  if (fromMs === null) {
    throw new Refused(
      `${kid} does not say since when it is retiring (retired_at), so its tokens may be alive. Start the count now: npm run keys -- retire ${kid}`,
    );
  }
  if (nowMs <= fromMs) {
    throw new Refused(
      `${kid} may have signed JWTs that are still alive. It may be dropped from ${inWords(fromMs)} on.`,
    );
  }
  return { keys: keys.filter((each) => each.kid !== kid), says: [`${kid} is gone.`] };
}

/** @returns from when on no JWT of the key can be alive; 0 if it never signed, null if nobody knows */
export function droppableFromMs({ state, retired_at }: JwtKey): number | null {
  if (state === "standby") return 0;
  if (state === "active" || retired_at === undefined) return null;
  return Date.parse(retired_at) + LAST_JWT_SECONDS * 1000;
}

function find(keys: JwtKeySet["keys"], kid: string): JwtKey {
  const key = keys.find((each) => each.kid === kid);
  if (key !== undefined) return key;
  throw new Refused(
    `There is no key ${kid}. There are: ${keys.map((each) => each.kid).join(", ")}`,
  );
}
