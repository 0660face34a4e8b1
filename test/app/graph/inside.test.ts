import { afterAll, expect, test } from 'vitest';
import type { Stage } from '../../../src/chain/model/graph.ts';
import { formatAddress } from '../../../src/core/address.ts';
import { makeCerts } from '../../support/certs/certs.ts';
import { makeHop } from '../../support/harness/app.ts';
import { startChain } from '../../support/harness/chain.ts';
import { forwardStage, internal, proxyStage } from '../../support/graphs/graphs.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';
import { httpStage, on, requests, upstream } from '../../support/graphs/http-stages.ts';

const certs = await makeCerts();
afterAll(() => certs.remove());

const exposed = [{ kind: 'tcp', host: '0.0.0.0', port: 0 }] as const;
const target = { kind: 'tcp', host: 'unused', port: 1 } as const;
const hops = [[makeHop('http', 1)]];
const users = { single: { user: 'ann', password: 'secret' } };

const outer = (more: object = {}) => forwardStage('a', internal('b'), { listen: exposed, ...more });
const proxy = (more: object = {}) => proxyStage('b', { listen: 'internal', ...more });

/** A stage inside whose target comes from an operator. */
function named(name: string, targetFormat: string, more: object = {}): Stage {
  const stage = forwardStage(name, target, { listen: 'internal', route: { hops }, ...more });
  return { ...stage, to: { targets: [], balance: 'first' }, targetFormat };
}

/** A stage that routes requests, all of them to one stage inside. */
const router = (name: string, to: string, more: object = {}) =>
  httpStage(name, [on('/', requests())], [upstream('main', internal(to))], { listen: exposed, ...more });

const sni = '%REQUESTED_SERVER_NAME%:443';
const shared = (value: string) => ({ state: [{ name: 'x', value, share: 'once' as const }] });

const refused: readonly (readonly [string, readonly Stage[], string])[] = [
  ['a proxy', [outer(), proxy()], 'b'],
  ['a proxy behind a front of TLS', [outer({ tls: {} }), proxy()], 'b'],
  [
    'a proxy behind a front of TLS to which clients may come without a certificate',
    [outer({ tls: { clientCa: certs.ca.cert, clientCert: 'optional' } }), proxy()],
    'b',
  ],
  [
    'a proxy behind two stages',
    [outer(), forwardStage('b', internal('c'), { listen: 'internal' }), proxyStage('c', { listen: 'internal' })],
    'c',
  ],
  [
    'a proxy behind an entry without hops',
    [forwardStage('a', target, { listen: exposed, route: { entry: internal('b') } }), proxy()],
    'b',
  ],
  [
    'a proxy behind a proxy with a target',
    [outer(), proxy({ to: internal('c') }), proxyStage('c', { listen: 'internal' })],
    'c',
  ],
  ['a proxy behind routes', [router('a', 'b'), proxy()], 'b'],
  ['a target by the server name', [outer(), named('b', sni)], 'b'],
  [
    'a target by a shared value',
    [outer(shared('%REQUESTED_SERVER_NAME%')), named('b', '%FILTER_STATE(x:PLAIN)%:1')],
    'b',
  ],
  [
    'a target by the header of a client',
    [outer({ acceptProxyProtocol: 'required' }), named('b', '%DOWNSTREAM_LOCAL_ADDRESS%')],
    'b',
  ],
  [
    'an upstream by a field',
    [outer(), httpStage('b', [on('/', requests())], [upstream('main', { field: 'x-to' })], { listen: 'internal' })],
    'b',
  ],
];

test.each(refused)('strangers may not choose a target inside: %s', async (_what, stages, inner) => {
  const starting = startChain(stages);
  await expect(starting).rejects.toThrow('refusing to let everyone who reaches 0.0.0.0:0 choose where requests go');
  await expect(starting).rejects.toMatchObject({
    code: 'usage',
    facts: {
      stage: 'a',
      setting: 'listen',
      hints: expect.arrayContaining([`a leads to the stage ${inner}, whose clients choose the target`]) as unknown,
    },
  });
});

const allowed: readonly (readonly [string, readonly Stage[]])[] = [
  ['on loopback', [forwardStage('a', internal('b')), proxy()]],
  ['open outside', [outer({ open: true }), proxy()]],
  ['open inside', [outer(), proxy({ open: true })]],
  ['certificates outside', [outer({ tls: { clientCa: certs.ca.cert } }), proxy()]],
  ['users inside', [outer(), proxy({ users })]],
  ['users outside', [router('a', 'b', { users, allow: [], deny: [] }), proxy()]],
  ['a proxy with a target', [outer(), proxy({ to: target })]],
  [
    'a proxy that our own hop asks',
    [forwardStage('a', target, { listen: exposed, route: { entry: internal('b'), hops } }), proxy()],
  ],
  ['a value that clients do not say', [outer(shared('fixed')), named('b', '%FILTER_STATE(x:PLAIN)%:1')]],
];

test.each(allowed)('a target inside may be chosen: %s', async (_what, stages) => {
  await startChain(stages);
});

test.each<[string, readonly Stage[], number]>([
  ['a stage that everyone reaches', [outer({ open: true }), proxy()], 403],
  [
    'two stages',
    [
      outer({ open: true }),
      forwardStage('b', internal('c'), { listen: 'internal' }),
      proxyStage('c', { listen: 'internal' }),
    ],
    403,
  ],
  [
    'a stage that everyone reaches, with the address allowed',
    [outer({ open: true }), proxy({ allow: ['127.0.0.1'] })],
    200,
  ],
  ['a stage that this machine alone reaches', [forwardStage('a', internal('b')), proxy()], 200],
])('a proxy inside judges special addresses as the stage outside would: behind %s', async (_what, stages, status) => {
  const { address } = await startTarget(echo);
  const { port } = await startChain(stages);
  const client = await connectPeer(port);
  const authority = formatAddress(address);
  client.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  expect(await client.readHead()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
});
