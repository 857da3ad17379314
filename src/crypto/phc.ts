/** The cost of an Argon2id hash. */
export interface Cost {
  readonly memoryKiB: number;
  readonly passes: number;
}

/**
 * OWASP's m=19 MiB, t=2, p=1. Raising it here is enough, because each login rehashes its password. Never lower
 * it: accounts with the old cost would be recognizable by their time.
 */
export const CURRENT_COST: Cost = { memoryKiB: 19 * 1024, passes: 2 };

export const SALT_BYTES = 16;
export const TAG_BYTES = 32;

/** The PHC string format, in which our hashes are stored. */
export function formatPhc({ memoryKiB, passes }: Cost, salt: Uint8Array, tag: Uint8Array): string {
  const [saltText, tagText] = [salt, tag].map(unpadded);
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=1$${saltText}$${tagText}`;
}

/** Not `Uint8Array.toBase64`, which Node 24 lacks: commands use this too. */
function unpadded(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/=+$/, "");
}
