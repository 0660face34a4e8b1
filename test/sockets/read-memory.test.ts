import { afterEach, beforeEach, expect, test } from 'vitest';
import { giveBack, lend, poisonReturned, sharedMemory } from '../../src/sockets/read-memory.ts';

beforeEach(() => poisonReturned(true));
afterEach(() => poisonReturned(false));

const many = 40_000;

/** Fills the memory as a read would, lends it, and returns the chunk and the memory of the next read. */
function read(memory: Buffer, bytes: number, keeps: boolean, fill = 'x') {
  memory.fill(fill, 0, bytes);
  let chunk: Buffer = Buffer.alloc(0);
  let seen = '';
  const onData = (lent: Buffer) => {
    chunk = lent;
    seen = lent.toString('latin1');
    return keeps;
  };
  return { next: lend(memory, bytes, { onData }), chunk, seen };
}

test('few bytes are copied, and the next read goes into the memory of all', () => {
  const { next, chunk, seen } = read(sharedMemory, 5, true);
  expect([seen, next === sharedMemory, chunk.buffer === sharedMemory.buffer]).toEqual(['xxxxx', true, false]);
  read(sharedMemory, 5, true, 'y');
  expect(chunk.toString()).toBe('xxxxx');
});

test('a socket that reads much gets a block of its own, and keeps it while nobody else does', () => {
  const first = read(sharedMemory, many, false);
  expect([first.next === sharedMemory, first.seen]).toEqual([false, 'x'.repeat(many)]);
  const second = read(first.next, many, false, 'y');
  expect([second.next === first.next, second.seen]).toEqual([true, 'y'.repeat(many)]);
  giveBack(second.next);
});

test('a chunk that was kept holds hardly more memory than its bytes', () => {
  const { next: block } = read(sharedMemory, many, false);
  const chunks = [read(sharedMemory, 20_000, true), read(block, 20_000, true)].map(({ chunk }) => chunk);
  expect(chunks.map(({ buffer }) => buffer.byteLength)).toEqual([20_000, 20_000]);
});

test('a block that was kept is never read into again', () => {
  const { next, chunk } = read(sharedMemory, many, true);
  expect(next.buffer).not.toBe(chunk.buffer);
  const other = read(next, many, true, 'y');
  const third = read(sharedMemory, many, true, 'z');
  expect([chunk, other.chunk, third.chunk].map(String)).toEqual(['x', 'y', 'z'].map((fill) => fill.repeat(many)));
  [other.next, third.next].forEach(giveBack);
});

test('a block is given back as soon as few bytes are read into it', () => {
  const { next: block } = read(sharedMemory, many, false);
  const { next, seen } = read(block, 3, false);
  expect([next === sharedMemory, seen]).toEqual([true, 'xxx']);
});

test('memory that was returned is overwritten at once where tests look for its use', () => {
  const small = read(sharedMemory, 3, false);
  const large = read(sharedMemory, many, false);
  expect([small.chunk, large.chunk].map(([byte]) => byte)).toEqual([0xdb, 0xdb]);
  giveBack(large.next);
});

test('only so many sockets have blocks at a time; the others share', () => {
  const blocks = Array.from({ length: 64 }, () => read(sharedMemory, many, false).next);
  expect(new Set(blocks).size).toBe(64);
  const { next, seen } = read(sharedMemory, many, false);
  expect([next === sharedMemory, seen]).toEqual([true, 'x'.repeat(many)]);
  blocks.forEach(giveBack);
});
