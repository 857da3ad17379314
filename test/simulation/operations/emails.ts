import { MAILS, type MailType } from "../../../src/core/mail.ts";
import type { ActionMail, Letter } from "../action-book.ts";
import {
  type Credential,
  MAX_SKEW_MS,
  type Person,
  type Revoker,
  type SentAt,
  type Span,
  Violation,
} from "../credential.ts";
import type { Answered } from "../edge.ts";
import type { Change } from "../register.ts";
import { EMAILS, emailOf, holderOf, newPerson } from "./accounts.ts";
import { newLoginJwt, newPair } from "./jwts.ts";
import {
  type Attempt,
  at,
  CALLERS,
  choose,
  claimsOf,
  conclude,
  credentialOf,
  type Operation,
  passwordOf,
  show,
  textAt,
  type World,
} from "./operation.ts";
import { type Code, codeFor, withCode } from "./second-factor.ts";
import { newSession } from "./sessions.ts";

const TRIES = 5;
const WRONG_A_DAY = 10;
const DAY_MS = 86_400_000;
export const ISSUES = ["jwt", "session", "pair"] as const;
export type Issue = (typeof ISSUES)[number];

const ask: Operation = {
  weight: 3,
  attempt(world, { a }) {
    if (!world.model.setup.sendsMail) return null;
    const email = emailOf(a % EMAILS);
    const letter: Letter = {
      email,
      askedTick: 0,
      challenge: "",
      mail: null,
      expiresMs: 0,
      uses: [],
      tries: [],
    };
    return {
      label: `ask for a log-in by email for ${email}`,
      sent: { method: "POST", path: "/rest/login/email", json: { email } },
      statuses: [200],
      once: true,
      begin({ sentTick }) {
        letter.askedTick = sentTick;
      },
      mailed({ type, to, token, code }, tick) {
        if (type !== "email_login") return;
        if (to !== email || letter.mail !== null) throw new Violation("an email too many");
        letter.mail = { token, code, tick };
        world.actions.letters.push(letter);
      },
      end(answer) {
        if (answer === null) return;
        letter.challenge = textAt(answer, "payload", "challenge");
        letter.expiresMs = Date.parse(textAt(answer, "payload", "expires_on"));
      },
    };
  },
};

/** An account whose email was never proven is taken over: its owner keeps nothing that was there before. */
export function takeOver({ model }: World, person: Person, sentAt: SentAt) {
  const isUnproven = person.isProven.during(sentAt).includes(false);
  if (!isUnproven) return null;
  const proof = person.isProven.begin(true, sentAt);
  const factor = person.factor.begin(null, sentAt);
  const revoker = model.beginEnd("its owner", person, sentAt, () => true, true);
  return {
    person,
    proof,
    revoker,
    /** @param state of the proof; what was there is certainly gone only where it was certainly not proven */
    finish(state: "done" | "void" | "unsure", span: Span) {
      const wasUnproven = person.isProven.during(span, proof).every((each) => !each);
      const taken = state === "done" && !wasUnproven ? "unsure" : state;
      person.isProven.finish(proof, state, span);
      person.factor.finish(factor, taken, span);
      model.finishEnd(revoker, taken, span);
    },
  };
}
type TakeOver = NonNullable<ReturnType<typeof takeOver>>;

interface Shown {
  readonly letter: Letter;
  readonly by: "link" | "code";
  readonly isRight: boolean;
  readonly code: Code | null;
}

