import { isUtf8 } from 'node:buffer';

/** The opcodes of frames that tunnels use (RFC 6455, section 5.2). */
export const opcodes = { continuation: 0x0, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

/** The reasons in a Close frame that we send (RFC 6455, section 7.4.1). */
export const closeCodes = { normal: 1000, protocolError: 1002, internalError: 1011 } as const;

/** The most bytes in the payload of a control frame (RFC 6455, section 5.5). */
const maxControlBytes = 125;

/** Thrown for bytes that break RFC 6455, or the rules of tunnels in it. */
export class FrameError extends Error {}

/** Receives what frames carry. */
export interface FrameSink {
  /** A part of a message, in any size. */
  onData(part: Buffer): void;
  /** The end of a binary message, with the bytes that it had. */
  onMessage(bytes: number): void;
  onPing(payload: Buffer): void;
  /** `code` is 1005 if the frame has none. */
  onClose(code: number): void;
}

/** Bits of the first two bytes of a frame. */
const [finBit, reservedBits, maskBit, lengthBits] = [0x80, 0x70, 0x80, 0x7f];

/** Lengths that stand for longer fields: two bytes, or eight. */
const [shortLength, longLength] = [126, 127];

/** The longest head: two bytes, eight of length, four of the mask. */
const maxHeadBytes = 14;

const noBytes = Buffer.alloc(0);

/** The frame whose payload is being read. */
interface OpenFrame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly mask: Buffer | undefined;
  left: number;
  /** Bytes of the payload so far, by which the mask turns. */
  read: number;
  /** The payload of a control frame, which is needed whole. */
  readonly control: Buffer[];
}

/**
 * Reads frames (RFC 6455, section 5) from a stream of bytes in any pieces. Payloads are passed on as they come, so that
 * a frame of any length costs no memory.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #isMasked: boolean;
  /** The beginning of a head that has not come as a whole. */
  #head: Buffer = noBytes;
  #frame: OpenFrame | undefined;
  /** The bytes of the binary message that has begun. */
  #message: number | undefined;

  /** @param sender frames of a client are masked, and those of a server never */
  constructor(sender: 'client' | 'server', sink: FrameSink) {
    this.#isMasked = sender === 'client';
    this.#sink = sink;
  }

  /** Reads some bytes. @throws {FrameError} */
  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 || this.#frame?.left === 0) {
      rest = this.#frame ? this.#readPayload(this.#frame, rest) : this.#readHead(rest);
    }
  }

  #readHead(chunk: Buffer): Buffer {
    const known = this.#head.length;
    const head = known === 0 ? chunk : Buffer.concat([this.#head, chunk.subarray(0, maxHeadBytes)]);
    const bytes = headLength(head);
    if (head.length < 2 || head.length < bytes) {
      // A head that is not whole is shorter than what was looked at, so the chunk has no more.
      this.#head = Buffer.from(head);
      if (head.length >= 2) this.#assertHead(head);
      return noBytes;
    }
    this.#assertHead(head);
    this.#head = noBytes;
    const [first = 0] = head;
    this.#frame = {
      opcode: first & 0x0f,
      isFinal: (first & finBit) !== 0,
      mask: this.#isMasked ? Buffer.from(head.subarray(bytes - 4, bytes)) : undefined,
      left: readLength(head),
      read: 0,
      control: [],
    };
    return chunk.subarray(bytes - known);
  }

  /** Checks the first two bytes, so that bytes that are no frames are refused at once. */
  #assertHead(head: Buffer): void {
    const [first = 0, second = 0] = head;
    const opcode = first & 0x0f;
    if ((first & reservedBits) !== 0) throw new FrameError('a frame has reserved bits, which nobody negotiated');
    if (((second & maskBit) !== 0) !== this.#isMasked) {
      throw new FrameError(this.#isMasked ? 'a frame of a client is not masked' : 'a frame of a server is masked');
    }
    switch (opcode) {
      case opcodes.continuation:
        if (this.#message === undefined) throw new FrameError('a continuation has no beginning');
        return;
      case opcodes.binary:
        if (this.#message !== undefined) throw new FrameError('a message begins inside another one');
        return;
      case opcodes.close:
      case opcodes.ping:
      case opcodes.pong:
        if ((first & finBit) === 0) throw new FrameError('a control frame is fragmented');
        if ((second & lengthBits) > maxControlBytes) throw new FrameError('a control frame is too long');
        return;
      default:
        throw new FrameError(`tunnels have no frames with opcode ${opcode}`);
    }
  }

  #readPayload(frame: OpenFrame, chunk: Buffer): Buffer {
    const part = chunk.subarray(0, frame.left);
    const plain = frame.mask ? applyMask(part, frame.mask, frame.read) : part;
    frame.left -= part.length;
    frame.read += part.length;
    if (frame.opcode >= opcodes.close) frame.control.push(plain);
    else {
      this.#message = (this.#message ?? 0) + part.length;
      if (part.length > 0) this.#sink.onData(plain);
    }
    if (frame.left === 0) {
      this.#frame = undefined;
      this.#finish(frame);
    }
    return chunk.subarray(part.length);
  }

  #finish({ opcode, isFinal, control }: OpenFrame): void {
    switch (opcode) {
      case opcodes.pong:
        return;
      case opcodes.ping:
        return this.#sink.onPing(Buffer.concat(control));
      case opcodes.close:
        return this.#sink.onClose(readCloseCode(Buffer.concat(control)));
      default: {
        if (!isFinal) return;
        const bytes = this.#message ?? 0;
        this.#message = undefined;
        this.#sink.onMessage(bytes);
      }
    }
  }
}

