import { beforeAll, describe, expect, test } from 'vitest';
import { startNcatProxy } from './parts/ncat-proxy.ts';
import { startGuardedSquid, startSquid } from './parts/squid.ts';
import { startSshd, type Sshd } from './parts/sshd.ts';
import { startTinyproxy } from './parts/tinyproxy.ts';
import type { Login, Part } from './support/part.ts';
import { ssh } from './support/ssh.ts';
import { formatTunlProxyCommand, startTunlServe, tunl } from './support/tunl.ts';

let sshd: Sshd;

beforeAll(async () => {
  sshd = await startSshd();
  return sshd.stop;
});

/** The answer of each real proxy when the target refuses, in the proxy's own words. */
const refusals = [
  {
    name: 'squid',
    start: () => startSquid(),
    exit: 97,
    status: '503 Service Unavailable',
    hints: ['ERR_CONNECT_FAIL 111', 'Connection to 127.0.0.1 failed'],
  },
  {
    name: 'a squid that allows port 443 only',
    start: () => startSquid({ rules: 'acl tls port 443\nhttp_access deny !tls\nhttp_access allow all' }),
    exit: 97,
    status: '403 Forbidden',
    hints: ['ERR_ACCESS_DENIED 0', 'Access Denied'],
  },
  {
    name: 'tinyproxy',
    start: () => startTinyproxy(),
    exit: 97,
    status: '500 Unable to connect',
    hints: ['Tinyproxy was unable to connect to the remote web server'],
  },
  { name: 'ncat', start: () => startNcatProxy(), exit: 97, status: '504 Gateway Timeout', hints: [] },
  {
    name: 'tunl serve',
    start: () => startTunlServe(),
    exit: 7,
    status: '502 Bad Gateway (connection_refused)',
    hints: [],
  },
];

test.each(refusals)('a refusal by $name comes with its status and its own words', async (row) => {
  const proxy = await row.start();
  const result = await tunl(['connect', '-x', `127.0.0.1:${proxy.port}`, '127.0.0.1:1'], { input: 'early' });
  const [line, ...hints] = result.stderr.trimEnd().split('\n');
  expect(line).toBe(`tunl: 127.0.0.1:${proxy.port} refused CONNECT 127.0.0.1:1: ${row.status}`);
  for (const hint of hints) expect(hint).toMatch(/^tunl: hint: /);
  for (const hint of row.hints) expect(hints.join('\n')).toContain(hint);
  expect(result).toMatchObject({ code: row.exit, stdout: '' });
  await proxy.stop();
});

test('of two hops the one that refused is named', async () => {
  const [near, far] = [await startSquid(), await startTunlServe()];
  const hops = ['-x', `127.0.0.1:${near.port}`, '-x', `127.0.0.1:${far.port}`];
  const byFar = await tunl(['connect', ...hops, '127.0.0.1:1']);
  expect(byFar.stderr).toContain(`tunl: 127.0.0.1:${far.port} refused CONNECT 127.0.0.1:1: 502`);
  expect(byFar.stderr).toContain('(hop 2 of 2)\n');
  expect(byFar.code).toBe(7);
  await far.stop();
  const byNear = await tunl(['connect', ...hops, '127.0.0.1:1']);
  expect(byNear.stderr).toContain(`tunl: 127.0.0.1:${near.port} refused CONNECT 127.0.0.1:${far.port}: 503`);
  expect(byNear.stderr).toContain('(hop 1 of 2)\n');
  expect(byNear.code).toBe(97);
  await near.stop();
});

describe.each([
  { name: 'squid', start: startGuardedSquid, password: 'p@ss:w%rd' },
  // Its configuration takes no other characters.
  { name: 'tinyproxy', start: startTinyproxy, password: 'pass-w.rd_1' },
  { name: 'ncat', start: startNcatProxy, password: 'p@ss:w%rd' },
  { name: 'tunl serve', start: startGuardedTunl, password: 'p@ss:w%rd' },
])('a user of $name', ({ start, password }) => {
  const login: Login = { user: 'alice', password };
  let proxy: Part;

  beforeAll(async () => {
    proxy = await start(login);
    return proxy.stop;
  });

  test('gets in with the password', async () => {
    const proxyCommand = formatTunlProxyCommand([formatHop(proxy, login)]);
    expect(await ssh(sshd, { proxyCommand }, 'echo in'), proxy.log()).toMatchObject({
      code: 0,
      stdout: 'in\n',
      stderr: '',
    });
  });

  test('learns that the password is wrong, and sees it nowhere', async () => {
    const hop = formatHop(proxy, { ...login, password: 'guess@work' });
    const result = await tunl(['connect', '-vv', '-x', hop, `127.0.0.1:${sshd.port}`]);
    expect(result, proxy.log()).toMatchObject({ code: 67, stdout: '' });
    expect(result.stderr).toContain(`tunl: 127.0.0.1:${proxy.port} `);
    expect(result.stderr).not.toMatch(/guess|Z3Vlc3N/);
  });

  test('learns that a password is wanted', async () => {
    const result = await tunl(['connect', '-x', `127.0.0.1:${proxy.port}`, `127.0.0.1:${sshd.port}`]);
    expect(result, proxy.log()).toMatchObject({ code: 67, stdout: '' });
  });
});

function startGuardedTunl({ user, password }: Login): Promise<Part> {
  return startTunlServe(['--user', user], { TUNL_SERVE_PASSWORD: password });
}

function formatHop({ port }: Part, { user, password }: Login): string {
  return `http://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}`;
}
