import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { HalfClose } from '../../src/core/hop.ts';
import { DuplexFlow } from '../../src/core/duplex-flow.ts';
import type { Fate } from '../../src/core/flow.ts';
import { type Link, linkPair } from '../../src/core/link.ts';
import { relay, type RelayLimits } from '../../src/relay/relay.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';

const noLimits: RelayLimits = { idleMs: 0, lingerMs: 0 };

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** Waits until everything that is under way in memory has arrived. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms);
  await settle();
}

/** A Flow whose chunks the system takes while they are written, as a socket's mostly are: nothing is ever queued. */
class TakingFlow extends DuplexFlow {
  readonly #link: Link;

  constructor(link: Link) {
    super(link.stream, (error) => link.reset(error));
    this.#link = link;
  }

  override write(chunk: Buffer): Fate {
    this.#link.stream.write(Buffer.from(chunk));
    return 'free';
  }

  override get queuedBytes(): number {
    return 0;
  }
}

/** A tunnel through a hop with this setting. */
function start(when: HalfClose, limits: RelayLimits = noLimits, swallows = false, reading = true) {
  const [clientFar, client] = linkPair({ bufferBytes: 16_384 });
  const [upstream, targetFar] = linkPair({ bufferBytes: 16_384 });
  const terms = { when, hop: 'proxy:3128', swallows };
  const handle = relay(client, { ...upstream, halfClose: terms }, limits);
  return { client: new RawPeer(clientFar), target: new RawPeer(targetFar, { reading }), handle, terms };
}

type Tunnel = ReturnType<typeof start>;

/** The client says more than a target that does not read has room for, and ends. */
async function sendMoreThanFits({ client }: Tunnel): Promise<void> {
  for (const _ of [1, 2, 3]) {
    client.send(Buffer.alloc(10_000));
    await settle();
  }
  client.fin();
  await settle();
}

async function ask({ client }: Tunnel): Promise<void> {
  client.send('question');
  client.fin();
  await settle();
}

const farEnd = ({ target }: Tunnel) => target.inbox.farEnd;

describe('an end of the client', () => {
  test('goes out at once with now', async () => {
    const tunnel = start('now');
    await ask(tunnel);
    expect(farEnd(tunnel)).toBe('fin');
  });

  test('is kept with wait until nothing has moved for the wait', async () => {
    const tunnel = start('wait', { ...noLimits, halfCloseWaitMs: 2000 });
    await ask(tunnel);
    await pass(1900);
    expect(farEnd(tunnel)).toBe('open');
    tunnel.target.send('a first part');
    await settle();
    await pass(1900);
    expect(farEnd(tunnel)).toBe('open');
    await pass(101);
    expect(farEnd(tunnel)).toBe('fin');
  });

  test('is kept with wait behind bytes that the system took at once', async () => {
    const [clientFar, client] = linkPair();
    const [upstream, targetFar] = linkPair();
    const halfClose = { when: 'wait', hop: 'proxy:3128', swallows: false } as const;
    relay(client, { ...upstream, flow: new TakingFlow(upstream), halfClose }, noLimits);
    const target = new RawPeer(targetFar);
    await pass(5000);
    clientFar.stream.end('question');
    await settle();
    expect(target.inbox.size).toBe(8);
    await pass(1999);
    expect(target.inbox.farEnd).toBe('open');
    await pass(1);
    expect(target.inbox.farEnd).toBe('fin');
  });

  test('goes out at once with wait where nothing has moved for so long already', async () => {
    const tunnel = start('wait');
    tunnel.client.send('question');
    await settle();
    await pass(5000);
    tunnel.client.fin();
    await settle();
    await pass(1);
    expect(farEnd(tunnel)).toBe('fin');
  });

  test('is kept with wait while bytes of the client wait for the hop', async () => {
    const tunnel = start('wait', noLimits, false, false);
    await sendMoreThanFits(tunnel);
    await pass(10_000);
    tunnel.target.stream.resume();
    await settle();
    await pass(1999);
    expect(farEnd(tunnel)).toBe('open');
    await pass(2);
    expect(farEnd(tunnel)).toBe('fin');
    expect(tunnel.target.inbox.size).toBe(30_000);
  });

  test.each(['wait', 'never'] as const)('goes out with %s as soon as the target has ended', async (when) => {
    const tunnel = start(when);
    await ask(tunnel);
    tunnel.target.send('answer');
    tunnel.target.fin();
    await settle();
    expect(farEnd(tunnel)).toBe('fin');
    expect(tunnel.client.inbox.take(6).toString()).toBe('answer');
    expect(await tunnel.handle.done).toEqual({
      end: 'clean',
      ended: { client: true, target: true },
      delivered: true,
      unheard: false,
    });
  });

  test.each([
    ['never', undefined],
    ['wait', 0],
  ] as const)('is kept with %s, with no wait, for as long as the target goes on', async (when, halfCloseWaitMs) => {
    const tunnel = start(when, { ...noLimits, ...(halfCloseWaitMs !== undefined && { halfCloseWaitMs }) });
    await ask(tunnel);
    await pass(3_600_000);
    expect(farEnd(tunnel)).toBe('open');
  });

  test('that is a reset is passed on at once', async () => {
    const tunnel = start('never');
    await ask(tunnel);
    tunnel.client.reset();
    await settle();
    expect(farEnd(tunnel)).toBe('reset');
  });
});

