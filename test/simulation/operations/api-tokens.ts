import {
  apiTokensOf,
  bounds,
  type Credential,
  derivedFrom,
  type Revoker,
  MAX_SKEW_MS,
  revokedWith,
  type SentAt,
  Violation,
} from "../credential.ts";
import {
  type Attempt,
  apiEndOf,
  at,
  CALLERS,
  checkMade,
  checkRefused,
  conclude,
  credentialOf,
  endDuring,
  isRefused,
  isStrict,
  localMs,
  MOST_LEVELS,
  mayBeReplaced,
  type Operation,
  REFUSED,
  show,
  textAt,
  wasReplaced,
  type World,
} from "./operation.ts";

const MIN_TTL_SECONDS = 60;
/** Minutes, hours and days: around every bound that a promise may have. */
const TTLS = [60, 90, 300, 3_600, 90_000, 2_592_000, 31_536_000] as const;

const ttlOf = (number: number): number => TTLS[number % TTLS.length] ?? MIN_TTL_SECONDS;

const createApi: Operation = {
  weight: 4,
  attempt(world, { a, b }) {
    const caller = credentialOf(world, CALLERS, a);
    return caller === null ? null : creating(world, caller, ttlOf(b));
  },
};

export function creating(world: World, caller: Credential, ttl: number): Attempt {
  const { model } = world;
  const { person } = caller;
  return {
    label: `new API token of ${ttl} s by ${caller.name} of ${person.name}`,
    sent: {
      method: "POST",
      path: "/rest/token",
      headers: show(caller),
      json: { name: "simulated", ttl },
    },
    statuses: [200, 401, ...REFUSED],
    end(answer, span) {
      if (answer === null) return;
      if (answer.status === 401) return model.check(caller, "no", span, true);
      if (isRefused(answer)) return checkRefused(caller, span, 1);
      model.check(caller, "yes", span, true);
      const [secret, id] = [textAt(answer, "payload", "token"), textAt(answer, "payload", "uuid")];
      const earliestMs = Date.parse(textAt(answer, "payload", "expired_on"));
      checkMade("an API token", caller, earliestMs, span, 1);
      const parents = derivedFrom(caller);
      model.create({ kind: "api", person, secret, id, earliestMs, parents, from: caller }, span);
    },
  };
}

const listApi: Operation = {
  weight: 3,
  attempt(world, { a }) {
    const caller = credentialOf(world, CALLERS, a);
    if (caller === null) return null;
    const { model } = world;
    return {
      label: `list API tokens by ${caller.name}`,
      sent: {
        method: "GET",
        path: "/rest/token/list?limit=100",
        headers: show(caller),
      },
      statuses: [200, 401],
      end(answer, span) {
        if (answer === null) return;
        model.check(caller, answer.status === 200 ? "yes" : "no", span, isStrict(caller, false));
        if (answer.status !== 200) return;
        const items: unknown = at(answer, "payload");
        if (!Array.isArray(items)) throw new Violation("a list that is none");
        const listed = new Set(items.map((item) => Reflect.get(Object(item), "uuid")));
        // The list is D1's own, whatever the revocation lag is.
        const own = model.credentials.filter(
          (each) => each.kind === "api" && each.person === caller.person,
        );
        for (const each of own) model.checkListed(each, listed.has(each.id), span);
      },
    };
  },
};

/** No later than this may the caller move the token's end; sooner than it is, it may always. */
function latestEnd(token: Credential, caller: Credential, at: SentAt): number {
  const { latestMs } = token.expires;
  if (token.replacedTick !== null || wasReplaced(caller, at)) return latestMs;
  const parents = token.parents.filter(bounds).map((each) => endDuring(each, at));
  return Math.max(latestMs, Math.min(apiEndOf(caller, at), ...parents));
}

const changeApi: Operation = {
  weight: 3,
  attempt(world, { a, b, c }) {
    const token = credentialOf(world, ["api"], a);
    const caller = token && credentialOf(world, CALLERS, b, token.person);
    if (token === null || caller === null) return null;
    return changing(world, token, caller, {
      ttl: c % 4 === 0 ? null : ttlOf(c),
      other: c % 2 === 1,
    });
  },
};

