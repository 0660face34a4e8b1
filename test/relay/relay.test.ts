import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Link, linkPair, resetError } from '../../src/core/link.ts';
import { relay, type RelayLimits } from '../../src/relay/relay.ts';
import { drain, pour } from '../support/bulk.ts';
import { eventually, waitForStall } from '../support/eventually.ts';
import { fingerprint, makePayload } from '../support/payload.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';

afterEach(() => void vi.useRealTimers());

const noLimits: RelayLimits = { idleMs: 0, lingerMs: 0 };

/** A relay between two pairs: the client plays at one far end, the target at the other. */
function start(limits: RelayLimits = noLimits, options?: { reading?: boolean }) {
  const [clientFar, client] = linkPair();
  const [upstream, targetFar] = linkPair();
  const handle = relay(client, upstream, limits);
  return {
    client: new RawPeer(clientFar, options),
    target: new RawPeer(targetFar, options),
    links: { client, upstream },
    handle,
  };
}

describe('bytes', () => {
  test('go both ways at once, unchanged, and are counted', async () => {
    const { client, target, handle } = start();
    const [there, back] = [makePayload(300_000), makePayload(200_001)];
    client.send(there);
    target.send(back);
    expect(fingerprint(await target.read(there.length))).toBe(fingerprint(there));
    expect(fingerprint(await client.read(back.length))).toBe(fingerprint(back));
    expect([handle.sent, handle.received]).toEqual([300_000, 200_001]);
  });

  test('that came before the relay began are the first to go', async () => {
    const [clientFar, client] = linkPair();
    const [upstream, targetFar] = linkPair();
    clientFar.stream.end('early');
    client.stream.pause();
    client.stream.unshift(Buffer.from('earlier, '));
    await new Promise((resolve) => setImmediate(resolve));
    relay(client, upstream, noLimits);
    expect((await new RawPeer(targetFar).readToEnd()).toString()).toBe('earlier, early');
  });

  test('wait at their source while the destination stands still', async () => {
    const { client, target, links } = start(noLimits, { reading: false });
    const sending = pour(client.stream, 4 << 20);
    await waitForStall(() => sending.offered);
    expect(sending.offered).toBeLessThan(1 << 20);
    expect(links.upstream.stream.writableLength + links.client.stream.readableLength).toBeLessThan(1 << 20);
    expect(await drain(target.stream)).toBe(await sending.done);
  });
});

describe('an end', () => {
  test('of the client goes on after its last byte, and the answer still comes', async () => {
    const { client, target, handle } = start();
    client.send('question');
    client.fin();
    expect((await target.readToEnd()).toString()).toBe('question');
    target.send('answer');
    target.fin();
    expect((await client.readToEnd()).toString()).toBe('answer');
    expect(await handle.done).toEqual({
      end: 'clean',
      ended: { client: true, target: true },
      delivered: true,
      unheard: false,
    });
  });

  test('of the target goes on after its last byte, and the client may still send', async () => {
    const { client, target, handle } = start();
    target.send('bye');
    target.fin();
    expect((await client.readToEnd()).toString()).toBe('bye');
    client.send('one more thing');
    client.fin();
    expect((await target.readToEnd()).toString()).toBe('one more thing');
    expect(await handle.done).toMatchObject({ end: 'clean' });
  });

  test('of both at once loses nothing and leaves both Links closed', async () => {
    const { client, target, links, handle } = start();
    client.send('a');
    target.send('b');
    client.fin();
    target.fin();
    expect([(await target.readToEnd()).toString(), (await client.readToEnd()).toString()]).toEqual(['a', 'b']);
    expect(await handle.done).toMatchObject({ end: 'clean' });
    await eventually(() => [links.client.stream.closed, links.upstream.stream.closed], [true, true]);
  });

  test('is not clean before the last byte was taken', async () => {
    const { client, target, handle } = start(noLimits, { reading: false });
    let ended = false;
    void handle.done.then(() => (ended = true));
    target.stream.end(makePayload(200_000));
    client.fin();
    target.stream.resume();
    await target.waitForEnd();
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(false);
    client.stream.resume();
    expect(await handle.done).toMatchObject({ end: 'clean' });
    expect(client.inbox.size).toBe(200_000);
  });
});

