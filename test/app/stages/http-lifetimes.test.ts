import { expect, test } from 'vitest';
import type { HttpAction } from '../../../src/chain/model/graph.ts';
import { calmLimits } from '../../support/harness/app.ts';
import { startChain } from '../../support/harness/chain.ts';
import { eventually } from '../../support/eventually.ts';
import { connectHttp2 } from '../../support/peers/h2-peer.ts';
import { httpStage, on, requests, tunnels, upstream } from '../../support/graphs/http-stages.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { echo, startTarget, type Target } from '../../support/targets/plain.ts';

/** Long enough for a tunnel to come up on a busy machine. */
const lifetimeMs = 800;
const reason = `the tunnel had reached its lifetime of ${lifetimeMs}ms`;
const route = { hops: [], limits: { ...calmLimits, lifetimeMs } };

const start = (target: Target, action: HttpAction) =>
  startChain([
    httpStage('front', [on('CONNECT', action), on('/', action)], [upstream('main', target.address)], { route }),
  ]);

test('a tunnel of an HTTP stage is cut at the end of its lifetime', async () => {
  const target = await startTarget(echo);
  const chain = await start(target, tunnels());
  const client = await connectPeer(chain.port);
  client.send('CONNECT a.test:1 HTTP/1.1\r\nHost: a.test:1\r\n\r\nhello');
  await client.readUntil('\r\n\r\nhello');
  expect(await client.waitForEnd()).toBe('reset');
  await eventually(() => target.open, 0);
  expect(chain.eventsOf('tunnel.closed')).toMatchObject([{ end: 'cut', side: 'self', reason, sent: 5 }]);
});

test('over HTTP/2 its stream is reset, and the session goes on', async () => {
  const target = await startTarget(echo);
  const chain = await start(target, tunnels());
  const peer = await connectHttp2(chain.port);
  const first = peer.connect('a.test:1');
  expect(await peer.outcomeOf(first)).toEqual({ status: 200 });
  expect(await peer.endOf(first)).not.toBe('end');
  expect(await peer.outcomeOf(peer.connect('a.test:1'))).toEqual({ status: 200 });
});

test('a protocol that was changed to is cut as well', async () => {
  const target = await startTarget();
  const chain = await start(target, requests({ upgrades: ['websocket'] }));
  const client = await connectPeer(chain.port);
  client.send('GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  const served = await target.accept();
  await served.readHead();
  served.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
  expect(await client.waitForEnd()).toBe('reset');
  await served.waitForEnd();
  expect(chain.eventsOf('tunnel.closed')).toMatchObject([{ end: 'cut', side: 'self', reason, status: 101 }]);
});

test('a request that is not answered by then is a 504, and its upstream is let go', async () => {
  const target = await startTarget();
  const chain = await start(target, requests());
  const client = await connectPeer(chain.port);
  client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 504 /);
  await eventually(() => [target.open, chain.running.tunnels.size], [0, 0]);
  expect(chain.eventsOf('tunnel.failed')).toMatchObject([{ status: 504, error: { message: reason } }]);
});

test('an answer that is not complete by then is cut', async () => {
  const target = await startTarget();
  const chain = await start(target, requests());
  const client = await connectPeer(chain.port);
  client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  const served = await target.accept();
  await served.readHead();
  served.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
  await client.readUntil('abc');
  expect(await client.waitForEnd()).toBe('reset');
  await eventually(() => chain.eventsOf('tunnel.closed').length, 1);
  expect(chain.eventsOf('tunnel.closed')).toMatchObject([{ end: 'cut', side: 'self', reason, status: 200 }]);
});
