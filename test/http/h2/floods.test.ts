import { beforeEach, describe, expect, test } from 'vitest';
import { startBlackhole } from '../../support/peers/blackhole.ts';
import { eventually } from '../../support/eventually.ts';
import { type Http2Bed, startHttp2Bed } from '../../support/harness/h2-bed.ts';
import { flags, formatFields, formatFrame, formatIndexedField, formatNumber } from '../../support/peers/h2-frames.ts';
import type { Http2Peer } from '../../support/peers/h2-peer.ts';

const cancel = formatNumber(0x8);
const none = Buffer.alloc(0);
const padded = 0x8;

/** Dials that an attack may start before it is noticed. */
const mostDials = 100;

describe.each(['clear', 'tls'] as const)('over %s', (security) => {
  let bed: Http2Bed;
  let peer: Http2Peer;
  /** Connections to the target before the attack. */
  let dialsBefore: number;

  beforeEach(async () => {
    bed = await startHttp2Bed({ security });
    peer = await bed.connect();
    await bed.expectTunnel(peer);
    dialsBefore = bed.dials();
  });

  const block = () =>
    formatFields([
      [':method', 'CONNECT'],
      [':authority', bed.authority],
    ]);
  const open = (stream: number, bits: number = flags.endHeaders) => formatFrame('headers', stream, block(), bits);

  /** Sends what each of many streams is attacked with. */
  function attackWith(count: number, write: (stream: number) => readonly Buffer[]): void {
    for (let left = count; left > 0; left--) peer.raw.send(Buffer.concat(write(peer.nextStream())));
  }

  /** The session of the attacker ends and takes its tunnels along; everybody else's goes on. */
  async function expectSessionEnded(): Promise<void> {
    expect(await peer.waitForSessionEnd()).not.toBe(0);
    expect(bed.dials() - dialsBefore).toBeLessThanOrEqual(mostDials);
    await bed.expectControl();
    await bed.expectTunnel(await bed.connect());
  }

  test('10,000 streams that are opened and reset at once end the session', async () => {
    attackWith(10_000, (stream) => [open(stream), formatFrame('reset', stream, cancel)]);
    await expectSessionEnded();
    await eventually(() => [bed.serve.running.tunnels.size, bed.target.open], [2, 2]);
  });

  test('resets of tunnels that wait for their target end the session, and no dial goes on', async () => {
    const { address } = await startBlackhole();
    const waiting = Array.from({ length: 150 }, () => peer.connect(`127.0.0.1:${address.port}`));
    await eventually(() => bed.serve.running.tunnels.size, 152);
    for (const stream of waiting) peer.send('reset', stream, cancel);
    await expectSessionEnded();
    await eventually(() => [bed.serve.running.tunnels.size, bed.target.open], [2, 2]);
  });

  test.each<[string, (stream: number) => readonly Buffer[]]>([
    [
      'a window that grows by nothing',
      (stream) => [open(stream), formatFrame('windowUpdate', stream, formatNumber(0))],
    ],
    [
      'a window that overflows',
      (stream) => [open(stream), formatFrame('windowUpdate', stream, formatNumber(0x7fff_ffff))],
    ],
    [
      'data after the end',
      (stream) => [open(stream, flags.endHeaders | flags.endStream), formatFrame('data', stream, Buffer.of(1))],
    ],
    ['a second request on the same stream', (stream) => [open(stream), open(stream)]],
    [
      'a priority below itself',
      (stream) => [open(stream), formatFrame('priority', stream, Buffer.concat([formatNumber(stream), Buffer.of(1)]))],
    ],
    ['a reset of three bytes', (stream) => [open(stream), formatFrame('reset', stream, Buffer.alloc(3))]],
    [
      'no authority',
      (stream) => [formatFrame('headers', stream, formatFields([[':method', 'CONNECT']]), flags.endHeaders)],
    ],
  ])('2,000 streams that make us reset them, with %s, end the session', async (_, write) => {
    attackWith(2000, write);
    await expectSessionEnded();
  });

  /** Sends the same frame very often. */
  function repeat(count: number, frame: Buffer): void {
    const batch = Buffer.concat(Array.from({ length: 1000 }, () => frame));
    for (let left = count; left > 0; left -= 1000) peer.raw.send(batch);
  }

  test.each<[string, () => void]>([
    [
      '9 CONTINUATION frames',
      () => {
        const stream = peer.nextStream();
        peer.send('headers', stream, block());
        for (let left = 9; left > 0; left--) peer.send('continuation', stream, formatFields([['x', 'y']]));
      },
    ],
    [
      '10,000 empty CONTINUATION frames',
      () => {
        const stream = peer.nextStream();
        peer.send('headers', stream, block());
        repeat(10_000, formatFrame('continuation', stream));
      },
    ],
    ['100,000 PING frames', () => repeat(100_000, formatFrame('ping', 0, Buffer.alloc(8)))],
    ['100,000 SETTINGS frames', () => repeat(100_000, formatFrame('settings', 0))],
    ['2,000 empty DATA frames', () => repeat(2000, formatFrame('data', 1))],
    ['2,000 DATA frames of padding', () => repeat(2000, formatFrame('data', 1, Buffer.alloc(9, 8), padded))],
    [
      '400,000 answers to a PING that nobody sent',
      () => repeat(400_000, formatFrame('ping', 0, Buffer.alloc(8), flags.ack)),
    ],
    ['400,000 acknowledgements of settings', () => repeat(400_000, formatFrame('settings', 0, none, flags.ack))],
    ['400,000 frames of GOAWAY', () => repeat(400_000, formatFrame('goaway', 0, Buffer.alloc(8)))],
    ['400,000 windows that grow by one byte', () => repeat(400_000, formatFrame('windowUpdate', 0, formatNumber(1)))],
    ['400,000 PRIORITY frames', () => repeat(400_000, formatFrame('priority', 1001, Buffer.of(0, 0, 0, 0, 1)))],
    ['400,000 frames of a type that nobody knows', () => repeat(400_000, formatFrame('origin', 0, none))],
    ['a frame above our limit', () => peer.send('data', 1, Buffer.alloc(16_385))],
    [
      'a push from the client',
      () => peer.send('pushPromise', 1, Buffer.concat([formatNumber(2), block()]), flags.endHeaders),
    ],
    ['a stream of an even number', () => peer.send('headers', 2, block(), flags.endHeaders)],
    ['data on a stream that nobody opened', () => peer.send('data', 101, 'x')],
    ['data on stream 0', () => peer.send('data', 0, 'x')],
    ['a connection window that grows by nothing', () => peer.widen(0, 0)],
    ['a connection window that overflows', () => [0, 0].forEach(() => peer.widen(0, 0x7fff_ffff))],
    ['33 settings in one frame', () => peer.settings(Array.from({ length: 33 }, () => [4, 65_535] as const))],
    [
      'a header block that is none',
      () => peer.send('headers', peer.nextStream(), Buffer.alloc(100, 0xff), flags.endHeaders),
    ],
  ])('%s end the session', async (_, attack) => {
    attack();
    await expectSessionEnded();
  });

  test.each<[string, () => void]>([
    ['100,000 PRIORITY frames', () => repeat(100_000, formatFrame('priority', 1001, Buffer.of(0, 0, 0, 0, 1)))],
    ['100,000 frames of a type that nobody knows', () => repeat(100_000, formatFrame('origin', 0, none))],
    [
      'a header block that unpacks to 4 MB',
      () => {
        const field = formatIndexedField(['x', 'v'.repeat(4000)]);
        // Each byte names the field that has just entered the dynamic table.
        const bomb = Buffer.concat([block(), field, Buffer.alloc(1000, 0xbe)]);
        peer.send('headers', peer.nextStream(), bomb, flags.endHeaders);
      },
    ],
  ])('%s end nothing', async (_, attack) => {
    attack();
    await bed.expectTunnel(peer);
    await bed.expectControl();
    expect(bed.dials() - dialsBefore).toBe(1);
  });

  test('a client that sends PING frames and reads no answers is cut', async () => {
    const { stream } = peer.raw;
    stream.pause();
    const batch = Buffer.concat(Array.from({ length: 1000 }, () => formatFrame('ping', 0, Buffer.alloc(8))));
    const gone = new Promise<false>((resolve) => stream.once('close', () => resolve(false)));
    const drained = () => new Promise<true>((resolve) => stream.once('drain', () => resolve(true)));
    for (let isOpen = true; isOpen;) isOpen = stream.write(batch) || (await Promise.race([gone, drained()]));
    await bed.expectControl();
  });
});
