import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TunlError } from '../../../src/core/errors.ts';
import { hasOwnStore, type Machine, readNamedStore, readSystemStore } from '../../../src/tls/material/store.ts';
import { findAuthorities } from '../../../src/tls/material/trust.ts';
import { type Certs, makeCerts } from '../../support/certs/certs.ts';

let certs: Certs;
/** Folders as `openssl rehash` leaves them, and one that nobody has hashed. */
let hashed: string;
let unhashed: string;
let bundle: string;
const damaged = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

beforeAll(async () => {
  certs = await makeCerts();
  const { ca, otherCa, folder } = certs;
  bundle = certs.write('bundle.pem', `# what we trust\n${ca.certPem}${damaged}${otherCa.certPem}`);
  [hashed, unhashed] = [join(folder, 'hashed'), join(folder, 'unhashed')];
  for (const path of [hashed, unhashed]) mkdirSync(path);
  symlinkSync(ca.cert, join(hashed, '0a1b2c3d.0'));
  symlinkSync(otherCa.cert, join(hashed, '0a1b2c3d.1'));
  symlinkSync('/nowhere/gone.pem', join(hashed, 'ffffffff.0'));
  writeFileSync(join(hashed, 'README'), certs.server.certPem);
  writeFileSync(join(unhashed, 'ca.pem'), ca.certPem);
});
afterAll(() => certs.remove());

/** A machine with nothing on it but what a test puts there. */
const machine = (parts: Partial<Machine> = {}): Machine => ({
  env: {},
  platform: 'linux',
  bundles: [],
  folders: [],
  ...parts,
});

const trim = (texts: readonly string[]) => texts.map((text) => text.trim());
const both = () => trim([certs.ca.certPem, certs.otherCa.certPem]);

async function fail(env: Machine['env']): Promise<TunlError> {
  return readNamedStore(machine({ env })).then(
    () => Promise.reject(new Error('it was read')),
    (error: TunlError) => error,
  );
}

describe('the store of the system', () => {
  test('is the first bundle that is there', async () => {
    const store = await readSystemStore(machine({ bundles: ['/nowhere/ca.pem', certs.ca.cert, bundle] }));
    expect(store).toEqual({ certificates: trim([certs.ca.certPem]), from: certs.ca.cert });
  });

  test('is a folder of hashed names where there is no bundle; links that lead nowhere are passed over', async () => {
    const store = await readSystemStore(machine({ folders: ['/nowhere', unhashed, hashed] }));
    expect(store).toEqual({ certificates: both(), from: hashed });
  });

  test('is what Node finds where there is neither', async () => {
    const store = await readSystemStore(machine({ ask: () => both() }));
    expect(store).toEqual({ certificates: both(), from: 'the store of the system' });
  });

  test.each(['darwin', 'win32'] as const)('is what Node finds on %s, whatever files there are', async (platform) => {
    const store = await readSystemStore(machine({ platform, bundles: [bundle], ask: () => ['A'] }));
    expect(store).toEqual({ certificates: ['A'], from: 'the store of the system' });
  });

  test.each(['darwin', 'win32'] as const)('cannot be read by an old Node on %s, and that is said', async (platform) => {
    const { certificates, note } = await readSystemStore(machine({ platform, bundles: [bundle] }));
    expect(certificates).toEqual([]);
    expect(note).toBe('Node before 22.15 cannot read the store of this system: update Node, or set SSL_CERT_FILE');
  });

  test('that is nowhere is said', async () => {
    const { certificates, note } = await readSystemStore(machine());
    expect(certificates).toEqual([]);
    expect(note).toBe('no store of the system was found: SSL_CERT_FILE can name one');
  });
});