describe('the linger limit', () => {
  test('begins with wait when the end has gone out', async () => {
    const tunnel = start('wait', { idleMs: 0, lingerMs: 1000 });
    await ask(tunnel);
    await pass(2999);
    expect(tunnel.client.inbox.farEnd).toBe('open');
    await pass(2);
    expect(await tunnel.handle.done).toMatchObject({ end: 'linger', ended: { client: true, target: false } });
  });

  test('begins with never when the client has ended', async () => {
    const tunnel = start('never', { idleMs: 0, lingerMs: 1000 });
    await ask(tunnel);
    await pass(1001);
    expect(await tunnel.handle.done).toMatchObject({ end: 'linger' });
    expect(farEnd(tunnel)).toBe('reset');
  });

  test('is a shorter one behind a hop that does not pass ends on, and counts from the last byte', async () => {
    const limits = { idleMs: 0, lingerMs: 60_000, swallowedLingerMs: 5000 };
    const tunnel = start('wait', limits, true);
    await ask(tunnel);
    await pass(2001);
    expect(farEnd(tunnel)).toBe('fin');
    await pass(4000);
    tunnel.target.send('late');
    await settle();
    await pass(4999);
    expect(tunnel.client.inbox.farEnd).toBe('open');
    await pass(2);
    expect(await tunnel.handle.done).toMatchObject({ end: 'linger', swallowedBy: tunnel.terms });
  });

  test('is the usual one where nothing is known of the hop', async () => {
    const tunnel = start('wait', { idleMs: 0, lingerMs: 60_000, swallowedLingerMs: 5000 });
    await ask(tunnel);
    await pass(50_000);
    expect(tunnel.client.inbox.farEnd).toBe('open');
  });
});

describe('a target that ends as soon as the end of the client has gone out', () => {
  test('without a byte in between looks as if the hop had ended both', async () => {
    const tunnel = start('wait');
    await ask(tunnel);
    await pass(2001);
    tunnel.target.fin();
    await settle();
    expect(await tunnel.handle.done).toMatchObject({ end: 'clean', swallowedBy: tunnel.terms });
  });

  test('has answered where a byte came', async () => {
    const tunnel = start('now');
    await ask(tunnel);
    tunnel.target.send('answer');
    tunnel.target.fin();
    await settle();
    expect(await tunnel.handle.done).not.toHaveProperty('swallowedBy');
  });

  test('has had its time where it took longer', async () => {
    const tunnel = start('now');
    await ask(tunnel);
    await pass(1500);
    tunnel.target.fin();
    await settle();
    expect(await tunnel.handle.done).not.toHaveProperty('swallowedBy');
  });
});

describe('a tunnel that nobody reads any more', () => {
  const reason = new Error('the command has ended');

  test('passes the end of the client on whatever the setting, and drops what comes', async () => {
    const tunnel = start('never');
    await ask(tunnel);
    tunnel.handle.leave(reason);
    await settle();
    expect(farEnd(tunnel)).toBe('fin');
    tunnel.target.send('answer');
    tunnel.target.fin();
    await settle();
    expect(await tunnel.handle.done).toMatchObject({ end: 'clean' });
    expect(tunnel.client.inbox.size).toBe(0);
  });

  test('is closed a second after its last movement', async () => {
    const tunnel = start('wait');
    await ask(tunnel);
    tunnel.handle.leave(reason);
    await pass(900);
    tunnel.target.send('answer');
    await settle();
    await pass(999);
    expect(tunnel.client.inbox.farEnd).toBe('open');
    await pass(1);
    expect(await tunnel.handle.done).toMatchObject({ end: 'cut', side: 'self', error: reason });
    expect(farEnd(tunnel)).toBe('fin');
  });

  test('is not closed while bytes of the client are on the way', async () => {
    const tunnel = start('wait', noLimits, false, false);
    await sendMoreThanFits(tunnel);
    tunnel.handle.leave(reason);
    await pass(5000);
    tunnel.target.stream.resume();
    await settle();
    expect([tunnel.target.inbox.size, farEnd(tunnel)]).toEqual([30_000, 'fin']);
  });
});
