import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, constants, createServer, type Http2Stream, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Link } from '../../../src/core/link.ts';
import { makeHop, makeRoute, startTestServe } from '../../support/harness/app.ts';
import { makeRandom, type Random } from '../../support/random.ts';
import { makeContext } from '../../support/harness/link-pairs.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';
import { startTarget } from '../../support/targets/plain.ts';

/** Tunnels that are open at a time, in one session. */
const tunnels = 8;

/** The most bytes of a piece that is written at once. */
const pieces = [10, 1000, 10_000, 50_000];

/** A tunnel between two ends of the test: through an end of ours, and an end of Node's HTTP/2. */
interface Tunnel {
  readonly near: Pick<Link, 'stream' | 'reset'>;
  readonly far: Pick<Link, 'stream' | 'reset'>;
}

/** What the peer of ours lets us have on the way to it, and we to it. */
interface Windows {
  readonly ours: number;
  readonly theirs: number;
}

function toEnd(stream: Http2Stream): Tunnel['far'] {
  stream.on('error', () => {});
  return { stream, reset: () => stream.close(constants.NGHTTP2_CONNECT_ERROR) };
}

/** Returns a function that opens tunnels through our client and Node's server. */
async function startOurClient({ ours, theirs }: Windows): Promise<() => Promise<Tunnel>> {
  const server = createServer({ settings: { initialWindowSize: theirs } });
  const streams: ServerHttp2Stream[] = [];
  server.on('session', (session) => onTestFinished(() => session.destroy()));
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({}));
    streams.push(stream);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const route = await makeRoute([makeHop('h2c', port, { settings: { window: String(ours) } })]);
  const address = { kind: 'tcp', host: 'target.example', port: 443 } as const;
  return async () => {
    const near = await route.dial(address, makeContext(address));
    return { near, far: toEnd(streams.shift() as ServerHttp2Stream) };
  };
}

/** Returns a function that opens tunnels through Node's client and our server. */
async function startOurServer({ theirs }: Windows): Promise<() => Promise<Tunnel>> {
  const serve = await startTestServe();
  const target = await startTarget();
  const session = connect(`http://127.0.0.1:${serve.port}`, { settings: { initialWindowSize: theirs } });
  onTestFinished(() => session.destroy());
  return async () => {
    const stream = session.request(
      { ':method': 'CONNECT', ':authority': `127.0.0.1:${target.port}` },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({}));
    const accepted = await target.accept({ reading: false });
    await once(stream, 'response');
    return { near: { stream: accepted.stream, reset: () => accepted.reset() }, far: toEnd(stream) };
  };
}

/** Writes random bytes in pieces of some size, with breaks, ends, and returns the digest of all. */
async function send(stream: Duplex, random: Random): Promise<string> {
  const mostBytes = pieces[random(pieces.length)] as number;
  const hash = createHash('sha256');
  for (let left = random(100); left > 0; left--) {
    const piece = randomBytes(1 + random(mostBytes));
    hash.update(piece);
    if (!stream.write(piece)) await once(stream, 'drain');
    if (random(4) === 0) await turn();
  }
  stream.end();
  return hash.digest('hex');
}

/** Reads to the end, with breaks, and returns the digest of what came. */
async function receive(stream: Duplex, random: Random): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    hash.update(chunk as Buffer);
    for (let breaks = random(8) === 0 ? random(20) : 0; breaks > 0; breaks--) await turn();
  }
  return hash.digest('hex');
}

/** Sends random bytes both ways at once; each end ends its half when it likes. */
async function exchange({ near, far }: Tunnel, random: Random): Promise<void> {
  const received = Promise.all([receive(far.stream, random), receive(near.stream, random)]);
  const sent = await Promise.all([send(near.stream, random), send(far.stream, random)]);
  expect(await received).toEqual(sent);
}

/** Resets a tunnel in the middle of both directions: the other end sees that, and no end. */
async function cut({ near, far }: Tunnel, random: Random): Promise<void> {
  const [first, second] = random(2) === 0 ? [near, far] : [far, near];
  const peer = new RawPeer(second);
  for (let left = random(20); left > 0; left--) {
    first.stream.write(randomBytes(random(20_000)));
    second.stream.write(randomBytes(random(20_000)));
    await turn();
  }
  first.stream.resume();
  first.reset(new Error('reset by the test'));
  expect(await peer.waitForEnd()).toBe('reset');
}

describe.each([
  ['our client and the server of Node', startOurClient],
  ['the client of Node and our server', startOurServer],
] as const)('between %s', (_, start) => {
  test.each<[string, Windows]>([
    ['usual windows', { ours: 4 * 1024 * 1024, theirs: 65_535 }],
    ['windows of 70,000 bytes', { ours: 70_000, theirs: 70_000 }],
    ['a window of 1,000 bytes for us', { ours: 65_535, theirs: 1000 }],
    ['large windows', { ours: 16 * 1024 * 1024, theirs: 8 * 1024 * 1024 }],
  ])('bytes, ends and resets arrive with %s', async (_name, windows) => {
    const random = makeRandom(windows.theirs);
    const open = await start(windows);
    for (let round = 0; round < 3; round++) {
      const opened: Tunnel[] = [];
      for (let left = tunnels; left > 0; left--) opened.push(await open());
      await Promise.all(opened.map((tunnel, index) => (index % 4 === 3 ? cut : exchange)(tunnel, random)));
    }
  });
});
