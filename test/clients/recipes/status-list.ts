import { createRemoteJWKSet, type JWTPayload, jwtVerify } from "jose";
import * as v from "valibot";

const issuer = process.env.ISSUER ?? "https://auth.example.com";
const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));

const Status = v.object({ status_list: v.object({ uri: v.string(), idx: v.number() }) });
const List = v.object({
  exp: v.number(),
  ttl: v.number(),
  status_list: v.object({ bits: v.literal(1), lst: v.string() }),
});

const lists = new Map<string, { readonly bytes: Uint8Array; readonly freshUntilMs: number }>();

/** The bits of one list, fetched again once its own `ttl` is over. */
async function listAt(uri: string): Promise<Uint8Array> {
  const known = lists.get(uri);
  if (known !== undefined && Date.now() < known.freshUntilMs) return known.bytes;
  // The token's signature was checked, but still: ask no other host.
  if (!uri.startsWith(`${issuer}/status-lists/`))
    throw new Error("a status list of another issuer");
  const response = await fetch(uri, { signal: AbortSignal.timeout(3_000) });
  if (!response.ok) throw new Error(`${uri} answered ${response.status}`);
  const { payload } = await jwtVerify(await response.text(), keys, {
    issuer,
    subject: uri,
    typ: "statuslist+jwt",
    algorithms: ["ES256"],
  });
  const { status_list, ttl } = v.parse(List, payload);
  const packed = new Blob([Buffer.from(status_list.lst, "base64url")]).stream();
  const unpacked = new Response(packed.pipeThrough(new DecompressionStream("deflate")));
  const bytes = new Uint8Array(await unpacked.arrayBuffer());
  lists.set(uri, { bytes, freshUntilMs: Date.now() + ttl * 1000 });
  return bytes;
}

/** Whether the log-in behind an access token was revoked. Verify the claims first. */
export async function isRevoked(claims: JWTPayload): Promise<boolean> {
  if (claims.status === undefined) return false;
  const { uri, idx } = v.parse(Status, claims.status).status_list;
  const byte = (await listAt(uri))[idx >> 3];
  if (byte === undefined) throw new Error(`${uri} has no index ${idx}`);
  return ((byte >> (idx & 7)) & 1) === 1;
}
