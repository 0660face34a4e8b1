import type { HeaderField } from '../../core/hop.ts';
import { DynamicTable, fieldBytes, initialTableBytes } from './dynamic-table.ts';
import { HpackError } from './error.ts';
import { decodeHuffman } from './huffman.ts';
import { staticTable } from './static-table.ts';

/** The limits of a decoder. */
export interface DecoderLimits {
  /**
   * SETTINGS_HEADER_TABLE_SIZE as we announce it, in bytes. Less than 4096 binds the peer only when it has acknowledged
   * our SETTINGS: call `setMaxTableBytes` then.
   */
  readonly maxTableBytes: number;
  /** The largest field list in bytes; each field counts 32 besides its name and its value (RFC 9113, section 6.5.2). */
  readonly maxListBytes: number;
  readonly maxFields: number;
}

/** What a header block says. */
export interface DecodedFields {
  /** The fields in their order. Their bytes are latin1 characters; whether HTTP allows them has not been checked. */
  readonly fields: readonly HeaderField[];
  /** True if the list exceeds a limit; `fields` then ends before the first field that does. */
  readonly isTooLarge: boolean;
}

/** RFC 7541, section 4.2: the smallest size between two blocks, and the last one. */
const maxSizeUpdates = 2;

/** The largest integer that we read, and the most bytes that may follow its prefix; no sensible block needs as much. */
const maxInteger = 2 ** 28;
const maxIntegerShift = 28;

const noBytes = Buffer.alloc(0);

/** A block up to this is kept with what it says: where every tunnel has the same head, it has a byte or two for each field. */
export const keptBytes = 32;

/**
 * Decodes the header blocks of one direction of a connection (RFC 7541), each of which must be given to it, and in the
 * order in which they came. It keeps no part of a block. After an error it is of no use any more, nor is its connection.
 */
export class HpackDecoder {
  readonly #table = new DynamicTable();
  readonly #maxListBytes: number;
  readonly #maxFields: number;
  #maxTableBytes: number;
  /** True if the next block must start with a change of the table's size, to `#smallestTableBytes` at most. */
  #isUpdateDue = false;
  #smallestTableBytes = 0;
  #block: Buffer = noBytes;
  #at = 0;
  /** The last block and what it says, while the same bytes say the same. */
  readonly #lastBytes = new Uint8Array(keptBytes);
  #lastLength = 0;
  #last: DecodedFields | undefined;

  constructor({ maxTableBytes, maxListBytes, maxFields }: DecoderLimits) {
    this.#maxTableBytes = Math.max(maxTableBytes, initialTableBytes);
    this.#maxListBytes = maxListBytes;
    this.#maxFields = maxFields;
  }

  /** Sets the largest size of the dynamic table. Call it when the peer acknowledges SETTINGS that change it. */
  setMaxTableBytes(bytes: number): void {
    this.#maxTableBytes = bytes;
    this.#last = undefined;
    if (this.#isUpdateDue) this.#smallestTableBytes = Math.min(this.#smallestTableBytes, bytes);
    else if (bytes < this.#table.maxBytes) {
      this.#isUpdateDue = true;
      this.#smallestTableBytes = bytes;
    }
  }

  /**
   * Decodes one whole block. A list that is too large is decoded to its end, because the tables of both sides must stay
   * the same (RFC 9113, section 10.5.1), but what exceeds the limits is not kept. The answer to the same block may be the
   * same object.
   * @throws {HpackError} if the block is not valid
   */
  decode(block: Buffer): DecodedFields {
    if (this.#last && this.#isLast(block)) return this.#last;
    const { version } = this.#table;
    this.#block = block;
    this.#at = 0;
    this.#readSizeUpdates();
    const fields: HeaderField[] = [];
    let listBytes = 0;
    let isTooLarge = false;
    while (this.#at < block.length) {
      const field = this.#readField();
      listBytes += fieldBytes(field);
      if (listBytes > this.#maxListBytes || fields.length >= this.#maxFields) isTooLarge = true;
      if (!isTooLarge) fields.push(field);
    }
    // The block may be a part of a large buffer.
    this.#block = noBytes;
    const decoded = { fields, isTooLarge };
    this.#last = this.#table.version === version && block.length <= keptBytes ? decoded : undefined;
    if (this.#last) this.#lastBytes.set(block);
    this.#lastLength = block.length;
    return decoded;
  }

  #isLast(block: Buffer): boolean {
    const bytes = this.#lastBytes;
    if (block.length !== this.#lastLength) return false;
    for (let at = 0; at < block.length; at++) if (block[at] !== bytes[at]) return false;
    return true;
  }

  #readSizeUpdates(): void {
    for (let updates = 0; this.#at < this.#block.length; updates++) {
      if (((this.#block[this.#at] as number) & 0xe0) !== 0x20) break;
      if (updates === maxSizeUpdates) throw new HpackError('the table size changes more than twice');
      const bytes = this.#readInteger(0x1f);
      if (bytes > (this.#isUpdateDue ? this.#smallestTableBytes : this.#maxTableBytes)) {
        throw new HpackError('the table size is above our limit');
      }
      this.#isUpdateDue = false;
      this.#table.resize(bytes);
    }
    if (this.#isUpdateDue) throw new HpackError('the table size was not lowered to our limit');
  }

  /** RFC 7541, section 6. */
  #readField(): HeaderField {
    const first = this.#block[this.#at] as number;
    if (first >= 0x80) return this.#lookUp(this.#readInteger(0x7f));
    if (first >= 0x40) {
      const field = this.#readLiteral(0x3f);
      this.#table.add(field);
      return field;
    }
    if (first >= 0x20) throw new HpackError('the table size changes after a field');
    return this.#readLiteral(0x0f);
  }

  #readLiteral(prefix: number): HeaderField {
    const index = this.#readInteger(prefix);
    const name = index === 0 ? this.#readString() : this.#lookUp(index)[0];
    return [name, this.#readString()];
  }

  #lookUp(index: number): HeaderField {
    const position = index - staticTable.length - 1;
    const field = position < 0 ? staticTable[index - 1] : this.#table.get(position);
    if (field === undefined) throw new HpackError('a field has an index that is not in the tables');
    return field;
  }

  #readString(): string {
    if (this.#at >= this.#block.length) throw new HpackError('the block ends within a field');
    const isHuffman = (this.#block[this.#at] as number) >= 0x80;
    const length = this.#readInteger(0x7f);
    const start = this.#at;
    const end = start + length;
    if (end > this.#block.length) throw new HpackError('the block ends within a field');
    this.#at = end;
    return isHuffman ? decodeHuffman(this.#block, start, end) : this.#block.toString('latin1', start, end);
  }

  /** Reads an integer whose prefix is in these bits of the next byte (RFC 7541, section 5.1). */
  #readInteger(prefix: number): number {
    const block = this.#block;
    let value = (block[this.#at++] as number) & prefix;
    if (value < prefix) return value;
    for (let shift = 0; shift <= maxIntegerShift; shift += 7) {
      if (this.#at >= block.length) throw new HpackError('the block ends within an integer');
      const byte = block[this.#at++] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (value > maxInteger) break;
      if (byte < 0x80) return value;
    }
    throw new HpackError('an integer is too large');
  }
}
