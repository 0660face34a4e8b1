import { type IpBytes, isInRange, parseRange, type Range } from '../core/ip.ts';

/** A block of IPv6 addresses that contain IPv4 addresses. */
interface Embedding {
  readonly range: Range;
  readonly read: (bytes: IpBytes) => readonly IpBytes[];
}

const lastFour = (bytes: IpBytes): readonly IpBytes[] => [bytes.slice(12)];

/** Reads the bytes at these positions as one IPv4 address. */
const pick = (bytes: IpBytes, ...places: readonly number[]): IpBytes => places.map((place) => bytes[place]!);

/** Network-local NAT64 (RFC 8215). */
export const localNat64: Range = parseRange('64:ff9b:1::/48')!;

const embeddings: readonly Embedding[] = [
  // IPv4-compatible (RFC 4291, section 2.5.5.1). IPv4-mapped addresses are IPv4 already.
  { range: parseRange('::/96')!, read: lastFour },
  // IPv4-translated, SIIT (RFC 2765).
  { range: parseRange('::ffff:0:0:0/96')!, read: lastFour },
  // NAT64 with the well-known prefix (RFC 6052).
  { range: parseRange('64:ff9b::/96')!, read: lastFour },
  // The network itself chooses the length of its prefix: each place of RFC 6052, section 2.2, is possible.
  {
    range: localNat64,
    read: (bytes) => [
      pick(bytes, 6, 7, 9, 10),
      pick(bytes, 7, 9, 10, 11),
      pick(bytes, 9, 10, 11, 12),
      pick(bytes, 12, 13, 14, 15),
    ],
  },
  // 6to4 (RFC 3056).
  { range: parseRange('2002::/16')!, read: (bytes) => [bytes.slice(2, 6)] },
  // Teredo (RFC 4380, section 4): the server, and the client with its bits inverted.
  { range: parseRange('2001::/32')!, read: (bytes) => [bytes.slice(4, 8), bytes.slice(12).map((byte) => byte ^ 0xff)] },
];

/** Lists the IPv4 addresses that an IPv6 address may lead to by translation or tunnelling; none for IPv4. */
export function embeddedIn(bytes: IpBytes): readonly IpBytes[] {
  return embeddingOf(bytes)?.read(bytes) ?? [];
}

/** The block to which an IPv6 address with embedded IPv4 addresses belongs. */
export function embeddingRange(bytes: IpBytes): Range | undefined {
  return embeddingOf(bytes)?.range;
}

function embeddingOf(bytes: IpBytes): Embedding | undefined {
  if (bytes.length === 4 || isOneOfTheFirstTwo(bytes)) return undefined;
  return embeddings.find(({ range }) => isInRange(bytes, range));
}

/** True for `::` and `::1`, which lie in the IPv4-compatible block but embed nothing. */
function isOneOfTheFirstTwo(bytes: IpBytes): boolean {
  return bytes[15]! <= 1 && bytes.slice(0, 15).every((byte) => byte === 0);
}
