import { base64url, compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from "jose";
import { isStrictCompact, MAX_JWT_LENGTH, parseCanonicalJson } from "../core/compact-jws.ts";
import { type Fetched, remote, timeout } from "./remote.ts";

export type Members = Readonly<Record<string, unknown>>;

export const isMembers = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whole seconds: JSON has 1e400 and "never" too, which compare as if they were far away. */
export const isTime = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

/** HS256 is not among them: whoever can verify with it could sign. */
const ALGORITHMS = ["ES256", "EdDSA", "RS256"];
/** As the service publishes its keys: a new one is in the set for longer before it signs. */
const KEYS_FRESH_MS = 300_000;

interface Deps {
  readonly issuer: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly now: () => number;
}

export type Signatures = ReturnType<typeof signatures>;

/** Checks what the service has signed, with the keys that it publishes. */
export function signatures({ issuer, fetch, now }: Deps) {
  const keys = remote(async (): Promise<Fetched<ReturnType<typeof createLocalJWKSet>>> => {
    // A redirect would choose the keys.
    const init = { redirect: "manual" as const, signal: timeout() };
    const response = await fetch(`${issuer}/.well-known/jwks.json`, init);
    if (!response.ok) throw new Error(`the keys answered ${response.status}`);
    const set: JSONWebKeySet = await response.json();
    return { value: createLocalJWKSet(set), freshUntilMs: now() + KEYS_FRESH_MS };
  }, now);

  /**
   * @returns the payload, or null for anything but a JWS of this type in the one spelling in which the
   *   service writes it, by a key of its own
   * @throws VerifyError `unavailable` where its keys cannot be had
   */
  return async (jws: string, typ: string, maxLength = MAX_JWT_LENGTH): Promise<Members | null> => {
    // guard: verifier-takes-one-spelling
    if (jws.length > maxLength || !isStrictCompact(jws)) return null;
    const header = parseCanonicalJson(base64url.decode(jws.slice(0, jws.indexOf("."))));
    // Exactly the members that the service writes: none that brings a key, or that is critical.
    // guard: verifier-takes-one-type
    if (!isMembers(header) || Object.keys(header).join() !== "alg,kid,typ" || header.typ !== typ) {
      return null;
    }
    for (const mayBeNewer of [false, true]) {
      const set = await keys(mayBeNewer);
      try {
        const { payload } = await compactVerify(jws, set, { algorithms: ALGORITHMS });
        const members = parseCanonicalJson(payload);
        return isMembers(members) ? members : null;
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) return null;
      }
    }
    return null;
  };
}
