/** When a request was sent and answered: in virtual time, and in the order of the run. */
export interface Span {
  readonly sentMs: number;
  readonly sentTick: number;
  readonly endMs: number;
  readonly endTick: number;
}

/** Something that must never be. */
export class Violation extends Error {
  override readonly name = "Violation";
}

export interface Person {
  readonly email: string;
  readonly id: string;
  readonly name: string;
}

export type Kind = "password" | "session" | "api" | "family" | "refresh" | "access" | "action";

/** Whatever opens something, or (a family) is what others hang on. */
export interface Credential {
  readonly kind: Kind;
  readonly name: string;
  readonly person: Person;
  readonly secret: string;
  /** The public id, a JWT's `jti`. */
  readonly id: string;
  /** What it hangs on: the family, session or API token, and the first JWT of its chain. */
  readonly behind: readonly Credential[];
  readonly bornTick: number;
  /** Between these it may have expired. */
  expires: { lowMs: number; highMs: number };
  /** Before this instant a promise may still show an earlier, later end. */
  staleEnd: { readonly ms: number; readonly untilMs: number } | null;
  /** Whether anybody ever saw it work, or was told that it exists. */
  sure: boolean;
  /** What has ended it for certain, and when that was answered. */
  readonly endedBy: Set<Ender>;
  endedMs: number;
  endedTick: number;
  /** What may have ended it. */
  readonly maybe: Set<Ender>;
  /** How many were told that they ended it. */
  wins: number;
}

/** A request that ends something. */
export interface Ender {
  readonly name: string;
  readonly person: Person;
  readonly sentTick: number;
  readonly sentMs: number;
  state: "in flight" | "done" | "void" | "unsure";
  endMs: number;
  endTick: number;
  ends(credential: Credential): boolean;
  /** Ends whatever is of the person's epoch, and so what was derived from it. */
  readonly ofEpoch: boolean;
}

/** Whether it stood for certain when a request was sent. */
export const stands = (
  { sure, maybe, endedMs, expires }: Credential,
  { sentMs }: Pick<Span, "sentMs">,
): boolean =>
  sure && maybe.size === 0 && endedMs === Number.POSITIVE_INFINITY && sentMs < expires.lowMs;

export const isJwt = ({ kind }: Credential): boolean => kind === "access" || kind === "refresh";
