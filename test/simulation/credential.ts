import type { Register } from "./register.ts";

/** When a request was sent and answered: in virtual time, and in the order of the run. */
export interface Span {
  readonly sentMs: number;
  readonly sentTick: number;
  readonly endMs: number;
  readonly endTick: number;
  readonly version: Version;
  /** How far the isolate's own clock is ahead. */
  readonly skewMs: number;
  /** Whether a caller who is active was told to log in again first. */
  readonly wantsFreshLogin: boolean;
  /** Whether a code of the second factor was asked for. */
  readonly wantsCode: boolean;
}

/** What is known of a request when it is sent. */
export type SentAt = Omit<Span, "endMs" | "endTick" | "wantsFreshLogin" | "wantsCode">;

/** One isolate as it was deployed: a setting of its own, and a memory that begins with it. */
export interface Version {
  readonly lagSeconds: number;
  readonly readsReplicas: boolean;
  readonly startedMs: number;
  /** When D1 last failed it: then it goes by KV for a while, at a lag at which it may. */
  readonly failed: { atMs: number };
}

/** At so many seconds and more KV may say yes. */
export const KV_ANSWERS_FROM_SECONDS = 60;

/** No isolate's clock is off by more; JWTs may come from clocks that are 5 s ahead. */
export const MAX_SKEW_MS = 2_000;

/** That D1 was told of a revocation, and when KV was: not yet, as long as its tombstone is pending. */
export interface Fact {
  readonly endMs: number;
  readonly toldMs: number;
}

/** Something that must never be. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** An authenticator app, and the time steps whose codes were shown. */
export interface Factor {
  readonly secret: string;
  readonly steps: { readonly step: number; state: Revoker["state"]; endTick: number }[];
}

export interface Person {
  /** As far as it is known: what is shown beside a password. */
  email: string;
  readonly emails: Register<string>;
  readonly isProven: Register<boolean>;
  readonly factor: Register<Factor | null>;
  readonly id: string;
  readonly name: string;
  /** When it was first heard of. */
  readonly bornTick: number;
}

/** Whether the owner of its email may have come, with whom nothing stays that was there before. */
export const mayBeTakenOver = ({ isProven }: Person): boolean => isProven.ever().length > 1;

/** What opens an account by itself, or is derived from that; and a recovery code. */
export type Kind =
  | "password"
  | "passkey"
  | "recovery"
  | "session"
  | "api"
  | "family"
  | "refresh"
  | "access"
  | "action";

/** Whatever opens something, or (a family) is what others hang on. */
export interface Credential {
  readonly kind: Kind;
  readonly name: string;
  readonly person: Person;
  readonly secret: string;
  /** The public id, a JWT's `jti`. */
  readonly id: string;
  /** All it was derived from: it is revoked with any of them, and lives no longer than what is no JWT. */
  readonly parents: readonly Credential[];
  /** JWTs of `GET /rest/auth`, each got with the one before: revoking one revokes all. */
  readonly chain: Chain | null;
  /** Of an access JWT: no JWT of its chain ends later. */
  readonly boundMs: number;
  readonly bornTick: number;
  /** A JWT's whole life; of others it is endless. */
  readonly lifeMs: number;
  /** Between these it may have expired, if nothing behind it has. */
  expires: { earliestMs: number; latestMs: number };
  /** Later ends that it had, and since when it has them no longer. */
  readonly staleEnds: { readonly ms: number; readonly fact: Fact }[];
  /** An API token that was rotated with a grace; from which tick on that is certain. */
  replacedTick: number | null;
  mayBeReplaced: boolean;
  /** Whether anybody ever saw it work, or was told that it exists. */
  certain: boolean;
  /** What has ended it for certain, and when that was answered. */
  readonly revokedBy: Set<Revoker>;
  readonly facts: Fact[];
  revokedMs: number;
  revokedTick: number;
  /** What may have ended it. */
  readonly possible: Set<Revoker>;
  /** How many were told that they ended it. */
  wins: number;
}

/** Named by its first JWT. */
export type Chain = symbol;

/** A request that ends something. */
export interface Revoker {
  readonly name: string;
  readonly person: Person;
  readonly sentTick: number;
  readonly sentMs: number;
  state: "in flight" | "done" | "void" | "unsure";
  endMs: number;
  endTick: number;
  fact: Fact | null;
  ends(credential: Credential): boolean;
  /** Ends whatever is of the person's credential version, and so what was derived from it. */
  readonly ofCredentialVersion: boolean;
}

/** When it ends at the earliest, with all that it was derived from. */
export const lowOf = ({ expires, parents }: Credential): number =>
  Math.min(expires.earliestMs, ...parents.filter(bounds).map((each) => each.expires.earliestMs));

/** When it ends at the latest. */
export const highOf = ({ expires, parents }: Credential): number =>
  Math.min(expires.latestMs, ...parents.filter(bounds).map((each) => each.expires.latestMs));

/** A JWT may be renewed past its end, and what was made with it lives on. */
export const bounds = ({ kind }: Credential): boolean => kind !== "access";

/** Whether it stood for certain when a request was sent. */
export const isActive = (credential: Credential, { sentMs }: Pick<Span, "sentMs">): boolean =>
  credential.certain &&
  credential.possible.size === 0 &&
  credential.revokedMs === Number.POSITIVE_INFINITY &&
  sentMs < lowOf(credential) - MAX_SKEW_MS;

export const isJwt = ({ kind }: Credential): boolean => kind === "access" || kind === "refresh";

/** The API tokens that it is, or was derived from. */
export const apiTokensOf = (credential: Credential): readonly Credential[] =>
  [...credential.parents, credential].filter(({ kind }) => kind === "api");

/** What is revoked with it: all that was derived from it, and of a JWT the whole chain. */
export const revokedWith =
  (target: Credential) =>
  (each: Credential): boolean =>
    [each, ...each.parents].some(
      (one) => one === target || (target.chain !== null && one.chain === target.chain),
    );

/** What is behind an API or action token that it makes; people's own have nothing behind them. */
export const derivedFrom = (caller: Credential): readonly Credential[] =>
  apiTokensOf(caller).length === 0 ? [] : [...new Set([...caller.parents, caller])];
