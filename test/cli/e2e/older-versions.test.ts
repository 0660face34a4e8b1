import { constants, createSecureServer, type Http2ServerResponse } from 'node:http2';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Certs, makeCerts } from '../../support/certs/certs.ts';
import { answerWith } from '../../support/peers/scripted-proxy.ts';
import { startTarget } from '../../support/targets/plain.ts';
import { runTunl } from '../../support/harness/tunl-process.ts';

let certs: Certs;
beforeAll(async () => {
  certs = await makeCerts();
});
afterAll(() => certs.remove());

/** The ways in which Node's server refuses CONNECT over HTTP/2. */
type Manner = '405' | 'HTTP_1_1_REQUIRED';

/** Starts Node's own server for both versions, which opens tunnels over HTTP/1.1 alone; it notes in which it was asked. */
async function startNodeProxy(manner: Manner): Promise<{ url: string; asked: string[] }> {
  const { certPem: cert, keyPem: key } = certs.server;
  const asked: string[] = [];
  const server = createSecureServer({ cert, key, allowHTTP1: true });
  const sockets = new Set<Socket>();
  server.on('secureConnection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.on('session', (session) => session.on('error', () => {}));
  server.on('stream', (stream) => {
    asked.push('2');
    if (manner === 'HTTP_1_1_REQUIRED') stream.on('error', () => {}).close(constants.NGHTTP2_HTTP_1_1_REQUIRED);
  });
  if (manner === '405') server.on('request', (_request, response) => response.end());
  server.on('connect', (request: IncomingMessage, client: Duplex) => {
    if (request.httpVersionMajor === 2) return void (client as unknown as Http2ServerResponse).writeHead(405).end();
    asked.push(request.httpVersion);
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const upstream = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { url: `https://localhost:${(server.address() as AddressInfo).port}`, asked };
}

test.each(['405', 'HTTP_1_1_REQUIRED'] as const)(
  'a server of Node for both versions that says %s over HTTP/2 opens the tunnel over HTTP/1.1',
  async (manner) => {
    const proxy = await startNodeProxy(manner);
    const target = await startTarget((socket) => void socket.end('hello'));
    const words = ['connect', '-x', proxy.url, '--cacert', certs.ca.cert, `127.0.0.1:${target.port}`];
    expect(await runTunl(words)).toMatchObject({ code: 0, stdout: 'hello', stderr: '' });
    expect(proxy.asked).toEqual(['2', '1.1']);
  },
);

test('--alpn and ?alpn= say from the start what to offer', async () => {
  const proxy = await startNodeProxy('405');
  const target = await startTarget((socket) => void socket.end('hello'));
  const words = (url: string, ...more: string[]) => {
    return ['connect', '-x', url, ...more, '--cacert', certs.ca.cert, `127.0.0.1:${target.port}`];
  };
  expect(await runTunl(words(proxy.url, '--alpn', 'http/1.1'))).toMatchObject({ code: 0, stdout: 'hello' });
  expect(await runTunl(words(`${proxy.url}?alpn=http/1.1`))).toMatchObject({ code: 0, stdout: 'hello' });
  expect(proxy.asked).toEqual(['1.1', '1.1']);
  const left = await runTunl(words(`${proxy.url}?alpn=h2`, '--alpn', 'http/1.1'));
  expect(left).toMatchObject({ code: 97, stderr: expect.stringContaining('405 Method Not Allowed') });
});

test('--retry waits as long as the proxy asks, and not for an hour', async () => {
  const answers = ['1', '3600'].map((after) => `HTTP/1.1 429 Too Many Requests\r\nRetry-After: ${after}\r\n\r\n`);
  const open = 'HTTP/1.1 200 OK\r\n\r\nhello';
  for (const [index, refusal] of answers.entries()) {
    let asked = 0;
    const proxy = await startTarget((socket) => answerWith(asked++ === 0 ? refusal : open)(socket));
    const { code, stdout, stderr } = await runTunl([
      'connect',
      '--retry',
      '2',
      '-x',
      `127.0.0.1:${proxy.port}`,
      'db:22',
    ]);
    if (index === 0) expect([code, stdout, asked]).toEqual([0, 'hello', 2]);
    else {
      expect([code, asked]).toEqual([97, 1]);
      expect(stderr).toContain('tunl: hint: it asks to wait 1h, and no retry waits longer than 1m\n');
    }
  }
});

test('a proxy that finds its virtual host by Host is sent the one that is asked for', async () => {
  const proxy = await startTarget(
    (socket) =>
      void socket.once('data', (head) => {
        const isKnown = /\r\nHost: proxy\.corp\r\n/.test(head.toString());
        socket.end(isKnown ? 'HTTP/1.1 200 OK\r\n\r\nhello' : 'HTTP/1.1 403 Forbidden\r\n\r\n');
      }),
  );
  const words = (...more: string[]) => ['connect', '-x', `127.0.0.1:${proxy.port}`, ...more, 'db:22'];
  expect(await runTunl(words())).toMatchObject({ code: 97 });
  expect(await runTunl(words('--proxy-header', 'Host: proxy.corp'))).toMatchObject({ code: 0, stdout: 'hello' });
});