/** What using an email means, whichever way. */
function using(world: World, { letter, by, isRight, code }: Shown) {
  const { model, actions } = world;
  const { email } = letter;
  const use = { state: "in flight" as Revoker["state"], endTick: 0 };
  const created = { email, state: "in flight" };
  let takeOvers: readonly TakeOver[] = [];

  const sureUses = (span: Span) =>
    letter.uses.some(
      (each) => each !== use && each.state === "done" && each.endTick < span.sentTick,
    );
  const wrongToday = ({ sentMs }: Span) =>
    actions.letters
      .filter((each) => each.email === email)
      .flatMap(({ tries }) => tries)
      .filter((each) => !each.isRight && each.endMs > sentMs - DAY_MS + MAX_SKEW_MS);

  function finish(state: "done" | "void" | "unsure", { endTick }: Span): void {
    Object.assign(use, { state, endTick });
    created.state = state;
  }

  /** Whether nothing can have been wrong with it. */
  function mustWork(span: Span): Person | null {
    const holder = holderOf(world, email, span);
    const others = letter.uses.filter((each) => each !== use && each.state !== "void");
    const isFresh = span.endMs < letter.expiresMs - 2 * MAX_SKEW_MS;
    const tries = letter.tries.length < TRIES && wrongToday(span).length < WRONG_A_DAY;
    const revoked = model.revokers.some(
      (each) =>
        each.ofCredentialVersion &&
        each.person === holder &&
        each.state !== "void" &&
        !(each.state === "done" && each.endTick < letter.askedTick),
    );
    if (holder === undefined || letter.mail === null || others.length > 0 || !isFresh || revoked)
      return null;
    if (by === "code" && !tries) return null;
    const isOne = (values: readonly unknown[]) => new Set(values).size === 1;
    const isSettled =
      holder.bornTick < letter.askedTick &&
      isOne(holder.isProven.during(span)) &&
      isOne(holder.factor.during(span));
    return isRight && isSettled ? holder : null;
  }

  return {
    begin(sentAt: SentAt) {
      code?.begin(sentAt);
      letter.uses.push(use);
      actions.signUps.push(created);
      const mayHave = ({ emails }: Person) => emails.during(sentAt).includes(email);
      takeOvers = isRight
        ? model.people.filter(mayHave).flatMap((each) => takeOver(world, each, sentAt) ?? [])
        : [];
    },

    unknown(span: Span) {
      if (by === "code")
        letter.tries.push({ isRight, isSure: false, endMs: span.endMs, endTick: span.endTick });
      finish(isRight ? "unsure" : "void", span);
      for (const each of takeOvers) each.finish("unsure", span);
      const isNew = (each: Person) => each.email === email && each.bornTick > span.sentTick;
      if (isRight)
        for (const each of model.people.filter(isNew))
          takeOver(world, each, span)?.finish("unsure", span);
      code?.unsure(span);
    },

    refused(span: Span) {
      finish("void", span);
      for (const each of takeOvers) each.finish("void", span);
      const holder = mustWork(span);
      if (by === "code")
        letter.tries.push({ isRight, isSure: true, endMs: span.endMs, endTick: span.endTick });
      const factors = holder?.factor.during(span) ?? [];
      if (span.wantsCode) {
        if (holder !== null && factors.every((each) => each === null))
          throw new Violation(`${holder.name} was asked for a code, and has no second factor`);
        if (holder?.isProven.during(span).includes(true) === false)
          throw new Violation(`${holder.name} was asked for a stranger's code`);
        return;
      }
      if (holder === null || code !== null)
        return code?.[holder === null ? "unsure" : "refused"](span);
      throw new Violation(`the ${by} that ${email} got was refused`);
    },

    /** @returns whom it opened, and what all of theirs was revoked by, if anything */
    granted(id: string, span: Span): { person: Person; except: Revoker | null } {
      if (!isRight) throw new Violation(`a wrong code of ${email} logged in`);
      const twice = letter.uses.some((each) => each !== use && each.state === "done");
      if (twice || sureUses(span))
        throw new Violation(`the email that ${email} got logged in twice`);
      const isBefore = ({ isSure, endTick }: Letter["tries"][number]) =>
        isSure && endTick < span.sentTick;
      if (by === "code" && letter.tries.filter(isBefore).length >= TRIES)
        throw new Violation(`a code of ${email} logged in after ${TRIES} tries`);
      if (by === "code" && wrongToday(span).filter(isBefore).length >= WRONG_A_DAY)
        throw new Violation(`a code of ${email} logged in after ${WRONG_A_DAY} wrong ones`);
      if (letter.expiresMs !== 0 && span.sentMs > letter.expiresMs + 2 * MAX_SKEW_MS)
        throw new Violation(`the email that ${email} got logged in after its ten minutes`);
      if (by === "code")
        letter.tries.push({ isRight, isSure: true, endMs: span.endMs, endTick: span.endTick });
      finish("done", span);
      const known = model.people.find((each) => each.id === id);
      if (known === undefined) {
        const holder = holderOf(world, email, span);
        if (holder !== undefined)
          throw new Violation(`${email} was ${holder.name}'s, and became another's`);
        for (const each of takeOvers) each.finish("void", span);
        code?.unsure(span);
        return { person: newPerson(world, { email, id }, true, span), except: null };
      }
      if (model.isGone(known, span)) throw new Violation(`${known.name} is gone, and logged in`);
      if (!known.emails.during(span).includes(email))
        throw new Violation(`${email} opened ${known.name}, who has another`);
      const sent = { sentTick: letter.mail?.tick ?? 0, name: `an email to ${email}` };
      model.checkVersion(known, sent, span);
      // It may have signed up meanwhile.
      const own = takeOvers.find((each) => each.person === known) ?? takeOver(world, known, span);
      const isCertainlyProven = known.isProven.during(span, own?.proof).every((each) => each);
      for (const each of takeOvers) if (each !== own) each.finish("void", span);
      own?.finish("done", span);
      if (!isCertainlyProven) code?.unsure(span);
      else if (code !== null) code.accepted(span);
      else if (by === "code" && !known.factor.during(span).includes(null))
        throw new Violation(`${known.name} logged in by email without the second factor`);
      return { person: known, except: own?.revoker ?? null };
    },
  };
}

