import { expect, it, vi } from "vitest";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { newPageClient } from "./page-client.ts";

/** A revocation lag of a minute: reads go on while D1 is down. Half of the session is over, so that it would be extended. */
it("a page that reads nothing else opens while D1 is down, also where the session cannot be extended", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  let isDown = false;
  const bindings = intercept(({ store }, run) =>
    isDown && store === "D1" ? Promise.reject(new Error("D1_ERROR: down")) : run(),
  );
  const { call, settled } = isolate({ REVOCATION_LAG_SECONDS: "60" }, bindings);
  const client = await newPageClient(call);
  await settled();
  vi.setSystemTime(Date.now() + 40 * 60_000);
  isDown = true;
  const page = await client.open("/console");
  expect([page.status, page.text.includes("Log out")]).toEqual([200, true]);
  isDown = false;
  vi.setSystemTime(Date.now() + 10 * 60_000);
  await client.open("/console");
  vi.setSystemTime(Date.now() + 30 * 60_000);
  expect((await client.open("/console")).text).toContain("Log out");
});
