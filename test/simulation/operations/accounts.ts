import {
  type Credential,
  type Factor,
  type Kind,
  type Person,
  type Revoker,
  type SentAt,
  type Span,
  Violation,
} from "../credential.ts";
import type { Letter } from "../action-book.ts";
import { takeOver } from "./emails.ts";
import { register } from "../register.ts";
import { newAccess, newAccessInPlace } from "./jwts.ts";
import { type Code, checkLogin, codeFor, withCode } from "./second-factor.ts";
import {
  type Attempt,
  at,
  CALLERS,
  conclude,
  credentialOf,
  isStrict,
  type Operation,
  passwordOf,
  show,
  textAt,
  type World,
} from "./operation.ts";

/** Two more than people sign up with: to be changed to. */
export const EMAILS = 7;
const SIGN_UPS = 5;

export const emailOf = (number: number): string => `user${number}@example.com`;

/** An account that an answer told of. */
export function newPerson(
  { model }: World,
  what: Pick<Person, "email" | "id">,
  isProven: boolean,
  span: Span,
): Person {
  const person = {
    ...what,
    name: `person${model.people.length}`,
    bornTick: span.endTick,
    emails: register(what.email, span),
    isProven: register(isProven, span),
    factor: register<Factor | null>(null, span),
  };
  model.people.push(person);
  return person;
}

/** Who certainly has it, and is there. */
export const holderOf = (
  { model }: World,
  email: string,
  since: Pick<SentAt, "sentMs" | "sentTick">,
): Person | undefined =>
  model.people.find(
    (each) => model.isThere(each) && each.emails.during(since).every((one) => one === email),
  );

const signUp: Operation = {
  weight: 3,
  attempt(world, { a }) {
    const { model } = world;
    const email = emailOf(a % SIGN_UPS);
    const password = `password-${world.fresh()}`;
    const { signUps } = world.actions;
    let own = { email, state: "in flight" };
    return {
      label: `sign up ${email}`,
      sent: { method: "POST", path: "/rest/user", json: { email, password } },
      statuses: [201, 409],
      begin() {
        own = { email, state: "in flight" };
        signUps.push(own);
      },
      end(answer, span) {
        own.state = answer === null ? "unsure" : answer.status === 201 ? "done" : "void";
        if (answer === null) return;
        if (answer.status === 409) {
          const may =
            model.people.some(
              (person) => person.emails.ever().includes(email) && !model.isGone(person, span),
            ) ||
            signUps.some(
              (each) => each.email === email && ["in flight", "unsure"].includes(each.state),
            );
          if (!may) throw new Violation(`409 for ${email}, which nobody has`);
          return;
        }
        const holder = holderOf(world, email, span);
        if (holder !== undefined) {
          throw new Violation(`${email} was taken by ${holder.name}, and signed up again`);
        }
        const id = textAt(answer, "payload", "uuid");
        const person = newPerson(world, { email, id }, false, span);
        model.create({ kind: "password", person, secret: password, id }, span);
        // Its owner may have come before this was answered.
        const isLater = ({ state, endTick }: Letter["uses"][number]) =>
          state === "unsure" || (state === "done" && endTick > span.sentTick);
        if (world.actions.letters.some((each) => each.email === email && each.uses.some(isLater)))
          takeOver(world, person, span)?.finish("unsure", span);
      },
    };
  },
};

const read = (path: "/rest/user" | "/rest/auth"): Operation => ({
  weight: 6,
  attempt(world, { a, b, c }) {
    const caller = credentialOf(world, CALLERS, a);
    const code = caller?.kind === "password" ? codeFor(world, caller.person, c) : null;
    return caller === null ? null : reading(world, caller, path, b % 2 === 1, code);
  },
});

/** `/rest/auth` gives a JWT too, and so asks D1 at any lag. */
export function reading(
  world: World,
  caller: Credential,
  path: "/rest/user" | "/rest/auth",
  other = false,
  code: Code | null = null,
): Attempt {
  const issues = path === "/rest/auth";
  const headers = { ...show(caller, other), ...(code !== null && { "x-otp": code.otp }) };
  return {
    label: `GET ${path} by ${caller.name}${withCode(code)}`,
    sent: { method: "GET", path, headers },
    statuses: [200, 401],
    once: code !== null,
    begin: (at) => code?.begin(at),
    end(answer, span) {
      const verdict = answer === null ? null : answer.status === 200 ? "yes" : "no";
      if (caller.kind === "password") checkLogin(world, caller, code, verdict, span);
      else if (verdict !== null) world.model.check(caller, verdict, span, isStrict(caller, issues));
      if (answer === null) return;
      if (answer.status !== 200) return;
      const id = textAt(answer, "payload", "uuid");
      if (id !== caller.person.id) throw new Violation(`${caller.name} opened another's account`);
      if (issues) newAccess(world, textAt(answer, "payload", "token"), caller, span);
    },
  };
}

