const BYTE = "(0|[1-9]\\d{0,2})";
const IPV4 = new RegExp(`^${BYTE}\\.${BYTE}\\.${BYTE}\\.${BYTE}$`);
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/** The four bytes of an IPv4 address, also of one in IPv6 form (RFC 4291 section 2.5.5.2); null for others. */
export function ipv4(address: string): number[] | null {
  const found = IPV4.exec(address);
  if (found !== null) {
    const bytes = found.slice(1).map(Number);
    return bytes.every((byte) => byte < 256) ? bytes : null;
  }
  const [, high, low] = MAPPED.exec(canonicalIpv6(address) ?? "") ?? [];
  if (high === undefined || low === undefined) return null;
  return [high, low].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}

/** The eight groups of an IPv6 address; null for others. */
export function ipv6(address: string): string[] | null {
  const text = canonicalIpv6(address);
  if (text === null) return null;
  const [left = "", right] = text.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  if (right === undefined) return groups(left);
  const before = groups(left);
  const after = groups(right);
  return [...before, ...Array(8 - before.length - after.length).fill("0"), ...after];
}

/** The canonical spelling of RFC 5952, by the URL parser; null if it is not an IPv6 address. */
export function canonicalIpv6(address: string): string | null {
  if (!/^[0-9a-f:.]+$/i.test(address) || !address.includes(":")) return null;
  return URL.parse(`http://[${address}]/`)?.hostname.slice(1, -1) ?? null;
}

/** An address as one number of so many bits; null for what is none. */
function numberOf(address: string): { readonly value: bigint; readonly bits: 32 | 128 } | null {
  const parts = ipv4(address) ?? ipv6(address)?.map((group) => Number.parseInt(group, 16)) ?? null;
  if (parts === null) return null;
  const size = parts.length === 4 ? 8n : 16n;
  const value = parts.reduce((sum, part) => (sum << size) | BigInt(part), 0n);
  return { value, bits: parts.length === 4 ? 32 : 128 };
}

/** The network of this many bits that a number is in, in its one spelling; a whole address has no length. */
function networkText(value: bigint, bits: 32 | 128, length: number): string {
  const rest = BigInt(bits - length);
  const first = (value >> rest) << rest;
  const part = (size: bigint, index: number, count: number) =>
    (first >> (size * BigInt(count - 1 - index))) & ((1n << size) - 1n);
  const parts = (size: bigint, count: number, radix: number) =>
    Array.from({ length: count }, (_, index) => part(size, index, count).toString(radix));
  const text = bits === 32 ? parts(8n, 4, 10).join(".") : parts(16n, 8, 16).join(":");
  const shown = bits === 32 ? text : (canonicalIpv6(text) ?? text);
  return length === bits ? shown : `${shown}/${length}`;
}

/**
 * The one spelling of an address or a CIDR range (RFC 4632, RFC 5952), without bits after the prefix; an IPv4
 * address in IPv6's form is IPv4. @returns null for anything else
 */
export function normalizedNetwork(text: string): string | null {
  const [, address = "", length] = /^([^/]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const found = numberOf(address);
  if (found === null) return null;
  const { value, bits } = found;
  const isMapped = bits === 32 && address.includes(":");
  const prefix = length === undefined ? bits : Number(length) - (isMapped ? 96 : 0);
  return prefix < 0 || prefix > bits ? null : networkText(value, bits, prefix);
}

/** Every network that an address is in, as `normalizedNetwork` spells it; none for what is no address. */
export function networksOf(address: string): readonly string[] {
  const found = numberOf(address);
  if (found === null) return [];
  const { value, bits } = found;
  return Array.from({ length: bits + 1 }, (_, length) => networkText(value, bits, length));
}
