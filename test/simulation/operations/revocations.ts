import {
  type Credential,
  type Revoker,
  lowOf,
  MAX_SKEW_MS,
  revokedWith,
  isActive,
} from "../credential.ts";
import type { Called } from "../edge.ts";
import {
  type Attempt,
  at,
  CALLERS,
  conclude,
  credentialOf,
  type Operation,
  type World,
} from "./operation.ts";

/** What a bearer may end by showing it. */
const HELD = ["session", "api", "access", "refresh"] as const;

/** A refresh JWT represents its whole family. */
const targetOf = (shown: Credential): Credential =>
  shown.kind === "refresh" ? (shown.parents[0] ?? shown) : shown;

const isContested = ({ revokedBy, possible }: Credential, revoker: Revoker): boolean =>
  [...revokedBy, ...possible].some((each) => each !== revoker);

const leaked: Operation = {
  weight: 3,
  attempt(world, { a, b }) {
    const one = credentialOf(world, HELD, a);
    if (one === null) return null;
    const { model } = world;
    const other = b % 3 === 0 ? credentialOf(world, HELD, b, one.person) : null;
    const shown = other === null || other === one ? [one] : [one, other];
    let revoker: Revoker | null = null;
    return {
      label: `report ${shown.map(({ name }) => name).join(" and ")} as leaked`,
      sent: {
        method: "POST",
        path: "/rest/leaked",
        json: { tokens: shown.map(({ secret }) => secret) },
      },
      statuses: [200],
      // A report that is sent again may end what was not ended: both are one in the model.
      begin(span) {
        const ends = (each: Credential) => shown.some((one) => revokedWith(targetOf(one))(each));
        revoker = model.beginEnd(
          `a report of ${shown.map(({ name }) => name)}`,
          one.person,
          span,
          ends,
        );
      },
      end(answer, span) {
        const ended = answer === null ? 0 : at(answer, "payload", "revoked");
        if (answer === null || ended === shown.length) {
          conclude(world, revoker, answer, span);
          if (answer !== null) for (const each of shown) model.won(targetOf(each), span);
          return;
        }
        // What was not counted, had ended before, or has just been revoked by what was reported with it.
        if (ended === 0) model.checkAny(shown, span);
        if (ended === 0 && shown.length === 1)
          for (const each of shown) model.check(each, "no", span, true);
        if (revoker !== null) model.finishEnd(revoker, ended === 0 ? "void" : "unsure", span);
      },
    };
  },
};

const revoke: Operation = {
  weight: 2,
  attempt(world, { a }) {
    const shown = credentialOf(world, HELD, a);
    if (shown === null) return null;
    let revoker: Revoker | null = null;
    return {
      label: `revoke ${shown.name}`,
      sent: { method: "POST", path: "/oauth/revoke", json: { token: shown.secret } },
      statuses: [200],
      begin(span) {
        const ends = revokedWith(targetOf(shown));
        revoker = world.model.beginEnd(`revocation of ${shown.name}`, shown.person, span, ends);
      },
      // Whether by this or before, it is over: but by which, and so what KV was told, is not said.
      end(answer, span) {
        if (answer === null || revoker === null) conclude(world, revoker, answer, span);
        else if (targetOf(shown).revokedTick < span.sentTick)
          world.model.finishEnd(revoker, "void", span);
        // Another request at the same time may have revoked it first, and a new password has given a successor.
        else if (isContested(targetOf(shown), revoker))
          world.model.finishEnd(revoker, "unsure", span);
        else if (span.sentMs < lowOf(shown) - MAX_SKEW_MS)
          world.model.finishEnd(revoker, "done", span, world.watch(span));
        // One that has expired represents nothing any more.
        else world.model.finishEnd(revoker, "unsure", span);
      },
    };
  },
};

const credentialFor = ({ kind, secret, person }: Credential): Called["credential"] => {
  switch (kind) {
    case "password":
      return { method: "password", email: person.email, password: secret, otp: null };
    case "session":
      return { method: "session", token: secret };
    default:
      return { method: "bearer", token: secret };
  }
};

const LOGINS = ["session", "family"] as const;

const endLogin: Operation = {
  weight: 1.5,
  attempt(world, { a, b }) {
    const login = credentialOf(world, LOGINS, a);
    const caller = login && credentialOf(world, CALLERS, b, login.person);
    if (login === null || caller === null) return null;
    const { model } = world;
    let revoker: Revoker | null = null;
    return {
      label: `end the log-in ${login.name} by ${caller.name}`,
      sent: {
        credential: credentialFor(caller),
        call: (services, by, nowMs) => services.logins.revoke(by, login.id, nowMs),
      },
      statuses: [200, 401, 404],
      begin(span) {
        const ends = revokedWith(login);
        revoker = model.beginEnd(`end of ${login.name}`, login.person, span, ends);
      },
      end(answer, span) {
        conclude(world, revoker, answer, span);
        if (answer === null) return;
        if (answer.status === 401) return model.check(caller, "no", span, false);
        if (answer.status === 404) return model.checkAny([caller, login], span);
        model.check(caller, "yes", span, true);
        model.check(login, "yes", span, true);
        model.won(login, span);
      },
    };
  },
};

const endOtherLogins: Operation = {
  weight: 1,
  attempt(world, { a }) {
    const caller = credentialOf(world, CALLERS, a);
    return caller === null ? null : endingOthers(world, caller);
  },
};

function endingOthers({ model, watch }: World, caller: Credential): Attempt {
  const isLogin = ({ kind }: Credential) => LOGINS.some((each) => each === kind);
  const kept = [caller, ...caller.parents].find(isLogin);
  let sentTick = 0;
  const others = (each: Credential) =>
    isLogin(each) && each !== kept && each.revokedTick >= sentTick;
  let revoker: Revoker | null = null;
  return {
    label: `end all log-ins but that of ${caller.name}`,
    sent: {
      credential: credentialFor(caller),
      call: (services, by, nowMs) => services.logins.revokeOthers(by, nowMs),
    },
    statuses: [200, 401],
    begin(span) {
      sentTick = span.sentTick;
      // JWTs that a password alone obtained have no log-in that could be listed: all of them end.
      const hasNoLogin = ({ chain, parents }: Credential) => chain !== null && parents.length === 0;
      const ends = (each: Credential) =>
        others(each) || each.parents.some(others) || hasNoLogin(each);
      revoker = model.beginEnd("end of all other log-ins", caller.person, span, ends);
    },
    end(answer, span) {
      if (answer?.status === 401) model.check(caller, "no", span, false);
      const state = answer === null ? "unsure" : answer.status === 401 ? "void" : "done";
      if (revoker === null) return;
      // Who was ended in between is answered as if there had been none.
      const isSure = state !== "done" || isActive(caller, span);
      // One that an earlier request had ended, whose answer was lost, may still be pending for KV.
      model.finishEnd(revoker, isSure ? state : "unsure", span, watch(span));
    },
  };
}

export const revocations = { leaked, revoke, endLogin, endOtherLogins };