/** What a log-in without a password gave. */
export function issued(
  world: World,
  person: Person,
  issue: Issue,
  answer: Answered,
  span: Span,
  except: Revoker | null,
): void {
  const payload = at(answer, "payload");
  if (issue === "session") newSession(world, person, payload, span, except);
  else if (issue === "pair") newPair(world, person, payload, span, except);
  else newLoginJwt(world, person, textAt(answer, "payload", "token"), span, except);
}

/** Of what it gave. */
export function idIn(world: World, issue: Issue, answer: Answered): string {
  if (issue === "session") return world.ownerOf(textAt(answer, "payload", "token"));
  return claimsOf(textAt(answer, "payload", issue === "pair" ? "access" : "token")).sub;
}

const candidates = ({ actions }: World) =>
  actions.letters.filter(({ challenge }) => challenge !== "");

const logInByCode: Operation = {
  weight: 5,
  attempt(world, { a, b, c }) {
    const letter = choose(candidates(world), a);
    if (letter === null || letter.mail === null) return null;
    const isRight = b % 4 > 0;
    const issue = ISSUES[b % ISSUES.length] ?? "jwt";
    const holder = world.model.people.findLast(({ email }) => email === letter.email);
    const code = holder === undefined ? null : codeFor(world, holder, c);
    const shown = isRight ? letter.mail.code : letter.mail.code === "000000" ? "000001" : "000000";
    const use = using(world, { letter, by: "code", isRight, code });
    return {
      label: `log in by ${isRight ? "the" : "a wrong"} code of ${letter.email} for a ${issue}${withCode(code)}`,
      sent: {
        method: "POST",
        path: "/rest/login/email/verify",
        json: { challenge: letter.challenge, code: shown, issue, otp: code?.otp },
      },
      statuses: [200, 401],
      once: true,
      begin: use.begin,
      end(answer, span) {
        if (answer === null) return use.unknown(span);
        if (answer.status === 401) return use.refused(span);
        const { person, except } = use.granted(idIn(world, issue, answer), span);
        issued(world, person, issue, answer, span, except);
      },
    };
  },
};

