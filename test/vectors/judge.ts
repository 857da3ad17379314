import { verifyCompact } from "../../src/crypto/jws.ts";
import { keyRing, parseKeySet } from "../../src/crypto/keys.ts";

/** "keys refused": the service does not start with such a key set, or cannot use the key. */
export type Verdict = "accepted" | "refused" | "keys refused";

/** What the service says to a JWS, with these keys as its key set. The first one is active. */
export async function judge(keys: readonly object[], jws: string): Promise<Verdict> {
  const withStates = keys.map((key, at) => ({ state: at === 0 ? "active" : "retiring", ...key }));
  const parsed = parseKeySet(JSON.stringify({ keys: withStates }));
  if ("wrong" in parsed) return "keys refused";
  try {
    return (await verifyCompact(jws, keyRing(parsed))) === null ? "refused" : "accepted";
  } catch (error) {
    // WebCrypto's own refusal of a key, such as a point off the curve.
    if (error instanceof DOMException) return "keys refused";
    throw error;
  }
}
