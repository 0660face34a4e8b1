import { expect, test } from 'vitest';
import { suggest } from '../../src/syntax/suggest.ts';

const known = ['connect', 'forward', 'serve', 'http', 'h2'];

test.each([
  ['conect', 'connect'],
  ['connect', 'connect'],
  ['ocnnect', 'connect'],
  ['CONNECT', 'connect'],
  ['forwrad', 'forward'],
  ['sreve', 'serve'],
  ['htp', 'http'],
  ['h3', 'h2'],
])('takes %s for %s', (word, meant) => {
  expect(suggest(word, known)).toBe(meant);
});

test.each(['', 'xyz', 'connection', 'disconnect', 'h'.repeat(1000)])('takes %s for nothing that it knows', (word) => {
  expect(suggest(word, ['connect', 'forward', 'serve', 'http'])).toBeUndefined();
});
