import { beforeAll, describe, expect, test } from 'vitest';
import { startTarget } from '../support/targets/plain.ts';
import { hasEnvoy } from './parts/envoy.ts';
import { type EnvoyRoute, envoyRoutes } from './support/routes.ts';
import { formatHops, startTunl, type TunlPart } from './support/tunl.ts';
import { expectOwnBytes, openTunnel, startEcho } from './support/tunnels.ts';

/** Over HTTP/1.1 the tunnel of a CONNECT is the connection, and Envoy closes it whichever side has ended or was reset. */
const hasHalves = ({ method, protocol }: EnvoyRoute) => method === 'POST' || protocol === 'h2';

const megabyte = Buffer.alloc(1_000_000, 'tunl');

/** A forward that leaves its tunnels as they are when it is stopped. */
function startForward(port: number, hops: readonly string[]): Promise<TunlPart> {
  return startTunl(['forward', '-v', '--grace', '0', `:127.0.0.1:${port}`, ...formatHops(hops)]);
}

if (!hasEnvoy) process.stderr.write('Envoy is not installed: its tests are not run\n');

describe.skipIf(!hasEnvoy).each(envoyRoutes)('tunl forward through $name', (row) => {
  let route: Awaited<ReturnType<EnvoyRoute['start']>>;

  beforeAll(async () => {
    route = await row.start();
    return route.stop;
  });

  test('carries 201 tunnels at once, each with its own bytes', async () => {
    const target = await startEcho();
    const forward = await startForward(target.port, route.hops);
    await expectOwnBytes(forward.port, 201);
    await forward.stop();
  });

  test('delivers what the client sent before it ended', async () => {
    const target = await startTarget();
    const forward = await startForward(target.port, route.hops);
    const tunnel = await openTunnel(forward.port, target);
    tunnel.client.send(megabyte);
    tunnel.client.fin();
    expect((await tunnel.target.readToEnd()).equals(megabyte)).toBe(true);
    await forward.stop();
  });

  if (hasHalves(row))
    test('brings the answer of a target to a client that has ended', async () => {
      const target = await startTarget();
      const forward = await startForward(target.port, route.hops);
      const tunnel = await openTunnel(forward.port, target);
      tunnel.client.fin();
      await tunnel.target.readToEnd();
      tunnel.target.send(megabyte);
      tunnel.target.fin();
      expect((await tunnel.client.readToEnd()).equals(megabyte)).toBe(true);
      await forward.stop();
    });

  // Over HTTP/2 Envoy resets the stream of a target that ends first, and drops what it has not sent yet.
  test('never ends cleanly what Envoy has cut short', async () => {
    const target = await startTarget();
    const forward = await startForward(target.port, route.hops);
    const tunnel = await openTunnel(forward.port, target);
    for (let count = 0; count < 10; count++) tunnel.target.send(megabyte);
    tunnel.target.fin();
    const end = await tunnel.client.waitForEnd();
    expect(row.protocol === 'h2' ? ['fin', 'reset'] : ['fin']).toContain(end);
    if (end === 'fin') expect(tunnel.client.inbox.size, forward.log()).toBe(10 * megabyte.length);
    await forward.stop();
  });

  if (hasHalves(row))
    test('tells the client that the target was reset', async () => {
      const target = await startTarget();
      const forward = await startForward(target.port, route.hops);
      const tunnel = await openTunnel(forward.port, target);
      tunnel.target.reset();
      expect(await tunnel.client.waitForEnd()).toBe('reset');
      await forward.waitForLine(/reset by the target/);
      await forward.stop();
    });

  test('ends the tunnel of a client that was reset', async () => {
    const target = await startTarget();
    const forward = await startForward(target.port, route.hops);
    const tunnel = await openTunnel(forward.port, target);
    tunnel.client.reset();
    expect(await tunnel.target.waitForEnd()).not.toBe('open');
    await forward.stop();
  });

  if (row.protocol === 'h2')
    test('lets tunnels finish when Envoy drains, and opens the next in a new session', async () => {
      const { envoy } = route;
      const target = await startTarget();
      const forward = await startForward(target.port, route.hops);
      const before = await envoy.readCounter('http.front.downstream_cx_http2_total');
      const countSessions = async () => (await envoy.readCounter('http.front.downstream_cx_http2_total')) - before;
      const first = await openTunnel(forward.port, target);
      await envoy.order('/drain_listeners?graceful&skip_exit');
      // Its GOAWAY goes with the next answer.
      const second = await openTunnel(forward.port, target);
      expect(await countSessions()).toBe(1);
      const third = await openTunnel(forward.port, target);
      expect(await countSessions()).toBe(2);
      for (const { client, target: far } of [third, first, second]) {
        client.send(megabyte);
        client.fin();
        expect((await far.readToEnd()).equals(megabyte)).toBe(true);
        far.send(megabyte);
        far.fin();
        expect((await client.readToEnd()).equals(megabyte)).toBe(true);
      }
      await forward.stop();
    });

  if (hasHalves(row))
    test('cuts its tunnels when Envoy goes away', async () => {
      const target = await startTarget();
      const forward = await startForward(target.port, route.hops);
      const tunnels = [await openTunnel(forward.port, target), await openTunnel(forward.port, target)];
      await route.envoy.order('/quitquitquit');
      expect(await Promise.all(tunnels.map(({ client }) => client.waitForEnd()))).toEqual(['reset', 'reset']);
      await forward.stop();
    });
});
