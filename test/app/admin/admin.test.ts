import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { startGraph } from '../../../src/app/graph/graph.ts';
import type { PlainGraph } from '../../../src/chain/model/graph.ts';
import { Scope } from '../../../src/core/scope.ts';
import { askAdmin, startAdmin, type TestAdmin } from '../../support/harness/admin.ts';
import { makeHop } from '../../support/harness/app.ts';
import { eventually } from '../../support/eventually.ts';
import { forwardStage, freePort, internal, proxyStage, toGraph } from '../../support/graphs/graphs.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { echo, refusedAddress, startTarget } from '../../support/targets/plain.ts';

async function readTunnels(admin: TestAdmin): Promise<Record<string, unknown>[]> {
  return JSON.parse((await admin.ask('/tunnels')).body) as Record<string, unknown>[];
}

/** The numbers whose names match, in the order of their names. */
async function readStats(admin: TestAdmin, filter: string): Promise<string> {
  return (await admin.ask(`/stats?filter=${encodeURIComponent(filter)}`)).body;
}

/** Connects to a port, and returns whether the connection is accepted. */
function knock(port: number): Promise<'accepted' | 'refused'> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve('accepted')).once('error', () => resolve('refused'));
    socket.once('connect', () => socket.destroy());
  });
}

test('a tunnel is told of as it is now, and ends when it is told to', async () => {
  const target = await startTarget(echo);
  const stages = [
    forwardStage('ingress', internal('inner')),
    forwardStage('inner', target.address, { listen: 'internal' }),
  ];
  const admin = await startAdmin({ stages });
  const client = await connectPeer(admin.port);
  client.send('hello');
  await client.read(5);
  const [tunnel] = await readTunnels(admin);
  expect(tunnel).toMatchObject({
    id: 1,
    peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    user: null,
    target: `127.0.0.1:${target.port}`,
    stages: ['ingress', 'inner'],
    via: [],
    state: 'open',
    sent: 5,
    received: 5,
  });
  expect((await admin.ask('/tunnels/2', { method: 'DELETE' })).status).toBe(404);
  expect((await admin.ask('/tunnels/1', { method: 'DELETE' })).status).toBe(200);
  expect(await client.waitForEnd()).toBe('reset');
  await eventually(() => readTunnels(admin), []);
  expect(admin.events.find(({ event }) => event === 'tunnel.closed')).toMatchObject({ end: 'cut', side: 'self' });
});

test('a tunnel on its way is there too, and can be ended before it is up', async () => {
  const silent = await startTarget();
  const route = { hops: [[makeHop('http', silent.port)]] };
  const admin = await startAdmin({ stages: [forwardStage('a', refusedAddress, { route })] });
  const client = await connectPeer(admin.port);
  await eventually(() => readTunnels(admin), [expect.objectContaining({ state: 'dialling' })]);
  expect((await admin.ask('/tunnels/1', { method: 'DELETE' })).status).toBe(200);
  expect(await client.waitForEnd()).toBe('reset');
});

test('what goes through is counted, under the names of Envoy', async () => {
  const target = await startTarget(echo);
  const admin = await startAdmin({
    stages: [forwardStage('front', [refusedAddress, target.address]), proxyStage('proxy')],
  });
  const client = await connectPeer(admin.port);
  client.send('hello');
  await client.read(5);
  const live = [
    'cluster.front.upstream_cx_active: 1',
    'cluster.front.upstream_cx_connect_fail: 1',
    'cluster.front.upstream_cx_total: 2',
    'tcp.front.downstream_cx_rx_bytes_total: 5',
    'tcp.front.downstream_cx_total: 1',
    'tcp.front.downstream_cx_tx_bytes_total: 5',
    '',
  ];
  const counts = 'front.*(_active|_fail|_cx_total|_bytes_total)$';
  expect(await readStats(admin, counts)).toBe(live.join('\n'));
  client.fin();
  await client.waitForEnd();
  const over = live.with(0, 'cluster.front.upstream_cx_active: 0');
  await eventually(() => readStats(admin, counts), over.join('\n'));
  expect(await readStats(admin, '^listener\\.127.*_cx_(active|total)$')).toBe(
    `listener.127.0.0.1_${admin.port}.downstream_cx_active: 0\nlistener.127.0.0.1_${admin.port}.downstream_cx_total: 1\n`,
  );
  expect(await readStats(admin, '^tunl')).toContain('tunl.tunnels_closed_total.clean: 1\n');
  const { body } = await admin.ask('/clusters');
  expect(body).toContain(`front::127.0.0.1:${target.port}::cx_total::1\n`);
  expect(body).toContain('front::127.0.0.1:1::cx_connect_fail::1\n');
});

