import type { HeaderField } from '../../core/hop.ts';
import { parseField } from './message.ts';

/** What a decoder found in some bytes. */
export interface Decoded {
  /** Payload, in order; parts of the input, not copies. */
  readonly parts: readonly Buffer[];
  /** The last chunk and its trailers are complete. */
  readonly ended: boolean;
  /** How many of the bytes belong to the body. */
  readonly taken: number;
}

const sizeLine = /^([0-9a-f]{1,8})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/i;

/** Extensions are read over, trailers are kept, up to this many bytes for one line. */
const maxLineBytes = 4096;
const maxTrailerLines = 64;

/** Decodes the chunked transfer coding (RFC 9112, section 7.1) as its bytes come. */
export class ChunkedDecoder {
  #state: 'size' | 'data' | 'after-data' | 'trailers' | 'ended' = 'size';
  #line = '';
  #left = 0;
  readonly #trailers: HeaderField[] = [];

  /** The fields that came after the last chunk, names in lower case. */
  get trailers(): readonly HeaderField[] {
    return this.#trailers;
  }

  /** @throws {Error} when the bytes are not chunks */
  decode(input: Buffer): Decoded {
    const parts: Buffer[] = [];
    let at = 0;
    while (at < input.length && this.#state !== 'ended') {
      if (this.#state === 'data') {
        const part = input.subarray(at, at + this.#left);
        parts.push(part);
        at += part.length;
        this.#left -= part.length;
        if (this.#left === 0) this.#state = 'after-data';
        continue;
      }
      const end = input.indexOf(0x0a, at);
      const stop = end < 0 ? input.length : end + 1;
      this.#line += input.toString('latin1', at, stop);
      at = stop;
      if (this.#line.length > maxLineBytes) throw new Error('a line between chunks is too long');
      if (end >= 0) this.#takeLine();
    }
    return { parts, ended: this.#state === 'ended', taken: at };
  }

  #takeLine(): void {
    if (!this.#line.endsWith('\r\n')) throw new Error('a line between chunks does not end with CR LF');
    const line = this.#line.slice(0, -2);
    this.#line = '';
    switch (this.#state) {
      case 'size': {
        const size = sizeLine.exec(line)?.[1];
        if (size === undefined) throw new Error('a chunk has no valid size');
        this.#left = Number.parseInt(size, 16);
        this.#state = this.#left === 0 ? 'trailers' : 'data';
        return;
      }
      case 'after-data':
        if (line !== '') throw new Error('a chunk is longer than its size');
        this.#state = 'size';
        return;
      default:
        if (line === '') this.#state = 'ended';
        else if (this.#trailers.length === maxTrailerLines) throw new Error('there are too many trailers');
        else this.#trailers.push(parseField(line, () => new Error('a trailer is not valid')));
    }
  }
}

/** The bytes before and after a chunk's payload. */
export function chunkHead(bytes: number): string {
  return `${bytes.toString(16)}\r\n`;
}

/** The end of a chunked body, without trailers. */
export const lastChunk = '0\r\n\r\n';
