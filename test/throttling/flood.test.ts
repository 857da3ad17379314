import { beforeEach, expect, it, vi } from "vitest";
import { share } from "../support/thorough.ts";
import { bot, routeKey, RIGHT, statusesOf, WRONG } from "./door.ts";
import { WAYS } from "./ways.ts";

const HOME = "192.0.2.1";
const AT_ONCE = 200;
/** What is shown beside a wrong password is ended after ten of them. */
const WAYS_IN = WAYS.filter(({ name }) => !name.startsWith("the "));
/** A session is valid for an hour. */
const FLOOD_MS = 45 * 60_000;

const { from, login, newOwnerAt, settled, hashes } = routeKey();

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

/** Who attacks with which request. */
const FLOODS: readonly (readonly [number, string, (index: number) => string])[] = [
  [share(10_000), "3,000 networks", (index) => bot(index % 3_000)],
  [
    share(2_000),
    "five networks and the owner's own",
    (index) => (index % 6 === 0 ? HOME : bot(index % 6)),
  ],
];

it.each(FLOODS)(
  "%i wrong passwords in three quarters of an hour from %s cost at most 200 hashes",
  async (size, _, address) => {
    const owner = await newOwnerAt(HOME);
    hashes();
    let made = 0;
    const seen: Record<number, number> = {};
    for (let index = 0; index < size; index += AT_ONCE) {
      vi.setSystemTime(Date.now() + (FLOOD_MS * AT_ONCE) / size);
      const wave = Array.from({ length: AT_ONCE }, (_, i) => {
        const way = WAYS_IN[(index + i) % WAYS_IN.length];
        if (way === undefined) throw new Error("no way");
        return way.try(from, address(index + i), owner, WRONG);
      });
      for (const [status, count] of Object.entries(statusesOf(await Promise.all(wave)))) {
        seen[Number(status)] = (seen[Number(status)] ?? 0) + count;
      }
      made += hashes();
      // In the first flood their network is theirs alone: it keeps them from nothing.
      if (address(0) !== HOME) {
        expect((await login(HOME, owner.email, RIGHT)).status).toBe(200);
        await settled();
        expect(hashes()).toBe(1);
      }
    }
    expect(made).toBeGreaterThan(0);
    expect(made).toBeLessThanOrEqual(200);
    const { 400: wrong = 0, 401: unauthorized = 0, 429: throttled } = seen;
    expect(wrong + unauthorized + Number(throttled)).toBe(size);
    // From the owner's own network some are hashed that are answered as if they were not.
    expect(wrong + unauthorized).toBeLessThanOrEqual(made);
    expect(wrong + unauthorized).toBeGreaterThanOrEqual(made - 20);
  },
  240_000,
);
