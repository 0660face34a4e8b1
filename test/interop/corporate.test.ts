import { beforeAll, describe, expect, test } from 'vitest';
import { type Certs, makeCerts } from '../support/certs/certs.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { echo, startTarget } from '../support/targets/plain.ts';
import { hasSpnego, type Manner, startMannerProxy } from './parts/manner-proxy.ts';
import { squidDomain, startDigestSquid, startGuardedSquid, startNtlmSquid } from './parts/squid.ts';
import { startSshd, type Sshd } from './parts/sshd.ts';
import type { Part } from './support/part.ts';
import { makeDigester, makePayload } from './support/payload.ts';
import { ssh } from './support/ssh.ts';
import { formatTunlProxyCommand, startTunl, startTunlServe, tunl } from './support/tunl.ts';

const login = { user: 'alice', password: 'wonder-4711' } as const;
const wrong = 'hunter2-0815';
const account = `${squidDomain}%5C${login.user}`;

/** A proxy that asks for credentials. */
interface Corporate {
  readonly name: string;
  readonly start: () => Promise<Part>;
  /** The user in the form that it expects. */
  readonly user: string;
  readonly isSecured?: true;
  /** It knows the address of the client, and asks for no password. */
  readonly takesAll?: true;
}

const squids: readonly Corporate[] = [
  { name: 'squid with Basic', start: () => startGuardedSquid(login), user: login.user },
  { name: 'squid with Digest', start: () => startDigestSquid(login), user: login.user },
  { name: 'squid with NTLM', start: () => startNtlmSquid(login), user: account },
  { name: 'squid with NTLM and Basic', start: () => startNtlmSquid(login, { basic: true }), user: account },
];

const makeManner = (name: string, user: string, manner: Manner, more: Partial<Corporate> = {}): Corporate => ({
  name,
  user,
  start: () => startMannerProxy(login, manner, more.isSecured ? { tls: certs.server } : {}),
  ...more,
});
const ntlm = ['ntlm'] as const;

/** Proxies with manners that squid does not have. */
const manners: readonly Corporate[] = [
  makeManner('a proxy with SHA-256, hashed names and nonces for two uses', login.user, {
    schemes: ['digest'],
    algorithms: ['SHA-256', 'MD5'],
    userhash: true,
    uses: 2,
  }),
  makeManner('a proxy with SHA-256-sess', login.user, { schemes: ['digest'], algorithms: ['SHA-256-sess'] }),
  makeManner('a proxy with Digest of RFC 2069', login.user, { schemes: ['digest'], qop: '' }),
  makeManner('a proxy with NTLM and long answers in chunks', account, { schemes: ntlm, body: 5000 }),
  makeManner('a proxy that closes after its first question, as ISA does', account, {
    schemes: ['negotiate', 'kerberos', 'ntlm'],
    close: 'first',
    body: 2000,
  }),
  makeManner('a proxy with all schemes in one field', login.user, {
    schemes: ['bearer', 'ntlm', 'digest', 'basic'],
    oneField: true,
  }),
  makeManner('a proxy that closes after each question', login.user, { schemes: ['digest', 'basic'], close: 'all' }),
  makeManner('a proxy that closes without a word', login.user, { schemes: ['basic'], close: 'silent' }),
  makeManner('a proxy that knows the address', account, { schemes: ntlm, early: true }, { takesAll: true }),
  makeManner('a proxy in TLS with Basic', login.user, { schemes: ['basic'] }, { isSecured: true }),
  makeManner(
    'a proxy in TLS that demands NTLM with a channel binding',
    account,
    { schemes: ntlm },
    { isSecured: true },
  ),
];

if (!hasSpnego) console.warn('pyspnego is not installed: proxies with manners of their own are not tried');

let certs: Certs;
beforeAll(async () => {
  certs = await makeCerts();
  return () => certs.remove();
});

const limitMs = 60_000;

