import { afterEach, beforeEach, expect, test } from 'vitest';
import { giveBlock, takeOver } from '../../src/core/lent.ts';
import { headBytes } from '../../src/resume/frames.ts';
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

test('a block that was taken over is never read into until it is given back, whatever its receiver says', () => {
  let block: Buffer | undefined;
  const onData = (chunk: Buffer) => {
    block = takeOver(chunk);
    return false;
  };
  const { next } = read(sharedMemory, many, false);
  next.fill('x', 0, many);
  const after = lend(next, many, { onData });
  expect(block?.toString('latin1', 0, many)).toBe('x'.repeat(many));
  expect(after).not.toBe(block);
  giveBlock(block as Buffer);
  const again = read(after, many, true);
  expect(again.next).toBe(block);
  giveBack(again.next);
});

test('with the head of a frame, what follows a block that was taken over is as much as is read at a time', () => {
  const { next } = read(sharedMemory, many, false);
  const after = lend(next, many, { onData: (chunk) => takeOver(chunk) !== undefined });
  expect(after.length + headBytes).toBe(sharedMemory.length);
  giveBack(after);
  const again = read(sharedMemory, many, false);
  expect(again.next).toHaveLength(sharedMemory.length);
  giveBack(again.next);
});

test('only the chunk itself is taken over, and only while it is lent', () => {
  const taken: unknown[] = [];
  let chunk: Buffer = Buffer.alloc(0);
  const onData = (lent: Buffer) => {
    chunk = lent;
    taken.push(takeOver(lent.subarray(0)), takeOver(Buffer.from(lent)));
    return false;
  };
  const { next } = read(sharedMemory, many, false);
  const after = lend(next, many, { onData });
  expect([...taken, takeOver(chunk), after]).toEqual([undefined, undefined, undefined, next]);
  giveBack(after);
});

test('few bytes, which are copied, cannot be taken over', () => {
  let taken: unknown = 'nothing yet';
  lend(sharedMemory, 5, { onData: (chunk) => (taken = takeOver(chunk)) !== undefined });
  expect(taken).toBeUndefined();
});
