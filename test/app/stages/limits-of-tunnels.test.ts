import { expect, test } from 'vitest';
import { calmLimits, makeHop } from '../../support/harness/app.ts';
import { startBlackhole } from '../../support/peers/blackhole.ts';
import { forwardStage, internal } from '../../support/graphs/graphs.ts';
import { eventually } from '../../support/eventually.ts';
import { startChain } from '../../support/harness/chain.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { writeRefusal } from '../../support/peers/scripted-proxy.ts';
import { echo, refusedAddress, startTarget } from '../../support/targets/plain.ts';

test('a tunnel is cut at the end of its lifetime, whatever it moves', async () => {
  const target = await startTarget(echo);
  const route = { limits: { ...calmLimits, lifetimeMs: 300 } };
  const chain = await startChain([forwardStage('a', target.address, { route })]);
  const client = await connectPeer(chain.port);
  client.send('hello');
  expect((await client.read(5)).toString()).toBe('hello');
  expect(await client.waitForEnd()).toBe('reset');
  expect(chain.eventsOf('tunnel.closed')).toMatchObject([
    { end: 'cut', side: 'self', reason: 'the tunnel had reached its lifetime of 300ms', sent: 5 },
  ]);
});

test('a tunnel that ends by itself leaves no limit behind', async () => {
  const target = await startTarget(echo);
  const route = { limits: { ...calmLimits, lifetimeMs: 3_600_000 } };
  const chain = await startChain([forwardStage('a', target.address, { route })]);
  const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const client = await connectPeer(chain.port);
  client.fin();
  await client.readToEnd();
  await eventually(() => chain.eventsOf('tunnel.closed').length, 1);
  expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBeLessThanOrEqual(before);
});

test.each([
  ['lifetimeMs', 'tunnel_truncated'],
  ['idleMs', 'tunnel_idle'],
])('%s counts from the moment in which a tunnel is asked for', async (limit, code) => {
  const hole = await startBlackhole();
  const route = { limits: { ...calmLimits, connectMs: 0, [limit]: 50 } };
  const chain = await startChain([forwardStage('a', hole.address, { route })]);
  const client = await connectPeer(chain.port);
  expect(await client.waitForEnd()).toBe('reset');
  expect(chain.eventsOf('tunnel.failed')).toMatchObject([{ error: { code } }]);
});

/** A proxy that refuses the first requests, and how often it was asked. */
async function startProxy(refusals: number) {
  let asked = 0;
  const proxy = await startTarget((socket) => {
    const answer = asked++ < refusals ? writeRefusal('403 Forbidden') : 'HTTP/1.1 200 OK\r\n\r\nhello';
    socket.once('data', () => socket.end(answer));
  });
  return { port: proxy.port, asked: () => asked };
}

const target = { kind: 'tcp', host: 'db.test', port: 5432 } as const;

test('each try takes the next hop, after a refusal too where any failure is retried', async () => {
  const refusing = await startProxy(9);
  const working = await startProxy(0);
  const hops = [[makeHop('http', refusing.port), makeHop('http', working.port)]];
  const terms = {
    hops,
    retries: 1,
    retryOn: 'any',
    hopBalance: 'round-robin',
    backOff: { baseMs: 1, maxMs: 1 },
  } as const;
  const chain = await startChain([forwardStage('a', target, { route: terms })]);
  for (const asked of [1, 2, 3]) {
    const client = await connectPeer(chain.port);
    expect((await client.readToEnd()).toString()).toBe('hello');
    client.fin();
    expect(working.asked()).toBe(asked);
  }
  expect(refusing.asked()).toBe(3);
});

test('each try chooses among the targets again', async () => {
  const away = { ...refusedAddress };
  const inner = forwardStage('b', [away, refusedAddress], { listen: 'internal', balance: 'round-robin' });
  const route = { retries: 2, retryOn: 'any', backOff: { baseMs: 0, maxMs: 0 } } as const;
  const chain = await startChain([forwardStage('a', internal('b'), { route }), inner]);
  const client = await connectPeer(chain.port);
  expect(await client.waitForEnd()).toBe('reset');
  const tries = chain.eventsOf('notice').filter(({ message }) => message.endsWith('; trying on'));
  // Both targets failed in each of three tries, and two of the tries were followed by another.
  expect(tries).toHaveLength(8);
});
