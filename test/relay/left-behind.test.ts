import { readdirSync } from 'node:fs';
import { platform } from 'node:process';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { TunnelEnd } from '../../src/core/events.ts';
import type { Link } from '../../src/core/link.ts';
import { listen } from '../../src/listeners/socket.ts';
import { relay } from '../../src/relay/relay.ts';
import type { LinkPair } from '../conformance/link-contract.ts';
import { amount } from '../support/amounts.ts';
import { eventually, inTime } from '../support/eventually.ts';
import { direct, makeContext } from '../support/harness/link-pairs.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';

/** How many tunnels end in each order: ten thousand in all in the long run. */
const cycles = amount(200, 1000);

/** The time that the process is watched for work that never ends, and the most that it may work. */
const [idleMs, busyShare] = [amount(100, 1000), amount(0.5, 0.05)];

/** Tunnels that run at the same time. */
const atOnce = 20;

interface Ends {
  readonly client: RawPeer;
  readonly target: RawPeer;
}

type Act = (ends: Ends) => Promise<unknown> | void;

/** The ways in which a tunnel can end, each with the end that the relay reports. */
const orders: Readonly<Record<string, readonly [TunnelEnd, Act]>> = {
  'the client ends, then the target': [
    'clean',
    async ({ client, target }) => {
      client.fin();
      await target.waitForEnd();
      target.fin();
    },
  ],
  'the target ends, then the client': [
    'clean',
    async ({ client, target }) => {
      target.fin();
      await client.waitForEnd();
      client.fin();
    },
  ],
  'both end at once': [
    'clean',
    ({ client, target }) => {
      client.fin();
      target.fin();
    },
  ],
  'the client is reset': ['reset', ({ client }) => client.reset()],
  'the target is reset': ['reset', ({ target }) => target.reset()],
  'both are reset at once': [
    'reset',
    ({ client, target }) => {
      client.reset();
      target.reset();
    },
  ],
  'the client is reset right behind data': [
    'reset',
    ({ client }) => {
      client.send('the last words');
      client.reset();
    },
  ],
  'the client ends, and the target is reset': [
    'reset',
    async ({ client, target }) => {
      client.fin();
      await target.waitForEnd();
      target.reset();
    },
  ],
  'the target ends, and is reset before it is told more': [
    'reset',
    async ({ client, target }) => {
      target.fin();
      await client.waitForEnd();
      // Before that, the reset would wait for it, and what the client sends could come first.
      await eventually(() => target.stream.writableFinished, true);
      target.reset();
      client.send('one more thing');
    },
  ],
  'the target ends, and the client is reset': [
    'reset',
    async ({ client, target }) => {
      target.fin();
      await client.waitForEnd();
      client.reset();
    },
  ],
};

/** The descriptors of this process; nothing where the system does not show them. */
function countDescriptors(): number {
  return platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
}

/** Returns a function that makes pairs of Links, all by the same listener, so that only the Links come and go. */
async function startPairs(): Promise<() => Promise<LinkPair>> {
  let onLink: (link: Link) => void = () => {};
  const listener = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, (link) => onLink(link));
  onTestFinished(() => listener.close());
  return async () => {
    const arrival = new Promise<Link>((resolve) => (onLink = resolve));
    const first = await direct(listener.address, makeContext(listener.address));
    return { first, second: await inTime('the connection at the listener', arrival) };
  };
}

/** Carries one tunnel to its end, and returns that end. */
async function carry(near: LinkPair, far: LinkPair, act: Act): Promise<TunnelEnd> {
  const [client, target] = [new RawPeer(near.second), new RawPeer(far.second)];
  const { done } = relay(near.first, far.first, { idleMs: 0, lingerMs: 20_000 });
  client.send('question');
  await target.read(8);
  await act({ client, target });
  const { end } = await done;
  // The two far ends are the test's own; a socket that has read an end does not look for a reset.
  client.stream.destroy();
  target.stream.destroy();
  await eventually(() => near.first.stream.closed && far.first.stream.closed, true);
  return end;
}

test.each(Object.entries(orders))('nothing is left of tunnels where %s', async (_, [expected, act]) => {
  const makePair = await startPairs();
  const run = async () => {
    const [near, far] = [await makePair(), await makePair()];
    return () => carry(near, far, act);
  };
  expect(await (await run())()).toBe(expected);
  const before = countDescriptors();
  for (let cycle = 0; cycle < cycles; cycle += atOnce) {
    const tunnels: (() => Promise<TunnelEnd>)[] = [];
    while (tunnels.length < atOnce) tunnels.push(await run());
    const ends = await Promise.all(tunnels.map((start) => start()));
    expect(new Set(ends)).toEqual(new Set([expected]));
  }
  // Some may be fewer: Node itself closes descriptors when it likes.
  await eventually(() => Math.max(before, countDescriptors()), before);
  await eventually(isIdle, true);
});

/**
 * True if the event loop waits for most of a moment. A descriptor that is asked for in vain would keep it from waiting
 * for good, and there is no event for that.
 */
async function isIdle(): Promise<boolean> {
  const start = performance.eventLoopUtilization();
  await delay(idleMs);
  return performance.eventLoopUtilization(start).utilization < busyShare;
}
