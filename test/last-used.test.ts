import { beforeEach, describe, expect, it, vi } from "vitest";
import { isolate } from "./support/service.ts";
import { intercept } from "./support/stores.ts";

const HOUR_MS = 3_600_000;
const NOON = Date.UTC(2026, 10, 22, 12);
const NOTE = "D1 UPDATE tokens.used_at";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(NOON + 34 * 60_000 + 56_789);
});

/** An isolate whose notes of a use are counted, and go by way of `note`. */
function place(
  lag: number,
  note: (run: () => Promise<unknown>) => Promise<unknown> = (run) => run(),
) {
  const count = { asked: 0, written: 0 };
  const bindings = intercept(async ({ label }, run) => {
    if (label !== NOTE) return run();
    count.asked++;
    const answer = await note(run);
    count.written += Object(Object(answer).meta).rows_written;
    return answer;
  });
  const settings = { REVOCATION_LAG_SECONDS: String(lag) };
  return { ...isolate(settings, bindings), count };
}

type Place = ReturnType<typeof place>;

async function newToken({ send, text }: Place) {
  const json = { email: `${crypto.randomUUID()}@example.com`, password: "correct horse battery" };
  await send("POST", "/rest/user", { json });
  const created = { basic: json, json: { name: "used" } };
  return { basic: json, secret: await text("payload.token", "POST", "/rest/token", created) };
}

const use = ({ call }: Place, bearer: string) => call("GET", "/api/user/get-contacts", { bearer });

/** As its owner is shown it. */
async function lastUsed({ send }: Place, basic: { email: string; password: string }) {
  const { json } = await send("GET", "/rest/token/list", { basic });
  return Object(json).payload[0].last_used_on;
}

describe.each([0, 30, 60, 300])("REVOCATION_LAG_SECONDS %i", (lag) => {
  it("shows the hour of the last use, and of none that there was not", async () => {
    const here = place(lag);
    const { basic, secret } = await newToken(here);
    expect(await lastUsed(here, basic)).toBeNull();
    await use(here, secret);
    await here.settled();
    expect(await lastUsed(here, basic)).toBe("2026-11-22T12:00:00.000Z");
    vi.setSystemTime(NOON + HOUR_MS - 1);
    await use(here, secret);
    await here.settled();
    expect(await lastUsed(here, basic)).toBe("2026-11-22T12:00:00.000Z");
    vi.setSystemTime(NOON + HOUR_MS);
    await use(here, secret);
    await here.settled();
    expect(await lastUsed(here, basic)).toBe("2026-11-22T13:00:00.000Z");
  });

  it("writes once an hour, however often and wherever the token is used", async () => {
    const places = [place(lag), place(lag), place(lag)];
    const [first] = places;
    if (first === undefined) return expect.unreachable();
    const { secret } = await newToken(first);
    const total = () => places.reduce((sum, { count }) => sum + count.written, 0);
    for (let hour = 0; hour < 3; hour++) {
      vi.setSystemTime(NOON + hour * HOUR_MS);
      const uses = places.flatMap((each) => Array.from({ length: 10 }, () => use(each, secret)));
      for (const { status } of await Promise.all(uses)) expect(status).toBe(200);
      for (const { settled } of places) await settled();
      vi.setSystemTime(NOON + hour * HOUR_MS + HOUR_MS - 1);
      for (const each of places) {
        await use(each, secret);
        await each.settled();
      }
      expect(total()).toBe(hour + 1);
      // One that has noted it, or has read that it is noted, does not even ask again.
      for (const { count } of places) expect(count.asked).toBeLessThanOrEqual(hour + 1);
    }
  });

  it("is not on the request's own time", async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const slow = place(lag, (run) => held.then(run));
    const { basic, secret } = await newToken(slow);
    // It comes while the note is held.
    expect((await use(slow, secret)).status).toBe(200);
    expect(slow.count).toEqual({ asked: 1, written: 0 });
    release();
    await slow.settled();
    expect(slow.count).toEqual({ asked: 1, written: 1 });
    expect(await lastUsed(slow, basic)).toBe("2026-11-22T12:00:00.000Z");
  });

  it("fails no request", async () => {
    const warned = vi.spyOn(console, "warn").mockReturnValue(undefined);
    const broken = place(lag, () => Promise.reject(new Error("D1_ERROR: injected")));
    const { secret } = await newToken(broken);
    expect((await use(broken, secret)).status).toBe(200);
    await broken.settled();
    expect(warned.mock.calls.flat().map((line) => JSON.parse(String(line)))).toEqual([
      {
        level: "warn",
        request_id: expect.any(String),
        failed: "note the use of a token",
        cause: "Error: D1_ERROR: injected",
      },
    ]);
  });
});
