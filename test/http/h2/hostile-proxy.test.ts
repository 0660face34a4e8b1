import { beforeEach, describe, expect, test } from 'vitest';
import type { Link } from '../../../src/core/link.ts';
import { makeHop, makeRoute } from '../../support/harness/app.ts';
import { type Field, flags, formatFields, formatFrame, formatNumber } from '../../support/peers/h2-frames.ts';
import { acceptHttp2, type Http2Peer } from '../../support/peers/h2-peer.ts';
import { makeContext } from '../../support/harness/link-pairs.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';
import { startTarget, type Target } from '../../support/targets/plain.ts';

const address = { kind: 'tcp', host: 'target.example', port: 443 } as const;
const NO_ERROR = 0x0;
const PROTOCOL_ERROR = 0x1;
const INTERNAL_ERROR = 0x2;
const REFUSED_STREAM = 0x7;
const CANCEL = 0x8;
const ENHANCE_YOUR_CALM = 0xb;
const lastOfAll = 0x7fff_ffff;

/** A proxy that the test plays, and the way through it. */
interface Bed {
  readonly proxy: Target;
  dial(): Promise<Link>;
}

async function startBed(): Promise<Bed> {
  const proxy = await startTarget();
  const route = await makeRoute([makeHop('h2c', proxy.port)]);
  return { proxy, dial: () => route.dial(address, makeContext(address)) };
}

let bed: Bed;

beforeEach(async () => {
  bed = await startBed();
});

/** A tunnel of ours and the proxy's end of its session. */
interface Tunnel {
  readonly client: RawPeer;
  readonly session: Http2Peer;
  readonly stream: number;
}

/** Opens a tunnel in a session that is there, or in a new one. */
async function openTunnel({ dial, proxy } = bed, session?: Http2Peer): Promise<Tunnel> {
  const dialling = dial();
  const peer = session ?? (await acceptHttp2(proxy));
  const stream = await peer.nextRequest();
  peer.answer(stream, 200);
  return { client: new RawPeer(await dialling), session: peer, stream };
}

/** The tunnel works both ways. */
async function expectAlive({ client, session, stream }: Tunnel): Promise<void> {
  client.send('ping');
  expect(String(await session.read(stream, 4))).toBe('ping');
  session.send('data', stream, 'pong');
  expect(String(await client.read(4))).toBe('pong');
}

/** The next tunnel needs a new session, and gets one. */
async function expectNewSession(): Promise<void> {
  const before = bed.proxy.accepted;
  await expectAlive(await openTunnel());
  expect(bed.proxy.accepted).toBe(before + 1);
}

test('GOAWAY in the middle lets tunnels finish, and the next one opens a new session', async () => {
  const tunnel = await openTunnel();
  tunnel.session.goaway(tunnel.stream, NO_ERROR);
  await expectNewSession();
  await expectAlive(tunnel);
  tunnel.client.fin();
  expect(await tunnel.session.endOf(tunnel.stream)).toBe('end');
  tunnel.session.send('data', tunnel.stream, Buffer.alloc(10_000), flags.endStream);
  expect(await tunnel.client.readToEnd()).toHaveLength(10_000);
});

test('GOAWAY that announces the end first does the same', async () => {
  const tunnel = await openTunnel();
  tunnel.session.goaway(lastOfAll, NO_ERROR);
  // This round trip shows that GOAWAY has arrived; the proxy would still serve requests that were sent before.
  await expectAlive(tunnel);
  await expectNewSession();
  tunnel.session.goaway(tunnel.stream, NO_ERROR);
  await expectAlive(tunnel);
});

test('a request that GOAWAY leaves out is sent again in a new session', async () => {
  const tunnel = await openTunnel();
  const dialling = bed.dial();
  const left = await tunnel.session.nextRequest();
  tunnel.session.goaway(tunnel.stream, NO_ERROR);
  const second = await acceptHttp2(bed.proxy);
  const stream = await second.nextRequest();
  second.answer(stream, 200);
  await expectAlive({ client: new RawPeer(await dialling), session: second, stream });
  expect(left).toBeGreaterThan(tunnel.stream);
  await expectAlive(tunnel);
});

test('a request that GOAWAY leaves out is sent again whatever its code', async () => {
  const tunnel = await openTunnel();
  const dialling = bed.dial();
  await tunnel.session.nextRequest();
  tunnel.session.goaway(tunnel.stream, ENHANCE_YOUR_CALM);
  const second = await acceptHttp2(bed.proxy);
  const stream = await second.nextRequest();
  second.answer(stream, 200);
  await expectAlive({ client: new RawPeer(await dialling), session: second, stream });
});

test('a refused request is sent once more, in a session of its own, and not a third time', async () => {
  const tunnel = await openTunnel();
  const dialling = bed.dial();
  tunnel.session.reset(await tunnel.session.nextRequest(), REFUSED_STREAM);
  const second = await acceptHttp2(bed.proxy);
  second.reset(await second.nextRequest(), REFUSED_STREAM);
  await expect(dialling).rejects.toMatchObject({ code: 'http_response_incomplete' });
  expect(bed.proxy.accepted).toBe(2);
  await expectAlive(tunnel);
});

