import { onTestFinished, expect, test } from 'vitest';
import { startGraph } from '../../../src/app/graph/graph.ts';
import type { ForwardStage, Graph, RouteName, RouteOptions } from '../../../src/chain/model/graph.ts';
import type { TcpAddress } from '../../../src/core/address.ts';
import { Scope } from '../../../src/core/scope.ts';
import { calmLimits, makeHop, startTestServe } from '../../support/harness/app.ts';
import { freePort } from '../../support/graphs/graphs.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';

/** Two stages that lead to an echo through an HTTP/2 proxy, by the routes of these names. */
async function startPair(names: readonly RouteName[], resolvers: readonly RouteOptions['resolver'][] = []) {
  const target = await startTarget(echo);
  const proxy = await startTestServe();
  const route: RouteOptions = { hops: [[makeHop('h2c', proxy.port)]], limits: calmLimits };
  const graph: Graph = {
    // Each route is an object of its own: the names alone decide.
    routes: new Map(
      names.map((name, index) => {
        const resolver = resolvers[index];
        return [name, { ...route, ...(resolver && { resolver }) }];
      }),
    ),
    stages: names.map((name, index) => toStage(`stage-${index}`, name, target.address)),
  };
  const scope = new Scope();
  const running = await startGraph(graph, { scope, emit: () => {}, graceMs: 4000 });
  onTestFinished(async () => {
    scope.force(undefined);
    await running.done;
  });
  return {
    graph,
    running,
    ports: running.addresses.map((address) => (address.kind === 'tcp' ? address.port : 0)),
    /** The session of each tunnel: two that have one come from the same port. */
    sessions: () => proxy.eventsOf('tunnel.opened').map(({ client }) => client),
  };
}

function toStage(name: string, route: RouteName, target: TcpAddress): ForwardStage<RouteName> {
  return {
    name,
    job: 'forward',
    listen: [freePort],
    to: { targets: [target], balance: 'first' },
    route,
    log: false,
  };
}

async function say(port: number | undefined) {
  const peer = await connectPeer(port ?? 0);
  peer.send('hello');
  await peer.readUntil('hello');
  return peer;
}

test.each([
  [['way', 'way'], 1],
  [['way', 'other'], 2],
])('stages with the routes %j have %i session(s) with their proxy', async (names, count) => {
  const { ports, sessions } = await startPair(names);
  for (const port of ports) await say(port);
  expect(sessions()).toHaveLength(2);
  expect(new Set(sessions()).size).toBe(count);
});

test('a reload goes on with the sessions of routes that are the same, and makes the others anew; what is open lives on', async () => {
  const { graph, running, ports, sessions } = await startPair(['way', 'way']);
  const before = await say(ports[0]);
  await running.replace(graph);
  await say(ports[1]);
  const other = [...graph.routes].map(([name, route]) => [name, { ...route, family: 4 }] as const);
  await running.replace({ ...graph, routes: new Map(other) });
  await say(ports[0]);
  await say(ports[1]);
  const [first, second, third, fourth] = sessions();
  expect(second).toBe(first);
  expect(third).not.toBe(first);
  expect(fourth).toBe(third);
  before.send(' again');
  before.fin();
  expect((await before.readToEnd()).toString()).toBe(' again');
});

test('reading files again keeps routes and their sessions', async () => {
  const { running, ports, sessions } = await startPair(['way', 'way']);
  await say(ports[0]);
  await running.reload?.();
  await say(ports[1]);
  expect(new Set(sessions()).size).toBe(1);
});

test('a stage that names no route of the graph is refused', async () => {
  const graph: Graph = {
    routes: new Map(),
    stages: [toStage('a', 'lost', { kind: 'tcp', host: 'db', port: 1 })],
  };
  const starting = startGraph(graph, { scope: new Scope(), emit: () => {}, graceMs: 0 });
  await expect(starting).rejects.toMatchObject({ code: 'usage', message: 'there is no route "lost"' });
});
