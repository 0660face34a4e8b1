import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Turns } from '../../src/dial/turns.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

test('each is the first once in a round, and one that rests is the last for ten seconds', () => {
  const turns = new Turns(['a', 'b', 'c'], 'round-robin');
  const next = () => turns.next().join('');
  expect([next(), next(), next(), next()]).toEqual(['abc', 'bca', 'cab', 'abc']);
  turns.rest('b');
  expect(next()).toBe('cab');
  vi.advanceTimersByTime(10_000);
  expect([next(), next(), next()]).toEqual(['cab', 'abc', 'bca']);
});

test('who was reached rests no more', () => {
  const turns = new Turns(['a', 'b'], 'first');
  turns.rest('a');
  expect(turns.next()).toEqual(['b', 'a']);
  turns.wake('a');
  expect(turns.next()).toEqual(['a', 'b']);
});
