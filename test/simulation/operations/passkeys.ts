import type { Challenge } from "../action-book.ts";
import { asserted, created, newAuthenticator } from "../authenticator.ts";
import { type Credential, MAX_SKEW_MS, type Revoker, isActive, Violation } from "../credential.ts";
import { ORIGIN } from "../edge.ts";
import { idIn, ISSUES, issued } from "./emails.ts";
import {
  at,
  CALLERS,
  choose,
  conclude,
  credentialOf,
  isStrict,
  localMs,
  type Operation,
  show,
  textAt,
  type World,
} from "./operation.ts";
import { EMAILS, emailOf } from "./accounts.ts";

const CHALLENGE_MS = 600_000;

/** A challenge and the requests that show it. */
function using(challenge: Challenge) {
  const use = { state: "in flight" as Revoker["state"], endTick: 0 };
  const others = () => challenge.uses.filter((each) => each !== use && each.state !== "void");
  return {
    begin: () => void challenge.uses.push(use),
    finish(state: "done" | "void" | "unsure", { endTick }: { endTick: number }) {
      Object.assign(use, { state, endTick });
    },
    isUnused: () => others().length === 0,
    /** @throws Violation where it was accepted before, or is over */
    accepted(sentMs: number): void {
      if (others().some(({ state }) => state === "done"))
        throw new Violation("a challenge was accepted twice");
      if (sentMs > challenge.expiresMs + 2 * MAX_SKEW_MS)
        throw new Violation("a challenge was accepted after its ten minutes");
    },
  };
}

const newChallenge = (
  { actions }: World,
  owner: Challenge["owner"],
  challenge: string,
  nowMs: number,
) => void actions.challenges.push({ owner, challenge, expiresMs: nowMs + CHALLENGE_MS, uses: [] });

const passkeyOptions: Operation = {
  weight: 2,
  attempt(world, { a }) {
    const caller = credentialOf(world, CALLERS, a);
    if (caller === null) return null;
    return {
      label: `options of a new passkey by ${caller.name}`,
      sent: {
        method: "POST",
        path: "/rest/user/passkeys/options",
        headers: show(caller),
        json: {},
      },
      statuses: [200, 401, 403],
      end(answer, span) {
        if (answer === null || span.wantsFreshLogin) return;
        const verdict = answer.status === 200 ? "yes" : "no";
        world.model.check(caller, verdict, span, isStrict(caller, false));
        if (answer.status === 200)
          newChallenge(world, caller.person, textAt(answer, "payload", "challenge"), localMs(span));
      },
    };
  },
};

const addPasskey: Operation = {
  weight: 3,
  attempt(world, { a, b }) {
    const { model, actions } = world;
    const added = actions.challenges.filter(({ owner }) => owner !== null);
    const challenge = choose(added, a);
    if (challenge === null || challenge.owner === null) return null;
    // Now and then somebody else, or with a challenge for a log-in.
    const caller = credentialOf(world, CALLERS, b, b % 16 === 0 ? undefined : challenge.owner);
    if (caller === null) return null;
    const { person } = caller;
    const number = world.fresh();
    // Some count how often they were used, as they must, and some never.
    const passkey = { ...newAuthenticator(number), counts: number % 2 === 0, shown: [] };
    const use = using(challenge);
    return {
      label: `add a passkey of ${person.name} by ${caller.name}`,
      sent: {
        method: "POST",
        path: "/rest/user/passkeys",
        headers: show(caller),
        json: { response: created(passkey, ORIGIN, challenge.challenge) },
      },
      statuses: [201, 400, 401, 403, 409],
      once: true,
      begin: use.begin,
      end(answer, span) {
        const isAdded = answer?.status === 201;
        use.finish(answer === null ? "unsure" : isAdded ? "done" : "void", span);
        if (answer?.status === 401) return model.check(caller, "no", span, true);
        if (answer?.status === 400 && challenge.owner === person && use.isUnused()) {
          const isFresh = span.endMs < challenge.expiresMs - 2 * MAX_SKEW_MS;
          if (isFresh) throw new Violation(`a passkey of ${person.name} was refused`);
        }
        if (answer !== null && !isAdded) return;
        if (isAdded) {
          model.check(caller, "yes", span, true);
          use.accepted(span.sentMs);
          if (challenge.owner !== person) throw new Violation("another's challenge was accepted");
        }
        const id = answer === null ? "" : textAt(answer, "payload", "id");
        const what = { kind: "passkey", person, secret: passkey.id, id } as const;
        const credential = model.create({ ...what, certain: isAdded }, span);
        actions.passkeys.set(credential, passkey);
      },
    };
  },
};

const askPasskey: Operation = {
  weight: 2,
  attempt(world, { a }) {
    const json = a % 2 === 0 ? {} : { email: emailOf(a % EMAILS) };
    return {
      label: "ask for a log-in with a passkey",
      sent: { method: "POST", path: "/rest/login/passkey/options", json },
      statuses: [200],
      end(answer, span) {
        if (answer !== null)
          newChallenge(world, null, textAt(answer, "payload", "challenge"), localMs(span));
      },
    };
  },
};

