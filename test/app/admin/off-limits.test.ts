import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createGeneration } from '../../../src/app/graph/generation.ts';
import { OffLimits } from '../../../src/app/off-limits.ts';
import { Tunnels } from '../../../src/app/tunnel/tunnels.ts';
import type { Stage, PlainGraph } from '../../../src/chain/model/graph.ts';
import type { Ip, ListenAddress } from '../../../src/core/address.ts';
import { resetError } from '../../../src/core/link.ts';
import { Scope } from '../../../src/core/scope.ts';
import { createDirect } from '../../../src/dial/direct.ts';
import { LogFiles } from '../../../src/telemetry/access-log.ts';
import { askAdmin, startAdmin, type TestAdmin } from '../../support/harness/admin.ts';
import { makeHop } from '../../support/harness/app.ts';
import { eventually } from '../../support/eventually.ts';
import { forwardStage, freePort, proxyStage, toGraph } from '../../support/graphs/graphs.ts';
import { httpStage, on, requests, tunnels, upstream } from '../../support/graphs/http-stages.ts';
import { makeContext } from '../../support/harness/link-pairs.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';

const tcp = (host: string, port: number) => ({ kind: 'tcp', host, port }) as const;

/** An address of this machine that is not loopback, and one that is. */
const assigned = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
const assignedOuter = assigned.find(({ internal: isInternal, family }) => !isInternal && family === 'IPv4')?.address;

const ip4 = (address: string) => ({ address, family: 4 }) as const;

/** A server that takes connections on another address of loopback. */
async function listenOn(host: string, port: number): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => {}).resume());
  onTestFinished(() => void server.close());
  await once(server.listen(port, host), 'listening');
  return server;
}

/** Connects as a client, and waits for the end. A reset may come before the connection is reported. */
async function visit(port: number): Promise<void> {
  const client = await connectPeer(port).catch(() => undefined);
  await client?.waitForEnd();
}

/** Returns the code of the first tunnel that failed. */
function findFailure({ events }: TestAdmin): string | undefined {
  return events.flatMap((event) => (event.event === 'tunnel.failed' ? [event.error.code] : []))[0];
}

/** Sends a CONNECT to a proxy, and returns the status line of the answer. */
async function connectThrough(port: number, authority: string): Promise<string> {
  const client = await connectPeer(port);
  client.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  const head = await client.readHead();
  client.reset();
  return head.split('\r\n')[0] ?? '';
}

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['127.0.0.1', 'localhost'],
  ['127.0.0.1', 'LOCALHOST.'],
  ['127.0.0.1', 'x.localhost'],
  ['127.0.0.1', '0.0.0.0'],
  ['127.0.0.1', '[::ffff:127.0.0.1]'],
  ['127.0.0.1', '[::ffff:7f00:1]'],
  ['127.0.0.1', '[::ffff:0:0]'],
  ['::1', '[::1]'],
  ['::1', '[::]'],
  ['::1', '[0:0:0:0:0:0:0:1]'],
  ['*', '127.0.0.1'],
  ['*', '127.5.5.5'],
  ['*', '[::1]'],
  ...(assignedOuter === undefined ? [] : [['*', assignedOuter]]),
  ['localhost', 'localhost'],
  ['localhost', '127.0.0.1'],
  ['localhost', '[::1]'],
])('administered on %s, a proxy does not lead to %s, whatever its rules say', async (bind = '', host = '') => {
  const stages = [proxyStage('proxy', { allow: ['0.0.0.0/0', '::/0', 'localhost', 'localhost.', 'x.localhost'] })];
  const admin = await startAdmin({ admin: tcp(bind, 0), adminOpen: true, stages });
  expect(await connectThrough(admin.port, `${host}:${admin.adminPort}`)).toMatch(/^HTTP\/1\.1 403 /);
  // Another port of the same machine is none of its business.
  const target = await startTarget(echo);
  expect(await connectThrough(admin.port, `127.0.0.1:${target.port}`)).toMatch(/^HTTP\/1\.1 200 /);
});

test('a proxy in front of a proxy of the same process does not lead there either', async () => {
  const admin = await startAdmin({ stages: [proxyStage('inner')] });
  const route = { hops: [[makeHop('http', admin.port)]] };
  await admin.running.replace(
    toGraph({ admin: freePort, stages: [proxyStage('inner'), proxyStage('outer', { route })] }),
  );
  const outer = admin.events.findLast((event) => event.event === 'listening' && event.role === 'serve');
  const outerPort = outer?.event === 'listening' ? (outer.port ?? 0) : 0;
  for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]']) {
    expect(await connectThrough(outerPort, `${host}:${admin.adminPort}`)).toMatch(/ 403 /);
  }
});

