/** The code of `?`, which stands for a character that is not in latin1. */
const questionMark = 0x3f;

/** Integers and string lengths are below 2^31, so they take at most five bytes behind their prefix. */
const maxIntegerBytes = 6;

/** Writes the parts of a header block one after the other. */
export class BlockWriter {
  #bytes: Buffer = Buffer.allocUnsafeSlow(4096);
  #end = 0;

  /** Begins a block; what is left of one that was given up goes away. */
  start(): void {
    this.#end = 0;
  }

  /** Writes an integer (RFC 7541, section 5.1). `first` has the bits before it, and `prefix` those of its prefix. */
  integer(first: number, prefix: number, value: number): void {
    this.#reserve(maxIntegerBytes);
    if (value < prefix) {
      this.#bytes[this.#end++] = first | value;
      return;
    }
    this.#bytes[this.#end++] = first | prefix;
    let rest = value - prefix;
    for (; rest >= 0x80; rest >>>= 7) this.#bytes[this.#end++] = (rest & 0x7f) | 0x80;
    this.#bytes[this.#end++] = rest;
  }

  /** Writes a string (RFC 7541, section 5.2) without Huffman coding. */
  text(text: string): void {
    this.integer(0, 0x7f, text.length);
    this.#reserve(text.length);
    const bytes = this.#bytes;
    let end = this.#end;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      bytes[end++] = code > 0xff ? questionMark : code;
    }
    this.#end = end;
  }

  /** Returns the last characters that were written, as a string of their own. */
  lastText(length: number): string {
    return this.#bytes.toString('latin1', this.#end - length, this.#end);
  }

  /** Returns the block as a buffer of its own. */
  finish(): Buffer {
    const block = Buffer.allocUnsafe(this.#end);
    this.#bytes.copy(block, 0, 0, this.#end);
    return block;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.#end + bytes));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}
