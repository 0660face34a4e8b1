import { countStages } from '../../../src/app/tunnel/stage-counts.ts';
import { expect, test } from 'vitest';
import type { Stage } from '../../../src/chain/model/graph.ts';
import { calmLimits, makeHop } from '../../support/harness/app.ts';
import { startChain, type TestChain } from '../../support/harness/chain.ts';
import { eventually } from '../../support/eventually.ts';
import { forwardStage, freePort, internal, proxyStage } from '../../support/graphs/graphs.ts';
import { makeMesh, spiffeId } from '../../support/certs/mesh.ts';
import { connectTlsPeer } from '../../support/peers/hbone-peers.ts';
import { connectPeer, RawPeer } from '../../support/peers/raw-peer.ts';
import { echo, refusedAddress, startTarget } from '../../support/targets/plain.ts';

const mesh = await makeMesh();

async function expectEcho(peer: RawPeer): Promise<void> {
  peer.send('there and back');
  peer.fin();
  expect((await peer.readToEnd()).toString()).toBe('there and back');
}

/** Asks a proxy for a tunnel and gives the status line. */
async function askForTunnel(peer: RawPeer, authority: string): Promise<string> {
  peer.send(
    `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nX-Trace: 17\r\nProxy-Authorization: Basic eDp5\r\n\r\n`,
  );
  return (await peer.readHead()).split('\r\n')[0] ?? '';
}

/** The records that the stages wrote, in the order of their ways. */
async function recordsOf(chain: TestChain, count: number) {
  await eventually(() => chain.eventsOf('tunnel.closed').length, count);
  return chain
    .eventsOf('tunnel.closed')
    .toSorted((one, other) => (one.stages?.length ?? 0) - (other.stages?.length ?? 0));
}

/** A client as records name it. Ask while it is connected. */
function addressOf(peer: RawPeer): string {
  const { localAddress, localPort } = peer.stream as unknown as { localAddress: string; localPort: number };
  return `${localAddress}:${localPort}`;
}

/** A client that speaks TLS, as `cart`. */
async function connectTlsClient(port: number): Promise<RawPeer> {
  const socket = await connectTlsPeer(mesh, port, { ALPNProtocols: [] });
  return new RawPeer({ stream: socket, reset: () => void socket.destroy() });
}

test('who is behind the outer connection stands in the record of an inner stage, fused stages between them or not', async () => {
  const target = await startTarget(echo);
  const chain = await startChain([
    forwardStage('outer', internal('between'), { tls: mesh.serverTls() }),
    forwardStage('between', internal('inner'), { listen: 'internal' }),
    forwardStage('inner', target.address, { listen: 'internal', log: true }),
  ]);
  const client = await connectTlsClient(chain.port);
  const address = addressOf(client);
  await expectEcho(client);
  const records = await recordsOf(chain, 2);
  const common = { client: address, user: spiffeId('cart'), end: 'clean', sent: 14, received: 14 };
  expect(records).toMatchObject([
    { ...common, target: 'internal://inner', stages: ['outer', 'between'] },
    { ...common, target: `127.0.0.1:${target.port}`, stages: ['outer', 'between', 'inner'] },
  ]);
});

test('a proxy may lead to another proxy of the same process: only a way back to itself is a loop', async () => {
  const target = await startTarget(echo);
  const behind = await startChain([proxyStage('behind')]);
  const front = await startChain([proxyStage('front', { route: { hops: [[makeHop('http', behind.port)]] } })]);
  const client = await connectPeer(front.port);
  expect(await askForTunnel(client, `127.0.0.1:${target.port}`)).toBe('HTTP/1.1 200 Connection established');
  await expectEcho(client);
});

test('TLS may begin at an inner stage', async () => {
  const target = await startTarget(echo);
  const chain = await startChain([
    forwardStage('outer', internal('inner')),
    forwardStage('inner', target.address, { listen: 'internal', tls: mesh.serverTls(), log: true }),
  ]);
  await expectEcho(await connectTlsClient(chain.port));
  const [outer, inner] = await recordsOf(chain, 2);
  expect(outer).not.toHaveProperty('user');
  expect(inner).toMatchObject({ user: spiffeId('cart'), sent: 14 });
  expect(outer?.sent).toBeGreaterThan(14);
});

test('a client that fails the handshake of an inner stage is told of, and both stages are rid of it', async () => {
  const chain = await startChain([
    forwardStage('outer', internal('inner')),
    forwardStage('inner', refusedAddress, { listen: 'internal', tls: mesh.serverTls() }),
  ]);
  const client = await connectPeer(chain.port);
  client.send('this is no ClientHello, and never will be one\r\n\r\n');
  await client.waitForEnd();
  client.fin();
  await eventually(() => countStages(chain.running.tunnels).size, 0);
  expect(chain.eventsOf('notice').filter(({ level }) => level === 'warning')).toHaveLength(1);
});

test('a proxy behind an internal listener serves the clients of the outer stage', async () => {
  const target = await startTarget(echo);
  const chain = await startChain([
    forwardStage('outer', internal('gate')),
    proxyStage('gate', { listen: 'internal', deny: ['*:1'] }),
  ]);
  const client = await connectPeer(chain.port);
  const address = addressOf(client);
  expect(await askForTunnel(client, `127.0.0.1:${target.port}`)).toMatch(/^HTTP\/1.1 200 /);
  await expectEcho(client);
  const refused = await connectPeer(chain.port);
  const refusedAs = addressOf(refused);
  expect(await askForTunnel(refused, '127.0.0.1:1')).toMatch(/^HTTP\/1.1 403 /);
  const records = await recordsOf(chain, 3);
  expect(records.at(-1)).toMatchObject({ client: address, status: 200, stages: ['outer', 'gate'], sent: 14 });
  expect(chain.eventsOf('tunnel.failed')).toMatchObject([{ client: refusedAs, status: 403 }]);
});

