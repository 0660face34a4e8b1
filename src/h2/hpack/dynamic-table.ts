import type { HeaderField } from '../../core/hop.ts';

/** The size of a dynamic table before anybody has changed it, in bytes (RFC 9113, section 6.5.2). */
export const initialTableBytes = 4096;

/** The bytes that a field counts for besides its name and its value (RFC 7541, section 4.1). */
const fieldOverhead = 32;

/** The size of a field as tables and limits count it, in bytes. */
export function fieldBytes(field: HeaderField): number {
  return field[0].length + field[1].length + fieldOverhead;
}

/** Slots at the start; a power of two, as each later number of slots. */
const firstSlots = 16;

/** A dynamic table (RFC 7541, section 2.3.2): the fields that were added last, as many as its size allows. */
export class DynamicTable {
  /** The field that was added as number n is in slot n, modulo the number of slots. */
  #slots: (HeaderField | undefined)[] = Array.from({ length: firstSlots });
  /** Another number after each change: while it is the same, an index means the same. */
  version = 0;
  #added = 0;
  #count = 0;
  #bytes = 0;
  #maxBytes = initialTableBytes;

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** How many fields were ever added. */
  get added(): number {
    return this.#added;
  }

  /** Returns the field at a position, where 0 is the newest; undefined behind the oldest. */
  get(position: number): HeaderField | undefined {
    return position < this.#count ? this.#slots[(this.#added - 1 - position) & (this.#slots.length - 1)] : undefined;
  }

  /** Adds a field, for which old ones make room. One that is larger than the whole table only empties it. */
  add(field: HeaderField): void {
    const bytes = fieldBytes(field);
    this.version++;
    this.#evictDownTo(this.#maxBytes - bytes);
    if (bytes > this.#maxBytes) return;
    if (this.#count === this.#slots.length) this.#doubleSlots();
    this.#slots[this.#added & (this.#slots.length - 1)] = field;
    this.#added++;
    this.#count++;
    this.#bytes += bytes;
  }

  /** Changes the size of the table; fields that do not fit any more are evicted. */
  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.version++;
    this.#evictDownTo(maxBytes);
  }

  /** Called for each field that leaves the table, with the number under which it was added. */
  protected onEvicted(_field: HeaderField, _number: number): void {}

  #evictDownTo(bytes: number): void {
    while (this.#count > 0 && this.#bytes > bytes) {
      const number = this.#added - this.#count;
      const slot = number & (this.#slots.length - 1);
      const field = this.#slots[slot] as HeaderField;
      this.#slots[slot] = undefined;
      this.#count--;
      this.#bytes -= fieldBytes(field);
      this.onEvicted(field, number);
    }
  }

  #doubleSlots(): void {
    const slots = Array.from<HeaderField | undefined>({ length: this.#slots.length * 2 });
    for (let number = this.#added - this.#count; number < this.#added; number++) {
      slots[number & (slots.length - 1)] = this.#slots[number & (this.#slots.length - 1)];
    }
    this.#slots = slots;
  }
}
