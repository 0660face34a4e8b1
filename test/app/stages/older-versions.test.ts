import { describe, expect, onTestFinished, test } from 'vitest';
import type { Hop } from '../../../src/core/hop.ts';
import type { TunlError } from '../../../src/core/errors.ts';
import { makeHop, makeRoute } from '../../support/harness/app.ts';
import { flags } from '../../support/peers/h2-frames.ts';
import type { Http2Peer } from '../../support/peers/h2-peer.ts';
import { makeContext } from '../../support/harness/link-pairs.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';
import { startTarget } from '../../support/targets/plain.ts';
import { startTlsProxy, type TlsProxy } from '../../support/peers/tls-proxy.ts';

const target = { kind: 'tcp', host: 'db.example', port: 22 } as const;
const http11Required = 0xd;

/** Dials the target through one hop, as often as the test asks. */
async function startDialling(hop: Hop) {
  const route = await makeRoute([hop]);
  const failures: TunlError[] = [];
  const onFailure = (error: TunlError) => void failures.push(error);
  return {
    failures,
    async dial() {
      const link = await route.dial(target, { ...makeContext(target), onFailure });
      onTestFinished(() => link.reset(new Error('the test is over')));
      return new RawPeer(link);
    },
  };
}

const overTls = ({ port, pin }: TlsProxy, scheme = 'https', tls: Hop['tls'] = {}) =>
  startDialling(makeHop(scheme, port, { tls: { pin, ...tls } }));

/** Opens the tunnel that is asked for over HTTP/1.1, and greets through it. */
async function welcome(peer: RawPeer, version = '1.1'): Promise<void> {
  expect(await peer.readHead()).toMatch(
    new RegExp(`^CONNECT db.example:22 HTTP/${version}\\r\\nHost: db.example:22\\r\\n`),
  );
  peer.send('HTTP/1.1 200 OK\r\n\r\nwelcome');
}

/** Ways in which a server says that it opens no tunnels over HTTP/2. */
const refusals: readonly (readonly [what: string, refuse: (peer: Http2Peer) => Promise<void> | void])[] = [
  ['resets the stream with HTTP_1_1_REQUIRED', async (peer) => peer.reset(await peer.nextRequest(), http11Required)],
  [
    'ends the session with HTTP_1_1_REQUIRED, the stream left out',
    async (peer) => {
      await peer.nextRequest();
      peer.goaway(0, http11Required);
    },
  ],
  [
    'ends the session with HTTP_1_1_REQUIRED, the stream counted in',
    async (peer) => peer.goaway(await peer.nextRequest(), http11Required),
  ],
  ['ends the session with HTTP_1_1_REQUIRED before it was asked', (peer) => peer.goaway(0, http11Required)],
  ...[405, 501, 505].map((status) => {
    const refuse = async (peer: Http2Peer) =>
      peer.answer(await peer.nextRequest(), status, [], flags.endHeaders | flags.endStream);
    return [`answers ${status}`, refuse] as const;
  }),
];

describe('a proxy that chose HTTP/2 by ALPN and', () => {
  test.each(refusals)('%s is asked over HTTP/1.1, once and from then on', async (_, refuse) => {
    const proxy = await startTlsProxy();
    const { dial, failures } = await overTls(proxy);
    const opening = dial();
    await refuse(await proxy.acceptHttp2());
    await welcome(await proxy.accept());
    expect(await (await opening).readUntil('welcome')).toBe('welcome');
    expect(failures).toHaveLength(1);

    const second = dial();
    await welcome(await proxy.accept());
    expect(await (await second).readUntil('welcome')).toBe('welcome');
    expect(proxy.agreed).toEqual(['h2', 'http/1.1', 'http/1.1']);
  });

  test('answers 405 is asked for a POST tunnel over HTTP/1.1', async () => {
    const proxy = await startTlsProxy();
    const { dial } = await overTls(proxy, 'post+https');
    const opening = dial();
    const front = await proxy.acceptHttp2();
    front.answer(await front.nextRequest(), 405, [], flags.endHeaders | flags.endStream);
    const peer = await proxy.accept();
    expect(await peer.readHead()).toMatch(/^POST \/ HTTP\/1\.1\r\n/);
    peer.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nwelcome\r\n');
    expect(await (await opening).readUntil('welcome')).toBe('welcome');
  });

  test('answers 405 in HTTP/1.1 as well is not thought to mean the version', async () => {
    const proxy = await startTlsProxy();
    const { dial } = await overTls(proxy);
    for (const _round of [1, 2]) {
      const opening = dial();
      const front = await proxy.acceptHttp2();
      front.answer(await front.nextRequest(), 405, [], flags.endHeaders | flags.endStream);
      const peer = await proxy.accept();
      await peer.readHead();
      peer.send('HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n');
      await expect(opening).rejects.toMatchObject({ code: 'hop_refused', facts: { received: 405 } });
    }
    expect(proxy.agreed).toEqual(['h2', 'http/1.1', 'h2', 'http/1.1']);
  });

  test('answers 405 after it has opened a tunnel means that one request', async () => {
    const proxy = await startTlsProxy();
    const { dial } = await overTls(proxy);
    const first = dial();
    const front = await proxy.acceptHttp2();
    front.answer(await front.nextRequest(), 200);
    const open = await first;
    const second = dial();
    front.answer(await front.nextRequest(), 405, [], flags.endHeaders | flags.endStream);
    await expect(second).rejects.toMatchObject({ facts: { received: 405 } });
    open.fin();
    expect(proxy.agreed).toEqual(['h2']);
  });

  test.each([
    ['h2', {}],
    ['https', { alpn: 'h2' }],
  ])('answers 405 is left at that where HTTP/2 was asked for: %s:// with %j', async (scheme, tls) => {
    const proxy = await startTlsProxy();
    const { dial } = await overTls(proxy, scheme, tls);
    const opening = dial();
    const front = await proxy.acceptHttp2();
    front.answer(await front.nextRequest(), 405, [], flags.endHeaders | flags.endStream);
    await expect(opening).rejects.toMatchObject({ facts: { received: 405 } });
    expect(proxy.agreed).toEqual(['h2']);
  });
});

