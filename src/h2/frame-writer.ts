import { errorCodes, flags as bits, frameHeadBytes, frameTypes, usualFrameBytes } from './codes.ts';

/** The memory for heads, small frames and small payloads. */
const scratchBytes = 16 * 1024;

/** Payloads up to this are copied next to their heads: that costs less than one more buffer to write. */
export const smallBytes = 2048;

/** Formats frames and keeps them until they are written. */
export class FrameWriter {
  /** Bytes that wait. */
  bytes = 0;
  #parts: Buffer[] = [];
  #scratch: Buffer = Buffer.allocUnsafeSlow(scratchBytes);
  /** Where the bytes begin that are not yet among the parts. */
  #start = 0;
  #end = 0;

  /** Takes what waits, in its order. The memory must stay until `reuse` or for ever. */
  take(): Buffer[] {
    this.#cut();
    const parts = this.#parts;
    this.#parts = [];
    this.bytes = 0;
    return parts;
  }

  /** Says that everything that was taken is written: its memory may be used again. */
  reuse(): void {
    if (this.bytes > 0) return;
    this.#start = 0;
    this.#end = 0;
  }

  /** Starts a DATA frame; exactly so many bytes of payload follow. */
  dataHead(stream: number, bytes: number, flags: number): void {
    this.#head(bytes, frameTypes.data, flags, stream);
  }

  /** Adds payload that stays as it is until it is written; small ones are copied. Returns true if the memory is needed no more. */
  payload(chunk: Buffer): boolean {
    if (chunk.length <= smallBytes) {
      this.#copy(chunk);
      return true;
    }
    this.#cut();
    this.#parts.push(chunk);
    this.bytes += chunk.length;
    return false;
  }

  /** A header block: HEADERS, and CONTINUATION where the peer does not take it in one frame. */
  headers(stream: number, block: Buffer, isEnd: boolean): void {
    const first = isEnd ? bits.endStream : bits.none;
    for (let at = 0; at === 0 || at < block.length; at += usualFrameBytes) {
      const part = block.subarray(at, at + usualFrameBytes);
      const type = at === 0 ? frameTypes.headers : frameTypes.continuation;
      const isLast = at + usualFrameBytes >= block.length;
      this.#head(part.length, type, (at === 0 ? first : bits.none) | (isLast ? bits.endHeaders : bits.none), stream);
      this.payload(part);
    }
  }

  settings(payload: Buffer): void {
    this.#head(payload.length, frameTypes.settings, bits.none, 0);
    this.#copy(payload);
  }

  settingsAck(): void {
    this.#head(0, frameTypes.settings, bits.ack, 0);
  }

  ping(payload: Buffer, isAck: boolean): void {
    this.#head(payload.length, frameTypes.ping, isAck ? bits.ack : bits.none, 0);
    this.#copy(payload);
  }

  resetStream(stream: number, code: number): void {
    this.#head(4, frameTypes.resetStream, bits.none, stream);
    this.#number(code);
  }

  windowUpdate(stream: number, increment: number): void {
    this.#head(4, frameTypes.windowUpdate, bits.none, stream);
    this.#number(increment);
  }

  goaway(lastStream: number, code: number = errorCodes.noError): void {
    this.#head(8, frameTypes.goaway, bits.none, 0);
    this.#number(lastStream);
    this.#number(code);
  }

  /** Adds bytes that are no frame: the preface. */
  raw(chunk: Buffer): void {
    this.#copy(chunk);
  }

  #head(bytes: number, type: number, flags: number, stream: number): void {
    const at = this.#reserve(frameHeadBytes);
    const scratch = this.#scratch;
    scratch[at] = bytes >> 16;
    scratch[at + 1] = bytes >> 8;
    scratch[at + 2] = bytes;
    scratch[at + 3] = type;
    scratch[at + 4] = flags;
    writeUint32(scratch, at + 5, stream);
  }

  #number(value: number): void {
    const at = this.#reserve(4);
    writeUint32(this.#scratch, at, value);
  }

  #copy(chunk: Buffer): void {
    const at = this.#reserve(chunk.length);
    this.#scratch.set(chunk, at);
  }

  /** Makes room in the scratch memory, which must be enough for anything that is copied. */
  #reserve(bytes: number): number {
    if (this.#end + bytes > this.#scratch.length) {
      this.#cut();
      this.#scratch = Buffer.allocUnsafeSlow(Math.max(scratchBytes, bytes));
      this.#start = 0;
      this.#end = 0;
    }
    const at = this.#end;
    this.#end += bytes;
    this.bytes += bytes;
    return at;
  }

  /** Puts what was formatted in the scratch memory among the parts. */
  #cut(): void {
    if (this.#end > this.#start) this.#parts.push(this.#scratch.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }
}

/** Writes 32 bits in network order, without the checks of the method of Buffer. */
function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
