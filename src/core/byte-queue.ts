/** The least that a block for copies holds. */
const leastBlockBytes = 1024;

/** The most that a block for copies holds, unless one chunk is larger. */
const mostBlockBytes = 64 * 1024;

/** A queue of bytes. Copies of small chunks are put together in blocks, so that the queue takes little more than its bytes. */
export class ByteQueue {
  bytes = 0;
  #chunks: Buffer[] = [];
  /** Chunks before this place were taken. */
  #first = 0;
  /** The block at the end of the queue, and what is filled of it. */
  #block: Buffer | undefined;
  #filled = 0;
  #blockBytes = leastBlockBytes;

  get isEmpty(): boolean {
    return this.bytes === 0;
  }

  /** Adds a chunk that nobody else changes any more. */
  push(chunk: Buffer): void {
    this.#closeBlock();
    this.#chunks.push(chunk);
    this.bytes += chunk.length;
  }

  /** Adds the bytes of a chunk whose memory is used again. */
  pushCopy(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const block = this.#openBlock(chunk.length - at);
      const copied = chunk.copy(block, this.#filled, at);
      this.#filled += copied;
      this.bytes += copied;
      at += copied;
    }
  }

  /** Puts a copy in the place of the last chunk that was pushed, as far as that still waits. */
  replaceLast(copy: (chunk: Buffer) => Buffer): void {
    const last = this.#chunks.length - 1;
    if (last >= this.#first) this.#chunks[last] = copy(this.#chunks[last] as Buffer);
  }

  /** Takes the next bytes that lie together, at most `mostBytes` of them. The queue must not be empty. */
  take(mostBytes: number): Buffer {
    if (this.#first === this.#chunks.length) this.#closeBlock();
    const chunk = this.#chunks[this.#first] as Buffer;
    if (chunk.length > mostBytes) {
      this.#chunks[this.#first] = chunk.subarray(mostBytes);
      this.bytes -= mostBytes;
      return chunk.subarray(0, mostBytes);
    }
    this.bytes -= chunk.length;
    this.#first++;
    if (this.bytes === 0) this.clear();
    else if (this.#first >= 64) {
      this.#chunks = this.#chunks.slice(this.#first);
      this.#first = 0;
    }
    return chunk;
  }

  /** Drops everything. Chunks that were taken stay as they are. */
  clear(): void {
    this.#chunks = [];
    this.#first = 0;
    this.bytes = 0;
    this.#block = undefined;
    this.#filled = 0;
    this.#blockBytes = leastBlockBytes;
  }

  #openBlock(bytes: number): Buffer {
    if (this.#block && this.#filled < this.#block.length) return this.#block;
    this.#closeBlock();
    const block = Buffer.allocUnsafeSlow(Math.min(mostBlockBytes, Math.max(bytes, this.#blockBytes)));
    this.#blockBytes = Math.min(mostBlockBytes, this.#blockBytes * 2);
    this.#block = block;
    return block;
  }

  #closeBlock(): void {
    if (this.#block && this.#filled > 0) this.#chunks.push(this.#block.subarray(0, this.#filled));
    this.#block = undefined;
    this.#filled = 0;
  }
}
