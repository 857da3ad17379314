import type { StatusListSigner } from "../core/status-lists.ts";
import { STATUS_LIST_MAX_AGE_SECONDS } from "../core/token.ts";
import { signCompact } from "./jws.ts";
import type { KeyRing } from "./keys.ts";

/** How long a list may be used by those who cannot fetch a newer one. */
const LIFETIME_SECONDS = 3_600;

/** Within this time a client may be told that its list is unchanged, although a new one would expire later. */
const RENEWAL_SECONDS = 600;

export const statusListUri = (issuer: string, list: number) => `${issuer}/status-lists/${list}`;

/** The JWT form of a Token Status List (draft-ietf-oauth-status-list section 5.1). */
export function statusListSigner(keys: KeyRing, issuer: string): StatusListSigner {
  return {
    async signStatusList(list, bits, nowMs) {
      const issuedAt = Math.floor(nowMs / 1000);
      const lst = (await deflate(bits)).toBase64({ alphabet: "base64url", omitPadding: true });
      const payload = {
        status_list: { bits: 1, lst },
        ttl: STATUS_LIST_MAX_AGE_SECONDS,
        iss: issuer,
        sub: statusListUri(issuer, list),
        iat: issuedAt,
        exp: issuedAt + LIFETIME_SECONDS,
      };
      const jwt = await signCompact("statuslist+jwt", payload, keys);
      const [header = ""] = jwt.split(".", 1);
      return { jwt, version: `${header}.${lst}.${Math.floor(issuedAt / RENEWAL_SECONDS)}` };
    },
  };
}

/** DEFLATE in the zlib format, as the draft requires. */
async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const compressed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(compressed).arrayBuffer());
}