test('a proxy hands all its tunnels to a stage, which sees what was asked for in the record of the proxy', async () => {
  const target = await startTarget(echo);
  const chain = await startChain([
    proxyStage('gate', { to: internal('way') }),
    forwardStage('way', target.address, { listen: 'internal', log: true }),
  ]);
  const client = await connectPeer(chain.port);
  const address = addressOf(client);
  expect(await askForTunnel(client, 'db.example:5432')).toMatch(/^HTTP\/1.1 200 /);
  await expectEcho(client);
  const common = { client: address, sent: 14 };
  expect(await recordsOf(chain, 2)).toMatchObject([
    { ...common, target: 'db.example:5432', status: 200 },
    { ...common, target: `127.0.0.1:${target.port}`, stages: ['gate', 'way'] },
  ]);
});

test.each([false, true])('a proxy says 502 and not 200 when the stage behind it finds no way (log %s)', async (log) => {
  const chain = await startChain([
    proxyStage('gate', { to: internal('way') }),
    forwardStage('way', refusedAddress, { listen: 'internal', log }),
  ]);
  const client = await connectPeer(chain.port);
  expect(await askForTunnel(client, 'db.example:5432')).toMatch(/^HTTP\/1.1 502 /);
  expect(chain.eventsOf('tunnel.failed')).toHaveLength(log ? 2 : 1);
});

test.each([false, true])('of several stages one that finds no way is passed over (log %s)', async (log) => {
  const target = await startTarget(echo);
  const chain = await startChain([
    forwardStage('outer', [internal('dead'), internal('alive')]),
    forwardStage('dead', refusedAddress, { listen: 'internal', log }),
    forwardStage('alive', target.address, { listen: 'internal', log }),
  ]);
  await expectEcho(await connectPeer(chain.port));
  const [outer] = await recordsOf(chain, log ? 2 : 1);
  expect(outer).toMatchObject({ target: log ? 'internal://alive' : `127.0.0.1:${target.port}` });
});

test('the record names the target that was taken, and the hops of the fused stages', async () => {
  const target = await startTarget(echo);
  const gate = await startChain([proxyStage('gate')]);
  const hop = makeHop('http', gate.port);
  const chain = await startChain([
    forwardStage('outer', internal('way')),
    forwardStage('way', [refusedAddress, target.address], { listen: 'internal', route: { hops: [[hop]] } }),
  ]);
  await expectEcho(await connectPeer(chain.port));
  expect(await recordsOf(chain, 1)).toMatchObject([
    { target: `127.0.0.1:${target.port}`, via: [`http://127.0.0.1:${gate.port}`], stages: ['outer', 'way'] },
  ]);
});

test.each([
  ['fused', false],
  ['apart', true],
])('the way to the first hop may begin inside (%s)', async (_how, log) => {
  const target = await startTarget(echo);
  const gate = await startChain([proxyStage('gate')]);
  const hop = makeHop('h2c', gate.port);
  const chain = await startChain([
    forwardStage('outer', target.address, { route: { hops: [[hop]], entry: internal('way') } }),
    forwardStage('way', { ...freePort, port: gate.port }, { listen: 'internal', log }),
  ]);
  await expectEcho(await connectPeer(chain.port));
  await expectEcho(await connectPeer(chain.port));
  await eventually(
    () => chain.eventsOf('tunnel.closed').filter(({ stages }) => stages?.at(-1) !== 'way' || !log).length,
    2,
  );
  // One session carries both tunnels, unless a stage on the way logs the client of each.
  expect(gate.eventsOf('tunnel.opened').map(({ target: reached }) => reached)).toEqual(
    Array(2).fill(`127.0.0.1:${target.port}`),
  );
  expect(new Set(gate.eventsOf('tunnel.opened').map(({ client }) => client)).size).toBe(log ? 2 : 1);
});

test('an HBONE client and an HBONE server in one process: the last stage knows the first client', async () => {
  const target = await startTarget(echo);
  const hop = makeHop('hbone', 15008, { tls: mesh.hopTls() });
  const stages: Stage[] = [
    forwardStage('ingress', internal('encap'), { tls: mesh.serverTls() }),
    forwardStage('encap', target.address, {
      listen: 'internal',
      log: true,
      route: { hops: [[hop]], entry: internal('gate'), limits: calmLimits },
    }),
    proxyStage('gate', { listen: 'internal', accept: ['hbone'], tls: mesh.serverTls(), to: internal('egress') }),
    forwardStage('egress', target.address, { listen: 'internal', log: true }),
  ];
  const chain = await startChain(stages);
  const clients: string[] = [];
  for (let turn = 0; turn < 2; turn++) {
    const client = await connectTlsClient(chain.port);
    clients.push(addressOf(client));
    await expectEcho(client);
  }
  await eventually(() => chain.eventsOf('tunnel.closed').length, 8);
  const last = chain.eventsOf('tunnel.closed').filter(({ stages: way }) => way?.at(-1) === 'egress');
  expect(last).toMatchObject(
    clients.map((client) => ({
      client,
      stages: ['ingress', 'encap', 'gate', 'egress'],
      user: spiffeId('cart'),
      sent: 14,
      end: 'clean',
    })),
  );
});