const logInByLink: Operation = {
  weight: 2,
  attempt(world, { a }) {
    const letter = choose(world.actions.letters, a);
    if (letter === null || letter.mail === null) return null;
    const { token } = letter.mail;
    const use = using(world, { letter, by: "link", isRight: true, code: null });
    return {
      label: `press the link of ${letter.email}`,
      // As the page does, whose forms are not of these contracts.
      sent: {
        async open({ emailLogins, secondFactor, sessions }, nowMs) {
          const who = await emailLogins.firstFactorByLink(token, nowMs);
          const { id } = who;
          if (who.hasSecondFactor) {
            await sessions.spend(who, nowMs);
            return { id, half: await secondFactor.half(who, "email", nowMs) };
          }
          const { secret, expiresAtMs } = await sessions.open(who, "email", nowMs);
          return { id, payload: { token: secret, expires: expiresAtMs } };
        },
      },
      statuses: [200, 401],
      once: true,
      begin: use.begin,
      end(answer, span) {
        if (answer === null) return use.unknown(span);
        if (answer.status === 401) return use.refused(span);
        const { person, except } = use.granted(textAt(answer, "id"), span);
        const sealed = at(answer, "half");
        const factors = person.factor.during(span);
        if (typeof sealed === "string") {
          if (factors.every((each) => each === null))
            throw new Violation(`${person.name} was asked for a code, and has no second factor`);
          const made = { madeMs: span.endMs, madeTick: span.endTick };
          world.actions.halves.push({ person, sealed, ...made });
          return;
        }
        if (!factors.includes(null))
          throw new Violation(`${person.name} logged in by a link without the second factor`);
        issued(world, person, "session", answer, span, except);
      },
    };
  },
};

const askReset: Operation = {
  weight: 1,
  attempt(world, { a }) {
    if (!world.model.setup.sendsMail) return null;
    const email = emailOf(a % EMAILS);
    return {
      label: `ask for a password reset for ${email}`,
      sent: { method: "POST", path: "/rest/user/password_reset", json: { email } },
      statuses: [200],
      once: true,
      mailed: ({ type, to, token }, tick) => {
        if (type === "password_reset") newMail(world, type, to, token, tick);
      },
      end: () => undefined,
    };
  },
};

function newMail(world: World, type: MailType, to: string, token: string, tick: number): void {
  world.actions.mails.push({ type, to, token, tick, atMs: world.nowMs(), wins: 0 });
}

const mailOf = (world: World, type: string, number: number) =>
  choose(
    world.actions.mails.filter((each) => each.type === type),
    number,
  );

const RUN = { method: "POST", path: "/api/run-action-token" };

const reset: Operation = {
  weight: 1.5,
  attempt(world, { a }) {
    const { model } = world;
    const mail = mailOf(world, "password_reset", a);
    const person = mail && model.people.find(({ id }) => id === world.ownerOf(mail.token));
    if (mail === null || person === null || person === undefined) return null;
    const secret = `password-${world.fresh()}`;
    let revoker: Revoker | null = null;
    let owner: TakeOver | null = null;
    return {
      label: `reset ${person.name}'s password`,
      sent: { ...RUN, json: { token: mail.token, input: { password: secret } } },
      statuses: [200, 422],
      once: true,
      begin(sentAt) {
        owner = takeOver(world, person, sentAt);
        const ends = (each: Credential) => each.secret !== secret && each.kind !== "recovery";
        revoker = model.beginEnd("a reset", person, sentAt, ends, true);
      },
      end(answer, span) {
        conclude(world, revoker, answer, span);
        owner?.finish(answer === null ? "unsure" : answer.status === 200 ? "done" : "void", span);
        if (answer?.status === 422) return;
        if (answer !== null) spent(world, mail, person, span);
        const except = owner?.revoker ?? null;
        const what = { kind: "password", person, secret, id: person.id } as const;
        model.create({ ...what, certain: answer !== null, except }, span);
      },
    };
  },
};

