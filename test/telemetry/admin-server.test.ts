import { connect } from 'node:net';
import { once } from 'node:events';
import { expect, onTestFinished, test, vi } from 'vitest';
import { linkPair } from '../../src/core/link.ts';
import { createAdminServer } from '../../src/telemetry/admin/server.ts';
import { makeSubject, startDesk } from '../support/harness/admin-subject.ts';
import { eventually } from '../support/eventually.ts';
import { connectPeer, RawPeer } from '../support/peers/raw-peer.ts';

test('an unknown path is answered with the list of those that there are', async () => {
  const { ask } = await startDesk(makeSubject());
  const answer = await ask('/nowhere');
  expect(answer.status).toBe(404);
  expect(answer.body).toMatch(/^invalid path\. admin commands are:\n/);
  for (const path of ['/ready', '/tunnels', '/stats/prometheus', '/quitquitquit (POST)', '/tunnels/ID (DELETE)']) {
    expect(answer.body).toContain(`\n  ${path}: `);
  }
  expect((await ask('/help')).body).toBe(answer.body.replace('invalid path. ', ''));
});

test.each([
  ['GET', '/quitquitquit', 'POST'],
  ['PUT', '/drain_listeners', 'POST'],
  ['POST', '/ready', 'GET, HEAD'],
  ['GET', '/tunnels/1', 'DELETE'],
  ['POST', '/tunnels/1', 'DELETE'],
])('%s %s is not allowed, and nothing happens', async (method, path, allowed) => {
  const subject = makeSubject();
  const { ask } = await startDesk(subject);
  const answer = await ask(path, { method });
  expect([answer.status, answer.headers['allow']]).toEqual([405, allowed]);
  expect(answer.body).toBe(`Method ${method} not allowed, ${allowed.split(',')[0]} required.`);
  expect(subject.orders).toEqual([]);
});

test('HEAD has what GET has, without the body', async () => {
  const { ask } = await startDesk(makeSubject());
  expect(await ask('/ready', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
});

test.each([
  ['/tunnels/7', 200, ['cut 7']],
  ['/tunnels/0', 404, []],
  ['/tunnels/', 404, []],
  ['/tunnels/1e3', 404, []],
  ['/tunnels/1/2', 404, []],
  ['/tunnels/%3Cscript%3E', 404, []],
])('DELETE %s: %i', async (path, status, orders) => {
  const subject = makeSubject();
  const { ask } = await startDesk(subject);
  expect((await ask(path, { method: 'DELETE' })).status).toBe(status);
  expect(subject.orders).toEqual(orders);
});

test.each([
  ['/drain_listeners', 'close'],
  ['/drain_listeners?graceful', 'drain'],
  ['/drain_listeners?graceful&skip_exit', 'close'],
  ['/quitquitquit', 'quit'],
  ['/healthcheck/fail', 'failed'],
  ['/healthcheck/ok', 'passed'],
  ['/logging?level=debug', 'debug'],
])('POST %s is an order: %s', async (path, order) => {
  const subject = makeSubject();
  const { ask } = await startDesk(subject);
  expect((await ask(path, { method: 'POST' })).status).toBe(200);
  await eventually(() => subject.orders, [order]);
});

test('a level that there is none of is refused with those that there are', async () => {
  const { ask } = await startDesk(makeSubject());
  const answer = await ask('/logging?level=loud', { method: 'POST' });
  expect(answer.status).toBe(400);
  expect(answer.body).toMatch(
    /^error: unknown logger level\n[^]*levels: trace debug info[^]*active loggers:\n  tunl: info\n/,
  );
});

test('a body is of no use, and a large one is not read to its end', async () => {
  const { ask, port } = await startDesk(makeSubject());
  expect((await ask('/healthcheck/ok', { method: 'POST', body: 'x'.repeat(1000) })).status).toBe(200);
  const client = await connectPeer(port);
  client.send(`POST /healthcheck/ok HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n`);
  client.send('x'.repeat(70_000));
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 413 [^]*Connection: close/);
});

test('a head that is too large, and what is no request, end the connection', async () => {
  const { port } = await startDesk(makeSubject());
  for (const request of [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 'nonsense\r\n\r\n']) {
    const client = await connectPeer(port);
    client.send(request);
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 4/);
    await client.waitForEnd();
  }
});

test('no tunnel is opened here, by CONNECT, in absolute form or by an upgrade', async () => {
  const { port } = await startDesk(makeSubject());
  for (const [line, answer] of [
    ['CONNECT localhost:1 HTTP/1.1', ''],
    ['GET http://localhost/ready HTTP/1.1', 'HTTP/1.1 400 '],
    ['GET /nowhere HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket', 'HTTP/1.1 404 '],
  ] as const) {
    const client = await connectPeer(port);
    client.send(`${line}\r\nHost: localhost\r\n\r\n`);
    if (answer === '') expect(await client.waitForEnd()).not.toBe('open');
    else expect(await client.readHead()).toContain(answer);
    client.reset();
  }
});

test('who sends nothing, half a request or half a body is cut off in time', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const server = createAdminServer(makeSubject(), { names: [], isSocketFile: false });
  const body = 'POST /healthcheck/ok HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx';
  for (const start of ['', 'GET /ready HT', body]) {
    const [near, far] = linkPair();
    server.accept(far);
    near.stream.on('error', () => {}).resume();
    near.stream.write(start);
    // The written bytes are delivered in the next ticks.
    for (let round = 0; round < 5; round++) await new Promise(setImmediate);
    expect(far.stream.destroyed).toBe(false);
    vi.advanceTimersByTime(31_000);
    expect(far.stream.destroyed, start).toBe(true);
  }
});

test('more connections than anybody needs are not taken', async () => {
  const { port } = await startDesk(makeSubject());
  const clients = Array.from({ length: 64 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  onTestFinished(() => clients.forEach((client) => client.destroy()));
  await Promise.all(clients.map((client) => once(client, 'connect')));
  const one = new RawPeer({ stream: connect(port, '127.0.0.1'), reset: () => {} });
  expect(await one.waitForEnd()).not.toBe('open');
  one.stream.destroy();
  clients[0]?.destroy();
  await eventually(async () => {
    const client = await connectPeer(port);
    client.send('GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n');
    return (await client.readHead().catch(() => '')).slice(0, 12);
  }, 'HTTP/1.1 200');
});
