import { expect, test } from 'vitest';
import { readRetryAfter } from '../../../src/http/tunnel/retry-after.ts';

const now = Date.UTC(1994, 10, 6, 8, 49, 0);
const read = (value: string, date?: string) =>
  readRetryAfter([['retry-after', value], ...(date === undefined ? [] : [['date', date] as const])], now);

test.each([
  ['0', 0],
  ['30', 30_000],
  ['Sun, 06 Nov 1994 08:49:37 GMT', 37_000],
  ['Sunday, 06-Nov-94 08:49:37 GMT', 37_000],
  ['Sun Nov  6 08:49:37 1994', 37_000],
  ['Sun, 06 Nov 1994 08:48:00 GMT', 0],
])('%j is a wait of %i ms', (value, ms) => {
  expect(read(value)).toBe(ms);
});

test('a date counts from the date of the answer, whatever the clock here says', () => {
  expect(read('Sun, 06 Nov 1994 10:00:05 GMT', 'Sun, 06 Nov 1994 10:00:00 GMT')).toBe(5000);
});

test('a number beyond all reason is a wait of a year', () => {
  expect(read('9'.repeat(400))).toBe(365 * 24 * 3600 * 1000);
});

test.each(['', '-1', '1.5', '30s', 'soon', 'Sun, 99 Nov 1994 08:49:37 GMT'])('%j says nothing', (value) => {
  expect(read(value)).toBeUndefined();
});
