import { expect, test } from 'vitest';
import { Nonces } from '../../src/policy/nonces.ts';

const take = (nonces: Nonces, nonce: string, ...counts: number[]) => counts.map((count) => nonces.take(nonce, count));

test('each count of a nonce is taken once, in any order within the window', () => {
  const nonces = new Nonces();
  const nonce = nonces.issue();
  const counts = Array.from({ length: 1024 }, (_, index) => index + 1);
  const mixed = counts.toSorted((one, other) => ((one * 619) % 1024) - ((other * 619) % 1024));
  expect(take(nonces, nonce, ...mixed).every(Boolean)).toBe(true);
  expect(take(nonces, nonce, ...mixed).some(Boolean)).toBe(false);
});

test('the window goes on with the highest count', () => {
  const nonces = new Nonces();
  const nonce = nonces.issue();
  expect(take(nonces, nonce, 0, 1, 3, 1025, 1024, 2)).toEqual([false, true, true, true, true, true]);
  expect(take(nonces, nonce, 1, 3, 1025, 1030, 7, 6)).toEqual([false, false, false, true, true, false]);
  // An honest client never counts so far ahead.
  expect(take(nonces, nonce, 1030 + 1025, 0xffffffff, 1030 + 1024, 1031)).toEqual([false, false, true, true]);
  expect(take(nonces, nonce, 1030)).toEqual([false]);
});

test('a nonce of somebody else, or in another spelling, is not taken', () => {
  const nonces = new Nonces();
  const nonce = nonces.issue();
  expect(nonces.take(new Nonces().issue(), 1)).toBe(false);
  const last = nonce.endsWith('A') ? 'B' : 'A';
  for (const other of ['', 'abc', `${nonce}=`, `${nonce}A`, `${nonce.slice(0, -1)}${last}`, ` ${nonce}`]) {
    expect(nonces.take(other, 1), other).toBe(false);
  }
  expect(nonces.take(nonce, 1)).toBe(true);
});

test('a nonce is good for an hour', () => {
  let nowMs = 1_700_000_000_000;
  const nonces = new Nonces(() => nowMs);
  const nonce = nonces.issue();
  nowMs += 3_599_000;
  expect(nonces.take(nonce, 1)).toBe(true);
  nowMs += 2000;
  expect(nonces.take(nonce, 2)).toBe(false);
});

test('a nonce whose counts were forgotten is never taken again', () => {
  let nowMs = 1_700_000_000_000;
  const nonces = new Nonces(() => nowMs++);
  const old = nonces.issue();
  expect(nonces.take(old, 1)).toBe(true);
  for (let index = 0; index < 4096; index++) expect(nonces.take(nonces.issue(), 1)).toBe(true);
  expect(take(nonces, old, 1, 2)).toEqual([false, false]);
  expect(nonces.take(nonces.issue(), 1)).toBe(true);
});
