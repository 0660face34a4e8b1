import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Certs, makeCerts } from '../support/certs/certs.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { echo, startTarget } from '../support/targets/plain.ts';
import { type Realm, startRealm } from './parts/kerberos.ts';
import { hasSpnego, type Manner, startMannerProxy } from './parts/manner-proxy.ts';
import { startEverySquid, startKerberosSquid } from './parts/squid.ts';
import { startSshd, type Sshd } from './parts/sshd.ts';
import { copyProgram, hasKoffi } from './support/koffi.ts';
import type { Part } from './support/part.ts';
import { makeDigester, makePayload } from './support/payload.ts';
import { ssh } from './support/ssh.ts';
import { formatTunlProxyCommand, startTunl } from './support/tunl.ts';

const login = { user: 'carol', password: 'other' };

let realm: Realm;
let ticket: Readonly<Record<string, string>>;
let certs: Certs;
let sshd: Sshd;
let program: string;

beforeAll(async () => {
  [realm, certs, sshd] = [await startRealm(), await makeCerts(), await startSshd()];
  ticket = await realm.logOn();
  program = copyProgram(hasKoffi);
  return async () => {
    certs.remove();
    await Promise.all([realm.stop(), sshd.stop()]);
  };
});

/** A proxy that takes tickets. */
interface Kerberized {
  readonly name: string;
  readonly start: () => Promise<Part>;
  readonly isSecured?: true;
}

const byManner = (name: string, manner: Manner, isSecured?: true): Kerberized => ({
  name,
  start: () => startMannerProxy(login, manner, { realm, ...(isSecured && { tls: certs.server }) }),
  ...(isSecured && { isSecured }),
});

const proxies: readonly Kerberized[] = [
  { name: 'squid with Negotiate', start: () => startKerberosSquid(realm) },
  { name: 'squid with every scheme', start: () => startEverySquid(realm, login) },
  ...(hasSpnego
    ? [
        byManner('a proxy that closes after its first question, as ISA does', {
          schemes: ['negotiate', 'kerberos', 'ntlm'],
          close: 'first',
          body: 2000,
        }),
      ]
    : []),
  // Tokens of curl have no channel binding.
  ...(hasSpnego && hasKoffi
    ? [byManner('a proxy in TLS that demands a channel binding', { schemes: ['negotiate'] }, true)]
    : []),
];

if (!hasSpnego) console.warn('pyspnego is not installed: proxies with manners of their own are not tried');
if (!hasKoffi) console.warn('koffi is not installed: curl makes the tokens, and channel bindings are not tried');

describe.each(proxies)('through $name, with a ticket', ({ start, isSecured }) => {
  let proxy: Part;
  beforeAll(async () => {
    proxy = await start();
    return () => proxy.stop();
  });

  const toUrl = () =>
    isSecured ? `https://localhost:${proxy.port}?cacert=${certs.ca.cert}` : `http://localhost:${proxy.port}`;

  test('forward serves 20 clients at once', async () => {
    const target = await startTarget(echo);
    const args = ['forward', '--grace', '0s', '-x', toUrl(), `:127.0.0.1:${target.port}`];
    const forward = await startTunl(args, ticket, program);
    onTestFinished(forward.stop);
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const client = await connectPeer(forward.port);
        client.send(`hello ${index};`);
        return client.readUntil(';');
      }),
    );
    expect(answers, `${forward.log()}\n${proxy.log()}`).toEqual(answers.map((_, index) => `hello ${index};`));
  });

  test('ssh carries 50 MB', async () => {
    const payload = makePayload(50_000_000);
    const proxyCommand = formatTunlProxyCommand([toUrl()], ticket, program);
    const output = makeDigester();
    const result = await ssh(sshd, { proxyCommand }, `cat '${payload.file}'`, { output });
    payload.remove();
    expect(result, proxy.log()).toMatchObject({ code: 0, stderr: '' });
    expect(output.read().toString('hex')).toBe(payload.sha256);
  });
});
