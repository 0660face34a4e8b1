import { ByteQueue } from '../core/byte-queue.ts';
import { maxPayload } from './frames.ts';
import { windowBytes } from './outgoing.ts';

/** The most that may be unread: the window of the other end, and the block in which it ends. */
const mostUnreadBytes = windowBytes + 4 * maxPayload;

/** The direction of a resumable stream in which we receive. */
export class Incoming {
  isPaused = true;
  /** The offset of the next byte that is expected; the end takes the place of one. */
  received = 0;
  /** True once a reader that reads has taken everything before the end. */
  isEndTaken = false;
  readonly unread = new ByteQueue();
  /** The offset at which the other end has ended its half. */
  #lastOffset: number | undefined;

  /** True once the other end has ended its half, and everything before that has arrived. */
  get hasEnd(): boolean {
    return this.#lastOffset !== undefined;
  }

  /** The offset after everything that the reader has taken. */
  get taken(): number {
    return this.received - this.unread.bytes - (this.hasEnd && !this.isEndTaken ? 1 : 0);
  }

  /** True if bytes may follow those before them. */
  canReceive(offset: number, length: number): boolean {
    if (offset > this.received || offset + length > (this.#lastOffset ?? Infinity)) return false;
    return this.unread.bytes + length <= mostUnreadBytes;
  }

  /** Counts bytes and returns those that are new; `undefined` if there are none, or they are kept until somebody reads. */
  receive(offset: number, part: Buffer): Buffer | undefined {
    const fresh = part.subarray(Math.max(0, this.received - offset));
    if (fresh.length === 0) return undefined;
    this.received += fresh.length;
    if (!this.isPaused && this.unread.isEmpty) return fresh;
    this.unread.pushCopy(fresh);
    return undefined;
  }

  /** Yields what waits for a reader, as long as he reads. */
  *read(): Generator<Buffer> {
    while (!this.isPaused && !this.unread.isEmpty) yield this.unread.take(maxPayload);
  }

  /** Notes where the half ends; returns false if that cannot be. */
  receiveEnd(offset: number): boolean {
    if (this.#lastOffset !== undefined) return offset === this.#lastOffset;
    if (offset !== this.received) return false;
    this.#lastOffset = offset;
    this.received++;
    this.takeEnd();
    return true;
  }

  /** Notes that the end is taken, if there is one and the reader has come so far. */
  takeEnd(): void {
    if (this.hasEnd && !this.isPaused && this.unread.isEmpty) this.isEndTaken = true;
  }
}
