import { expect, test } from 'vitest';
import type { Zone } from '../../support/peers/dns.ts';
import { startOwnNames } from '../../support/peers/own-names.ts';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';
import { answerWith, writeRefusal } from '../../support/peers/scripted-proxy.ts';
import { startTarget } from '../../support/targets/plain.ts';

const zone: Zone = { 'empty.test': [], 'broken.test': 'failure', 'slow.test': 'silence' };

/** A run of the program that finds names in our own zone only. */
async function connect(...words: string[]) {
  const { env } = await startOwnNames(zone);
  return runTunl(['connect', ...words], env);
}

const vpn = 'tunl: hint: names of company proxies often resolve inside their own network only: is the VPN up?\n';

test.each([
  ['there is none of that name', 'nosuch.test', 6, 'there is no such name'],
  ['it has no address', 'empty.test', 6, 'the name has no address'],
  ['the name server fails', 'broken.test', 6, 'the name server failed (ESERVFAIL)'],
])('a target whose name does not resolve, as %s', async (_, host, code, why) => {
  const ended = await connect('--direct', `${host}:22`);
  expect(ended).toMatchObject({ code, stdout: '', stderr: `tunl: cannot resolve ${host}: ${why}\n` });
});

test.each([
  ['there is none of that name', 'nosuch.test', 5, 'there is no such name'],
  ['it has no address', 'empty.test', 5, 'the name has no address'],
])('a proxy whose name does not resolve is called one, as %s', async (_, host, code, why) => {
  const ended = await connect('-x', `http://${host}:3128`, 'db:22');
  expect(ended).toMatchObject({ code, stderr: `tunl: cannot resolve the proxy ${host}: ${why}\n${vpn}` });
});

test('a name server that never answers runs into the limit of its phase', async () => {
  const target = await connect('--direct', '--dns-timeout', '50ms', 'slow.test:22');
  expect(target).toMatchObject({ code: 28, stderr: 'tunl: slow.test was not resolved within 50ms (--dns-timeout)\n' });
  const proxy = await connect('-x', 'slow.test:3128', '--dns-timeout', '50ms', 'db:22');
  expect(proxy.code).toBe(28);
  expect(proxy.stderr).toMatch(/^tunl: the proxy slow\.test was not resolved within 50ms \(--dns-timeout\)\n/);
});

test("a proxy that does not know the name of the target says so, and it is the target's", async () => {
  const proxy = await startTarget(
    answerWith(writeRefusal('502 Bad Gateway', ['Proxy-Status: edge; error=dns_error; rcode="NXDOMAIN"'])),
  );
  const ended = await connect('-x', `127.0.0.1:${proxy.port}`, 'db.test:22');
  expect(ended).toMatchObject({
    code: 6,
    stderr: `tunl: 127.0.0.1:${proxy.port} refused CONNECT db.test:22: 502 Bad Gateway (dns_error)\n`,
  });
});

test('serve says of a name that does not resolve whose it is, two hops away too', async () => {
  const { env } = await startOwnNames(zone);
  const serve = startTunl(['serve', '127.0.0.1:0'], env);
  const [, proxy = ''] = await serve.waitFor(/serving (\S+)/);
  const target = await runTunl(['connect', '-x', proxy, 'nosuch.test:22']);
  expect([target.code, target.stderr]).toEqual([
    6,
    `tunl: ${proxy} refused CONNECT nosuch.test:22: 502 Bad Gateway (dns_error)\n`,
  ]);
  const next = await runTunl(['connect', '-x', proxy, '-x', 'nosuch.test:3128', 'db:22']);
  expect(next.code).toBe(5);
  expect(next.stderr).toContain(`${proxy} refused CONNECT nosuch.test:3128: 502 Bad Gateway (dns_error) (hop 1 of 2)`);
  serve.child.kill('SIGTERM');
  await serve.ended;
});

test('serve waits for a name no longer than it is told, whether rules judge addresses or not', async () => {
  const { env } = await startOwnNames(zone);
  for (const rules of [[], ['--allow', '10.0.0.0/8', '--allow', 'slow.test:22']]) {
    const serve = startTunl(['serve', '127.0.0.1:0', '--dns-timeout', '50ms', ...rules], env);
    const [, proxy = ''] = await serve.waitFor(/serving (\S+)/);
    const { code, stderr } = await runTunl(['connect', '-x', proxy, 'slow.test:22']);
    expect([code, stderr]).toEqual([
      28,
      `tunl: ${proxy} refused CONNECT slow.test:22: 504 Gateway Timeout (dns_timeout)\n`,
    ]);
    await serve.waitFor(/ 504 slow\.test was not resolved within 50ms \(--dns-timeout\)/);
    serve.child.kill('SIGTERM');
    await serve.ended;
  }
});

test('a proxy that the environment names is said to come from there', async () => {
  const { env } = await startOwnNames(zone);
  const { code, stderr } = await runTunl(['connect', 'db:22'], { ...env, https_proxy: 'http://nosuch.test:3128' });
  expect(code).toBe(5);
  expect(stderr).toContain('tunl: hint: https_proxy names that proxy; --direct goes without it\n');
});
