/** Ids of the pairs that we read or write (MS-NLMP, section 2.2.2.1). */
export const avIds = { end: 0, flags: 6, timestamp: 7, targetName: 9, channelBindings: 10 } as const;

/** A pair of the target information: an id, and a value that is mostly text in UTF-16. */
export type AvPair = readonly [id: number, value: Buffer];

/**
 * Parses target information. Returns undefined if it has no end, or if a pair reaches beyond it; what follows the end
 * is not read.
 */
export function parseAvPairs(bytes: Buffer): AvPair[] | undefined {
  const pairs: AvPair[] = [];
  for (let at = 0; at + 4 <= bytes.length;) {
    const [id, length] = [bytes.readUInt16LE(at), bytes.readUInt16LE(at + 2)];
    if (id === avIds.end) return pairs;
    at += 4;
    if (at + length > bytes.length) return undefined;
    pairs.push([id, bytes.subarray(at, at + length)]);
    at += length;
  }
  return undefined;
}

/** Writes target information, with its end. */
export function formatAvPairs(pairs: readonly AvPair[]): Buffer {
  const parts = [...pairs, [avIds.end, Buffer.alloc(0)] as const].flatMap(([id, value]) => {
    const head = Buffer.alloc(4);
    head.writeUInt16LE(id, 0);
    head.writeUInt16LE(value.length, 2);
    return [head, value];
  });
  return Buffer.concat(parts);
}
