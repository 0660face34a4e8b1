import { ByteQueue } from '../core/byte-queue.ts';
import type { FlowEvents } from '../core/flow.ts';
import { sizeOf } from '../core/octets.ts';
import { maxPayload } from './frames.ts';
import { blockBytes, giveBlock, takeBlock } from './memory.ts';
import { windowBytes } from './outgoing.ts';

/** The most that may be unread: the window of the other end, and the block in which it ends. */
const mostUnreadBytes = windowBytes + 4 * maxPayload;

/** Bytes that the reader has taken after which the other end is told at once, and not with the next tick. */
const ackBytes = 256 * 1024;

/** The direction of a resumable stream in which we receive. */
export class Incoming {
  isPaused = true;
  /** The offset of the next byte that is expected; the end takes the place of one. */
  received = 0;
  /** What the other end was told last of what is taken. */
  acked = 0;
  /** True once a reader that reads has taken everything before the end. */
  isEndTaken = false;
  readonly unread = new ByteQueue();
  /** What goes to the reader once all that came at once is read. */
  #parts: Buffer[] = [];
  #isKept = false;
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

  /** True if the other end is to be told at once: of the end, and of much that was taken. */
  get isAckDue(): boolean {
    return this.taken - this.acked >= (this.isEndTaken ? 1 : ackBytes);
  }

  /** True if bytes may follow those before them. */
  canReceive(offset: number, length: number): boolean {
    if (offset > this.received || offset + length > (this.#lastOffset ?? Infinity)) return false;
    return this.unread.bytes + length <= mostUnreadBytes;
  }

  /** Counts bytes and keeps those that are new: until `deliver`, or until somebody reads. */
  receive(offset: number, part: Buffer): void {
    const fresh = part.subarray(Math.max(0, this.received - offset));
    if (fresh.length === 0) return;
    this.received += fresh.length;
    if (!this.isPaused && this.unread.isEmpty) this.#parts.push(fresh);
    else this.unread.pushCopy(fresh);
  }

  /** Hands what was received since the last call to the reader, in one piece. */
  deliver(reader: FlowEvents): void {
    const parts = this.#parts;
    const [first] = parts;
    if (!first) return;
    this.#parts = [];
    if (parts.length === 1) {
      if (reader.onData(first)) this.#isKept = true;
      return;
    }
    // A copy costs less than a system call for each frame.
    const { block, bytes } = join(parts);
    if (!reader.onData(bytes)) giveBlock(block);
  }

  /** True if the reader keeps memory of what was delivered since the last call. */
  takeKept(): boolean {
    const isKept = this.#isKept;
    this.#isKept = false;
    return isKept;
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

function join(parts: readonly Buffer[]): { readonly block: Buffer; readonly bytes: Buffer } {
  const length = sizeOf(parts);
  const block = length >= blockBytes / 4 && length <= blockBytes ? takeBlock() : Buffer.allocUnsafe(length);
  let at = 0;
  for (const part of parts) at += part.copy(block, at);
  return { block, bytes: block.subarray(0, length) };
}
