import {
  type Credential,
  type Revoker,
  MAX_SKEW_MS,
  type Person,
  revokedWith,
  type Span,
  Violation,
} from "../credential.ts";
import { checkLogin, codeFor, withCode } from "./second-factor.ts";
import {
  choose,
  claimsOf,
  conclude,
  credentialOf,
  endDuring,
  localMs,
  type Operation,
  passwordOf,
  show,
  textAt,
  type World,
} from "./operation.ts";

const GRACE_MS = 10_000;

/** How long after its log-in the last JWT of a chain may end, and a family. */
const SINCE_LOGIN_MS = 30 * 86_400_000;
const REFRESH_MS = 86_400_000;

type Bounds = Pick<Credential, "chain" | "parents" | "boundMs">;

/** What a JWT got with this belongs to, and what it ends with. */
function boundsOf(from: Credential, span: Span): Bounds {
  const chain = Symbol(from.name);
  const parents = [...from.parents, from];
  switch (from.kind) {
    case "access":
      return from.chain === null ? { chain, parents, boundMs: from.boundMs } : from;
    case "refresh":
      return {
        chain: null,
        parents: from.parents,
        boundMs: from.parents[0]?.expires.latestMs ?? 0,
      };
    case "session":
    case "api":
      return { chain, parents, boundMs: endDuring(from, span) };
    default:
      return { chain, parents: [], boundMs: localMs(span) + SINCE_LOGIN_MS };
  }
}

export function newAccess(
  world: World,
  jwt: string,
  from: Credential,
  span: Span,
  except: Revoker | null = null,
): void {
  const { jti, iatMs, expMs } = claimsOf(jwt);
  const { chain, parents, boundMs } = boundsOf(from, span);
  const { person } = from;
  const what = { kind: "access", person, secret: jwt, id: jti, earliestMs: expMs } as const;
  const made = { ...what, lifeMs: expMs - iatMs, chain, parents, boundMs };
  const { name } = world.model.create({ ...made, from, except }, span);
  if (expMs > boundMs) throw new Violation(`${name} outlives what it was got with, ${from.name}`);
}

/**
 * The JWT that a new password gives in place of the caller's. All else has ended, what is behind that
 * one too, but its bounds stay.
 */
export function newAccessInPlace(
  world: World,
  jwt: string,
  of: Credential,
  except: Revoker | null,
  span: Span,
): void {
  const { jti, iatMs, expMs } = claimsOf(jwt);
  const { parents, boundMs } = boundsOf(of, span);
  const chain = Symbol(of.name);
  const what = { kind: "access", person: of.person, secret: jwt, id: jti, chain, boundMs } as const;
  const made = { ...what, lifeMs: expMs - iatMs, earliestMs: expMs, parents, from: of, except };
  const { name } = world.model.create({ ...made, certain: false }, span);
  if (expMs > boundMs) throw new Violation(`${name} outlives what it replaces, ${of.name}`);
}

function newRefresh(
  world: World,
  jwt: string,
  family: Credential,
  span: Span,
  except: Revoker | null = null,
): Credential {
  const { jti, iatMs, expMs } = claimsOf(jwt);
  family.expires = { earliestMs: expMs, latestMs: Math.max(expMs, family.expires.latestMs) };
  return world.model.create(
    {
      kind: "refresh",
      lifeMs: expMs - iatMs,
      person: family.person,
      secret: jwt,
      id: jti,
      earliestMs: expMs,
      parents: [family],
      from: family,
      except,
    },
    span,
  );
}

