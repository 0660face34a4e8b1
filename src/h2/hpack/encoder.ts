import type { HeaderField } from '../../core/hop.ts';
import { BlockWriter } from './block-writer.ts';
import { fieldBytes, initialTableBytes } from './dynamic-table.ts';
import { literalForms, traitsOf } from './names.ts';
import { SearchableTable } from './searchable-table.ts';
import { staticTable } from './static-table.ts';

/** The index of the newest field in the dynamic table (RFC 7541, section 2.3.3). */
const firstDynamicIndex = staticTable.length + 1;

/** A block up to this is kept, so that the same fields need not be encoded again. */
const keptBytes = 1024;

/** A block is written at one go, so all encoders can write in the same place. */
const writer = new BlockWriter();

/**
 * Encodes the header blocks of one direction of a connection (RFC 7541). Each block must be sent, and in the order in
 * which they were made. Strings are not Huffman-coded: fields that come again take a byte or two anyway.
 */
export class HpackEncoder {
  readonly #table = new SearchableTable();
  /** The table size that the peer knows of, and the smallest one since. */
  #knownBytes = initialTableBytes;
  #smallestBytes = initialTableBytes;
  /** The last fields and their block, while the same fields give the same block. */
  #last: { readonly fields: readonly HeaderField[]; readonly block: Buffer } | undefined;

  /**
   * Takes over the peer's SETTINGS_HEADER_TABLE_SIZE; the next block tells the peer. More than 4096 bytes are not used,
   * whatever the peer allows.
   */
  setMaxTableBytes(bytes: number): void {
    this.#table.resize(Math.min(bytes, initialTableBytes));
    this.#smallestBytes = Math.min(this.#smallestBytes, this.#table.maxBytes);
    this.#last = undefined;
  }

  /**
   * Encodes a field list as one block, which nobody may change. Names must be in lower case. Each character is one
   * byte, as in latin1; one above U+00FF, which no field can have, becomes `?`.
   */
  encode(fields: readonly HeaderField[]): Buffer {
    const last = this.#last;
    if (last && areSame(last.fields, fields)) return last.block;
    const { version } = this.#table;
    const isResized = this.#smallestBytes < this.#knownBytes || this.#knownBytes !== this.#table.maxBytes;
    writer.start();
    if (isResized) this.#writeSizeUpdates();
    for (let at = 0; at < fields.length; at++) this.#writeField(fields[at] as HeaderField);
    const block = writer.finish();
    const isLasting = !isResized && this.#table.version === version && block.length <= keptBytes;
    this.#last = isLasting ? { fields, block } : undefined;
    return block;
  }

  /** RFC 7541, section 4.2: a smaller size since the last block too, because the peer evicted fields for it. */
  #writeSizeUpdates(): void {
    const bytes = this.#table.maxBytes;
    if (this.#smallestBytes < Math.min(bytes, this.#knownBytes)) writer.integer(0x20, 0x1f, this.#smallestBytes);
    writer.integer(0x20, 0x1f, bytes);
    this.#knownBytes = bytes;
    this.#smallestBytes = bytes;
  }

  #writeField(field: HeaderField): void {
    const name = field[0];
    const value = field[1];
    const traits = traitsOf(name);
    const staticIndex = traits.indexByValue.get(value);
    if (staticIndex !== undefined) return writer.integer(0x80, 0x7f, staticIndex);
    // A large field would drive out most of the others.
    if (traits.form !== literalForms.indexed || fieldBytes(field) > this.#table.maxBytes / 2) {
      const form = traits.form === literalForms.neverIndexed ? traits.form : literalForms.plain;
      writer.integer(form, 0x0f, traits.index);
      if (traits.index === 0) writer.text(name);
      return writer.text(value);
    }
    const position = this.#table.find(name, value);
    if (position >= 0) return writer.integer(0x80, 0x7f, firstDynamicIndex + position);
    this.#writeNewField(name, value, traits.index);
  }

  /** Writes a field and adds it to the table, as strings of its own: the caller's may be slices of a large one. */
  #writeNewField(name: string, value: string, staticIndex: number): void {
    const position = staticIndex === 0 ? this.#table.findName(name) : -1;
    const namesake = position < 0 ? staticTable[staticIndex - 1] : this.#table.get(position);
    writer.integer(literalForms.indexed, 0x3f, position < 0 ? staticIndex : firstDynamicIndex + position);
    if (namesake === undefined) writer.text(name);
    const ownName = namesake?.[0] ?? writer.lastText(name.length);
    writer.text(value);
    this.#table.add([ownName, writer.lastText(value.length)]);
  }
}

function areSame(some: readonly HeaderField[], others: readonly HeaderField[]): boolean {
  if (some.length !== others.length) return false;
  for (let at = 0; at < some.length; at++) {
    const field = some[at] as HeaderField;
    const other = others[at] as HeaderField;
    if (field[0] !== other[0] || field[1] !== other[1]) return false;
  }
  return true;
}
