import type { Duplex } from 'node:stream';
import type { Fate } from '../../../core/flow.ts';

/** So many bytes are enough for one write; whoever writes then waits. */
const fullBytes = 256 * 1024;

/** A block has room for what the engine formats at a time, behind almost enough for one write. */
const blockBytes = fullBytes + 128 * 1024;

/** Fewer bytes, if nothing waits before them, are written by themselves: they need no block. */
const smallBytes = 16 * 1024;

/** The most blocks that wait for their next user. */
const maxFree = 8;

const free: Buffer[] = [];

/**
 * Puts the writes of a session together, for a stream that takes one a turn, as TLS in Node does: what is written in the
 * meantime is copied into a block, which is written as soon as the write before it is done. So the memory of what is
 * written is free at once, and a block becomes as few records as it can.
 */
export class JoinedWrites {
  readonly #stream: Duplex;
  readonly #schedule: () => void;
  readonly #onWritable: () => void;
  /** Filled up to `#bytes`. */
  #block: Buffer | undefined;
  #bytes = 0;
  /** The block that is on its way. */
  #sent: Buffer | undefined;
  #isWriting = false;
  #isScheduled = false;
  #isFull = false;

  /**
   * @param schedule asks for `flush` at the end of this turn
   * @param onWritable is called once more can be written after a write was `full`
   */
  constructor(stream: Duplex, schedule: () => void, onWritable: () => void) {
    this.#stream = stream;
    this.#schedule = schedule;
    this.#onWritable = onWritable;
  }

  /** As `Wire.write`, but never `kept`. */
  write(parts: readonly Buffer[]): Fate {
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    if (bytes < smallBytes && this.#bytes === 0 && !this.#isWriting) {
      this.#send(Buffer.concat(parts, bytes));
      return 'free';
    }
    const block = this.#makeRoom(bytes);
    for (const part of parts) this.#bytes += part.copy(block, this.#bytes);
    if (!this.#isWriting && !this.#isScheduled) {
      this.#isScheduled = true;
      this.#schedule();
    }
    this.#isFull = this.#bytes >= fullBytes;
    return this.#isFull ? 'full' : 'free';
  }

  /** Writes what waits, unless a write is on its way. */
  flush(): void {
    this.#isScheduled = false;
    if (!this.#isWriting) this.#sendBlock();
  }

  /** Writes what waits; nothing follows it. */
  finish(): void {
    if (this.#bytes > 0) this.#stream.write((this.#block as Buffer).subarray(0, this.#bytes));
    this.#block = undefined;
    this.#bytes = 0;
  }

  #makeRoom(bytes: number): Buffer {
    const block = this.#block ?? free.pop() ?? Buffer.allocUnsafeSlow(blockBytes);
    this.#block = block;
    const needed = this.#bytes + bytes;
    if (needed <= block.length) return block;
    const larger = Buffer.allocUnsafeSlow(needed);
    block.copy(larger, 0, 0, this.#bytes);
    this.#block = larger;
    return larger;
  }

  #sendBlock(): void {
    const block = this.#block;
    if (!block || this.#bytes === 0) return;
    const chunk = block.subarray(0, this.#bytes);
    this.#sent = block;
    this.#block = undefined;
    this.#bytes = 0;
    this.#send(chunk);
  }

  #send(chunk: Buffer): void {
    this.#isWriting = true;
    this.#stream.write(chunk, this.#onWritten);
  }

  readonly #onWritten = (error?: Error | null): void => {
    // Node calls back without an error too when it closes what was destroyed.
    if (error || this.#stream.destroyed) return;
    this.#isWriting = false;
    if (this.#sent?.length === blockBytes && free.length < maxFree) free.push(this.#sent);
    this.#sent = undefined;
    this.#sendBlock();
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#onWritable();
  };
}