const obtain: Operation = {
  weight: 5,
  attempt(world, { a, b, c }) {
    const person = choose(world.model.people, a);
    const password = person && passwordOf(world, person, b);
    if (person === null || password === null) return null;
    const code = codeFor(world, person, c);
    return {
      label: `new JWT pair by ${password.name} of ${person.name}${withCode(code)}`,
      sent: {
        method: "POST",
        path: "/api/token/",
        json: { email: person.email, password: password.secret, otp: code?.otp },
      },
      statuses: [200, 401],
      once: code !== null,
      begin: (at) => code?.begin(at),
      end(answer, span) {
        const verdict = answer === null ? null : answer.status === 200 ? "yes" : "no";
        checkLogin(world, password, code, verdict, span);
        if (answer?.status === 200) newPair(world, person, answer.json, span);
      },
    };
  },
};

/** @param shown with `refresh` and `access` */
export function newPair(
  world: World,
  person: Person,
  shown: unknown,
  span: Span,
  except: Revoker | null = null,
): void {
  const { refresh: first, access } = Object(shown);
  const { sid, expMs } = claimsOf(String(first));
  const what = { kind: "family", person, secret: "", id: sid, earliestMs: expMs } as const;
  const family = world.model.create({ ...what, except }, span);
  const refresh = newRefresh(world, String(first), family, span, except);
  newAccess(world, String(access), refresh, span, except);
}

/** The JWT of a log-in that was no password's. */
export function newLoginJwt(
  world: World,
  person: Person,
  jwt: string,
  span: Span,
  except: Revoker | null,
): void {
  const { jti, iatMs, expMs } = claimsOf(jwt);
  const boundMs = localMs(span) + SINCE_LOGIN_MS;
  const what = { kind: "access", person, secret: jwt, id: jti, earliestMs: expMs } as const;
  const made = { ...what, lifeMs: expMs - iatMs, chain: Symbol(jti), boundMs, except };
  world.model.create(made, span);
}

const verify: Operation = {
  weight: 7,
  attempt(world, { a }) {
    const jwt = credentialOf(world, ["access", "access", "refresh"], a);
    if (jwt === null) return null;
    return {
      label: `verify ${jwt.name}`,
      sent: { method: "POST", path: "/api/token/verify/", json: { token: jwt.secret } },
      statuses: [200, 401],
      end(answer, span) {
        if (answer === null) return;
        world.model.check(jwt, answer.status === 200 ? "yes" : "no", span, false);
      },
    };
  },
};

/** What is known of a refresh token that was shown, with rotation. */
interface Shown {
  firstMs: number;
  /** The latest at which it was replaced, where that is known. */
  replacedMs: number;
  successor: Credential | null;
}

const refresh: Operation = {
  weight: 8,
  attempt(world, { a }) {
    const token = credentialOf(world, ["refresh"], a);
    const family = token?.parents[0];
    if (token === null || family === undefined) return null;
    const { model, actions } = world;
    const rotates = model.setup.rotates;
    let revoker: Revoker | null = null;
    let spentBefore = false;
    return {
      label: `refresh by ${token.name} of ${family.name}`,
      sent: { method: "POST", path: "/api/token/refresh/", json: { refresh: token.secret } },
      statuses: [200, 401],
      begin(span) {
        if (!rotates) return;
        const shown = actions.shown.get(token);
        // Replaced for more than the grace, or its successor was replaced too: theft.
        const next = shown?.successor == null ? undefined : actions.shown.get(shown.successor);
        spentBefore =
          shown !== undefined &&
          (span.sentMs > shown.replacedMs + GRACE_MS + 2 * MAX_SKEW_MS || next?.successor != null);
        const latestMs = localMs(span) + REFRESH_MS;
        if (span.sentMs < family.expires.latestMs) {
          family.expires = {
            ...family.expires,
            latestMs: Math.max(latestMs, family.expires.latestMs),
          };
        }
        const endless = Number.POSITIVE_INFINITY;
        if (shown === undefined) {
          actions.shown.set(token, { firstMs: span.sentMs, replacedMs: endless, successor: null });
        }
        const ends = revokedWith(family);
        revoker = model.beginEnd(`${token.name} shown again`, token.person, span, ends);
      },
      end(answer, span) {
        if (!rotates) {
          if (answer === null) return;
          model.check(token, answer.status === 200 ? "yes" : "no", span, false);
          if (answer.status === 200) newAccess(world, textAt(answer, "access"), token, span);
          return;
        }
        if (answer?.status === 401) refused(world, token, family, revoker, span);
        else if (revoker !== null)
          model.finishEnd(revoker, answer === null ? "unsure" : "void", span);
        if (answer?.status !== 200) return;
        model.check(token, "yes", span, true);
        if (spentBefore) throw new Violation(`${token.name} was spent, and taken again`);
        rotated(world, token, family, answer, span);
      },
    };
  },
};

