import { expect, test, vi } from 'vitest';
import { linkPair } from '../../../src/core/link.ts';
import { bodyLink } from '../../../src/http/body/link.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';
import { moveTimers, turn } from '../../support/turns.ts';

/** A Link of two bodies in chunks, and the raw connection below it. */
function start() {
  const [below, far] = linkPair();
  const link = bodyLink(below, { kind: 'chunked' });
  link.stream.resume();
  return { stream: link.stream, below: below.stream, far: new RawPeer(far, { reading: false }) };
}

moveTimers();

test('what waits is sent before the end, if the other body ends first', async () => {
  const { stream, far } = start();
  const [first, second] = [Buffer.alloc(300_000, 'a'), Buffer.alloc(300_000, 'b')];
  stream.write(first);
  await turn();
  stream.write(second);
  stream.end();
  far.send('0\r\n\r\n');
  await turn();
  far.stream.resume();
  const sent = (await far.readToEnd()).toString();
  expect(sent === `493e0\r\n${String(first)}\r\n493e0\r\n${String(second)}\r\n0\r\n\r\n`).toBe(true);
  expect(stream.errored).toBeNull();
  far.fin();
  await turn();
});

test('a connection that the other side never ends is closed a few seconds after both bodies have ended', async () => {
  const { stream, below, far } = start();
  stream.end(Buffer.alloc(300_000));
  far.send('0\r\n\r\n');
  await vi.advanceTimersByTimeAsync(60_000);
  // It has not read everything yet.
  expect(below.destroyed).toBe(false);
  far.stream.resume();
  await turn();
  await vi.advanceTimersByTimeAsync(3000);
  expect([stream.destroyed, below.destroyed]).toEqual([true, false]);
  await vi.advanceTimersByTimeAsync(3000);
  expect([below.destroyed, stream.errored]).toEqual([true, null]);
});
