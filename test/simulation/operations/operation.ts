import type { ActionBook } from "../action-book.ts";
import {
  apiTokensOf,
  type Credential,
  type Revoker,
  type Fact,
  type Kind,
  type Person,
  type SentAt,
  type Span,
  Violation,
} from "../credential.ts";
import type { Answered, Called, Mail, Opened, Sent } from "../edge.ts";
import type { Model } from "../model.ts";

/** What an operation chooses by: three numbers up to 255, drawn with the scenario. */
export interface Choice {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

export interface World {
  readonly model: Model;
  readonly actions: ActionBook;
  nowMs(): number;
  /** Whose token it is, by D1. */
  ownerOf(secret: string): string;
  /** A number that no other call gets. */
  fresh(): number;
  /** That D1 knows by now; KV does when nothing is pending any more of what is. */
  watch(span: Span): Fact;
  /** Whether a request is on its way. */
  busy(): boolean;
}

/** One request, and what its answer means to the model. */
export interface Attempt {
  readonly label: string;
  readonly sent: Sent | Called | Opened;
  /** Every status that can be, beside 503. */
  readonly statuses: readonly number[];
  /** Whether it may not be sent a second time as it is. */
  readonly once?: boolean;
  /** Called when it is sent. */
  begin?(at: SentAt): void;
  /** Called for an email that it sent, before or after its answer. */
  mailed?(mail: Mail, tick: number): void;
  /** @param answer null where it was 503 or lost: it may have happened */
  end(answer: Answered | null, span: Span): void;
}

export interface Operation {
  /** How often it is drawn, against the others. */
  readonly weight: number;
  /** @returns null where the scenario has nothing to do it with yet */
  attempt(world: World, choice: Choice): Attempt | null;
}

/** Newer ones more often: what has just changed is where bugs are. */
export function choose<T>(from: readonly T[], number: number): T | null {
  if (from.length === 0) return null;
  const index = number < 160 ? from.length - 1 - (number % Math.min(from.length, 3)) : number;
  return from[index % from.length] ?? null;
}

export function credentialOf(
  world: World,
  kinds: readonly Kind[],
  number: number,
  person?: Person,
): Credential | null {
  const fit = world.model.credentials.filter(
    (each) => kinds.includes(each.kind) && (person === undefined || each.person === person),
  );
  const nowMs = world.nowMs();
  const { true: living = [], false: dead = [] } = Object.groupBy(fit, ({ revokedMs, expires }) =>
    String(revokedMs === Number.POSITIVE_INFINITY && nowMs < expires.latestMs),
  );
  // What has ended must be refused, but a scenario of refusals alone finds little.
  return choose(number % 4 === 0 ? dead : living, number) ?? choose(fit, number);
}

/** The kinds that log a user in. */
export const CALLERS: readonly Kind[] = ["password", "session", "api", "access"];

/** The headers that show the credential. */
export function show({ kind, secret, person }: Credential, other = false): Record<string, string> {
  switch (kind) {
    case "password":
      return { authorization: `Basic ${btoa(`${person.email}:${secret}`)}` };
    case "session":
      return { "x-token": secret };
    default:
      return other ? { "x-auth-token": secret } : { authorization: `Bearer ${secret}` };
  }
}

/** Passwords are always asked of D1; what writes asks again for its caller. */
export const isStrict = (credential: Credential, writes: boolean): boolean =>
  writes || credential.kind === "password";

/** The person's newest password that is known to be one. */
export function passwordOf({ model }: World, person: Person, number = 0): Credential | null {
  const all = model.credentials.filter((c) => c.kind === "password" && c.person === person);
  // Now and then one that was replaced, or that may never have come to be.
  return number % 8 === 7 ? choose(all, 200 + number) : (all.findLast((c) => c.certain) ?? null);
}

/** The member of a JSON body that the path leads to. */
export function at(answer: Answered, ...path: readonly (string | number)[]): unknown {
  let value = answer.json;
  for (const key of path) value = Reflect.get(Object(value), key);
  return value;
}

export function textAt(answer: Answered, ...path: readonly (string | number)[]): string {
  const value = at(answer, ...path);
  if (typeof value !== "string") throw new Error(`no ${path.join(".")} in ${answer.text}`);
  return value;
}

export interface Claims {
  readonly jti: string;
  readonly sub: string;
  readonly sid: string;
  readonly iatMs: number;
  readonly expMs: number;
}

export function claimsOf(jwt: string): Claims {
  const claims: unknown = JSON.parse(
    atob(jwt.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/") ?? ""),
  );
  const { jti, sub, sid, iat, exp } = Object(claims);
  return {
    jti: String(jti),
    sub: String(sub),
    sid: String(sid),
    iatMs: Number(iat) * 1000,
    expMs: Number(exp) * 1000,
  };
}

/** What an ender came to, by its answer. */
export function conclude(
  { model }: World,
  revoker: Revoker | null,
  answer: Answered | null,
  span: Span,
): void {
  if (revoker === null) return;
  const state = answer === null ? "unsure" : answer.status < 300 ? "done" : "void";
  model.finishEnd(revoker, state, span);
}

/** What would live for less may be refused. */
const SHORTEST_MS = 65_000;

/** How deep API tokens may be made with API tokens. */
export const MOST_LEVELS = 4;

/** What makes something for an API token, or for a JWT of one, has bounds. */
export const REFUSED = [403, 404, 409] as const;
export const isRefused = ({ status }: Answered): boolean => REFUSED.some((each) => each === status);

/** Whether it, or an API token that it was derived from, was rotated with a grace. */
export const wasReplaced = (caller: Credential, { sentTick }: Pick<Span, "sentTick">): boolean =>
  apiTokensOf(caller).some(
    ({ replacedTick }) => (replacedTick ?? Number.POSITIVE_INFINITY) < sentTick,
  );

export const mayBeReplaced = (caller: Credential): boolean =>
  apiTokensOf(caller).some((each) => each.mayBeReplaced);

/** The latest end that it had while a request was on its way: another may have moved it up meanwhile. */
export const endDuring = ({ expires, staleEnds }: Credential, { sentMs }: SentAt): number =>
  Math.max(
    expires.latestMs,
    ...staleEnds.filter(({ fact }) => fact.endMs >= sentMs).map(({ ms }) => ms),
  );

/** No later than this may end what it makes, as an API token or as a JWT of one. */
export const apiEndOf = (caller: Credential, at: SentAt): number => {
  const ends = apiTokensOf(caller).map((each) => endDuring(each, at));
  return ends.length === 0 ? Number.POSITIVE_INFINITY : Math.min(caller.boundMs, ...ends);
};

/** What was made with an API token, or with a JWT of one, is bounded by it. */
export function checkMade(
  what: string,
  caller: Credential,
  expiresMs: number,
  span: Span,
  levels = 0,
): void {
  if (wasReplaced(caller, span)) {
    throw new Violation(`${caller.name} was replaced, and made ${what}`);
  }
  if (apiTokensOf(caller).length + levels > MOST_LEVELS) {
    throw new Violation(`${caller.name} made ${what}, the fifth level`);
  }
  if (expiresMs > apiEndOf(caller, span)) {
    throw new Violation(`${caller.name} made ${what}, which outlives it`);
  }
}

/** @throws Violation where the caller could have made it */
export function checkRefused(caller: Credential, span: Span, levels = 0): void {
  if (span.wantsFreshLogin) return;
  const { sentMs } = span;
  const isDeep = apiTokensOf(caller).length + levels > MOST_LEVELS;
  const firstEndMs = Math.min(...apiTokensOf(caller).map(({ expires }) => expires.earliestMs));
  const isShort = firstEndMs < sentMs + SHORTEST_MS;
  if (!isDeep && !mayBeReplaced(caller) && !isShort) {
    throw new Violation(`${caller.name} may make that, and was refused`);
  }
}

/** By an isolate's own clock, as near as it can be. */
export const localMs = ({ sentMs, skewMs }: Pick<Span, "sentMs" | "skewMs">): number =>
  sentMs + skewMs;
