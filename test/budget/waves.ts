/** Turns of the event loop without a new call after which nothing goes on but waiting for the stores. */
const QUIET_TURNS = 3;

/**
 * As if the stores were far and all equally so: holds each call until only calls are waited for, then lets all that
 * are held go at once. So calls that need not wait for each other travel together, and the waves are the trips.
 */
export function createWaves() {
  let trips = 0;
  let far = 0;
  const held: { readonly release: () => void; readonly isFar: boolean }[] = [];
  let underWay = 0;
  let isWatched = false;

  async function watch(): Promise<void> {
    isWatched = true;
    while (held.length > 0) {
      const seen = held.length;
      let quiet = 0;
      while (quiet < QUIET_TURNS && held.length === seen) {
        await new Promise((turn) => setTimeout(turn, 0));
        quiet = underWay === 0 ? quiet + 1 : 0;
      }
      if (held.length !== seen) continue;
      trips++;
      if (held.some(({ isFar }) => isFar)) far++;
      underWay = seen;
      for (const { release } of held.splice(0)) release();
    }
    isWatched = false;
  }

  return {
    /** @returns how many there were since `begin`, and of these the ones to D1's primary */
    count: () => ({ trips, far }),
    begin(): void {
      trips = 0;
      far = 0;
    },
    async through<T>(run: () => Promise<T>, isFar: boolean): Promise<T> {
      await new Promise<void>((release) => {
        held.push({ release, isFar });
        if (!isWatched) void watch();
      });
      try {
        return await run();
      } finally {
        underWay--;
      }
    },
  };
}
