import { describe, expect, test } from 'vitest';
import { drawExcerpt } from '../../../src/chain/model/excerpt.ts';

/** Draws the place where a word stands in a text. */
function draw(text: string, word: string): string[] {
  const before = text.slice(0, text.indexOf(word)).split('\n');
  return drawExcerpt(text, { line: before.length, column: (before.at(-1) ?? '').length + 1 });
}

test('a line is shown with a caret under the place', () => {
  expect(draw('a: 1\n  via: proxy\n', 'proxy')).toEqual(['  2 |   via: proxy', '    |        ^']);
});

test('nothing is drawn for a place that the text does not have', () => {
  expect(drawExcerpt('a: 1\n', { line: 9, column: 1 })).toEqual([]);
});

test('a long line is cut around the place', () => {
  const [line = '', caret = ''] = draw(`${'a'.repeat(500)}HERE${'b'.repeat(500)}`, 'HERE');
  expect(line[caret.indexOf('^')]).toBe('H');
  expect(line.length).toBeLessThan(100);
});

describe('a secret is hidden', () => {
  test.each([
    ['of a URL', '- via: http://alice:wonder@proxy:1', 'proxy', '  1 | - via: http://***@proxy:1'],
    ['with an at sign', '- via: http://alice:won@der@proxy:1', 'proxy', '  1 | - via: http://***@proxy:1'],
    ['of a key', 'proxy-password: wonder', 'proxy', '  1 | proxy-password: ***'],
    ['of JSON without blanks', '{"x":1,"password":"wonder"}', 'x', '  1 | {"x":1,"password":***'],
    ['of a key in Envoy', 'private_key: wonder', 'private', '  1 | private_key: ***'],
    ['in the place of a file', '  inline_string: wonder', 'inline', '  1 |   inline_string: ***'],
    ['below such a key', 'private_key:\n  inline_string: |\n    wonder\n', 'wonder', '  3 |     ***'],
    ['of users', 'users: { alice: wonder }', 'users', '  1 | users: ***'],
    ['below users', 'users:\n  alice: wonder\n', 'alice', '  2 |   alice: ***'],
  ])('%s', (_kind, text, word, shown) => {
    const drawn = draw(text, word);
    expect(drawn[0]).toBe(shown);
    expect(drawn.join('')).not.toContain('wonder');
  });

  test.each([
    ['a variable', 'password: ${PROXY_PASSWORD}', 'PROXY'],
    ['a file', 'password: file:/etc/secret', 'file'],
  ])('but not where %s stands for it', (_kind, text, word) => {
    expect(draw(text, word)[0]).toBe(`  1 | ${text}`);
  });
});

test('a file of one long line is drawn without much work', () => {
  const text = `[${'{"url":"http://u:p@h:1","password":"wonder","list":[1, 2]},'.repeat(5_000)}]`;
  expect(draw(text, 'list').join('')).not.toContain('wonder');
});
