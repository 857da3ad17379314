import { type Credential, type Ender, Violation } from "../credential.ts";
import {
  at,
  CALLERS,
  conclude,
  credentialOf,
  isStrict,
  type Operation,
  show,
  textAt,
} from "./operation.ts";

const MIN_TTL_SECONDS = 60;
/** Minutes, hours and days: around every bound that a promise may have. */
const TTLS = [60, 90, 300, 3_600, 90_000, 2_592_000] as const;

const ttlOf = (number: number): number => TTLS[number % TTLS.length] ?? MIN_TTL_SECONDS;

const createApi: Operation = {
  weight: 4,
  attempt(world, { a, b }) {
    const caller = credentialOf(world, CALLERS, a);
    if (caller === null) return null;
    const { model } = world;
    const ttl = ttlOf(b);
    return {
      label: `new API token of ${ttl} s by ${caller.name} of ${caller.person.name}`,
      sent: {
        method: "POST",
        path: "/rest/token",
        headers: show(caller),
        json: { name: "simulated", ttl },
      },
      statuses: [200, 401],
      end(answer, span) {
        if (answer === null) return;
        if (answer.status === 401) return model.judge(caller, "no", span, true);
        model.judge(caller, "yes", span, true);
        const [secret, id] = [
          textAt(answer, "payload", "token"),
          textAt(answer, "payload", "uuid"),
        ];
        const lowMs = Date.parse(textAt(answer, "payload", "expired_on"));
        model.create({ kind: "api", person: caller.person, secret, id, lowMs }, span);
      },
    };
  },
};

const listApi: Operation = {
  weight: 3,
  attempt(world, { a }) {
    const caller = credentialOf(world, CALLERS, a);
    if (caller === null) return null;
    const { model } = world;
    return {
      label: `list API tokens by ${caller.name}`,
      sent: { method: "GET", path: "/rest/token/list?limit=100", headers: show(caller) },
      statuses: [200, 401],
      end(answer, span) {
        if (answer === null) return;
        model.judge(caller, answer.status === 200 ? "yes" : "no", span, isStrict(caller, false));
        if (answer.status !== 200) return;
        const items: unknown = at(answer, "payload");
        if (!Array.isArray(items)) throw new Violation("a list that is none");
        const listed = new Set(items.map((item) => Reflect.get(Object(item), "uuid")));
        // The list is D1's own, whatever the promise is.
        const own = model.credentials.filter(
          (each) => each.kind === "api" && each.person === caller.person,
        );
        for (const each of own) model.judgeListed(each, listed.has(each.id), span);
      },
    };
  },
};

const changeApi: Operation = {
  weight: 3,
  attempt(world, { a, b, c }) {
    const token = credentialOf(world, ["api"], a);
    const caller = token && credentialOf(world, CALLERS, b, token.person);
    if (token === null || caller === null) return null;
    const { model, actions } = world;
    const ttl = c % 4 === 0 ? null : ttlOf(c);
    const path = c % 2 === 0 ? `/rest/token/${token.id}` : `/token/${token.id}`;
    return {
      label:
        ttl === null ? `rename ${token.name}` : `give ${token.name} ${ttl} s, by ${caller.name}`,
      sent: {
        method: "PATCH",
        path,
        headers: show(caller),
        json: ttl === null ? { name: "renamed" } : { ttl },
      },
      statuses: [200, 401, 404],
      begin({ sentMs }) {
        if (ttl === null) return;
        actions.beginMove(token);
        if (sentMs >= token.expires.highMs) return;
        const toMs = sentMs + ttl * 1000;
        const { lowMs, highMs } = token.expires;
        token.expires = { lowMs: Math.min(lowMs, toMs), highMs: Math.max(highMs, toMs) };
      },
      end(answer, span) {
        const alone = ttl === null || actions.endMove(token, answer, span);
        if (answer === null) return;
        if (answer.status === 401) return model.judge(caller, "no", span, true);
        if (answer.status === 404) return model.judgeAny([caller, token], span);
        model.judge(caller, "yes", span, true);
        model.judge(token, "yes", span, true);
        const toMs = Date.parse(textAt(answer, "payload", "expired_on"));
        if (ttl !== null) model.moveEnd(token, toMs, alone, span);
      },
    };
  },
};

const endApi: Operation = {
  weight: 3,
  attempt(world, { a, b, c }) {
    const token = credentialOf(world, ["api"], a);
    const caller = token && credentialOf(world, CALLERS, b, token.person);
    if (token === null || caller === null) return null;
    const { model } = world;
    let ender: Ender | null = null;
    return {
      label: `end ${token.name} by ${caller.name}`,
      sent: {
        method: "DELETE",
        path: `/rest/token/${c % 2 === 0 ? token.id : token.secret}`,
        headers: show(caller),
      },
      statuses: [200, 401, 404],
      begin(span) {
        const ends = (each: Credential) => each === token || each.behind.includes(token);
        ender = model.beginEnd(`end of ${token.name}`, token.person, span, ends);
      },
      end(answer, span) {
        conclude(world, ender, answer, span);
        if (answer === null) return;
        if (answer.status === 401) return model.judge(caller, "no", span, true);
        if (answer.status === 404) return model.judgeAny([caller, token], span);
        model.judge(caller, "yes", span, true);
        model.judge(token, "yes", span, true);
        model.won(token);
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
    let ender: Ender | null = null;
    const isApi = (each: Credential) => each.kind === "api";
    return {
      label: `end all API tokens of ${caller.person.name} by ${caller.name}`,
      sent: { method: "DELETE", path: "/rest/token/all", headers: show(caller) },
      statuses: [200, 401],
      begin(span) {
        const ends = (each: Credential) => isApi(each) || each.behind.some(isApi);
        ender = model.beginEnd("end of all API tokens", caller.person, span, ends);
      },
      end(answer, span) {
        conclude(world, ender, answer, span);
        if (answer === null) return;
        if (answer.status === 401) model.judge(caller, "no", span, true);
        else model.judge(caller, "yes", span, true);
      },
    };
  },
};

export const apiTokens = { createApi, listApi, changeApi, endApi, endAllApi };
