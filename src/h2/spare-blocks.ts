/** The bytes of a block: what a socket reads at a time. */
const blockBytes = 64 * 1024;

/** The most blocks that wait for their next use. */
const maxSpare = 32;

const spare: ArrayBuffer[] = [];

/** The bytes that are used of each block that is in use, or was. */
const used = new WeakMap<ArrayBufferLike, number>();

/** Copies bytes that have to wait, into a block that is used again once `giveBack` was called with the last of them. */
export function copyToSpare(chunk: Buffer): Buffer {
  const { length } = chunk;
  if (length > blockBytes) return Buffer.from(chunk);
  const memory = spare.pop() ?? Buffer.allocUnsafeSlow(blockBytes).buffer;
  used.set(memory, length);
  const copy = Buffer.from(memory as ArrayBuffer, 0, length);
  chunk.copy(copy);
  return copy;
}

/** Bytes that were perhaps copied are needed no more. Those before them in their block must not be needed either. */
export function giveBack(part: Buffer): void {
  const { buffer } = part;
  if (buffer.byteLength !== blockBytes || used.get(buffer) !== part.byteOffset + part.length) return;
  used.delete(buffer);
  if (spare.length < maxSpare) spare.push(buffer as ArrayBuffer);
}
