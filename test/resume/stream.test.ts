import { expect, test } from 'vitest';
import { lendFirst, takeBlock } from '../../src/core/lent.ts';
import { kinds, makeFrame, writeHead, headBytes, maxPayload } from '../../src/resume/frames.ts';
import { StreamMemory } from '../../src/resume/memory.ts';
import { ResumableStream } from '../../src/resume/stream.ts';
import { App, makePipe } from '../support/harness/resume-parts.ts';
import { turn } from '../support/turns.ts';

const makeFirst = () => 0;

/** A stream over a transport whose other side the test writes. */
function open({ memory = new StreamMemory(Infinity), random = makeFirst } = {}) {
  const lost: Error[] = [];
  const state = { isOver: false };
  const owner = { onLost: (reason: Error) => void lost.push(reason), onOver: () => void (state.isOver = true) };
  const stream = new ResumableStream('far', owner, memory);
  const transport = attach(stream, 0, 0, random);
  return { stream, transport, lost, state };
}

function attach(stream: ResumableStream, received = 0, sent = 0, random = makeFirst) {
  const { near, far } = makePipe(random);
  stream.attach(far, { sent, received });
  const receive = (...frames: Buffer[]) => {
    near.write(Buffer.concat(frames));
    while (far.inbox.length > 0 && !far.failure && !far.isPaused && !stream.failure) far.deliver(Infinity);
  };
  return { near, far, receive, sent: () => Buffer.concat(near.inbox.splice(0)) };
}

function data(offset: number, payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload);
  const frame = Buffer.alloc(headBytes + bytes.length);
  writeHead(frame, 0, kinds.data, offset, bytes.length);
  bytes.copy(frame, headBytes);
  return frame;
}

/** Notes what a stream delivers. */
class Reader extends App {
  text = '';

  constructor(stream: ResumableStream) {
    super(stream, 'far', []);
  }

  override onData(chunk: Buffer): boolean {
    this.text += chunk.toString();
    return false;
  }

  override onEnd(): void {
    this.seesEnd = true;
  }

  override onFinish(): void {
    this.seesFinish = true;
  }
}

test('bytes that come twice are delivered once', () => {
  const { stream, transport } = open();
  const reader = new Reader(stream);
  transport.receive(data(0, 'abc'), data(0, 'abc'), data(1, 'bcde'), data(5, 'f'));
  expect(reader.text).toBe('abcdef');
  expect(reader.seesReset).toBe(false);
});

const lies: readonly (readonly [string, Buffer])[] = [
  ['a gap', data(5, 'x')],
  ['an end behind a gap', makeFrame(kinds.end, 7)],
  ['an end before bytes that came', makeFrame(kinds.end, 1)],
  ['an acknowledgement of bytes that were never sent', makeFrame(kinds.ack, 3)],
  ['a ping that acknowledges them', makeFrame(kinds.ping, 1)],
  ['that all is done', makeFrame(kinds.done, 3)],
  ['a frame of an unknown kind', makeFrame(9, 0)],
  ['an offset that cannot be counted', Buffer.from('0000000affffffffffffffff', 'hex')],
  ['an empty frame of bytes', makeFrame(kinds.data, 3)],
  ['a payload where there is none', data(0, 'x').fill(kinds.ack, 0, 1)],
  ['bytes behind the end', Buffer.concat([makeFrame(kinds.end, 3), data(4, 'x')])],
  ['a second end', Buffer.concat([makeFrame(kinds.end, 3), makeFrame(kinds.end, 2)])],
  ['a frame that is too large', data(3, Buffer.alloc(maxPayload + 1))],
];

test.each(lies)('%s ends both halves by a reset', (_what, frames) => {
  const { stream, transport, state } = open();
  const reader = new Reader(stream);
  transport.receive(data(0, 'abc'), frames);
  expect(reader.seesReset).toBe(true);
  expect(stream.failure?.message).toMatch(/^the other end sent /);
  expect(state.isOver).toBe(true);
  expect(transport.sent().subarray(-headBytes)).toEqual(makeFrame(kinds.reset, 0));
});

