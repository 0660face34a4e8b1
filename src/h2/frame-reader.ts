import { ConnectionFault, errorCodes, flags as bits, frameHeadBytes, frameTypes, usualFrameBytes } from './codes.ts';

/** Receives the frames of a connection in their order. Each method may throw a ConnectionFault. */
export interface FrameEvents {
  /** A DATA frame begins; its payload of this length, padding included, follows. */
  onData(stream: number, bytes: number, flags: number): void;
  /** Some of its bytes. Returns true if their memory is still needed after the call. */
  onDataPart(part: Buffer): boolean;
  /** Some of its padding, or the length of it. */
  onPadding(bytes: number): void;
  /** It is over. */
  onDataEnd(flags: number): void;
  /** Any other frame, as a whole. The memory of its payload is lent. */
  onFrame(type: number, flags: number, stream: number, payload: Buffer): void;
}

const noBytes = Buffer.alloc(0);

/** The payloads of PING and of what is shorter. */
const shortBytes = 8;

/** What of the frame comes next. */
const stages = { head: 0, padLength: 1, data: 2, padding: 3, payload: 4, skip: 5 } as const;

/** Splits the bytes of a connection into frames. DATA is handed on in slices while it comes; other frames are collected. */
export class FrameReader {
  /** The largest frame that we announced. */
  maxDataBytes = usualFrameBytes;
  readonly #events: FrameEvents;
  readonly #maxBlockBytes: number;
  readonly #head = Buffer.alloc(frameHeadBytes);
  #stage: number = stages.head;
  #headBytes = 0;
  #type = 0;
  #flags = 0;
  #stream = 0;
  /** Bytes of this stage that are still to come. */
  #left = 0;
  #paddingBytes = 0;
  #payload: Buffer = noBytes;
  /** The memory that is lent for short payloads, by their length: a slice of what was read costs more than such a frame. */
  readonly #short: readonly Buffer[] = toPrefixes(Buffer.alloc(shortBytes));
  #isStopped = false;

  /** @param maxBlockBytes the most that one HEADERS or CONTINUATION holds, if that is more than usual */
  constructor(events: FrameEvents, maxBlockBytes: number) {
    this.#events = events;
    this.#maxBlockBytes = Math.max(maxBlockBytes, usualFrameBytes);
  }

  /** Ignores everything from now on. */
  stop(): void {
    this.#isStopped = true;
  }

  /**
   * Reads the next bytes, from `start` on. Returns true if their memory is still needed.
   * @throws {ConnectionFault}
   */
  feed(chunk: Buffer, start = 0): boolean {
    let isKept = false;
    for (let at = start; at < chunk.length && !this.#isStopped;) {
      if (this.#stage === stages.head) {
        at = this.#readHead(chunk, at);
        continue;
      }
      if (this.#stage === stages.padLength) {
        this.#readPadLength(chunk[at++] as number);
        continue;
      }
      const end = Math.min(chunk.length, at + this.#left);
      if (this.#readPart(chunk, at, end)) isKept = true;
      at = end;
    }
    return isKept;
  }

  #readHead(chunk: Buffer, at: number): number {
    if (this.#headBytes === 0 && chunk.length - at >= frameHeadBytes) {
      this.#startFrame(chunk, at);
      return at + frameHeadBytes;
    }
    const end = Math.min(chunk.length, at + frameHeadBytes - this.#headBytes);
    this.#headBytes += chunk.copy(this.#head, this.#headBytes, at, end);
    if (this.#headBytes === frameHeadBytes) {
      this.#headBytes = 0;
      this.#startFrame(this.#head, 0);
    }
    return end;
  }

  #startFrame(head: Buffer, at: number): void {
    const bytes = ((head[at] as number) << 16) | ((head[at + 1] as number) << 8) | (head[at + 2] as number);
    const type = head[at + 3] as number;
    const flags = head[at + 4] as number;
    const stream = readUint32(head, at + 5) & 0x7fff_ffff;
    this.#type = type;
    this.#flags = flags;
    this.#stream = stream;
    this.#left = bytes;
    if (type === frameTypes.data) return this.#startData(stream, bytes, flags);
    const isKnown = type <= frameTypes.continuation;
    const isBlock = type === frameTypes.headers || type === frameTypes.continuation;
    const own = isBlock ? this.#maxBlockBytes : isKnown ? usualFrameBytes : Infinity;
    const limit = Math.min(own, this.maxDataBytes);
    if (bytes > limit) throw new ConnectionFault(errorCodes.frameSizeError, 'a frame is too large');
    if (bytes === 0) return this.#events.onFrame(type, flags, stream, noBytes);
    this.#stage = isKnown ? stages.payload : stages.skip;
    // Told at once: nobody wants its payload, but it may not come in the middle of a header block.
    if (!isKnown) this.#events.onFrame(type, flags, stream, noBytes);
  }

  #startData(stream: number, bytes: number, flags: number): void {
    if (bytes > this.maxDataBytes) throw new ConnectionFault(errorCodes.frameSizeError, 'a DATA frame is too large');
    const isPadded = (flags & bits.padded) !== 0;
    if (isPadded && bytes === 0)
      throw new ConnectionFault(errorCodes.frameSizeError, 'padded DATA has no length of it');
    this.#paddingBytes = 0;
    this.#events.onData(stream, bytes, flags);
    if (isPadded) this.#stage = stages.padLength;
    else this.#enter(stages.data, bytes);
  }

