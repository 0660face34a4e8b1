import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { validateReport } from '../support/check-schema.ts';
import { echoAfter, startTarget } from '../support/targets/plain.ts';
import { hasEnvoy, startEnvoyTerminator } from './parts/envoy.ts';
import { startNcatProxy } from './parts/ncat-proxy.ts';
import { squidDomain, startGuardedSquid, startNtlmSquid, startSquid } from './parts/squid.ts';
import { startSshd, type Sshd } from './parts/sshd.ts';
import { startTinyproxy } from './parts/tinyproxy.ts';
import type { Part } from './support/part.ts';
import { startTunlServe, tunl } from './support/tunl.ts';

const login = { user: 'alice', password: 'wonder-4711' } as const;

/** Real proxies, and whether they keep the two halves of a tunnel apart. */
const proxies = [
  { name: 'squid', start: () => startSquid(), keeps: false },
  { name: 'tinyproxy', start: () => startTinyproxy(), keeps: false },
  { name: 'ncat', start: () => startNcatProxy(), keeps: false },
  { name: 'tunl serve', start: () => startTunlServe(), keeps: true },
] as const;

const urlOf = ({ port }: Part, user = '') => `http://${user}127.0.0.1:${port}`;

/** Runs a check whose proxy is stopped after the test. */
async function check(start: () => Promise<Part>, target: number, user = '', ...more: string[]) {
  const part = await start();
  onTestFinished(() => part.stop());
  return tunl(['check', ...more, '-x', urlOf(part, user), `127.0.0.1:${target}`]);
}

let sshd: Sshd;
beforeAll(async () => {
  sshd = await startSshd();
  return () => sshd.stop();
});

describe.each(proxies)('$name', ({ start, keeps }) => {
  test('lets ssh pass', async () => {
    const { code, stdout, stderr } = await check(start, sshd.port);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^\[✓\] bytes {6}pass, and .* greets with "SSH-2\.0-OpenSSH/m);
    expect(stdout).toMatch(/^ {4}ssh -o ProxyCommand='tunl connect -x http:\S+ %h:%p' -p \d+ 127\.0\.0\.1$/m);
  });

  test('is seen to keep the halves of a tunnel apart, or not to', async () => {
    // A target at no distance at all is now and then faster than a proxy that is about to end both halves.
    const target = await startTarget(echoAfter(100));
    const { code, stdout } = await check(start, target.port, '', '--deep', '--json');
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as { readonly verdicts: readonly { name: string; facts: object }[] };
    expect(validateReport(report)).toBe('');
    expect(report.verdicts.find(({ name }) => name === 'half-close')?.facts).toEqual({ isKept: keeps });
  });
});

test.each([
  ['Basic', () => startGuardedSquid(login), `${login.user}:${login.password}@`, 0, /login {6}Basic: accepted as alice/],
  ['Basic', () => startGuardedSquid(login), `${login.user}:wrong-one@`, 67, /login {6}the password of alice is not/],
  ['Basic', () => startGuardedSquid(login), '', 67, /login {6}nothing was sent that it accepts/],
  [
    'NTLM',
    () => startNtlmSquid(login),
    `${squidDomain}%5C${login.user}:${login.password}@`,
    0,
    /NTLM: accepted as CORP\\alice, 2 rounds/,
  ],
] as const)('a squid that wants %s is told by its login', async (_scheme, start, user, exit, says) => {
  const { code, stdout } = await check(start, sshd.port, user);
  expect(stdout).toMatch(says);
  expect(stdout).not.toMatch(/wonder-4711|wrong-one/);
  expect(code).toBe(exit);
});

test('a squid that opens port 443 only says so', async () => {
  const rules = 'acl ports port 443\nhttp_access deny CONNECT !ports\nhttp_access allow all';
  const { code, stdout } = await check(() => startSquid({ rules }), sshd.port);
  expect(stdout).toMatch(/^\[✗\] CONNECT .* refused CONNECT 127\.0\.0\.1:\d+: 403 Forbidden$/m);
  expect(stdout).toContain('its rules do not allow it');
  expect(code).toBe(97);
});

test('an sshd in the place of a proxy is recognised', async () => {
  const { code, stdout } = await check(async () => ({ ...sshd, stop: async () => {} }), sshd.port);
  expect(stdout).toContain('is an ssh server, and no proxy');
  expect(code).toBe(97);
});

test.skipIf(!hasEnvoy)('Envoy lets ssh pass', async () => {
  const { code, stdout } = await check(() => startEnvoyTerminator(), sshd.port);
  expect(stdout).toMatch(/^\[✓\] bytes {6}pass/m);
  expect(code).toBe(0);
});
