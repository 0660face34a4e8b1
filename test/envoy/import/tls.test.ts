import { expect, test } from 'vitest';
import { editFixture, loadEnvoy } from '../../support/graphs/envoy-file.ts';
import { refusalOf } from '../../support/usage.ts';
import { listStages } from '../../../src/chain/model/graph.ts';

const socket = (type: string, fields: string) =>
  `transport_socket: { name: tls, typed_config: { '@type': type.googleapis.com/envoy.extensions.transport_sockets.${type}, ${fields} } }`;
const upstream = (fields: string) => socket('tls.v3.UpstreamTlsContext', fields);
const downstream = (fields: string) => socket('tls.v3.DownstreamTlsContext', fields);
const own = 'tls_certificates: [{ certificate_chain: { filename: /c.pem }, private_key: { filename: /k.pem } }]';

/** The proxy of a file whose cluster speaks TLS. */
function read(fields: string, file = 'tcp-to-http2-connect') {
  const { graph, notices } = loadEnvoy(editFixture(file, 'connect_timeout: 5s', upstream(fields)));
  return { hop: listStages(graph)[0]?.route.hops[0]?.[0], notices };
}

const trusted =
  'validation_context: { trusted_ca: { filename: /ca.pem }, match_typed_subject_alt_names: [{ san_type: DNS, matcher: { exact: p.example } }] }';

test.each([
  ['tcp-to-http2-connect', 'h2'],
  ['tcp-to-http2-post', 'post+h2'],
  ['tcp-to-http1-connect', 'https'],
])('%s with TLS is %s://', (file, scheme) => {
  expect(read('sni: p.example', file).hop?.scheme).toBe(scheme);
});

test.each([
  [`sni: p.example, common_tls_context: { ${trusted} }`, { cacert: '/ca.pem', servername: 'p.example' }],
  [`common_tls_context: { ${trusted} }`, { cacert: '/ca.pem', servername: 'p.example' }],
  [
    `common_tls_context: { ${own}, ${trusted} }`,
    { cacert: '/ca.pem', servername: 'p.example', cert: '/c.pem', key: '/k.pem' },
  ],
  ['sni: p.example', { servername: 'p.example', insecure: true }],
  ["sni: ''", { insecure: true }],
  [
    'sni: p.example, common_tls_context: { validation_context: { trusted_ca: { filename: /ca.pem }, trust_chain_verification: ACCEPT_UNTRUSTED } }',
    { servername: 'p.example', insecure: true },
  ],
  [
    `common_tls_context: { validation_context: { verify_certificate_spki: ['${'+/'.repeat(21)}A='] } }`,
    { pin: `sha256/${'-_'.repeat(21)}A` },
  ],
  [
    `common_tls_context: { validation_context: { verify_certificate_spki: ['${'A'.repeat(43)}=', '/${'B'.repeat(42)}='] } }`,
    { pin: `sha256/${'A'.repeat(43)};sha256/_${'B'.repeat(42)}` },
  ],
  [
    `common_tls_context: { alpn_protocols: [h2], tls_params: { tls_minimum_protocol_version: TLSv1_2, tls_maximum_protocol_version: TLSv1_3 }, ${trusted} }`,
    { cacert: '/ca.pem', servername: 'p.example' },
  ],
])('TLS with %s is %o', (fields, tls) => {
  expect(read(fields).hop?.tls).toEqual(tls);
});

test('that every certificate is taken is said, as is what we verify beyond Envoy', () => {
  expect(read('sni: p.example').notices).toMatchObject([{ level: 'warning' }]);
  const { notices } = read(
    'sni: p.example, common_tls_context: { validation_context: { trusted_ca: { filename: /ca.pem } } }',
  );
  expect(notices).toMatchObject([{ level: 'verbose' }]);
  expect(read(`common_tls_context: { ${trusted} }`).notices).toEqual([]);
});

test('the transport socket of internal listeners gives way to what is in it', () => {
  const inner = upstream(`common_tls_context: { ${trusted} }`);
  const text = editFixture(
    'tcp-to-http2-connect',
    'connect_timeout: 5s',
    socket('internal_upstream.v3.InternalUpstreamTransport', inner),
  );
  expect(listStages(loadEnvoy(text).graph)[0]?.route.hops[0]?.[0]).toMatchObject({
    scheme: 'h2',
    tls: { cacert: '/ca.pem' },
  });
});