describe('a proxy that is said to speak', () => {
  test('http/1.1 is offered nothing else', async () => {
    const proxy = await startTlsProxy();
    const { dial } = await overTls(proxy, 'https', { alpn: 'http/1.1' });
    const opening = dial();
    await welcome(await proxy.accept());
    expect(await (await opening).readUntil('welcome')).toBe('welcome');
    expect(proxy.agreed).toEqual(['http/1.1']);
  });

  test('h2 and does not is not asked in HTTP/1.1', async () => {
    const proxy = await startTlsProxy([]);
    const { dial } = await overTls(proxy, 'https', { alpn: 'h2' });
    await expect(dial()).rejects.toMatchObject({
      message: expect.stringContaining('does not speak HTTP/2'),
      facts: { hints: ['without alpn=h2 it is asked in HTTP/1.1'] },
    });
  });

  test.each(['h2', 'hbone', 'post+h2'])('http/1.1 by %s:// is a contradiction', async (scheme) => {
    const making = makeRoute([makeHop(scheme, 1, { tls: { alpn: 'http/1.1' } })]);
    await expect(making).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('offers h2') });
  });
});

describe('a proxy that answers 505', () => {
  const refusal = 'HTTP/1.0 505 HTTP Version Not Supported\r\nContent-Length: 0\r\n\r\n';

  test('is asked in HTTP/1.0, once and from then on', async () => {
    const proxy = await startTarget();
    const { dial, failures } = await startDialling(makeHop('http', proxy.port));
    const opening = dial();
    const first = await proxy.accept();
    expect(await first.readHead()).toMatch(/^CONNECT db\.example:22 HTTP\/1\.1\r\n/);
    first.send(refusal);
    await welcome(await proxy.accept(), '1.0');
    expect(await (await opening).readUntil('welcome')).toBe('welcome');
    expect(failures.map(({ facts }) => facts.received)).toEqual([505]);

    const second = dial();
    await welcome(await proxy.accept(), '1.0');
    expect(await (await second).readUntil('welcome')).toBe('welcome');
    expect(proxy.accepted).toBe(3);
  });

  test('to HTTP/1.0 too has refused', async () => {
    const proxy = await startTarget((socket) => void socket.once('data', () => socket.end(refusal)));
    const { dial } = await startDialling(makeHop('http', proxy.port));
    await expect(dial()).rejects.toMatchObject({ facts: { received: 505 } });
    expect(proxy.accepted).toBe(2);
  });

  test('over HTTP/2 and over HTTP/1.1 is asked in HTTP/1.0', async () => {
    const proxy = await startTlsProxy();
    const { dial } = await overTls(proxy);
    const opening = dial();
    const front = await proxy.acceptHttp2();
    front.answer(await front.nextRequest(), 505, [], flags.endHeaders | flags.endStream);
    const newer = await proxy.accept();
    await newer.readHead();
    newer.send(refusal);
    await welcome(await proxy.accept(), '1.0');
    expect(await (await opening).readUntil('welcome')).toBe('welcome');
  });

  test('to a POST, which needs chunks, has refused', async () => {
    const proxy = await startTarget((socket) => void socket.once('data', () => socket.end(refusal)));
    const { dial } = await startDialling(makeHop('post+http', proxy.port));
    await expect(dial()).rejects.toMatchObject({ facts: { received: 505 } });
    expect(proxy.accepted).toBe(1);
  });
});
