import { clientOf, type Device, locationOf } from "../core/devices.ts";
import { canonicalIpv6, ipv4, ipv6 } from "../core/networks.ts";
import { clientInfo, currentRecord } from "./request-record.ts";

export const ADDRESS_FORMS = ["full", "truncated", "none"] as const;

export type AddressForm = (typeof ADDRESS_FORMS)[number];

/** Cloudflare sets the request's id. Behind anything else, a client could send one of any length. */
const MAX_REQUEST_ID = 64;

/** Where the current request came from, in the form in which it may be stored. */
export function auditClient(form: AddressForm) {
  const { address, requestId } = clientInfo();
  return {
    address: anonymizedAddress(address, form),
    requestId: requestId === "" ? null : requestId.slice(0, MAX_REQUEST_ID),
  };
}

/** What sent the current request and roughly from where; without the place where no address may be stored. */
export function auditDevice(form: AddressForm): Device {
  const record = currentRecord();
  // guard: no-place-without-addresses
  const hasPlace = record !== null && form !== "none";
  return {
    ...clientOf(record?.userAgent ?? ""),
    ...(hasPlace ? locationOf(record.country, record.city) : { country: null, city: null }),
  };
}

/**
 * An address as it may be stored: whole, as its network (IPv4 /24, IPv6 /48), or not at all. Null for
 * text that is not an address.
 */
export function anonymizedAddress(address: string, form: AddressForm): string | null {
  if (form === "none") return null;
  const bytes = ipv4(address);
  if (bytes !== null) {
    return form === "full" ? bytes.join(".") : `${bytes.slice(0, 3).join(".")}.0/24`;
  }
  const groups = ipv6(address);
  if (groups === null) return null;
  if (form === "full") return canonicalIpv6(address);
  const network = groups.slice(0, 3).join(":");
  return `${canonicalIpv6(`${network}::`) ?? `${network}::`}/48`;
}

/** The network that all Workers of other zones send from. Only the zone tells them apart. */
const WORKERS = ["2a06", "98c0", "3600"].join(":");

/** Whether unrelated clients share the address, so that it does not tell them apart. */
export function isShared(address: string): boolean {
  return ipv6(address)?.slice(0, 3).join(":") === WORKERS;
}

/**
 * The networks that count for a request's rate limits, the narrowest first. An IPv6 /48 has 65,536 /64, so
 * it is limited too, to ten times as much: by ten counters, of which a request picks one at random.
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
 * The network that an address is counted by: an IPv4 address itself, or the /64 of an IPv6 address, because
 * one client usually has all of it. Empty if it is not an address.
 */
export function networkOf(address: string): string {
  const bytes = ipv4(address);
  if (bytes !== null) return bytes.join(".");
  const groups = ipv6(address);
  // guard: ipv6-is-counted-by-network
  return groups === null ? "" : `${groups.slice(0, 4).join(":")}::/64`;
}
