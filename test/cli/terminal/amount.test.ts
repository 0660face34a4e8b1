import { expect, test } from 'vitest';
import { formatAge, formatAmount } from '../../../src/cli/terminal/amount.ts';

test.each([
  [0, '0'],
  [999, '999'],
  [1000, '1.0K'],
  [1536, '1.5K'],
  [600_000, '586K'],
  [1024 ** 2 - 1, '1.0M'],
  [15.96 * 1024 ** 2, '16M'],
  [3 * 1024 ** 3, '3.0G'],
  [5000 * 1024 ** 4, '5000T'],
])('%d bytes are written %s', (count, text) => {
  expect(formatAmount(count)).toBe(text);
});

test.each([
  [999, '0s'],
  [99_999, '99s'],
  [185_000, '3m'],
  [5_999_999, '99m'],
  [7_800_000, '2h'],
  [277_200_000, '3d'],
])('%d ms are written %s', (ms, text) => {
  expect(formatAge(ms)).toBe(text);
});