describe('what a variable names', () => {
  test('is read instead of the store', async () => {
    expect(await readNamedStore(machine({ env: {} }))).toBeUndefined();
    expect(await readNamedStore(machine({ env: { SSL_CERT_FILE: '', SSL_CERT_DIR: '' } }))).toBeUndefined();
    const store = await readNamedStore(machine({ env: { SSL_CERT_FILE: certs.ca.cert } }));
    expect(store).toEqual({ certificates: trim([certs.ca.certPem]), from: `SSL_CERT_FILE "${certs.ca.cert}"` });
  });

  test('may be several folders, of which only hashed names count, and a file beside them', async () => {
    const list = `${unhashed}:${hashed}`;
    const store = await readNamedStore(machine({ env: { SSL_CERT_FILE: certs.ca.cert, SSL_CERT_DIR: list } }));
    expect(store?.certificates).toEqual([...trim([certs.ca.certPem]), ...both()]);
    expect(store?.from).toBe(`SSL_CERT_FILE "${certs.ca.cert}" and SSL_CERT_DIR "${list}"`);
  });

  test('and cannot be read is exit 2, in words', async () => {
    const { server } = certs;
    const cases: readonly (readonly [Machine['env'], string, string?])[] = [
      [{ SSL_CERT_FILE: '/nowhere/ca.pem' }, 'cannot read SSL_CERT_FILE "/nowhere/ca.pem": there is no such file'],
      [{ SSL_CERT_FILE: certs.folder }, `cannot read SSL_CERT_FILE "${certs.folder}": it is a folder`],
      [{ SSL_CERT_FILE: server.key }, `SSL_CERT_FILE "${server.key}" holds no certificate in PEM form`],
      [{ SSL_CERT_DIR: '/nowhere' }, 'cannot read SSL_CERT_DIR "/nowhere": /nowhere: there is no such folder'],
      [
        { SSL_CERT_DIR: unhashed },
        `SSL_CERT_DIR "${unhashed}" holds no certificate under a hashed name`,
        `openssl rehash ${unhashed}`,
      ],
    ];
    for (const [env, message, hint] of cases) {
      const { code, message: said, facts } = await fail(env);
      expect([code, said]).toEqual(['usage', message]);
      if (hint !== undefined) expect(facts.hints).toEqual([hint]);
    }
  });
});

describe('the authorities that vouch for a server', () => {
  test('are those of Node, of NODE_EXTRA_CA_CERTS and of the system, each once', async () => {
    const extra = certs.write('extra.pem', `${certs.ca.certPem}${rootCertificates[0]}\n`);
    const find = await findAuthorities({}, machine({ env: { NODE_EXTRA_CA_CERTS: extra }, bundles: [bundle] }));
    const { builtIn, others, description, notes } = await find();
    // The two authorities of the test, and the damaged certificate in the bundle, which Node cannot read.
    const count = rootCertificates.length + 3;
    expect([builtIn.length, others.length]).toEqual([rootCertificates.length, 3]);
    expect(description).toBe(`${count} authorities from Node, NODE_EXTRA_CA_CERTS and ${bundle}`);
    expect(notes).toEqual([]);
  });

  test('leave the system out where that is wanted, and read no variable for it', async () => {
    const env = { SSL_CERT_FILE: '/nowhere/ca.pem', NODE_EXTRA_CA_CERTS: '/nowhere/extra.pem' };
    const find = await findAuthorities({ noSystemCa: true }, machine({ env, bundles: [bundle] }));
    expect(await find()).toMatchObject({
      builtIn: rootCertificates,
      others: [],
      description: `${rootCertificates.length} authorities from Node`,
      notes: ['NODE_EXTRA_CA_CERTS "/nowhere/extra.pem" cannot be read'],
    });
  });

  test('are read again when they are asked for again, and taken from memory while they are the same', async () => {
    const path = certs.write('changing.pem', certs.ca.certPem);
    const read = async () => (await findAuthorities({}, machine({ bundles: [path] })))();
    const first = await read();
    expect(await read()).toBe(first);
    writeFileSync(path, certs.otherCa.certPem);
    expect([...first.others, ...(await read()).others]).toEqual(both());
  });
});

test.each<[string, boolean, { defines?: string[]; env?: Record<string, string>; execArgv?: string[] }]>([
  ['without any setting', true, {}],
  [
    'with a setting of something else',
    true,
    { env: { NODE_OPTIONS: '--no-warnings' }, execArgv: ['--stack-size=900'] },
  ],
  ['in a build that trusts what OpenSSL finds', false, { defines: ['NODE_OPENSSL_CERT_STORE'] }],
  ['in a build that adds a file', false, { defines: ['NODE_OPENSSL_SYSTEM_CERT_PATH="/etc/ssl/certs"'] }],
  ['in a build that says nothing of itself', false, { defines: [] }],
  ['by an option', false, { execArgv: ['--use-openssl-ca'] }],
  ['by NODE_OPTIONS', false, { env: { NODE_OPTIONS: '--no-warnings --use-system-ca' } }],
  ['by NODE_USE_SYSTEM_CA', false, { env: { NODE_USE_SYSTEM_CA: '1' } }],
])('what Node trusts by itself is known %s: %s', (_, isKnown, { defines = ['A=1'], env = {}, execArgv = [] }) => {
  const config = { variables: {}, target_defaults: { defines } } as unknown as NodeJS.Process['config'];
  expect(hasOwnStore({ config, env, execArgv })).toBe(isKnown);
});
