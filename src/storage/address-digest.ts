/** 128 bits of SHA-256: by which an address or a network is known where it need not be read. */
export async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest, 0, 16).toHex();
}
