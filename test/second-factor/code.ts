export const STEP_MS = 30_000;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** What an authenticator app shows, written apart from the service's own. */
export async function codeOf(secret: string, atMs: number): Promise<string> {
  let bits = "";
  for (const letter of secret) bits += ALPHABET.indexOf(letter).toString(2).padStart(5, "0");
  const bytes = (bits.match(/.{8}/g) ?? []).map((each) => Number.parseInt(each, 2));
  const hmac = { name: "HMAC", hash: "SHA-1" };
  const key = await crypto.subtle.importKey("raw", new Uint8Array(bytes), hmac, false, ["sign"]);
  const counter = new Uint8Array(8);
  let rest = Math.floor(atMs / STEP_MS);
  for (let index = 7; index >= 0; index--, rest = Math.floor(rest / 256))
    counter[index] = rest % 256;
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, counter));
  const from = (mac[19] ?? 0) % 16;
  const [a = 0, b = 0, c = 0, d = 0] = mac.slice(from, from + 4);
  return String((((a & 127) << 24) | (b << 16) | (c << 8) | d) % 1_000_000).padStart(6, "0");
}