test('a version that the server chooses is https://', () => {
  const text = editFixture('tcp-to-http2-connect', 'connect_timeout: 5s', upstream('sni: p.example')).replace(
    /explicit_http_config:\n +http2_protocol_options: \{\}/,
    'auto_config: { http2_protocol_options: {} }',
  );
  expect(listStages(loadEnvoy(text).graph)[0]?.route.hops[0]?.[0]?.scheme).toBe('https');
});

test('upstreams of HTTP stages speak TLS too', () => {
  const text = editFixture('pass-connect', 'connect_timeout: 5s', upstream(`common_tls_context: { ${trusted} }`));
  expect(listStages(loadEnvoy(text).graph)[0]).toMatchObject({
    upstreams: [{ version: 'http2', tls: { cacert: '/ca.pem', servername: 'p.example' } }],
  });
});

const serve = (fields: string) =>
  editFixture('tcp-to-http2-post', '- filters:', `- ${downstream(fields)}\n          filters:`);

test.each([
  [`common_tls_context: { ${own}, alpn_protocols: [h2] }`, { cert: '/c.pem', key: '/k.pem' }],
  [
    `require_client_certificate: true, common_tls_context: { ${own}, validation_context: { trusted_ca: { filename: /ca.pem } } }`,
    { cert: '/c.pem', key: '/k.pem', clientCa: '/ca.pem' },
  ],
  [
    `common_tls_context: { ${own}, ${trusted} }`,
    { cert: '/c.pem', key: '/k.pem', clientCa: '/ca.pem', clientCert: 'optional', clientNames: ['DNS:p.example'] },
  ],
])('a listener with %s speaks TLS with %o', (fields, tls) => {
  expect(listStages(loadEnvoy(serve(fields)).graph)[0]?.tls).toEqual(tls);
});

test.each([
  [serve(''), 'tls_certificates is missing'],
  [
    serve(
      'require_client_certificate: true, common_tls_context: { tls_certificates: [{ certificate_chain: { inline_string: x } }] }',
    ),
    'inline_string is a field of Envoy that tunl does not run',
  ],
  [
    serve(`require_client_certificate: true, common_tls_context: { ${own} }`),
    'require_client_certificate needs a trusted_ca to check it by',
  ],
  [
    serve(`common_tls_context: { ${own}, ${trusted.replace('trusted_ca: { filename: /ca.pem }, ', '')} }`),
    'names are nothing without a trusted_ca',
  ],
  [
    serve(`common_tls_context: { ${own}, tls_params: { tls_maximum_protocol_version: TLSv1_1 } }`),
    'tunl speaks TLS 1.2 and 1.3 only',
  ],
  [
    serve(`common_tls_context: { ${own.replace(', private_key: { filename: /k.pem }', '')} }`),
    'private_key is missing',
  ],
  [
    editFixture('tcp-to-http2-connect', 'connect_timeout: 5s', 'transport_socket: { name: tls }'),
    'typed_config is missing',
  ],
  [
    editFixture(
      'tcp-to-http2-connect',
      'connect_timeout: 5s',
      upstream(`sni: q.example, common_tls_context: { ${trusted} }`),
    ),
    '"q.example" is not the name to verify',
  ],
  [
    editFixture(
      'tcp-to-http2-connect',
      'connect_timeout: 5s',
      upstream(`common_tls_context: { ${trusted.replace('DNS', 'EMAIL')} }`),
    ),
    'san_type is EMAIL, which tunl does not run',
  ],
  [
    editFixture(
      'tcp-to-http2-connect',
      'connect_timeout: 5s',
      upstream('common_tls_context: { validation_context: { verify_certificate_spki: [x] } }'),
    ),
    'is not a pin',
  ],
  [
    editFixture(
      'tcp-through-internal',
      'connect_timeout: 0.25s',
      upstream(
        'common_tls_context: { tls_certificates: [{ certificate_chain: { filename: a }, private_key: { filename: a } }], validation_context: { trusted_ca: { filename: a }, match_typed_subject_alt_names: [{ san_type: URI, matcher: { exact: spiffe://td/ns/a/sa/b } }] } }',
      ),
    ),
    'has a SPIFFE id, which tunl verifies for HBONE alone',
  ],
])('TLS of Envoy that tunl cannot have is refused, row %#', (text, says) => {
  const { message, hints } = refusalOf(() => loadEnvoy(text));
  expect([message, ...hints].join('\n')).toMatch(/^envoy\.yaml:\d+:\d+: /);
  expect([message, ...hints].join('\n')).toContain(says);
});
