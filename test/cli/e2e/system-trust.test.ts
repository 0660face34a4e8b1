import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Certs, makeCerts } from '../../support/certs/certs.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { startTarget } from '../../support/targets/plain.ts';
import { startTls } from '../../support/targets/tls.ts';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';

let certs: Certs;
beforeAll(async () => {
  certs = await makeCerts();
});
afterAll(() => certs.remove());

const answer = 'HTTP/1.1 200 OK\r\n\r\n';

/** Words that dial a target through a proxy in TLS whose authority no Node knows. */
async function dialSecured(query = ''): Promise<string[]> {
  const port = await startTls(certs.server, (socket) => socket.once('data', () => void socket.write(answer)));
  return ['connect', '--check', '-x', `https://localhost:${port}${query}`, 'db:22'];
}

describe('the authority of a proxy in TLS', () => {
  test('is trusted where SSL_CERT_FILE names it, and -v says whom it trusts', async () => {
    const words = await dialSecured();
    const env = { SSL_CERT_FILE: certs.ca.cert };
    expect(await runTunl(words, env)).toMatchObject({ code: 0, stderr: '' });
    const { code, stderr } = await runTunl([...words, '-v'], env);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      new RegExp(
        `^tunl: hop 1: tls TLSv1.3, .*, trusting \\d+ authorities from Node and SSL_CERT_FILE "${certs.ca.cert}"`,
        'm',
      ),
    );
  });

  test('is trusted also where Node is told to trust the store of OpenSSL', async () => {
    const env = { SSL_CERT_FILE: certs.ca.cert, NODE_OPTIONS: '--use-openssl-ca' };
    expect(await runTunl(await dialSecured(), env)).toMatchObject({ code: 0, stderr: '' });
    expect((await runTunl([...(await dialSecured()), '--no-system-ca'], env)).code).toBe(60);
  });

  test('is trusted where it stands under its hash in a folder of SSL_CERT_DIR', async () => {
    const folder = join(makeTempFolder(), 'certs');
    mkdirSync(folder);
    symlinkSync(certs.ca.cert, join(folder, '0a1b2c3d.0'));
    expect(await runTunl(await dialSecured(), { SSL_CERT_DIR: folder })).toMatchObject({ code: 0, stderr: '' });
  });

  test('is exit 60 where nobody names it, and it is said where it was looked for', async () => {
    const { code, stderr } = await runTunl(await dialSecured(), { SSL_CERT_FILE: certs.otherCa.cert });
    expect(code).toBe(60);
    expect(stderr).toContain('tunl: hint: to trust its authority: cacert=FILE\n');
    expect(stderr).toMatch(/^tunl: hint: it is not one of \d+ authorities from Node and SSL_CERT_FILE "/m);
  });

  test.each([
    ['--no-system-ca', '', ['--no-system-ca']],
    ['a setting of the hop', '?no-system-ca', []],
  ])('is exit 60 without the system by %s, whatever SSL_CERT_FILE names', async (_, query, more) => {
    const env = { SSL_CERT_FILE: certs.ca.cert };
    const { code, stderr } = await runTunl([...(await dialSecured(query)), ...more], env);
    expect(code).toBe(60);
    expect(stderr).toMatch(/^tunl: hint: it is not one of \d+ authorities from Node\n/m);
    expect(stderr).toContain('tunl: hint: those of the system were left out: --no-system-ca\n');
  });

  test('that cacert names is the only one, and what SSL_CERT_FILE names is not looked at', async () => {
    const env = { SSL_CERT_FILE: '/nowhere/ca.pem' };
    expect(await runTunl(await dialSecured(`?cacert=${certs.ca.cert}`), env)).toMatchObject({ code: 0, stderr: '' });
  });

  test('is asked of a target in TLS too', async () => {
    const port = await startTls(certs.server, () => {});
    const words = ['connect', '--direct', '--tls-target', '--check', `localhost:${port}`];
    expect(await runTunl(words, { SSL_CERT_FILE: certs.ca.cert })).toMatchObject({ code: 0, stderr: '' });
    expect((await runTunl([...words, '--no-system-ca'], { SSL_CERT_FILE: certs.ca.cert })).code).toBe(60);
  });
});

test('a file of SSL_CERT_FILE that is not there is exit 2 before anything is dialled, and only where TLS asks for it', async () => {
  const env = { SSL_CERT_FILE: '/nowhere/ca.pem' };
  for (const words of [await dialSecured(), ['forward', ':db:22', '-x', 'https://127.0.0.1:1']]) {
    expect(await runTunl(words, env)).toMatchObject({
      code: 2,
      stderr:
        'tunl: cannot read SSL_CERT_FILE "/nowhere/ca.pem": there is no such file\n' +
        'tunl: hint: unset it to use the store of the system\n',
    });
  }
  const plain = await startTarget((socket) => void socket.once('data', () => socket.write(answer)));
  const words = ['connect', '--check', '-x', `http://127.0.0.1:${plain.port}`, 'db:22'];
  expect(await runTunl(words, env)).toMatchObject({ code: 0, stderr: '' });
});

test('a reload finds the authorities that have been added since', async () => {
  const folder = makeTempFolder();
  const [bundle, file] = [join(folder, 'bundle.pem'), join(folder, 'chain.yaml')];
  const [, , , url] = await dialSecured();
  writeFileSync(bundle, certs.otherCa.certPem);
  writeFileSync(file, `stages: { one: { listen: 0, via: '${url}', to: 'db:22' } }\n`);
  const { child, ended, waitFor } = startTunl(['chain', '-v', '--grace', '0', '-c', file], { SSL_CERT_FILE: bundle });
  const [, port] = await waitFor(/forwarding 127\.0\.0\.1:(\d+)/);
  const dial = () => {
    const client = connect(Number(port), '127.0.0.1').on('error', () => {});
    onTestFinished(() => void client.destroy());
  };
  dial();
  await waitFor(/comes from an authority that is not trusted/);
  writeFileSync(bundle, certs.ca.certPem);
  child.kill('SIGHUP');
  await waitFor(/was read again/);
  dial();
  await waitFor(/hop 1: tls TLSv1.3, .* trusting \d+ authorities from Node and SSL_CERT_FILE/);
  child.kill('SIGTERM');
  await ended;
});
