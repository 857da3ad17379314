import { clientInfo } from "./request-record.ts";

export const ADDRESS_FORMS = ["full", "truncated", "none"] as const;

export type AddressForm = (typeof ADDRESS_FORMS)[number];

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/** A request's id is Cloudflare's; sent by somebody else, it may be of any length. */
const MOST_OF_AN_ID = 64;

/** Where the request that is being served came from, as far as that may be kept. */
export function auditClient(form: AddressForm) {
  const { address, requestId } = clientInfo();
  return {
    address: anonymizedAddress(address, form),
    requestId: requestId === "" ? null : requestId.slice(0, MOST_OF_AN_ID),
  };
}

/**
 * An address as it may be kept: whole, as its network (IPv4 /24, IPv6 /48), or not at all. What is
 * no address is kept in no form.
 */
export function anonymizedAddress(address: string, form: AddressForm): string | null {
  if (form === "none") return null;
  const bytes = ipv4(address);
  if (bytes !== null) {
    return form === "full" ? bytes.join(".") : `${bytes.slice(0, 3).join(".")}.0/24`;
  }
  const groups = ipv6(address);
  if (groups === null) return null;
  if (form === "full") return canonical(address);
  const network = groups.slice(0, 3).join(":");
  return `${canonical(`${network}::`) ?? `${network}::`}/48`;
}

/** Four bytes; of an IPv4 address in IPv6's form too (RFC 4291 section 2.5.5.2). */
export function ipv4(address: string): number[] | null {
  const found = IPV4.exec(address);
  if (found !== null) {
    const bytes = found.slice(1).map(Number);
    return bytes.every((byte) => byte < 256) ? bytes : null;
  }
  const [, high, low] = MAPPED.exec(canonical(address) ?? "") ?? [];
  if (high === undefined || low === undefined) return null;
  return [high, low].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}

/** Eight groups. */
export function ipv6(address: string): string[] | null {
  const text = canonical(address);
  if (text === null) return null;
  const [left = "", right] = text.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  if (right === undefined) return groups(left);
  const before = groups(left);
  const after = groups(right);
  return [...before, ...Array(8 - before.length - after.length).fill("0"), ...after];
}

/** RFC 5952's one spelling, by the URL parser; null for what is no IPv6 address. */
function canonical(address: string): string | null {
  if (!/^[0-9a-f:.]+$/i.test(address) || !address.includes(":")) return null;
  return URL.parse(`http://[${address}]/`)?.hostname.slice(1, -1) ?? null;
}

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
