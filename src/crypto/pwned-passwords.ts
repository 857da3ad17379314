import type { IsPwned } from "../core/passwords.ts";

/** A sign-up waits no longer for it than this. */
const DEADLINE_MS = 1_500;

/** An answer with padding has some 1,000 lines of 40 bytes; what is far longer is none. */
const MAX_CHARACTERS = 200_000;

const PREFIX_CHARACTERS = 5;

/**
 * Have I Been Pwned's range API. It learns the first 20 of the 160 bits of the password's SHA-1, and
 * answers with the rest of all that begin so: some hundreds, and what is not ours is not told. Padding
 * hides from whoever sees the length which range it was; its lines have the count 0.
 *
 * It fails open: whether it can be reached decides nobody's sign-up. The log says so, and nothing of
 * the password.
 * @param requestId of the request that is being served
 */
export function pwnedPasswords(origin: string, requestId: () => string): IsPwned {
  return async (password) => {
    const bytes = new TextEncoder().encode(password);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-1", bytes)).toHex().toUpperCase();
    const [prefix, rest] = [digest.slice(0, PREFIX_CHARACTERS), digest.slice(PREFIX_CHARACTERS)];
    try {
      const lines = await range(origin, prefix);
      return lines.some((line) => {
        const [suffix, count] = line.trim().split(":");
        return suffix === rest && Number(count) > 0;
      });
    } catch (error) {
      // The error's own words may hold the address, and so the prefix.
      const cause = error instanceof Failure ? error.message : "it could not be reached";
      const line = { request_id: requestId(), failed: "ask for leaked passwords", cause };
      console.warn(JSON.stringify({ level: "warn", ...line }));
      return false;
    }
  };
}

class Failure extends Error {}

async function range(origin: string, prefix: string): Promise<string[]> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  try {
    const response = await fetch(`${origin}/range/${prefix}`, {
      headers: { "add-padding": "true", "user-agent": "Latchkey" },
      redirect: "manual",
      signal,
    });
    const text = await response.text();
    if (response.status !== 200) throw new Failure(`it answered ${response.status}`);
    if (text.length > MAX_CHARACTERS) throw new Failure("its answer was too long");
    return text.split("\n");
  } catch (error) {
    throw signal.aborted ? new Failure(`it did not answer in ${DEADLINE_MS} ms`) : error;
  }
}

/** Where the setting is off. */
export const neverPwned: IsPwned = async () => false;
