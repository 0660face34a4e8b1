import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openWorkloadSource } from '../../../src/app/workload/source.ts';
import { makeMesh, spiffeId } from '../../support/certs/mesh.ts';
import { eventually } from '../../support/eventually.ts';
import { forwardStage, proxyStage, toGraph } from '../../support/graphs/graphs.ts';
import { makeHop, startTestServe } from '../../support/harness/app.ts';
import { startChain } from '../../support/harness/chain.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { startSpiffeAgent } from '../../support/peers/spiffe-agent.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';

const mesh = await makeMesh();

async function startAgent() {
  const leaf = await mesh.issue(spiffeId('one'));
  return startSpiffeAgent({ id: spiffeId('one'), leaf, key: leaf, authorities: [mesh.certs.ca] });
}

test('after a reload the agents of the old graph are let go, and tunnels go on', async () => {
  const agent = await startAgent();
  const serve = await startTestServe({ accept: ['hbone'], tls: mesh.serverTls() });
  const target = await startTarget(echo);
  const hops = [[makeHop('hbone', serve.port, { settings: { spiffe: agent.address } })]];
  const before = [
    forwardStage('out', target.address, { route: { hops } }),
    proxyStage('in', { accept: ['hbone'], tls: { spiffe: agent.address } }),
  ];
  const chain = await startChain(before);
  const client = await connectPeer(chain.port);
  client.send('ping');
  expect(String(await client.read(4))).toBe('ping');
  expect(agent.listening).toBe(2);
  await chain.running.replace(toGraph({ stages: before }));
  await eventually(() => agent.listening, 2);
  expect(agent.asked).toBe(4);
  await chain.running.replace(toGraph({ stages: [forwardStage('out', target.address)] }));
  await eventually(() => agent.listening, 0);
  client.send('pong');
  expect(String(await client.read(4))).toBe('pong');
});

test('the agent of a way that tunnels may dial again is kept after a reload', async () => {
  const agent = await startAgent();
  const serve = await startTestServe({ accept: ['hbone'], tls: mesh.serverTls() });
  const far = await startTestServe({});
  const target = await startTarget(echo);
  const hops = [
    [makeHop('hbone', serve.port, { settings: { spiffe: agent.address } })],
    [makeHop('http', far.port, { settings: { resume: '10m,optional' } })],
  ];
  const chain = await startChain([forwardStage('out', target.address, { route: { hops } })]);
  expect(agent.listening).toBe(1);
  await chain.running.replace(toGraph({ stages: [forwardStage('out', target.address)] }));
  const client = await connectPeer(chain.port);
  client.send('pong');
  expect(String(await client.read(4))).toBe('pong');
  expect(agent.listening).toBe(1);
});

test('the agents of a graph that cannot start are let go', async () => {
  const agent = await startAgent();
  const chain = await startChain([forwardStage('a', { kind: 'tcp', host: '127.0.0.1', port: 9 })]);
  const inbound = proxyStage('in', { accept: ['hbone'], tls: { spiffe: agent.address } });
  const listen = [{ kind: 'unix', path: '/no/such/a.sock' }] as const;
  const stages = [inbound, forwardStage('b', { kind: 'tcp', host: '127.0.0.1', port: 9 }, { listen })];
  await expect(chain.running.replace(toGraph({ stages }))).rejects.toMatchObject({ code: 'address_in_use' });
  expect(agent.asked).toBe(1);
  await eventually(() => agent.listening, 0);
});

test('an agent that came back and says nothing is asked again', async () => {
  const agent = await startAgent();
  const terms = { emit: () => {}, onRenew: () => Promise.resolve(), limitMs: 2000 };
  const source = await openWorkloadSource(agent.address, terms);
  onTestFinished(() => source.close());
  await agent.stop();
  let asked = 0;
  const mute = createServer((socket) => {
    asked++;
    socket.on('error', () => {}).resume();
    onTestFinished(() => void socket.destroy());
  }).listen(agent.address.slice('unix:'.length));
  onTestFinished(() => void mute.close());
  await eventually(() => asked >= 2, true);
});
