import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatBasic } from '../../../src/auth/schemes/basic.ts';
import { Secret } from '../../../src/core/secret.ts';
import { parseBasic } from '../../../src/http/wire/credentials.ts';

const encode = (text: string) => Buffer.from(text).toString('base64');
const read = (value: string) => {
  const credentials = parseBasic(value);
  return credentials && [credentials.user, credentials.password.reveal()];
};

test('writes the value of RFC 7617', () => {
  const value = formatBasic({ user: 'Aladdin', password: new Secret('open sesame') });
  expect(value).toBe('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
});

test('reads back what it writes', () => {
  const text = fc.string({ unit: 'grapheme' }).filter((part) => !/[\p{Cc}]/u.test(part));
  fc.assert(
    fc.property(
      text.filter((user) => !user.includes(':')),
      text,
      (user, password) => {
        const value = formatBasic({ user, password: new Secret(password) });
        expect(read(value)).toEqual([user, password]);
      },
    ),
  );
});

test('writes bytes that are no UTF-8 as they are, and tells them apart when it reads them', () => {
  const value = formatBasic({ user: 'j\udcf6rg', password: new Secret('ö\udcf6') });
  const sent = Buffer.from(value.slice('Basic '.length), 'base64');
  expect(sent.toString('latin1')).toBe('j\xf6rg:\xc3\xb6\xf6');
  expect(read(value)).toEqual(['j\udcf6rg', 'ö\udcf6']);
  expect(read(`Basic ${Buffer.from('u:\xfc', 'latin1').toString('base64')}`)).toEqual(['u', '\udcfc']);
});

test.each([
  ['the scheme in any case', `bAsIc ${encode('u:p')}`, ['u', 'p']],
  ['more than one space', `Basic   ${encode('u:p')}`, ['u', 'p']],
  ['a password with colons', `Basic ${encode('u:p:q:')}`, ['u', 'p:q:']],
  ['no user and no password', `Basic ${encode(':')}`, ['', '']],
])('takes %s', (_, value, expected) => {
  expect(read(value)).toEqual(expected);
});

test.each([
  ['another scheme', `Bearer ${encode('u:p')}`],
  ['no token', 'Basic'],
  ['an empty token', 'Basic '],
  ['base64url', 'Basic -_-_'],
  ['base64 without its padding', 'Basic dTpwYQ'],
  ['a letter after the padding', 'Basic dTpwYQ==x'],
  ['two tokens', `Basic ${encode('u:p')} ${encode('u:p')}`],
  ['no colon', `Basic ${encode('user')}`],
  ['NUL in the user', `Basic ${encode('u\u0000:p')}`],
  ['a line break in the password', `Basic ${encode('u:p\r\n')}`],
  ['DEL', `Basic ${encode('u:\u007f')}`],
  ['a token of 8 KiB', `Basic ${encode(`u:${'p'.repeat(6142)}`)}`],
])('refuses %s', (_, value) => {
  expect(parseBasic(value)).toBeUndefined();
});
