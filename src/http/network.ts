import { ipv4, ipv6 } from "./address.ts";

/** What Workers of other zones come from, all of them: who that is, is told by their zone alone. */
const WORKERS = ["2a06", "98c0", "3600"].join(":");

/** Whether strangers share the address, so that it says nothing of who they are. */
export function isShared(address: string): boolean {
  return ipv6(address)?.slice(0, 3).join(":") === WORKERS;
}

/**
 * The networks by which a request is limited, the narrowest first. Whoever has a /48 of IPv6 has 65,536 of
 * /64: it has ten times the limit of one, as ten counters of which each request takes any.
 * @param zone of the Worker that sent it (`CF-Worker`, which Cloudflare sets and no client can)
 */
export function limitedNetworks(address: string, zone: string): readonly string[] {
  if (isShared(address)) return [`worker ${zone.toLowerCase().slice(0, 100)}`];
  const network = networkOf(address);
  if (network === "") return [];
  if (!network.includes(":")) return [network];
  const wide = network.split(":").slice(0, 3).join(":");
  return [network, `${wide}::/48 ${Math.floor(Math.random() * 10)}`];
}

/**
 * The network by which an address is counted: an IPv4 address for itself, of IPv6 the first 64 bits,
 * since whoever has one address has all of these. Empty where it is no address.
 */
export function networkOf(address: string): string {
  const bytes = ipv4(address);
  if (bytes !== null) return bytes.join(".");
  const groups = ipv6(address);
  // guard: ipv6-is-counted-by-network
  return groups === null ? "" : `${groups.slice(0, 4).join(":")}::/64`;
}
