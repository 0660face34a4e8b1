import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSafeField } from '../../src/http/wire/message.ts';
import { readAuthority, readHost, toAsciiName } from '../../src/syntax/host.ts';
import { TunlError } from '../../src/core/errors.ts';

// As UTS 46 has it without transition, and with it browsers and curl.
test.each([
  ['bücher.example', 'xn--bcher-kva.example'],
  ['BÜCHER.example', 'xn--bcher-kva.example'],
  ['bu\u0308cher.example', 'xn--bcher-kva.example'],
  ['faß.de', 'xn--fa-hia.de'],
  ['例え。テスト', 'xn--r8jz45g.xn--zckzah'],
  ['☃.net', 'xn--n3h.net'],
  ['a\u00adb.example', 'a\u00adb.example'.replace('\u00ad', '')],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['-ü-.example', 'xn-----xka.example'],
  ['db_1.ü', 'db_1.xn--tda'],
  ['１２７.0.0.1', '127.0.0.1'],
])('%s is the name %s', (text, name) => {
  expect(toAsciiName(text)).toBe(name);
});

test.each([
  ['a slash', 'ü/b'],
  ['a backslash', 'ü\\b'],
  ['a percent sign', 'ü%2fb'],
  ['a wide percent sign', 'ü％2fb'],
  ['a wide slash', 'ü／b'],
  ['a wide at sign', 'ü＠b'],
  ['a space', 'ü b'],
  ['a line break', 'ü\r\nX: y'],
  ['a mark that reorders text', 'ü\u202eb'],
  ['a joiner where none may be', 'ü\u200db'],
  ['half of a character', 'ü\ud800'],
  ['nothing but what is not written', '\u00ad'],
])('of a name with %s beyond ASCII none is made', (_what, text) => {
  expect(() => toAsciiName(text)).toThrow(expect.objectContaining({ code: 'usage' }));
});

test.each([
  '-a.example',
  'a-.example',
  '-',
  'under_score',
  'db~prod',
  "a!$&'()*+,;=b",
  'web.1',
  '1.2.3.4.5',
  'a..b',
  '.a',
  `${'x'.repeat(100)}.example`,
  'x'.repeat(1024),
])('a proxy can be asked for %s', (name) => {
  expect(readAuthority(`${name}:443`)).toEqual({ kind: 'tcp', host: name, port: 443 });
});

test.each([
  '',
  ' ',
  'a b',
  'a/b',
  'a\\b',
  'a@b',
  'a%b',
  'a?b',
  'a#b',
  'a:b',
  'a|b',
  'a"b',
  'a<b',
  'a[b]',
  'a\tb',
  'a\r\nb',
  'a\0b',
  '\x7f',
  '127.1',
  '0x7f.1',
  '2130706433',
  '127.0.0.1.',
  'x'.repeat(1025),
])('nobody is asked for %j', (name) => {
  expect(() => readHost(name)).toThrow(TunlError);
});

test('whatever is written, what is asked for stands in a request as one word', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.domain()), (text) => {
      let host: string;
      try {
        host = readHost(text);
      } catch (error) {
        expect(error).toBeInstanceOf(TunlError);
        return;
      }
      expect(host).toMatch(/^[\x21-\x7e]+$/);
      expect(host).not.toMatch(/[/\\@?#%"<>[\]{}|^`]/);
      expect(isSafeField(['Host', `${host}:1`])).toBe(true);
      expect(readHost(host.includes(':') ? `[${host}]` : host)).toBe(host);
    }),
  );
});
