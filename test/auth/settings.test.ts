import { expect, test } from 'vitest';
import { listAllowed } from '../../src/auth/allowed.ts';
import { needsHttp1 } from '../../src/auth/knowledge.ts';
import { parseAuth, schemeNames } from '../../src/auth/settings.ts';
import { Secret } from '../../src/core/secret.ts';
import { proxyHop } from '../support/proxy-hop.ts';

test.each([
  ['auto', 'auto'],
  ['AUTO', 'auto'],
  ['basic', 'basic'],
  ['NTLM,basic,ntlm', 'ntlm,basic'],
])('auth=%s is %s', (text, value) => {
  expect(parseAuth(text)).toBe(value);
});

test.each(['', 'kerberos', 'basic,', 'auto,ntlm', 'basic ntlm'])('auth=%j is refused', (text) => {
  expect(() => parseAuth(text, '--proxy-auth')).toThrow(/^--proxy-auth: there is no authentication scheme "/);
});

test('a name that is nearly right is suggested', () => {
  expect(() => parseAuth('digets')).toThrow(
    expect.objectContaining({
      facts: expect.objectContaining({ hints: expect.arrayContaining(['did you mean digest?']) }),
    }),
  );
});

test('a list is tried in its own order, and everything in that of the registry', () => {
  const namesOf = (auth?: string) =>
    listAllowed({ ...proxyHop, settings: auth === undefined ? {} : { auth } }).map(({ name }) => name);
  expect(namesOf('basic,ntlm')).toEqual(['basic', 'ntlm']);
  expect([namesOf(), namesOf('auto')]).toEqual([schemeNames, schemeNames]);
});

test('a user with a domain is tried by NTLM before the schemes that have no domains', () => {
  const credentials = { user: 'CORP\\alice', password: new Secret('wonder-4711') };
  const namesOf = (settings = {}) => listAllowed({ ...proxyHop, credentials, settings }).map(({ name }) => name);
  expect(namesOf()).toEqual(['bearer', 'negotiate', 'ntlm', 'digest', 'basic']);
  expect(namesOf({ auth: 'digest,ntlm' })).toEqual(['digest', 'ntlm']);
});

test('a proxy for which every scheme is bound to a connection is asked in HTTP/1.1', () => {
  const isOlder = (auth: string) => needsHttp1({ ...proxyHop, settings: { auth } });
  expect(['ntlm', 'negotiate,ntlm', 'ntlm,basic', 'auto', 'digest'].map(isOlder)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});
