import {
  bounds,
  type Chain,
  type Credential,
  type Revoker,
  type Fact,
  highOf,
  KV_ANSWERS_FROM_SECONDS,
  lowOf,
  MAX_SKEW_MS,
  type Person,
  type SentAt,
  type Span,
  isActive,
  Violation,
} from "./credential.ts";
import type { Setup } from "./edge.ts";
import type { Outbox } from "./outbox.ts";
import { LONGEST_DELAY_MS } from "./scheduler.ts";

/**
 * What the clients know, and what must hold of it. A request answered 2xx happened, one refused
 * did not, and one answered 503 (or whose answer was lost) may have: the model keeps both.
 */

/** An answer is at most so long after what it asked for; whatever comes later was cut off. */
const REQUEST_MS = 15_000;
export const SETTLED_AFTER_MS = LONGEST_DELAY_MS + REQUEST_MS;

/** From this lag on replicas are asked; one that failed is left alone for so long. */
const REPLICAS_FROM_SECONDS = 5;
const REST_MS = 30_000;

/** An isolate's clock may go from the one end of what is allowed to the other. */
const SKEW_MS = 2 * MAX_SKEW_MS;

export type Verdict = "yes" | "no";

export const readsFromKv = ({ version }: Pick<Span, "version">): boolean =>
  version.lagSeconds >= KV_ANSWERS_FROM_SECONDS;

