import { connect, type OutgoingHttpHeaders, performServerHandshake, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { exitOf, type TunlError } from '../../src/core/errors.ts';
import type { Hop } from '../../src/core/hop.ts';
import { streamLink } from '../../src/core/link.ts';
import { failureOf } from '../conformance/carrier-bed.ts';
import { eventually, inTime } from '../support/eventually.ts';
import { findPin, makeHop, makeRoute, startTestServe } from '../support/harness/app.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { startMiddlebox } from '../support/peers/middlebox.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { startTlsProxy, type TlsProxy } from '../support/peers/tls-proxy.ts';
import { answerAtEnd, echo, startTarget, type Target } from '../support/targets/plain.ts';

const pathTo = ({ port }: Target) => `/.well-known/tunl/tcp/127.0.0.1/${port}`;
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Connects Node's own client to a server, and waits for its settings. */
async function startSession(port: number) {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  await inTime('the settings', new Promise((resolve) => session.once('remoteSettings', resolve)));
  return session;
}

/** Asks `serve --ws` over HTTP/2, as RFC 8441 has it, and returns the answer with its stream. */
async function ask(port: number, path: string, fields: OutgoingHttpHeaders = {}) {
  const stream = (await startSession(port)).request({
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'http',
    ':path': path,
    'sec-websocket-version': '13',
    'sec-websocket-protocol': 'tunl',
    ...fields,
  });
  const answer = await inTime(
    'the answer',
    new Promise<OutgoingHttpHeaders>((resolve, reject) => void stream.once('response', resolve).once('error', reject)),
  );
  return { answer, peer: new RawPeer(streamLink(stream)), stream };
}

describe('serve --ws', () => {
  const accept = ['ws'];

  test.each([
    [['ws'], true],
    [['post'], false],
  ])('that accepts %s says in its settings whether it takes other protocols', async (accepted, isTaken) => {
    const serve = await startTestServe({ accept: accepted });
    const { remoteSettings } = await startSession(serve.port);
    expect(remoteSettings.enableConnectProtocol).toBe(isTaken);
  });

  test('opens a tunnel for an extended CONNECT, with neither a key nor its proof', async () => {
    const [serve, target] = [
      await startTestServe({ accept }),
      await startTarget(answerAtEnd((all) => `${all.length}`)),
    ];
    const { answer, peer } = await ask(serve.port, pathTo(target), { 'sec-websocket-key': 'ignored' });
    expect(answer).toMatchObject({ ':status': 200, 'sec-websocket-protocol': 'tunl' });
    expect(Object.keys(answer).join()).not.toMatch(/accept|extensions|upgrade|connection/);
    peer.send(hex('8283 00000000 616263  8280 00000000'));
    // The answer, the end of the half, and the Close.
    expect(await peer.readToEnd()).toEqual(hex('8201 33 8200 8802 03e8'));
    peer.send(hex('8882 00000000 03e8'));
    peer.fin();
    await eventually(() => serve.eventsOf('tunnel.closed').map(({ end }) => end), ['clean']);
  });

  test.each<[string, OutgoingHttpHeaders, number]>([
    ['an Origin', { origin: 'http://front.example' }, 403],
    ['version 8', { 'sec-websocket-version': '8' }, 400],
    ['another subprotocol', { 'sec-websocket-protocol': 'chat' }, 400],
    ['another protocol', { ':protocol': 'connect-udp' }, 405],
    ['another path', { ':path': '/' }, 405],
    ['a path without a port', { ':path': '/.well-known/tunl/tcp/127.0.0.1/' }, 400],
  ])('refuses %s, and dials nothing', async (_name, fields, status) => {
    const [serve, target] = [await startTestServe({ accept }), await startTarget(echo)];
    const { answer } = await ask(serve.port, pathTo(target), fields);
    expect(answer[':status']).toBe(status);
    expect(target.accepted).toBe(0);
  });

  test('takes a GET of the same path for no tunnel', async () => {
    const [serve, target] = [await startTestServe({ accept }), await startTarget(echo)];
    const stream = (await startSession(serve.port)).request({ ':path': pathTo(target) });
    const status = await new Promise((resolve) => stream.once('response', (fields) => resolve(fields[':status'])));
    expect(status).toBe(405);
    expect(target.accepted).toBe(0);
  });

  test.each<[string, (ends: { peer: RawPeer; close: (code: number) => void }) => void]>([
    ['a frame without a mask', ({ peer }) => peer.send(hex('8201 61'))],
    ['the end of its stream', ({ peer }) => peer.fin()],
    ['a reset', ({ close }) => close(0xa)],
    ['a reset that cancels', ({ close }) => close(0x8)],
    ['a Close', ({ peer }) => peer.send(hex('8882 00000000 03e8'))],
  ])('passes %s before both halves have ended on as a reset', async (_name, act) => {
    const [serve, target] = [await startTestServe({ accept }), await startTarget()];
    const { peer, stream } = await ask(serve.port, pathTo(target));
    const server = await target.accept();
    peer.send(hex('8281 00000000 61'));
    await server.read(1);
    act({ peer, close: (code) => stream.close(code) });
    expect(await server.waitForEnd()).toBe('reset');
    await eventually(() => serve.running.tunnels.size, 0);
  });
});

const hopTo = ({ port, pin }: TlsProxy, more: Partial<Hop> = {}) =>
  makeHop('wss', port, { ...more, tls: { pin, ...more.tls } });

async function startDialling(hop: Hop) {
  const route = await makeRoute([hop]);
  const target = { kind: 'tcp', host: 'db.example', port: 22 } as const;
  const failures: TunlError[] = [];
  const onFailure = (error: TunlError) => void failures.push(error);
  return { failures, dial: () => route.dial(target, { ...makeContext(target), onFailure }) };
}

/** Plays the far end with Node's own HTTP/2, and answers each request so. */
async function startNodePeer(answer: OutgoingHttpHeaders = { ':status': 200, 'sec-websocket-protocol': 'tunl' }) {
  const proxy = await startTlsProxy();
  const heads: Record<string, unknown>[] = [];
  const streams: ServerHttp2Stream[] = [];
  const serving = proxy.accept().then(({ stream, inbox }) => {
    // The test helper has begun to read.
    stream.pause().removeAllListeners('data');
    stream.unshift(inbox.take(inbox.size));
    const session = performServerHandshake(stream as Socket, { settings: { enableConnectProtocol: true } });
    session.on('error', () => {});
    session.on('stream', (opened: ServerHttp2Stream, fields) => {
      opened.on('error', () => {});
      heads.push({ ...fields });
      streams.push(opened);
      opened.respond(answer, { endStream: answer[':status'] !== 200 });
    });
  });
  return { proxy, heads, streams, serving };
}

describe('wss://', () => {
  test('puts many tunnels into one session of HTTP/2', async () => {
    const [serve, target] = [await startTestServe({ accept: ['ws'], tls: {} }), await startTarget(echo)];
    const box = await startMiddlebox(serve.port);
    const route = await makeRoute([makeHop('wss', box.port, { tls: { pin: findPin(serve) } })]);
    const progress: string[] = [];
    for (const word of ['one', 'two', 'three']) {
      const onProgress = ({ detail }: { readonly detail?: string }) => void progress.push(detail ?? '');
      const peer = new RawPeer(await route.dial(target.address, { ...makeContext(target.address), onProgress }));
      peer.send(word);
      expect(await peer.readUntil(word)).toBe(word);
    }
    expect(progress.filter((detail) => detail.startsWith('HTTP/2'))).toHaveLength(1);
    expect(serve.running.tunnels.size).toBe(3);
  });

  test('asks as RFC 8441 has it, with the path and the authority of the hop', async () => {
    const { proxy, heads, streams } = await startNodePeer();
    const { dial } = await startDialling(hopTo(proxy, { settings: { prefix: '/team' } }));
    const peer = new RawPeer(await dial());
    expect(heads).toHaveLength(1);
    expect(heads[0]).toMatchObject({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'https',
      ':path': '/team/tcp/db.example/22',
      ':authority': `127.0.0.1:${proxy.port}`,
      'sec-websocket-version': '13',
      'sec-websocket-protocol': 'tunl',
    });
    expect(Object.keys(heads[0] ?? {}).join()).not.toMatch(/key|extensions|origin|upgrade|connection/);
    streams[0]?.write(hex('8203 616263 8200'));
    expect((await peer.readToEnd()).toString()).toBe('abc');
    peer.reset();
  });

  test.each<[string, Partial<Hop>, (stream: ServerHttp2Stream) => void]>([
    ['the end of the stream', {}, (stream) => stream.end()],
    ['RST_STREAM with CANCEL', {}, (stream) => stream.close(0x8)],
    ['RST_STREAM with NO_ERROR', {}, (stream) => stream.close(0x0)],
    ['a Close', {}, (stream) => stream.write(hex('8802 03e8'))],
  ])('takes %s before both halves have ended for a reset', async (_name, more, act) => {
    const { proxy, streams } = await startNodePeer();
    const { dial } = await startDialling(hopTo(proxy, more));
    const peer = new RawPeer(await dial());
    act(streams[0] as ServerHttp2Stream);
    expect(await peer.waitForEnd()).toBe('reset');
  });

  test('falls to HTTP/1.1 for a front end that takes no other protocols over HTTP/2, once and from then on', async () => {
    const proxy = await startTlsProxy();
    const { dial, failures } = await startDialling(hopTo(proxy));
    const opening = dial();
    await proxy.acceptHttp2();
    const answerOlder = async () => {
      const peer = await proxy.accept();
      expect(await peer.readHead()).toMatch(/^GET \/.well-known\/tunl\/tcp\/db.example\/22 HTTP\/1.1\r\n/);
      peer.send('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    };
    const first = failureOf(opening);
    await answerOlder();
    expect(await first).toMatchObject({ code: 'hop_refused', facts: { received: 404 } });
    expect(failures.map(({ code }) => code)).toEqual(['http_upgrade_failed']);
    const second = failureOf(dial());
    await answerOlder();
    await second;
    expect(proxy.agreed).toEqual(['h2', 'http/1.1', 'http/1.1']);
  });

  test('asks again over HTTP/1.1 after a 400, which Envoy causes in front of a server of HTTP/1.1', async () => {
    const { proxy, serving } = await startNodePeer({ ':status': 400 });
    const { dial } = await startDialling(hopTo(proxy));
    const first = failureOf(dial());
    await serving;
    for (const failing of [first, undefined]) {
      const dialling = failing ?? failureOf(dial());
      const peer = await proxy.accept();
      expect(await peer.readHead()).toMatch(/^GET /);
      peer.send('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
      expect((await dialling).facts.received).toBe(404);
    }
    expect(proxy.agreed).toEqual(['h2', 'http/1.1', 'http/1.1']);
  });

  test('asks over HTTP/2 first again if HTTP/1.1 is answered with a 400 too', async () => {
    const { proxy, serving } = await startNodePeer({ ':status': 400 });
    const { dial } = await startDialling(hopTo(proxy));
    const failing = failureOf(dial());
    await serving;
    const peer = await proxy.accept();
    await peer.readHead();
    peer.send('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
    expect((await failing).facts.received).toBe(400);
    const again = failureOf(dial());
    const second = await proxy.accept();
    second.reset();
    await again;
    expect(proxy.agreed).toEqual(['h2', 'http/1.1', 'h2']);
  });

  test('says so where HTTP/2 was demanded', async () => {
    const proxy = await startTlsProxy();
    const { dial } = await startDialling(hopTo(proxy, { tls: { alpn: 'h2' } }));
    const failing = failureOf(dial());
    await proxy.acceptHttp2();
    const error = await failing;
    expect([error.code, error.side, exitOf(error)]).toEqual(['http_upgrade_failed', 'hop', 97]);
    expect(error.message).toContain('takes no other protocols in HTTP/2 (RFC 8441)');
    expect(error.facts.hints).toContain('without alpn=h2 it is asked in HTTP/1.1');
  });

  test('asks over HTTP/1.1 alone where that was demanded', async () => {
    const [serve, target] = [await startTestServe({ accept: ['ws'], tls: {} }), await startTarget(echo)];
    const route = await makeRoute([makeHop('wss', serve.port, { tls: { pin: findPin(serve), alpn: 'http/1.1' } })]);
    const steps: string[] = [];
    const onProgress = ({ detail }: { readonly detail?: string }) => void steps.push(detail ?? '');
    const peer = new RawPeer(await route.dial(target.address, { ...makeContext(target.address), onProgress }));
    peer.send('older');
    expect(await peer.readUntil('older')).toBe('older');
    expect(steps.join()).not.toContain('HTTP/2');
  });

  test.each<[string, OutgoingHttpHeaders, string]>([
    ['without the subprotocol', { ':status': 200 }, 'without the subprotocol tunl'],
    [
      'with an extension',
      { ':status': 200, 'sec-websocket-protocol': 'tunl', 'sec-websocket-extensions': 'permessage-deflate' },
      'with extensions that were not offered',
    ],
  ])('takes a 200 %s for no tunnel, and resets the stream', async (_name, answer, message) => {
    const { proxy, streams } = await startNodePeer(answer);
    const { dial } = await startDialling(hopTo(proxy));
    const error = await failureOf(dial());
    expect([error.code, exitOf(error)]).toEqual(['http_upgrade_failed', 97]);
    expect(error.message).toContain(message);
    await eventually(() => [streams[0]?.rstCode, proxy.agreed], [0xa, ['h2']]);
  });
});
