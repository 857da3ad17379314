import { createLocalJWKSet, decodeJwt, jwtVerify } from "jose";
import * as v from "valibot";
import { type Call, ORIGIN } from "./client.ts";

const Claims = v.object({
  status: v.object({
    status_list: v.strictObject({ idx: v.pipe(v.number(), v.integer()), uri: v.string() }),
  }),
});
const List = v.object({
  sub: v.string(),
  iss: v.string(),
  iat: v.number(),
  exp: v.number(),
  ttl: v.number(),
  status_list: v.strictObject({ bits: v.literal(1), lst: v.string() }),
});
const KeySet = v.object({ keys: v.array(v.looseObject({ kty: v.string() })) });

/** Where an access JWT says that its status is. */
export const placeOf = (access: string) => v.parse(Claims, decodeJwt(access)).status.status_list;

export const bitOf = (bytes: Uint8Array, idx: number) => ((bytes[idx >> 3] ?? 0) >> (idx & 7)) & 1;

/** Verified as a stranger does it: by the published keys and the draft's rules. */
export async function listAt(uri: string, send: Call) {
  const answer = await send("GET", uri.slice(ORIGIN.length));
  const published = await send("GET", "/.well-known/jwks.json");
  const { payload } = await jwtVerify(
    answer.text,
    createLocalJWKSet(v.parse(KeySet, published.json)),
    { issuer: ORIGIN, subject: uri, typ: "statuslist+jwt", currentDate: new Date() },
  );
  const list = v.parse(List, payload);
  const packed = Uint8Array.fromBase64(list.status_list.lst, { alphabet: "base64url" });
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return { answer, list, bytes: new Uint8Array(await new Response(unpacked).arrayBuffer()) };
}

/** @param send of an isolate that has read no list yet */
export async function isListedAsRevoked(access: string, send: Call): Promise<boolean> {
  const { uri, idx } = placeOf(access);
  return bitOf((await listAt(uri, send)).bytes, idx) === 1;
}
