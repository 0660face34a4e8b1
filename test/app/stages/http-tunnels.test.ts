import { describe, expect, test } from 'vitest';
import type { HttpStage } from '../../../src/chain/model/graph.ts';
import { startChain } from '../../support/harness/chain.ts';
import { eventually } from '../../support/eventually.ts';
import { connectHttp2 } from '../../support/peers/h2-peer.ts';
import { httpStage, on, tunnels, upstream } from '../../support/graphs/http-stages.ts';
import { calmLimits } from '../../support/harness/app.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { answerAtEnd, echo, startTarget, type Target } from '../../support/targets/plain.ts';

const connect = (target: string, fields = '') => `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${fields}\r\n`;

/** A stage whose tunnels lead to a target, and a client of it. */
async function start(target: Target, more: Parameters<typeof tunnels>[0] = {}, stage: Partial<HttpStage> = {}) {
  const routes = [on('CONNECT', tunnels(more)), on('/', tunnels(more))];
  const { listen: _, ...rest } = stage;
  const chain = await startChain([httpStage('front', routes, [upstream('main', target.address)], rest)]);
  return { chain, client: await connectPeer(chain.port) };
}

test('CONNECT leads to the upstream, whatever it asks for, with early data first', async () => {
  const target = await startTarget(echo);
  const { chain, client } = await start(target);
  client.send(`${connect('elsewhere.test:443')}early `);
  expect(await client.readHead()).toBe('HTTP/1.1 200 Connection established\r\n\r\n');
  client.send('and late');
  expect(String(await client.read(14))).toBe('early and late');
  expect([...chain.running.tunnels]).toMatchObject([{ target: `127.0.0.1:${target.port}`, stages: ['front'] }]);
  client.fin();
  expect((await client.readToEnd()).length).toBe(0);
  await eventually(() => chain.eventsOf('tunnel.closed').length, 1);
  expect(chain.eventsOf('tunnel.closed')).toMatchObject([{ sent: 14, received: 14, end: 'clean', status: 200 }]);
});

test('the answer to CONNECT waits for the upstream', async () => {
  const target = await startTarget(answerAtEnd(() => 'the answer'));
  const { client } = await start(target);
  client.send(connect('a.test:1'));
  await client.readHead();
  client.send('question');
  client.fin();
  expect((await client.readToEnd()).toString()).toBe('the answer');
});

test('over HTTP/2 many tunnels share a session, and each half ends by itself', async () => {
  const target = await startTarget(answerAtEnd(() => 'bye'));
  const { chain } = await start(target);
  const peer = await connectHttp2(chain.port);
  const streams = [1, 2, 3].map(() => peer.connect('a.test:1'));
  expect(await peer.outcomesOf(streams)).toEqual(streams.map(() => ({ status: 200 })));
  await eventually(() => target.accepted, 3);
  for (const stream of streams) {
    peer.send('data', stream, 'x', 1);
    expect(String(await peer.read(stream, 3))).toBe('bye');
    expect(await peer.endOf(stream)).toBe('end');
  }
});

describe('POST', () => {
  const post = `POST /p HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n`;

  test('is a tunnel where the route says so', async () => {
    const target = await startTarget(echo);
    const { client, chain } = await start(target, { post: true });
    client.send(`${post}5\r\nhello\r\n`);
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(await client.readUntil('hello\r\n')).toBe('5\r\nhello\r\n');
    client.send('0\r\n\r\n');
    expect((await client.readToEnd()).toString()).toBe('0\r\n\r\n');
    await eventually(() => chain.eventsOf('tunnel.closed').length, 1);
  });

  test('is one over HTTP/2 as well', async () => {
    const target = await startTarget(echo);
    const { chain } = await start(target, { post: true });
    const peer = await connectHttp2(chain.port);
    const stream = peer.request([
      [':method', 'POST'],
      [':scheme', 'http'],
      [':authority', 'a.test'],
      [':path', '/'],
    ]);
    expect(await peer.outcomeOf(stream)).toEqual({ status: 200 });
    peer.send('data', stream, 'hello', 1);
    expect(String(await peer.read(stream, 5))).toBe('hello');
    expect(await peer.endOf(stream)).toBe('end');
  });
});

test('a PROXY header goes before the first byte', async () => {
  const target = await startTarget();
  const { client } = await start(target, { proxyProtocol: 'v1' });
  client.send(`${connect('a.test:1')}payload`);
  const served = await target.accept();
  expect(await served.readUntil('payload')).toMatch(/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\npayload$/);
});

