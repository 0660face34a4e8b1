import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { statusOf, TunlError } from '../../../src/core/errors.ts';
import {
  fieldValues,
  formatHead,
  isSafeField,
  listTokens,
  parseRequestHead,
  parseResponseHead,
} from '../../../src/http/wire/message.ts';

const isAnsweredWith = (status: number) => (error: unknown) => error instanceof TunlError && statusOf(error) === status;
const bytes = (text: string) => Buffer.from(text, 'latin1');
const request = (text: string) => parseRequestHead(bytes(text));
const response = (text: string) => parseResponseHead(bytes(text));

describe('a request head', () => {
  test('gives its line and its fields in order, names in lower case, values without white space around', () => {
    expect(request('CONNECT db:22 HTTP/1.1\r\nHost: db:22\r\nX-A:\t a b \t\r\nx-a:\r\n\r\n')).toEqual({
      method: 'CONNECT',
      target: 'db:22',
      version: '1.1',
      headers: [
        ['host', 'db:22'],
        ['x-a', 'a b'],
        ['x-a', ''],
      ],
    });
  });

  test('may follow empty lines', () => {
    expect(request('\r\n\r\nGET / HTTP/1.0\r\n\r\n')).toMatchObject({ method: 'GET', version: '1.0', headers: [] });
  });

  test('keeps bytes above 0x7f of a value as they are', () => {
    expect(request('GET / HTTP/1.1\r\nA: \u00fc\r\n\r\n').headers).toEqual([['a', '\u00fc']]);
  });

  test.each([
    ['HTTP/0.9', 'CONNECT a:443 HTTP/0.9', 505],
    ['HTTP/2.0', 'CONNECT a:443 HTTP/2.0', 505],
    ['the HTTP/2 preface', 'PRI * HTTP/2.0', 505],
    ['HTTP/1.2', 'CONNECT a:443 HTTP/1.2', 400],
    ['HTTP/1.10', 'CONNECT a:443 HTTP/1.10', 400],
    ['a letter after the version', 'CONNECT a:443 HTTP/1.1x', 400],
    ['lower case http', 'CONNECT a:443 http/1.1', 400],
    ['no version', 'CONNECT a:443', 400],
    ['two spaces', 'CONNECT  a:443 HTTP/1.1', 400],
    ['a space at the end', 'CONNECT a:443 HTTP/1.1 ', 400],
    ['a tab for a space', 'CONNECT\ta:443 HTTP/1.1', 400],
    ['a space in the target', 'CONNECT a b:443 HTTP/1.1', 400],
    ['a target with a byte above 0x7f', 'CONNECT \u00e4:443 HTTP/1.1', 400],
    ['no target', 'CONNECT  HTTP/1.1', 400],
    ['a method that is no token', 'CON(NECT a:443 HTTP/1.1', 400],
    ['a method of 33 letters', `${'A'.repeat(33)} a:443 HTTP/1.1`, 400],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : a', 400],
    ['a space before the first field', 'GET / HTTP/1.1\r\n Host: a', 400],
    ['obs-fold', 'GET / HTTP/1.1\r\nHost: a\r\n b', 400],
    ['obs-fold with a tab', 'GET / HTTP/1.1\r\nHost: a\r\n\tb', 400],
    ['a line without a colon', 'GET / HTTP/1.1\r\nHost', 400],
    ['an empty name', 'GET / HTTP/1.1\r\n: a', 400],
    ['a name with a space', 'GET / HTTP/1.1\r\nA b: c', 400],
    ['a name with a byte above 0x7f', 'GET / HTTP/1.1\r\n\u00e4: c', 400],
  ])('with %s is refused', (_, text, status) => {
    const refused = () => request(`${text}\r\n\r\n`);
    expect(refused).toThrow(expect.objectContaining({ code: 'http_request_error', side: 'client' }));
    expect(refused).toThrow(expect.toSatisfy(isAnsweredWith(status)));
  });

  test('may have 100 fields and no more', () => {
    const head = (count: number) => `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(count)}\r\n`;
    expect(request(head(100)).headers).toHaveLength(100);
    expect(() => request(head(101))).toThrow(
      expect.objectContaining({ facts: expect.objectContaining({ status: 431 }) }),
    );
  });
});

