import { ByteQueue } from '../core/byte-queue.ts';
import type { FlowEvents } from '../core/flow.ts';
import { blockBytes, giveBlock, takeBlock } from '../core/lent.ts';
import { sizeOf } from '../core/octets.ts';
import { headBytes, maxPayload } from './frames.ts';
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
    const [first, second] = parts;
    if (!first) return;
    this.#parts = [];
    // Copies cost less than a system call for each frame.
    const inPlace = second && parts.length === 2 ? joinInPlace(first, second) : undefined;
    const lent = second ? inPlace : first;
    if (lent) {
      if (reader.onData(lent)) this.#isKept = true;
      return;
    }
    const { block, bytes } = join(parts);
    if (!reader.onData(bytes) && block) giveBlock(block);
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

/** Moves the smaller of two parts over the head between them. Undefined if they do not lie in one memory. */
function joinInPlace(first: Buffer, second: Buffer): Buffer | undefined {
  const { buffer, byteOffset, length } = first;
  if (second.buffer !== buffer || second.byteOffset !== byteOffset + length + headBytes) return undefined;
  const all = Buffer.from(buffer, byteOffset, length + headBytes + second.length);
  if (length > second.length) {
    all.copyWithin(length, length + headBytes);
    return all.subarray(0, length + second.length);
  }
  all.copyWithin(headBytes, 0, length);
  return all.subarray(headBytes);
}

/** @returns the bytes, and the block in which they lie, if others may use it again */
function join(parts: readonly Buffer[]): { readonly block: Buffer | undefined; readonly bytes: Buffer } {
  const length = sizeOf(parts);
  const block = length >= blockBytes / 4 && length <= blockBytes ? takeBlock() : undefined;
  const bytes = block?.subarray(0, length) ?? Buffer.allocUnsafe(length);
  let at = 0;
  for (const part of parts) at += part.copy(bytes, at);
  return { block, bytes };
}
