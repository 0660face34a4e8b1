import { countStages } from '../../src/app/tunnel/stage-counts.ts';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import type { TestChain } from '../support/harness/chain.ts';
import { drain, pour } from '../support/bulk.ts';
import { makeStartDeepChain } from '../support/graphs/deep-chain.ts';
import { startChain } from '../support/harness/chain.ts';
import { forwardStage, internal, proxyStage } from '../support/graphs/graphs.ts';
import { eventually } from '../support/eventually.ts';
import { echo, startTarget } from '../support/targets/plain.ts';

const startDeepChain = await makeStartDeepChain();

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

const isFree = (chain: TestChain) => eventually(() => countStages(chain.running.tunnels).size, 0);

test('200 MB both ways at once, nine stages deep, arrive as they were sent', async () => {
  const bytes = 200 << 20;
  const target = await startTarget();
  const chain = await startDeepChain(target.address);
  const client = await open(chain.port);
  const far = (await target.accept({ reading: false })).stream;
  const [up, down] = [pour(client, bytes), pour(far, bytes)];
  const [upArrived, downArrived] = await Promise.all([drain(far), drain(client)]);
  expect(upArrived).toBe(await up.done);
  expect(downArrived).toBe(await down.done);
  await isFree(chain);
  for (const { end, sent, received } of chain.eventsOf('tunnel.closed')) {
    expect({ end, hasAll: sent >= bytes && received >= bytes }).toEqual({ end: 'clean', hasAll: true });
  }
});

test('a thousand connections at once, nine stages deep', async () => {
  const target = await startTarget(echo);
  const chain = await startDeepChain(target.address);
  const clients = await Promise.all(Array.from({ length: 1000 }, (_, index) => openAndAsk(chain.port, index)));
  expect(target.open).toBe(1000);
  expect(countStages(chain.running.tunnels).get('ingress')?.tunnels).toBe(1000);
  const answers = clients.map(({ socket }) => collect(socket));
  clients.forEach(({ socket, word }) => socket.end(word));
  expect(await Promise.all(answers)).toEqual(clients.map(({ word }) => word));
  await isFree(chain);
  expect(chain.eventsOf('tunnel.closed').filter(({ end }) => end !== 'clean')).toEqual([]);
});

test('after ten thousand connections nothing is left of them', async () => {
  const target = await startForgetfulEcho();
  // Fused, apart, a proxy, and HTTP/2 in memory; every fourth connection is reset in the middle.
  const chain = await startChain([
    forwardStage('ingress', internal('a')),
    forwardStage('a', internal('b'), { listen: 'internal' }),
    forwardStage('b', internal('gate'), { listen: 'internal', log: true }),
    forwardStage('out', target.address, { listen: 'internal', log: true }),
    proxyStage('gate', { listen: 'internal', to: internal('out') }),
  ]);
  const churn = async (count: number) => {
    let next = 0;
    const lane = async () => {
      while (next < count) await useThroughGate(chain.port, next++);
    };
    await Promise.all(Array.from({ length: 50 }, lane));
    await isFree(chain);
    await eventually(target.countOpen, 0);
    // The test itself keeps the events, which weigh more than any leak that it looks for.
    (chain.events as unknown[]).length = 0;
    return measure();
  };
  const before = await churn(1000);
  const after = await churn(10_000);
  expect(after.resources).toEqual(before.resources);
  expect(after.heapBytes - before.heapBytes).toBeLessThan(4 << 20);
});

/** Counts the resources that the event loop watches, and the bytes of the heap that are no garbage. */
async function measure() {
  // Node lists sockets and timers for a turn or two after they have ended.
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  const resources: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  return { resources, heapBytes: process.memoryUsage().heapUsed };
}

/** An echo that keeps nothing of the connections that it has had. */
async function startForgetfulEcho() {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy()).pipe(socket);
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const countOpen = () => new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));
  return { address: { kind: 'tcp', host: '127.0.0.1', port } as const, countOpen };
}

async function useThroughGate(port: number, index: number): Promise<void> {
  const socket = await open(port);
  socket.write(`CONNECT db.example:5432 HTTP/1.1\r\nHost: db.example:5432\r\n\r\n`);
  await once(socket, 'data');
  socket.write('x');
  await once(socket, 'data');
  const closed = once(socket, 'close');
  if (index % 4 === 0) socket.resetAndDestroy();
  else socket.end();
  socket.resume();
  await closed;
}

/** Opens a connection and uses it once, so that the whole way is there. */
async function openAndAsk(port: number, index: number): Promise<{ socket: Socket; word: string }> {
  const socket = await open(port);
  const word = `client ${index}`;
  socket.write(word);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toBe(word);
  return { socket, word };
}

async function collect(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(socket, 'end');
  return text;
}
