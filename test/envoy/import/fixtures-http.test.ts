import { expect, test } from 'vitest';
import { type PlainGraph, type HttpAction, type RequestMatch, toPlain } from '../../../src/chain/model/graph.ts';
import {
  envoyHop,
  envoyRoute,
  httpStage,
  loadEnvoy,
  localPort,
  only,
  readFixture,
  tcpStage,
  upstream,
} from '../../support/graphs/envoy-file.ts';
import { internal } from '../../support/graphs/graphs.ts';

const host = { kind: 'tcp', host: 'host.com', port: 443 } as const;
const connect: RequestMatch = { path: { kind: 'connect' }, fields: [] };
const all: RequestMatch = { path: { kind: 'prefix', value: '/' }, fields: [] };

const tunnels = (name: string, post = false): HttpAction => ({ kind: 'tunnels', upstream: name, post });
/** Requests to an upstream, with the defaults of Envoy. */
const requests = (name: string): HttpAction => ({
  kind: 'requests',
  upstream: name,
  timeoutMs: 15_000,
  idleMs: 300_000,
  upgrades: [],
});

const server = upstream('server', only({ kind: 'tcp', host: 'www.example.com', port: 443 }), {
  route: envoyRoute({ connectMs: 250, idleMs: 0 }, { family: 4 }),
});
const encap = tcpStage(
  'encap',
  internal('encap'),
  host,
  envoyRoute({ idleMs: 0 }, { hops: [[envoyHop('h2c', 10001)]] }),
);

const expected: Readonly<Record<string, PlainGraph>> = {
  'http-in-http2-connect': {
    stages: [
      httpStage(
        'http',
        localPort(10000),
        [{ match: all, action: requests('inside') }],
        [upstream('inside', only(internal('encap')))],
      ),
      encap,
    ],
  },
  'end-http1-connect': {
    stages: [
      httpStage(
        'tunnels',
        localPort(10001),
        [
          {
            match: { ...connect, fields: [{ name: 'foo', value: { kind: 'exact', value: 'bar' } }] },
            action: tunnels('as_asked'),
          },
          { match: connect, action: tunnels('server') },
        ],
        [upstream('as_asked', { field: ':authority' }), server],
      ),
    ],
    admin: localPort(9902),
  },
  'end-http2-connect': {
    stages: [httpStage('tunnels', localPort(10001), [{ match: connect, action: tunnels('server') }], [server])],
    admin: localPort(9902),
  },
  'end-http2-post': {
    stages: [
      httpStage(
        'tunnels',
        localPort(10001),
        [
          {
            match: { ...all, fields: [{ name: ':method', value: { kind: 'exact', value: 'POST' } }] },
            action: tunnels('server', true),
          },
        ],
        [server],
      ),
    ],
    admin: localPort(9902),
  },
  'end-http-in-http2-connect': {
    stages: [
      httpStage(
        'tunnels',
        localPort(10001),
        [{ match: connect, action: tunnels('inside') }],
        [upstream('inside', only(internal('decap')))],
      ),
      httpStage('decap', internal('decap'), [
        { match: all, action: { kind: 'answer', status: 200, body: 'Hello from inside\n' } },
      ]),
    ],
  },
  'pass-connect': {
    stages: [
      httpStage(
        'between',
        localPort(10001),
        [
          {
            match: connect,
            // Envoy's default limit of five minutes is left out, because it would end tunnels.
            action: { kind: 'requests', upstream: 'next_proxy', timeoutMs: 15_000, upgrades: ['connect'] },
          },
        ],
        [upstream('next_proxy', only(localPort(10002)), { version: 'http2' })],
      ),
    ],
    admin: localPort(9902),
  },
  'seed-internal': {
    stages: [
      tcpStage('ingress', localPort(9999), internal('demo_internal_listener')),
      tcpStage(
        'demo_internal_listener',
        internal('demo_internal_listener'),
        localPort(10001),
        envoyRoute({ idleMs: 0 }),
      ),
    ],
  },
  'seed-http-client': {
    stages: [
      {
        ...httpStage('http', localPort(10000), [], [upstream('encap_cluster', only(internal('encap')))]),
        hosts: [{ name: 'local_service', domains: ['*'], routes: [{ match: all, action: requests('encap_cluster') }] }],
      },
      encap,
    ],
  },
};

test.each(Object.entries(expected))('%s.yaml becomes its graph', (name, graph) => {
  expect(toPlain(loadEnvoy(readFixture(name)).graph)).toEqual(graph);
});
