import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createRoute } from '../../src/app/stages/route.ts';
import type { TcpAddress } from '../../src/core/address.ts';
import { type Link, resetError } from '../../src/core/link.ts';
import { calmLimits, makeHop, makeRoute, startTestServe, type TestApp } from '../support/harness/app.ts';
import { eventually } from '../support/eventually.ts';
import { type Arrival, type HbonePeer, startHbonePeer } from '../support/peers/hbone-peers.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { makeMesh } from '../support/certs/mesh.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { echo, startTarget, type Target } from '../support/targets/plain.ts';

const mesh = await makeMesh();

/** An east-west gateway as Istio has it: it takes any name and joins the tunnel to one place that it knows. */
function startGateway(port: () => number): Promise<HbonePeer> {
  return startHbonePeer(mesh, ({ stream }: Arrival) => {
    const socket = connect({ port: port(), host: '127.0.0.1', allowHalfOpen: true });
    stream.on('wantTrailers', () => stream.sendTrailers({}));
    stream.on('close', () => void socket.destroy());
    socket
      .on('error', () => {})
      .once('connect', () => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.pipe(socket).pipe(stream);
      });
  });
}

interface Bed {
  readonly gateway: HbonePeer;
  readonly inner: TestApp;
  readonly target: Target;
  dial(address?: TcpAddress): Promise<Link>;
}

/** Starts two hops, the second behind the first. The second serves tunnels itself. */
async function startDouble(settings: Record<string, string> = {}, beyond: readonly string[] = []): Promise<Bed> {
  const target = await startTarget(echo);
  const inner = await startTestServe({ accept: ['hbone'], tls: mesh.serverTls() });
  const gateway = await startGateway(() => inner.port);
  const proxy = beyond.length > 0 ? [makeHop('http', (await startTestServe()).port)] : [];
  const route = await makeRoute([
    makeHop('hbone', gateway.port, { tls: mesh.hopTls(), settings: { source: 'gateway' } }),
    makeHop('hbone', inner.port, { tls: mesh.hopTls(), settings: { network: 'net1', ...settings } }),
    ...proxy,
  ]);
  return {
    gateway,
    inner,
    target,
    async dial(address = target.address) {
      const link = await route.dial(address, makeContext(address));
      onTestFinished(() => link.reset(resetError('the test is over')));
      return link;
    },
  };
}

test('both layers ask for the target, and each says what is for it', async () => {
  const { gateway, inner, target, dial } = await startDouble();
  const client = new RawPeer(await dial());
  client.send('through both');
  expect(await client.readUntil('both')).toBe('through both');
  const { headers } = await gateway.next();
  expect(headers).toMatchObject({ ':authority': `127.0.0.1:${target.port}`, 'x-istio-source': 'gateway' });
  expect(headers).not.toHaveProperty('x-forwarded-network');
  expect(inner.eventsOf('tunnel.opened')[0]?.target).toBe(`127.0.0.1:${target.port}`);
});

test('the outer session is shared, and each tunnel has an inner one of its own, which ends with it', async () => {
  const { gateway, inner, dial } = await startDouble();
  const clients = (await Promise.all([dial(), dial(), dial()])).map((link) => new RawPeer(link));
  expect(gateway.sessions.length).toBe(1);
  const opened = inner.eventsOf('tunnel.opened').map(({ client }) => client);
  expect(new Set(opened).size).toBe(3);

  const streams = [await gateway.next(), await gateway.next(), await gateway.next()].map(({ stream }) => stream);
  clients[0]?.fin();
  await clients[0]?.readToEnd();
  await eventually(() => streams.filter(({ destroyed }) => destroyed).length, 1);
  expect(gateway.sessions[0]?.destroyed).toBe(false);
  clients[1]?.send('still here');
  expect(await clients[1]?.readUntil('here')).toBe('still here');
  clients[1]?.reset();
  await eventually(() => streams.filter(({ destroyed }) => destroyed).length, 2);
  await eventually(() => inner.eventsOf('tunnel.closed').map(({ end }) => end), ['clean', 'reset']);
});

test('a target that refuses is the inner answer, and nothing stays open', async () => {
  const { gateway, dial } = await startDouble();
  await expect(dial({ kind: 'tcp', host: '127.0.0.1', port: 1 })).rejects.toMatchObject({
    code: 'destination_unavailable',
    facts: { side: 'target', hop: { index: 2, count: 2 } },
  });
  const { stream } = await gateway.next();
  await eventually(() => stream.destroyed, true);
});

test('a hop behind both is asked of both', async () => {
  const { gateway, inner, dial } = await startDouble({}, ['http']);
  const client = new RawPeer(await dial());
  client.send('three');
  expect(await client.readUntil('three')).toBe('three');
  const { headers } = await gateway.next();
  expect(inner.eventsOf('tunnel.opened')[0]?.target).toBe(headers[':authority']);
});

describe('?nest', () => {
  test('asks the first hop for the address of the second, and keeps the session', async () => {
    const { gateway, inner, target, dial } = await startDouble({ nest: 'yes' });
    const links = await Promise.all([dial(), dial()]);
    expect(links.length).toBe(2);
    const { headers } = await gateway.next();
    expect(headers[':authority']).toBe(`127.0.0.1:${inner.port}`);
    const opened = inner.eventsOf('tunnel.opened');
    expect(opened.map((event) => event.target)).toEqual([target.port, target.port].map((port) => `127.0.0.1:${port}`));
    expect(new Set(opened.map(({ client }) => client)).size).toBe(1);
  });
});

test('a hop of another kind before it is asked for its address as always', async () => {
  const target = await startTarget(echo);
  const inner = await startTestServe({ accept: ['hbone'], tls: mesh.serverTls() });
  const outer = await startTestServe();
  const route = await makeRoute([makeHop('h2c', outer.port), makeHop('hbone', inner.port, { tls: mesh.hopTls() })]);
  const client = new RawPeer(await route.dial(target.address, makeContext(target.address)));
  client.send('ping');
  client.fin();
  expect((await client.readToEnd()).toString()).toBe('ping');
  expect(outer.eventsOf('tunnel.opened')[0]?.target).toBe(`127.0.0.1:${inner.port}`);
});

test('an inner hop behind alternatives of several kinds is not guessed at', async () => {
  const tls = mesh.hopTls();
  const hops = [[makeHop('hbone', 1, { tls }), makeHop('h2c', 2)], [makeHop('hbone', 3, { tls })]];
  await expect(createRoute({ hops, limits: calmLimits })).rejects.toMatchObject({ code: 'usage' });
});
