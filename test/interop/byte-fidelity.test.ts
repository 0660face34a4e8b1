import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { drain, pour } from '../support/bulk.ts';
import { launch } from './support/process.ts';
import { makeTunlCommand, startTunl, startTunlServe } from './support/tunl.ts';
import { readResidentMib } from './support/usage.ts';

const gib = 1 << 30;
const stopMs = 20_000;
const sampleMs = 250;

/** The most memory that a process may gain while nothing moves. */
const mostGrowthMib = 32;

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

/** A target that hands its only connection over. */
async function startTarget(): Promise<{ port: number; accept: Promise<Socket> }> {
  const server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accept = once(server, 'connection').then(([socket]) => socket as Socket);
  stops.push(async () => {
    server.close();
    (await accept).destroy();
  });
  return { port: (server.address() as AddressInfo).port, accept };
}

describe.each(['down', 'up'] as const)('a GiB %s', (direction) => {
  test('to a reader that stops for 20 s loses nothing and is kept by nobody', async () => {
    const target = await startTarget();
    const serve = await startTunlServe();
    const forward = await startTunl(['forward', `:127.0.0.1:${target.port}`, '-x', `http://127.0.0.1:${serve.port}`]);
    stops.push(serve.stop, forward.stop);
    const client = connect({ port: forward.port, host: '127.0.0.1', allowHalfOpen: true });
    stops.push(() => client.destroy());
    const server = await target.accept;

    const [sender, reader] = direction === 'down' ? [server, client] : [client, server];
    const sending = pour(sender, gib);
    const received = drain(reader);
    await once(reader, 'data');
    reader.pause();
    const measure = () => [serve, forward].map(({ pid }) => readResidentMib(pid));
    const atStop = measure();
    const most = [...atStop];
    for (let passed = 0; passed < stopMs; passed += sampleMs) {
      await delay(sampleMs);
      measure().forEach((mib, index) => (most[index] = Math.max(most[index] as number, mib)));
    }
    expect(sending.offered).toBeLessThan(gib);
    for (const [index, mib] of most.entries())
      expect(mib - (atStop[index] as number)).toBeLessThanOrEqual(mostGrowthMib);
    reader.resume();
    expect(await received).toBe(await sending.done);
  });
});

test('100 MB still go up through connect after the target has ended its half', async () => {
  const target = await startTarget();
  const serve = await startTunlServe();
  stops.push(serve.stop);
  const words = ['connect', '-x', `http://127.0.0.1:${serve.port}`, `127.0.0.1:${target.port}`];
  const running = launch(makeTunlCommand(words));
  stops.push(() => running.stop());
  const server = await target.accept;
  server.end('that is all');
  await running.waitFor('the last words', () => (running.stdout().toString() === 'that is all' ? true : undefined));
  const sending = pour(running.child.stdin as unknown as Duplex, 100_000_000);
  expect(await drain(server)).toBe(await sending.done);
  expect(await running.ended).toEqual({ code: 0, signal: null });
  expect(running.stderr()).toBe('');
});