describe('a reset', () => {
  test('of the client reaches the target as one', async () => {
    const { client, target, handle } = start();
    client.reset();
    expect(await target.waitForEnd()).toBe('reset');
    expect(await handle.done).toMatchObject({ end: 'reset', side: 'client', ended: { client: false, target: false } });
  });

  test('of the target reaches the client as one', async () => {
    const { client, target, handle } = start();
    target.reset();
    expect(await client.waitForEnd()).toBe('reset');
    expect(await handle.done).toMatchObject({ end: 'reset', side: 'target', error: { code: 'ECONNRESET' } });
  });

  test('after an end of the other half is still a reset', async () => {
    const { client, target, handle } = start();
    client.fin();
    await target.readToEnd();
    target.reset();
    expect(await client.waitForEnd()).toBe('reset');
    expect(await handle.done).toMatchObject({ end: 'reset', side: 'target', ended: { client: true } });
  });

  test('lets what was taken before it still arrive', async () => {
    const [clientFar, client] = linkPair();
    const [upstream, targetFar] = linkPair();
    const handle = relay(client, upstream, { idleMs: 0, lingerMs: 4000 });
    const target = new RawPeer(targetFar);
    targetFar.stream.write(makePayload(40_000));
    await eventually(() => handle.received, 40_000);
    target.reset();
    expect(await handle.done).toMatchObject({ end: 'reset', side: 'target' });
    const peer = new RawPeer(clientFar);
    expect(await peer.read(40_000)).toHaveLength(40_000);
    expect(await peer.waitForEnd()).toBe('reset');
  });

  test('does not wait for ever for a side that takes nothing', async () => {
    const { client, target, handle } = start({ idleMs: 0, lingerMs: 20 }, { reading: false });
    target.send(makePayload(100_000));
    await eventually(() => handle.received > 0, true);
    target.reset();
    expect(await client.waitForEnd()).toBe('reset');
  });

  test('before the relay began is passed on too', async () => {
    const [clientFar, client] = linkPair();
    const [upstream, targetFar] = linkPair();
    clientFar.reset(resetError('gone'));
    await new Promise((resolve) => client.stream.once('close', resolve));
    const target = new RawPeer(targetFar);
    const handle = relay(client, upstream, noLimits);
    expect(await target.waitForEnd()).toBe('reset');
    expect(await handle.done).toMatchObject({ end: 'reset', side: 'client' });
  });
});

test('the first bytes are shown once, even if nobody takes them any more', async () => {
  const [, client] = linkPair();
  const [upstream, targetFar] = linkPair();
  const seen: string[] = [];
  const onFirst = (from: string, chunk: Buffer) => void seen.push(`${from}: ${chunk.toString()}`);
  const handle = relay(client, upstream, noLimits, { onFirst, onTargetEnd: () => seen.push('end') });
  handle.leave(new Error('nobody reads any more'));
  for (const word of ['one', 'two']) {
    targetFar.stream.write(word);
    await new Promise((resolve) => setImmediate(resolve));
  }
  targetFar.stream.end();
  expect(await handle.done).toMatchObject({ end: 'cut', error: { message: 'nobody reads any more' } });
  expect(seen).toEqual(['target: one', 'end']);
});

test('a cut is a reset for both sides, and the first reason is the one that counts', async () => {
  const { client, target, handle } = start();
  handle.cut(new Error('first'));
  handle.cut(new Error('second'));
  expect([await client.waitForEnd(), await target.waitForEnd()]).toEqual(['reset', 'reset']);
  expect(await handle.done).toMatchObject({ end: 'cut', side: 'self', error: { message: 'first' } });
});

describe('a limit', () => {
  const isOpen = ({ client, upstream }: { client: Link; upstream: Link }) =>
    !client.stream.destroyed && !upstream.stream.destroyed;

  test('counts from the last byte in either direction', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { client, target, links } = start({ idleMs: 1000, lingerMs: 0 });
    for (const sender of [client, target, client]) {
      vi.advanceTimersByTime(900);
      sender.send('x');
      await new Promise((resolve) => setImmediate(resolve));
    }
    vi.advanceTimersByTime(999);
    expect(isOpen(links)).toBe(true);
    vi.advanceTimersByTime(1);
    expect(isOpen(links)).toBe(false);
  });

  test('does not end a half that goes on moving, however long it takes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { client, target, links } = start({ idleMs: 0, lingerMs: 1000 });
    client.fin();
    await new Promise((resolve) => setImmediate(resolve));
    for (let round = 0; round < 10; round++) {
      target.send('x');
      await new Promise((resolve) => setImmediate(resolve));
      vi.advanceTimersByTime(900);
    }
    expect(isOpen(links)).toBe(true);
    vi.advanceTimersByTime(100);
    expect(isOpen(links)).toBe(false);
  });

  test('counts a slow reader that takes something as progress', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { client, target, links } = start({ idleMs: 1000, lingerMs: 0 }, { reading: false });
    for (let chunk = 0; chunk < 20; chunk++) target.send(makePayload(20_000));
    await new Promise((resolve) => setImmediate(resolve));
    for (let round = 0; round < 5; round++) {
      vi.advanceTimersByTime(900);
      expect(client.stream.read()).not.toBeNull();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(isOpen(links)).toBe(true);
  });

  test('that is switched off never ends a tunnel, and an ended tunnel leaves no timer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const quiet = start(noLimits);
    expect(vi.getTimerCount()).toBe(0);
    expect(isOpen(quiet.links)).toBe(true);
    const ended = start({ idleMs: 1000, lingerMs: 1000 });
    ended.client.fin();
    ended.target.fin();
    await ended.handle.done;
    expect(vi.getTimerCount()).toBe(0);
  });
});
