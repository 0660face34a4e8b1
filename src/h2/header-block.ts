import { ConnectionFault, errorCodes, flags as bits } from './codes.ts';
import { readUint32 } from './frame-reader.ts';

/** A whole header block: HEADERS, joined with its CONTINUATION frames (RFC 9113, section 6.10). */
export interface HeaderBlock {
  readonly stream: number;
  readonly bytes: Buffer;
  readonly isEnd: boolean;
  /** It says that its stream depends on itself, which is a fault of that stream. */
  readonly dependsOnItself: boolean;
}

/** The most CONTINUATION frames behind one HEADERS frame. */
const maxContinuations = 8;

/** Joins header blocks. Nothing may come in between. */
export class HeaderBlockReader {
  readonly #maxBytes: number;
  #block: HeaderBlock | undefined;
  #parts: Buffer[] = [];
  #bytes = 0;

  /** @param maxBytes of a block before it is decoded */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True while CONTINUATION must come. */
  get isOpen(): boolean {
    return this.#block !== undefined;
  }

  /**
   * Takes a HEADERS frame; returns the block if it is whole.
   * @throws {ConnectionFault}
   */
  start(stream: number, flags: number, payload: Buffer): HeaderBlock | undefined {
    const isPadded = (flags & bits.padded) !== 0;
    const hasPriority = (flags & bits.priority) !== 0;
    const start = (isPadded ? 1 : 0) + (hasPriority ? 5 : 0);
    if (payload.length < start) throw new ConnectionFault(errorCodes.frameSizeError, 'HEADERS is too short');
    const end = payload.length - (isPadded ? (payload[0] as number) : 0);
    if (end < start) throw new ConnectionFault(errorCodes.protocolError, 'more padding than HEADERS');
    const dependsOnItself = hasPriority && (readUint32(payload, isPadded ? 1 : 0) & 0x7fff_ffff) === stream;
    const bytes = payload.subarray(start, end);
    this.#assertSize(bytes.length);
    const block = { stream, bytes, isEnd: (flags & bits.endStream) !== 0, dependsOnItself };
    if ((flags & bits.endHeaders) !== 0) return block;
    this.#block = block;
    // The memory of a payload is lent.
    this.#parts = [Buffer.from(bytes)];
    this.#bytes = bytes.length;
    return undefined;
  }

  /** Takes a CONTINUATION frame; returns the block if it is whole. */
  add(stream: number, flags: number, payload: Buffer): HeaderBlock | undefined {
    const block = this.#block;
    if (block?.stream !== stream) throw new ConnectionFault(errorCodes.protocolError, 'CONTINUATION out of place');
    this.#parts.push(Buffer.from(payload));
    this.#bytes += payload.length;
    this.#assertSize(this.#bytes);
    if ((flags & bits.endHeaders) === 0) {
      if (this.#parts.length <= maxContinuations) return undefined;
      throw new ConnectionFault(errorCodes.enhanceYourCalm, 'too many CONTINUATION frames');
    }
    const bytes = Buffer.concat(this.#parts);
    this.#block = undefined;
    this.#parts = [];
    return { ...block, bytes };
  }

  #assertSize(bytes: number): void {
    if (bytes > this.#maxBytes) throw new ConnectionFault(errorCodes.enhanceYourCalm, 'a header block is too large');
  }
}
