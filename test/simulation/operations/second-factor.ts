import { createHmac } from "node:crypto";
import {
  type Credential,
  type Factor,
  isActive,
  type Person,
  type Revoker,
  type SentAt,
  type Span,
  Violation,
} from "../credential.ts";
import type { Verdict } from "../model.ts";
import type { Change } from "../register.ts";
import { newSession } from "./sessions.ts";
import {
  type Attempt,
  at,
  CALLERS,
  choose,
  credentialOf,
  localMs,
  type Operation,
  show,
  textAt,
  type World,
} from "./operation.ts";

const STEP_MS = 30_000;
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 6238, as an authenticator app has it. */
function totp(secret: string, step: number): string {
  const bits = Array.from(secret, (each) => BASE32.indexOf(each).toString(2).padStart(5, "0"));
  const bytes = bits.join("").match(/.{8}/g) ?? [];
  const key = Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 2));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", key).update(counter).digest();
  const number = mac.readUInt32BE((mac[19] ?? 0) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

/** A code that is shown beside what opens an account by itself. One of the ends is to be called once. */
export interface Code {
  readonly name: string;
  readonly otp: string;
  begin(at: SentAt): void;
  accepted(span: Span): void;
  /** Nothing else was wrong. */
  refused(span: Span): void;
  /** It may have been used, or not even looked at. */
  unsure(span: Span): void;
}

export const withCode = (code: Code | null): string => (code === null ? "" : ` with ${code.name}`);

/** The one that certainly counts all along, if any. */
const certainFactor = (person: Person, span: Span): Factor | null => {
  const [factor = null, ...others] = person.factor.during(span);
  return others.length > 0 ? null : factor;
};

const isOff = (person: Person, span: Span) => person.factor.during(span).includes(null);

/** What the person, or a thief, may show. @returns null for nothing */
export function codeFor(world: World, person: Person, number: number): Code | null {
  const nowMs = world.nowMs();
  const since = { sentMs: nowMs, sentTick: Number.POSITIVE_INFINITY };
  const factor = person.factor.during(since).findLast((each) => each !== null) ?? null;
  if (factor === null || number % 8 === 0) return null;
  const kind = number % 8;
  const recovery = kind < 3 ? credentialOf(world, ["recovery"], number * 7, person) : null;
  if (recovery !== null) return recoveryCode(world, recovery);
  const nowStep = Math.floor(nowMs / STEP_MS);
  const known = factor.steps.filter(({ state }) => state !== "void").map(({ step }) => step);
  const last = Math.max(0, ...known);
  if (kind === 3) return wrongCode(person, factor, nowStep);
  // Apps show a code for as long as it lasts: shown again, it is refused.
  const step = kind === 4 ? last : Math.max(nowStep, Math.min(last + 1, nowStep + 1));
  return appCode(person, factor, step);
}

function wrongCode(person: Person, factor: Factor, nowStep: number): Code {
  const right = [-2, -1, 0, 1, 2].map((off) => totp(factor.secret, nowStep + off));
  const otp = ["000000", "111111", "222222", "333333", "444444", "555555"].find(
    (each) => !right.includes(each),
  );
  return {
    name: "a wrong code",
    otp: String(otp),
    begin: () => undefined,
    accepted(span) {
      if (!isOff(person, span)) throw new Violation(`a wrong code of ${person.name} was accepted`);
    },
    refused: (span) => mayRefuse(person, span),
    unsure: () => undefined,
  };
}

function mayRefuse(person: Person, span: Span): void {
  if (person.factor.during(span).every((each) => each === null)) {
    throw new Violation(`${person.name} has no second factor, and a code was refused`);
  }
}

function appCode(person: Person, factor: Factor, step: number): Code {
  const own: Factor["steps"][number] = { step, state: "in flight", endTick: 0 };
  const stepAt = (ms: number) => Math.floor(ms / STEP_MS);
  const others = () => factor.steps.filter((each) => each !== own && each.state !== "void");
  function finish(state: Revoker["state"], { endTick }: Span): void {
    Object.assign(own, { state, endTick });
  }
  return {
    name: `the code of step ${step}`,
    otp: totp(factor.secret, step),
    begin: () => void factor.steps.push(own),
    unsure: (span) => finish("unsure", span),
    accepted(span) {
      if (isOff(person, span)) return finish("unsure", span);
      finish("done", span);
      const done = others().filter(({ state }) => state === "done");
      const isSpent = done.some(
        (each) => each.step === step || (each.step > step && each.endTick < span.sentTick),
      );
      if (isSpent) throw new Violation(`the code of step ${step} was accepted again`);
      if (!person.factor.during(span).includes(factor)) {
        throw new Violation(`a code of a factor that ${person.name} has not any more was accepted`);
      }
      if (Math.abs(stepAt(localMs(span)) - step) > 2) {
        throw new Violation(`the code of step ${step} was accepted at another time`);
      }
    },
    refused(span) {
      mayRefuse(person, span);
      finish("void", span);
      const times = [localMs(span), span.endMs + span.skewMs];
      const isInTime = times.every((ms) => Math.abs(stepAt(ms) - step) <= 1);
      const isUnused = others().every((each) => each.step < step);
      if (isInTime && isUnused && certainFactor(person, span) === factor) {
        throw new Violation(`a right code of ${person.name} was refused`);
      }
    },
  };
}

/** Its use revokes it. */
function recoveryCode({ model }: World, credential: Credential): Code {
  const { person, name } = credential;
  let use: Revoker | null = null;
  const finish = (state: "done" | "void" | "unsure", span: Span) => {
    if (use !== null) model.finishEnd(use, state, span);
  };
  return {
    name,
    otp: credential.secret,
    begin(at) {
      use = model.beginEnd(`use of ${name}`, person, at, (each) => each === credential);
    },
    unsure: (span) => finish("unsure", span),
    accepted(span) {
      if (isOff(person, span)) return finish("unsure", span);
      model.check(credential, "yes", span, true);
      finish("done", span);
      model.won(credential, span);
    },
    refused(span) {
      mayRefuse(person, span);
      finish("void", span);
      if (!isOff(person, span)) model.check(credential, "no", span, true);
    },
  };
}

/** What came of a log-in by password. @param verdict null where that is not known */
export function checkLogin(
  { model }: World,
  password: Credential,
  code: Code | null,
  verdict: Verdict | null,
  span: Span,
): void {
  if (code === null) {
    if (verdict !== null) model.check(password, verdict, span, true);
  } else if (verdict === "yes") {
    model.check(password, "yes", span, true, false);
    code.accepted(span);
  } else if (verdict === null || !isActive(password, span) || isElsewhere(password.person, span)) {
    code.unsure(span);
  } else {
    code.refused(span);
  }
}

const isElsewhere = ({ email, emails }: Person, span: Span) =>
  emails.during(span).some((each) => each !== email);

const beginFactor: Operation = {
  weight: 1.5,
  attempt(world, { a }) {
    const caller = credentialOf(world, CALLERS, a);
    if (caller === null) return null;
    const { person } = caller;
    return {
      label: `new second factor of ${person.name} by ${caller.name}`,
      sent: { method: "POST", path: "/rest/user/totp", headers: show(caller), json: {} },
      statuses: [200, 401, 403, 409],
      end(answer, span) {
        if (answer === null) return;
        checkCaller(world, caller, answer.status, span);
        if (answer.status === 409 && person.factor.during(span).every((each) => each === null)) {
          throw new Violation(`${person.name} is said to have a second factor`);
        }
        if (answer.status !== 200) return;
        if (!isOff(person, span))
          throw new Violation(`${person.name} got a second factor in place of one that counts`);
        const factor = { secret: textAt(answer, "payload", "secret"), steps: [] };
        world.actions.pending.push({ person, factor });
      },
    };
  },
};

/** Of what the person themselves ask with it. */
function checkCaller(
  { model }: World,
  caller: Credential,
  status: number,
  span: Span,
  strict = true,
): void {
  if (status === 200 || status === 201) model.check(caller, "yes", span, strict);
  if (status === 401) model.check(caller, "no", span, strict);
  if (status === 403 && !span.wantsFreshLogin) throw new Violation(`${caller.name} may do that`);
}

const confirmFactor: Operation = {
  weight: 1.5,
  attempt(world, { a, b }) {
    const pending = choose(world.actions.pending, a);
    const caller = pending && credentialOf(world, CALLERS, b, pending.person);
    if (pending === null || caller === null) return null;
    const { person, factor } = pending;
    const step = Math.floor(world.nowMs() / STEP_MS);
    const code = appCode(person, factor, step);
    let change: Change<Factor | null> | null = null;
    return {
      label: `confirm a second factor of ${person.name} by ${caller.name}`,
      sent: {
        method: "POST",
        path: "/rest/user/totp/confirm",
        headers: show(caller),
        json: { otp: code.otp },
      },
      statuses: [200, 400, 401, 404, 409],
      once: true,
      begin(at) {
        code.begin(at);
        change = person.factor.begin(factor, at);
      },
      end(answer, span) {
        if (change === null) return;
        code.unsure(span);
        if (answer === null) return person.factor.finish(change, "unsure", span);
        checkCaller(world, caller, answer.status, span);
        person.factor.finish(change, answer.status === 200 ? "done" : "void", span);
        if (answer.status !== 200) return;
        if (!person.factor.during(span, change).includes(null))
          throw new Violation(`${person.name} confirmed a second second factor`);
        factor.steps.push({ step, state: "done", endTick: span.endTick });
        newRecoveryCodes(world, person, answer.json, span, null);
      },
    };
  },
};

function newRecoveryCodes(
  { model }: World,
  person: Person,
  json: unknown,
  span: Span,
  except: Revoker | null,
): void {
  const codes: unknown = Object(json).payload?.recovery_codes;
  if (!Array.isArray(codes) || codes.length !== 10) throw new Violation("not ten recovery codes");
  // As many as a scenario may show.
  for (const secret of codes.slice(0, 3)) {
    model.create({ kind: "recovery", person, secret: String(secret), id: "", except }, span);
  }
}

/** With a code, or by a log-in that is fresh. */
function changing(
  world: World,
  caller: Credential,
  code: Code | null,
  what: Pick<Attempt, "label" | "sent"> & {
    begin(at: SentAt): void;
    done(json: unknown, span: Span): void;
    finish(state: "void" | "unsure", span: Span): void;
  },
): Attempt {
  const { person } = caller;
  return {
    label: `${what.label} of ${person.name} by ${caller.name}${withCode(code)}`,
    sent: what.sent,
    statuses: [200, 401, 403, 404],
    once: true,
    begin(at) {
      code?.begin(at);
      what.begin(at);
    },
    end(answer, span) {
      const status = answer?.status;
      if (code !== null && status !== 200) code.unsure(span);
      if (answer === null) return what.finish("unsure", span);
      if (code === null || status !== 401) checkCaller(world, caller, answer.status, span);
      if (status !== 200) what.finish("void", span);
      if (status === 404 && !isOff(person, span)) world.model.checkAny([caller], span);
      if (status !== 200) return;
      if (person.factor.during(span).every((each) => each === null))
        throw new Violation(`${person.name} changed a second factor that there is none of`);
      code?.accepted(span);
      what.done(answer.json, span);
    },
  };
}

const removeFactor: Operation = {
  weight: 1,
  attempt(world, { a, c }) {
    const caller = credentialOf(world, CALLERS, a);
    if (caller === null) return null;
    const { person } = caller;
    const code = codeFor(world, person, c);
    const json = code === null ? {} : { otp: code.otp };
    let change: Change<Factor | null> | null = null;
    let revoker: Revoker | null = null;
    const finish = (state: "done" | "void" | "unsure", span: Span) => {
      if (change !== null) person.factor.finish(change, state, span);
      if (revoker !== null) world.model.finishEnd(revoker, state, span);
    };
    return changing(world, caller, code, {
      label: "remove the second factor",
      sent: { method: "DELETE", path: "/rest/user/totp", headers: show(caller), json },
      begin(at) {
        change = person.factor.begin(null, at);
        const ends = ({ kind }: Credential) => kind === "recovery";
        revoker = world.model.beginEnd("the factor's removal", person, at, ends);
      },
      done: (_, span) => finish("done", span),
      finish,
    });
  },
};

const renewCodes: Operation = {
  weight: 0.5,
  attempt(world, { a, c }) {
    const caller = credentialOf(world, CALLERS, a);
    if (caller === null) return null;
    const { person } = caller;
    const code = codeFor(world, person, c);
    const json = code === null ? {} : { otp: code.otp };
    let revoker: Revoker | null = null;
    const finish = (state: "done" | "void" | "unsure", span: Span) => {
      if (revoker !== null) world.model.finishEnd(revoker, state, span);
    };
    return changing(world, caller, code, {
      label: "renew the recovery codes",
      sent: { method: "POST", path: "/rest/user/recovery_codes", headers: show(caller), json },
      begin(at) {
        const ends = ({ kind }: Credential) => kind === "recovery";
        revoker = world.model.beginEnd("new recovery codes", person, at, ends);
      },
      done(json, span) {
        finish("done", span);
        newRecoveryCodes(world, person, json, span, revoker);
      },
      finish,
    });
  },
};

/** A page's log-in whose first factor was right. */
const completeHalf: Operation = {
  weight: 1.5,
  attempt(world, { a, c }) {
    const half = choose(world.actions.halves, a);
    const code = half && codeFor(world, half.person, c);
    if (half === null || code === null) return null;
    const { person, sealed, madeMs, madeTick } = half;
    return {
      label: `complete a log-in of ${person.name}${withCode(code)}`,
      sent: {
        async open(services, nowMs) {
          const { user, way } = await services.secondFactor.complete(sealed, code.otp, nowMs);
          const { secret, expiresAtMs } = await services.sessions.open(user, way, nowMs);
          return { token: secret, expires: expiresAtMs };
        },
      },
      statuses: [200, 401],
      once: true,
      begin: code.begin,
      end(answer, span) {
        if (answer?.status !== 200) return code.unsure(span);
        code.accepted(span);
        if (span.sentMs > madeMs + HALF_MS) throw new Violation("half a log-in outlived 5 minutes");
        const since = { sentTick: madeTick, name: "half a log-in" };
        world.model.checkVersion(person, since, span);
        newSession(world, person, at(answer), span);
      },
    };
  },
};

const HALF_MS = 310_000;

export const secondFactors = {
  beginFactor,
  confirmFactor,
  removeFactor,
  renewCodes,
  completeHalf,
};
