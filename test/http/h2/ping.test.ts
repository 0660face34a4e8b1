import { expect, test } from 'vitest';
import { serveHttp2 } from '../../../src/http/h2/server.ts';
import { type Http2Setup, serverSetup } from '../../../src/http/h2/setup.ts';
import { inTime } from '../../support/eventually.ts';
import { preface } from '../../support/peers/h2-frames.ts';
import { Http2Peer } from '../../support/peers/h2-peer.ts';
import { makeTcpPair } from '../../support/harness/link-pairs.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';

const SETTINGS_INITIAL_WINDOW_SIZE = 4;
const CANCEL = 8;

const options: Http2Setup = {
  ...serverSetup,
  streamWindowBytes: 65_535,
  sessionWindowBytes: 131_072,
  maxStreams: 10,
  maxHeaderBytes: 16_384,
  pingMs: 50,
};

/** A session that we serve, and the client's end of it. */
async function startSession(): Promise<{ peer: Http2Peer; serving: Promise<void> }> {
  const { first, second } = await makeTcpPair();
  const serving = serveHttp2(
    first,
    options,
    new AbortController().signal,
    (exchange) => void exchange.upgrade(200, []),
  );
  const peer = new Http2Peer(new RawPeer(second));
  peer.start();
  return { peer, serving };
}

test('a client that answers each PING keeps its session', async () => {
  const { peer } = await startSession();
  for (let left = 5; left > 0; left--) await peer.until('PING', ({ type }) => type === 'ping');
  const stream = peer.connect('db:22');
  expect(await peer.outcomeOf(stream)).toEqual({ status: 200 });
});

test('a client that answers none loses it, and sees its connection reset', async () => {
  const { peer, serving } = await startSession();
  await inTime('the end of the session', serving);
  expect(await peer.raw.waitForEnd()).toBe('reset');
});

test.each<[string, (peer: Http2Peer) => void]>([
  ['a frame above our limit', (peer) => peer.send('data', 1, Buffer.alloc(16_385))],
  ['data on stream 0', (peer) => peer.send('data', 0, 'x')],
])('a client that ended its session with %s is let go', async (_, attack) => {
  const { peer, serving } = await startSession();
  attack(peer);
  expect(await peer.waitForSessionEnd()).not.toBe(0);
  await inTime('the end of the session', serving);
});

test.each<[string, (raw: RawPeer) => void]>([
  ['nothing', () => {}],
  ['the preface alone', (raw) => raw.send(preface)],
  ['half of the preface', (raw) => raw.send(preface.subarray(0, 18))],
])('a client that sends %s loses its session at the limit for requests', async (_, begin) => {
  const { first, second } = await makeTcpPair();
  const setup = { ...options, pingMs: 0, beginMs: 50 };
  const serving = serveHttp2(first, setup, new AbortController().signal, () => {});
  const raw = new RawPeer(second);
  begin(raw);
  await inTime('the end of the session', serving);
  expect(await raw.waitForEnd()).toBe('reset');
});

test('a session that has begun is not ended by that limit', async () => {
  const { first, second } = await makeTcpPair();
  const setup = { ...options, beginMs: 60 };
  void serveHttp2(first, setup, new AbortController().signal, (exchange) => void exchange.upgrade(200, []));
  const peer = new Http2Peer(new RawPeer(second));
  peer.start();
  for (let left = 3; left > 0; left--) await peer.until('PING', ({ type }) => type === 'ping');
  expect(await peer.outcomeOf(peer.connect('db:22'))).toEqual({ status: 200 });
});

test('a refusal that the client leaves no room for ends its stream, and not the session', async () => {
  const { first, second } = await makeTcpPair();
  void serveHttp2(first, options, new AbortController().signal, (exchange) => void exchange.respond(405, [], 'no\n'));
  const peer = new Http2Peer(new RawPeer(second));
  peer.start([[SETTINGS_INITIAL_WINDOW_SIZE, 0]]);
  const stream = peer.connect('db:22');
  await peer.frameOf(stream, 'headers');
  expect(await peer.endOf(stream)).toBe(CANCEL);
  expect(await peer.outcomeOf(peer.connect('db:22'))).toEqual({ status: 405 });
});