test('a route may have an idle limit of its own', async () => {
  const target = await startTarget();
  const { client, chain } = await start(target, { idleMs: 50 });
  client.send(connect('a.test:1'));
  await client.readHead();
  expect(await client.waitForEnd()).toBe('reset');
  await eventually(() => chain.eventsOf('tunnel.closed').map(({ end }) => end), ['idle']);
});

describe('an upstream that a field names', () => {
  const named = (field: string, more: Partial<HttpStage> = {}) =>
    httpStage('front', [on('CONNECT', tunnels())], [upstream('main', { field })], more as object);

  test('is the IP address and port in :authority', async () => {
    const target = await startTarget(echo);
    const chain = await startChain([named(':authority')]);
    const client = await connectPeer(chain.port);
    client.send(`${connect(`127.0.0.1:${target.port}`)}x`);
    await client.readHead();
    expect(String(await client.read(1))).toBe('x');
  });

  test('is the one in a field of the request', async () => {
    const target = await startTarget(echo);
    const chain = await startChain([named('x-dest')]);
    const client = await connectPeer(chain.port);
    client.send(`${connect('a.test:1', `X-Dest: 127.0.0.1:${target.port}\r\n`)}x`);
    await client.readHead();
    expect(String(await client.read(1))).toBe('x');
  });

  test.each([
    '',
    'X-Dest: localhost:80\r\n',
    'X-Dest: 127.0.0.1\r\n',
    'X-Dest: 127.1:80\r\n',
    'X-Dest: 127.0.0.1:0\r\n',
  ])('is missing with %j: 503, and nothing is dialled', async (fields) => {
    const chain = await startChain([named('x-dest')]);
    const client = await connectPeer(chain.port);
    client.send(connect('a.test:1', fields));
    expect((await client.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 503 .*error=destination_unavailable/s);
    expect(chain.eventsOf('tunnel.failed')).toMatchObject([{ status: 503, error: { side: 'client' } }]);
  });

  test('is never the stage itself', async () => {
    const chain = await startChain([named(':authority')]);
    const client = await connectPeer(chain.port);
    client.send(connect(`127.0.0.1:${chain.port}`));
    expect((await client.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 502 .*error=proxy_loop_detected/s);
  });

  const everywhere = [{ kind: 'tcp', host: '0.0.0.0', port: 0 }] as const;

  test('is no choice for strangers: the stage does not start where they can reach it', async () => {
    await expect(startChain([named('x-dest', { listen: everywhere })])).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('0.0.0.0:0'),
      facts: { stage: 'front' },
    });
  });

  test('is one where that is meant', async () => {
    expect((await startChain([named('x-dest', { listen: everywhere, open: true })])).port).toBeGreaterThan(0);
  });
});

test('of several places each has its turn, and one that is away is passed over', async () => {
  const targets = [await startTarget(echo), await startTarget(echo)];
  const away = { kind: 'tcp', host: '127.0.0.1', port: 1 } as const;
  const to = { targets: [...targets.map(({ address }) => address), away], balance: 'round-robin' } as const;
  const chain = await startChain([httpStage('front', [on('CONNECT', tunnels())], [upstream('main', to)])]);
  for (let round = 0; round < 6; round++) {
    const client = await connectPeer(chain.port);
    client.send(connect('a.test:1'));
    expect(await client.readHead()).toMatch(/ 200 /);
  }
  expect(targets.map(({ accepted }) => accepted).toSorted((one, other) => one - other)).toEqual([2, 4]);
});

test('a client that leaves while the upstream is dialled is recorded, and leaves nothing', async () => {
  const target = await startTarget();
  const slow = {
    hops: [[{ scheme: 'http', address: target.address, tls: {}, headers: [], settings: {} }]],
    limits: calmLimits,
  };
  const stage = httpStage('front', [on('CONNECT', tunnels())], [upstream('main', target.address, { route: slow })]);
  const chain = await startChain([stage]);
  const client = await connectPeer(chain.port);
  client.send(connect('a.test:1'));
  await (await target.accept()).readHead();
  client.reset();
  await eventually(() => target.open, 0);
  expect(chain.eventsOf('tunnel.failed')).toMatchObject([{ error: { code: 'connection_terminated', side: 'client' } }]);
  expect(chain.running.tunnels.size).toBe(0);
});
