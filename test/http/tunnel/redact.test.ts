import { expect, test } from 'vitest';
import type { HeaderField, Hop } from '../../../src/core/hop.ts';
import { Secret } from '../../../src/core/secret.ts';
import { redactAnswer } from '../../../src/http/tunnel/redact.ts';

const makeHop = (password?: string, headers: readonly HeaderField[] = []): Hop => ({
  scheme: 'http',
  address: { kind: 'tcp', host: 'p', port: 1 },
  ...(password !== undefined && { credentials: { user: 'me', password: new Secret(password) } }),
  tls: {},
  headers,
  settings: {},
});

const redact = (text: string, hop: Hop) => {
  const head = { status: 403, reason: text, headers: [['x-said', text] as const] };
  const answer = redactAnswer({ head, body: text }, hop);
  expect([answer.head.reason, answer.head.headers[0]?.[1], answer.head.status]).toEqual([
    answer.body,
    answer.body,
    403,
  ]);
  return answer.body;
};

const token = Buffer.from('me:R&D "s3cret"').toString('base64');

test.each([
  [`Proxy-Authorization: Basic ${token}`, 'Proxy-Authorization: Basic ‹redacted›'],
  [`the token ${token.replace(/=+$/, '')}.`, 'the token ‹redacted›.'],
  ['wrong password R&D "s3cret" for me', 'wrong password ‹redacted› for me'],
  ['wrong password R&amp;D &quot;s3cret&quot; for me', 'wrong password ‹redacted› for me'],
  [`p=${encodeURIComponent('R&D "s3cret"')}`, 'p=‹redacted›'],
  ['nothing of that', 'nothing of that'],
])('takes credentials out of %j', (text, expected) => {
  expect(redact(text, makeHop('R&D "s3cret"'))).toBe(expected);
});

test('takes out the values of headers that the user adds, and their words', () => {
  const hop = makeHop(undefined, [['Proxy-Authorization', 'Bearer abcdefgh-1']]);
  expect(redact('got Bearer abcdefgh-1, that is abcdefgh-1 of Bearer', hop)).toBe(
    'got ‹redacted›, that is ‹redacted› of Bearer',
  );
});

test('knows a password again that was read as latin1', () => {
  expect(redact(Buffer.from('not grüße!').toString('latin1'), makeHop('grüße'))).toBe('not ‹redacted›!');
});

test('knows a password again that is no UTF-8', () => {
  expect(redact('not gr\xfcn, not gr%FCn!', makeHop('gr\udcfcn'))).toBe('not ‹redacted›, not ‹redacted›!');
});

test('leaves short words alone, which stand in any text', () => {
  expect(redact('a bad request', makeHop('bad', [['X-Mode', 'a']]))).toBe('a bad request');
});
