import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certs, makeCerts } from '../support/certs/certs.ts';
import { startNghttpx } from './parts/nghttpx.ts';
import { startSquid } from './parts/squid.ts';
import { startAnswer } from './parts/socat.ts';
import type { Part } from './support/part.ts';
import { type Command, run } from './support/process.ts';
import { makeTunlCommand } from './support/tunl.ts';
import { hasWorld } from './support/world.ts';

/** The file in which the system of the tests keeps its authorities; curl reads it too. */
const bundle = '/etc/ssl/certs/ca-certificates.crt';

describe.skipIf(!hasWorld)('an https proxy whose authority a company has put into the store of the system', () => {
  let certs: Certs;
  let parts: readonly Part[];
  let extended: string;

  beforeAll(async () => {
    certs = await makeCerts();
    const [target, squid] = await Promise.all([startAnswer('HTTP/1.0 200 OK\r\n\r\nhello\n'), startSquid()]);
    const proxy = await startNghttpx({ backendPort: squid.port, backend: 'http/1.1', tls: certs.server });
    parts = [target, squid, proxy];
    extended = certs.write('ca-certificates.crt', certs.ca.certPem);
  });
  afterAll(async () => {
    certs.remove();
    for (const part of parts) await part.stop();
  });

  /** The same command on a machine that differs in its store alone. */
  const whereItIsKnown = ({ file, args, env = {} }: Command): Command => ({
    file: 'unshare',
    args: ['--mount', 'sh', '-c', `mount --bind "$1" ${bundle} && shift && exec "$@"`, 'sh', extended, file, ...args],
    env,
  });

  const places = () => ({ target: `127.0.0.1:${parts[0]?.port}`, proxy: `https://localhost:${parts[2]?.port}` });
  const curl = (): Command => {
    const { target, proxy } = places();
    return { file: 'curl', args: ['-s', '-p', '-x', proxy, `http://${target}/`] };
  };
  const connect = (...more: string[]): Command => {
    const { target, proxy } = places();
    return makeTunlCommand(['connect', '--check', '-v', '-x', proxy, ...more, target]);
  };

  test('curl trusts it there, and not here', async () => {
    expect((await run(whereItIsKnown(curl()))).stdout).toContain('hello');
    expect(await run(curl())).toMatchObject({ code: 60 });
  });

  test('tunl trusts it there, and not here', async () => {
    const { code, stderr } = await run(whereItIsKnown(connect()));
    expect(code).toBe(0);
    expect(stderr).toMatch(new RegExp(`trusting \\d+ authorities from Node and ${bundle}`));
    const here = await run(connect());
    expect(here.code).toBe(60);
    expect(here.stderr).toMatch(new RegExp(`it is not one of \\d+ authorities from Node and ${bundle}`));
  });

  test('tunl does not where the system is left out', async () => {
    expect((await run(whereItIsKnown(connect('--no-system-ca')))).code).toBe(60);
  });
});