test('a transport that breaks at any byte loses nothing', () => {
  const frames = Buffer.concat([
    data(0, 'hello '),
    makeFrame(kinds.ping, 0),
    data(6, 'world'),
    makeFrame(kinds.end, 11),
  ]);
  for (let at = 0; at <= frames.length; at++) {
    const { stream, transport, lost } = open();
    const reader = new Reader(stream);
    transport.receive(frames.subarray(0, at));
    transport.far.break(new Error('cut'));
    stream.onTransportLost(new Error('cut'));
    expect(lost).toHaveLength(1);
    const { received } = stream.offsets;
    expect(reader.text).toBe('hello world'.slice(0, received));
    const next = attach(stream, 0, 12);
    next.receive(frames);
    expect([reader.text, reader.seesEnd, reader.seesReset]).toEqual(['hello world', true, false]);
  }
});

test('a writer waits once 4 MiB are not acknowledged, also while there is no transport', async () => {
  const { stream, transport } = open();
  const app = new Reader(stream);
  transport.far.break(new Error('cut'));
  await turn();
  let written = 0;
  while (stream.write(Buffer.alloc(100_000)) !== 'wait') written += 100_000;
  expect(written).toBeGreaterThan(4_000_000);
  expect(written).toBeLessThan(5_000_000);
  app.isFull = true;
  const next = attach(stream);
  expect(next.sent().length).toBeGreaterThan(written);
  expect(app.isFull).toBe(true);
  next.receive(makeFrame(kinds.ack, written));
  expect(app.isFull).toBe(false);
});

test('a reader that stands still receives no more than the window, and what exceeds it is refused', () => {
  const { stream, transport } = open();
  stream.listen(new Reader(stream));
  stream.pause();
  const chunk = Buffer.alloc(maxPayload);
  for (let offset = 0; offset < 32 * maxPayload && !stream.failure; offset += chunk.length) {
    transport.receive(data(offset, chunk));
  }
  expect(stream.offsets.received).toBeLessThanOrEqual((4 << 20) + 4 * maxPayload);
  expect(stream.failure?.message).toContain('bytes that do not follow');
});

test('single bytes in frames of their own take no more memory than their frames', () => {
  const memory = new StreamMemory(Infinity);
  const { stream } = open({ memory });
  stream.listen(new Reader(stream));
  for (let count = 0; count < 10_000; count++) stream.write(Buffer.from('x'));
  expect(memory.bytes).toBeGreaterThanOrEqual(13 * 10_000);
  expect(memory.bytes).toBeLessThan(13 * 10_000 + 2 * 65_536);
  stream.reset(new Error('enough'));
  expect(memory.bytes).toBe(0);
});

test('memory that a transport has kept is not used again, even if its bytes are acknowledged', () => {
  const { stream, transport } = open({ random: () => 1 });
  stream.write(Buffer.alloc(60_000, 1));
  const kept = transport.near.inbox.at(-1) ?? Buffer.of();
  const before = Buffer.from(kept);
  transport.receive(makeFrame(kinds.ack, 60_000));
  stream.write(Buffer.alloc(60_000, 2));
  expect(kept).toHaveLength(headBytes + 60_000);
  expect(kept.equals(before)).toBe(true);
});

test.each([
  ['free', true],
  ['kept', false],
  ['full', false],
  ['wait', true],
] as const)('memory that a transport took as %s is used again: %s', (fate, isUsedAgain) => {
  const { stream, transport } = open();
  const places: ArrayBufferLike[] = [];
  const pipeWrite = transport.far.write.bind(transport.far);
  transport.far.write = (chunk) => {
    pipeWrite(chunk);
    transport.far.owesDrain = true;
    places.push(chunk.buffer);
    return fate;
  };
  for (const acked of [60_000, 120_000]) {
    transport.far.drain();
    stream.write(Buffer.alloc(60_000));
    transport.receive(makeFrame(kinds.ack, acked));
  }
  const [first, second] = places.filter(({ byteLength }) => byteLength > 60_000);
  expect(second === first).toBe(isUsedAgain);
});

/** Writes bytes as a relay does whose socket lends them, and returns the fate and the block. */
function writeLent(stream: ResumableStream, bytes: number, fill: string) {
  const block = takeBlock();
  block.fill(fill, 0, bytes);
  let fate = '';
  const onData = (chunk: Buffer) => ['kept', 'full'].includes((fate = stream.write(chunk)));
  return { block, became: lendFirst(block, bytes, { onData }), fate };
}

