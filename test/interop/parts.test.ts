import { beforeAll, describe, expect, test } from 'vitest';
import { hasEnvoy, startEnvoyTerminator } from './parts/envoy.ts';
import { startNcatProxy } from './parts/ncat-proxy.ts';
import { startNghttpx } from './parts/nghttpx.ts';
import { startSquid } from './parts/squid.ts';
import { startSshd, type Sshd } from './parts/sshd.ts';
import { startTinyproxy } from './parts/tinyproxy.ts';
import { type Origin, startWebOrigin } from './support/origin.ts';
import type { Part } from './support/part.ts';
import { run } from './support/process.ts';
import { sftp, ssh } from './support/ssh.ts';

// If one of these tests fails, the part itself is at fault and not the program under test.

let sshd: Sshd;
let origin: Origin;

beforeAll(async () => {
  sshd = await startSshd();
  origin = await startWebOrigin();
});

test('sshd runs a command and serves sftp', async () => {
  expect(await ssh(sshd, {}, 'echo out; echo err >&2; exit 3')).toMatchObject({
    code: 3,
    stdout: 'out\n',
    stderr: 'err\n',
  });
  expect(await sftp(sshd, {}, ['pwd'])).toMatchObject({ code: 0 });
});

describe.each([
  { name: 'squid', start: startSquid },
  { name: 'tinyproxy', start: startTinyproxy },
  { name: 'ncat', start: startNcatProxy },
  {
    name: 'nghttpx in front of squid',
    start: async () => startNghttpx({ backendPort: (await startSquid()).port, backend: 'http/1.1' }),
  },
  ...(hasEnvoy ? [{ name: 'Envoy', start: startEnvoyTerminator }] : []),
])('$name', ({ start }) => {
  let proxy: Part;

  beforeAll(async () => {
    proxy = await start();
    return proxy.stop;
  });

  test('lets curl through to a web server', async () => {
    const args = ['-q', '-sS', '-p', '-x', `http://127.0.0.1:${proxy.port}`, `http://127.0.0.1:${origin.port}/path`];
    expect(await run({ file: 'curl', args }), proxy.log()).toMatchObject({ code: 0, stdout: 'GET /path' });
  });

  test('lets ssh through', async () => {
    // Of the usual helpers the one that speaks HTTP/1.1: Envoy takes nothing older.
    const proxyCommand = `proxytunnel -q -p 127.0.0.1:${proxy.port} -d %h:%p`;
    expect(await ssh(sshd, { proxyCommand }, 'echo out'), proxy.log()).toMatchObject({ code: 0, stdout: 'out\n' });
  });
});
