import { expect, test } from 'vitest';
import { startChain } from '../../support/harness/chain.ts';
import { eventually } from '../../support/eventually.ts';
import { connectHttp2 } from '../../support/peers/h2-peer.ts';
import { httpStage, on, requests, upstream } from '../../support/graphs/http-stages.ts';
import { startTestServe } from '../../support/harness/app.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';

/** A stage that passes CONNECT on to a proxy. */
async function start(deny: readonly string[] = []) {
  const target = await startTarget(echo);
  const proxy = await startTestServe({ deny });
  const [address] = proxy.running.addresses as [{ kind: 'tcp'; host: string; port: number }];
  const routes = [on('CONNECT', requests({ upgrades: ['connect'] }))];
  const chain = await startChain([httpStage('front', routes, [upstream('main', address)])]);
  return { target, chain, proxy, authority: `127.0.0.1:${target.port}` };
}

test('CONNECT goes on as CONNECT, over HTTP/1.1', async () => {
  const { chain, proxy, authority } = await start();
  const client = await connectPeer(chain.port);
  client.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\nearly `);
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 200 /);
  client.send('and late');
  expect(String(await client.read(14))).toBe('early and late');
  client.fin();
  await client.readToEnd();
  await eventually(() => chain.eventsOf('tunnel.closed').length, 1);
  expect(chain.eventsOf('tunnel.closed')).toMatchObject([
    { target: `CONNECT ${authority}`, status: 200, sent: 14, received: 14, end: 'clean' },
  ]);
  await eventually(() => proxy.eventsOf('tunnel.closed').length, 1);
});

test('CONNECT goes on as CONNECT, over HTTP/2', async () => {
  const { chain, authority } = await start();
  const peer = await connectHttp2(chain.port);
  const stream = peer.connect(authority);
  expect(await peer.outcomeOf(stream)).toEqual({ status: 200 });
  peer.send('data', stream, 'hello', 1);
  expect(String(await peer.read(stream, 5))).toBe('hello');
  expect(await peer.endOf(stream)).toBe('end');
});

test('a refusal of the proxy reaches the client as it is, and not as a 503', async () => {
  const { chain, authority, target } = await start(['127.0.0.0/8']);
  const client = await connectPeer(chain.port);
  client.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  expect((await client.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
  expect(target.accepted).toBe(0);
});