function wrongPassword(text: string): boolean {
  return text.includes("Wrong credentials");
}

/** A request that needs both a caller and the present password: which of them was refused? */
function checkBoth(
  world: Parameters<Operation["attempt"]>[0],
  caller: Credential,
  password: Credential,
  answer: { status: number; text: string },
  span: Parameters<typeof conclude>[3],
): void {
  if (answer.status === 200) {
    world.model.check(caller, "yes", span, true);
    // It was shown by who was logged in.
    world.model.check(password, "yes", span, true, false);
  } else if (wrongPassword(answer.text) && caller.kind !== "password") {
    world.model.check(password, "no", span, true);
  } else if (caller.kind === "password" && caller !== password) {
    // Either may have been it.
    if (caller.certain && password.certain) checkEither(world, caller, password, span);
  } else {
    world.model.check(caller, "no", span, true);
  }
}

function checkEither(
  { model }: Parameters<Operation["attempt"]>[0],
  one: Credential,
  other: Credential,
  span: Parameters<typeof conclude>[3],
): void {
  const unended = [one, other].filter(
    ({ possible, revokedMs }) => possible.size === 0 && revokedMs === Number.POSITIVE_INFINITY,
  );
  if (unended.length === 2) model.check(one, "no", span, true);
}

/** A reset removes passkeys; it may be that they were lost. */
const OUTLIVES_PASSWORD: readonly Kind[] = ["passkey", "recovery"];

const changePassword: Operation = {
  weight: 1.5,
  attempt(world, { a, b }) {
    const caller = credentialOf(world, CALLERS, a);
    const password = caller && passwordOf(world, caller.person, b);
    if (caller === null || password === null) return null;
    const { person } = caller;
    const secret = `password-${world.fresh()}`;
    let revoker: Revoker | null = null;
    // Of opaque tokens the caller's own is carried over.
    const carried = caller.kind === "session" || caller.kind === "api" ? caller : null;
    return {
      label: `change ${person.name}'s password by ${caller.name}, showing ${password.name}`,
      sent: {
        method: "PATCH",
        path: "/rest/user",
        headers: show(caller),
        json: { password: secret, current_password: password.secret },
      },
      statuses: [200, 401],
      begin(span) {
        const ends = (each: Credential) =>
          each !== carried && each.secret !== secret && !OUTLIVES_PASSWORD.includes(each.kind);
        revoker = world.model.beginEnd(`a new password`, person, span, ends, true);
      },
      end(answer, span) {
        conclude(world, revoker, answer, span);
        if (answer !== null) checkBoth(world, caller, password, answer, span);
        if (answer !== null && answer.status !== 200) return;
        // Sent a second time, it sets the same one again: the first is forgotten.
        world.model.forget(({ kind, secret: known }) => kind === "password" && known === secret);
        const certain = answer !== null;
        world.model.create({ kind: "password", person, secret, id: person.id, certain }, span);
        const jwt = answer === null ? undefined : at(answer, "payload", "token");
        // It keeps the bounds of what it replaces.
        if (typeof jwt === "string") newAccessInPlace(world, jwt, caller, revoker, span);
      },
    };
  },
};

const deleteAccount: Operation = {
  weight: 0.5,
  attempt(world, { a, b }) {
    const caller = credentialOf(world, CALLERS, a);
    const password = caller && passwordOf(world, caller.person, b);
    if (caller === null || password === null) return null;
    const { person }: { person: Person } = caller;
    let revoker: Revoker | null = null;
    return {
      label: `delete ${person.name} by ${caller.name}, showing ${password.name}`,
      sent: {
        method: "DELETE",
        path: "/rest/user",
        headers: show(caller),
        json: { password: password.secret },
      },
      statuses: [200, 401],
      begin(span) {
        revoker = world.model.beginEnd(`deletion`, person, span, () => true, true);
        world.model.leaving.push({ person, revoker });
      },
      end(answer, span) {
        conclude(world, revoker, answer, span);
        if (answer !== null) checkBoth(world, caller, password, answer, span);
      },
    };
  },
};

export const accounts = {
  signUp,
  readUser: read("/rest/user"),
  auth: read("/rest/auth"),
  changePassword,
  deleteAccount,
};