const logInByPasskey: Operation = {
  weight: 5,
  attempt(world, { a, b, c }) {
    const { model, actions } = world;
    const credential = credentialOf(world, ["passkey"], a);
    const passkey = credential && actions.passkeys.get(credential);
    // Now and then one that is for something else.
    const fit = actions.challenges.filter(({ owner }) => c % 16 === 0 || owner === null);
    const challenge = choose(fit, b);
    if (credential === null || passkey == null || challenge === null) return null;
    const issue = ISSUES[c % ISSUES.length] ?? "jwt";
    const use = using(challenge);
    const known = passkey.shown.filter(({ state }) => state !== "void");
    const last = Math.max(passkey.counts ? 1 : 0, ...known.map(({ counter }) => counter));
    // A copy of it has not counted what it did since.
    const isCopy = passkey.counts && c % 5 === 0;
    const counter = !passkey.counts ? 0 : isCopy ? last : last + 1;
    const shown = { counter, state: "in flight" as Revoker["state"], endTick: 0 };
    const others = () => passkey.shown.filter((each) => each !== shown && each.state !== "void");
    return {
      label: `log in by ${credential.name} of ${credential.person.name}, counter ${counter}, for a ${issue}`,
      sent: {
        method: "POST",
        path: "/rest/login/passkey",
        json: { response: asserted(passkey, ORIGIN, challenge.challenge, counter), issue },
      },
      statuses: [200, 401],
      once: true,
      begin() {
        use.begin();
        passkey.shown.push(shown);
      },
      end(answer, span) {
        const state = answer === null ? "unsure" : answer.status === 200 ? "done" : "void";
        // A challenge is used up by a copy, too.
        use.finish(state === "void" ? "unsure" : state, span);
        Object.assign(shown, { state, endTick: span.endTick });
        if (answer === null) return;
        if (answer.status === 401) {
          const isFresh = span.endMs < challenge.expiresMs - 2 * MAX_SKEW_MS;
          const rises = others().every((each) => each.counter < counter) || !passkey.counts;
          if (isFresh && use.isUnused() && rises && counter !== 1 && challenge.owner === null)
            model.check(credential, "no", span, true);
          return;
        }
        model.check(credential, "yes", span, true);
        use.accepted(span.sentMs);
        if (challenge.owner !== null)
          throw new Violation("a challenge for another purpose logged in");
        const isOld = (each: (typeof passkey.shown)[number]) =>
          each.state === "done" && each.counter >= counter;
        if (passkey.counts && (counter <= 1 || others().some(isOld)))
          throw new Violation(`a copy of ${credential.name} logged in`);
        if (idIn(world, issue, answer) !== credential.person.id)
          throw new Violation(`${credential.name} opened another's account`);
        issued(world, credential.person, issue, answer, span, null);
      },
    };
  },
};

const removePasskey: Operation = {
  weight: 1.5,
  attempt(world, { a, b }) {
    const passkey = credentialOf(world, ["passkey"], a);
    const caller = passkey && credentialOf(world, CALLERS, b, passkey.person);
    if (passkey === null || caller === null || passkey.id === "") return null;
    const { model } = world;
    const { person } = passkey;
    let revoker: Revoker | null = null;
    return {
      label: `remove ${passkey.name} of ${person.name} by ${caller.name}`,
      sent: {
        method: "DELETE",
        path: `/rest/user/passkeys/${passkey.id}`,
        headers: show(caller),
      },
      statuses: [200, 401, 403, 404, 409],
      begin(span) {
        const ends = (each: Credential) => each === passkey;
        revoker = model.beginEnd(`removal of ${passkey.name}`, person, span, ends);
      },
      end(answer, span) {
        conclude(world, revoker, answer, span);
        if (answer === null) return;
        if (answer.status === 401) return model.check(caller, "no", span, true);
        if (answer.status === 404) return model.checkAny([caller, passkey], span);
        const isWay = (each: Credential) =>
          each !== passkey && each.person === person && WAYS.includes(each.kind);
        if (answer.status === 409) {
          const other = model.credentials.find((each) => isWay(each) && isActive(each, span));
          if (other === undefined) return;
          throw new Violation(
            `${other.name} is a way in, and ${passkey.name} is said to be the last`,
          );
        }
        if (answer.status !== 200) return;
        model.check(caller, "yes", span, true);
        model.check(passkey, "yes", span, true);
        model.won(passkey, span);
      },
    };
  },
};

const WAYS: readonly Credential["kind"][] = ["password", "passkey"];

const listPasskeys: Operation = {
  weight: 1,
  attempt(world, { a }) {
    const caller = credentialOf(world, CALLERS, a);
    if (caller === null) return null;
    const { model } = world;
    return {
      label: `list passkeys by ${caller.name}`,
      sent: { method: "GET", path: "/rest/user/passkeys", headers: show(caller) },
      statuses: [200, 401],
      end(answer, span) {
        if (answer === null) return;
        model.check(caller, answer.status === 200 ? "yes" : "no", span, isStrict(caller, false));
        if (answer.status !== 200) return;
        const items: unknown = at(answer, "payload");
        if (!Array.isArray(items)) throw new Violation("a list that is none");
        const listed = new Set(items.map((item) => Reflect.get(Object(item), "credential_id")));
        for (const each of model.credentials) {
          if (each.kind === "passkey" && each.person === caller.person)
            model.checkListed(each, listed.has(each.secret), span);
        }
      },
    };
  },
};

export const passkeys = {
  passkeyOptions,
  addPasskey,
  askPasskey,
  logInByPasskey,
  removePasskey,
  listPasskeys,
};
