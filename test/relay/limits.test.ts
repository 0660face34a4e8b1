import { describe, expect, test } from 'vitest';
import { linkPair } from '../../src/core/link.ts';
import { relay, type RelayLimits } from '../../src/relay/relay.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';

function start(limits: RelayLimits, options?: { reading: boolean }) {
  const [clientEnd, client] = linkPair({ bufferBytes: 16_384 });
  const [upstream, target] = linkPair();
  const handle = relay(clientEnd, upstream, limits);
  return { client: new RawPeer(client, options), target: new RawPeer(target), upstream, handle, done: handle.done };
}

test('a tunnel that moves nothing is reset on both sides, by the limit that has a name', async () => {
  const { client, target, done } = start({ idleMs: 20, lingerMs: 4000 });
  expect(await done).toMatchObject({
    end: 'idle',
    side: 'self',
    error: { code: 'tunnel_idle', message: 'the tunnel was idle for 20ms (--idle-timeout)' },
  });
  expect([await client.waitForEnd(), await target.waitForEnd()]).toEqual(['reset', 'reset']);
});

test('a half that goes on without progress is ended by the other limit', async () => {
  const { client, target, done } = start({ idleMs: 0, lingerMs: 20 });
  client.fin();
  expect(await done).toMatchObject({
    end: 'linger',
    error: { message: 'one side has ended and the other was idle for 20ms (--linger)' },
    ended: { client: true, target: false },
  });
  expect(await target.waitForEnd()).toBe('fin');
});

test('of both limits the shorter one ends a half-closed tunnel, and says which it was', async () => {
  const idle = start({ idleMs: 20, lingerMs: 4000 });
  idle.client.fin();
  expect((await idle.done).error?.message).toBe('the tunnel was idle for 20ms (--idle-timeout)');
  const linger = start({ idleMs: 4000, lingerMs: 20 });
  linger.client.fin();
  expect((await linger.done).error?.message).toContain('(--linger)');
});

test('a target that has ended has a limit of its own', async () => {
  const { target, done } = start({ idleMs: 0, lingerMs: 4000, targetEndedLingerMs: 20 });
  target.fin();
  expect(await done).toMatchObject({ end: 'linger', ended: { client: false, target: true } });
});

test('a target that has ended and takes nothing more either has another one', async () => {
  const { target, upstream, done } = start({ idleMs: 0, lingerMs: 4000, targetGoneLingerMs: 20 });
  target.fin();
  upstream.stream.end();
  expect(await done).toMatchObject({ end: 'linger', ended: { client: false, target: true }, delivered: true });
});

test('a client that has not taken all of what came before the end keeps the usual limit', async () => {
  const limits = { idleMs: 0, lingerMs: 40, targetEndedLingerMs: 1 };
  const { target, done } = start(limits, { reading: false });
  // The second chunk is taken by the relay and waits for the client.
  for (const chunk of [Buffer.alloc(10_000), Buffer.alloc(10_000)]) {
    target.stream.write(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  target.fin();
  expect(await done).toMatchObject({
    end: 'linger',
    error: { message: 'one side has ended and the other was idle for 40ms (--linger)' },
    delivered: false,
  });
});

describe('a tunnel that waits for a transport', () => {
  test('has no limits meanwhile', async () => {
    const waiting = start({ idleMs: 20, lingerMs: 20 });
    waiting.handle.setWaiting(true);
    waiting.client.fin();
    expect(await waiting.target.waitForEnd()).toBe('fin');
    // It has the same limits, and began later.
    const other = start({ idleMs: 20, lingerMs: 20 });
    expect(await other.done).toMatchObject({ end: 'idle' });
    waiting.target.send('late');
    waiting.target.fin();
    expect((await waiting.client.readToEnd()).toString()).toBe('late');
    expect(await waiting.done).toMatchObject({ end: 'clean' });
  });

  test.each([
    ['idle', false],
    ['linger', true],
  ])('has them again afterwards: %s', async (end, isHalfClosed) => {
    const { client, target, handle, done } = start({ idleMs: isHalfClosed ? 4000 : 20, lingerMs: 20 });
    handle.setWaiting(true);
    if (isHalfClosed) client.fin();
    if (isHalfClosed) await target.waitForEnd();
    handle.setWaiting(false);
    expect(await done).toMatchObject({ end });
  });
});
