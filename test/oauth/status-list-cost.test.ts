import { expect, it } from "vitest";
import { newPair, newUser } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";

/** One isolate, and how often it has asked D1. */
function counted() {
  let calls = 0;
  const bindings = intercept((_, run) => {
    calls++;
    return run();
  });
  const { send } = isolate({}, { ...bindings });
  return { read: (list: number) => send("GET", `/status-lists/${list}`), calls: () => calls };
}

it("30 at once read a list from D1 once, and those after them not at all", async () => {
  await newPair(await newUser());
  const { read, calls } = counted();
  const answers = await Promise.all(Array.from({ length: 30 }, () => read(0)));
  expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(200));
  expect(calls()).toBe(1);
  await read(0);
  expect(calls()).toBe(1);
});

it("lists that there are not cost one question, whatever their numbers", async () => {
  const { read, calls } = counted();
  for (let list = 0; list < 40; list++) {
    expect((await read(list < 20 ? 7 : 1_000 + list)).status).toBe(404);
  }
  expect(calls()).toBe(1);
});
