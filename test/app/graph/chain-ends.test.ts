import { countStages } from '../../../src/app/tunnel/stage-counts.ts';
import { describe, expect, test } from 'vitest';
import type { Hop } from '../../../src/core/hop.ts';
import { makeHop } from '../../support/harness/app.ts';
import { forwardStage, internal } from '../../support/graphs/graphs.ts';
import { startChain } from '../../support/harness/chain.ts';
import { eventually } from '../../support/eventually.ts';
import { fingerprint, makePayload } from '../../support/payload.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { refusedAddress, startTarget } from '../../support/targets/plain.ts';
import type { Target } from '../../../src/chain/model/graph.ts';

/** Three stages in a row; the inner ones fuse unless each has a log. */
async function startRow(end: Target, log: boolean, hops: readonly Hop[] = []) {
  const chain = await startChain([
    forwardStage('first', internal('second')),
    forwardStage('second', internal('third'), { listen: 'internal', log }),
    forwardStage('third', end, { listen: 'internal', log, route: { hops: hops.map((hop) => [hop]) } }),
  ]);
  return chain;
}

describe.each([
  { name: 'fused', log: false },
  { name: 'apart', log: true },
])('stages that are $name', ({ log }) => {
  async function start() {
    const target = await startTarget();
    const chain = await startRow(target.address, log);
    const client = await connectPeer(chain.port);
    const far = await target.accept();
    const closed = async () => {
      await eventually(() => chain.eventsOf('tunnel.closed').length, log ? 3 : 1);
      return chain.eventsOf('tunnel.closed');
    };
    return { chain, client, far, closed };
  }

  test('are what they say they are', async () => {
    const { chain } = await start();
    expect(chain.running.generation().fused).toEqual(new Set(log ? [] : ['second', 'third']));
  });

  test('carry bytes both ways at once', async () => {
    const { client, far, closed } = await start();
    const [there, back] = [makePayload(3 << 20), makePayload(2 << 20)];
    client.send(there);
    far.send(back);
    expect(fingerprint(await far.read(there.length))).toBe(fingerprint(there));
    expect(fingerprint(await client.read(back.length))).toBe(fingerprint(back));
    client.fin();
    far.fin();
    for (const record of await closed()) {
      expect(record).toMatchObject({ end: 'clean', sent: there.length, received: back.length });
    }
  });

  test.each(['client', 'target'] as const)('keep the other half open when the %s ends', async (who) => {
    const { client, far, closed } = await start();
    const [first, second] = who === 'client' ? [client, far] : [far, client];
    first.send('question');
    first.fin();
    expect((await second.readToEnd()).toString()).toBe('question');
    second.send('late answer');
    expect((await first.read(11)).toString()).toBe('late answer');
    second.fin();
    expect(await first.waitForEnd()).toBe('fin');
    expect((await closed()).map(({ end }) => end)).toEqual(Array(log ? 3 : 1).fill('clean'));
  });

  test.each(['client', 'target'] as const)(
    'pass a reset of the %s on as a reset, and say whose it was',
    async (who) => {
      const { client, far, closed } = await start();
      const [first, second] = who === 'client' ? [client, far] : [far, client];
      first.send('before');
      await second.read(6);
      first.reset();
      expect(await second.waitForEnd()).toBe('reset');
      for (const record of await closed()) expect(record).toMatchObject({ end: 'reset', side: who });
    },
  );

  test.each(['client', 'target'] as const)('show a reset to a %s that has ended its half', async (who) => {
    const { client, far, closed } = await start();
    const [first, second] = who === 'client' ? [client, far] : [far, client];
    first.fin();
    expect(await second.waitForEnd()).toBe('fin');
    second.reset();
    expect(await first.waitForEnd()).toBe('reset');
    expect((await closed()).map(({ end }) => end)).toEqual(Array(log ? 3 : 1).fill('reset'));
  });

  test('say by which way the tunnel went', async () => {
    const { client, far, closed } = await start();
    client.fin();
    far.fin();
    const ways = (await closed()).map(({ stages = [] }) => stages.join(' > ')).toSorted();
    expect(ways).toEqual(log ? ['', 'first > second', 'first > second > third'] : ['first > second > third']);
  });

  test('reset the client when the target is not reached, with a record that says why', async () => {
    const chain = await startRow(refusedAddress, log);
    const client = await connectPeer(chain.port);
    expect(await client.waitForEnd()).toBe('reset');
    const failed = chain.eventsOf('tunnel.failed');
    expect(failed.length).toBe(log ? 3 : 1);
    for (const { error } of failed) expect(error).toMatchObject({ code: 'connection_refused', side: 'target' });
    expect(chain.eventsOf('tunnel.opened')).toEqual([]);
  });

  test('give up the dial when the client goes', async () => {
    const silent = await startTarget();
    const chain = await startRow({ kind: 'tcp', host: 'never.example', port: 1 }, log, [makeHop('http', silent.port)]);
    const client = await connectPeer(chain.port);
    await (await silent.accept()).readHead();
    client.reset();
    await eventually(() => silent.open, 0);
    await eventually(() => countStages(chain.running.tunnels).size, 0);
    for (const { error } of chain.eventsOf('tunnel.failed')) expect(error).toMatchObject({ side: 'client' });
  });
});