test('a block that is lent is sent from where it lies, and used again once it is acknowledged', () => {
  const { stream, transport } = open();
  transport.sent();
  const { block, became, fate } = writeLent(stream, 60_000, 'x');
  expect([became, fate, transport.sent()]).toEqual(['taken', 'kept', data(0, 'x'.repeat(60_000))]);
  const other = takeBlock();
  expect(other).not.toBe(block);
  transport.receive(makeFrame(kinds.ack, 60_000));
  expect(takeBlock()).toBe(block);
});

test('a block that is lent is sent again over the next transport', () => {
  const { stream, transport } = open();
  writeLent(stream, 50_000, 'x');
  writeLent(stream, 3, 'y');
  transport.far.break(new Error('cut'));
  const next = attach(stream, 0);
  const frames = [data(0, 'x'.repeat(50_000)), data(50_000, 'yyy')];
  expect(next.sent()).toEqual(Buffer.concat([makeFrame(kinds.ack, 0), ...frames]));
});

test('two parts of a read are joined whichever of them is smaller', () => {
  const [long, short] = ['x'.repeat(50_000), 'y'.repeat(20_000)];
  for (const [first, second] of [
    [long, short],
    [short, long],
  ] as const) {
    const { stream, transport } = open();
    const reader = new Reader(stream);
    const pieces: number[] = [];
    const onData = reader.onData.bind(reader);
    reader.onData = (chunk) => {
      pieces.push(chunk.length);
      return onData(chunk);
    };
    transport.receive(data(0, first), data(first.length, second));
    expect([reader.text === first + second, pieces]).toEqual([true, [70_000]]);
  }
});

test('frames that come at once are delivered in one piece, before what follows them', () => {
  const { stream, transport } = open();
  const reader = new Reader(stream);
  const pieces: number[] = [];
  const onData = reader.onData.bind(reader);
  reader.onData = (chunk) => {
    pieces.push(chunk.length);
    return onData(chunk);
  };
  const [long, short] = ['x'.repeat(20_000), 'y'.repeat(20)];
  transport.receive(data(0, long), data(20_000, short), data(10_000, long.slice(10_000)), makeFrame(kinds.end, 20_020));
  expect(reader.text === long + short).toBe(true);
  expect([pieces, reader.seesEnd]).toEqual([[20_020], true]);
});

test('without memory for all, a writer waits earlier', () => {
  const memory = new StreamMemory(1_000_000);
  memory.add(1_000_001);
  const { stream } = open({ memory });
  stream.listen(new Reader(stream));
  expect(stream.write(Buffer.alloc(60_000))).toBe('free');
  expect(stream.write(Buffer.alloc(60_000))).toBe('wait');
});

test('a transport that is silent is asked, and then given up', () => {
  const { stream, transport, lost } = open();
  stream.listen(new Reader(stream));
  transport.sent();
  for (let tick = 0; tick < 14; tick++) stream.onTick();
  expect(transport.sent()).toHaveLength(0);
  stream.onTick();
  expect(transport.sent()).toEqual(makeFrame(kinds.ping, 0));
  transport.receive(makeFrame(kinds.ack, 0));
  for (let tick = 0; tick < 24; tick++) stream.onTick();
  expect(lost).toHaveLength(0);
  stream.onTick();
  expect(lost.map(({ message }) => message)).toEqual(['nothing came over the transport for more than 10s']);
});

test('a transport that nobody ends is reset once it is of no use', async () => {
  const { stream, transport } = open();
  const reader = new Reader(stream);
  stream.end();
  transport.receive(makeFrame(kinds.end, 0), makeFrame(kinds.ack, 1), makeFrame(kinds.done, 1));
  expect([reader.seesEnd, reader.seesFinish]).toEqual([true, true]);
  expect(transport.far.isEnding).toBe(true);
  expect(transport.far.failure).toBeUndefined();
  await expect.poll(() => transport.far.failure?.message, { timeout: 10_000 }).toContain('did not end the transport');
});
