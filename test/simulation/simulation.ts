import { STALE_LOGINS } from "../../src/core/fault.ts";
import { idAsText, uuid } from "../../src/core/uuid.ts";
import { OTP_CODE } from "../../src/http/refusals.ts";
import { actionBook } from "./action-book.ts";
import { type Credential, type Span, Violation } from "./credential.ts";
import { type Answered, type Edge, edge, ISOLATES, type Setup } from "./edge.ts";
import { count, type Figures } from "./figures.ts";
import { type Model, model } from "./model.ts";
import type { Attempt, Operation, World } from "./operations/operation.ts";
import { idOf } from "./operations/sessions.ts";
import { type Fault, newOrigin, type Origin } from "./scheduler.ts";

/** Where and how a request is sent. */
export interface Sending {
  readonly isolate: number;
  readonly faults: readonly Fault[];
  /** Whether the client never sees the answer. */
  readonly lost: boolean;
  /** Feeds the request's own numbers: its ids, its delays, its place in the order. */
  readonly salt: number;
}

const DEADLINE_MS = 3_000;

/** To be sent again as it was, as long as what it shows is still right. */
interface Unanswered {
  readonly attempt: Attempt;
  readonly emails: string;
}

/** One run: the edge, the model beside it, and the requests on their way. */
export interface Simulation extends World {
  readonly edge: Edge;
  readonly model: Model;
  readonly figures: Figures;
  /** Sessions whose creation was moved into the past. */
  readonly aged: Set<Credential>;
  /** Requests of which nobody knows whether they happened. */
  readonly unanswered: readonly Unanswered[];
  /** All that passwords are shown with. */
  emails(): string;
  /** What was done and answered, one line each. */
  readonly scenario: string[];
  /** Sends it and returns; the answer comes as the scheduler has it. */
  start(attempt: Attempt, sending: Sending): void;
  /** Until all requests are answered. @throws Violation */
  settle(): Promise<void>;
  /** A number of choices. @throws Violation */
  steps(most: number): Promise<void>;
  pass(ms: number): Promise<void>;
  /** An operator's new version, in one isolate or, without a number, in all. */
  deploy(which: 0 | 1, isolate?: number): void;
  setSkew(isolate: number, skewMs: number): void;
  housekeeping(sending: Sending): Promise<void>;
  /** The operation's request, started and answered. */
  perform(operation: Attempt | null, sending: Sending): Promise<void>;
}

export type { Operation };

