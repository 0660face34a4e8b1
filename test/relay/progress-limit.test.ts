import { expect, test, vi } from 'vitest';
import { wheel } from '../../src/core/wheel.ts';
import { ProgressLimit } from '../../src/relay/progress-limit.ts';
import { moveTimers } from '../support/turns.ts';

moveTimers();

/** Starts a limit and counts how often it runs out. */
function start(ms: number) {
  const seen = { count: 0 };
  const limit = new ProgressLimit(() => seen.count++);
  limit.start(ms);
  return { limit, seen };
}

test.each([1, 200, 999, 1000, 29_999])('a limit of %d ms is exact', (ms) => {
  const { limit, seen } = start(ms);
  vi.advanceTimersByTime(ms - 1);
  expect(seen.count).toBe(0);
  limit.touch();
  vi.advanceTimersByTime(ms - 1);
  expect(seen.count).toBe(0);
  vi.advanceTimersByTime(1);
  expect(seen.count).toBe(1);
  limit.stop();
});

// In the middle between two ticks as well.
test.each([0, 1, 500, 999])('a limit of half a minute runs out once, and at most a second late (%d ms)', (offset) => {
  const other = start(60_000);
  vi.advanceTimersByTime(offset);
  const { limit, seen } = start(30_000);
  vi.advanceTimersByTime(29_999);
  expect(seen.count).toBe(0);
  limit.touch();
  vi.advanceTimersByTime(29_999);
  expect(seen.count).toBe(0);
  vi.advanceTimersByTime(1001);
  expect(seen.count).toBe(1);
  vi.advanceTimersByTime(120_000);
  expect([seen.count, other.seen.count]).toEqual([1, 1]);
});

test.each([200, 30_000])('a limit of %d ms that was stopped or replaced does not run out', (ms) => {
  const { limit, seen } = start(ms);
  vi.advanceTimersByTime(ms - 1);
  limit.start(40_000);
  vi.advanceTimersByTime(39_999);
  limit.start(300);
  vi.advanceTimersByTime(299);
  limit.stop();
  limit.touch();
  vi.advanceTimersByTime(120_000);
  expect([seen.count, limit.ms]).toEqual([0, 0]);
});

test('nobody is asked to wait for a limit: it does not keep the program running', () => {
  const { limit } = start(30_000);
  const now = wheel.now;
  vi.advanceTimersByTime(1000);
  expect(wheel.now).toBe(now + 1);
  limit.stop();
});