describe('a response head', () => {
  test.each([
    ['HTTP/1.1 200 Connection established', 200, 'Connection established'],
    ['HTTP/1.0 204 ', 204, ''],
    ['HTTP/1.1 299', 299, ''],
    ['HTTP/1.1 407 Zugang verweigert \u00fc', 407, 'Zugang verweigert \u00fc'],
  ])('%j gives %i and %j', (line, status, reason) => {
    expect(response(`${line}\r\nA: b\r\n\r\n`)).toEqual({ status, reason, headers: [['a', 'b']] });
  });

  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2'],
    ['another major version', 'HTTP/2 200 OK'],
    ['HTTP/1.2', 'HTTP/1.2 200 OK'],
    ['a status of two digits', 'HTTP/1.1 20 OK'],
    ['a status of four digits', 'HTTP/1.1 2000 OK'],
    ['a status below 100', 'HTTP/1.1 099 OK'],
    ['a status above 599', 'HTTP/1.1 600 OK'],
    ['two spaces', 'HTTP/1.1  200 OK'],
    ['no status', 'HTTP/1.1'],
    ['a broken field', 'HTTP/1.1 200 OK\r\nbroken'],
    ['101 fields', `HTTP/1.1 200 OK${'\r\nA: b'.repeat(101)}`],
  ])('with %s is not HTTP', (_, text) => {
    expect(() => response(`${text}\r\n\r\n`)).toThrow(
      expect.objectContaining({ code: 'http_protocol_error', side: 'hop' }),
    );
  });
});

test('any bytes are a head or a TunlError', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      for (const parse of [request, response]) {
        try {
          parse(`${text}\r\n\r\n`);
        } catch (error) {
          expect(error).toHaveProperty('name', 'TunlError');
        }
      }
    }),
  );
});

test('reads back the fields that it writes', () => {
  const field = fc.tuple(
    fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
    fc.stringMatching(/^[\x21-\x7e]([\x20-\x7e]{0,20}[\x21-\x7e])?$/),
  );
  fc.assert(
    fc.property(fc.array(field, { maxLength: 100 }), (headers) => {
      expect(headers.every(isSafeField)).toBe(true);
      expect(request(formatHead('GET / HTTP/1.1', headers)).headers).toEqual(headers);
    }),
  );
});

test('finds all values of a field in order', () => {
  const headers = [
    ['via', 'a'],
    ['host', 'h'],
    ['via', 'b'],
  ] as const;
  expect(fieldValues(headers, 'via')).toEqual(['a', 'b']);
  expect(fieldValues(headers, 'server')).toEqual([]);
});

test.each([
  ['a line break in the value', 'X-A', 'a\r\nB: c'],
  ['a bare LF', 'X-A', 'a\nb'],
  ['NUL', 'X-A', 'a\u0000'],
  ['a character above 0xff', 'X-A', '\u20ac'],
  ['an empty name', '', 'a'],
  ['a colon in the name', 'X:A', 'a'],
  ['a line break in the name', 'X\r\nA', 'a'],
])('a field with %s cannot be written', (_, name, value) => {
  expect(isSafeField([name, value])).toBe(false);
});

describe('a list of tokens', () => {
  test.each([
    ['close', ['close']],
    ['Keep-Alive ,\t Close', ['keep-alive', 'close']],
    [', ,close,', ['close']],
    ['', []],
    ['\u00a0close', ['\u00a0close']],
    ['close\u000b', ['close\u000b']],
    ['not close', ['not close']],
  ])('%j has the members %j', (value, members) => {
    expect(listTokens([['connection', value]], 'connection')).toEqual(members);
  });

  test('goes on in the next field of the name', () => {
    const fields = [
      ['connection', 'a, b'],
      ['via', 'x'],
      ['connection', 'c'],
    ] as const;
    expect(listTokens(fields, 'connection')).toEqual(['a', 'b', 'c']);
  });

  test('takes no longer for many blanks', () => {
    expect(listTokens([['connection', `a${' '.repeat(1_000_000)}b`]], 'connection')).toHaveLength(1);
  });
});
