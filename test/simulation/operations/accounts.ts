import { type Credential, type Revoker, type Person, Violation } from "../credential.ts";
import { newAccess, newAccessInPlace } from "./jwts.ts";
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

const EMAILS = 5;

const signUp: Operation = {
  weight: 3,
  attempt(world, { a }) {
    const { model } = world;
    const number = a % EMAILS;
    const email = `user${number}@example.com`;
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
        const holders = model.people.filter((person) => person.email === email);
        if (answer.status === 409) {
          const may =
            holders.some((person) => !model.isGone(person, span)) ||
            signUps.some(
              (each) => each.email === email && ["in flight", "unsure"].includes(each.state),
            );
          if (!may) throw new Violation(`409 for ${email}, which nobody has`);
          return;
        }
        const holder = holders.find((person) => model.isThere(person));
        if (holder !== undefined) {
          throw new Violation(`${email} was taken by ${holder.name}, and signed up again`);
        }
        const id = textAt(answer, "payload", "uuid");
        const person = { email, id, name: `person${model.people.length}` };
        model.people.push(person);
        model.create({ kind: "password", person, secret: password, id }, span);
      },
    };
  },
};

const read = (path: "/rest/user" | "/rest/auth"): Operation => ({
  weight: 6,
  attempt(world, { a, b }) {
    const caller = credentialOf(world, CALLERS, a);
    return caller === null ? null : reading(world, caller, path, b % 2 === 1);
  },
});

/** `/rest/auth` gives a JWT too, and so asks D1 at any lag. */
export function reading(
  world: World,
  caller: Credential,
  path: "/rest/user" | "/rest/auth",
  other = false,
): Attempt {
  const issues = path === "/rest/auth";
  return {
    label: `GET ${path} by ${caller.name}`,
    sent: { method: "GET", path, headers: show(caller, other) },
    statuses: [200, 401],
    end(answer, span) {
      if (answer === null) return;
      const verdict = answer.status === 200 ? "yes" : "no";
      world.model.check(caller, verdict, span, isStrict(caller, issues));
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
    world.model.check(password, "yes", span, true);
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
        const ends = (each: Credential) => each !== carried && each.secret !== secret;
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
