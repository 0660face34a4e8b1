import type { FlowEvents } from './flow.ts';

/**
 * Room in front of the bytes of a block, in the same memory. Whoever takes over a block writes the head of a frame there,
 * so that head and payload lie together without a copy. It is a line of the processor's cache, so that the bytes begin
 * with one.
 */
export const headroomBytes = 64;

/** The size of a block: the most bytes of one read. */
export const blockBytes: number = 64 * 1024;

const wholeBytes = headroomBytes + blockBytes;

/** The head that a frame of a resumable stream has in the room of a block. */
export const frameHeadBytes = 12;

/**
 * The bytes that are read into a block if the one before it was taken over: with the head of a frame, they are what the
 * other end reads at a time. Without that it would read a few bytes by themselves for each frame.
 */
const framedBytes = blockBytes - frameHeadBytes;

/** The most blocks that wait for their next user. */
const maxFree = 16;

const free: Buffer[] = [];

/** Returns a block, whose contents are anything. Its room is in front of it. */
export function takeBlock(): Buffer {
  return free.pop() ?? Buffer.allocUnsafeSlow(wholeBytes).subarray(headroomBytes);
}

/** Returns a block for the socket whose last one was taken over. It is a little shorter. */
export function takeFramedBlock(): Buffer {
  return takeBlock().subarray(0, framedBytes);
}

/** Takes a block back that nobody uses any more, unless so many wait already. */
export function giveBlock(block: Buffer, most: number = maxFree): void {
  if (free.length >= most) return;
  free.push(block.length === blockBytes ? block : Buffer.from(block.buffer, headroomBytes, blockBytes));
}

/** The block that is lent at this moment, and its chunk, until somebody takes it over. */
let lentBlock: Buffer | undefined;
let lentChunk: Buffer | undefined;

/**
 * Lends the first bytes of a block in which nothing else lies, and returns what became of them. During the call
 * `takeOver` gives the block to whoever has the chunk.
 */
export function lendFirst(
  block: Buffer,
  bytes: number,
  receiver: Pick<FlowEvents, 'onData'>,
): 'free' | 'kept' | 'taken' {
  const chunk = block.subarray(0, bytes);
  lentBlock = block;
  lentChunk = chunk;
  const isKept = receiver.onData(chunk);
  const isTaken = lentBlock === undefined;
  lentBlock = undefined;
  lentChunk = undefined;
  if (isTaken) return 'taken';
  return isKept ? 'kept' : 'free';
}

/**
 * Returns the block at whose start a chunk lies that is lent at this moment. It belongs to the caller from then on, and
 * the chunk counts as kept. Undefined for all other chunks.
 */
export function takeOver(chunk: Buffer): Buffer | undefined {
  if (chunk !== lentChunk) return undefined;
  const block = lentBlock;
  lentBlock = undefined;
  lentChunk = undefined;
  return block;
}
