import { frameHeadBytes } from '../core/lent.ts';

/**
 * The frames of a resumable stream. Each has a head of 12 bytes, in network order:
 *
 *     kind (1) | length of the payload (3) | offset (8)
 *
 * The offset counts the payload bytes of one direction; the end of the direction takes the place of one more byte.
 */
export const headBytes: number = frameHeadBytes;

export const kinds = {
  /** Payload; the offset is that of its first byte. */
  data: 0,
  /** The direction ends: its offset is the number of bytes before it. */
  end: 1,
  /** The application of the sender has taken everything before the offset. */
  ack: 2,
  /** Asks for an `ack`, and shows that the transport works. */
  ping: 3,
  /** Both directions are aborted. */
  reset: 4,
  /** The sender has delivered and been acknowledged everything. */
  done: 5,
} as const;

/** The most payload of one frame, in bytes. */
export const maxPayload = 256 * 1024;

const highestOffset = Number.MAX_SAFE_INTEGER;
const low = 2 ** 32;

/** Writes the head of a frame into `memory` at `at`. */
export function writeHead(memory: Buffer, at: number, kind: number, offset: number, length = 0): void {
  memory.writeUInt32BE(kind * 2 ** 24 + length, at);
  memory.writeUInt32BE(Math.floor(offset / low), at + 4);
  memory.writeUInt32BE(offset % low, at + 8);
}

/** Makes a frame without payload. */
export function makeFrame(kind: number, offset: number): Buffer {
  const frame = Buffer.allocUnsafe(headBytes);
  writeHead(frame, 0, kind, offset);
  return frame;
}

/** The head of a frame. */
export interface Head {
  readonly kind: number;
  readonly length: number;
  readonly offset: number;
}

/** Reads the head of a frame; its offset may be above what can be counted, and then it is NaN. */
export function readHead(memory: Buffer, at: number): Head {
  const offset = memory.readUInt32BE(at + 4) * low + memory.readUInt32BE(at + 8);
  return {
    kind: memory.readUInt8(at),
    length: memory.readUIntBE(at + 1, 3),
    offset: offset <= highestOffset ? offset : Number.NaN,
  };
}

/** True for a head that a frame of its kind may have. */
export function isValid({ kind, offset, length }: Head): boolean {
  const isOfSize = kind === kinds.data ? length > 0 && length <= maxPayload : length === 0;
  return isOfSize && Number.isSafeInteger(offset + length);
}

/** Receives frames as they arrive. */
export interface FrameSink {
  /** A head is complete. Returns false if nothing more is to be read. */
  onHead(head: Head): boolean;
  /** The next bytes of the payload, and their offset. */
  onPayload(offset: number, part: Buffer): void;
  /** All that came at once is read. Returns true if some of its memory is kept. */
  onRead(): boolean;
}

/** Takes the frames out of the bytes of one transport. */
export class FrameReader {
  readonly #head = Buffer.alloc(headBytes);
  #headFilled = 0;
  #offset = 0;
  #payloadLeft = 0;
  #isStopped = false;

  /** Reads the next bytes; returns true if the sink keeps some of their memory. */
  read(chunk: Buffer, sink: FrameSink): boolean {
    for (let at = 0; at < chunk.length && !this.#isStopped;) {
      if (this.#payloadLeft > 0) {
        const part = chunk.subarray(at, at + this.#payloadLeft);
        const offset = this.#offset;
        at += part.length;
        this.#offset += part.length;
        this.#payloadLeft -= part.length;
        sink.onPayload(offset, part);
        continue;
      }
      const copied = chunk.copy(this.#head, this.#headFilled, at);
      at += copied;
      this.#headFilled += copied;
      if (this.#headFilled < headBytes) break;
      this.#headFilled = 0;
      const head = readHead(this.#head, 0);
      this.#offset = head.offset;
      this.#payloadLeft = head.length;
      if (!sink.onHead(head)) this.stop();
    }
    return sink.onRead();
  }

  /** Ignores all further bytes, also those of a chunk that is being read. */
  stop(): void {
    this.#isStopped = true;
  }
}
