import { expect, test } from 'vitest';
import type { Origin } from '../../src/core/dialer.ts';
import { assertState, createSetState, parseEarly, type StateValue } from '../../src/syntax/format/state.ts';
import { parseFormat, writeText } from '../../src/syntax/format/format.ts';

const origin: Origin = {
  peer: { reached: { kind: 'tcp', host: '127.0.0.1', port: 8443 }, serverName: 'db.example' },
  headers: [['x-a', 'one']],
  request: { method: 'GET', target: '/', authority: 'x', version: '1.1' },
};
const read = (text: string, of: Origin) => writeText(parseFormat(text), { origin: of, began: 0 }, '-');

test('values see what is known, and the values before them', () => {
  const set = createSetState([
    { name: 'host', value: '%REQ(x-a)%.example', share: 'once' },
    { name: 'target', value: '%FILTER_STATE(host:PLAIN)%:%DOWNSTREAM_LOCAL_PORT%' },
    { name: 'none', value: '%REQ(x-none)%' },
    { name: 'left-out', value: '%REQ(x-none)%', omitMissing: true, skipEmpty: true },
    { name: 'empty', value: '%REQ(x-none)%', omitMissing: true },
  ]);
  const { state } = set(origin);
  expect([...(state ?? [])]).toEqual([
    ['host', { value: 'one.example', share: 'once' }],
    ['target', { value: 'one.example:8443' }],
    ['none', { value: '-' }],
    ['empty', { value: '' }],
  ]);
});

test('a value is read as it is, or as a text in JSON', () => {
  const own = createSetState([{ name: 'a', value: 'x"y' }])(origin);
  expect(read('%FILTER_STATE(a:PLAIN)%', own)).toBe('x"y');
  expect(read('%FILTER_STATE(a:TYPED)% %FILTER_STATE(a)%', own)).toBe(String.raw`"x\"y" "x\"y"`);
  expect(read('%FILTER_STATE(a:FIELD:x)% %FILTER_STATE(b:PLAIN)%', own)).toBe('- -');
  expect(read('%REQUESTED_SERVER_NAME%', own)).toBe('db.example');
  expect(() => parseFormat('%FILTER_STATE%')).toThrow('%FILTER_STATE%: it takes the name of a value: (NAME:PLAIN)');
});

test.each<[readonly StateValue[], string]>([
  [[{ name: 'a:b', value: 'x' }], '"a:b" cannot be read by %FILTER_STATE(…)%'],
  [[{ name: 'a', value: '%REQ(x)%' }], '%REQ% has no value at the beginning of a connection'],
  [[{ name: 'a', value: '%BYTES_SENT%' }], '%BYTES_SENT% has no value at the beginning of a connection'],
  [
    [
      { name: 'a', value: 'x' },
      { name: 'a', value: 'y' },
    ],
    '"a" is set twice',
  ],
])('%j is refused', (values, message) => {
  expect(() => assertState(values, 'connection')).toThrow(message);
});

test('a request has fields', () => {
  expect(() => parseEarly('%REQ(x)% %PROTOCOL%', 'request')).not.toThrow();
  expect(() => parseEarly('%RESPONSE_CODE%', 'request')).toThrow('%RESPONSE_CODE% has no value');
});
