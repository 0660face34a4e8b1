import type { HeaderField } from '../../core/hop.ts';
import { parseField } from './message.ts';

/** The result of decoding some bytes. */
export interface Decoded {
  /** The payload in order, as views of the input, not copies. */
  readonly parts: readonly Buffer[];
  /** True once the last chunk and its trailers are complete. */
  readonly ended: boolean;
  /** The number of input bytes that belong to the body. */
  readonly taken: number;
}

const sizeLine = /^([0-9a-f]{1,8})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/i;

/** The longest line, in bytes, outside of payload: chunk extensions are skipped, trailers are kept. */
const maxLineBytes = 4096;
const maxTrailerLines = 64;

/** Decodes the chunked transfer coding (RFC 9112, section 7.1) as its bytes arrive. */
export class ChunkedDecoder {
  #state: 'size' | 'data' | 'after-data' | 'trailers' | 'ended' = 'size';
  #line = '';
  #left = 0;
  readonly #trailers: HeaderField[] = [];

  /** The fields that followed the last chunk, with names in lower case. */
  get trailers(): readonly HeaderField[] {
    return this.#trailers;
  }

  /** @throws {Error} if the bytes are not valid chunks */
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

/** Formats the line before the payload of a chunk; CR LF follows the payload. */
export function chunkHead(bytes: number): string {
  return `${bytes.toString(16)}\r\n`;
}

/** The end of a chunked body, without trailers. */
export const lastChunk = '0\r\n\r\n';
