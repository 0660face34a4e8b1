import { createPrivateKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TunlError } from '../../../src/core/errors.ts';
import type { TlsSettings } from '../../../src/core/hop.ts';
import { type KeyPassword, Secret } from '../../../src/core/secret.ts';
import { loadTls, readOwnCertificate, reloadTls } from '../../../src/tls/material/material.ts';
import { type Certs, makeCerts } from '../../support/certs/certs.ts';
import { makeTcpPair } from '../../support/harness/link-pairs.ts';
import { fileAuthority, filePassword, writePkcs12 } from '../../support/certs/pkcs12-files.ts';
import { tryTls } from '../../support/harness/tls-pairs.ts';

const password = 'correct horse';
let certs: Certs;
/** The key of `certs.client`: encrypted as PKCS #8, and in the form before that. */
let keys: { readonly modern: string; readonly old: string };

beforeAll(async () => {
  certs = await makeCerts();
  const key = createPrivateKey(certs.client.keyPem);
  const encrypted = { format: 'pem', cipher: 'aes-256-cbc', passphrase: password } as const;
  keys = {
    modern: certs.write('modern.key', key.export({ type: 'pkcs8', ...encrypted })),
    old: certs.write('old.key', key.export({ type: 'sec1', ...encrypted })),
  };
});
afterAll(() => certs.remove());

/** A person, or a variable, who says this and counts how often. */
function saying(text: string | undefined) {
  const asked: string[] = [];
  const keyPassword: KeyPassword = {
    isGiven: true,
    find: async (key) => {
      asked.push(key);
      return text === undefined ? undefined : { password: new Secret(text), from: 'TUNL_KEY_PASSWORD' };
    },
  };
  return { asked, keyPassword };
}

const fail = (settings: TlsSettings): Promise<TunlError> =>
  loadTls(settings).then(
    () => Promise.reject(new Error('it was loaded')),
    (error: TunlError) => error,
  );

describe('an encrypted key', () => {
  test.each(['modern', 'old'] as const)('in %s form opens with the password that is found', async (form) => {
    const { keyPassword, asked } = saying(password);
    await loadTls({ cert: certs.client.cert, key: keys[form], keyPassword });
    expect(asked).toEqual([`key "${keys[form]}"`]);
  });

  test('opens with the first line of its file, and nobody is asked', async () => {
    const { keyPassword, asked } = saying('another');
    const keyPasswordFile = certs.write('password', `${password}\nand more\n`);
    const loaded = await loadTls({ cert: certs.client.cert, key: keys.modern, keyPasswordFile, keyPassword });
    expect(asked).toEqual([]);
    await expect(reloadTls(loaded)).resolves.toMatchObject({ generation: 2 });
  });

  test('is refused with another password, which is not shown', async () => {
    const { keyPassword } = saying('battery staple');
    const { message, code, facts } = await fail({ cert: certs.client.cert, key: keys.modern, keyPassword });
    expect([code, message]).toEqual([
      'usage',
      `key "${keys.modern}" does not open with the password from TUNL_KEY_PASSWORD`,
    ]);
    expect(JSON.stringify(facts)).not.toContain('staple');
  });

  test('without any password says where one is taken from', async () => {
    const { message, facts } = await fail({ cert: certs.client.cert, key: keys.modern, ...saying(undefined) });
    expect(message).toBe(`key "${keys.modern}" is encrypted`);
    expect(facts.hints).toEqual([
      'its password is taken from TUNL_KEY_PASSWORD or --key-password-file; in a file, from key-password',
    ]);
  });

  test('that is not encrypted asks for nothing', async () => {
    const { keyPassword, asked } = saying(password);
    await loadTls({ cert: certs.client.cert, key: certs.client.key, keyPassword });
    expect(asked).toEqual([]);
  });
});

describe('a certificate in PKCS #12', () => {
  const own = (path: string) => ({ cert: path, key: path });

  test('has its key in it, leaf first and then its authority', async () => {
    const source = { option: 'cert', path: writePkcs12(certs.folder, 'aes') };
    const { cert, leaf } = await readOwnCertificate(source, source, saying(filePassword));
    expect(leaf.subject).toBe('CN=localhost');
    expect(cert.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(cert.trim().endsWith(fileAuthority.trim())).toBe(true);
  });

  test('with an empty password is opened without a question', async () => {
    const { keyPassword, asked } = saying('another');
    await loadTls({ ...own(writePkcs12(certs.folder, 'open')), keyPassword });
    expect(asked).toEqual([]);
  });

  test('and its password may both be wrong', async () => {
    const path = writePkcs12(certs.folder, 'aes');
    const wrong = await fail({ ...own(path), ...saying('wrong') });
    expect(wrong.message).toBe(`cert "${path}" does not open with the password from TUNL_KEY_PASSWORD`);
    const apart = await fail({ cert: path, key: certs.client.key, ...saying(filePassword) });
    expect(apart.message).toBe(`cert "${path}" is PKCS #12, which contains its key`);
    const misplaced = await fail({ cert: certs.client.cert, key: path });
    expect(misplaced.facts.hints).toEqual(['it looks like PKCS #12, which cert=FILE reads together with its key']);
  });

  test('that OpenSSL 3 refuses comes with the lines that write it anew', async () => {
    const path = writePkcs12(certs.folder, 'rc2');
    const { message, facts } = await fail({ ...own(path), ...saying(filePassword) });
    expect(message).toBe(`cert "${path}" is encrypted with RC2, which OpenSSL 3 no longer supports`);
    expect(facts.hints).toEqual([
      'encrypt it again; the file in between has no password:',
      'openssl pkcs12 -legacy -in OLD.p12 -out all.pem -nodes',
      'openssl pkcs12 -export -in all.pem -out NEW.p12 && rm all.pem',
    ]);
  });

  test('is shown by servers and by clients, and its authority vouches for nobody', async () => {
    const bundle = { ...own(writePkcs12(certs.folder, 'aes')), ...saying(filePassword) };
    const authority = certs.write('files-ca.pem', fileAuthority);
    const shown = await tryTls(certs, await makeTcpPair(), { server: bundle, client: { cacert: authority } });
    expect([shown.client.status, shown.server.status]).toEqual(['fulfilled', 'fulfilled']);
    // Who has a certificate of the same authority as a server is no client of it, and the other way round.
    const asClient = { ...bundle, cacert: authority };
    const server = { ...bundle, clientCa: certs.ca.cert };
    expect((await tryTls(certs, await makeTcpPair(), { server, client: asClient })).server.status).toBe('rejected');
    const trusting = { ...bundle, cacert: certs.ca.cert };
    expect((await tryTls(certs, await makeTcpPair(), { server: bundle, client: trusting })).client.status).toBe(
      'rejected',
    );
    const known = { ...bundle, clientCa: authority };
    const met = await tryTls(certs, await makeTcpPair(), { server: known, client: asClient });
    expect([met.client.status, met.server.status]).toEqual(['fulfilled', 'fulfilled']);
  });
});
