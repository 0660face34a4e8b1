import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TlsSettings } from '../../../src/core/hop.ts';
import { makeHop, startTestServe } from '../../support/harness/app.ts';
import { startChain } from '../../support/harness/chain.ts';
import { forwardStage } from '../../support/graphs/graphs.ts';
import { type Certs, makeCerts } from '../../support/certs/certs.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { greet, startTarget } from '../../support/targets/plain.ts';
import { startTls } from '../../support/targets/tls.ts';

let certs: Certs;
beforeAll(async () => {
  certs = await makeCerts();
});
afterAll(() => certs.remove());

const trusted = (): TlsSettings => ({ cacert: certs.ca.cert, servername: 'localhost' });

/** Starts a stage that speaks TLS with a port of this machine. */
function startSecured(port: number, targetTls: TlsSettings = trusted(), more: object = {}) {
  const target = { kind: 'tcp', host: '127.0.0.1', port } as const;
  return startChain([{ ...forwardStage('a', target, more), targetTls }]);
}

/** Sends back what it has got, in TLS, once the other side has ended. */
function answerAtEnd(socket: TLSSocket): void {
  socket.allowHalfOpen = true;
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => void parts.push(part));
  socket.on('end', () => void socket.end(Buffer.concat([Buffer.from('got '), ...parts])));
}

test('bytes of clients go to the target in TLS, and each half ends by itself', async () => {
  const names: unknown[] = [];
  const port = await startTls(certs.server, (socket) => {
    names.push((socket as unknown as { servername: unknown }).servername);
    answerAtEnd(socket);
  });
  const chain = await startSecured(port);
  const client = await connectPeer(chain.port);
  client.send('hello');
  client.fin();
  expect(String(await client.readToEnd())).toBe('got hello');
  expect(names).toEqual(['localhost']);
  expect(chain.eventsOf('tunnel.opened')).toMatchObject([{ target: `127.0.0.1:${port}` }]);
});

test('a proxy on the way carries the TLS, which ends at the target', async () => {
  const port = await startTls(certs.server, answerAtEnd);
  const serve = await startTestServe({ open: true });
  const chain = await startSecured(port, trusted(), { route: { hops: [[makeHop('http', serve.port)]] } });
  const client = await connectPeer(chain.port);
  client.send('hello');
  client.fin();
  expect(String(await client.readToEnd())).toBe('got hello');
});

test.each([
  ['another authority', () => ({ servername: 'localhost', cacert: certs.otherCa.cert }), 'tls_certificate_error'],
  ['another name', () => ({ ...trusted(), servername: 'db.example' }), 'tls_certificate_error'],
] as const)('a target whose certificate is of %s fails, and is named', async (_what, settings, code) => {
  const port = await startTls(certs.server, answerAtEnd);
  const chain = await startSecured(port, settings());
  const client = await connectPeer(chain.port);
  client.send('secret');
  expect(await client.waitForEnd()).toBe('reset');
  const [failed] = chain.eventsOf('tunnel.failed');
  expect(failed).toMatchObject({ target: `127.0.0.1:${port}`, error: { code, side: 'target', phase: 'tls' } });
  expect(failed?.error.message).toContain(`the certificate of ${settings().servername}`);
});

test('a target that speaks no TLS fails, and gets none of the bytes of the client', async () => {
  const target = await startTarget(greet('SSH-2.0-x\r\n'));
  const chain = await startSecured(target.port);
  const client = await connectPeer(chain.port);
  client.send('secret');
  expect(await client.waitForEnd()).toBe('reset');
  const [failed] = chain.eventsOf('tunnel.failed');
  expect(failed?.error).toMatchObject({ side: 'target', phase: 'tls' });
  expect(failed?.error.message).toContain(`127.0.0.1:${target.port}`);
});

test('a target that resets is a reset to the client', async () => {
  const port = await startTls(certs.server, (socket) => void socket.write('half'));
  const sockets: Socket[] = [];
  const front = await startTarget((socket) => {
    sockets.push(socket);
    const inner = connect(port, '127.0.0.1').on('error', () => {});
    socket
      .on('close', () => inner.destroy())
      .pipe(inner)
      .pipe(socket);
  });
  const chain = await startSecured(front.port);
  const client = await connectPeer(chain.port);
  expect(String(await client.read(4))).toBe('half');
  sockets[0]?.resetAndDestroy();
  expect(await client.waitForEnd()).toBe('reset');
});

test('a reload reads the authorities of the target again', async () => {
  const port = await startTls(certs.server, answerAtEnd);
  const file = `${certs.ca.cert}.copy`;
  writeFileSync(file, certs.otherCa.certPem);
  const chain = await startSecured(port, { cacert: file, servername: 'localhost' });
  const first = await connectPeer(chain.port);
  expect(await first.waitForEnd()).toBe('reset');
  writeFileSync(file, certs.ca.certPem);
  await chain.running.reload?.();
  const client = await connectPeer(chain.port);
  client.fin();
  expect(String(await client.readToEnd())).toBe('got ');
});

test('a target that ends first still gets what the client sends', async () => {
  let keep: (text: string) => void = () => {};
  const got = new Promise<string>((resolve) => (keep = resolve));
  const port = await startTls(certs.server, (socket) => {
    socket.allowHalfOpen = true;
    socket.end('first');
    const parts: Buffer[] = [];
    socket.on('data', (part: Buffer) => void parts.push(part));
    socket.on('end', () => keep(String(Buffer.concat(parts))));
  });
  const chain = await startSecured(port);
  const client = await connectPeer(chain.port);
  expect(String(await client.readToEnd())).toBe('first');
  client.send('later');
  client.fin();
  expect(await got).toBe('later');
});
