import { isIPv4, isIPv6 } from 'node:net';
import { type IpBytes, mappedPrefix, toBytes } from '../../core/ip.ts';

/** The bytes of `255.255.0.0`, a number of up to three digits between the dots; undefined for everything else. */
function readDotted(text: string): IpBytes | undefined {
  if (!/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) return undefined;
  const bytes = text.split('.').map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

/** Returns an IPv4 address as the signed number of 32 bits that `convert_addr` of PAC files gives. */
export function toNumber(dotted: string): number {
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map((part) => Number(part) & 0xff);
  return (a << 24) | (b << 16) | (c << 8) | d;
}

/** True if an IPv4 address is in the network of a pattern and a mask, both written with dots. */
export function isInMask(address: string, pattern: string, mask: string): boolean {
  const [bytes, network, bits] = [readDotted(address), readDotted(pattern), readDotted(mask)];
  if (!bytes || !network || !bits) return false;
  return bytes.every((byte, index) => (byte & (bits[index] ?? 0)) === ((network[index] ?? 0) & (bits[index] ?? 0)));
}

/** True if an address of either family is in a network written as `10.0.0.0/8` or `fd00::/8`. */
export function isInPrefix(address: string, prefix: string): boolean {
  const [, network = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(prefix) ?? [];
  const [bytes, wanted] = [toOwnBytes(address), toOwnBytes(network)];
  const length = Number(digits);
  if (!bytes || !wanted || bytes.length !== wanted.length || digits === '' || length > 8 * bytes.length) return false;
  return bytes.every((byte, index) => {
    const shift = 8 - Math.min(Math.max(length - 8 * index, 0), 8);
    return byte >> shift === (wanted[index] ?? 0) >> shift;
  });
}

/** The bytes of an address in its own family: an IPv4-mapped address stays one of IPv6. */
function toOwnBytes(address: string): IpBytes | undefined {
  const bytes = toBytes(address);
  return bytes?.length === 4 && isIPv6(address) ? [...mappedPrefix, ...bytes] : bytes;
}

/** Sorts addresses that are separated by `;`, those of IPv6 first; undefined if one of them is no address. */
export function sortAddresses(list: string): string | undefined {
  const addresses = list.split(';').map((part) => part.trim());
  const known = addresses.map((address) => ({ address, bytes: toOwnBytes(address) }));
  if (known.some(({ bytes }) => bytes === undefined)) return undefined;
  return known
    .toSorted((one, other) => compareBytes(one.bytes ?? [], other.bytes ?? []))
    .map(({ address }) => address)
    .join(';');
}

function compareBytes(one: IpBytes, other: IpBytes): number {
  if (one.length !== other.length) return other.length - one.length;
  const at = one.findIndex((byte, index) => byte !== other[index]);
  return at < 0 ? 0 : (one[at] ?? 0) - (other[at] ?? 0);
}

/** True for an address of IPv4 or IPv6, in any valid spelling. */
export function isAddress(text: string): boolean {
  return isIPv4(text) || isIPv6(text);
}
