import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ErrorCode, errorTable, type ErrorFacts, TunlError } from '../../../src/core/errors.ts';
import { formatProxyStatus, parseProxyStatus, publicReason } from '../../../src/http/wire/proxy-status.ts';

/** Names of RFC 9209, section 2.3, as far as the table has them. */
const registered: readonly string[] = [
  'dns_timeout',
  'dns_error',
  'destination_not_found',
  'destination_unavailable',
  'destination_ip_prohibited',
  'destination_ip_unroutable',
  'connection_refused',
  'connection_terminated',
  'connection_timeout',
  'connection_read_timeout',
  'connection_write_timeout',
  'connection_limit_reached',
  'tls_protocol_error',
  'tls_certificate_error',
  'tls_alert_received',
  'http_request_error',
  'http_request_denied',
  'http_response_incomplete',
  'http_response_header_section_size',
  'http_response_timeout',
  'http_upgrade_failed',
  'http_protocol_error',
  'proxy_internal_response',
  'proxy_internal_error',
  'proxy_configuration_error',
  'proxy_loop_detected',
];
const codes = Object.keys(errorTable) as ErrorCode[];

function write(code: ErrorCode, facts: ErrorFacts = {}): string {
  const [name, value] = formatProxyStatus(new TunlError(code, 'secret words about 10.0.0.1', facts));
  expect(name).toBe('Proxy-Status');
  return value;
}

test.each(codes.filter((code) => registered.includes(code)))('%s is read as it is written', (code) => {
  expect(parseProxyStatus(write(code))).toEqual({ proxy: 'tunl', error: code });
});

test.each(codes.filter((code) => !registered.includes(code)))('%s is said with a name of RFC 9209', (code) => {
  const said = parseProxyStatus(write(code))?.error;
  expect(registered).toContain(said);
});

test("says the resolver's code and the status of the next proxy, and nothing else", () => {
  expect(write('dns_error', { rcode: 'NXDOMAIN' })).toBe('tunl; error=dns_error; rcode="NXDOMAIN"');
  expect(write('hop_refused', { received: 403 })).toBe('tunl; error=http_protocol_error; received-status=403');
  expect(write('connection_refused', { hints: ['ask 10.0.0.2'] })).toBe('tunl; error=connection_refused');
});

test.each([
  ['one member', 'edge; error=connection_refused', { proxy: 'edge', error: 'connection_refused' }],
  ['a name in quotes', '"edge, \\"one\\""; error=dns_error', { proxy: 'edge, "one"', error: 'dns_error' }],
  [
    'no white space',
    'edge;error=dns_timeout;rcode="SERVFAIL"',
    { proxy: 'edge', error: 'dns_timeout', rcode: 'SERVFAIL' },
  ],
  [
    'details',
    'e; error=http_request_denied; details="only \\\\443; \\"sorry\\""',
    { proxy: 'e', error: 'http_request_denied', details: 'only \\443; "sorry"' },
  ],
  ['parameters without a value', 'e; x; error=dns_error; y', { proxy: 'e', error: 'dns_error' }],
  ['an error that is not in the table', 'e; error=no_such_error; details="d"', { proxy: 'e', details: 'd' }],
  ['a name of ours, which others cannot mean', 'e; error=internal', { proxy: 'e' }],
  [
    'an address that is no structured value, as h2o writes it',
    'h2o; error=connection_refused; next-hop=127.0.0.1',
    { proxy: 'h2o', error: 'connection_refused' },
  ],
  ['an address for a name', '10.1.2.3:3128; error=dns_error', { proxy: '10.1.2.3:3128', error: 'dns_error' }],
  [
    'a member that is broken after the one with an error',
    'e; error=dns_error, b c',
    { proxy: 'e', error: 'dns_error' },
  ],
  [
    'several members: the first that names an error',
    'a; next-hop=b, c; error=dns_error, d; error=connection_refused',
    { proxy: 'c', error: 'dns_error' },
  ],
])('reads a field with %s', (_, value, expected) => {
  expect(parseProxyStatus(value)).toEqual(expected);
});

test.each([
  ['nothing', ''],
  ['members without an error', 'a; next-hop=b, c'],
  ['a quote that does not end', '"edge; error=dns_error'],
  ['no name', '; error=dns_error'],
  ['a member that is broken before the one with an error', 'a b, c; error=dns_error'],
])('a field with %s says nothing', (_, value) => {
  expect(parseProxyStatus(value)).toBeUndefined();
});

test('reads any text without failing', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(() => parseProxyStatus(text)).not.toThrow();
      expect(() => parseProxyStatus(`edge; error=dns_error; details=${text}`)).not.toThrow();
    }),
  );
});

test.each([
  ['http_request_error', 'tunl: the request has no Host field\n'],
  ['destination_ip_prohibited', 'tunl: destination ip prohibited\n'],
  ['connection_refused', 'tunl: connection refused\n'],
] as const)('tells a client %s without addresses', (code, text) => {
  const message = code === 'http_request_error' ? 'the request has no Host field' : 'cannot connect to 10.0.0.1:22';
  expect(publicReason(new TunlError(code, message))).toBe(text);
});
