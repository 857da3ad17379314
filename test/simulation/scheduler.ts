import { AsyncLocalStorage } from "node:async_hooks";
import type { Clock } from "./clock.ts";
import { count, type Figures } from "./figures.ts";
import { type Random, random } from "./random.ts";
import type { Through } from "./sqlite-d1.ts";

/**
 * What may go wrong with one call to a store:
 * slow    both ways take their time, within the deadline as a rule
 * fails   before it takes hold
 * lost    it takes hold, and its answer is an error
 * hangs   it neither takes hold nor answers
 * late    it takes hold, and only after everybody has given up on it
 * limited KV answers 429; as `fails` for D1
 */
export const FAULTS = ["slow", "fails", "lost", "hangs", "late", "limited"] as const;
export type FaultKind = (typeof FAULTS)[number];

export interface Fault {
  /** Which of the request's calls to a store, from 0. */
  readonly call: number;
  readonly kind: FaultKind;
}

/** After so long nothing that was asked for can take hold any more. */
export const LONGEST_DELAY_MS = 30_000;
const LATE_FROM_MS = 3_100;
const SLOW_MS = 1_600;

/** One request, or one run of housekeeping: whose call to a store it is, follows it through awaits. */
export interface Origin {
  /** Its delays, and its place in the order. */
  readonly random: Random;
  /** Its ids and secrets, which nobody else may draw again. */
  readonly ids: Random;
  readonly faults: readonly Fault[];
  /** How far the clock of the isolate that does it is ahead. */
  readonly skewMs: number;
  calls: number;
  /** What of `faults` it met. */
  met: number;
}

export const newOrigin = (
  salt: number,
  number: number,
  faults: readonly Fault[],
  skewMs = 0,
): Origin => ({
  random: random(salt),
  ids: random(Math.imul(salt, 31) ^ Math.imul(number, 0x9e3779b1)),
  faults,
  skewMs,
  calls: 0,
  met: 0,
});

interface Task {
  readonly priority: number;
  readonly run: () => void;
}

export interface Scheduler {
  /** Runs `work` as this origin's. */
  within<T>(origin: Origin, work: () => T): T;
  origin(): Origin;
  /** A way to a store: `store` names it in the trace. */
  through(store: "KV" | "D1"): Through;
  /** Makes choices until `isDone`, and moves the clock where nothing else is left to do. */
  until(isDone: () => boolean): Promise<void>;
  /** Makes at most so many choices, without moving the clock to a timer. */
  steps(most: number): Promise<void>;
  /** Lets so much time pass, and all that happens in it. */
  pass(ms: number): Promise<void>;
  /** What was chosen, one line each; the same for the same seed. */
  readonly trace: string[];
}

/** How many empty turns of the event loop mean that a request waits for nothing that will come. */
const STUCK_AFTER = 2_000;

/**
 * Every call to a store is two tasks: it takes hold, and its answer arrives. Of the tasks that are
 * ready one runs at a time, by a priority drawn from its own request's numbers, so that taking a
 * request out of a scenario changes little for the others; then everything runs on to its next await.
 */
export function scheduler(clock: Clock, nobody: Origin, figures: Figures): Scheduler {
  const ready: Task[] = [];
  const trace: string[] = [];
  const origins = new AsyncLocalStorage<Origin>();
  const origin = () => origins.getStore() ?? nobody;

  function enqueue(by: Origin, label: string, run: () => void, delayMs = 0): void {
    const priority = by.random.next();
    const task = {
      priority,
      run() {
        trace.push(label);
        run();
      },
    };
    if (delayMs > 0) clock.after(delayMs, () => ready.push(task));
    else ready.push(task);
  }

  function meet(by: Origin, call: number): FaultKind | null {
    const fault = by.faults.find((each) => each.call === call);
    if (fault === undefined) return null;
    by.met += 1;
    return fault.kind;
  }

  function through<T>(store: "KV" | "D1", what: string, work: () => T): Promise<T> {
    const by = origin();
    const call = by.calls++;
    const fault = meet(by, call);
    if (fault !== null) count(figures.faults, `${store} ${fault}`);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const label = `${store} ${what}`;
    const broken = new Error(
      fault === "limited" && store === "KV"
        ? "KV PUT failed: 429 Too Many Requests"
        : `${store}_ERROR: Network connection lost.`,
    );
    const takeHold = () => {
      let answer: () => void;
      try {
        const result = work();
        answer = () => (fault === "lost" ? reject(broken) : resolve(result));
      } catch (error) {
        answer = () => reject(error);
      }
      enqueue(by, `${label} answers`, answer, fault === "slow" ? by.random.int(SLOW_MS) : 0);
    };
    switch (fault) {
      case "hangs":
        break;
      case "fails":
      case "limited":
        enqueue(by, `${label} fails`, () => reject(broken));
        break;
      case "late": {
        const delayMs = LATE_FROM_MS + by.random.int(LONGEST_DELAY_MS - LATE_FROM_MS);
        enqueue(by, `${label} late`, takeHold, delayMs);
        break;
      }
      default:
        enqueue(by, label, takeHold, fault === "slow" ? by.random.int(SLOW_MS) : 0);
    }
    return promise;
  }

  /** Everything runs on to its next await: one turn of the real event loop. */
  const drain = () => new Promise<void>((resolve) => setImmediate(resolve));

  function choose(): void {
    figures.decisions += 1;
    if (ready.length > 1) figures.interleavings += 1;
    let first = 0;
    for (let i = 1; i < ready.length; i++) {
      if ((ready[i]?.priority ?? 1) < (ready[first]?.priority ?? 1)) first = i;
    }
    const [task] = ready.splice(first, 1);
    if (task === undefined) return;
    // Most calls take no time that a clock in milliseconds would show.
    const draw = Math.floor(task.priority * 4_096) % 16;
    if (draw < 4) clock.tick(draw);
    task.run();
  }

  return {
    trace,
    origin,
    within: (by, work) => origins.run(by, work),
    through: (store) => (what, work) => through(store, what, work),

    async until(isDone) {
      let idle = 0;
      await drain();
      while (!isDone()) {
        if (ready.length > 0) choose();
        else if (clock.fireNext(Number.POSITIVE_INFINITY)) idle = 0;
        else if (++idle > STUCK_AFTER)
          throw new Error("a request waits for nothing that will come");
        await drain();
      }
    },

    async steps(most) {
      await drain();
      for (let step = 0; step < most && ready.length > 0; step++) {
        choose();
        await drain();
      }
    },

    async pass(ms) {
      const untilMs = clock.now() + ms;
      await drain();
      while (ready.length > 0 || clock.fireNext(untilMs)) {
        if (ready.length > 0) choose();
        await drain();
      }
      clock.moveTo(untilMs);
    },
  };
}
