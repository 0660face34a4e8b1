import { expect, test } from 'vitest';
import {
  defaultFormat,
  type FormatFacts,
  parseFormat,
  writeLine,
  writeObject,
  writeValue,
} from '../../../src/syntax/format/format.ts';
import { refusalOf } from '../../support/usage.ts';

const facts: FormatFacts = {
  origin: {
    peer: {
      address: { kind: 'tcp', host: '::1', port: 5000 },
      reached: { kind: 'tcp', host: '127.0.0.1', port: 80 },
      connection: 7,
    },
    request: { method: 'GET', target: '/a?b', authority: 'www:80', version: '1.1' },
    headers: [
      ['x-kind', 'kindly'],
      ['cookie', 'hidden'],
      ['x-bad', 'a\r\nb\0\u0085\u2028"'],
    ],
  },
  began: Date.UTC(2026, 1, 3, 4, 5, 6, 78),
  ms: 12,
  sent: 9,
  received: 0,
  status: 200,
  id: 8,
};

function write(text: string, given: FormatFacts = facts): string {
  return writeLine(parseFormat(text), given);
}

test.each([
  ['nothing', 'nothing'],
  ['100%%', '100%'],
  ['%%DURATION%%', '%DURATION%'],
  ['%DURATION%%BYTES_RECEIVED%/%BYTES_SENT%', '129/0'],
  ['%RESPONSE_CODE% %RESPONSE_FLAGS%', '200 -'],
  ['%DOWNSTREAM_REMOTE_ADDRESS%', '[::1]:5000'],
  ['%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_REMOTE_PORT%', '::1 5000'],
  ['%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_PORT%', '127.0.0.1:80 80'],
  ['%REQ(:METHOD)% %REQ(:PATH)% %REQ(:AUTHORITY)% %PROTOCOL%', 'GET /a?b www:80 HTTP/1.1'],
  ['%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%', '/a?b'],
  ['%REQ(X-Kind):4% %REQ(X-None?X-KIND):99% %REQ(X-None)%', 'kind kindly -'],
  ['%REQ(Cookie)% %RESP(Set-Cookie?X)%', '- -'],
  ['%START_TIME%', '2026-02-03T04:05:06.078Z'],
  ['%START_TIME(%Y/%m/%dT%H:%M:%S.%3f%z)%', '2026/02/03T04:05:06.078+0000'],
  [
    '%START_TIME(%s %3s %6f %f %j %b %a %e %I%p %%)%',
    '1770091506 1770091506078 078000 078000000 034 Feb Tue  3 04AM %',
  ],
  ['%START_TIME(%E3S %F %T)%', '06.078 2026-02-03 04:05:06'],
  ['%REQUEST_DURATION% %DYNAMIC_METADATA(a:b):3%', '- -'],
  ['%CONNECTION_ID% %UPSTREAM_CONNECTION_ID% %STREAM_ID%', '7 0 8'],
])('%s becomes %s', (text, written) => {
  expect(write(text)).toBe(written);
});

test('the line that is written where nothing is said is that of Envoy', () => {
  expect(write(defaultFormat)).toBe(
    '[2026-02-03T04:05:06.078Z] "GET /a?b HTTP/1.1" 200 - 9 0 12 - "-" "-" "-" "www:80" "-"',
  );
});

test('a request for a tunnel has no path', () => {
  const request = { method: 'CONNECT', target: 'db:1', authority: 'other', version: '2' } as const;
  const asked = { ...facts, origin: { peer: {}, request } };
  expect(write('%REQ(:METHOD)% %REQ(:AUTHORITY)% %REQ(:PATH)% %PROTOCOL%', asked)).toBe('CONNECT db:1 - HTTP/2');
});

