import { vi } from "vitest";
import type { Answered } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { type Interceptor, type StorageCall, intercept } from "../support/stores.ts";
import { rules } from "../support/guard.ts";
import { type FaultKind, isWrite } from "./injections.ts";
import { type Case, requestOf } from "./requests.ts";
import { type State, states } from "./state.ts";
import { readStores, restore, type Stored, type World } from "./world.ts";

/** What `Retry-After` asks for; within one instant of `state.ts`. */
const RETRY_MS = 5_000;
/** Long enough for any cell that works, in real time. */
const PATIENCE_MS = 1_500;

export interface Outcome {
  /** Null where no answer came. */
  readonly answer: Answered | null;
  readonly state: State;
  readonly retry: Answered;
  /** After the retry, and after housekeeping where a mark was owed. */
  readonly end: State;
}

export interface Reference {
  readonly calls: readonly StorageCall[];
  readonly before: State;
  readonly answer: Answered;
  readonly after: State;
  readonly again: Answered;
  readonly afterAgain: State;
}

/** Runs requests in the world, which it puts back before each. */
export function stage(world: World) {
  const stateOf = states(world);
  let stored: Stored = world.stored;
  /** Stores that were written to since they were last read. */
  const written = new Set<StorageCall["store"]>();

  async function look(): Promise<State> {
    stored = await readStores(stored, written);
    written.clear();
    return stateOf(stored);
  }

  async function begin(): Promise<void> {
    await restore(world.stored, stored);
    stored = world.stored;
  }

  function open(each: Case, lag: number, interceptor: Interceptor) {
    vi.setSystemTime(world.nowMs);
    const settings = { ...each.settings, REVOCATION_LAG_SECONDS: String(lag) };
    const bindings = intercept((call, run) =>
      interceptor(call, () => {
        if (isWrite(call)) written.add(call.store);
        return run();
      }),
    );
    return isolate(settings, bindings);
  }

  function later(): void {
    vi.setSystemTime(world.nowMs + RETRY_MS);
    rules.secondPasses();
  }

  return {
    /** The request without any fault, and again: which calls it makes, and what the good ends are. */
    async reference(each: Case, lag: number): Promise<Reference> {
      await begin();
      const calls: StorageCall[] = [];
      let counts = true;
      const { send } = open(each, lag, (call, run) => {
        if (counts) calls.push(call);
        return run();
      });
      const request = requestOf(each, world);
      const before = stateOf(world.stored);
      const answer = await send(...request);
      counts = false;
      const after = await look();
      later();
      const again = await send(...request);
      return { calls, before, answer, after, again, afterAgain: await look() };
    },

    /** The request with one fault at its call number `index`, and its retry without any. */
    async cell(each: Case, lag: number, index: number, fault: FaultKind): Promise<Outcome> {
      await begin();
      const { at, release } = fault.inject(world);
      let hit: StorageCall | null = null;
      let count = 0;
      let armed = true;
      const { call, settled, send, housekeeping } = open(each, lag, (made, run) => {
        if (!armed) return run();
        const like = hit !== null && fault.lasts && sameTarget(made, hit);
        if (count++ !== index && !like) return run();
        hit ??= made;
        return at(made, run);
      });
      const request = requestOf(each, world);
      const reply = await inTime(call(...request));
      if (fault.late === "before the retry") await release();
      await inTime(settled());
      armed = false;
      const state = await look();
      later();
      const retry = await send(...request);
      rules.secondPasses();
      if (fault.late === "after the retry") await release();
      let end = await look();
      if (end.owed.length > 0) {
        await housekeeping();
        end = await look();
      }
      return { answer: reply, state, retry, end };
    },
  };
}

const sameTarget = (one: StorageCall, other: StorageCall) =>
  one.label === other.label && one.keys.join() === other.keys.join();

async function inTime<T>(work: Promise<T>): Promise<T | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), PATIENCE_MS * 50);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
