/** An isolate has 128 MB in all. */
const MAX_ENTRIES = 8_192;
const MAX_CHARACTERS = 8 * 1024 * 1024;

/** What this isolate has verified, by the JWT's exact text: another spelling of it is another JWT. */
export interface VerifiedJwts<T> {
  get(jwt: string): T | undefined;
  /** Forgets the oldest where there is no room. */
  add(jwt: string, value: T): void;
}

/**
 * A signature is right once and for all, and computing it is most of what a check costs. Kept by the
 * text and not by a digest, which would cost a third of the signature; only here, never in storage.
 * Whether the JWT has expired, and whether it stands, is asked each time by whoever asks this.
 */
export function verifiedJwts<T>(
  maxEntries = MAX_ENTRIES,
  maxCharacters = MAX_CHARACTERS,
): VerifiedJwts<T> {
  // A Map keeps the order in which things were put in.
  const known = new Map<string, T>();
  let characters = 0;

  function forget(jwt: string): void {
    if (known.delete(jwt)) characters -= jwt.length;
  }

  return {
    get: (jwt) => known.get(jwt),
    add(jwt, value) {
      forget(jwt);
      known.set(jwt, value);
      characters += jwt.length;
      for (const oldest of known.keys()) {
        if (known.size <= maxEntries && characters <= maxCharacters) break;
        forget(oldest);
      }
    },
  };
}
