import { base64url } from "jose";
import type { JwtReader } from "../core/token-diagnosis.ts";
import type { Json } from "../core/token.ts";
import { verifyCompact } from "./jws.ts";
import type { KeyRing } from "./keys.ts";

/** No JWT that is sent in a header is longer, in characters. */
const MAX_LENGTH = 16_384;
/** JSON with more nesting is not shown: walking through it could overflow the stack. */
const MAX_BRACKETS = 500;

/** Allows an empty signature (`alg` none): such a JWT can be inspected too. */
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

/** Reads any issuer's JWTs, and says whether one is signed with a key of ours. */
export function jwtReader(keys: KeyRing, issuer: string): JwtReader {
  return {
    async read(text) {
      if (text.length > MAX_LENGTH || !COMPACT.test(text)) return null;
      const [first = "", second = ""] = text.split(".");
      const header = membersOf(first);
      const payload = membersOf(second);
      if (header === null || payload === null) return null;
      const isOurs = payload.iss === issuer;
      if ((await verifyCompact(text, keys)) !== null) {
        return { header, payload, isOurs, signature: "right" };
      }
      const { kid } = header;
      const isKnown = typeof kid === "string" && (await keys.verifying(kid)) !== null;
      return { header, payload, isOurs, signature: isKnown ? "wrong" : "key_unknown" };
    },
  };
}

function membersOf(part: string): Readonly<Record<string, Json>> | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      base64url.decode(part),
    );
    if ((text.match(/[[{]/g) ?? []).length > MAX_BRACKETS) return null;
    const value: unknown = JSON.parse(text);
    return isMembers(value) ? value : null;
  } catch {
    return null;
  }
}

const isMembers = (value: unknown): value is Readonly<Record<string, Json>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
