import { getEventListeners } from 'node:events';
import { afterAll, describe, expect, test } from 'vitest';
import { exitOf, TunlError } from '../../src/core/errors.ts';
import type { TlsSettings } from '../../src/core/hop.ts';
import { type Link, linkPair } from '../../src/core/link.ts';
import { secure } from '../../src/tls/client.ts';
import { loadTls } from '../../src/tls/material/material.ts';
import { createTlsServer } from '../../src/tls/server.ts';
import type { LinkPair } from '../conformance/link-contract.ts';
import { makeCerts } from '../support/certs/certs.ts';
import { inTime } from '../support/eventually.ts';
import { makeTcpPair } from '../support/harness/link-pairs.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { makeTlsPair, tryTls } from '../support/harness/tls-pairs.ts';

const certs = await makeCerts();
afterAll(() => certs.remove());
const settings = await loadTls({ cacert: certs.ca.cert });
const never = new AbortController().signal;

const media: [string, () => Promise<LinkPair>][] = [
  ['a TCP connection', makeTcpPair],
  ['a pair in memory', makeMemoryPair],
  ['TLS', async () => makeTlsPair(certs, await makeTcpPair())],
];

const withoutTls = 'write http:// instead of https://';

/** Starts a handshake with a server that the test plays, and gives the failure. */
function failWith(first: Link, signal = never, alpn: string[] = []): Promise<TunlError> {
  const names = { host: 'proxy.example', place: 'proxy.example:8443', withoutTls };
  return secure(first, { ...names, settings, alpn }, signal).then(
    () => Promise.reject(new Error('the handshake was completed')),
    (error: TunlError) => error,
  );
}

