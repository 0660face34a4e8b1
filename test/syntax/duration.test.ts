import { expect, test } from 'vitest';
import { parseDuration, parseWait } from '../../src/syntax/duration.ts';
import { refusalOf } from '../support/usage.ts';

test.each([
  ['250ms', 250],
  ['5s', 5000],
  ['1.5s', 1500],
  ['10m', 600_000],
  ['1h', 3_600_000],
  ['0', 0],
  ['0s', 0],
  ['off', 0],
])('reads %s', (text, ms) => {
  expect(parseDuration(text, '--linger')).toBe(ms);
});

test.each(['', '5', '-5s', '5 s', '5sec', '1h30m', 's', '1e3s', 'Infinity', '5S', '.5s'])('refuses %j', (text) => {
  const { message } = refusalOf(() => parseDuration(text, '--linger'));
  expect(message).toBe(`--linger: "${text}" is not a duration`);
});

test('names the units to somebody who wrote none', () => {
  expect(refusalOf(() => parseDuration('5', '--linger')).hints).toEqual(['write the unit: 5s or 5ms']);
});

test('refuses what a timer cannot hold, because such a timer would fire at once', () => {
  expect(refusalOf(() => parseDuration('600h', '--grace')).message).toBe('--grace: "600h" is longer than 596h');
  expect(parseDuration('596h', '--grace')).toBeLessThan(2 ** 31);
});

test('a wait of 0 is none, and off is as long as a timer can hold', () => {
  expect(parseWait('0', '--grace')).toBe(0);
  expect(parseWait('off', '--grace')).toBe(2 ** 31 - 1);
});