function spent({ model }: World, mail: ActionMail, person: Person, span: Span) {
  mail.wins += 1;
  const name = `the ${mail.type} to ${mail.to}`;
  if (mail.wins > 1) throw new Violation(`${name} worked twice`);
  if (model.isGone(person, span)) throw new Violation(`${person.name} is gone, and ${name} worked`);
  const lifeMs = MAILS[mail.type].ttlSeconds * 1000;
  if (span.sentMs > mail.atMs + lifeMs + 2 * MAX_SKEW_MS) throw new Violation(`${name} was late`);
  model.checkVersion(person, { sentTick: mail.tick, name }, span);
}

const mailedProof =
  (world: World): NonNullable<Attempt["mailed"]> =>
  ({ type, to, token }, tick) => {
    if (type === "verify_email") newMail(world, type, to, token, tick);
  };

const askProof: Operation = {
  weight: 0.5,
  attempt(world, { a }) {
    const caller = credentialOf(world, CALLERS, a);
    if (caller === null || !world.model.setup.sendsMail) return null;
    return {
      label: `ask to prove an email by ${caller.name}`,
      sent: { method: "POST", path: "/rest/user/verify_email", headers: show(caller), json: {} },
      statuses: [200, 401],
      mailed: mailedProof(world),
      end(answer, span) {
        if (answer !== null)
          world.model.check(caller, answer.status === 200 ? "yes" : "no", span, true);
      },
    };
  },
};

const changeEmail: Operation = {
  weight: 1,
  attempt(world, { a, b, c }) {
    const caller = credentialOf(world, CALLERS, a);
    const password = caller && passwordOf(world, caller.person, b);
    if (caller === null || password === null || !world.model.setup.sendsMail) return null;
    const email = emailOf(c % EMAILS);
    const { person } = caller;
    const json = { email, current_password: password.secret };
    return {
      label: `${person.name} wants ${email}, by ${caller.name}`,
      sent: { method: "PATCH", path: "/rest/user", headers: show(caller), json },
      statuses: [200, 401],
      once: true,
      mailed: mailedProof(world),
      end(answer, span) {
        if (answer?.status !== 200) return;
        world.model.check(caller, "yes", span, true);
        if (!person.emails.during(span).includes(email)) {
          world.model.check(password, "yes", span, true, false);
        }
      },
    };
  },
};

const proveEmail: Operation = {
  weight: 1.5,
  attempt(world, { a, b }) {
    const { model } = world;
    const mail = mailOf(world, "verify_email", a);
    const person = mail && model.people.find(({ id }) => id === world.ownerOf(mail.token));
    const caller = person ? credentialOf(world, CALLERS, b, person) : null;
    if (mail === null || caller === null) return null;
    const { person: owner } = caller;
    let email: Change<string> | null = null;
    let proof: Change<boolean> | null = null;
    return {
      label: `${owner.name} proves ${mail.to} by ${caller.name}`,
      sent: { ...RUN, headers: show(caller), json: { token: mail.token } },
      statuses: [200, 401, 422],
      once: true,
      begin(sentAt) {
        email = owner.emails.begin(mail.to, sentAt);
        proof = owner.isProven.begin(true, sentAt);
      },
      end(answer, span) {
        const state = answer === null ? "unsure" : answer.status === 200 ? "done" : "void";
        if (email !== null) owner.emails.finish(email, state, span);
        if (proof !== null) owner.isProven.finish(proof, state, span);
        if (answer?.status === 401) return model.check(caller, "no", span, true);
        if (answer?.status !== 200) return;
        model.check(caller, "yes", span, true);
        spent(world, mail, owner, span);
        const other = holderOf(world, mail.to, span);
        if (other !== undefined && other !== owner)
          throw new Violation(`${owner.name} got ${mail.to}, which is ${other.name}'s`);
        owner.email = mail.to;
      },
    };
  },
};

export const emails = {
  askEmailLogin: ask,
  logInByCode,
  logInByLink,
  askReset,
  reset,
  askProof,
  changeEmail,
  proveEmail,
};
