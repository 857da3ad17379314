/** What a password hash of Argon2id costs. */
export interface Cost {
  readonly memoryKiB: number;
  readonly passes: number;
}

/**
 * OWASP's m=19 MiB, t=2, p=1. To raise it, change it here: each login then rehashes its own. Do not
 * lower it: the accounts that still cost more would stand out by their time.
 */
export const CURRENT_COST: Cost = { memoryKiB: 19 * 1024, passes: 2 };

export const SALT_BYTES = 16;
export const TAG_BYTES = 32;

/** Our own hashes as they are stored: the PHC string format. */
export function formatPhc({ memoryKiB, passes }: Cost, salt: Uint8Array, tag: Uint8Array): string {
  const [saltText, tagText] = [salt, tag].map(unpadded);
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=1$${saltText}$${tagText}`;
}

/** Also in Node 24, which lacks Uint8Array's own. */
function unpadded(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/=+$/, "");
}
