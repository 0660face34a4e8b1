import { expect, test } from 'vitest';
import { Secret } from '../../src/core/secret.ts';
import { keepPassword, parseStoredPassword } from '../../src/policy/password.ts';

// Made with libxcrypt and openssl.
const hashes = [
  ['$2y$04$abcdefghijklmnopqrstuu/RcPheG5Bboq6i7MyIjQPaaSOeR71ra', 's3cret:with:colons'],
  ['$2b$04$ABCDEFGHIJKLMNOPQRSTUuV20leEMD6ao0VnGpwRIHwEi9/FTmaEu', 'grün'],
  ['$2a$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG', 's3cret'],
  // The last character of the salt holds four bits that mean nothing.
  ['$2a$04$abcdefghijklmnopqrstuvLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG', 's3cret'],
  ['$apr1$Qk3/9x.A$zszFPqnfl2ZfJ4HcN/7G51', 's3cret:with:colons'],
  ['$apr1$ab$pnMfcC2TQ2jlNchNnEHVC/', 'grün'],
  ['{SHA}LuHoTMkv0WMiCZ7vOIMzVELb4tI=', 's3cret:with:colons'],
  ['{SHA}u7spwF/oCzl605Sj9JDO9/S7o3Y=', 'grün'],
] as const;

test.each(hashes)('%s is the hash of its password and of no other', async (hash, password) => {
  const stored = parseStoredPassword(hash)!;
  expect(await stored.verify(password)).toBe(true);
  for (const wrong of ['', `${password} `, password.slice(0, -1), password.toUpperCase(), hash]) {
    expect([wrong, await stored.verify(wrong)]).toEqual([wrong, false]);
  }
});

test.each([
  'plain',
  '',
  '$1$abcdefgh$znAnv9M.XU2pRYfmSs46h/',
  '$6$abcdefgh$D7W7qyozKBT.t6FD3DVYHvADbIO0eSyI4.p20LaEUjro8PqTGYYo/EQcuNjhFbzo9Yg5ir1KIEqFY/yJpgFph0',
  'rqXexS6ZhobKA',
  '{SHA}short=',
  '{PLAIN}s3cret',
  '$2y$04$tooshort',
  '$2x$04$abcdefghijklmnopqrstuu/RcPheG5Bboq6i7MyIjQPaaSOeR71ra',
  '$2y$03$abcdefghijklmnopqrstuu/RcPheG5Bboq6i7MyIjQPaaSOeR71ra',
  '$2y$32$abcdefghijklmnopqrstuu/RcPheG5Bboq6i7MyIjQPaaSOeR71ra',
  ' {SHA}LuHoTMkv0WMiCZ7vOIMzVELb4tI=',
])('%j is no hash that we take', (text) => expect(parseStoredPassword(text)).toBeUndefined());

test('bytes that are no UTF-8 are hashed as they are', async () => {
  const stored = parseStoredPassword('{SHA}qplx6EsTQNjsrx1/aQoHiKRRh6M=')!;
  expect(await stored.verify('gr\udcfcn')).toBe(true);
  for (const wrong of ['grün', 'gr\udcfdn', 'gr\ufffdn']) expect(await stored.verify(wrong)).toBe(false);
});

test('a password that was given as it is matches itself only', async () => {
  const stored = keepPassword(new Secret('s3:cret'));
  expect(await stored.verify('s3:cret')).toBe(true);
  expect(await stored.verify('s3:cre')).toBe(false);
  const bytes = keepPassword(new Secret('\udcf6'));
  expect(await bytes.verify('\udcf6')).toBe(true);
  for (const wrong of ['ö', '\udcfc', '\ufffd']) expect(await bytes.verify(wrong)).toBe(false);
});
