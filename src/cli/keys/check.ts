import { CompactSign } from "jose";
import { verifyCompact } from "../../crypto/jws.ts";
import { type JwtKeySet, keyRing, parseKeySet } from "../../crypto/keys.ts";
import { Refused } from "./refused.ts";

/** "Environment variable size" in the limits of Workers, which a secret is too. */
const SECRET_BYTES = 5 * 1024;

/**
 * The set in a secret's text, if the service starts with it and each key verifies what it signs.
 * @throws Refused that says what is wrong with it, and repeats none of it
 */
export async function checkedSet(text: string): Promise<JwtKeySet> {
  const set = parseKeySet(text);
  if ("wrong" in set) throw new Refused(`JWT_KEYS would stop the service: ${set.wrong}`);
  if (Buffer.byteLength(text) > SECRET_BYTES) {
    throw new Refused(
      `JWT_KEYS has more than ${SECRET_BYTES} bytes, which no secret of Workers may have. Drop a key first.`,
    );
  }
  for (const key of set.keys) {
    if (!(await works(key))) {
      throw new Refused(
        `${key.kid} does not verify what it signs: its members do not belong together.`,
      );
    }
  }
  return set;
}

async function works(key: JwtKeySet["keys"][number]): Promise<boolean> {
  const ring = keyRing({ keys: [{ ...key, state: "active" }] });
  try {
    const signing = await ring.signing();
    const jws = await new CompactSign(new TextEncoder().encode("Latchkey"))
      .setProtectedHeader({ alg: signing.alg, kid: signing.kid })
      .sign(signing.key);
    return (await verifyCompact(jws, ring)) !== null;
  } catch {
    // WebCrypto refuses the key in words that may quote it.
    return false;
  }
}
