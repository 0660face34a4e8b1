import { expect, test } from 'vitest';
import { writeBootstrap } from '../../../src/envoy/export/export.ts';
import { loadText } from '../../support/graphs/chain-file.ts';
import { loadEnvoy } from '../../support/graphs/envoy-file.ts';
import { refusalOf } from '../../support/usage.ts';
import { listStages } from '../../../src/chain/model/graph.ts';

const peer = 'spiffe://cluster.local/ns/shop/sa/db';

/** A file whose tunnels go through a peer of a mesh. */
function writeMesh(): string {
  const hop = `hbone://w?cert=/c.pem&key=/k.pem&cacert=/r.pem&peer=${peer}&baggage=a=b&traceparent=no&forwarded=no`;
  const { graph } = loadText(`stages: { a: { listen: 1, via: '${hop}', to: '10.1.2.3:5432' } }`);
  return writeBootstrap(graph);
}

test('a cluster that expects a SPIFFE id is an HBONE hop, and the fields that it is sent stay', () => {
  const { graph } = loadEnvoy(writeMesh());
  expect(listStages(graph)[0]?.route.hops).toEqual([
    [
      {
        scheme: 'hbone',
        address: { kind: 'tcp', host: 'w', port: 15008 },
        tls: { cert: '/c.pem', key: '/k.pem', cacert: '/r.pem' },
        headers: [['baggage', 'a=b']],
        settings: { peer, traceparent: 'no', forwarded: 'no' },
      },
    ],
  ]);
});

test.each([
  ['an id of another form', peer, 'spiffe://a/b', 'is no SPIFFE id, and tunl verifies no other URI'],
  ['no certificate', /^ +tls_certificates:.*\n(?: +- .*\n)?/m, '', 'tls_certificates is missing'],
  ['TLS 1.2', 'tls_maximum_protocol_version: TLSv1_3', '', 'where a SPIFFE id is expected tunl speaks TLS 1.3'],
  ['a server name', '        common_tls_context:', '        sni: w\n        common_tls_context:', 'tunl sends no name'],
  ['HTTP/1.1', 'http2_protocol_options', 'http_protocol_options', 'what goes there is CONNECT over HTTP/2'],
  ['POST', '{ hostname:', '{ use_post: true, hostname:', 'what goes there is CONNECT over HTTP/2'],
])('a cluster that expects a SPIFFE id is refused with %s', (_what, part, other, message) => {
  const text = writeMesh();
  const changed = text.replace(part, other);
  expect(changed).not.toBe(text);
  const refusal = refusalOf(() => loadEnvoy(changed));
  expect([refusal.message, ...refusal.hints].join('\n')).toContain(message);
});