test('listeners that are drained accept nothing, and tunnels live on', async () => {
  const target = await startTarget(echo);
  const admin = await startAdmin({ stages: [forwardStage('a', target.address)] });
  const client = await connectPeer(admin.port);
  client.send('a');
  await client.read(1);
  expect((await admin.ask('/drain_listeners', { method: 'POST' })).status).toBe(200);
  await eventually(() => knock(admin.port), 'refused');
  expect(await admin.ask('/ready')).toMatchObject({ status: 503, body: 'DRAINING\n' });
  client.send('b');
  expect(String(await client.read(1))).toBe('b');
});

test('while the program stops it says so, and when it has stopped nobody answers', async () => {
  const target = await startTarget(echo);
  const admin = await startAdmin({ stages: [forwardStage('a', target.address)] });
  const client = await connectPeer(admin.port);
  client.send('a');
  await client.read(1);
  admin.scope.drain(undefined);
  expect((await admin.ask('/ready')).status).toBe(503);
  client.fin();
  expect(await admin.running.done).toBe(0);
  expect(await knock(admin.adminPort)).toBe('refused');
});

test('the whole program is drained, or ended at once, when it is told to', async () => {
  const target = await startTarget(echo);
  for (const [path, cut] of [
    ['/drain_listeners?graceful', 0],
    ['/quitquitquit', 1],
  ] as const) {
    const admin = await startAdmin({ stages: [forwardStage('a', target.address)] });
    const client = await connectPeer(admin.port);
    client.send('a');
    await client.read(1);
    expect((await admin.ask(path, { method: 'POST' })).body).toBe('OK\n');
    if (cut === 0) client.fin();
    expect(await admin.running.done).toBe(cut);
  }
});

test('a reload keeps the address that both have, moves it, and takes it away', async () => {
  const stages = [forwardStage('a', refusedAddress)];
  const admin = await startAdmin({ stages });
  const first = admin.adminPort;
  await admin.running.replace(toGraph({ admin: freePort, stages }));
  expect((await askAdmin(first, '/ready')).status).toBe(200);
  const free = await startAdmin({ stages });
  // Another graph has this address, so the reload fails and changes nothing.
  const taken: PlainGraph = { admin: { ...freePort, port: free.adminPort }, stages };
  await expect(admin.running.replace(toGraph(taken))).rejects.toMatchObject({ code: 'address_in_use' });
  expect((await askAdmin(first, '/ready')).status).toBe(200);
  await admin.running.replace(toGraph({ admin: { kind: 'tcp', host: 'localhost', port: 0 }, stages }));
  expect(admin.adminPort).not.toBe(first);
  expect((await admin.ask('/ready')).status).toBe(200);
  expect(await knock(first)).toBe('refused');
  await admin.running.replace(toGraph({ stages }));
  expect(await knock(admin.adminPort)).toBe('refused');
});

test('a reload whose stages cannot listen leaves no second admin address behind', async () => {
  const stages = [forwardStage('a', refusedAddress)];
  const [admin, other] = [await startAdmin({ stages }), await startAdmin({ stages })];
  const listen = [{ ...freePort, port: other.port }];
  const next: PlainGraph = {
    admin: { ...freePort, host: 'localhost' },
    stages: [forwardStage('a', refusedAddress, { listen })],
  };
  const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;
  const before = sockets();
  await expect(admin.running.replace(toGraph(next))).rejects.toMatchObject({ code: 'address_in_use' });
  await eventually(sockets, before);
  expect((await admin.ask('/ready')).status).toBe(200);
});

test.each([['*'], ['0.0.0.0'], ['::'], ['198.51.100.7'], ['admin.example']])('on %s it must be meant', async (host) => {
  const graph: PlainGraph = { admin: { kind: 'tcp', host, port: 0 }, stages: [forwardStage('a', refusedAddress)] };
  const runtime = { scope: new Scope(), emit: () => {}, graceMs: 0 };
  await expect(startGraph(toGraph(graph), runtime)).rejects.toMatchObject({
    code: 'usage',
    facts: { hints: expect.arrayContaining([expect.stringContaining('--admin-open')]) },
  });
});
