import { type IpBytes, isInRange, parseRange, type Range } from '../core/ip.ts';
import { embeddedIn, localNat64 } from './embedded.ts';

/** The IPv4 ranges that are not globally reachable by IANA's registry of special addresses, and cloud metadata. */
const special4: readonly Range[] = [
  '0.0.0.0/8', // this network; Linux takes 0.0.0.0 for loopback
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier-grade NAT; Alibaba's metadata is 100.100.100.200
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // Azure's platform address, public by its number only
  '169.254.0.0/16', // link-local; metadata of most clouds is 169.254.169.254
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments; Oracle's metadata is 192.0.0.192
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays, withdrawn
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
].map(toRange);

/**
 * The only block from which global unicast addresses are assigned. All others are loopback, unique local (with the
 * metadata of AWS, fd00:ec2::254), link-local, multicast or reserved.
 */
const global6: Range = toRange('2000::/3');

const special6: readonly Range[] = [
  '2001::/23', // protocol assignments; Teredo, which lies in it, is judged by its IPv4 addresses
  '2001:db8::/32', // documentation
  '3fff::/20', // documentation
].map(toRange);

const specialNames: ReadonlySet<string> = new Set([
  'localhost',
  'localhost.localdomain',
  // Names of loopback in the hosts file of Debian.
  'ip6-localhost',
  'ip6-loopback',
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
]);

/**
 * True for an address that strangers must not reach through us: loopback, private, link-local, cloud metadata,
 * multicast, reserved, and IPv6 addresses that lead to such IPv4 addresses.
 */
export function isSpecial(bytes: IpBytes): boolean {
  if (bytes.length === 4) return special4.some((range) => isInRange(bytes, range));
  if (isInRange(bytes, localNat64)) return true;
  const embedded = embeddedIn(bytes);
  if (embedded.length > 0) return embedded.some(isSpecial);
  return !isInRange(bytes, global6) || special6.some((range) => isInRange(bytes, range));
}

/**
 * True for a name that means a special address wherever it is resolved: `localhost` and names below it (RFC 6761,
 * section 6.3), and the names of cloud metadata.
 */
export function isSpecialName(host: string): boolean {
  return specialNames.has(host) || host.endsWith('.localhost');
}

function toRange(text: string): Range {
  return parseRange(text)!;
}
