import { blockBytes, giveBlock, headroomBytes, takeBlock, takeOver } from '../core/lent.ts';
import { headBytes, kinds, maxPayload, readHead, writeHead } from './frames.ts';

/** The least that a block for small writes holds; the next ones hold more and more. */
const leastBlockBytes = 1024;

/** A block, with the head of a frame in front of it. */
const frameBytes = headBytes + blockBytes;

/** The most blocks that wait for their next user: as many as one stream may have on its way, and some. */
const maxFree = 96;

/** A write from this size on has a large block from the first on. */
const largeBytes = 16 * 1024;

/** Frames that lie one after the other in memory. */
interface Block {
  readonly memory: Buffer;
  /** The block of which `memory` is a part, if others may use it again. */
  readonly lent: Buffer | undefined;
  filled: number;
  /** The offsets of its first byte and after its last. */
  readonly start: number;
  end: number;
  /** Somebody may still use its memory when it is acknowledged: nothing else is written into it. */
  isKept: boolean;
}

/**
 * The frames of one direction that the other side has not yet acknowledged. They are kept as they are sent, so that
 * sending them again costs nothing.
 */
export class Replay {
  /** The offset after everything that was written. */
  end = 0;
  /** Everything before this offset is acknowledged. */
  acked = 0;
  /** The highest offset that was ever handed out. */
  sent = 0;
  /** The memory of the frames, in bytes. */
  bytes = 0;
  /** Bytes that were written and not handed out since the last `rewind`. */
  unsentBytes = 0;
  readonly #blocks: Block[] = [];
  /** The block and the place in it from which on nothing was handed out. */
  #nextBlock = 0;
  #nextAt = 0;
  #blockBytes = leastBlockBytes;

  /** Puts bytes into frames at the end. Returns true if their memory is used for that, and false if they are copied. */
  write(chunk: Buffer): boolean {
    const lent = chunk.length >= largeBytes ? takeOver(chunk) : undefined;
    if (lent) {
      this.#append(this.#addBlock(framesOf(lent), lent), kinds.data, chunk.length, chunk.length);
      return true;
    }
    for (let at = 0; at < chunk.length; at += maxPayload) {
      const part = chunk.subarray(at, at + maxPayload);
      const block = this.#openBlock(headBytes + part.length);
      part.copy(block.memory, block.filled + headBytes);
      this.#append(block, kinds.data, part.length, part.length);
    }
    return false;
  }

  /** Adds the end of the direction. */
  writeEnd(): void {
    this.#append(this.#openBlock(headBytes), kinds.end, 0, 1);
  }

  /** Returns the next frames to send, as far as they lie together and begin before `limit`. */
  take(limit: number): Buffer | undefined {
    const block = this.#blocks[this.#nextBlock];
    if (!block || this.#nextAt === block.filled || block.start >= limit) return undefined;
    const part = block.memory.subarray(this.#nextAt, block.filled);
    this.#nextAt = block.filled;
    if (this.#nextBlock < this.#blocks.length - 1) this.#toBlock(this.#nextBlock + 1);
    this.unsentBytes -= part.length;
    this.sent = Math.max(this.sent, block.end);
    return part;
  }

  /** Notes that whoever has what was handed out last did not copy it. */
  keep(): void {
    const last = this.#blocks[this.#nextAt > 0 ? this.#nextBlock : this.#nextBlock - 1];
    if (last) last.isKept = true;
  }

  /** Drops what is acknowledged. `offset` lies between `acked` and `sent`. */
  acknowledge(offset: number): void {
    this.acked = offset;
    const kept = this.#blocks.findIndex(({ end }) => end > offset);
    const dropped = this.#blocks.splice(0, kept < 0 ? this.#blocks.length : kept);
    for (const block of dropped) this.#free(block);
    if (dropped.length <= this.#nextBlock) this.#nextBlock -= dropped.length;
    else this.#sendFromStart();
    if (this.#blocks.length === 0) this.#blockBytes = leastBlockBytes;
  }

  /** Hands everything from the frame with `offset` on out again. `offset` lies between `acked` and `sent`. */
  rewind(offset: number): void {
    const at = this.#blocks.findIndex(({ end }) => end > offset);
    this.#toBlock(at < 0 ? Math.max(0, this.#blocks.length - 1) : at);
    const block = this.#blocks[this.#nextBlock];
    while (block && this.#nextAt < block.filled) {
      const { kind, length, offset: start } = readHead(block.memory, this.#nextAt);
      if (start + (kind === kinds.end ? 1 : length) > offset) break;
      this.#nextAt += headBytes + length;
    }
    this.#countUnsent();
  }

  /** Frees all memory; nothing is sent any more. */
  clear(): void {
    for (const block of this.#blocks.splice(0)) this.#free(block);
    this.#toBlock(0);
    this.unsentBytes = 0;
  }

  #free({ memory, lent, isKept }: Block): void {
    this.bytes -= memory.length;
    if (lent && !isKept) giveBlock(lent, maxFree);
  }

  #append(block: Block, kind: number, length: number, count: number): void {
    writeHead(block.memory, block.filled, kind, this.end, length);
    block.filled += headBytes + length;
    this.end += count;
    block.end = this.end;
    this.unsentBytes += headBytes + length;
  }

  #openBlock(bytes: number): Block {
    const last = this.#blocks.at(-1);
    if (last && last.memory.length - last.filled >= bytes) return last;
    if (bytes > frameBytes) return this.#addBlock(Buffer.allocUnsafeSlow(bytes));
    if (bytes >= largeBytes || this.#blockBytes >= blockBytes) {
      const lent = takeBlock();
      return this.#addBlock(framesOf(lent), lent);
    }
    const memory = Buffer.allocUnsafeSlow(Math.max(bytes, this.#blockBytes));
    this.#blockBytes *= 2;
    return this.#addBlock(memory);
  }

  #addBlock(memory: Buffer, lent?: Buffer): Block {
    const last = this.#blocks.at(-1);
    const block = { memory, lent, filled: 0, start: this.end, end: this.end, isKept: false };
    this.#blocks.push(block);
    this.bytes += memory.length;
    if (last && this.#nextBlock === this.#blocks.length - 2 && this.#nextAt === last.filled) {
      this.#toBlock(this.#blocks.length - 1);
    }
    return block;
  }

  #toBlock(index: number): void {
    this.#nextBlock = index;
    this.#nextAt = 0;
  }

  #sendFromStart(): void {
    this.#toBlock(0);
    this.#countUnsent();
  }

  #countUnsent(): void {
    const rest = this.#blocks.slice(this.#nextBlock).reduce((sum, { filled }) => sum + filled, 0);
    this.unsentBytes = rest - this.#nextAt;
  }
}

/** The memory for frames of a block: the first head lies in front of it. */
function framesOf(block: Buffer): Buffer {
  return Buffer.from(block.buffer, headroomBytes - headBytes, frameBytes);
}
