import { connect as connectSession } from 'node:http2';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import type { HttpStage, Upstream } from '../../../src/chain/model/graph.ts';
import { makeCerts } from '../../support/certs/certs.ts';
import { startChain } from '../../support/harness/chain.ts';
import { eventually, inTime, waitForStall } from '../../support/eventually.ts';
import { answer, httpStage, on, requests, upstream } from '../../support/graphs/http-stages.ts';
import { readStream } from '../../support/harness/h2-request-bed.ts';
import { connectPeer, connectTlsPeer } from '../../support/peers/raw-peer.ts';
import { answerPaths, startTarget, type Target } from '../../support/targets/plain.ts';

const certs = await makeCerts();
afterAll(() => certs.remove());

const get = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;

async function start(target: Target, more: Partial<Upstream> = {}, stage: Partial<Omit<HttpStage, 'listen'>> = {}) {
  const main = upstream('main', target.address, more);
  return startChain([httpStage('front', [on('/', requests({ upgrades: ['websocket'] }))], [main], stage)]);
}

test('a thousand requests on one connection go over one connection to the upstream', async () => {
  const target = await startTarget(answerPaths);
  const chain = await start(target);
  const client = await connectPeer(chain.port);
  for (let round = 0; round < 1000; round++) {
    client.send(get(`/${round}`));
    await client.readHead();
    expect(String(await client.read(`/${round}`.length))).toBe(`/${round}`);
  }
  expect(target.accepted).toBe(1);
  await eventually(() => chain.eventsOf('tunnel.closed').length, 1000);
  const facts = { target: 'GET a.test/0', upstream: `127.0.0.1:${target.port}`, status: 200, received: 2 };
  expect(chain.eventsOf('tunnel.closed')[0]).toMatchObject(facts);
  expect(chain.running.tunnels.size).toBe(0);
});

test('requests that come at once are answered in their order', async () => {
  const chain = await start(await startTarget(answerPaths));
  const client = await connectPeer(chain.port);
  client.send(Array.from({ length: 50 }, (_, round) => get(`/${round}`)).join(''));
  for (let round = 0; round < 50; round++) {
    await client.readHead();
    expect(String(await client.read(`/${round}`.length))).toBe(`/${round}`);
  }
});

test('a request over HTTP/2 goes on over HTTP/1.1, many at a time', async () => {
  const target = await startTarget(answerPaths);
  const chain = await start(target);
  const session = connectSession(`http://127.0.0.1:${chain.port}`);
  onTestFinished(() => session.destroy());
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, round) => readStream(session.request({ ':path': `/${round}` }))),
  );
  expect(answers.map(({ body }) => body)).toEqual(answers.map((_, round) => `/${round}`));
});

describe('a client that goes away', () => {
  test('in the middle of its body is gone for the upstream as well', async () => {
    const target = await startTarget();
    const chain = await start(target);
    const client = await connectPeer(chain.port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    const served = await target.accept();
    await served.readUntil('\r\nabc');
    client.reset();
    await eventually(() => [target.open, chain.running.tunnels.size], [0, 0]);
    expect(chain.eventsOf('tunnel.failed')).toMatchObject([{ error: { side: 'client' } }]);
  });

  test('before the answer is gone for the upstream as well', async () => {
    const target = await startTarget();
    const chain = await start(target);
    const client = await connectPeer(chain.port);
    client.send(get('/'));
    await (await target.accept()).readHead();
    client.reset();
    await eventually(() => [target.open, chain.running.tunnels.size], [0, 0]);
  });

  test('in the middle of the answer stops it', async () => {
    const target = await startTarget();
    const chain = await start(target);
    const client = await connectPeer(chain.port);
    client.send(get('/'));
    const served = await target.accept();
    await served.readHead();
    served.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    await client.readUntil('abc');
    client.reset();
    await eventually(() => [target.open, chain.running.tunnels.size], [0, 0]);
    expect(chain.eventsOf('tunnel.closed')).toMatchObject([{ end: 'reset', side: 'client', status: 200 }]);
  });

  test('from one of its streams leaves the others alone', async () => {
    const target = await startTarget();
    const chain = await start(target);
    const session = connectSession(`http://127.0.0.1:${chain.port}`);
    onTestFinished(() => session.destroy());
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => {});
    await (await target.accept()).readHead();
    const other = readStream(session.request({ ':path': '/' }));
    const served = await target.accept();
    await served.readHead();
    stream.destroy(new Error('gone'));
    await eventually(() => target.open, 1);
    served.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await other).toMatchObject({ body: 'ok' });
  });
});

