import { beforeEach, describe, expect, test } from 'vitest';
import { type Http2Bed, startHttp2Bed } from '../../support/harness/h2-bed.ts';
import { eventually } from '../../support/eventually.ts';
import { formatFrame } from '../../support/peers/h2-frames.ts';
import type { Http2Peer } from '../../support/peers/h2-peer.ts';
import { type Behaviour, startTarget } from '../../support/targets/plain.ts';

const SETTINGS_INITIAL_WINDOW_SIZE = 4;
const mostWindow = 0x7fff_ffff;
const firstWindow = 65_535;

/** The most memory that this process may hold beyond what it held before. */
const spareBytes = 64 * 1024 * 1024;

const chunk = Buffer.alloc(65_536);

/** Sends without end, as fast as it is read. */
const gush: Behaviour = (socket) => {
  const fill = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', fill);
  fill();
};

describe.each(['clear', 'tls'] as const)('over %s', (security) => {
  let bed: Http2Bed;
  let peer: Http2Peer;

  beforeEach(async () => {
    bed = await startHttp2Bed({ security });
    peer = await bed.connect();
  });

  async function open(port: number): Promise<number> {
    const stream = peer.connect(`127.0.0.1:${port}`);
    expect(await peer.outcomeOf(stream)).toEqual({ status: 200 });
    return stream;
  }

  // Over TLS it is the same code, and takes its time.
  const frames = security === 'clear' ? 1_000_000 : 100_000;

  test(`${frames} DATA frames of one byte arrive`, async () => {
    let bytes = 0;
    const target = await startTarget((socket) => void socket.on('data', (data) => (bytes += data.length)));
    const stream = await open(target.port);
    const batch = Buffer.concat(Array.from({ length: 1000 }, () => formatFrame('data', stream, Buffer.of(1))));
    const { stream: connection } = peer.raw;
    for (let left = frames; left > 0; left -= 1000) {
      if (!connection.write(batch)) await new Promise((resolve) => connection.once('drain', resolve));
    }
    await eventually(() => bytes, frames);
    await bed.expectTunnel(peer);
    await bed.expectControl();
  }, 180_000);

  test('a client that takes one byte at a time gets one byte at a time, and the rest at once when it likes', async () => {
    const target = await startTarget((socket) => void socket.end(Buffer.alloc(5000, 'abc')));
    peer.settings([[SETTINGS_INITIAL_WINDOW_SIZE, 0]]);
    const stream = await open(target.port);
    const bytes: Buffer[] = [];
    while (bytes.length < 2000) {
      peer.widen(stream, 1);
      const { payload } = await peer.frameOf(stream, 'data');
      expect(payload).toHaveLength(1);
      bytes.push(payload);
    }
    peer.widen(stream, 100_000);
    bytes.push(await peer.read(stream, 3000));
    expect(Buffer.concat(bytes).equals(Buffer.alloc(5000, 'abc'))).toBe(true);
    expect(await peer.endOf(stream)).toBe('end');
    await bed.expectControl();
  });

  test('200 tunnels that nobody reads leave room for the next one', async () => {
    const target = await startTarget(gush);
    peer.settings([[SETTINGS_INITIAL_WINDOW_SIZE, 256 * 1024]]);
    peer.widen(0, mostWindow - firstWindow);
    for (let left = 200; left > 0; left--) peer.connect(`127.0.0.1:${target.port}`);
    await eventually(() => target.open, 200);
    await bed.expectTunnel(peer);
    await bed.expectControl();
  });

  test('what a client with endless windows does not read is not kept here', async () => {
    const target = await startTarget(gush);
    peer.settings([[SETTINGS_INITIAL_WINDOW_SIZE, mostWindow]]);
    peer.widen(0, mostWindow - firstWindow);
    await bed.expectTunnel(peer);
    const before = process.memoryUsage().arrayBuffers;
    peer.raw.stream.pause();
    for (let left = 100; left > 0; left--) peer.connect(`127.0.0.1:${target.port}`);
    await eventually(() => target.open, 100);
    // The others take so many turns that anything which could pile up does.
    for (let left = 500; left > 0; left--) await bed.expectControl();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(spareBytes);
    await bed.expectTunnel(await bed.connect());
  });

  test('what a target does not read is not kept here, and its neighbours in the session go on', async () => {
    const target = await startTarget((socket) => void socket.pause());
    const before = process.memoryUsage().arrayBuffers;
    for (let left = 50; left > 0; left--) {
      const stream = await open(target.port);
      // As much as the window of a stream always lets it.
      for (let more = 4; more > 0; more--) peer.send('data', stream, Buffer.alloc(16_000));
    }
    await bed.expectTunnel(peer);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(spareBytes);
    await bed.expectControl();
  });
});

test('a client that sends more than its windows let it loses its session', async () => {
  const bed = await startHttp2Bed();
  const peer = await bed.connect();
  peer.acknowledged = 1;
  const target = await startTarget((socket) => void socket.pause());
  const windows = new Map<number, number>();
  // The system takes some bytes for a target that does not read. Once they are half a window, the window opens again;
  // all bytes after them stay here.
  for (let left = 80; left > 0; left--) {
    const stream = peer.connect(`127.0.0.1:${target.port}`);
    expect(await peer.outcomeOf(stream)).toEqual({ status: 200 });
    windows.set(stream, 4 * 1024 * 1024);
  }
  const { stream: connection } = peer.raw;
  const part = chunk.subarray(0, 16_384);
  const hasRoom = ([, window]: [number, number]) => window >= part.length;
  let isSending = false;
  /** Sends as much as the windows let it, and no faster than it is taken. */
  const send = async () => {
    if (isSending) return;
    isSending = true;
    for (let ready = [...windows].filter(hasRoom); ready.length > 0; ready = [...windows].filter(hasRoom)) {
      for (const [stream] of ready) {
        windows.set(stream, (windows.get(stream) ?? 0) - part.length);
        if (connection.destroyed) return;
        if (connection.write(formatFrame('data', stream, part))) continue;
        await new Promise<void>((resolve) => {
          const onRoom = () => {
            connection.off('drain', onRoom).off('close', onRoom);
            resolve();
          };
          connection.on('drain', onRoom).on('close', onRoom);
        });
      }
    }
    isSending = false;
  };
  const before = process.memoryUsage().arrayBuffers;
  void send();
  const { payload } = await peer.until('GOAWAY', ({ type, stream, payload: bytes }) => {
    if (type === 'windowUpdate' && stream > 0) windows.set(stream, (windows.get(stream) ?? 0) + bytes.readUInt32BE(0));
    void send();
    return type === 'goaway';
  });
  expect(payload.readUInt32BE(4)).toBe(0x3);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(6 * spareBytes);
  await eventually(() => bed.serve.running.tunnels.size, 1);
  await bed.expectControl();
});