  #readPadLength(paddingBytes: number): void {
    const left = this.#left - 1;
    if (paddingBytes > left) throw new ConnectionFault(errorCodes.protocolError, 'more padding than DATA');
    this.#paddingBytes = paddingBytes;
    this.#events.onPadding(1);
    this.#enter(stages.data, left - paddingBytes);
  }

  /** Goes on with a stage of a DATA frame, or with the one behind it where it has no bytes. */
  #enter(stage: number, bytes: number): void {
    this.#stage = stage;
    this.#left = bytes;
    if (bytes > 0) return;
    if (stage === stages.data && this.#paddingBytes > 0) return this.#enter(stages.padding, this.#paddingBytes);
    this.#stage = stages.head;
    this.#events.onDataEnd(this.#flags);
  }

  #readPart(chunk: Buffer, at: number, end: number): boolean {
    const bytes = end - at;
    switch (this.#stage) {
      case stages.data: {
        const isKept = this.#events.onDataPart(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
        this.#enter(stages.data, this.#left - bytes);
        return isKept;
      }
      case stages.padding:
        this.#events.onPadding(bytes);
        this.#enter(stages.padding, this.#left - bytes);
        return false;
      case stages.payload:
        this.#collect(chunk, at, end);
        return false;
      default:
        this.#left -= bytes;
        if (this.#left === 0) this.#stage = stages.head;
        return false;
    }
  }

  #collect(chunk: Buffer, at: number, end: number): void {
    const bytes = end - at;
    const isStart = this.#payload.length === 0;
    if (isStart && bytes === this.#left) return this.#finish(this.#lend(chunk, at, end));
    if (isStart) this.#payload = Buffer.allocUnsafe(this.#left);
    chunk.copy(this.#payload, this.#payload.length - this.#left, at, end);
    this.#left -= bytes;
    if (this.#left > 0) return;
    const payload = this.#payload;
    this.#payload = noBytes;
    this.#finish(payload);
  }

  #lend(chunk: Buffer, at: number, end: number): Buffer {
    const short = this.#short[end - at];
    if (!short) return chunk.subarray(at, end);
    for (let from = at, to = 0; from < end; from++, to++) short[to] = chunk[from] as number;
    return short;
  }

  #finish(payload: Buffer): void {
    this.#stage = stages.head;
    this.#events.onFrame(this.#type, this.#flags, this.#stream, payload);
  }
}

/** The beginnings of some memory, by their length. */
function toPrefixes(memory: Buffer): readonly Buffer[] {
  return Array.from({ length: memory.length + 1 }, (_, bytes) => memory.subarray(0, bytes));
}

/** Reads 32 bits in network order. The method of Buffer makes four more calls for its checks, and each frame has such a number. */
export function readUint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  const low = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  return ((high << 16) | low) >>> 0;
}