/** The length of a head by its second byte; 2 if that is not there yet. */
function headLength(head: Buffer): number {
  const second = head[1] ?? 0;
  const length = second & lengthBits;
  return 2 + (length === longLength ? 8 : length === shortLength ? 2 : 0) + ((second & maskBit) === 0 ? 0 : 4);
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

/** Masks or unmasks bytes (RFC 6455, section 5.3); `from` is their place in the payload. */
function applyMask(bytes: Buffer, mask: Buffer, from: number): Buffer {
  // Memory of its own begins where whole words do, which are masked several times as fast as bytes.
  const done = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(done);
  const turned = Uint8Array.from([0, 1, 2, 3], (index) => mask[(from + index) & 3] as number);
  const [word = 0] = new Uint32Array(turned.buffer);
  const words = new Uint32Array(done.buffer, 0, done.length >> 2);
  for (let at = 0; at < words.length; at++) words[at] = (words[at] as number) ^ word;
  for (let at = words.length * 4; at < done.length; at++) done[at] = (done[at] as number) ^ (turned[at & 3] as number);
  return done;
}

/** Writes frames of one side, each a whole message or a control frame. */
export class FrameWriter {
  readonly #isMasked: boolean;

  /** @param sender a client masks its frames with fresh random bytes, so that a page cannot choose what proxies see */
  constructor(sender: 'client' | 'server') {
    this.#isMasked = sender === 'client';
  }

  /** Returns the buffers of a frame, to be written one after the other. */
  write(opcode: number, parts: readonly Buffer[]): Buffer[] {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    const head = this.#writeHead(opcode, bytes);
    if (!this.#isMasked) return [head, ...parts];
    const mask = Buffer.from(crypto.getRandomValues(new Uint8Array(4)));
    let from = 0;
    const masked = parts.map((part) => {
      const done = applyMask(part, mask, from);
      from += part.length;
      return done;
    });
    return [head, mask, ...masked];
  }

  #writeHead(opcode: number, bytes: number): Buffer {
    const [first, mask] = [finBit | opcode, this.#isMasked ? maskBit : 0];
    if (bytes < shortLength) return Buffer.of(first, mask | bytes);
    if (bytes <= 0xffff) return Buffer.of(first, mask | shortLength, bytes >> 8, bytes & 0xff);
    const head = Buffer.alloc(10);
    head.set([first, mask | longLength]);
    head.writeBigUInt64BE(BigInt(bytes), 2);
    return head;
  }
}

/** The payload of a Close frame. */
export function closePayload(code: number): Buffer {
  return Buffer.of(code >> 8, code & 0xff);
}
