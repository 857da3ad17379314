import { ipv4, ipv6 } from "./address.ts";

/**
 * The network by which an address is counted: an IPv4 address for itself, of IPv6 the first 64 bits,
 * since whoever has one address has all of these. Empty where it is no address.
 */
export function networkOf(address: string): string {
  const bytes = ipv4(address);
  if (bytes !== null) return bytes.join(".");
  const groups = ipv6(address);
  return groups === null ? "" : `${groups.slice(0, 4).join(":")}::/64`;
}