export function model(setup: Setup, outbox: Outbox) {
  const kvLagMs = setup.kvLagSeconds * 1000;

  const people: Person[] = [];
  const credentials: Credential[] = [];
  const revokers: Revoker[] = [];
  /** Who was asked to be deleted, by which request. */
  const leaving: { readonly person: Person; readonly revoker: Revoker }[] = [];

  /**
   * Until when this isolate may still go by what was before. Below 60 it asks D1, and trusts its
   * own memory for the lag. At 60 and more it also goes by KV, which sees a tombstone within its
   * lag once it was told of it; with replicas, only after D1 failed. A replica may be as old as the
   * lag, whenever the isolate began. A JWT that lives no longer than the lag is not asked about.
   */
  function mayBeStaleUntil(
    { endMs, toldMs }: Fact,
    { version, sentMs }: Pick<Span, "version" | "sentMs">,
    credential?: Credential,
  ): number {
    const { lagSeconds, startedMs, failed } = version;
    const fromReplicas = version.readsReplicas && lagSeconds >= REPLICAS_FROM_SECONDS;
    const kvTtlMs = (lagSeconds - KV_ANSWERS_FROM_SECONDS) * 1000;
    const hasFailed = sentMs <= failed.atMs + REST_MS + REQUEST_MS + SKEW_MS + kvTtlMs;
    const fromKv = kvTtlMs >= 0 && (!fromReplicas || hasFailed);
    const knownMs = fromKv ? toldMs + kvLagMs : endMs;
    const cacheTtlMs = fromKv ? kvTtlMs : lagSeconds * 1000;
    const asOfOld =
      startedMs > knownMs ? knownMs : knownMs + cacheTtlMs + (cacheTtlMs > 0 ? SKEW_MS : 0);
    const proven = endMs + lagSeconds * 1000 + (startedMs > endMs ? 0 : SKEW_MS);
    const asked = fromReplicas ? Math.max(asOfOld, proven) : asOfOld;
    const isAsked = credential === undefined || credential.lifeMs > lagSeconds * 1000;
    return isAsked ? asked : Math.max(asked, credential.expires.latestMs + MAX_SKEW_MS);
  }

  const mayStillTakeHold = (
    revoker: Revoker,
    { sentMs, sentTick }: Pick<Span, "sentMs" | "sentTick">,
  ) =>
    revoker.state === "in flight" ||
    (revoker.state === "done" && revoker.endTick > sentTick) ||
    (revoker.state === "unsure" && sentMs <= revoker.endMs + SETTLED_AFTER_MS);

  function end(credential: Credential, by: Revoker): void {
    credential.revokedBy.add(by);
    credential.possible.delete(by);
    if (by.fact !== null) credential.facts.push(by.fact);
    credential.revokedMs = Math.min(credential.revokedMs, by.endMs);
    credential.revokedTick = Math.min(credential.revokedTick, by.endTick);
  }

  /** At 60 and more KV was told before the answer; below, as soon as the rows there are have gone. */
  function factOf(span: Span): Fact {
    return readsFromKv(span) ? { endMs: span.endMs, toldMs: span.endMs } : outbox.watch(span.endMs);
  }

  /** A refusal for another reason than the credential. @throws Violation for one that there cannot be */
  function isExcused({ kind, person }: Credential, span: Span): boolean {
    if (span.wantsCode && person.factor.during(span).every((factor) => factor === null)) {
      throw new Violation(`${person.name} was asked for a code, and has no second factor`);
    }
    const isOther = (email: string) => email !== person.email;
    return (
      span.wantsFreshLogin ||
      span.wantsCode ||
      (kind === "password" && person.emails.during(span).some(isOther))
    );
  }

  return {
    setup,
    mayBeStaleUntil,
    factOf,
    people,
    credentials,
    revokers,
    leaving,

    /** False where the person was, or may have been, deleted. */
    isThere: (person: Person): boolean =>
      leaving.every((each) => each.person !== person || each.revoker.state === "void"),
    isGone: (person: Person, { sentTick }: Pick<Span, "sentTick">): boolean =>
      leaving.some(
        ({ person: who, revoker }) =>
          who === person && revoker.state === "done" && revoker.endTick < sentTick,
      ),

    /** A refusal that may be for the sake of any of these. */
    checkAny(all: readonly Credential[], span: Span): void {
      if (all.some((each) => isExcused(each, span)) || !all.every((each) => isActive(each, span)))
        return;
      const names = all.map(({ name }) => name).join(" and ");
      throw new Violation(`refused, though ${names} stand${all.length > 1 ? "" : "s"}`);
    },

    /** A list of D1's own. */
    checkListed(credential: Credential, isListed: boolean, span: Span): void {
      const { name, bornTick, revokedTick } = credential;
      if (!isListed && bornTick < span.sentTick && isActive(credential, span)) {
        throw new Violation(`${name} is active, and is not listed`);
      }
      if (
        isListed &&
        (revokedTick < span.sentTick || span.sentMs >= highOf(credential) + MAX_SKEW_MS)
      ) {
        throw new Violation(`${name} was ended or has expired, and is listed`);
      }
    },

    /** A credential that an answer told of. `from` is what it was got with, where nothing was written. */
    create(
      what: Pick<Credential, "kind" | "person" | "secret" | "id"> & {
        parents?: readonly Credential[];
        chain?: Chain | null;
        boundMs?: number;
        earliestMs?: number;
        latestMs?: number;
        lifeMs?: number;
        from?: Credential;
        certain?: boolean;
        /** Which does not end it, whatever it ends of what is behind it. */
        except?: Revoker | null;
      },
      span: Span,
    ): Credential {
      const { parents = [], from, certain = true, ...rest } = what;
      const endless = Number.POSITIVE_INFINITY;
      const earliestMs = what.earliestMs ?? endless;
      const credential: Credential = {
        kind: rest.kind,
        person: rest.person,
        secret: rest.secret,
        id: rest.id,
        name: `${rest.kind}${credentials.filter(({ kind }) => kind === rest.kind).length}`,
        parents,
        chain: what.chain ?? null,
        boundMs: what.boundMs ?? endless,
        bornTick: span.endTick,
        lifeMs: what.lifeMs ?? endless,
        expires: { earliestMs, latestMs: what.latestMs ?? earliestMs },
        staleEnds: [],
        replacedTick: null,
        mayBeReplaced: false,
        certain,
        revokedBy: new Set(),
        facts: [],
        revokedMs: endless,
        revokedTick: endless,
        possible: new Set(),
        wins: 0,
      };
      for (const revoker of revokers) {
        if (revoker === what.except) continue;
        // What it was got with came after that, although what is behind both did not.
        const isLater = from !== undefined && revoker.endTick <= from.bornTick;
        const isOfIt = from?.revokedBy.has(revoker) || from?.possible.has(revoker);
        if (revoker.state === "done" && isLater && !isOfIt) continue;
        if (revoker.state === "void" || !revoker.ends(credential)) continue;
        // A token that a new password spares is good, although what is behind it has ended.
        const isSpared = from !== undefined && !revoker.ends(from);
        const ancestors = from === undefined ? parents : isSpared ? [from] : [...parents, from];
        if (ancestors.some((each) => each.revokedBy.has(revoker))) end(credential, revoker);
        else if (
          mayStillTakeHold(revoker, span) ||
          ancestors.some((each) => each.possible.has(revoker)) ||
          // Spared itself, it may have been read as it was before.
          (from !== undefined &&
            revoker.ofCredentialVersion &&
            span.sentMs <= mayBeStaleUntil({ endMs: revoker.endMs, toldMs: revoker.endMs }, span))
        ) {
          credential.possible.add(revoker);
        }
      }
      credentials.push(credential);
      return credential;
    },

    /** What was given under one version of the credentials does not work under the next. */
    checkVersion(
      person: Person,
      given: { readonly name: string; readonly sentTick: number },
      span: Span,
    ): void {
      const by = revokers.find(
        (each) =>
          each.ofCredentialVersion &&
          each.person === person &&
          each.state === "done" &&
          each.sentTick > given.sentTick &&
          each.endTick < span.sentTick,
      );
      if (by !== undefined) throw new Violation(`${given.name} worked after ${by.name}`);
    },

    forget(which: (credential: Credential) => boolean): void {
      const index = credentials.findIndex(which);
      if (index !== -1) credentials.splice(index, 1);
    },

    /** To be called when the request is sent. */
    beginEnd(
      name: string,
      person: Person,
      { sentMs, sentTick }: SentAt,
      ends: (credential: Credential) => boolean,
      ofCredentialVersion = false,
    ): Revoker {
      const revoker: Revoker = {
        name,
        person,
        sentMs,
        sentTick,
        state: "in flight",
        endMs: 0,
        endTick: 0,
        fact: null,
        ofCredentialVersion,
        ends: (credential) => credential.person === person && ends(credential),
      };
      revokers.push(revoker);
      for (const each of credentials) if (revoker.ends(each)) each.possible.add(revoker);
      return revoker;
    },

    /** @param fact where it is another than what such an answer says */
    finishEnd(revoker: Revoker, state: "done" | "void" | "unsure", span: Span, fact?: Fact): void {
      revoker.state = state;
      revoker.endMs = span.endMs;
      revoker.endTick = span.endTick;
      if (state === "done") revoker.fact = fact ?? factOf(span);
      for (const each of credentials) {
        if (state === "void") each.possible.delete(revoker);
        if (state === "done" && revoker.ends(each) && each.bornTick < revoker.sentTick)
          end(each, revoker);
      }
    },

    /** A thing that can be ended once was ended: the second winner is one too many. */
    won(credential: Credential, { sentTick }: Pick<Span, "sentTick">): void {
      credential.wins += 1;
      if (credential.wins > 1) throw new Violation(`${credential.name} was ended twice`);
      const before = [...credential.revokedBy].find((each) => each.endTick < sentTick);
      if (before !== undefined) {
        throw new Violation(`${credential.name} was ended by ${before.name}, and then once more`);
      }
    },

    /** An end that was moved: known for certain only if nothing else was moving it. */
    moveEnd(credential: Credential, toMs: number, alone: boolean, span: Span): void {
      const { earliestMs, latestMs } = credential.expires;
      if (!alone) {
        credential.expires = {
          earliestMs: Math.min(earliestMs, toMs),
          latestMs: Math.max(latestMs, toMs),
        };
        return;
      }
      if (toMs < latestMs) credential.staleEnds.push({ ms: latestMs, fact: factOf(span) });
      credential.expires = { earliestMs: toMs, latestMs: toMs };
    },

    /**
     * Whether this verdict on a credential can be.
     * @param strict where D1 decides at that very instant, whatever the lag
     * @param alone whether it was all that was shown, to log in
     */
    check(
      credential: Credential,
      verdict: Verdict,
      span: Span,
      strict: boolean,
      alone = credential.kind === "password",
    ): void {
      const { name, possible } = credential;
      const { sentMs, sentTick } = span;
      if (verdict === "no") {
        if (isExcused(credential, span)) return;
        if (isActive(credential, span)) {
          throw new Violation(`${name} was refused, though it is active`);
        }
        // Below 60 every no is D1's own, and for good: nothing that was ended comes back.
        const hasExpired = sentMs >= lowOf(credential) - MAX_SKEW_MS;
        if (!readsFromKv(span) && credential.certain && !hasExpired && possible.size > 0) {
          credential.facts.push(factOf(span));
          credential.revokedMs = Math.min(credential.revokedMs, span.endMs);
          credential.revokedTick = Math.min(credential.revokedTick, span.endTick);
        }
        return;
      }
      if (alone && !credential.person.factor.during(span).includes(null)) {
        throw new Violation(`${name} logged in without the second factor`);
      }
      const isOver = strict
        ? credential.revokedTick < sentTick
        : credential.facts.some((fact) => mayBeStaleUntil(fact, span, credential) < sentMs);
      if (isOver) {
        const by = [...credential.revokedBy].map((each) => each.name).join(", ") || "an earlier no";
        const since = (sentMs - credential.revokedMs) / 1000;
        throw new Violation(`${name} was accepted ${since} s after its end by ${by}`);
      }
      for (const each of [credential, ...credential.parents.filter(bounds)]) {
        const { expires, staleEnds } = each;
        const stale = staleEnds.filter(
          ({ fact }) => !strict && sentMs <= mayBeStaleUntil(fact, span, credential),
        );
        const latestMs = Math.max(expires.latestMs, ...stale.map(({ ms }) => ms));
        if (sentMs < latestMs + MAX_SKEW_MS) continue;
        const what = each === credential ? "it" : `${each.name} behind it`;
        throw new Violation(`${name} was accepted after ${what} had expired`);
      }
      credential.certain = true;
      for (const revoker of possible) {
        if (revoker.state === "in flight") continue;
        const settledMs = revoker.endMs + (revoker.state === "unsure" ? SETTLED_AFTER_MS : 0);
        // At 60 and more a tombstone may still be pending: KV does not know of the end yet.
        const toldMs = revoker.fact?.toldMs ?? Number.POSITIVE_INFINITY;
        const fact = { endMs: settledMs, toldMs };
        if ((strict ? settledMs : mayBeStaleUntil(fact, span, credential)) < sentMs) {
          possible.delete(revoker);
        }
      }
    },
  };
}

export type Model = ReturnType<typeof model>;
