import { describe, expect, it, vi } from "vitest";
import { FaultError } from "../../src/core/fault.ts";
import { createDeadline } from "../../src/storage/calls.ts";

const DEADLINE_MS = 50;
const busy = () => new Error("KV PUT failed: 429 Too Many Requests");

async function faultOf(work: Promise<unknown>): Promise<FaultError> {
  const error = await work.catch((thrown: unknown) => thrown);
  if (error instanceof FaultError) return error;
  throw new Error(`no fault: ${String(error)}`);
}

describe.each(["KV put", "D1"] as const)("%s", (store) => {
  const bounded = createDeadline(DEADLINE_MS);

  it("gives the store's own answer", async () => {
    expect(await bounded(store, async () => "answer")).toBe("answer");
  });

  it("gives up on a call that hangs, after the deadline and not before", async () => {
    const began = performance.now();
    const { fault, cause } = await faultOf(bounded(store, () => new Promise(() => {})));
    expect(fault).toEqual({ code: "unavailable", retryAfterSeconds: 5 });
    expect(String(cause)).toContain(`${store} did not answer in ${DEADLINE_MS} ms`);
    expect(performance.now() - began).toBeGreaterThanOrEqual(DEADLINE_MS - 1);
  });

  it.each([
    ["rejects", () => Promise.reject(new Error("down"))],
    [
      "throws at once",
      () => {
        throw new Error("down");
      },
    ],
  ])("makes a fault of a call that %s, once", async (_, call) => {
    const calls = vi.fn<() => Promise<never>>(call);
    const { fault, cause } = await faultOf(bounded(store, calls));
    expect(fault.code).toBe("unavailable");
    expect(String(cause)).toContain("down");
    expect(calls).toHaveBeenCalledTimes(1);
  });

  it("leaves no timer behind", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await bounded(store, async () => null);
    await faultOf(bounded(store, () => Promise.reject(new Error("down"))));
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("429", () => {
  /** Busy for so long, on a clock that the test moves. */
  function busyFor(ms: number) {
    const freeMs = Date.now() + ms;
    return vi.fn<() => Promise<string>>(async () => {
      if (Date.now() < freeMs) throw busy();
      return "done";
    });
  }

  it("is tried again until a second has passed", async () => {
    vi.useFakeTimers();
    const call = busyFor(1_000);
    const work = createDeadline(3_000)("KV get", call);
    await vi.advanceTimersByTimeAsync(2_500);
    expect(await work).toBe("done");
    expect(call.mock.calls.length).toBeGreaterThan(2);
  });

  it("is waited for by chance, so that those who collide once do not collide again", async () => {
    vi.useFakeTimers();
    const waits = new Set<number>();
    for (let round = 0; round < 10; round++) {
      const times: number[] = [];
      const work = createDeadline(3_000)("KV get", async () => {
        times.push(Date.now());
        if (times.length < 2) throw busy();
      });
      await vi.advanceTimersByTimeAsync(600);
      await work;
      waits.add((times[1] ?? 0) - (times[0] ?? 0));
    }
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(250);
    expect(Math.max(...waits)).toBeLessThanOrEqual(500);
    expect(waits.size).toBeGreaterThan(3);
  });

  it("is a fault at the deadline, and no call is made after it", async () => {
    vi.useFakeTimers();
    const call = busyFor(60_000);
    const work = faultOf(createDeadline(1_000)("KV get", call));
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await work).fault).toEqual({ code: "unavailable", retryAfterSeconds: 5 });
    const made = call.mock.calls.length;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(call).toHaveBeenCalledTimes(made);
  });

  it("of D1 is no such thing", async () => {
    const call = vi.fn<() => Promise<never>>(() => Promise.reject(busy()));
    await faultOf(createDeadline(DEADLINE_MS)("D1", call));
    expect(call).toHaveBeenCalledTimes(1);
  });
});
