import { FaultError } from "../core/fault.ts";

/** D1 is known to stall for half a minute: nobody is made to wait for that. */
const DEADLINE_MS = 3_000;
const RETRY_AFTER_SECONDS = 5;

/**
 * One call to a store, bounded in time.
 * @throws FaultError `unavailable` where it fails or is late. Late, it may still happen afterwards.
 */
export async function withDeadline<T>(store: "KV" | "D1", call: () => Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${store} did not answer in ${DEADLINE_MS} ms`)),
      DEADLINE_MS,
    );
  });
  try {
    return await Promise.race([call(), late]);
  } catch (cause) {
    throw new FaultError(
      { code: "unavailable", retryAfterSeconds: RETRY_AFTER_SECONDS },
      { cause },
    );
  } finally {
    clearTimeout(timer);
  }
}
