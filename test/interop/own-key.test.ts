import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certs, makeCerts } from '../support/certs/certs.ts';
import { startNghttpx } from './parts/nghttpx.ts';
import { startGreeting } from './parts/socat.ts';
import { startSquid } from './parts/squid.ts';
import type { Part } from './support/part.ts';
import { type Command, type Result, run } from './support/process.ts';
import { makeTunlCommand } from './support/tunl.ts';

const password = 'grüße 42';

describe('a proxy of nghttpx that lets in who has a certificate', () => {
  let certs: Certs;
  let parts: readonly Part[];
  let target: string;
  let proxy: string;

  beforeAll(async () => {
    certs = await makeCerts();
    const [greeting, squid] = await Promise.all([startGreeting('hello'), startSquid()]);
    const front = await startNghttpx({
      backendPort: squid.port,
      backend: 'http/1.1',
      tls: certs.server,
      clientCa: certs.ca.cert,
    });
    parts = [greeting, squid, front];
    [target, proxy] = [`127.0.0.1:${greeting.port}`, `https://localhost:${front.port}`];
  });
  afterAll(async () => {
    certs.remove();
    for (const part of parts) await part.stop();
  });

  const openssl = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await run({ file: 'openssl', args });
    if (code !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
  };

  /** Makes a .p12 as openssl does with these options. */
  async function pack(name: string, ...options: string[]): Promise<string> {
    const { client, ca, folder } = certs;
    const path = join(folder, `${name}.p12`);
    const own = ['-in', client.cert, '-inkey', client.key, '-certfile', ca.cert, '-out', path];
    await openssl('pkcs12', '-export', ...own, '-passout', `pass:${password}`, ...options);
    return path;
  }

  const curl = (path: string): Command => ({
    file: 'curl',
    args: [
      '-sp',
      '--http0.9',
      '--output',
      '/dev/null',
      '--write-out',
      '%{http_connect}',
      '--proxy',
      `${proxy}`,
      '--proxy-cacert',
      `${certs.ca.cert}`,
      '--proxy-cert',
      `${path}:${password}`,
      '--proxy-cert-type',
      'P12',
      `http://${target}/`,
    ],
  });
  const tunl = (path: string, key = password): Promise<Result> =>
    run(
      makeTunlCommand(['connect', '--check', '-x', proxy, '--cacert', certs.ca.cert, '--cert', path, target], {
        TUNL_KEY_PASSWORD: key,
      }),
    );

  test.each([
    ['as OpenSSL 3 makes it', []],
    [
      'in Triple DES, as Windows makes it',
      ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'],
    ],
  ])('takes a .p12 %s, from curl and from us', async (name, options) => {
    const path = await pack(name.replaceAll(' ', '-'), ...options);
    expect((await run(curl(path))).stdout).toBe('200');
    expect(await tunl(path)).toMatchObject({ code: 0, stderr: '' });
    expect((await tunl(path, 'wrong')).code).toBe(2);
  });

  test('takes an old .p12 once the lines of our hint have written it anew', async () => {
    const old = await pack('old', '-legacy');
    const refused = await tunl(old);
    expect(refused.code).toBe(2);
    const lines = Array.from(refused.stderr.matchAll(/^tunl: hint: (openssl .*)$/gm), ([, line]) => String(line));
    const script = lines
      .join('\n')
      .replace('-nodes', `-nodes -passin 'pass:${password}'`)
      .replace('-export', `-export -passout 'pass:${password}'`)
      .replaceAll('OLD.p12', old);
    expect(await run({ file: 'sh', args: ['-ec', script], cwd: certs.folder })).toMatchObject({ code: 0 });
    expect(await tunl(join(certs.folder, 'NEW.p12'))).toMatchObject({ code: 0, stderr: '' });
  });
});
