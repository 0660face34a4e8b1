import { formatIp, type IpBytes, toBytes } from './ip.ts';

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