describe.each([...squids, ...(hasSpnego ? manners : [])])('through $name', (corporate) => {
  const { start, user, isSecured, takesAll = false } = corporate;
  let proxy: Part;
  let sshd: Sshd;

  const place = (before = '') => `${isSecured ? 'https' : 'http'}://${before}127.0.0.1:${proxy.port}`;
  const toUrl = (password: string, auth = 'auto') => {
    const settings = [...(auth === '' ? [] : [`auth=${auth}`]), ...(isSecured ? [`cacert=${certs.ca.cert}`] : [])];
    return `${place(`${user}:${password}@`)}?${settings.join('&')}`;
  };

  beforeAll(async () => {
    [proxy, sshd] = await Promise.all([start(), startSshd()]);
    return async () => void (await Promise.all([proxy.stop(), sshd.stop()]));
  });

  test.each(['auto', ''])('connect with auth=%s carries every byte', async (auth) => {
    const target = await startTarget(echo);
    const args = [
      'connect',
      '--half-close-wait',
      '300ms',
      '-x',
      toUrl(login.password, auth),
      `127.0.0.1:${target.port}`,
    ];
    const input = Buffer.alloc(300_000, 'what a tunnel carries ');
    const result = await tunl(args, { input });
    expect(result, proxy.log()).toMatchObject({ code: 0, stdout: input.toString() });
  });

  test.skipIf(takesAll)('a wrong password is refused, and is said nowhere', async () => {
    const args = ['connect', '-vv', '-x', toUrl(wrong), '127.0.0.1:9'];
    const result = await tunl(args, { input: '' });
    expect([result.code, result.stdout]).toEqual([67, '']);
    expect(result.stderr).toMatch(/refused CONNECT 127\.0\.0\.1:9: 407/);
    expect(result.stderr).toContain('it does not accept the user and the password that were sent');
    for (const secret of [
      wrong,
      Buffer.from(wrong).toString('base64'),
      Buffer.from(wrong, 'utf16le').toString('latin1'),
    ])
      expect(result.stderr).not.toContain(secret);
  });

  test('no user gets a hint to name one', async () => {
    const cacert = isSecured ? ['--cacert', certs.ca.cert] : [];
    const result = await tunl(['connect', '-x', place(), ...cacert, '127.0.0.1:9'], { input: '' });
    expect(result.code).toBe(67);
    expect(result.stderr).toContain(`name a user: ${place('USER@')}`);
  });

  test('forward serves 20 clients at once', async () => {
    const target = await startTarget(echo);
    const forward = await startTunl([
      'forward',
      '--grace',
      '0s',
      '-x',
      toUrl(login.password),
      `:127.0.0.1:${target.port}`,
    ]);
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const client = await connectPeer(forward.port);
        client.send(`hello ${index};`);
        return client.readUntil(';');
      }),
    );
    await forward.stop();
    expect(answers, forward.log()).toEqual(answers.map((_, index) => `hello ${index};`));
  });

  test('and then one of ours with a user of its own', async () => {
    const target = await startTarget(echo);
    const second = await startTunlServe(['--user', 'bob'], { TUNL_SERVE_PASSWORD: 'other-4711' });
    const hop = `http://bob:other-4711@127.0.0.1:${second.port}?auth=auto`;
    const args = [
      'connect',
      '--half-close-wait',
      '300ms',
      '-x',
      toUrl(login.password),
      '-x',
      hop,
      `127.0.0.1:${target.port}`,
    ];
    const result = await tunl(args, { input: 'through two' });
    await second.stop();
    expect(result, proxy.log()).toMatchObject({ code: 0, stdout: 'through two' });
  });

  test('ssh carries 50 MB', { timeout: limitMs }, async () => {
    const payload = makePayload(50_000_000);
    const proxyCommand = formatTunlProxyCommand([toUrl(login.password)]);
    const output = makeDigester();
    const result = await ssh(sshd, { proxyCommand }, `cat '${payload.file}'`, { output });
    payload.remove();
    expect(result, proxy.log()).toMatchObject({ code: 0, stderr: '' });
    expect(output.read().toString('hex')).toBe(payload.sha256);
  });
});
