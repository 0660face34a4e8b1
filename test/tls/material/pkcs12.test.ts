import { expect, test } from 'vitest';
import { isPkcs12 } from '../../../src/tls/material/pem.ts';
import { openPkcs12, type Pkcs12 } from '../../../src/tls/material/pkcs12.ts';
import { filePassword, readPkcs12, toIndefinite } from '../../support/certs/pkcs12-files.ts';

function describe(opened: Pkcs12 | string): unknown {
  if (typeof opened === 'string') return opened;
  const [leaf] = opened.certificates;
  const isOfKey = opened.key && leaf?.checkPrivateKey(opened.key);
  return [opened.certificates.map(({ subject }) => subject), isOfKey];
}

const withAuthority = [['CN=localhost', 'CN=ca of the files'], true];

test.each([
  ['OpenSSL 3', readPkcs12('aes'), filePassword, withAuthority],
  ['Windows', readPkcs12('des'), filePassword, withAuthority],
  ['Firefox', toIndefinite(readPkcs12('aes')), filePassword, withAuthority],
  ['somebody who wanted no password', readPkcs12('open'), '', [['CN=localhost'], true]],
])('a file by %s opens', (_, file, password, expected) => {
  expect(isPkcs12(file)).toBe(true);
  expect(describe(openPkcs12(file, password))).toEqual(expected);
});

test('a file that OpenSSL 3 refuses is told from a wrong password', () => {
  expect(openPkcs12(readPkcs12('rc2'), filePassword)).toBe('unsupported');
  for (const kind of ['aes', 'des', 'rc2', 'open'] as const)
    expect(openPkcs12(readPkcs12(kind), 'wrong')).toBe('password');
});

test('a file that is damaged anywhere is never half of one', () => {
  const file = readPkcs12('aes');
  for (let at = 0; at < file.length; at += 7) {
    const broken = Buffer.from(file);
    broken[at] = (broken[at] ?? 0) ^ 0x55;
    const opened = openPkcs12(broken, filePassword);
    if (typeof opened === 'string') expect(opened).toMatch(/^(?:damaged|password|unsupported)$/);
    else expect(describe(opened)).toEqual(withAuthority);
  }
  for (const size of [0, 1, 2, 5, 100, file.length - 1])
    expect(typeof openPkcs12(file.subarray(0, size), filePassword)).toBe('string');
});

test('other files are none', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('-----BEGIN'), Buffer.from([0x30, 0x03, 2, 1, 1])])
    expect(isPkcs12(bytes)).toBe(false);
});
