import { createPrivateKey } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { exitOf, type TunlError } from '../../../src/core/errors.ts';
import type { TlsSettings } from '../../../src/core/hop.ts';
import { loadTls, reloadTls } from '../../../src/tls/material/material.ts';
import { makeCerts } from '../../support/certs/certs.ts';

const certs = await makeCerts();
afterAll(() => certs.remove());
const { ca, client, server } = certs;

const encrypted = createPrivateKey(client.keyPem).export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase: 'correct horse',
});
const oldEncrypted = '-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END EC PRIVATE KEY-----\n';
const der = Buffer.from(ca.subject.rawData);
const damaged = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const paths = {
  text: certs.write('notes.txt', 'not a certificate\n'),
  empty: certs.write('empty.pem', ''),
  der: certs.write('ca.der', der),
  damaged: certs.write('damaged.pem', damaged),
  secondDamaged: certs.write('second.pem', `${ca.certPem}${damaged}`),
  encrypted: certs.write('encrypted.key', encrypted),
  oldEncrypted: certs.write('old.key', oldEncrypted),
  damagedKey: certs.write('damaged.key', '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n'),
  misplaced: certs.write('misplaced.pem', `${ca.certPem}${client.certPem}`),
  both: certs.write('both.pem', `${client.keyPem}${client.certPem}`),
};

async function fail(settings: TlsSettings): Promise<TunlError> {
  return loadTls(settings).then(
    () => {
      throw new Error('it was loaded');
    },
    (error: TunlError) => error,
  );
}

describe('what is wrong with a file is said before anything is opened', () => {
  test.each<[TlsSettings, string]>([
    [{ cacert: '/nowhere/ca.pem' }, 'cannot read cacert "/nowhere/ca.pem": there is no such file'],
    [{ cacert: certs.folder }, `cannot read cacert "${certs.folder}": it is a folder`],
    [
      { cacert: paths.text },
      `cacert "${paths.text}" is not PEM: there is no -----BEGIN ...----- and -----END ...----- in it`,
    ],
    [{ cacert: paths.empty }, `cacert "${paths.empty}" is empty`],
    [{ cacert: ca.key }, `cacert "${ca.key}" holds no certificate, only private key`],
    [{ cacert: paths.damaged }, `the certificate in cacert "${paths.damaged}" is damaged`],
    [{ cacert: paths.secondDamaged }, `certificate 2 of 2 in cacert "${paths.secondDamaged}" is damaged`],
    [{ cert: client.cert, key: '/nowhere/key.pem' }, 'cannot read key "/nowhere/key.pem": there is no such file'],
    [{ cert: client.cert, key: client.cert }, `key "${client.cert}" holds no private key, only certificate`],
    [{ cert: client.cert, key: paths.encrypted }, `key "${paths.encrypted}" is encrypted`],
    [{ cert: client.cert, key: paths.oldEncrypted }, `key "${paths.oldEncrypted}" is encrypted`],
    [{ cert: client.cert, key: paths.damagedKey }, `the private key in key "${paths.damagedKey}" is damaged`],
    [{ cert: client.cert, key: server.key }, `key "${server.key}" is not the key of cert "${client.cert}"`],
    [{ cert: client.cert }, `key (from cert) "${client.cert}" holds no private key, only certificate`],
    [{ key: client.key }, `key "${client.key}" has no effect without cert`],
    [{ servername: 'a\0b.example' }, 'servername "a\\u0000b.example" is not a host name'],
    [{ servername: '' }, 'servername "" is not a host name'],
  ])('%j', async (settings, message) => {
    const error = await fail(settings);
    expect(error.message).toBe(message);
    expect([error.code, exitOf(error)]).toEqual(['usage', 2]);
  });

  test('a binary certificate comes with the way to convert it', async () => {
    const error = await fail({ cacert: paths.der });
    expect(error.facts.hints).toEqual(['it looks like DER; convert it: openssl x509 -inform der -in FILE -out FILE']);
  });

  test('a chain in the wrong order comes with the right one', async () => {
    const error = await fail({ cert: paths.misplaced, key: client.key });
    expect(error.facts.hints).toEqual(['the certificate of the key must be the first in its file']);
  });
});

test('a certificate and its key may be in one file', async () => {
  await expect(loadTls({ cert: paths.both })).resolves.toMatchObject({ generation: 1 });
});

test('each reading of the files is another generation, and the one before stays as it was', async () => {
  const first = await loadTls({ cacert: ca.cert });
  const second = await reloadTls(first);
  expect([first.generation, second.generation, (await reloadTls(second)).generation]).toEqual([1, 2, 3]);
  expect((await second.ready()).context).not.toBe((await first.ready()).context);
});
