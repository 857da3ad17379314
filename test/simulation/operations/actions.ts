import type { ActionToken, Run } from "../action-book.ts";
import {
  type Credential,
  derivedFrom,
  type Revoker,
  lowOf,
  MAX_SKEW_MS,
  mayBeTakenOver,
  type Person,
  revokedWith,
  type Span,
  Violation,
} from "../credential.ts";
import type { Answered } from "../edge.ts";
import {
  type Attempt,
  at,
  CALLERS,
  checkMade,
  checkRefused,
  choose,
  conclude,
  credentialOf,
  isRefused,
  type Operation,
  REFUSED,
  show,
  textAt,
  type World,
} from "./operation.ts";

const TTLS = [60, 600, 3_600, 172_800] as const;
/** The row of a token goes two days after its end. */
const KEPT_MS = 2 * 86_400_000;

const issue: Operation = {
  weight: 5,
  attempt(world, { a, b, c }) {
    const { model } = world;
    const caller = credentialOf(world, CALLERS, a);
    const contact = choose(
      model.people,
      b % 3 === 0 ? (caller ? model.people.indexOf(caller.person) + 200 : b) : b,
    );
    if (caller === null || contact === null) return null;
    const audience = c % 5 === 0 ? choose(model.people, c) : null;
    return issuing(world, caller, {
      contact,
      audience,
      ttl: TTLS[c % TTLS.length] ?? 60,
      maxUses: 1 + (c % 3),
    });
  },
};

interface Wanted extends Pick<ActionToken, "contact" | "audience" | "maxUses"> {
  readonly ttl: number;
}

export function issuing(world: World, caller: Credential, wanted: Wanted): Attempt {
  const { model, actions } = world;
  const { contact, audience, ttl, maxUses } = wanted;
  const json = {
    action: "addContact",
    payload: { contact_id: contact.id },
    ttl,
    max_uses: maxUses,
    ...(audience !== null && { audience: audience.id }),
  };
  return {
    label: `${caller.name} of ${caller.person.name} issues ${maxUses} uses of ${contact.name}${audience ? ` for ${audience.name}` : ""}`,
    sent: { method: "POST", path: "/api/generate-action-token", headers: show(caller), json },
    statuses: [200, 401, 422, ...REFUSED],
    end(answer, span) {
      if (answer === null) return;
      if (answer.status === 401) return model.check(caller, "no", span, true);
      if (isRefused(answer)) return checkRefused(caller, span);
      if (answer.status === 422) {
        const named = audience === null ? [contact] : [contact, audience];
        if (named.every(model.isThere))
          throw new Violation("a token for people who are there was refused");
        return;
      }
      model.check(caller, "yes", span, true);
      mustBeThere(model, contact, span);
      const secret = textAt(answer, "token", "token");
      const id = textAt(answer, "token", "id");
      const earliestMs = Date.parse(textAt(answer, "token", "expires_at"));
      checkMade("an action token", caller, earliestMs, span);
      const issuer = caller.person;
      const parents = derivedFrom(caller);
      const credential = model.create(
        { kind: "action", person: issuer, secret, id, earliestMs, parents, from: caller },
        span,
      );
      const token = {
        credential,
        issuer,
        contact,
        audience,
        maxUses,
        receipts: new Set<string>(),
        open: 0,
      };
      actions.tokens.push(token);
    },
  };
}

function mustBeThere({ isGone }: World["model"], person: Person, span: Span): void {
  if (isGone(person, span)) throw new Violation(`${person.name} is gone, and was taken for there`);
}

const run: Operation = {
  weight: 9,
  attempt(world, { a, b, c }) {
    const token = choose(world.actions.tokens, a);
    if (token === null) return null;
    const caller = b % 3 === 0 ? null : credentialOf(world, CALLERS, b);
    // A small set of keys, so that one is used for two tokens now and then.
    const key = c % 2 === 0 ? null : `key-${c % 8 < 5 ? world.fresh() : c % 3}`;
    return running(world, { token, caller, key });
  },
};

/** As a client does that never saw the answer. */
const runAgain: Operation = {
  weight: 4,
  attempt(world, { a }) {
    const again = choose(world.actions.runs, a);
    return again === null ? null : running(world, again);
  },
};

const boundKey = ({ token, caller, key }: Run): string | null =>
  key === null ? null : `${caller === null ? token.credential.name : caller.person.name} ${key}`;

export function running(world: World, what: Run): Attempt {
  const { token, caller, key } = what;
  const { model, actions } = world;
  const bound = boundKey(what);
  const keyBefore = bound === null ? undefined : actions.byKey.get(bound);
  const isFirst = bound === null || actions.runs.every((each) => boundKey(each) !== bound);
  const runner = caller?.person ?? token.issuer;
  return {
    label: `run ${token.credential.name} by ${caller?.name ?? "nobody"}${key ? ` with ${key}` : ""}`,
    sent: {
      method: "POST",
      path: "/api/run-action-token",
      headers: { ...(caller && show(caller)), ...(key !== null && { "idempotency-key": key }) },
      json: { token: token.credential.secret },
    },
    statuses: [200, 401, 422],
    once: true,
    begin() {
      token.open += 1;
      actions.runs.push(what);
    },
    end(answer, span) {
      if (answer === null) return;
      token.open -= 1;
      if (answer.status === 401) {
        if (caller === null) throw new Violation("a caller is missing, where none is needed");
        return model.check(caller, "no", span, true);
      }
      if (caller !== null && answer.status === 200)
        model.check(caller, "yes", span, keyBefore === undefined);
      if (answer.status === 200) granted(world, what, runner, bound, isFirst, answer, span);
      else refused(world, what, runner, keyBefore, answer, span);
    },
  };
}

