import { describe, expect, test } from 'vitest';
import type { Http2Client } from '../../src/h2/client.ts';
import { errorCodes } from '../../src/h2/codes.ts';
import type { Http2Stream } from '../../src/h2/stream.ts';
import { type Joined, joinEngines, settle, smallSetup } from '../support/harness/h2-joined.ts';
import { formatFrame, formatNumber, parseFrame, preface } from '../support/peers/h2-frames.ts';

const pseudo = { method: 'CONNECT', authority: 'db:22' };

/** Two ends whose server answers each request with 200, and the streams that it has accepted. */
function join() {
  const accepted: Http2Stream[] = [];
  const joined = joinEngines(smallSetup, ({ stream }) => {
    accepted.push(stream);
    joined.server.respond(stream, 200, [], false);
  });
  const open = (client: Http2Client = joined.client) => client.open(pseudo, [], false);
  return { ...joined, joined, accepted, open };
}

/** Takes everything that the server has written, as frames. */
function takeFrames({ back, server }: Joined) {
  server.flush();
  const frames = [];
  for (let frame = parseFrame(back.bytes); frame; frame = parseFrame(back.bytes)) {
    frames.push(frame);
    back.take(9 + frame.payload.length);
  }
  return frames;
}

test('streams above the limit are refused one by one, and the others go on', async () => {
  const { joined, open, accepted, client } = join();
  const streams = Array.from({ length: smallSetup.maxStreams + 2 }, () => open());
  await settle(joined);
  expect(accepted).toHaveLength(smallSetup.maxStreams);
  const refused = streams.splice(smallSetup.maxStreams);
  expect(refused.map((stream) => [stream.closeCode, client.isUnprocessed(stream)])).toEqual([
    [errorCodes.refusedStream, true],
    [errorCodes.refusedStream, true],
  ]);
  expect(streams.every((stream) => stream.isAnswered && !stream.isClosed)).toBe(true);
  streams[0]?.abort(errorCodes.cancel);
  const next = open();
  await settle(joined);
  expect(next.isAnswered).toBe(true);
  expect(joined.faults).toEqual([]);
});

test.each([
  ['no larger frames than everybody', '', false],
  ['larger frames', '000500010000', true],
])('a client that takes %s may send as much itself', (_, settings, isTaken) => {
  const { joined, server, faults } = join();
  server.feed(Buffer.concat([preface, formatFrame('settings', 0, Buffer.from(settings, 'hex'))]));
  const announced = takeFrames(joined).filter(({ type, flags }) => type === 'settings' && flags === 0);
  expect(announced.map(({ payload }) => payload.toString('hex').includes('000500010000'))).toEqual(
    isTaken ? [false, true] : [false],
  );
  // A frame that nobody knows, and of which nothing has to be kept.
  server.feed(formatFrame('origin', 0, Buffer.alloc(65_536)));
  expect(faults).toEqual(isTaken ? [] : ['server: a frame is too large']);
});

describe('a server that drains', () => {
  test('serves what the client asked for before it knew, and says a round trip later which stream was the last', async () => {
    const { joined, open, accepted, client, server } = join();
    open();
    await settle(joined);
    server.drain();
    server.flush();
    const late = open();
    await settle(joined);
    expect(accepted).toHaveLength(2);
    expect([late.isAnswered, client.isUsable, client.lastActedUpon]).toEqual([true, false, late.id]);
  });

  test('takes the answer to another PING for no round trip', async () => {
    const { joined, open, accepted, client, server, back } = join();
    open();
    await settle(joined);
    server.ping();
    server.flush();
    client.feed(back.take(back.bytes.length));
    client.flush();
    server.drain();
    const late = open();
    server.feed(joined.there.take(17));
    expect(takeFrames(joined).map(({ type }) => type)).toEqual(['goaway', 'ping']);
    client.flush();
    await settle(joined);
    expect([accepted.length, late.isAnswered]).toEqual([2, true]);
  });
});

describe('updates of windows that are hardly worth their frame', () => {
  const update = (stream: number) => formatFrame('windowUpdate', stream, formatNumber(1));

  test('are taken from a client that sends two of them for each frame of data', async () => {
    const { joined, open, accepted, server, client } = join();
    const { id } = open();
    await settle(joined);
    const [stream] = accepted as [Http2Stream];
    const updates = Buffer.concat([update(0), update(id)]);
    for (let left = 130_000; left > 0 && !server.isOver; left--) {
      stream.write(Buffer.of(1));
      server.flush();
      joined.back.bytes = Buffer.alloc(0);
      server.feed(updates);
    }
    expect([joined.faults, client.isOver]).toEqual([[], false]);
  });

  test('end the session of a client that sends them without end', async () => {
    const { joined, open, server } = join();
    const { id } = open();
    await settle(joined);
    const updates = Buffer.concat(Array.from({ length: 1000 }, () => update(id)));
    for (let left = 400; left > 0 && !server.isOver; left--) server.feed(updates);
    expect(joined.faults).toEqual(['server: too many frames that move nothing']);
  });
});

test('memory with data before a faulty frame is still needed', async () => {
  const { joined, open, accepted, server, faults } = join();
  open();
  await settle(joined);
  const [stream] = accepted;
  const kept: string[] = [];
  stream?.listen({
    onData: (chunk) => kept.push(chunk.toString()) > 0,
    onEnd: () => {},
    onDrain: () => {},
    onFinish: () => {},
    onReset: () => {},
  });
  stream?.resume();
  const bytes = Buffer.concat([
    formatFrame('data', 1, Buffer.from('hello')),
    formatFrame('windowUpdate', 0, formatNumber(0)),
  ]);
  expect(server.feed(bytes)).toBe(true);
  expect([kept, faults]).toEqual([['hello'], ['server: a WINDOW_UPDATE of nothing']]);
});

test('a stream with nothing in its queue does not wait for the queues of others', async () => {
  const { joined, open, accepted, back } = join();
  open();
  open();
  await settle(joined);
  const [slow, other] = accepted as [Http2Stream, Http2Stream];
  for (let mib = 0; mib < 9; mib++) slow.write(Buffer.alloc(1 << 20));
  back.keeps = true;
  expect([slow.write(Buffer.alloc(20_000)), other.write(Buffer.alloc(20_000))]).toEqual(['full', 'kept']);
});
