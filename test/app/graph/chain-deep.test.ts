import { countStages } from '../../../src/app/tunnel/stage-counts.ts';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { drain, pour } from '../../support/bulk.ts';

import { deepStages, makeStartDeepChain } from '../../support/graphs/deep-chain.ts';
import { eventually, waitForStall } from '../../support/eventually.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { startTarget } from '../../support/targets/plain.ts';

const startDeepChain = await makeStartDeepChain();

/** The most bytes between two neighbours: the window of an HTTP/2 stream, and the buffers of streams. */
const betweenBytes = 6 << 20;

async function start() {
  const target = await startTarget();
  const chain = await startDeepChain(target.address);
  const client = await connectPeer(chain.port);
  const far = await target.accept();
  return { target, chain, client, far };
}

const isFree = (chain: Awaited<ReturnType<typeof startDeepChain>>) =>
  eventually(() => countStages(chain.running.tunnels).size, 0);

test('nine stages deep, the last record knows the whole way, and who is at its beginning', async () => {
  const { chain, client, far } = await start();
  const { localPort } = client.stream as Socket;
  client.fin();
  far.fin();
  await isFree(chain);
  const records = chain.eventsOf('tunnel.closed');
  expect(records.find(({ stages }) => stages?.at(-1) === 'gate-2')).toMatchObject({
    stages: [...deepStages],
    client: `127.0.0.1:${localPort}`,
    status: 200,
    end: 'clean',
  });
  // One for each stage that has a log or serves tunnels, and for the outermost.
  const writers = records.map(({ stages }) => stages?.at(-1));
  expect(writers).toHaveLength(6);
  expect(new Set(writers)).toEqual(new Set(['a', 'b', 'encap', 'c', 'encap-2', 'gate-2']));
});

test('both directions may be full at once', async () => {
  const { client, far, chain } = await start();
  const bytes = 24 << 20;
  const sending = [pour(client.stream, bytes), pour(far.stream, bytes)];
  const arrived = [drain(far.stream), drain(client.stream)];
  expect(await Promise.all(arrived)).toEqual(await Promise.all(sending.map(({ done }) => done)));
  await isFree(chain);
});

test.each(['client', 'target'] as const)('a half-close of the %s is exact at both ends', async (who) => {
  const { chain, client, far } = await start();
  const [first, second] = who === 'client' ? [client, far] : [far, client];
  first.send('question');
  first.fin();
  expect((await second.readToEnd()).toString()).toBe('question');
  second.send('late answer');
  second.fin();
  expect((await first.readToEnd()).toString()).toBe('late answer');
  await isFree(chain);
});

test.each(['client', 'target'] as const)('a reset of the %s is a reset at the other end', async (who) => {
  const { chain, client, far } = await start();
  const [first, second] = who === 'client' ? [client, far] : [far, client];
  first.send('before');
  await second.read(6);
  first.reset();
  expect(await second.waitForEnd()).toBe('reset');
  await isFree(chain);
});

test.each(['client', 'target'] as const)('a %s that has ended its half and is gone holds nothing', async (who) => {
  const { chain, client, far } = await start();
  const [first, second] = who === 'client' ? [client, far] : [far, client];
  first.fin();
  expect(await second.waitForEnd()).toBe('fin');
  first.reset();
  // A socket that was closed answers only those that write to it.
  second.send('anybody there?');
  await isFree(chain);
});

test.each(['up', 'down'] as const)('a reader that stands still bounds what every stage holds (%s)', async (way) => {
  const target = await startTarget();
  const chain = await startDeepChain(target.address);
  const client = await connectPeer(chain.port, { reading: way === 'up' });
  const far = await target.accept({ reading: way === 'down' });
  const [from, to] = way === 'up' ? [client, far] : [far, client];
  const sending = pour(from.stream, 96 << 20);
  await waitForStall(() => sending.offered);
  const counted = countStages(chain.running.tunnels);
  const moved = deepStages.map((name) => counted.get(name)?.[way === 'up' ? 'sent' : 'received'] ?? 0);
  const ordered = way === 'up' ? moved : moved.toReversed();
  for (const [index, bytes] of ordered.slice(1).entries()) {
    expect((ordered[index] ?? 0) - bytes).toBeLessThan(betweenBytes);
  }
  expect(sending.offered).toBeLessThan(96 << 20);
  const arrived = drain(to.stream);
  expect(await arrived).toBe(await sending.done);
});
