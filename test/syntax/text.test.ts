import { expect, test } from 'vitest';
import { asUsage, hasControl, quote, toPrintable } from '../../src/syntax/text.ts';
import { TunlError, usageError } from '../../src/core/errors.ts';
import { refusalOf } from '../support/usage.ts';

test.each([
  ['plain', 'plain'],
  ['bücher', 'bücher'],
  ['a\r\nb', 'a??b'],
  ['\u001b[31mred', '?[31mred'],
  ['\u009b31m', '?31m'],
  ['a\u202eb', 'a?b'],
  ['\u0000\u007f', '??'],
])('prints %j as %s', (text, printed) => {
  expect(toPrintable(text)).toBe(printed);
});

test('cuts what it quotes', () => {
  expect(quote('a'.repeat(81))).toBe(`"${'a'.repeat(77)}..."`);
  expect(quote('a'.repeat(80))).toBe(`"${'a'.repeat(80)}"`);
});

test('finds control characters and nothing else', () => {
  expect(['a\rb', 'a\nb', 'a\u0000b', 'a\u007fb', 'a\u0085b'].every(hasControl)).toBe(true);
  expect(['', 'a b', 'grüß', '日本'].some(hasControl)).toBe(false);
});

test('puts the whole text in front of what another parser says about a part', () => {
  const fail = () => {
    throw new TunlError('http_request_error', '"x" is not a port');
  };
  expect(refusalOf(() => asUsage('"db:x"', fail, 'a hint'))).toEqual({
    message: '"db:x": "x" is not a port',
    hints: ['a hint'],
  });
});

test('does not say the same text twice', () => {
  const fail = () => {
    throw usageError('the target "db" has no port');
  };
  expect(refusalOf(() => asUsage('"db"', fail)).message).toBe('the target "db" has no port');
});

test('leaves a defect a defect', () => {
  const fail = () => {
    throw new RangeError('oops');
  };
  expect(() => asUsage('x', fail)).toThrow(RangeError);
});