test('nothing that a peer sends ends a line', () => {
  expect(write('%REQ(X-Bad)%')).toBe('a\\x0d\\x0ab\\x00\\x85\\u2028\\"');
  const object = writeObject([['bad', parseFormat('%REQ(X-Bad)%')]], facts);
  expect(object).not.toMatch(/[\p{Cc}\u2028]/u);
  expect(JSON.parse(object)).toEqual({ bad: 'a\r\nb\0\u0085\u2028"' });
});

test('members of JSON keep their kind, and are null where they are not known', () => {
  const members = {
    n: '%BYTES_RECEIVED%',
    t: '%REQ(X-KIND)%',
    no: '%REQ(X-NONE)%',
    mixed: 'in %DURATION%ms',
    not: 'a %ROUTE_NAME%',
  };
  const parsed = Object.entries(members).map(([name, text]) => [name, parseFormat(text)] as const);
  expect(JSON.parse(writeObject(parsed, facts))).toEqual({ n: 9, t: 'kindly', no: null, mixed: 'in 12ms', not: 'a -' });
});

test('in the value of a field what is not known is left out', () => {
  expect(writeValue(parseFormat('a%REQ(X-NONE)%b'), facts)).toBe('ab');
});

test.each([
  ['100%', 'a % does not begin an operator', 'write %% for a percent sign'],
  ['%lower%', 'a % does not begin an operator', 'write %% for a percent sign'],
  ['%DURATION', 'a % does not begin an operator', 'write %% for a percent sign'],
  ['%NOPE%', 'there is no operator %NOPE%', 'write %% for a percent sign'],
  ['%DURATOIN%', 'there is no operator %DURATOIN%', 'did you mean %DURATION%?'],
  ['%DURATION(x)%', '%DURATION%: it has no parameters in brackets', undefined],
  ['%REQ%', '%REQ%: it takes the names of one or two fields: (X) or (X?Y)', undefined],
  ['%REQ(a?b?c)%', '%REQ%: it takes the names of one or two fields: (X) or (X?Y)', undefined],
  ['%START_TIME(%Q)%', '%START_TIME%: a time format has no %Q', 'write %% for a percent sign'],
])('%s is refused', (text, message, hint) => {
  expect(refusalOf(() => parseFormat(text))).toEqual({ message, hints: hint === undefined ? [] : [hint] });
});

test('the answer of a hop is JSON in a line, and a part of one that is JSON itself', () => {
  const text = '%FILTER_STATE(envoy.tcp_proxy.propagate_response_headers:TYPED)%';
  const fields = [
    ['X-Hop', 'a"\u0085\n'],
    ['Set-Cookie', 'hidden'],
    ['Proxy-Authorization', 'hidden'],
  ] as const;
  const asked = { ...facts, hopAnswer: { status: 403, headers: fields } };
  const value = {
    headers: [
      { key: ':status', value: '403' },
      { key: 'x-hop', value: 'a"\u0085\n' },
    ],
  };
  const line = String.raw`{"headers":[{"key":":status","value":"403"},{"key":"x-hop","value":"a\"\u0085\n"}]}`;
  expect(write(text, asked)).toBe(line);
  expect(write(`${text.slice(0, -1)}:12%`, asked)).toBe(String.raw`{\"headers\":[`);
  expect(JSON.parse(writeObject([['answer', parseFormat(text)]], asked))).toEqual({ answer: value });
  expect(write(text)).toBe('-');
  expect(write(text.replace('TYPED', 'PLAIN'), asked)).toBe('-');
});

test('the trailers of a hop are written like its answer', () => {
  const text = '%FILTER_STATE(envoy.tcp_proxy.propagate_response_trailers)%';
  const asked = {
    ...facts,
    hopTrailers: [
      ['x-end', 'over'],
      ['set-cookie', 'hidden'],
    ] as const,
  };
  expect(write(text, asked)).toBe('{"headers":[{"key":"x-end","value":"over"}]}');
  expect(write(text.replace(')', ':PLAIN)'), asked)).toBe('-');
  expect(write(text)).toBe('-');
});
