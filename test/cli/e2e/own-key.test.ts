import { createPrivateKey } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Certs, makeCerts } from '../../support/certs/certs.ts';
import { fileAuthority, filePassword, writePkcs12 } from '../../support/certs/pkcs12-files.ts';
import { greet, startTarget } from '../../support/targets/plain.ts';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';

const password = 'correct horse';
let certs: Certs;
let key: string;
let passwordFile: string;
let bundle: string;
let authority: string;

beforeAll(async () => {
  certs = await makeCerts();
  const encrypted = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: password } as const;
  key = certs.write('client.key', createPrivateKey(certs.client.keyPem).export(encrypted));
  passwordFile = certs.write('password', `${password}\n`);
  bundle = writePkcs12(certs.folder, 'aes');
  authority = certs.write('authority.pem', fileAuthority);
});
afterAll(() => certs.remove());

/** A proxy in TLS that lets only those in who have a certificate of `ca`. */
async function startProxy(ca: string): Promise<string> {
  const { cert, key: serverKey } = certs.server;
  const words = ['serve', '127.0.0.1:0', '--tls', '--cert', cert, '--key', serverKey, '--client-ca', ca];
  const { child, waitFor } = startTunl(words);
  onTestFinished(() => void child.kill('SIGKILL'));
  const [, port] = await waitFor(/serving 127\.0\.0\.1:(\d+)/);
  return `https://localhost:${port}?cacert=${certs.ca.cert}`;
}

const greeting = () => startTarget(greet('hello\n'));

/** Dials a target that greets through the proxy, as its client with this certificate. */
async function dial(proxy: string, more: readonly string[], env: Record<string, string> = {}) {
  const target = await greeting();
  const words = ['connect', '--check', '-x', proxy, ...more, `127.0.0.1:${target.port}`];
  return runTunl(words, env);
}

describe('a client whose key is encrypted', () => {
  const own = () => ['--cert', certs.client.cert, '--key', key];

  test.each<[string, () => readonly string[], Record<string, string>]>([
    ['the environment', own, { TUNL_KEY_PASSWORD: password }],
    ['a file', () => [...own(), '--key-password-file', passwordFile], {}],
  ])('is let in with a password from %s', async (_, words, env) => {
    expect(await dial(await startProxy(certs.ca.cert), words(), env)).toMatchObject({ code: 0, stderr: '' });
  });

  test('may say in the URL where the password of that hop is', async () => {
    const proxy = await startProxy(certs.ca.cert);
    const query = `&cert=${certs.client.cert}&key=${key}&key-password-file=${passwordFile}`;
    expect(await dial(`${proxy}${query}`, [], { TUNL_KEY_PASSWORD: 'another' })).toMatchObject({ code: 0, stderr: '' });
  });

  test('with a wrong password is exit 2, and nobody reads it', async () => {
    const words = ['connect', '-vv', '-x', 'https://127.0.0.1:1', ...own(), 'db:22'];
    for (const voice of [[], ['--json']]) {
      const { code, stderr, stdout } = await runTunl([...words, ...voice], { TUNL_KEY_PASSWORD: 'battery staple' });
      expect(code).toBe(2);
      expect(stderr).toContain('does not open with the password from TUNL_KEY_PASSWORD');
      expect(stdout + stderr).not.toContain('staple');
    }
  });

  test('without a password and with nobody to ask is exit 2', async () => {
    const { ended } = startTunl(['connect', '-x', 'https://127.0.0.1:1', ...own(), 'db:22'], {}, { detached: true });
    const { code, stderr } = await ended;
    expect([code, stderr.split('\n')[0]]).toEqual([2, `tunl: key "${key}" is encrypted`]);
  });

  test('asks the program of SSH_ASKPASS', async () => {
    const program = join(certs.folder, 'askpass');
    writeFileSync(program, `#!/bin/sh\necho "$1" > ${certs.folder}/asked\necho '${password}'\n`, { mode: 0o700 });
    const env = { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force' };
    expect(await dial(await startProxy(certs.ca.cert), own(), env)).toMatchObject({ code: 0 });
    expect(existsSync(join(certs.folder, 'asked'))).toBe(true);
  });
});

test('a client may have a certificate in PKCS #12', async () => {
  const proxy = await startProxy(authority);
  const env = { TUNL_KEY_PASSWORD: filePassword };
  expect(await dial(proxy, ['--cert', bundle], env)).toMatchObject({ code: 0, stderr: '' });
});

test('a server may have one too, and reads it again', async () => {
  const keyPassword = certs.write('bundle-password', `${filePassword}\n`);
  const words = ['serve', '127.0.0.1:0', '--tls', '--cert', bundle, '--key-password-file', keyPassword];
  const { child, ended, waitFor } = startTunl(words);
  const [, port] = await waitFor(/serving 127\.0\.0\.1:(\d+)/);
  child.kill('SIGHUP');
  await waitFor(/were read again/);
  const target = await greeting();
  const dialling = ['connect', '--check', '-x', `https://localhost:${port}?cacert=${authority}`];
  expect(await runTunl([...dialling, `127.0.0.1:${target.port}`])).toMatchObject({ code: 0, stderr: '' });
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test('what is printed names where the password is, and never the password', async () => {
  const env = { TUNL_KEY_PASSWORD: password };
  const { stdout, code } = await runTunl(
    ['connect', '--print', '-x', `https://p?cert=${certs.client.cert}&key=${key}`, 'db:22'],
    env,
  );
  expect([code, stdout.includes('key-password: ${TUNL_KEY_PASSWORD}'), stdout.includes(password)]).toEqual([
    0,
    true,
    false,
  ]);
});
