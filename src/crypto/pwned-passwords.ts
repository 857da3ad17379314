import type { IsPwned } from "../core/passwords.ts";

/** How long a sign-up waits for the answer. */
const DEADLINE_MS = 1_500;

/** A padded answer has about 1,000 lines of 40 bytes, so a much longer one is invalid. */
const MAX_CHARACTERS = 200_000;

const PREFIX_CHARACTERS = 5;

/**
 * Have I Been Pwned's range API. It is sent the first 20 bits of the password's SHA-1 and answers with all
 * suffixes in that range. Padding (lines with the count 0) hides the range from those who see only the length.
 * Fails open: an outage must not block sign-ups. It is logged, without anything of the password.
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
      // The error's own message may contain the URL, and so the prefix.
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

/** Used while the setting is off. */
export const neverPwned: IsPwned = async () => false;