function refused(
  world: World,
  token: Credential,
  family: Credential,
  revoker: Revoker | null,
  span: Span,
): void {
  const { model, actions } = world;
  const shown = actions.shown.get(token);
  const next = shown?.successor == null ? undefined : actions.shown.get(shown.successor);
  const mayBeTheft =
    shown !== undefined &&
    (span.sentMs >= shown.firstMs + GRACE_MS - 2 * MAX_SKEW_MS || next !== undefined);
  const expired = span.sentMs >= token.expires.earliestMs - MAX_SKEW_MS;
  if (revoker === null) return;
  // Whether by this or before, the family is at its end: but KV may still have to be told by another.
  const fact = world.watch(span);
  // A new password has ended it: whether this ends the JWT too that was given in place of another, is not said.
  if (family.revokedTick < span.sentTick) model.finishEnd(revoker, "unsure", span);
  else if (mayBeTheft && !expired) model.finishEnd(revoker, "done", span, fact);
  else {
    model.finishEnd(revoker, "void", span);
    model.check(token, "no", span, true);
  }
}

function rotated(
  world: World,
  token: Credential,
  family: Credential,
  answer: Parameters<typeof textAt>[0],
  span: Span,
): void {
  const jwt = textAt(answer, "refresh");
  const { jti } = claimsOf(jwt);
  const { model, actions } = world;
  const shown = actions.shown.get(token);
  if (shown === undefined) return;
  if (shown.successor === null) {
    const known = model.credentials.find((each) => each.kind === "refresh" && each.id === jti);
    shown.successor = known ?? newRefresh(world, jwt, family, span);
    shown.replacedMs = span.endMs;
  } else if (shown.successor.secret !== jwt) {
    throw new Violation(`${token.name} got two successors`);
  }
  newAccess(world, textAt(answer, "access"), shown.successor, span);
}

const revokeJwt: Operation = {
  weight: 3,
  attempt(world, { a, b }) {
    const jwt = credentialOf(world, ["access", "refresh"], a);
    const caller =
      jwt && credentialOf(world, ["password", "session", "api", "access"], b, jwt.person);
    if (jwt === null || caller === null) return null;
    const { model } = world;
    // A refresh JWT represents its whole family.
    const target = jwt.kind === "refresh" ? (jwt.parents[0] ?? jwt) : jwt;
    let revoker: Revoker | null = null;
    return {
      label: `end ${jwt.name} by ${caller.name}`,
      sent: {
        method: "DELETE",
        path: `/rest/token/${jwt.secret}`,
        headers: show(caller),
      },
      statuses: [200, 401, 404],
      begin(span) {
        revoker = model.beginEnd(`end of ${target.name}`, jwt.person, span, revokedWith(target));
      },
      end(answer, span) {
        conclude(world, revoker, answer, span);
        if (answer === null) return;
        if (answer.status === 401) model.check(caller, "no", span, true);
        if (answer.status === 404) model.checkAny([caller, jwt], span);
        if (answer.status !== 200) return;
        model.check(caller, "yes", span, true);
        if (span.sentMs >= jwt.expires.latestMs + MAX_SKEW_MS)
          throw new Violation(`${jwt.name} ended after its end`);
        model.won(target, span);
      },
    };
  },
};

export type { Shown };
export const jwts = { obtain, verify, refresh, revokeJwt };
