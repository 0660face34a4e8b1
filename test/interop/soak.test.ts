import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { eventually } from '../support/eventually.ts';
import { connectPeer, type RawPeer } from '../support/peers/raw-peer.ts';
import { startTunl, startTunlServe } from './support/tunl.ts';
import { startEcho } from './support/tunnels.ts';
import { countDescriptors, readable, readMemory } from './support/usage.ts';

const warmUpMs = 10_000;
const soakMs = amount(60_000, 600_000);
const perSecond = 50;

/** More tunnels than those after which a process gives its young objects more room, which it does once. */
const warmUpPerSecond = 250;

/**
 * The most that a process may grow once its garbage is collected. The allocator keeps what it has for the next tunnels:
 * resident memory says less.
 */
const growthMib = { held: 4, resident: 32 };

/** Opens a tunnel, uses it, and ends it: every second one with a reset in the middle. */
async function useTunnel(port: number, index: number): Promise<void> {
  const peer = await connectPeer(port);
  const sent = Buffer.alloc(1000, String(index));
  peer.send(sent);
  expect((await peer.read(sent.length)).equals(sent)).toBe(true);
  if (index % 2 === 0) {
    peer.send(Buffer.alloc(100_000));
    return peer.reset();
  }
  peer.fin();
  expect(await peer.waitForEnd()).toBe('fin');
}

/** Opens tunnels at a steady rate; resolves with their number once the last one has ended. */
async function churn(port: number, ms: number, rate = perSecond): Promise<number> {
  const tunnels: Promise<void>[] = [];
  const start = performance.now();
  for (let now = start; now - start < ms; now = performance.now()) {
    const due = Math.floor(((now - start) / 1000) * rate);
    while (tunnels.length <= due) tunnels.push(useTunnel(port, tunnels.length));
    await delay(10);
  }
  await Promise.all(tunnels);
  return tunnels.length;
}

/** Sends different bytes all the time until the signal, and expects each of them back. */
async function keepTalking(peer: RawPeer, signal: AbortSignal): Promise<number> {
  const { stream } = peer;
  let bytes = 0;
  for (let round = 0; !signal.aborted; round++) {
    const sent = Buffer.alloc(50_000, `round ${round} `);
    if (!stream.write(sent)) await once(stream, 'drain');
    expect((await peer.read(sent.length)).equals(sent)).toBe(true);
    bytes += sent.length;
    await delay(20);
  }
  peer.fin();
  expect(await peer.waitForEnd()).toBe('fin');
  return bytes;
}

test(
  'churn through one HTTP/2 hop leaves a neighbour alone, and nothing behind',
  { timeout: warmUpMs + soakMs + 60_000 },
  async () => {
    const target = await startEcho();
    const serve = await startTunlServe([], readable);
    const hop = ['-x', `h2c://127.0.0.1:${serve.port}`];
    const forward = await startTunl(['forward', `:127.0.0.1:${target.port}`, ...hop], readable);
    const parts = [serve, forward];
    const stop = new AbortController();
    const talk = keepTalking(await connectPeer(forward.port), stop.signal);
    await churn(forward.port, warmUpMs, warmUpPerSecond);
    const descriptorsBefore = parts.map(({ pid }) => countDescriptors(pid));
    const memoryBefore = await Promise.all(parts.map(readMemory));
    expect(await churn(forward.port, soakMs)).toBeGreaterThanOrEqual((soakMs / 1000) * perSecond);
    stop.abort();
    expect(await talk).toBeGreaterThan(10_000_000);
    await eventually(() => target.open, 0);
    const memory = await Promise.all(parts.map(readMemory));
    const grown = memory.map(({ held, resident }, index) => ({
      held: held - (memoryBefore[index]?.held ?? 0),
      resident: resident - (memoryBefore[index]?.resident ?? 0),
    }));
    expect(grown.filter(({ held, resident }) => held > growthMib.held || resident > growthMib.resident)).toEqual([]);
    // The neighbour has gone as well, with its connection, and with its session if that was not the last one. A session
    // says goodbye before it closes.
    await eventually(() => {
      const gained = parts.map(({ pid }, index) => countDescriptors(pid) - (descriptorsBefore[index] ?? 0));
      return gained.filter((count) => count >= 0);
    }, []);
    await Promise.all(parts.map((part) => part.stop()));
  },
);
