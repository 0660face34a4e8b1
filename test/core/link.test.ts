import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { guardStream, type Link, linkPair, resetError, streamLink } from '../../src/core/link.ts';
import { eventually } from '../support/eventually.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';

test('a pair gives each end the peer that it was told', () => {
  const [first, second] = linkPair({ first: { identity: 'client' }, second: { identity: 'server' } });
  expect([first.peer.identity, second.peer.identity]).toEqual(['client', 'server']);
});

test('a writer is called back only when the reader asks for more', async () => {
  const [writer, reader] = linkPair();
  let called = 0;
  for (let chunk = 0; chunk < 8; chunk++) writer.stream.write(Buffer.alloc(16 * 1024), () => called++);
  await new Promise((resolve) => setImmediate(resolve));
  const before = called;
  expect(before).toBeLessThan(8);
  reader.stream.resume();
  await new Promise((resolve) => writer.stream.write('', resolve));
  expect(called).toBe(8);
});

test('destroying one end without an error is a reset for the other, even in a write callback', async () => {
  const [first, second] = linkPair();
  const far = new RawPeer(second);
  first.stream.write('x', () => first.stream.destroy());
  expect(await far.waitForEnd()).toBe('reset');
  expect(second.stream.errored).toMatchObject({ code: 'ECONNRESET' });
});

test.each([10_000, 40_000])(
  'what an end has taken, %i bytes, comes before the reset of the other though its reader had paused',
  async (bytes) => {
    const [first, second] = linkPair();
    const far = new RawPeer(second, { reading: false });
    first.stream.write(Buffer.alloc(bytes));
    await eventually(() => second.stream.readableLength, bytes);
    first.reset(resetError('gone'));
    expect(await far.waitForEnd()).toBe('reset');
    expect(far.inbox.size).toBe(bytes);
  },
);

test('destroying an end whose halves have both ended is no reset', async () => {
  const [first, second] = linkPair();
  const [near, far] = [new RawPeer(first), new RawPeer(second)];
  near.fin();
  far.fin();
  await near.readToEnd();
  await far.readToEnd();
  first.stream.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  expect(second.stream.errored).toBeNull();
});

test('an error of a guarded stream ends nothing but the stream', async () => {
  const stream = guardStream(new PassThrough());
  stream.destroy(resetError('gone'));
  await new Promise((resolve) => stream.once('close', resolve));
  expect(stream.errored).toMatchObject({ code: 'ECONNRESET' });
});

test('resetting a Link over any stream destroys it with the error', () => {
  const link = streamLink(new PassThrough());
  const error = new Error('cut');
  link.reset(error);
  expect(link.stream.errored).toBe(error);
});

test.each([
  [0, 'waits with what it cannot write, however the other does'],
  [1 << 20, 'goes ahead where both ends wait for each other, no further than it may'],
])('a pair with %i bytes of slack %s', async (slackBytes) => {
  const [first, second] = linkPair({ slackBytes });
  // Neither reads before its own write is done, as an HTTP/2 session of Node does.
  const write = (link: Link, bytes: number) =>
    new Promise<string>((resolve) => void link.stream.write(Buffer.alloc(bytes), () => resolve('done')));
  for (const { stream } of [first, second]) {
    stream.pause();
    stream.write(Buffer.alloc(64 * 1024));
  }
  const later = [write(first, 64 * 1024), write(second, 64 * 1024)];
  const outcome = Promise.race([Promise.all(later), new Promise((resolve) => setTimeout(resolve, 50, 'stuck'))]);
  expect(await outcome).toEqual(slackBytes > 0 ? ['done', 'done'] : 'stuck');
  const more = Array.from({ length: 64 }, () => [write(first, 64 * 1024), write(second, 64 * 1024)]).flat();
  const all = Promise.race([Promise.all(more), new Promise((resolve) => setTimeout(resolve, 50, 'stuck'))]);
  expect(await all).toBe('stuck');
  expect(first.stream.readableLength).toBeLessThanOrEqual(slackBytes + 64 * 1024);
});
