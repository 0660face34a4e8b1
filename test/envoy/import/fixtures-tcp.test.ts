import { expect, test } from 'vitest';
import { type PlainGraph, toPlain } from '../../../src/chain/model/graph.ts';
import { envoyHop, envoyRoute, loadEnvoy, localPort, readFixture, tcpStage } from '../../support/graphs/envoy-file.ts';
import { internal } from '../../support/graphs/graphs.ts';

const host = { kind: 'tcp', host: 'host.com', port: 443 } as const;

/** One stage on port 10000 whose tunnels go through one proxy to host.com:443. */
const line = (name: string, ...[scheme, port, more]: Parameters<typeof envoyHop>): PlainGraph => ({
  stages: [tcpStage(name, localPort(10000), host, envoyRoute({}, { hops: [[envoyHop(scheme, port, more)]] }))],
  admin: localPort(9903),
});

const expected: Readonly<Record<string, PlainGraph>> = {
  'tcp-to-http1-connect': {
    stages: [
      ...line('to_host', 'http', 10001).stages,
      tcpStage(
        'to_address',
        localPort(10002),
        localPort(10003),
        envoyRoute({}, { hops: [[envoyHop('http', 10001, { headers: [['foo', 'bar']] })]] }),
      ),
    ],
    admin: localPort(9903),
  },
  'tcp-to-http1-connect-old': line('to_host', 'http', 10001),
  'tcp-to-http2-connect': line('entry', 'h2c', 10001, { formats: [['original_dst_port', '%DOWNSTREAM_LOCAL_PORT%']] }),
  'tcp-to-http2-post': line('entry', 'post+h2c', 10001),
  'tcp-through-internal': {
    stages: [
      tcpStage('ingress', localPort(9999), internal('encap')),
      tcpStage('encap', internal('encap'), localPort(10000), envoyRoute({ connectMs: 250, idleMs: 0 })),
    ],
    admin: localPort(9904),
    internalBufferBytes: 65_536,
  },
  'tcp-through-internal-old': {
    stages: [
      tcpStage('ingress', localPort(19000), internal('hidden_address')),
      tcpStage('hidden_address', internal('hidden_address'), localPort(19001), envoyRoute({ idleMs: 0 })),
    ],
  },
};

test.each(Object.entries(expected))('%s.yaml becomes its graph', (name, graph) => {
  expect(toPlain(loadEnvoy(readFixture(name)).graph)).toEqual(graph);
});
