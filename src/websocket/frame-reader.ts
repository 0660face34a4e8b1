import { isUtf8 } from 'node:buffer';
import {
  finBit,
  FrameError,
  lengthBits,
  longLength,
  maskBit,
  maxControlBytes,
  maxHeadBytes,
  opcodes,
  reservedBits,
  type Sender,
  shortLength,
} from './frames.ts';
import { maskTo, turnMask } from './mask.ts';

/** Receives what frames carry. */
export interface FrameSink {
  /** The next bytes of the messages, wherever one begins or ends. Returns true if their memory is still needed. */
  onPayload(bytes: Buffer): boolean;
  /** A binary message without a byte, after everything before it. */
  onEmpty(): void;
  onPing(payload: Buffer): void;
  /** `code` is 1005 if the frame has none. */
  onClose(code: number): void;
}

const noBytes = Buffer.alloc(0);

/**
 * Reads frames (RFC 6455, section 5) from a stream of bytes in any pieces. Payloads are passed on as they come, so that a
 * frame of any length costs no memory. They are unmasked in the memory in which they came, and those of one piece are
 * put together there.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #isMasked: boolean;
  // Memory of its own: a slice of Node's pool would keep all of it while the tunnel lives.
  readonly #head: Buffer = Buffer.allocUnsafeSlow(maxHeadBytes);
  /** Bytes of the head so far, and of all of it as far as that is known. */
  #headBytes = 0;
  #headLength = 2;
  /** The frame whose payload is being read. */
  #opcode = 0;
  #isFinal = false;
  #mask = 0;
  #left = 0;
  /** The payload of a control frame, which is needed whole. */
  #control: Buffer = noBytes;
  #controlBytes = 0;
  /** A binary message has begun; and it has no byte yet. */
  #isInMessage = false;
  #isEmpty = true;
  /** The piece that is being read, and the place of the plain bytes in it that were not passed on yet. */
  #chunk: Buffer = noBytes;
  #plainStart = 0;
  #plainEnd = 0;
  #isKept = false;

  constructor(sender: Sender, sink: FrameSink) {
    this.#isMasked = sender === 'client';
    this.#sink = sink;
  }

  /**
   * Reads some bytes, whose memory is then overwritten. Returns true if the sink still needs it.
   * @throws {FrameError}
   */
  push(chunk: Buffer): boolean {
    this.#chunk = chunk;
    this.#isKept = false;
    for (let at = 0; at < chunk.length;) at = this.#left > 0 ? this.#readPayload(at) : this.#readHead(at);
    this.#pass();
    this.#chunk = noBytes;
    return this.#isKept;
  }

  #readHead(start: number): number {
    const [chunk, head] = [this.#chunk, this.#head];
    let at = start;
    while (at < chunk.length && this.#headBytes < this.#headLength) {
      head[this.#headBytes++] = chunk[at++] as number;
      // At once, so that bytes that are no frames are refused whatever follows.
      if (this.#headBytes === 2) this.#headLength = this.#readStart();
    }
    if (this.#headBytes === this.#headLength) this.#startFrame();
    return at;
  }

  /** Checks the first two bytes, and returns the length of the whole head. */
  #readStart(): number {
    const [first = 0, second = 0] = this.#head;
    if ((first & reservedBits) !== 0) throw new FrameError('a frame has reserved bits, which nobody negotiated');
    if (((second & maskBit) !== 0) !== this.#isMasked) {
      throw new FrameError(this.#isMasked ? 'a frame of a client is not masked' : 'a frame of a server is masked');
    }
    const opcode = first & 0x0f;
    const length = second & lengthBits;
    this.#assertOpcode(opcode);
    if (opcode >= opcodes.close) {
      if ((first & finBit) === 0) throw new FrameError('a control frame is fragmented');
      if (length > maxControlBytes) throw new FrameError('a control frame is too long');
    }
    return 2 + (length === longLength ? 8 : length === shortLength ? 2 : 0) + (this.#isMasked ? 4 : 0);
  }

  #assertOpcode(opcode: number): void {
    switch (opcode) {
      case opcodes.continuation:
        if (!this.#isInMessage) throw new FrameError('a continuation has no beginning');
        return;
      case opcodes.binary:
        if (this.#isInMessage) throw new FrameError('a message begins inside another one');
        return;
      case opcodes.close:
      case opcodes.ping:
      case opcodes.pong:
        return;
      default:
        throw new FrameError(`tunnels have no frames with opcode ${opcode}`);
    }
  }

  #startFrame(): void {
    const head = this.#head;
    const [first = 0] = head;
    this.#opcode = first & 0x0f;
    this.#isFinal = (first & finBit) !== 0;
    this.#left = readLength(head);
    if (this.#isMasked) this.#mask = head.readUInt32LE(this.#headLength - 4);
    this.#headBytes = 0;
    this.#headLength = 2;
    if (this.#opcode >= opcodes.close) {
      this.#control = Buffer.allocUnsafe(this.#left);
      this.#controlBytes = 0;
    } else if (this.#opcode === opcodes.binary) {
      this.#isInMessage = true;
      this.#isEmpty = true;
    }
    if (this.#left === 0) this.#finishFrame();
  }

  /** Reads what there is of the payload, and returns the place behind it. */
  #readPayload(start: number): number {
    const end = Math.min(this.#chunk.length, start + this.#left);
    this.#left -= end - start;
    if (this.#opcode >= opcodes.close) {
      this.#move(this.#control, this.#controlBytes, start, end);
      this.#controlBytes += end - start;
    } else {
      this.#isEmpty = false;
      if (this.#plainStart === this.#plainEnd) this.#plainStart = this.#plainEnd = start;
      this.#move(this.#chunk, this.#plainEnd, start, end);
      this.#plainEnd += end - start;
    }
    if (this.#left === 0) this.#finishFrame();
    return end;
  }

  /** Writes the plain bytes of a piece of payload to a place, which may be their own. */
  #move(target: Buffer, at: number, start: number, end: number): void {
    const chunk = this.#chunk;
    if (this.#isMasked) {
      maskTo(target, at, chunk, start, end, this.#mask);
      this.#mask = turnMask(this.#mask, end - start);
    } else if (target !== chunk || at !== start) chunk.copy(target, at, start, end);
  }

  #finishFrame(): void {
    const control = this.#control;
    this.#control = noBytes;
    switch (this.#opcode) {
      case opcodes.pong:
        return;
      case opcodes.ping:
        return this.#sink.onPing(control);
      case opcodes.close:
        this.#pass();
        return this.#sink.onClose(readCloseCode(control));
      default:
        if (!this.#isFinal) return;
        this.#isInMessage = false;
        if (!this.#isEmpty) return;
        this.#pass();
        this.#sink.onEmpty();
    }
  }

  /** Passes on what is plain. */
  #pass(): void {
    const [chunk, start, end] = [this.#chunk, this.#plainStart, this.#plainEnd];
    this.#plainStart = this.#plainEnd = 0;
    if (start === end) return;
    if (this.#sink.onPayload(chunk.subarray(start, end))) this.#isKept = true;
  }
}

function readLength(head: Buffer): number {
  const length = (head[1] ?? 0) & lengthBits;
  if (length < shortLength) return length;
  const isLong = length === longLength;
  const value = isLong ? head.readBigUInt64BE(2) : BigInt(head.readUInt16BE(2));
  if (value < (isLong ? 0x1_0000n : BigInt(shortLength))) throw new FrameError('a length is not in its shortest form');
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FrameError('a frame is too long');
  return Number(value);
}

function readCloseCode(payload: Buffer): number {
  if (payload.length === 0) return 1005;
  const code = payload.length < 2 ? 0 : payload.readUInt16BE(0);
  const isKnown = (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
  if (!isKnown) throw new FrameError('a Close has no code that may be sent');
  if (!isUtf8(payload.subarray(2))) throw new FrameError('the reason of a Close is not UTF-8');
  return code;
}
