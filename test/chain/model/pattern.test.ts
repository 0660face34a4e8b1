import { expect, test } from 'vitest';
import { assertSubstitution, loadPatterns, parsePattern } from '../../../src/chain/model/pattern.ts';
import { refusalOf } from '../../support/usage.ts';

await loadPatterns();

test.each([
  ['b.r', 'bar', true],
  ['b.r', 'xbar', false],
  ['', '', true],
  ['', 'a', false],
  ['(?i)[[:alpha:]]+', 'Ab', true],
  ['a|ab', 'ab', true],
])('%s fits %s: %s', (pattern, text, fits) => {
  expect(parsePattern(pattern).matches(text)).toBe(fits);
});

test.each([
  ['a', 'banana', 'o', 'bonono'],
  ['(n)(a)', 'banana', String.raw`\2\1`, 'baanan'],
  ['a', 'a', String.raw`\\\0`, String.raw`\a`],
  // As RE2 does it: nothing is found right behind what was found.
  ['e*', 'eexe', '-', '-x-'],
  ['x*', 'ab', '-', '-a-b-'],
  ['(a)|b', 'b', String.raw`[\1]`, '[]'],
])('what fits %s in %s becomes %s', (pattern, text, substitution, result) => {
  expect(parsePattern(pattern).replace(text, substitution)).toBe(result);
});

test.each(['(', 'a**', '(?=a)', String.raw`(a)\1`])('%s is no pattern of RE2', (pattern) => {
  expect(refusalOf(() => parsePattern(pattern)).message).toContain('is no pattern');
});

test.each([
  [String.raw`\2`, 'no group'],
  [String.raw`a\b`, 'is no group'],
  ['\\', 'is no group'],
])('%s is no substitution for one group', (substitution, says) => {
  expect(refusalOf(() => assertSubstitution(substitution, parsePattern('(a)'))).message).toContain(says);
});

test('a pattern that would take other engines for ever takes no time', () => {
  expect(parsePattern('(a*)*b').matches('a'.repeat(100_000))).toBe(false);
});