export function simulation(setup: Setup, figures: Figures): Simulation {
  const violations: unknown[] = [];
  const senders = new WeakMap<Origin, Attempt>();
  const at = edge(
    setup,
    figures,
    (error) => void violations.push(error),
    (by, mail) => senders.get(by)?.mailed?.(mail, ++ticks),
  );
  const owner = at.database.sqlite.prepare(
    `SELECT ${idAsText("user_id")} AS user_id FROM tokens WHERE id = ?`,
  );
  const { clock, scheduler } = at;
  const startMs = clock.now();
  const scenario: string[] = [];
  const unanswered: Unanswered[] = [];
  let ticks = 0;
  let inFlight = 0;
  let numbers = 0;
  let origins = 0;

  const since = (ms: number) => `${((ms - startMs) / 1000).toFixed(3)} s`;

  /** What holds of every answer, whatever was asked. */
  function checkAnswer(attempt: Attempt, answer: Answered, origin: Origin, span: Span): void {
    const { status, retryAfter } = answer;
    count(figures.statuses, String(status));
    if (status === 503) {
      if (retryAfter === null) throw new Violation("503 without Retry-After");
      const calm = origin.met === 0 && span.endMs - span.sentMs < DEADLINE_MS;
      if (calm && !setup.kvLimitsWrites) throw new Violation("503, and nothing had failed");
      return;
    }
    if (!attempt.statuses.includes(status))
      throw new Violation(`answered ${status} ${answer.text}`);
  }

  async function send(attempt: Attempt, { isolate, faults, lost, salt }: Sending): Promise<void> {
    const version = at.versionOf(isolate);
    const skewMs = at.skewMsOf(isolate);
    const origin = newOrigin(salt, ++origins, faults, skewMs);
    senders.set(origin, attempt);
    const emails = self.emails();
    const sentMs = clock.now();
    const sentTick = ++ticks;
    const sent = { sentMs, sentTick, version, skewMs };
    inFlight += 1;
    const number = scenario.push("") - 1;
    const how = faults.map(({ call, kind }) => ` [call ${call} ${kind}]`).join("");
    const line = `${since(sentMs)} @${isolate} (${version.lagSeconds} s) ${attempt.label}${how}`;
    scenario[number] = `${line} -> …`;
    try {
      attempt.begin?.(sent);
      const answer = await at.send(isolate, attempt.sent, origin);
      const wantsFreshLogin = Object.values(STALE_LOGINS).some(({ message }) =>
        answer.text.includes(message),
      );
      const wantsCode = answer.text.includes(OTP_CODE.code);
      const span = {
        ...sent,
        endMs: clock.now(),
        endTick: ++ticks,
        wantsFreshLogin,
        wantsCode,
      };
      scenario[number] =
        `${line} -> ${answer.status} at ${since(span.endMs)}${lost ? ", answer lost" : ""}`;
      checkAnswer(attempt, answer, origin, span);
      if ((lost || answer.status === 503) && attempt.once !== true)
        unanswered.push({ attempt, emails });
      const known = self.model.credentials.length;
      attempt.end(lost || answer.status === 503 ? null : answer, span);
      const made = self.model.credentials.slice(known).map(({ name }) => name);
      if (made.length > 0) scenario[number] += `: ${made.join(", ")}`;
    } catch (error) {
      violations.push(error);
      scenario[number] += `   <-- ${error}`;
    } finally {
      inFlight -= 1;
    }
  }

  function rethrow(): void {
    if (violations.length > 0) throw violations[0];
  }

  const self: Simulation = {
    edge: at,
    model: model(setup, at.outbox),
    actions: actionBook(),
    figures,
    aged: new Set(),
    unanswered,
    scenario,
    nowMs: clock.now,
    watch: ({ endMs }) => at.outbox.watch(endMs),
    ownerOf: (secret) => String(owner.get(uuid(idOf(secret)))?.user_id),
    fresh: () => ++numbers,
    emails: () => self.model.people.map(({ email }) => email).join(),
    busy: () => inFlight > 0,
    start: (attempt, sending) => void send(attempt, sending),
    async settle() {
      await scheduler.until(() => inFlight === 0 || violations.length > 0);
      rethrow();
    },
    async steps(most) {
      await scheduler.steps(most);
      rethrow();
    },
    async pass(ms) {
      scenario.push(`${since(clock.now())} ${ms / 1000} s pass`);
      await scheduler.pass(ms);
      rethrow();
    },
    deploy(which, isolate) {
      const all = isolate === undefined ? Array.from({ length: ISOLATES }, (_, i) => i) : [isolate];
      for (const each of all) at.deploy(each, which);
      const where = isolate === undefined ? "everywhere" : `@${isolate}`;
      const replicas = setup.replicas[which] ? ", with replicas" : "";
      scenario.push(
        `${since(clock.now())} ${where} a new version, lag ${setup.lags[which]} s${replicas}`,
      );
    },
    setSkew(isolate, skewMs) {
      at.setSkew(isolate, skewMs);
      scenario.push(`${since(clock.now())} @${isolate} the clock is ${skewMs} ms ahead`);
    },
    async housekeeping({ isolate, faults, salt }) {
      const number = scenario.push(`${since(clock.now())} @${isolate} housekeeping -> …`) - 1;
      const origin = newOrigin(salt, ++origins, faults, at.skewMsOf(isolate));
      inFlight += 1;
      const result = at.housekeeping(isolate, origin).then(
        (swept) => {
          scenario[number] =
            `${since(clock.now())} @${isolate} housekeeping: ${JSON.stringify(swept)}`;
        },
        (error) => {
          scenario[number] = `${since(clock.now())} @${isolate} housekeeping failed`;
          if (origin.met === 0 && !setup.kvLimitsWrites) violations.push(error);
        },
      );
      void result.finally(() => {
        inFlight -= 1;
      });
      await self.settle();
    },
    async perform(attempt, sending) {
      if (attempt === null) return;
      self.start(attempt, sending);
      await self.settle();
    },
  };
  return self;
}
