import { makeHop } from '../../../support/harness/app.ts';
import { startManneredProxy } from '../../../support/peers/mannered-proxy.ts';
import { startTarget } from '../../../support/targets/plain.ts';
import { host, at, one, sshServer, through, overTls, forHost, intercepting, type Manner } from './ways.ts';

/** Proxies that open some tunnels, and let some bytes pass. */
export const tunnels: readonly Manner[] = [
  {
    name: 'lets everything pass',
    start: through(sshServer, {}),
    says: [
      '[✓] asks for   nothing',
      '[✓] CONNECT    box.example:22 open in',
      '[✓] bytes      pass, and box.example:22 greets with "SSH-2.0-OpenSSH_9.2"',
    ],
    exit: 0,
  },
  {
    name: 'lets TLS to a public site pass',
    start: overTls(forHost),
    says: [
      '[✓] bytes      TLS passes to box.example:443; an ssh greeting to box.example:443 was cut',
      '[✓] TLS        to box.example:443 is untouched',
    ],
    exit: 0,
  },
  {
    name: 'opens port 443 only',
    start: through(sshServer, { ports: [443] }, { port: 22 }),
    says: ['[✗] CONNECT    proxy refused CONNECT box.example:22: 403 Forbidden', 'the proxy said: "not this port"'],
    exit: 97,
  },
  {
    name: 'opens port 443 only, where the host has TLS',
    start: overTls(forHost, () => ({ manner: { ports: [443] }, options: { target: at(22) } })),
    says: [
      '[✗] CONNECT    proxy refused CONNECT box.example:22: 403 Forbidden',
      '[✓]            box.example:443 open in',
      'box.example:22 cannot be reached through this proxy, which opens port 443 of that host',
      'tunl connect -x http://proxy -x https://YOUR-BOX:443 box.example:22',
    ],
    exit: 97,
  },
  {
    name: 'opens port 443 only, and opens TLS there',
    start: overTls(forHost, async (certs) => ({
      manner: { ports: [443], ...(await intercepting(certs)) },
      options: { target: at(22) },
    })),
    says: [
      '[!] TLS        to box.example:443 seems to be intercepted',
      '(tunl serve --tls --resume 10m --ws --post --poll) can stand in between, and is asked in each way that what opens TLS there may pass on',
      'tunl connect -x http://proxy -x auto+https://YOUR-BOX:443 box.example:22',
    ],
    exit: 97,
  },
  {
    name: 'refuses the target and opens another host (`--probe`)',
    start: async () => {
      const target = await startTarget(sshServer);
      const proxy = await startManneredProxy({ reach: { 'public.example:443': target.port } });
      const elsewhere = [{ kind: 'tcp', host: 'public.example', port: 443 } as const];
      return { hops: one(makeHop('http', proxy.port)), target: at(443), elsewhere };
    },
    says: [
      '[✗] CONNECT    proxy refused CONNECT box.example:443: 502 Bad Gateway',
      '[✓] probe      public.example:443 open in',
    ],
    exit: 97,
  },
  {
    name: 'cuts what is no TLS',
    start: through(sshServer, { tlsOnly: true }),
    says: [
      '[✓] CONNECT    box.example:22 open in',
      '[✗] bytes      only TLS passes: an ssh greeting to box.example:22 was cut',
      'the proxy inspects the first bytes of each tunnel',
      'tunl connect -x http://proxy -x https://YOUR-BOX:443 box.example:22',
    ],
    exit: 56,
  },
  {
    name: 'intercepts TLS',
    start: overTls(forHost, async (certs) => ({ manner: await intercepting(certs) })),
    says: [
      '[!] TLS        to box.example:443 seems to be intercepted: issuer "CN=another authority", not a public authority',
      'nothing on this machine trusts it',
    ],
    exit: 0,
  },
  {
    name: 'intercepts TLS with an authority that the machine trusts',
    start: overTls(forHost, async (certs) => ({
      manner: await intercepting(certs),
      options: { targetTls: { cacert: certs.otherCa.cert } },
    })),
    says: [
      '[!] TLS        to box.example:443 seems to be intercepted: issuer "CN=another authority", not a public authority',
      'this machine trusts it all the same',
    ],
    exit: 0,
  },
  {
    name: 'leads to a site whose certificate has expired',
    start: overTls((certs) =>
      certs.issue({ cn: host, dns: [host], notBefore: new Date('2020-01-01'), notAfter: new Date('2020-02-01') }),
    ),
    says: ['[!] TLS        to box.example:443: the certificate of box.example has expired (2020-02-01)'],
    exit: 0,
  },
  {
    name: 'answers 200, and then nothing comes',
    start: through(sshServer, { hollow: 'silent' }),
    says: [
      '[!] bytes      nothing came back from box.example:22, neither to an ssh greeting nor to TLS',
      'the target waits for another protocol, or the proxy answers 200 and never reaches it',
      'a tunnel to box.example:22 opens through this proxy; nothing showed that the target is behind it',
    ],
    exit: 0,
  },
  {
    name: 'answers 200, and ends the tunnel',
    start: through(sshServer, { hollow: 'ended' }),
    says: [
      '[✗] bytes      the target ended without a byte; some proxies answer 200 before they have tried (box.example:22)',
    ],
    exit: 56,
  },
];
