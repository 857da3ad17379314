const MAX_ATTEMPTS = 3;
const PAUSE_MS = 200;
/** Whoever is asked to wait longer is told so instead. */
const MAX_WAIT_MS = 2_000;

/** How long one try may take, and how long after the first one another may begin. */
interface RetryLimits {
  readonly deadlineMs: number;
  readonly withinMs: number;
}

/**
 * For 10 s a service that rotates refresh tokens answers a spent one with the same successor, and
 * later takes whoever shows it for a thief.
 */
export const REFRESH_LIMITS: RetryLimits = { deadlineMs: 8_000, withinMs: 9_000 };

/**
 * Sends up to three times where no answer came, or one that asks for a moment's patience. Only for
 * what may arrive twice.
 * @throws what the last try threw
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

/** In seconds, as the service says it; 1 where it says nothing, or a date. */
export function retryAfterSeconds(response: Response): number {
  const text = response.headers.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(text) ? Number(text) : 1;
}

const isTransient = ({ status }: Response) => status === 429 || (status >= 502 && status <= 504);

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
