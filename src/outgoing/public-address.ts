import ipaddr from 'ipaddr.js';

/**
 * Whether an address belongs to the public internet: global unicast, and nothing that leads somewhere else (IANA's
 * special-purpose address registries, RFC 6890). Anything not known to be public is refused: private, loopback, link-local,
 * carrier NAT (RFC 6598), metadata services, multicast, 6to4, Teredo. An IPv4 address inside an IPv6 one is
 * judged by itself: mapped (RFC 4291 §2.5.5.2) or by NAT64 (RFC 6052, through which IPv6-only networks reach everything).
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv4) return isPublicV4(parsed);
  if (parsed.zoneId) return false;
  if (parsed.isIPv4MappedAddress()) return isPublicV4(parsed.toIPv4Address());
  if (parsed.match(NAT64)) return isPublicV4(new ipaddr.IPv4(parsed.toByteArray().slice(12)));
  return parsed.match(GLOBAL_UNICAST) && parsed.range() === 'unicast';
}

const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
/** Azure's metadata and DNS service: a public address that only virtual machines can reach. */
const AZURE_WIRE_SERVER = '168.63.129.16';

function isPublicV4(address: ipaddr.IPv4): boolean {
  return address.range() === 'unicast' && address.toString() !== AZURE_WIRE_SERVER;
}