describe.each(media)('over %s', (_, makePair) => {
  test.each([
    ['greets as SSH does', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['answers in plain HTTP', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'],
    ['sends noise', '\x00'.repeat(64)],
  ])('a server that %s does not speak TLS', async (__, answer) => {
    const { first, second } = await makePair();
    const server = new RawPeer(second);
    const failing = failWith(first);
    await server.read(5);
    server.send(answer);
    const error = await failing;
    expect([error.code, exitOf(error), error.phase]).toEqual(['tls_protocol_error', 35, 'tls']);
    expect(error.message).toBe('proxy.example:8443 does not speak TLS');
    expect(error.facts.hints).toEqual([withoutTls]);
    expect(await server.waitForEnd()).toBe('reset');
    expect(first.stream.destroyed).toBe(true);
  });

  test('a server that closes before it answers is said to', async () => {
    const { first, second } = await makePair();
    const server = new RawPeer(second);
    const failing = failWith(first);
    await server.read(5);
    server.fin();
    const error = await failing;
    expect(error.message).toBe('proxy.example:8443 closed the connection during the TLS handshake');
    expect(error.facts.hints).toEqual([`if it does not speak TLS: ${withoutTls}`]);
    expect([error.code, await server.waitForEnd()]).toEqual(['tls_protocol_error', 'reset']);
  });

  test('a server that resets in the middle fails the handshake', async () => {
    const { first, second } = await makePair();
    const server = new RawPeer(second);
    const failing = failWith(first);
    await server.read(5);
    server.reset();
    expect((await failing).code).toBe('tls_protocol_error');
    expect(first.stream.destroyed).toBe(true);
  });

  test('an abort ends the handshake with its reason and leaves nothing open', async () => {
    const { first, second } = await makePair();
    const server = new RawPeer(second);
    const controller = new AbortController();
    const failing = failWith(first, controller.signal);
    await server.read(5);
    const reason = new TunlError('connection_timeout', 'too slow');
    controller.abort(reason);
    expect(await failing).toBe(reason);
    expect(await server.waitForEnd()).toBe('reset');
    expect([first.stream.destroyed, getEventListeners(controller.signal, 'abort').length]).toEqual([true, 0]);
  });

  test('a signal that is aborted already sends nothing', async () => {
    const { first, second } = await makePair();
    const server = new RawPeer(second);
    const reason = new TunlError('interrupted', 'interrupted');
    expect(await failWith(first, AbortSignal.abort(reason))).toBe(reason);
    expect(await server.waitForEnd()).toBe('reset');
    expect(server.inbox.size).toBe(0);
  });

  test('a connection that was ended before is not waited for', async () => {
    const { first, second } = await makePair();
    second.stream.end();
    await inTime('the end', new Promise((resolve) => first.stream.once('end', resolve).resume()));
    expect((await failWith(first)).message).toContain('closed the connection');
  });

  test('an abort after the handshake changes nothing', async () => {
    const controller = new AbortController();
    const { first, second } = await makeTlsPair(certs, await makePair(), { signal: controller.signal });
    controller.abort(new TunlError('interrupted', 'interrupted'));
    first.stream.end('still here');
    expect((await new RawPeer(second).readToEnd()).toString()).toBe('still here');
  });

  test('bytes that were read too far before TLS belong to TLS', async () => {
    const { first, second } = await makePair();
    const { cert, key } = certs.server;
    const acceptor = await createTlsServer({ cert, key, alpn: [] });
    const securing = secure(first, { host: 'localhost', settings, alpn: [] }, never);
    await readAhead(second);
    const accepted = await acceptor.accept(second, never);
    (await securing).stream.end('all there');
    expect((await new RawPeer(accepted).readToEnd()).toString()).toBe('all there');
  });
});

describe('the protocol above is agreed on', () => {
  test.each([
    [['h2', 'http/1.1'], ['http/1.1'], 'http/1.1'],
    [['h2', 'http/1.1'], ['h2', 'http/1.1'], 'h2'],
    [[], ['http/1.1'], undefined],
    [['h2'], [], undefined],
  ])('%j offered to a server of %j: %s', async (offered, served, agreed) => {
    const options = { alpn: offered, server: { alpn: served } };
    const { first, second } = await makeTlsPair(certs, await makeTcpPair(), options);
    expect([first.peer.tls?.alpn, second.peer.tls?.alpn]).toEqual([agreed, agreed]);
  });

  test('none in common is refused by the server, and the client is told which were offered', async () => {
    const outcome = await tryTls(certs, await makeTcpPair(), { alpn: ['h2'], server: { alpn: ['http/1.1'] } });
    const [client, server] = [outcome.client, outcome.server].map(
      (end) => end.status === 'rejected' && (end.reason as TunlError),
    );
    expect(client).toMatchObject({
      code: 'tls_alert_received',
      message: 'localhost refused the TLS connection: no application protocol',
      facts: { hints: ['it speaks none of the protocols offered: h2'] },
    });
    expect(server).toMatchObject({ code: 'tls_protocol_error', facts: { side: 'client' } });
  });
});

test.each<[TlsSettings, string | undefined]>([
  [{}, 'localhost'],
  [{ servername: 'other.example' }, 'other.example'],
  [{ servername: '127.0.0.1' }, undefined],
])('with %j the server is asked for %s', async (extra, name) => {
  const { first, second } = await makeTcpPair();
  const loaded = await loadTls({ insecure: true, ...extra });
  const server = new RawPeer(second);
  const failing = secure(first, { host: 'localhost', settings: loaded, alpn: [] }, never).catch(() => undefined);
  const header = await server.read(5);
  const hello = (await server.read(header.readUInt16BE(3))).toString('latin1');
  for (const known of ['localhost', 'other.example', '127.0.0.1']) expect(hello.includes(known)).toBe(known === name);
  server.reset();
  await failing;
});

function makeMemoryPair(): Promise<LinkPair> {
  const [first, second] = linkPair();
  return Promise.resolve({ first, second });
}

/** Reads the first bytes, as a front that looks at them does, and puts them back. */
function readAhead({ stream }: Link): Promise<void> {
  return new Promise((resolve) => {
    stream.once('data', (chunk: Buffer) => {
      stream.pause();
      stream.unshift(chunk);
      resolve();
    });
  });
}