/** An end beyond this may be refused: it is the first of all ends that the token may have to keep to. */
const firstEnd = (token: Credential, caller: Credential): number =>
  Math.min(
    caller.boundMs,
    ...[...token.parents, ...apiTokensOf(caller)]
      .filter(bounds)
      .map(({ expires }) => expires.earliestMs),
  );

/** @param ttl null: a new name */
export function changing(
  world: World,
  token: Credential,
  caller: Credential,
  { ttl, other }: { readonly ttl: number | null; readonly other: boolean },
): Attempt {
  const { model, actions } = world;
  const path = other ? `/token/${token.id}` : `/rest/token/${token.id}`;
  let boundMs = Number.POSITIVE_INFINITY;
  let firstMs = Number.POSITIVE_INFINITY;
  return {
    label:
      ttl === null
        ? `rename ${token.name}, by ${caller.name}`
        : `give ${token.name} ${ttl} s, by ${caller.name}`,
    sent: {
      method: "PATCH",
      path,
      headers: show(caller),
      json: ttl === null ? { name: "renamed" } : { ttl },
    },
    statuses: [200, 401, ...REFUSED],
    begin(at) {
      boundMs = latestEnd(token, caller, at);
      firstMs = firstEnd(token, caller);
      if (ttl === null) return;
      actions.beginMove(token);
      if (at.sentMs >= token.expires.latestMs + MAX_SKEW_MS) return;
      const toMs = Math.min(localMs(at) + ttl * 1000, boundMs);
      const { earliestMs, latestMs } = token.expires;
      token.expires = {
        earliestMs: Math.min(earliestMs, toMs),
        latestMs: Math.max(latestMs, toMs),
      };
    },
    end(answer, span) {
      const alone = ttl === null || actions.endMove(token, answer, span);
      if (answer === null) return;
      if (answer.status === 401) return model.check(caller, "no", span, true);
      if (isRefused(answer)) {
        const isBeyond =
          ttl !== null && localMs(span) + ttl * 1000 > Math.min(firstMs, firstEnd(token, caller));
        const isBound = token.mayBeReplaced || mayBeReplaced(caller) || isBeyond;
        if (!isBound) model.checkAny([caller, token], span);
        return;
      }
      model.check(caller, "yes", span, true);
      model.check(token, "yes", span, true);
      if (ttl === null && (token.replacedTick ?? Number.POSITIVE_INFINITY) < span.sentTick) {
        throw new Violation(`${token.name} was replaced, and renamed`);
      }
      const toMs = Date.parse(textAt(answer, "payload", "expired_on"));
      if (ttl === null) return;
      if (toMs > Math.max(boundMs, latestEnd(token, caller, span))) {
        throw new Violation(`${token.name} got an end that is beyond what it was derived from`);
      }
      model.moveEnd(token, toMs, alone, span);
    },
  };
}

const GRACES = [0, 0, 30, 90, 86_400] as const;

