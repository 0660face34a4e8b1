/** A field of a protobuf message: its number, and its bytes. Only length-delimited fields are read. */
export interface Field {
  readonly number: number;
  readonly bytes: Buffer;
}

/** The sizes of values of fixed length, by their wire types. */
const fixedBytes: Readonly<Record<number, number>> = { 1: 8, 5: 4 };
const [varint, delimited] = [0, 2];

/**
 * Lists the texts, bytes and messages among the fields of a protobuf message, in their order. Numbers are passed over.
 * @throws {RangeError} if the bytes are no message
 */
export function readFields(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    // Seven bits at a time; ten bytes at most.
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message.readUInt8(at++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number without an end');
  };
  while (at < message.length) {
    const tag = readVarint();
    const [number, type] = [Math.floor(tag / 8), tag % 8];
    if (type === varint) {
      readVarint();
      continue;
    }
    const length = type === delimited ? readVarint() : fixedBytes[type];
    if (length === undefined || length > message.length - at) throw new RangeError('a field that does not fit');
    if (type === delimited) fields.push({ number, bytes: message.subarray(at, at + length) });
    at += length;
  }
  return fields;
}

/** Finds the last field with a number, which is the one that counts; empty bytes if there is none. */
export function findField(fields: readonly Field[], number: number): Buffer {
  return fields.findLast((field) => field.number === number)?.bytes ?? Buffer.alloc(0);
}
