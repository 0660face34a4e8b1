import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { listStages } from '../../../src/chain/model/graph.ts';
import { loadEnvoy } from '../../support/graphs/envoy-file.ts';
import { refusalOf } from '../../support/usage.ts';

const corpus = readFileSync(new URL('../../interop/envoy-files/proxy-header.yaml', import.meta.url), 'utf8')
  .replace('$front2', '10002')
  .replace('$front', '10001')
  .replace('$origin2', '10004')
  .replace('$origin', '10003')
  .replace('$folder', '/tmp');

const edit = (from: string, to: string) => {
  const text = corpus.replace(from, to);
  if (text === corpus) throw new Error(`there is no ${from}`);
  return text;
};

test('headers and source addresses are settings of stages and routes', () => {
  expect(listStages(loadEnvoy(corpus).graph)).toMatchObject([
    { acceptProxyProtocol: 'required', route: { sourceAddress: '127.0.0.9', sendProxyProtocol: 'v2' } },
    { acceptProxyProtocol: 'optional', route: { hops: [[{ scheme: 'http' }]], sendProxyProtocol: 'v1' } },
  ]);
});

test('around TLS the header comes first, and the settings of TLS are those inside', () => {
  const text = edit(
    `typed_config: { '@type': type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer }`,
    `typed_config: { '@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, sni: a.test }`,
  ).replace('cluster: first', 'cluster: first\n                tunneling_config: { hostname: b:1 }');
  const [first] = listStages(loadEnvoy(text).graph);
  expect(first?.route).toMatchObject({
    sendProxyProtocol: 'v2',
    hops: [[{ scheme: 'https', tls: { servername: 'a.test' } }]],
  });
});

test.each(['0.0.0.0', "'::'"])('the source address %s leaves the choice to the system', (address) => {
  const [first] = listStages(loadEnvoy(edit('address: 127.0.0.9', `address: ${address}`)).graph);
  expect(first?.route.sourceAddress).toBeUndefined();
});

test.each([
  [', port_value: 0 } }', ' } }', 'port_value is missing'],
  ['port_value: 0 }', 'port_value: 7 }', 'the system chooses the port that tunl connects from'],
  ['address: 127.0.0.9', 'address: db', '"db" is not an IP address of this machine'],
  [
    'source_address: { address: 127.0.0.9',
    'freebind: true, source_address: { address: 127.0.0.9',
    'freebind is a field of Envoy that tunl does not run: tunl dials from one address of this machine, and the system chooses the port',
  ],
  [
    'allow_requests_without_proxy_protocol: true',
    'disallowed_versions: [V1]',
    'disallowed_versions is a field of Envoy that tunl does not run: tunl reads addresses alone from a PROXY header, in both versions',
  ],
  [
    'allow_requests_without_proxy_protocol: true',
    "\n        - name: second\n          typed_config: { '@type': type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol }",
    'tunl reads one PROXY header',
  ],
  [
    'source_ip:',
    'direct_remote_ip:',
    'direct_remote_ip is who sent the PROXY header, and tunl judges the client that it tells',
  ],
])('%s as %j is refused', (from, to, message) => {
  expect(refusalOf(() => loadEnvoy(edit(from, to))).message).toContain(message);
});
