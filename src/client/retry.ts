const MAX_ATTEMPTS = 3;
const PAUSE_MS = 200;
/** If the service asks for a longer wait, its response is returned instead. */
const MAX_WAIT_MS = 2_000;

/** How long one attempt may take, and how long after the first one another may start. */
interface RetryLimits {
  readonly deadlineMs: number;
  readonly withinMs: number;
}

/**
 * A service that rotates refresh tokens answers a used one with the same successor for 10 s. After
 * that it treats the repeat as theft and revokes the login (RFC 9700 section 4.14.2).
 */
export const REFRESH_LIMITS: RetryLimits = { deadlineMs: 8_000, withinMs: 9_000 };

/**
 * Sends up to three times if there is no response, or a 429, 502, 503 or 504. Only for requests that
 * may arrive twice.
 * @throws what the last attempt threw
 */
export async function withRetries<T extends { readonly response: Response }>(
  { deadlineMs, withinMs }: RetryLimits,
  send: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const startMs = performance.now();
  for (let attempt = 1; ; attempt++) {
    const canWait = (ms: number) =>
      attempt < MAX_ATTEMPTS && ms <= MAX_WAIT_MS && performance.now() + ms - startMs < withinMs;
    try {
      const answer = await send(AbortSignal.timeout(deadlineMs));
      const waitMs = retryAfterSeconds(answer.response) * 1000;
      if (!isTransient(answer.response) || !canWait(waitMs)) return answer;
      await pause(waitMs);
    } catch (error) {
      if (!canWait(PAUSE_MS)) throw error;
      await pause(PAUSE_MS);
    }
  }
}

/** `Retry-After` in seconds; 1 if it is missing or a date. */
export function retryAfterSeconds(response: Response): number {
  const text = response.headers.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(text) ? Number(text) : 1;
}

const isTransient = ({ status }: Response) => status === 429 || (status >= 502 && status <= 504);

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