const rotateApi: Operation = {
  weight: 2,
  attempt(world, { a, b, c }) {
    const token = credentialOf(world, ["api"], a);
    const caller = token && credentialOf(world, CALLERS, b, token.person);
    if (token === null || caller === null) return null;
    const { model, actions } = world;
    const { person } = token;
    const grace = GRACES[c % GRACES.length] ?? 0;
    let revoker: Revoker | null = null;
    let before = token.expires;
    return {
      label: `rotate ${token.name} with ${grace} s, by ${caller.name}`,
      sent: {
        method: "POST",
        path: `/rest/token/${token.id}/rotate`,
        headers: show(caller),
        json: { grace_seconds: grace },
      },
      statuses: [200, 401, ...REFUSED],
      begin(at) {
        if (grace === 0) {
          revoker = model.beginEnd(`rotation of ${token.name}`, person, at, revokedWith(token));
          return;
        }
        actions.beginMove(token);
        before = token.expires;
        const earliestMs = Math.min(before.earliestMs, localMs(at) + grace * 1000);
        token.expires = { ...before, earliestMs };
        token.mayBeReplaced = true;
      },
      end(answer, span) {
        conclude(world, revoker, answer, span);
        const alone = grace === 0 || actions.endMove(token, answer, span);
        if (answer === null) return;
        if (answer.status !== 200 && grace > 0 && alone)
          token.mayBeReplaced = token.replacedTick !== null;
        if (answer.status === 401) return model.check(caller, "no", span, true);
        if (isRefused(answer)) {
          const isDeep = apiTokensOf(caller).length + token.parents.length >= MOST_LEVELS;
          const isBound = token.mayBeReplaced || mayBeReplaced(caller) || isDeep;
          if (!isBound) model.checkAny([caller, token], span);
          return;
        }
        model.check(caller, "yes", span, true);
        model.check(token, "yes", span, true);
        if (wasReplaced(caller, span))
          throw new Violation(`${caller.name} was replaced, and rotates`);
        if ((token.replacedTick ?? Number.POSITIVE_INFINITY) < span.sentTick) {
          throw new Violation(`${token.name} was replaced twice`);
        }
        const [secret, id] = [
          textAt(answer, "payload", "token"),
          textAt(answer, "payload", "uuid"),
        ];
        const earliestMs = Date.parse(textAt(answer, "payload", "expired_on"));
        if (earliestMs > before.latestMs && alone)
          throw new Violation(`${token.name}: a later end by rotation`);
        const isItself = apiTokensOf(caller).at(-1) === token;
        const more = isItself ? [] : derivedFrom(caller);
        const parents = [...new Set([...token.parents, ...more])];
        // Who rotates what it was made with, ends itself, and what it gets.
        const except = parents.includes(token) ? null : revoker;
        model.create(
          { kind: "api", person, secret, id, earliestMs, parents, from: token, except },
          span,
        );
        if (grace === 0) return model.won(token, span);
        token.replacedTick = span.endTick;
        const graceMs = localMs(span) + grace * 1000;
        if (alone) model.moveEnd(token, Math.min(before.earliestMs, graceMs), true, span);
      },
    };
  },
};

const revokeApiToken: Operation = {
  weight: 3,
  attempt(world, { a, b, c }) {
    const token = credentialOf(world, ["api"], a);
    const caller = token && credentialOf(world, CALLERS, b, token.person);
    if (token === null || caller === null) return null;
    const { model } = world;
    let revoker: Revoker | null = null;
    return {
      label: `end ${token.name} by ${caller.name}`,
      sent: {
        method: "DELETE",
        path: `/rest/token/${c % 2 === 0 ? token.id : token.secret}`,
        headers: show(caller),
      },
      statuses: [200, 401, 404],
      begin(span) {
        revoker = model.beginEnd(`end of ${token.name}`, token.person, span, revokedWith(token));
      },
      end(answer, span) {
        conclude(world, revoker, answer, span);
        if (answer === null) return;
        if (answer.status === 401) return model.check(caller, "no", span, true);
        if (answer.status === 404) return model.checkAny([caller, token], span);
        model.check(caller, "yes", span, true);
        model.check(token, "yes", span, true);
        model.won(token, span);
      },
    };
  },
};

const endAllApi: Operation = {
  weight: 1.5,
  attempt(world, { a }) {
    const caller = credentialOf(world, CALLERS, a);
    if (caller === null) return null;
    const { model } = world;
    let revoker: Revoker | null = null;
    const isApi = (each: Credential) => each.kind === "api";
    return {
      label: `end all API tokens of ${caller.person.name} by ${caller.name}`,
      sent: {
        method: "DELETE",
        path: "/rest/token/all",
        headers: show(caller),
      },
      statuses: [200, 401],
      begin(span) {
        const ends = (each: Credential) => isApi(each) || each.parents.some(isApi);
        revoker = model.beginEnd("end of all API tokens", caller.person, span, ends);
      },
      end(answer, span) {
        conclude(world, revoker, answer, span);
        if (answer === null) return;
        if (answer.status === 401) model.check(caller, "no", span, true);
        else model.check(caller, "yes", span, true);
      },
    };
  },
};

export const apiTokens = {
  createApi,
  listApi,
  changeApi,
  rotateApi,
  revokeApiToken,
  endAllApi,
};
