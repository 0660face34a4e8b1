import type { Behaviour } from '../../../support/targets/plain.ts';
import { answerWith, writeRefusal } from '../../../support/peers/scripted-proxy.ts';
import { greet } from '../../../support/targets/plain.ts';
import { makeHop } from '../../../support/harness/app.ts';
import { startManneredProxy } from '../../../support/peers/mannered-proxy.ts';
import { startTls } from '../../../support/targets/tls.ts';
import { at, one, answering, type Manner } from './ways.ts';

/** A server of SOCKS 5 that hangs up on anything else. */
const socksServer: Behaviour = (socket) =>
  void socket
    .on('error', () => {})
    .once('data', (chunk) => {
      if (chunk[0] === 5) socket.end(Buffer.of(5, 0));
      else socket.destroy();
    });

/** Proxies that are not reached, or are none. */
export const reaching: readonly Manner[] = [
  {
    name: 'does not listen',
    start: async () => ({ hops: one(makeHop('http', 1)), target: at(22) }),
    says: ['[✗] proxy      http://proxy (from a test): cannot connect to the proxy proxy: connection refused'],
    exit: 7,
  },
  {
    name: 'has a name that does not resolve',
    start: async () => ({
      hops: one({ ...makeHop('http', 8080), address: { kind: 'tcp', host: 'no-such-name.invalid', port: 8080 } }),
      target: at(22),
    }),
    says: ['[✗] proxy      http://no-such-name.invalid:8080 (from a test):'],
    exit: 5,
  },
  {
    name: 'has an expired certificate itself',
    start: async (certs) => ({
      hops: one(makeHop('https', await startTls(certs.expired), { tls: { cacert: certs.ca.cert } })),
      target: at(22),
    }),
    says: ['[✗] HTTP       the certificate of 127.0.0.1 has expired'],
    exit: 60,
  },
  {
    name: 'speaks TLS on that port',
    start: async (certs) => ({ hops: one(makeHop('http', await startTls(certs.server))), target: at(22) }),
    says: ['[✗] HTTP', 'proxy speaks TLS', '-> https://proxy'],
    exit: 97,
  },
  {
    name: 'speaks SOCKS on that port',
    start: answering(socksServer),
    says: ['[✗] HTTP       proxy closed the connection without an answer', 'proxy is a SOCKS proxy'],
    exit: 97,
  },
  {
    name: 'is an ssh server',
    start: answering(greet('SSH-2.0-OpenSSH_9.2\r\n')),
    says: [
      '[✗] HTTP       proxy is not an HTTP proxy: it answered CONNECT box.example:22 with "SSH-2.0-OpenSSH_9.2"',
      'proxy is an ssh server, and no proxy',
    ],
    exit: 97,
  },
  {
    name: 'says nothing at all',
    start: answering((socket) => void socket.resume(), {}),
    says: ['[✗] HTTP       proxy did not answer CONNECT box.example:22 within'],
    exit: 28,
  },
  {
    name: 'is a captive portal that leads to its page',
    start: answering(answerWith(writeRefusal('302 Found', ['Location: http://portal.example/login']))),
    says: [
      '[✗] CONNECT    proxy refused CONNECT box.example:22: 302 Found',
      '-> a login page may stand in the way; a browser shows it: http://portal.example/login',
    ],
    exit: 97,
  },
  {
    name: 'is a captive portal that answers with its page',
    start: answering(answerWith('HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n<html><body>log in</body></html>\n')),
    says: [
      '[!] CONNECT    box.example:22 open in',
      '[✗] bytes      the tunnel to box.example:22 begins with what a web server says',
      '-> open any page in a browser, and log in there',
    ],
    exit: 97,
  },
  {
    name: 'is a web server that does not know CONNECT',
    start: answering(answerWith(writeRefusal('405 Method Not Allowed'))),
    says: [
      '[✗] CONNECT    proxy refused CONNECT box.example:22: 405 Method Not Allowed',
      '-> it opens no tunnels by CONNECT: a web server, or a proxy where that is switched off',
      '-> if it passes requests on to a tunl serve --ws: ws://proxy',
    ],
    exit: 97,
  },
  {
    name: 'does not reach the target',
    start: async () => ({ hops: one(makeHop('http', (await startManneredProxy({ reach: {} })).port)), target: at(22) }),
    says: ['[✗] CONNECT    proxy refused CONNECT box.example:22: 502 Bad Gateway'],
    exit: 97,
  },
];
