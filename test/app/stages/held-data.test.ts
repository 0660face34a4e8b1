import { expect, test } from 'vitest';
import { calmLimits, makeHop } from '../../support/harness/app.ts';
import { startChain } from '../../support/harness/chain.ts';
import { measureKept } from '../../support/bulk.ts';
import { forwardStage } from '../../support/graphs/graphs.ts';
import { acceptHttp2 } from '../../support/peers/h2-peer.ts';
import { fingerprint, makePayload } from '../../support/payload.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { listenOnly, startTarget } from '../../support/targets/plain.ts';

const target = { kind: 'tcp', host: 'db.test', port: 5432 } as const;

/** A stage that forwards through a proxy that the test plays, and a client of it that speaks first. */
async function start(scheme: string, first: string | Buffer) {
  const proxy = await startTarget();
  const chain = await startChain([forwardStage('a', target, { route: { hops: [[makeHop(scheme, proxy.port)]] } })]);
  const client = await connectPeer(chain.port);
  client.send(first);
  return { chain, client, proxy };
}

test.each([
  ['200 OK', ''],
  ['201 Created', 'Content-Length: 3\r\n'],
  ['204 No Content', ''],
  ['299 Own', 'Transfer-Encoding: chunked\r\n'],
])(
  'what a client says first waits for the proxy, whose yes may be %s, and is all there then',
  async (status, fields) => {
    const payload = makePayload(1 << 20);
    const { client, proxy } = await start('http', payload);
    const served = await proxy.accept();
    await served.readHead();
    expect(served.inbox.size).toBe(0);
    served.send(`HTTP/1.1 ${status}\r\n${fields}\r\nfrom there`);
    expect(fingerprint(await served.read(payload.length))).toBe(fingerprint(payload));
    expect((await client.read(10)).toString()).toBe('from there');
  },
);

test.each([200, 201, 299])('over HTTP/2 it waits for a %i, whatever length it has', async (status) => {
  const { client, proxy } = await start('h2c', 'early');
  const served = await acceptHttp2(proxy);
  const stream = await served.nextRequest();
  served.send('ping', 0, '12345678');
  let data = 0;
  await served.until('an answer to the ping', ({ type }) => type === 'ping' || (type === 'data' && data++ < 0));
  expect(data).toBe(0);
  served.answer(stream, status, [['content-length', '3']]);
  served.send('data', stream, 'from there');
  expect((await served.read(stream, 5)).toString()).toBe('early');
  expect((await client.read(10)).toString()).toBe('from there');
  served.raw.reset();
});

test('over HTTP/2 a 204 opens nothing: no byte could follow it', async () => {
  const { chain, client, proxy } = await start('h2c', 'early');
  const served = await acceptHttp2(proxy);
  served.answer(await served.nextRequest(), 204);
  expect(await client.waitForEnd()).toBe('reset');
  expect(chain.eventsOf('tunnel.failed')).toMatchObject([{ error: { code: 'hop_refused' } }]);
  served.raw.reset();
});

test('most of it waits where it comes from', async () => {
  const { client, proxy } = await start('http', 'early');
  await (await proxy.accept()).readHead();
  expect(await measureKept(client.stream)).toBeLessThan(16 << 20);
});

test('of what waits for a proxy that says no, nothing goes anywhere', async () => {
  const { client, proxy } = await start('http', 'early');
  const served = await proxy.accept();
  await served.readHead();
  served.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
  expect(await client.waitForEnd()).toBe('reset');
  await served.waitForEnd();
  expect(served.inbox.size).toBe(0);
});

test('the answer of a proxy has a limit', async () => {
  const proxy = await startTarget(listenOnly);
  const route = { hops: [[makeHop('http', proxy.port)]], limits: { ...calmLimits, handshakeMs: 100 } };
  const chain = await startChain([forwardStage('a', target, { route })]);
  const client = await connectPeer(chain.port);
  expect(await client.waitForEnd()).toBe('reset');
  expect(chain.eventsOf('tunnel.failed')).toMatchObject([{ error: { code: 'http_response_timeout' } }]);
});
