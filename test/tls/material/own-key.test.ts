import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
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

/** A key that OpenSSL encrypted with MD5 and DES (PKCS #5, version 1.5), with the password `x`. It was made for this test. */
const goneKey = `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIIE6TAbBgkqhkiG9w0BBQMwDgQIdceNObH31+UCAggABIIEyAA010PkjNa/ddl7
OPClxJeqAqU0n+emXALzFdig4q9031XmodMM+ndolMJy6FA7/8XeMkekDBphTIJq
OECg+8d/bar3W2bGf8LobBZMM1LKu5Y0WgMBonhBCg7uLBxJD0KYcLaSh5DcHeOY
NOVN8nU649EfnGquwJFz2t/ucRRKRFs0Fvhe45NVG08hXEg/SpTT4ZJGlNznMyyk
9t4DmdHraK5l5aTozzDHy2M2wXKKmEi/OCM+3ongmAuapzRNpL4UPOLNMBeRTdd6
29O+ax0gy7r9ayZfmhQT49a98rSb2UyFTCX5o49wWtEgqy4n+wvJmcDb1Al/DalK
PcW5fPCV6Z+zZFFtbrzj7qbmVEJR9JQggk/iZlmC3CSspECR6K/ADh+Wvf+rv3x7
caHddsRdOUl9eE9/U0jnxrTJ5CkdYHEGqO6HCtDhab6vws9SixMpmRP0KrTKWuM5
4lxNLfnZ0Nrb0E6GLwXrTeiDJg/UO8xcWwffnQXbiDkcPumb0/iyLnsgpFnY5lXV
pvU+Awm50rr8vwY6LbSZ8TwpGnFuJ5A7h/QbnMdugW/m3KhYLe6qL75ca9cvCHlY
QPMv/uTt27Eo8xLS+kg8ta6RxuiQpi6r4e2a78jc9gCfyRy3wFSzuKzUCanFnUX+
aF4Fipm6V9fIasogQpRPLfc5pL0Cm49j+io5+MLSKC5d1nJAK/ZNcn5ANlT8B7Zt
NrCmmCNRYpqfMaQBVd3jRh2RuziPgyMye3GtoyNPRXL5aqYaE7H0Q8ASB2EmbeZ4
gwMgxgRVh+W+24WcvoPLJH9Q46cA9S7k7Ox+Jdg4ZLnB9s8eLhsYAKl1IXBsEgAw
5T4sRxVy3T2o5bEnq9nR5np31U3Y59lyQsnh0dDyymMAQUiM4ATYYyQQyrmwMhud
ZyO6dRH45zU+QYy4xt90Ac1wMPC0dkDQc7xSS4YjTOWm5tlleVxmaSiHtYn+Qwcy
ySJiO74kbnHx4tjNqEvNlQyD2JbuH1q2JiIrDwmL4YvcHfEqKAt6V2i5Kef0yKky
9M9yKfimku5cRT3ViutXK39mDqPQAffHXcf2ua6yBSulUo1RdQlr3y0LjJSxJ8qO
QGCRQgsf24bXgn27Mk03jUHDppxMD8vvFzblye/W3CMbdf5TI037LxlKpiqXzLOd
BMmgiBFP+hwCq7/ynRTS/g0nQ1U/6ZexSjhkYjt7Zr+1wU4oYqKDWXeQEyfB7Qmv
3ny0DPJve4ibhW74lcUK/1HVQM70rw/KIafbyU2v6la13FXKIr8Kq5fkYp2lKfkW
ESoyXZfzYX/aNkAXtg9ps3X91t9N1vhydYZSIQVmZRB5l30B8yMaHKb2o0fdszJ/
00wyuLEeSYti9DRbKcTh0kSzCzsPDgptwpncVwWRsNP/Duih0060eIqa8OxR6ZbC
suEksePUXWc2wIZJT3coRczvEWM7fT3fXZO5Prqv5TzyqqtsXKovhFRZxaJJDZD2
dHqI2p32OnJ34X1ocdJz30s9duW1hU2pIuJdGf9jTCBQ1jiRTHISaWChymeALnMI
x3gcu1f1LZAP3Fe0hWOPa/Izjt5n0zcU/CFR2Cr0L017Cu5Az/xo/ZiitpJ9YX10
qm2BfgzcQdPFLMfOjw==
-----END ENCRYPTED PRIVATE KEY-----
`;

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

/** Makes a person or a variable that gives this password; `asked` has the key of each question. */
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

  test('is told to have got a wrong password also where that decrypts it to garbage', async () => {
    const isGarbage = (passphrase: string): boolean => {
      try {
        createPrivateKey({ key: readFileSync(keys.modern), passphrase });
        return false;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'ERR_OSSL_UNSUPPORTED';
      }
    };
    // About one password in 200 gives garbage.
    const wrong = Array.from({ length: 5000 }, (_, index) => `wrong ${index}`).find(isGarbage);
    const { keyPassword } = saying(wrong ?? expect.fail('no password gave garbage'));
    const { message } = await fail({ cert: certs.client.cert, key: keys.modern, keyPassword });
    expect(message).toBe(`key "${keys.modern}" does not open with the password from TUNL_KEY_PASSWORD`);
  });

  test('that was encrypted with a cipher that is gone says so', async () => {
    const { keyPassword } = saying('x');
    const { message } = await fail({ cert: certs.client.cert, key: certs.write('gone.key', goneKey), keyPassword });
    expect(message).toContain('is encrypted in a way that OpenSSL 3 no longer supports');
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
    // A server's certificate of the same authority makes no client, and a client's makes no server.
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
