import { type Credential, mayBeTakenOver, type Span, Violation } from "../credential.ts";
import type { Answered } from "../edge.ts";
import {
  at,
  CALLERS,
  credentialOf,
  isStrict,
  type Operation,
  show,
  type World,
} from "./operation.ts";

type Check = (world: World, caller: Credential, answer: Answered, span: Span) => void;

const members = (value: unknown): unknown[] => {
  if (!Array.isArray(value)) throw new Violation("a list that is none");
  return value;
};

const list = (path: string, check: Check): Operation => ({
  weight: 2,
  attempt(world, { a }) {
    const caller = credentialOf(world, CALLERS, a);
    if (caller === null) return null;
    return {
      label: `GET ${path} by ${caller.name}`,
      sent: { method: "GET", path: `${path}?limit=100`, headers: show(caller) },
      statuses: [200, 401],
      end(answer, span) {
        if (answer === null) return;
        const yes = answer.status === 200;
        world.model.check(caller, yes ? "yes" : "no", span, isStrict(caller, false));
        if (yes) check(world, caller, answer, span);
      },
    };
  },
});

/** What can still run: all of that, and nothing that was ended or has expired. */
const checkTokens: Check = ({ model, actions }, caller, answer, span) => {
  const ids = members(at(answer, "data")).map((each) => Reflect.get(Object(each), "id"));
  for (const token of actions.tokens.filter(({ issuer }) => issuer === caller.person)) {
    const isListed = ids.includes(token.credential.id);
    const used = token.receipts.size + token.open >= token.maxUses;
    if (isListed || !used) model.checkListed(token.credential, isListed, span);
  }
};

/** The effects of all receipts that were shown, of people who are there. */
const checkContacts: Check = ({ model, actions }, caller, answer, span) => {
  const ids = members(at(answer, "data", "contacts")).map((each) =>
    Reflect.get(Object(Reflect.get(Object(each), "contact")), "id"),
  );
  const missing = actions.links.find(
    ({ of, to, bornTick }) =>
      of === caller.person &&
      bornTick < span.sentTick &&
      // After an account is deleted its list is empty at once, whoever may still read it.
      [of, to].every((each) => model.isThere(each) && !mayBeTakenOver(each)) &&
      !ids.includes(to.id),
  );
  if (missing !== undefined) {
    throw new Violation(`${missing.to.name} is a contact of ${missing.of.name}, and is not listed`);
  }
  const gone = model.people.find((each) => ids.includes(each.id) && model.isGone(each, span));
  if (gone !== undefined) throw new Violation(`${gone.name} is gone, and listed`);
};

export const actionLists = {
  listActions: list("/api/action-tokens", checkTokens),
  contacts: list("/api/user/get-contacts", checkContacts),
};