test.each<[string, (session: Http2Peer, request: number) => void]>([
  ['whose connection ends', (session) => session.raw.fin()],
  ['whose connection is reset', (session) => session.raw.reset()],
  ['that GOAWAY with an error takes in', (session, request) => session.goaway(request, INTERNAL_ERROR)],
  ['that is asked to be calm', (session, request) => session.reset(request, ENHANCE_YOUR_CALM)],
  ['that is cancelled', (session, request) => session.reset(request, CANCEL)],
  ['that is reset without a reason', (session, request) => session.reset(request, NO_ERROR)],
])('a request %s is not sent again: the target may have been reached', async (_, lose) => {
  const { session } = await openTunnel();
  const dialling = bed.dial();
  lose(session, await session.nextRequest());
  await expect(dialling).rejects.toMatchObject({ code: 'http_response_incomplete', side: 'hop' });
  expect(bed.proxy.accepted).toBe(1);
});

test('GOAWAY with an error cuts tunnels, and never ends them cleanly', async () => {
  const tunnel = await openTunnel();
  tunnel.session.send('data', tunnel.stream, 'part');
  tunnel.session.goaway(tunnel.stream, PROTOCOL_ERROR);
  expect(await tunnel.client.waitForEnd()).toBe('reset');
  await expectNewSession();
});

test.each(Array.from({ length: 14 }, (_, code) => code))('a reset with code %i is never a clean end', async (code) => {
  const tunnel = await openTunnel();
  tunnel.session.send('data', tunnel.stream, 'part');
  tunnel.session.send('reset', tunnel.stream, formatNumber(code));
  expect(await tunnel.client.waitForEnd()).toBe('reset');
  await expectAlive(await openTunnel(bed, tunnel.session));
});

test('a connection that ends in the middle is never a clean end', async () => {
  const tunnel = await openTunnel();
  tunnel.session.send('data', tunnel.stream, 'part');
  tunnel.session.raw.fin();
  expect(await tunnel.client.waitForEnd()).toBe('reset');
  await expectNewSession();
});

describe('what may come before and beside the answer', () => {
  test('1,000 interim responses', async () => {
    const dialling = bed.dial();
    const session = await acceptHttp2(bed.proxy);
    const stream = await session.nextRequest();
    for (let left = 1000; left > 0; left--) session.answer(stream, 103, [['link', '</x>']]);
    session.answer(stream, 200);
    await expectAlive({ client: new RawPeer(await dialling), session, stream });
  });

  test.each<[string, (session: Http2Peer) => Buffer]>([
    ['ORIGIN', () => formatFrame('origin', 0, Buffer.concat([Buffer.of(0, 9), Buffer.from('https://a')]))],
    ['PRIORITY', () => formatFrame('priority', 1, Buffer.of(0, 0, 0, 3, 1))],
    ['a type that nobody knows', () => formatFrame('origin', 1)],
  ])('100,000 frames of %s', async (_, write) => {
    const tunnel = await openTunnel();
    const batch = Buffer.concat(Array.from({ length: 1000 }, () => write(tunnel.session)));
    const before = process.memoryUsage();
    for (let left = 100; left > 0; left--) {
      tunnel.session.raw.send(batch);
      // Their answers are read.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expectAlive(tunnel);
    expect(process.memoryUsage().heapUsed - before.heapUsed).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('what may not be sent cuts the session, and the next tunnel opens another', () => {
  const pingFrame = formatFrame('ping', 0, Buffer.alloc(8));
  const pushed: Field[] = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'a'],
    [':path', '/'],
  ];

  test.each<[string, (tunnel: Tunnel) => void]>([
    [
      'a push',
      ({ session, stream }) =>
        session.send('pushPromise', stream, Buffer.concat([formatNumber(2), formatFields(pushed)]), flags.endHeaders),
    ],
    [
      '100,000 PING frames at once',
      ({ session }) => session.raw.send(Buffer.concat(Array.from({ length: 100_000 }, () => pingFrame))),
    ],
    ['a frame above our limit', ({ session, stream }) => session.send('data', stream, Buffer.alloc(1024 * 1024 + 1))],
    [
      'a header block that is none',
      ({ session, stream }) => session.send('headers', stream, Buffer.alloc(9, 0xff), flags.endHeaders),
    ],
    ['data on stream 0', ({ session }) => session.send('data', 0, 'x')],
    ['a window that overflows', ({ session }) => [0, 0].forEach(() => session.widen(0, 0x7fff_ffff))],
  ])('%s', async (_, send) => {
    const tunnel = await openTunnel();
    send(tunnel);
    expect(await tunnel.client.waitForEnd()).toBe('reset');
    await expectNewSession();
  });
});
