import {
  type Credential,
  type Ender,
  type Person,
  type Span,
  stands,
  Violation,
} from "./credential.ts";
import type { Setup } from "./edge.ts";
import { LONGEST_DELAY_MS } from "./scheduler.ts";

/**
 * What the clients know, and what must hold of it. A request answered 2xx happened, one refused
 * did not, and one answered 503 (or whose answer was lost) may have: the model keeps both.
 */

/** An answer is at most so long after what it asked for; whatever comes later was cut off. */
const REQUEST_MS = 15_000;
const SETTLED_AFTER_MS = LONGEST_DELAY_MS + REQUEST_MS;

export type Verdict = "yes" | "no";

export function model(setup: Setup) {
  const { promiseSeconds, kvLagSeconds } = setup;
  const kvAnswers = promiseSeconds >= 60;
  /**
   * The promise. At 60 and more it counts on KV's documented 60 seconds; where this run's KV takes
   * longer than those, the promise is longer by as much.
   */
  const slackMs =
    (kvAnswers ? promiseSeconds - 60 + Math.max(60, kvLagSeconds) : promiseSeconds) * 1000;

  const people: Person[] = [];
  const credentials: Credential[] = [];
  const enders: Ender[] = [];
  /** Who was asked to be deleted, by which request. */
  const leaving: { readonly person: Person; readonly ender: Ender }[] = [];

  const mayStillTakeHold = (
    ender: Ender,
    { sentMs, sentTick }: Pick<Span, "sentMs" | "sentTick">,
  ) =>
    ender.state === "in flight" ||
    (ender.state === "done" && ender.endTick > sentTick) ||
    (ender.state === "unsure" && sentMs <= ender.endMs + SETTLED_AFTER_MS);

  function end(credential: Credential, by: Ender): void {
    credential.endedBy.add(by);
    credential.maybe.delete(by);
    credential.endedMs = Math.min(credential.endedMs, by.endMs);
    credential.endedTick = Math.min(credential.endedTick, by.endTick);
  }

  return {
    setup,
    slackMs,
    kvAnswers,
    people,
    credentials,
    enders,
    leaving,

    /** False where the person was, or may have been, deleted. */
    isThere: (person: Person): boolean =>
      leaving.every((each) => each.person !== person || each.ender.state === "void"),
    isGone: (person: Person, { sentTick }: Pick<Span, "sentTick">): boolean =>
      leaving.some(
        ({ person: who, ender }) =>
          who === person && ender.state === "done" && ender.endTick < sentTick,
      ),

    /** A refusal that may be for the sake of any of these. */
    judgeAny(all: readonly Credential[], span: Span): void {
      if (!all.every((each) => stands(each, span))) return;
      const names = all.map(({ name }) => name).join(" and ");
      throw new Violation(`refused, though ${names} stand${all.length > 1 ? "" : "s"}`);
    },

    /** A list of D1's own. */
    judgeListed(credential: Credential, isListed: boolean, span: Span): void {
      const { name, bornTick, endedTick, expires } = credential;
      if (!isListed && bornTick < span.sentTick && stands(credential, span)) {
        throw new Violation(`${name} stands, and is not listed`);
      }
      if (isListed && (endedTick < span.sentTick || span.sentMs >= expires.highMs)) {
        throw new Violation(`${name} was ended or has expired, and is listed`);
      }
    },

    /** A credential that an answer told of. `from` is what it was got with, where nothing was written. */
    create(
      what: Pick<Credential, "kind" | "person" | "secret" | "id"> & {
        behind?: readonly Credential[];
        lowMs?: number;
        highMs?: number;
        from?: Credential;
        sure?: boolean;
      },
      span: Span,
    ): Credential {
      const { behind = [], from, sure = true, ...rest } = what;
      const endless = Number.POSITIVE_INFINITY;
      const lowMs = what.lowMs ?? endless;
      const credential: Credential = {
        kind: rest.kind,
        person: rest.person,
        secret: rest.secret,
        id: rest.id,
        name: `${rest.kind}${credentials.filter(({ kind }) => kind === rest.kind).length}`,
        behind,
        bornTick: span.endTick,
        expires: { lowMs, highMs: what.highMs ?? lowMs },
        staleEnd: null,
        sure,
        endedBy: new Set(),
        endedMs: endless,
        endedTick: endless,
        maybe: new Set(),
        wins: 0,
      };
      for (const ender of enders) {
        if (ender.state === "void" || !ender.ends(credential)) continue;
        const ancestors = ender.ofEpoch && from !== undefined ? [...behind, from] : behind;
        if (ancestors.some((each) => each.endedBy.has(ender))) end(credential, ender);
        else if (
          mayStillTakeHold(ender, span) ||
          ancestors.some((each) => each.maybe.has(ender)) ||
          // Spared itself, it may have been read as it was before.
          (from !== undefined && ender.ofEpoch && span.sentMs <= ender.endMs + slackMs)
        ) {
          credential.maybe.add(ender);
        }
      }
      credentials.push(credential);
      return credential;
    },

    forget(which: (credential: Credential) => boolean): void {
      const index = credentials.findIndex(which);
      if (index !== -1) credentials.splice(index, 1);
    },

    /** To be called when the request is sent. */
    beginEnd(
      name: string,
      person: Person,
      span: Pick<Span, "sentMs" | "sentTick">,
      ends: (credential: Credential) => boolean,
      ofEpoch = false,
    ): Ender {
      const ender: Ender = {
        name,
        person,
        ...span,
        state: "in flight",
        endMs: 0,
        endTick: 0,
        ofEpoch,
        ends: (credential) => credential.person === person && ends(credential),
      };
      enders.push(ender);
      for (const each of credentials) if (ender.ends(each)) each.maybe.add(ender);
      return ender;
    },

    finishEnd(ender: Ender, state: "done" | "void" | "unsure", span: Span): void {
      ender.state = state;
      ender.endMs = span.endMs;
      ender.endTick = span.endTick;
      for (const each of credentials) {
        if (state === "void") each.maybe.delete(ender);
        if (state === "done" && ender.ends(each) && each.bornTick < ender.sentTick)
          end(each, ender);
      }
    },

    /** A thing that can be ended once was ended: the second winner is one too many. */
    won(credential: Credential): void {
      credential.wins += 1;
      if (credential.wins > 1) throw new Violation(`${credential.name} was ended twice`);
    },

    /** An end that was moved: known for certain only if nothing else was moving it. */
    moveEnd(credential: Credential, toMs: number, alone: boolean, span: Span): void {
      const { lowMs, highMs } = credential.expires;
      if (!alone) {
        credential.expires = { lowMs: Math.min(lowMs, toMs), highMs: Math.max(highMs, toMs) };
        return;
      }
      if (toMs < highMs) credential.staleEnd = { ms: highMs, untilMs: span.endMs + slackMs };
      credential.expires = { lowMs: toMs, highMs: toMs };
    },

    /**
     * Whether this verdict on a credential can be.
     * @param strict where D1 decides at that very instant, whatever the promise
     */
    judge(credential: Credential, verdict: Verdict, span: Span, strict: boolean): void {
      const { name, expires, staleEnd, maybe } = credential;
      const { sentMs, sentTick } = span;
      if (verdict === "no") {
        if (stands(credential, span)) {
          throw new Violation(`${name} was refused, though it stands`);
        }
        // Below 60 every no is D1's own, and for good: nothing that was ended comes back.
        if (!kvAnswers && credential.sure && sentMs < expires.lowMs) {
          credential.endedMs = Math.min(credential.endedMs, span.endMs);
          credential.endedTick = Math.min(credential.endedTick, span.endTick);
        }
        return;
      }
      const ended = strict
        ? credential.endedTick < sentTick
        : credential.endedMs + slackMs < sentMs;
      if (ended) {
        const by = [...credential.endedBy].map((each) => each.name).join(", ") || "an earlier no";
        const since = (sentMs - credential.endedMs) / 1000;
        throw new Violation(`${name} was accepted ${since} s after its end by ${by}`);
      }
      const stillStale = !strict && staleEnd !== null && sentMs <= staleEnd.untilMs;
      if (sentMs >= (stillStale ? Math.max(staleEnd.ms, expires.highMs) : expires.highMs)) {
        throw new Violation(`${name} was accepted after it had expired`);
      }
      credential.sure = true;
      for (const ender of maybe) {
        const settledMs = ender.endMs + (ender.state === "unsure" ? SETTLED_AFTER_MS : 0);
        if (ender.state !== "in flight" && settledMs + (strict ? 0 : slackMs) < sentMs) {
          // At 60 and more a mark may still be owed: KV does not know of the end yet.
          if (ender.state === "done" || !kvAnswers || strict) maybe.delete(ender);
        }
      }
    },
  };
}

export type Model = ReturnType<typeof model>;
