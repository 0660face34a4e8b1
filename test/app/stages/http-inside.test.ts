import { describe, expect, test } from 'vitest';
import type { ForwardStage, ProxyStage } from '../../../src/chain/model/graph.ts';
import { calmLimits, makeHop } from '../../support/harness/app.ts';
import { startChain } from '../../support/harness/chain.ts';
import { eventually } from '../../support/eventually.ts';
import { forwardStage, internal, proxyStage } from '../../support/graphs/graphs.ts';
import { answer, httpStage, on, requests, tunnels, upstream } from '../../support/graphs/http-stages.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { startTarget } from '../../support/targets/plain.ts';

const get = 'GET /hello HTTP/1.1\r\nHost: a.test\r\n\r\n';

/** Ends tunnels, and looks at the requests inside them. */
async function startTerminator() {
  return startChain([
    httpStage('terminate', [on('CONNECT', tunnels())], [upstream('main', internal('decap'))]),
    httpStage('decap', [on('/', answer('Hello, world!\n'))], [], { listen: 'internal', log: true }),
  ]);
}

/** Takes requests, and sends them on through CONNECT of that scheme. */
function startEncapsulator(port: number, scheme: 'http' | 'h2c', encap: Partial<ForwardStage> = {}) {
  const route = { hops: [[makeHop(scheme, port)]], limits: calmLimits };
  return startChain([
    httpStage('egress', [on('/', requests())], [upstream('main', internal('encap'))]),
    {
      ...forwardStage('encap', { kind: 'tcp', host: 'host.test', port: 443 }, { listen: 'internal', route }),
      ...encap,
    },
  ]);
}

// The egress example of Envoy and Istio, in two processes.
describe.each(['http', 'h2c'] as const)(
  'requests in a tunnel over %s, to the requests of another process',
  (scheme) => {
    test.each([
      ['where the inner stage is fused', {}],
      ['where it has a record of its own', { log: true }],
    ])('%s', async (_, encap) => {
      const terminator = await startTerminator();
      const egress = await startEncapsulator(terminator.port, scheme, encap);
      const client = await connectPeer(egress.port);
      for (let round = 0; round < 3; round++) {
        client.send(get);
        expect(await client.readUntil('world!\n')).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Hello, world!\n$/s);
      }
      await eventually(
        () => egress.eventsOf('tunnel.closed').filter(({ target }) => target.startsWith('GET')).length,
        3,
      );
      await eventually(
        () => terminator.eventsOf('tunnel.closed').filter(({ target }) => target.startsWith('GET')).length,
        3,
      );
      const [inner] = terminator.eventsOf('tunnel.closed').filter(({ target }) => target.startsWith('GET'));
      expect(inner).toMatchObject({ target: 'GET a.test/hello', status: 200, stages: ['terminate', 'decap'] });
    });
  },
);

test('the stages behind a tunnel know who asked for it', async () => {
  const target = await startTarget();
  const chain = await startChain([
    httpStage('outer', [on('CONNECT', tunnels())], [upstream('main', internal('inner'))]),
    httpStage('inner', [on('CONNECT', tunnels({ proxyProtocol: 'v1' }))], [upstream('main', target.address)], {
      listen: 'internal',
    }),
  ]);
  const client = await connectPeer(chain.port);
  const connect = 'CONNECT a.test:1 HTTP/1.1\r\nHost: a.test\r\n\r\n';
  client.send(connect);
  await client.readHead();
  client.send(`${connect}x`);
  await client.readHead();
  const { localPort } = client.stream as unknown as { readonly localPort: number };
  expect(await (await target.accept()).readUntil('x')).toMatch(
    new RegExp(`^PROXY TCP4 127.0.0.1 127.0.0.1 ${localPort} `),
  );
});

test('a stage without a record of its own writes none for what comes from inside', async () => {
  const chain = await startChain([
    forwardStage('door', internal('inner')),
    httpStage('inner', [on('/', answer('hello'))], [], { listen: 'internal' }),
  ]);
  const client = await connectPeer(chain.port);
  client.send(`${get}${get}`);
  await client.readUntil('hello');
  await client.readUntil('hello');
  client.fin();
  await client.readToEnd();
  await eventually(() => chain.eventsOf('tunnel.closed').length, 1);
  expect(chain.events.filter(({ event }) => event !== 'listening' && event !== 'notice')).toHaveLength(2);
});

test('requests of different clients do not share a connection to a stage that sees whose they are', async () => {
  const proxy: Partial<ProxyStage> = { listen: [internal('proxy')] };
  const target = await startTarget();
  const chain = await startChain([
    httpStage('front', [on('/', requests())], [upstream('main', internal('proxy'))]),
    { ...proxyStage('proxy', { to: target.address }), ...proxy, log: true },
  ]);
  const client = await connectPeer(chain.port);
  for (let round = 0; round < 2; round++) {
    client.send(get);
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 405 /);
    await client.readUntil('here\n');
  }
  expect(chain.eventsOf('tunnel.failed').filter(({ status }) => status === 405)).toHaveLength(2);
  expect(target.accepted).toBe(0);
});
