import { describe, expect, test } from 'vitest';
import type { HttpStage } from '../../../src/chain/model/graph.ts';
import { startChain } from '../../support/harness/chain.ts';
import { eventually } from '../../support/eventually.ts';
import { answer, httpStage, on, requests, tunnels, upstream } from '../../support/graphs/http-stages.ts';
import { calmLimits } from '../../support/harness/app.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { refusedAddress, startTarget } from '../../support/targets/plain.ts';

const get = (path: string, fields = '', method = 'GET') =>
  `${method} ${path} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;

/** Runs a stage and connects to it. */
async function start(stage: HttpStage) {
  const chain = await startChain([stage]);
  return { chain, client: await connectPeer(chain.port) };
}

test('answers by itself, one request after the other, each with its record', async () => {
  const { chain, client } = await start(httpStage('front', [on('/a', answer('hello\n')), on('/b', answer('', 204))]));
  client.send(get('/a?secret=1'));
  expect(await client.readUntil('hello\n')).toMatch(
    /^HTTP\/1\.1 200 OK\r\nDate: .* GMT\r\nContent-Length: 6\r\nContent-Type: text\/plain.*\r\n\r\nhello\n$/,
  );
  client.send(get('/b'));
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 204 No Content\r\nDate: .*\r\n\r\n$/);
  await eventually(() => chain.eventsOf('tunnel.closed').length, 2);
  expect(chain.eventsOf('tunnel.closed')).toMatchObject([
    { target: 'GET a.test/a', status: 200, sent: 0, received: 6, end: 'clean', via: [] },
    { target: 'GET a.test/b', status: 204, sent: 0, received: 0, end: 'clean' },
  ]);
  expect(chain.eventsOf('tunnel.opened')).toHaveLength(2);
  expect(chain.running.tunnels.size).toBe(0);
});

test.each([
  ['no route', get('/x'), 404],
  ['CONNECT where there is only a path', get('db:1', '', 'CONNECT'), 404],
  ['a change of protocol that no route takes', get('/a', 'Connection: upgrade\r\nUpgrade: websocket\r\n'), 403],
])('refuses a request with %s, and records it once', async (_, request, status) => {
  const { chain, client } = await start(httpStage('front', [on('/a', answer('hello'))]));
  client.send(request);
  expect(await client.readHead()).toMatch(
    new RegExp(`^HTTP/1\\.1 ${status} .*\r\nProxy-Status: tunl; error=http_request_`, 's'),
  );
  expect(chain.eventsOf('tunnel.failed')).toMatchObject([{ status, error: { side: 'client' } }]);
  expect(chain.eventsOf('tunnel.opened')).toEqual([]);
});

test.each([
  ['CONNECT at a route for requests', on('CONNECT', requests()), get('db:1', '', 'CONNECT')],
  ['CONNECT at an answer', on('CONNECT', answer('x')), get('db:1', '', 'CONNECT')],
  ['GET at a route for tunnels', on('/', tunnels({ post: true })), get('/')],
  ['POST at a route for CONNECT', on('/', tunnels()), get('/', 'Content-Length: 0\r\n', 'POST')],
])('answers %s with 403', async (_, route, request) => {
  const target = await startTarget();
  const { client } = await start(httpStage('front', [route], [upstream('main', target.address)]));
  client.send(request);
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
  expect(target.accepted).toBe(0);
});

test('an upstream that is away is a 503 that says why, and the connection goes on', async () => {
  const away = upstream('main', refusedAddress);
  const { chain, client } = await start(httpStage('front', [on('/', requests()), on('CONNECT', tunnels())], [away]));
  for (let round = 0; round < 2; round++) {
    client.send(get('/'));
    expect(await client.readUntil('refused\n')).toMatch(
      /^HTTP\/1\.1 503 Service Unavailable\r\nProxy-Status: tunl; error=connection_refused\r\n.*\r\n\r\ntunl: connection refused\n$/s,
    );
  }
  client.send(get('db:1', '', 'CONNECT'));
  expect((await client.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 503 .*error=connection_refused/s);
  expect(chain.eventsOf('tunnel.failed').map(({ status, target }) => [status, target])).toEqual([
    [503, 'GET a.test/'],
    [503, 'GET a.test/'],
    [503, '127.0.0.1:1'],
  ]);
});

describe('the time that a request may take', () => {
  const limits = { ...calmLimits, handshakeMs: 100, idleMs: 100 };

  test('for its head ends with 408', async () => {
    const { chain, client } = await start(httpStage('front', [], [], { route: { hops: [], limits } }));
    client.send('GET / HT');
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    client.fin();
    await eventually(() => chain.eventsOf('tunnel.failed').map(({ target }) => target), ['-']);
  });

  test('without a byte of its body ends with 408, and the upstream is let go', async () => {
    const target = await startTarget();
    const stage = httpStage('front', [on('/', requests())], [upstream('main', target.address)], {
      route: { hops: [], limits },
    });
    const { chain, client } = await start(stage);
    client.send(get('/', 'Content-Length: 10\r\n', 'POST'));
    client.send('abc');
    const served = await target.accept();
    await served.readUntil('\r\nabc');
    expect((await client.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 408 .*\r\nConnection: close\r\n/s);
    await served.waitForEnd();
    expect(chain.eventsOf('tunnel.failed')).toMatchObject([{ status: 408, error: { code: 'tunnel_idle' } }]);
    expect(chain.running.tunnels.size).toBe(0);
  });

  test('without an answer although it was whole ends with 504', async () => {
    const target = await startTarget();
    const stage = httpStage('front', [on('/', requests({ idleMs: 100 }))], [upstream('main', target.address)]);
    const { client } = await start(stage);
    client.send(get('/', 'Content-Length: 3\r\n', 'POST'));
    client.send('abc');
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 504 /);
  });

  test('without a byte of its answer ends with an abort', async () => {
    const target = await startTarget();
    const stage = httpStage('front', [on('/', requests({ idleMs: 100 }))], [upstream('main', target.address)]);
    const { chain, client } = await start(stage);
    client.send(get('/'));
    const served = await target.accept();
    await served.readHead();
    served.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
    await client.readUntil('abc');
    expect(await client.waitForEnd()).toBe('reset');
    await eventually(() => target.open, 0);
    expect(chain.eventsOf('tunnel.closed')).toMatchObject([{ status: 200, end: 'idle', received: 3 }]);
  });
});

test('when the program stops, the request that runs is answered, and the connection ends', async () => {
  const target = await startTarget();
  const { chain, client } = await start(httpStage('front', [on('/', requests())], [upstream('main', target.address)]));
  const idle = await connectPeer(chain.port);
  client.send(get('/'));
  const served = await target.accept();
  await served.readHead();
  chain.scope.drain(new Error('stopping'));
  await idle.waitForEnd();
  served.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  expect((await client.readToEnd()).toString()).toMatch(/\r\nConnection: close\r\n.*ok$/s);
  client.fin();
  served.fin();
  expect(await chain.running.done).toBe(0);
});

test('what does not end in time is cut', async () => {
  const target = await startTarget();
  const chain = await startChain([httpStage('front', [on('/', requests())], [upstream('main', target.address)])], 50);
  const client = await connectPeer(chain.port);
  client.send(get('/'));
  await (await target.accept()).readHead();
  chain.scope.drain(new Error('stopping'));
  expect(await chain.running.done).toBe(1);
  await eventually(() => target.open, 0);
});
