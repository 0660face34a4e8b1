import { randomFillSync } from 'node:crypto';
import { finBit, longLength, maskBit, maxHeadBytes, type Sender, shortLength } from './frames.ts';
import { maskTo } from './mask.ts';

/** The most bytes of a message that we send. Where one begins and ends says nothing. */
export const maxMessageBytes = 64 * 1024;

/** Payloads from this size on are written to a block, which may serve many frames. */
const largeBytes = 8 * 1024;

const blockBytes = maxHeadBytes + maxMessageBytes;

/** Blocks that are free, and the most of them: a tunnel in a tunnel takes one for each of its frames. */
const free: Buffer[] = [];
const maxFree = 4;

/** Random bytes for masks, and how many of them were used. */
const randoms = Buffer.alloc(4096);
let usedRandoms = randoms.length;

/**
 * Writes a whole message, or a control frame, with at most `maxMessageBytes` of payload, which is copied.
 * @param sender a client masks its frames with fresh random bytes, so that a page cannot choose what proxies see
 */
export function writeFrame(sender: Sender, opcode: number, payload: Buffer): Buffer {
  const bytes = payload.length;
  const isMasked = sender === 'client';
  const memory = getMemory(bytes);
  const start = writeHead(memory, opcode, bytes, isMasked);
  if (isMasked) maskTo(memory, start, payload, 0, bytes, memory.readUInt32LE(start - 4));
  else payload.copy(memory, start);
  return memory.subarray(0, start + bytes);
}

/** Says that nobody needs the memory of a frame any more. */
export function reuseFrame({ buffer }: Buffer): void {
  if (buffer.byteLength === blockBytes && free.length < maxFree) free.push(Buffer.from(buffer));
}

/** Writes the payload of a Close frame. */
export function writeCloseCode(code: number): Buffer {
  return Buffer.of(code >> 8, code & 0xff);
}

function getMemory(bytes: number): Buffer {
  if (bytes < largeBytes) return Buffer.allocUnsafe(maxHeadBytes + bytes);
  return free.pop() ?? Buffer.allocUnsafeSlow(blockBytes);
}

/** Returns the place behind the head. */
function writeHead(memory: Buffer, opcode: number, bytes: number, isMasked: boolean): number {
  const mask = isMasked ? maskBit : 0;
  memory[0] = finBit | opcode;
  let at = 2;
  if (bytes < shortLength) memory[1] = mask | bytes;
  else if (bytes <= 0xffff) {
    memory[1] = mask | shortLength;
    at = memory.writeUInt16BE(bytes, at);
  } else {
    memory[1] = mask | longLength;
    at = memory.writeBigUInt64BE(BigInt(bytes), at);
  }
  return isMasked ? at + takeRandoms(memory, at) : at;
}

/** Writes four random bytes that were used for nothing yet. */
function takeRandoms(target: Buffer, at: number): number {
  if (usedRandoms === randoms.length) {
    randomFillSync(randoms);
    usedRandoms = 0;
  }
  usedRandoms += 4;
  return randoms.copy(target, at, usedRandoms - 4, usedRandoms);
}
