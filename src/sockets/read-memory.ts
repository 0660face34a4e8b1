import { blockBytes, giveBlock, lendFirst, takeBlock, takeFramedBlock } from '../core/lent.ts';
import { bulkBytes, keepFreedMemory } from '../core/socket-link.ts';

/** The most sockets that have a block of their own. */
const maxOwners = 64;

/** A read of so many bytes fills a block well enough to be kept in it: at worst, half of it is idle. */
export const manyBytes: number = blockBytes / 2;

/** Copies below this size share their memory with others. */
const pooledBytes = 4096;

/**
 * The memory that all sockets read into which have none of their own. Whoever reads next overwrites it, whichever socket
 * that is, so its bytes are moved before anybody sees them.
 */
export const sharedMemory: Buffer = Buffer.allocUnsafeSlow(blockBytes);

let owners = 0;
let isPoisoned = false;

/** Overwrites lent memory as soon as its receiver has returned it, so that tests see who uses it too long. */
export function poisonReturned(isOn: boolean): void {
  isPoisoned = isOn;
}

/** Receives a chunk that is lent, and returns true if it keeps it. */
export interface Borrower {
  onData(chunk: Buffer): boolean;
}

/** A copy of bytes that were just read. */
export function copyOf(memory: Buffer, bytes: number): Buffer {
  if (bytes >= bulkBytes) keepFreedMemory();
  // A slice of Node's pool would keep all of it in memory, and newer versions of Node have a larger one.
  const copy = bytes < pooledBytes ? Buffer.allocUnsafe(bytes) : Buffer.allocUnsafeSlow(bytes);
  memory.copy(copy, 0, 0, bytes);
  return copy;
}

/**
 * Lends bytes that were just read into `memory`, and returns the memory for the socket's next read. A socket has a block
 * of its own only while it reads much at a time and its bytes go on at once:
 *
 *     few bytes     a copy is lent; the next read goes into the shared memory
 *     many bytes    a block is lent; it stays with the socket, which gets another one if the receiver keeps it
 */
export function lend(memory: Buffer, bytes: number, borrower: Borrower): Buffer {
  if (bytes < manyBytes) {
    const copy = copyOf(memory, bytes);
    giveBack(memory);
    lendBlock(copy, borrower);
    return sharedMemory;
  }
  const block = memory === sharedMemory ? take(memory, bytes) : memory;
  const fate = lendFirst(block, bytes, borrower);
  if (fate === 'free' && isPoisoned) block.fill(0xdb, 0, bytes);
  if (owners > maxOwners) {
    if (fate === 'free') giveBack(block);
    else owners--;
    return sharedMemory;
  }
  if (fate === 'taken') return takeFramedBlock();
  return fate === 'kept' ? takeBlock() : block;
}

/** Ends the use of a block by a socket; other sockets may have it now. */
export function giveBack(memory: Buffer): void {
  if (memory === sharedMemory) return;
  owners--;
  giveBlock(memory);
}

/** Ends the use of a block by a socket, some of which was kept: nobody else may have it. */
export function giveAway(): void {
  owners--;
}

/** A block for a socket that puts its reads together, until it gives it back; undefined if too many sockets have one. */
export function borrowBlock(): Buffer | undefined {
  if (owners >= maxOwners) return undefined;
  keepFreedMemory();
  owners++;
  return takeBlock();
}

/** Lends bytes as they are, and returns true if they are kept. */
export function lendBlock(chunk: Buffer, borrower: Borrower): boolean {
  const isKept = borrower.onData(chunk);
  if (!isKept && isPoisoned) chunk.fill(0xdb);
  return isKept;
}

/** Moves bytes out of the shared memory into a block. */
function take(memory: Buffer, bytes: number): Buffer {
  keepFreedMemory();
  owners++;
  const block = takeBlock();
  memory.copy(block, 0, 0, bytes);
  return block;
}