test('an upstream that cuts its answer short is an abort for the client', async () => {
  const target = await startTarget();
  const chain = await start(target);
  const client = await connectPeer(chain.port);
  client.send(get('/'));
  const served = await target.accept();
  await served.readHead();
  served.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
  await client.readUntil('abc');
  served.fin();
  expect(await client.waitForEnd()).toBe('reset');
  await eventually(() => chain.eventsOf('tunnel.closed').map(({ end, side }) => [end, side]), [['reset', 'target']]);
});

test('a body that the upstream does not take is not taken from the client', async () => {
  const target = await startTarget();
  const chain = await start(target);
  const client = await connectPeer(chain.port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  const served = await target.accept({ reading: false });
  let offered = 0;
  const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000), Buffer.from('\r\n')]);
  const offer = (error?: Error | null): void => {
    if (error) return;
    offered++;
    client.stream.write(chunk, offer);
  };
  offer();
  await waitForStall(() => offered);
  expect(offered * 0x10000).toBeLessThan(48 << 20);
  served.reset();
  await eventually(() => chain.running.tunnels.size, 0);
});

test('a WebSocket goes on as such, and is a tunnel in the table', async () => {
  const target = await startTarget();
  const chain = await start(target);
  const client = await connectPeer(chain.port);
  client.send(`${get('/chat', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n')}early`);
  const served = await target.accept();
  expect(await served.readUntil('\r\n\r\n')).toMatch(/\r\nupgrade: websocket\r\n/i);
  served.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nfrom there');
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 101 /);
  expect(String(await client.read(10))).toBe('from there');
  expect(String(await served.read(5))).toBe('early');
  expect(chain.running.tunnels.size).toBe(1);
  client.fin();
  served.fin();
  await eventually(() => chain.eventsOf('tunnel.closed').length, 1);
  expect(chain.eventsOf('tunnel.closed')).toMatchObject([{ status: 101, sent: 5, received: 10, end: 'clean' }]);
});

describe('TLS', () => {
  const { cert, key } = certs.server;

  test('of the stage offers what it speaks', async () => {
    const chain = await startChain([httpStage('front', [on('/', answer('hello'))], [], { tls: { cert, key } })]);
    const old = await connectTlsPeer(chain.port, ['http/1.1']);
    old.send(get('/'));
    expect(await old.readUntil('hello')).toMatch(/^HTTP\/1\.1 200 /);
    const session = connectSession(`https://127.0.0.1:${chain.port}`, { rejectUnauthorized: false });
    onTestFinished(() => session.destroy());
    expect(await readStream(session.request({ ':path': '/' }))).toMatchObject({ body: 'hello' });
  });

  test.each(['http1', 'http2'] as const)('to an upstream that speaks %s', async (version) => {
    const inner = await startChain([httpStage('origin', [on('/', answer('secure'))], [], { tls: { cert, key } })]);
    const [origin] = inner.running.addresses as [{ kind: 'tcp'; host: string; port: number }];
    const main = upstream('main', origin, { version, tls: { cacert: certs.ca.cert } });
    const chain = await startChain([httpStage('front', [on('/', requests())], [main])]);
    const client = await connectPeer(chain.port);
    client.send(get('/'));
    expect(await inTime('the answer', client.readUntil('secure'))).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('to an upstream that is not trusted is a 503', async () => {
    const inner = await startChain([httpStage('origin', [on('/', answer('secure'))], [], { tls: { cert, key } })]);
    const [origin] = inner.running.addresses as [{ kind: 'tcp'; host: string; port: number }];
    const main = upstream('main', origin, { tls: { cacert: certs.otherCa.cert } });
    const chain = await startChain([httpStage('front', [on('/', requests())], [main])]);
    const client = await connectPeer(chain.port);
    client.send(get('/'));
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 503 .*error=tls_certificate_error/s);
  });
});
