import { expect } from "vitest";
import type { Answered, Call } from "../support/client.ts";
import { isolate, type Isolate, type Parts, type Settings } from "../support/service.ts";
import { intercept, type StorageCall } from "../support/stores.ts";
import { rules } from "../support/guard.ts";
import { share } from "../support/thorough.ts";
import { gate, seeded, shuffled } from "./gate.ts";

export type Racer = (call: Call) => Promise<Answered>;

/** An isolate without a gate, to set a race up and to look at what it left. */
export interface Track extends Isolate {
  readonly random: () => number;
  /**
   * Lets them all go at once, each in an isolate of its own: first when all have come to their
   * first question of a store, and again when all have read: writers at their first write, readers
   * at their second question of D1. @returns the answers, writers' first, in their order
   */
  race(writers: readonly Racer[], readers?: readonly Racer[]): Promise<Answered[]>;
}

const START = 0;
const HAVE_READ = 1;

/** A write to D1 by which something is won. The note of an API token's use is none, nor that a password was tried. */
function isWrite({ store, statements }: StorageCall): boolean {
  return (
    store === "D1" &&
    statements.some(
      (text) =>
        /^\s*(INSERT|UPDATE|DELETE)\b/.test(text) && !/SET used_at|login_attempts/.test(text),
    )
  );
}

/** The Worker on the real KV and D1, in so many isolates. Who goes in which order follows from the seed. */
export function track(
  isolates: number,
  seed: number,
  settings: Settings = {},
  parts: Parts = {},
): Track {
  const random = seeded(seed);
  let pass: (lane: number, call: StorageCall) => Promise<void> = async () => undefined;
  const places = Array.from({ length: isolates }, (_, lane) =>
    isolate(
      settings,
      intercept(async (call, run) => {
        await pass(lane, call);
        return run();
      }),
      parts,
    ),
  );

  return {
    ...isolate(settings, undefined, parts),
    random,
    async race(writers, readers = []) {
      const racers = [...writers, ...readers];
      const held = gate(racers.length, 2, random);
      const questions = new Map<number, number>();
      // Which racer runs in which isolate.
      const lanes = shuffled(Array.from(racers.keys()), random);
      pass = async (lane, call) => {
        await held.wait(lane, START);
        if (call.store === "KV") return;
        const asked = (questions.get(lane) ?? 0) + 1;
        questions.set(lane, asked);
        const reads = lanes.indexOf(lane) >= writers.length;
        if (reads ? asked > 1 : isWrite(call)) await held.wait(lane, HAVE_READ);
      };
      const answers = await Promise.all(
        racers.map(async (send, index) => {
          const lane = lanes[index];
          const place = lane === undefined ? undefined : places[lane];
          if (lane === undefined || place === undefined) throw new Error("too few isolates");
          try {
            return await send(place.call);
          } finally {
            held.leave(lane);
          }
        }),
      );
      await Promise.all(places.map((place) => place.settled()));
      pass = async () => undefined;
      return answers;
    },
  };
}

/** `count` racers that do the same. */
export const times = (count: number, racer: Racer): Racer[] =>
  Array.from({ length: count }, () => racer);

/** So often in the long suites, and a fifth of it else. */
export async function repeat(rounds: number, round: () => Promise<void>): Promise<void> {
  for (let i = 0; i < share(rounds); i++) {
    // The platform counts by request, and not by a thousand rounds.
    expect(rules.broken).toEqual([]);
    rules.begin();
    await round();
  }
}

export const won = (answers: readonly Answered[]): Answered[] =>
  answers.filter(({ status }) => status >= 200 && status < 300);

/** The statuses of all, sorted, so that who was first makes no difference. */
export const statuses = (answers: readonly Answered[]): number[] =>
  answers.map(({ status }) => status).sort((a, b) => a - b);
