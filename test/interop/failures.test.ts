import { expect, test } from 'vitest';
import { makeCerts } from '../support/certs/certs.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { visit } from '../support/harness/short-visit.ts';
import { startNcatProxy } from './parts/ncat-proxy.ts';
import { startNghttpx } from './parts/nghttpx.ts';
import { startGuardedSquid, startSquid } from './parts/squid.ts';
import { startSshd } from './parts/sshd.ts';
import { startTinyproxy } from './parts/tinyproxy.ts';
import { greeting, startGreeter } from './support/origin.ts';
import type { Part } from './support/part.ts';
import { startTunl, tunl } from './support/tunl.ts';

/** Starts squid with TLS and a certificate that nobody looks at. */
async function startSecuredSquid(): Promise<Part> {
  const { server } = await makeCerts();
  return startSquid({ tls: server });
}

async function startSecuredNghttpx(): Promise<Part> {
  const { server } = await makeCerts();
  return startNghttpx({ backendPort: 1, backend: 'http/1.1', tls: server });
}

const only443 = 'acl tls port 443\nhttp_access deny !tls\nhttp_access allow all';
const toTls = 'https:// instead of http://';
const toPlain = 'write http:// instead of https://';

/** Traps that people walk into with real programs: where, how it is written, the status, and what helps. */
const traps: readonly (readonly [
  what: string,
  start: () => Promise<Part>,
  scheme: string,
  exit: number,
  hint: string,
])[] = [
  ['squid with TLS, without it', startSecuredSquid, 'http', 97, `it wants TLS: ${toTls}`],
  ['nghttpx with TLS, without it', startSecuredNghttpx, 'http', 97, `for a proxy with TLS write ${toTls}`],
  ['squid without TLS, with it', () => startSquid(), 'https', 35, toPlain],
  ['ncat without TLS, with it', () => startNcatProxy(), 'https', 35, toPlain],
  ['tinyproxy without TLS, with it', () => startTinyproxy(), 'https', 28, toPlain],
  ['squid, in HTTP/2', () => startSquid(), 'h2c', 97, 'http:// instead of h2c://'],
  ['tinyproxy, in HTTP/2', () => startTinyproxy(), 'h2c', 97, 'http:// instead of h2c://'],
  [
    'a squid for port 443 only',
    () => startSquid({ rules: only443 }),
    'http',
    97,
    'to port 443 only, and this is port 1',
  ],
  ['a squid that cannot connect', () => startSquid(), 'http', 97, '(it could not connect there: connection refused)'],
  [
    'a squid for users',
    () => startGuardedSquid({ user: 'alice', password: 'x' }),
    'http',
    67,
    'name a user: http://USER@127.0.0.1:',
  ],
];

test.each(traps)('%s: the hint says what helps', async (_, start, scheme, exit, hint) => {
  const proxy = await start();
  const words = ['connect', '--tls-timeout', '2s', '-x', `${scheme}://127.0.0.1:${proxy.port}`, '127.0.0.1:1'];
  const { code, stdout, stderr } = await tunl(words);
  expect([code, stdout], stderr).toEqual([exit, '']);
  const hints = stderr.split('\n').filter((line) => line.startsWith('tunl: hint: '));
  expect(hints.join('\n')).toContain(hint);
  await proxy.stop();
});

test("squid's own page is repeated from the reason on", async () => {
  const squid = await startSquid({ rules: only443 });
  const { stderr } = await tunl(['connect', '-x', `127.0.0.1:${squid.port}`, '127.0.0.1:1']);
  expect(stderr.split('\n').slice(0, 3)).toEqual([
    `tunl: 127.0.0.1:${squid.port} refused CONNECT 127.0.0.1:1: 403 Forbidden`,
    'tunl: hint: the proxy said: "ERR_ACCESS_DENIED 0" (its rules do not allow it)',
    expect.stringMatching(/^tunl: hint: the proxy said: "Access Denied\. Access control configuration prevents/),
  ]);
  await squid.stop();
});

test('an ssh server in the place of a proxy is known by its banner', async () => {
  const sshd = await startSshd();
  const { code, stderr } = await tunl(['connect', '-x', `127.0.0.1:${sshd.port}`, 'db:22']);
  expect(code).toBe(97);
  expect(stderr).toMatch(/ is not an HTTP proxy: it answered CONNECT db:22 with "SSH-2\.0-OpenSSH_/);
  await sshd.stop();
});

test('a forward outlives a squid that restarts', async () => {
  const [target, squid] = [await startGreeter(), await startSquid()];
  const forward = await startTunl(['forward', `:127.0.0.1:${target.port}`, '-x', `127.0.0.1:${squid.port}`]);
  const greet = async () => (await connectPeer(forward.port)).readUntil(greeting);
  expect(await greet()).toBe(greeting);
  await squid.stop();
  expect(await visit(forward.port)).toBe('ECONNRESET');
  await forward.waitForLine(/cannot connect to the proxy 127\.0\.0\.1:\d+: connection refused\n/);
  const again = await startSquid({ port: squid.port });
  expect(await greet(), forward.log()).toBe(greeting);
  await Promise.all([forward.stop(), again.stop(), target.stop()]);
});