function granted(
  { model, actions }: World,
  { token }: Run,
  runner: Person,
  bound: string | null,
  isFirst: boolean,
  answer: Answered,
  span: Span,
): void {
  const id = textAt(answer, "receipt", "id");
  const name = token.credential.name;
  if (textAt(answer, "receipt", "run_by") !== runner.id)
    throw new Violation(`${name} ran for another`);
  const owner = actions.receiptOwner.get(id);
  if (owner !== undefined && owner !== token) throw new Violation(`one receipt of two tokens`);
  const known = bound === null ? undefined : actions.byKey.get(bound);
  if (known !== undefined && known.receipt !== id && !mayBeTakenOver(runner))
    throw new Violation(`${bound}: two receipts of ${name}`);
  if (owner !== undefined && bound === null)
    throw new Violation(`${name}: one receipt for two runs`);
  actions.receiptOwner.set(id, token);
  token.receipts.add(id);
  actions.links.push({ of: runner, to: token.contact, bornTick: span.endTick });
  if (at(answer, "data", "mutual") === true) {
    actions.links.push({ of: token.contact, to: runner, bornTick: span.endTick });
  }
  if (bound !== null) actions.byKey.set(bound, { receipt: id, token });
  if (token.receipts.size > token.maxUses)
    throw new Violation(`${name} ran more often than it may`);
  if (token.audience !== null && token.audience !== runner)
    throw new Violation(`${name} ran for who is not its audience`);
  if (token.contact === runner) throw new Violation(`${name} made a user their own contact`);
  // The first run of a key may be an earlier request that was thought lost.
  if (!isFirst) return;
  model.check(token.credential, "yes", span, true);
  for (const each of [token.issuer, token.contact, runner]) mustBeThere(model, each, span);
}

/** Each reason, and whether it can be true. */
const REASONS: Readonly<
  Record<string, (world: World, token: ActionToken, runner: Person, span: Span) => boolean>
> = {
  unknown: (_, { credential }, __, { sentMs }) =>
    sentMs >= credential.expires.earliestMs + KEPT_MS - MAX_SKEW_MS,
  expired: (_, { credential }, __, { sentMs }) => sentMs >= lowOf(credential) - MAX_SKEW_MS,
  used: (_, token) => token.receipts.size + token.open >= token.maxUses,
  revoked: ({ model }, { credential }, runner) =>
    credential.possible.size > 0 ||
    credential.revokedMs < Number.POSITIVE_INFINITY ||
    !model.isThere(runner),
  audience: (_, { audience }, runner) => audience !== null && audience !== runner,
  rejected: ({ model }, { contact }, runner) => contact === runner || !model.isThere(contact),
};

function refused(
  world: World,
  { token, caller, key }: Run,
  runner: Person,
  before: { readonly receipt: string; readonly token: ActionToken } | undefined,
  answer: Answered,
  span: Span,
): void {
  const reason = at(answer, "reason");
  const { name, expires } = token.credential;
  if (reason === undefined) {
    // Idempotency-Key: of another token's run or another caller's, or of one that may be.
    const others = world.actions.runs.some(
      (each) =>
        each.key === key && (each.token !== token || each.caller?.person !== caller?.person),
    );
    if (!others) throw new Violation(`${name}: a key of another request, where there is none`);
    return;
  }
  if (before?.token === token && span.sentMs < expires.earliestMs + KEPT_MS - MAX_SKEW_MS) {
    // Deleting an account deletes the keys of its runs; none of them can run again.
    if (world.model.isThere(runner) && !mayBeTakenOver(runner)) {
      throw new Violation(`${name}: the repeat of a run that was granted was refused as ${reason}`);
    }
  }
  if (REASONS[String(reason)]?.(world, token, runner, span) !== true) {
    throw new Violation(`${name} was refused as ${reason}, which it is not`);
  }
}

const endAction: Operation = {
  weight: 2,
  attempt(world, { a, b }) {
    const token = choose(world.actions.tokens, a);
    const caller = token && credentialOf(world, CALLERS, b, token.issuer);
    if (token === null || caller === null) return null;
    const { model } = world;
    const { credential } = token;
    let revoker: Revoker | null = null;
    return {
      label: `end ${credential.name} by ${caller.name}`,
      sent: {
        method: "DELETE",
        path: `/api/action-tokens/${credential.id}`,
        headers: show(caller),
      },
      statuses: [204, 401, 404],
      begin(span) {
        const ends = revokedWith(credential);
        revoker = model.beginEnd(`end of ${credential.name}`, token.issuer, span, ends);
      },
      end(answer, span) {
        conclude(world, revoker, answer, span);
        if (answer === null) return;
        if (answer.status === 401) return model.check(caller, "no", span, true);
        if (answer.status === 404) {
          const used = token.receipts.size + token.open >= token.maxUses;
          if (!used) model.checkAny([caller, credential], span);
          return;
        }
        model.check(caller, "yes", span, true);
        model.check(credential, "yes", span, true);
        model.won(credential, span);
      },
    };
  },
};

export const actionOperations = {
  issue,
  run,
  runAgain,
  endAction,
};
