import { isIP } from 'node:net';
import type { Address } from './address.ts';

/** An address as its bytes: 4 for IPv4, 16 for IPv6. An IPv4-mapped address is an IPv4 address. */
export type IpBytes = readonly number[];

/** The prefix of IPv4-mapped addresses in IPv6 (RFC 4291, section 2.5.5.2). */
export const mappedPrefix: IpBytes = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/**
 * Returns the bytes of an address in any valid spelling, and `undefined` for everything else: names, the short and
 * octal spellings that libc accepts, and addresses with a zone, which have a meaning only on the machine that wrote
 * them.
 */
export function toBytes(address: string): IpBytes | undefined {
  if (address.includes('%')) return undefined;
  switch (isIP(address)) {
    case 4:
      return address.split('.').map(Number);
    case 6:
      return unmap(parseGroups(address));
    default:
      return undefined;
  }
}

function unmap(bytes: IpBytes): IpBytes {
  return mappedPrefix.every((byte, index) => bytes[index] === byte) ? bytes.slice(12) : bytes;
}

function parseGroups(address: string): IpBytes {
  const hex = address.replace(/\d+\.\d+\.\d+\.\d+$/, (dotted) => {
    const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head = [], tail] = hex.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return [...head, ...zeros, ...(tail ?? [])]
    .map((group) => Number.parseInt(group, 16))
    .flatMap((n) => [n >> 8, n & 0xff]);
}

/** Writes an address in its canonical form (RFC 5952). */
export function formatIp(bytes: IpBytes | Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((bytes[2 * index]! << 8) | bytes[2 * index + 1]!).toString(16),
  );
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** Lists the addresses that a host certainly stands for on this machine; none for a name that must be resolved. */
export function listMeanings(host: string): readonly IpBytes[] {
  // RFC 6761, section 6.3.
  if (/(^|\.)localhost$/.test(host)) return [toBytes('127.0.0.1')!, toBytes('::1')!];
  // A zone names an interface; the address is the same.
  const bytes = toBytes(host.replace(/%.*$/s, ''));
  return bytes ? [bytes] : [];
}

/** True for `0.0.0.0` and `::`, which stand for all addresses of a machine. */
export function isUnspecified(bytes: IpBytes): boolean {
  return bytes.every((byte) => byte === 0);
}

/** True if both are the same address. */
export function isSameIp(one: IpBytes | undefined, other: IpBytes): boolean {
  return one?.length === other.length && other.every((byte, index) => one[index] === byte);
}

/** True for an IP address by which a machine reaches itself: 127.0.0.0/8 (RFC 1122, section 3.2.1.3) and ::1 (RFC 4291, section 2.5.3). */
export function isLoopbackBytes(bytes: IpBytes): boolean {
  return bytes.length === 4 ? bytes[0] === 127 : bytes.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

/** True for `localhost` and for the loopback addresses in any spelling. Other names are not resolved. */
export function isLoopbackHost(host: string): boolean {
  const bytes = toBytes(host);
  return bytes === undefined ? host === 'localhost' : isLoopbackBytes(bytes);
}

/** True for a listener that only this machine can reach; false for an inherited descriptor, whose place is not known yet. */
export function isLoopback(address: Address): boolean {
  switch (address.kind) {
    case 'unix':
    case 'internal':
      return true;
    case 'fd':
      return false;
    case 'tcp':
      return isLoopbackHost(address.host);
  }
}

/** All addresses that share the first `prefix` bits. */
export interface Range {
  readonly bytes: IpBytes;
  readonly prefix: number;
}

/** Reads `10.0.0.0/8`, `2001:db8::/32`, or a single address; `undefined` for any other text. */
export function parseRange(text: string): Range | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const bytes = toBytes(address);
  if (bytes === undefined || rest.length > 0) return undefined;
  if (length === undefined) return { bytes, prefix: bytes.length * 8 };
  if (!/^(?:0|[1-9]\d{0,2})$/.test(length)) return undefined;
  // The length counts from the start of the written form: ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const prefix = Number(length) - (address.includes(':') ? 128 - bytes.length * 8 : 0);
  return prefix >= 0 && prefix <= bytes.length * 8 ? { bytes, prefix } : undefined;
}

/** Writes a range in its one form: the first address and the number of bits, `10.0.0.0/8`. */
export function formatRange(range: Range): string {
  return `${formatIp(firstAddress(range))}/${range.prefix}`;
}

/** True if the address lies in the range. */
export function isInRange(bytes: IpBytes, range: Range): boolean {
  if (bytes.length !== range.bytes.length) return false;
  return range.bytes.every((byte, index) => ((byte ^ bytes[index]!) & maskOf(index, range.prefix)) === 0);
}

/** True if every address of `inner` lies in `outer`. */
export function isWithin(inner: Range, outer: Range): boolean {
  return inner.prefix >= outer.prefix && isInRange(inner.bytes, outer);
}

/** The first address of the range: its bytes with the bits after the prefix cleared. */
export function firstAddress(range: Range): IpBytes {
  return range.bytes.map((byte, index) => byte & maskOf(index, range.prefix));
}

function maskOf(index: number, prefix: number): number {
  const bits = Math.min(8, Math.max(0, prefix - 8 * index));
  return (0xff << (8 - bits)) & 0xff;
}
