import { constants } from 'node:http2';
import { expect, test } from 'vitest';
import { startChain } from '../../support/harness/chain.ts';
import { eventually } from '../../support/eventually.ts';
import { flags } from '../../support/peers/h2-frames.ts';
import { connectHttp2 } from '../../support/peers/h2-peer.ts';
import { answer, httpStage, on, requests, tunnels, upstream } from '../../support/graphs/http-stages.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { startTarget } from '../../support/targets/plain.ts';

const fields = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'a.test'],
  [':path', '/'],
] as const;

async function start() {
  const target = await startTarget();
  const routes = [on('/fixed', answer('fine')), on('CONNECT', tunnels()), on('/', requests())];
  const chain = await startChain([httpStage('front', routes, [upstream('main', target.address)])]);
  const expectUnharmed = async () => {
    const client = await connectPeer(chain.port);
    client.send('GET /fixed HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect((await client.readToEnd()).toString()).toMatch(/fine$/);
    client.fin();
    await eventually(() => chain.running.tunnels.size, 0);
  };
  return { target, chain, expectUnharmed };
}

test('requests that are reset at once, without end, cost their session and few dials', async () => {
  const { target, chain, expectUnharmed } = await start();
  const peer = await connectHttp2(chain.port);
  for (let round = 0; round < 2000; round++) peer.reset(peer.request(fields, flags.endHeaders | flags.endStream), 8);
  expect(await peer.waitForSessionEnd()).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  expect(target.accepted).toBeLessThan(110);
  await expectUnharmed();
  await eventually(() => target.open, 0);
});

test('a body in a hundred thousand chunks of one byte is read over and answered', async () => {
  const { chain, expectUnharmed } = await start();
  const client = await connectPeer(chain.port);
  client.send('POST /fixed HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  await client.readUntil('fine');
  client.send(`${'1;x\r\ny\r\n'.repeat(100_000)}0\r\n\r\n`);
  client.send('GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.readUntil('fine');
  await expectUnharmed();
});

test('trailers without end are refused', async () => {
  const { target, chain, expectUnharmed } = await start();
  const client = await connectPeer(chain.port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n');
  await (await target.accept()).readHead();
  client.send('X-A: b\r\n'.repeat(1000));
  expect((await client.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 400 .*\r\nConnection: close\r\n/s);
  client.fin();
  await eventually(() => target.open, 0);
  await expectUnharmed();
});

test('a hundred clients that never end their heads or bodies disturb nobody', async () => {
  const { chain, target, expectUnharmed } = await start();
  const clients = await Promise.all(Array.from({ length: 100 }, () => connectPeer(chain.port)));
  for (const [index, client] of clients.entries()) {
    client.send(index % 2 === 0 ? 'GET / HT' : 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n1');
  }
  await eventually(() => target.accepted, 50);
  const other = await connectPeer(chain.port);
  other.send('GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n');
  await other.readUntil('fine');
  for (const client of clients) client.reset();
  await expectUnharmed();
  await eventually(() => target.open, 0);
});

test('what is sent behind a refused CONNECT is never a request', async () => {
  const target = await startTarget();
  const chain = await startChain([httpStage('front', [on('/', requests())], [upstream('main', target.address)])]);
  const client = await connectPeer(chain.port);
  client.send('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
  expect((await client.readToEnd()).toString().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 404']);
  expect(target.accepted).toBe(0);
});

test('a refusal that a client of HTTP/2 leaves no room for ends its stream, and the others go on', async () => {
  const { target, chain, expectUnharmed } = await start();
  const peer = await connectHttp2(chain.port);
  peer.settings([[constants.NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0]]);
  const stream = peer.request(fields, flags.endHeaders | flags.endStream);
  (await target.accept()).reset();
  await peer.frameOf(stream, 'headers');
  expect(await peer.endOf(stream)).toBe(constants.NGHTTP2_INTERNAL_ERROR);
  await expectUnharmed();
});