test('what is asked of a proxy on this machine is refused by its words, and of one elsewhere is not', async () => {
  const hop = await startTarget((socket) => void socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\n')));
  const route = { hops: [[makeHop('http', hop.port)]] };
  const admin = await startAdmin({ stages: [proxyStage('proxy', { route })] });
  expect(await connectThrough(admin.port, `localhost:${admin.adminPort}`)).toMatch(/ 403 /);
  expect(hop.accepted).toBe(0);
  expect(await connectThrough(admin.port, `localhost:${admin.adminPort + 1}`)).toMatch(/ 200 /);
});

test('an HTTP stage that goes where each request says leads neither tunnels nor requests there', async () => {
  const asked = upstream('asked', { field: ':authority' });
  const routes = [on('CONNECT', tunnels({ upstream: 'asked' })), on('/', requests({ upstream: 'asked' }))];
  const admin = await startAdmin({ stages: [httpStage('web', routes, [asked])] });
  for (const host of ['127.0.0.1', '0.0.0.0', '[::ffff:127.0.0.1]']) {
    const authority = `${host}:${admin.adminPort}`;
    expect(await connectThrough(admin.port, authority)).toMatch(/^HTTP\/1\.1 403 /);
    expect((await askAdmin(admin.port, '/ready', { headers: { Host: authority } })).status).toBe(403);
  }
});

test('of the addresses of a name those that lead there are left out', async () => {
  const own = await startTarget(echo);
  const other = await listenOn('127.0.0.2', own.port);
  const offLimits = new OffLimits(() => [own.address]);
  let ips: readonly Ip[] = [ip4('127.0.0.1'), ip4('127.0.0.2')];
  const dial = createDirect({
    resolve: async () => ips,
    connectMs: 0,
    assertAllowed: (place) => offLimits.assertAllowed(place),
  });
  const name = tcp('db.example', own.port);
  const link = await dial(name, makeContext(name));
  expect(link.peer.address).toEqual(tcp('127.0.0.2', own.port));
  link.reset(resetError('the test is over'));
  ips = [ip4('0.0.0.0'), ip4('127.0.0.1')];
  await expect(dial(name, makeContext(name))).rejects.toMatchObject({ code: 'destination_ip_prohibited' });
  const resolved = { ...name, resolved: ips };
  await expect(dial(resolved, makeContext(name))).rejects.toMatchObject({ code: 'destination_ip_prohibited' });
  expect([own.accepted, other.listening]).toEqual([0, true]);
});

test('no link to its socket is a way to it', async () => {
  const folder = makeTempFolder();
  const path = join(folder, 'admin.sock');
  const link = join(folder, 'other.sock');
  const stages = [forwardStage('a', { kind: 'unix', path: link })];
  const admin = await startAdmin({ admin: { kind: 'unix', path }, stages });
  symlinkSync(path, link);
  await visit(admin.port);
  await eventually(() => findFailure(admin), 'destination_ip_prohibited');
});

test('after a reload the place that it has now is off limits, and the old one is not', async () => {
  const stages = [proxyStage('proxy', { listen: [tcp('127.0.0.1', 0)] })];
  const admin = await startAdmin({ stages });
  const before = admin.adminPort;
  const target = await startTarget(echo);
  await admin.running.replace(toGraph({ admin: tcp('127.0.0.2', 0), stages }));
  expect(admin.adminPort).not.toBe(before);
  expect(await connectThrough(admin.port, `127.0.0.2:${admin.adminPort}`)).toMatch(/ 403 /);
  expect(await connectThrough(admin.port, `127.0.0.1:${before}`)).toMatch(/ 502 /);
  expect(await connectThrough(admin.port, `127.0.0.1:${target.port}`)).toMatch(/ 200 /);
});

describe('a graph is refused that surely leads there', () => {
  const check = (graph: PlainGraph) => {
    const emit = () => {};
    const env = {
      scope: new Scope(),
      emit,
      tunnels: new Tunnels(emit),
      listeners: () => [],
      logFiles: new LogFiles(emit),
    };
    return createGeneration(toGraph(graph), env);
  };
  const local = makeHop('http', 3128);
  const far = makeHop('http', 3128, { address: tcp('proxy.example', 3128) });
  const cases: readonly (readonly [string, ListenAddress, Stage, boolean])[] = [
    ['to it', tcp('127.0.0.1', 9901), forwardStage('a', tcp('127.0.0.1', 9901)), true],
    ['by localhost', tcp('127.0.0.1', 9901), forwardStage('a', tcp('localhost', 9901)), true],
    ['bound to localhost', tcp('localhost', 9901), forwardStage('a', tcp('::1', 9901)), true],
    ['by its socket', { kind: 'unix', path: '/x/a' }, forwardStage('a', { kind: 'unix', path: '/x/./a' }), true],
    ['by a second target', tcp('127.0.0.1', 9901), forwardStage('a', [tcp('b', 1), tcp('0.0.0.0', 9901)]), true],
    ['from a proxy', tcp('127.0.0.1', 9901), proxyStage('a', { to: tcp('127.0.0.1', 9901) }), true],
    [
      'as a hop',
      tcp('127.0.0.1', 9901),
      forwardStage('a', tcp('b', 1), { route: { hops: [[makeHop('http', 9901)]] } }),
      true,
    ],
    [
      'behind a local proxy',
      tcp('127.0.0.1', 9901),
      forwardStage('a', tcp('127.0.0.1', 9901), { route: { hops: [[local]] } }),
      true,
    ],
    [
      'loopback of another machine',
      tcp('127.0.0.1', 9901),
      forwardStage('a', tcp('127.0.0.1', 9901), { route: { hops: [[far]] } }),
      false,
    ],
    ['another port', tcp('127.0.0.1', 9901), forwardStage('a', tcp('127.0.0.1', 9902)), false],
  ];

  test.each(cases)('%s', async (_what, admin, stage, isRefused) => {
    const outcome = check({ admin, stages: [stage] });
    if (!isRefused) return (await outcome).close();
    await expect(outcome).rejects.toMatchObject({ code: 'usage', facts: { stage: 'a' } });
  });
});
