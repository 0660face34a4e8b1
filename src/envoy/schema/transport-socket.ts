import type * as z from 'zod';
import { any, emptyMessage, enumOf, filled, flag, list, message, text } from './proto.ts';

const file = message(
  'DataSource',
  { filename: filled },
  { ignored: 'watched_directory', refused: { secret: 'inline_string inline_bytes environment_variable' } },
);

const certificate = message(
  'TlsCertificate',
  { certificate_chain: file, private_key: file.optional() },
  {
    refused: { password: 'private_key_provider password pkcs12', ocsp: 'ocsp_staple signed_certificate_timestamp' },
    ignored: 'watched_directory',
  },
);

const exact = message(
  'StringMatcher',
  { exact: filled },
  { refused: { checks: 'prefix suffix contains safe_regex ignore_case custom' } },
);

const altName = message(
  'SubjectAltNameMatcher',
  {
    san_type: enumOf(
      { EMAIL: 1, DNS: 2, URI: 3, IP_ADDRESS: 4, OTHER_NAME: 5 },
      { EMAIL: 'checks', OTHER_NAME: 'checks' },
    ),
    matcher: exact,
  },
  { refused: { checks: 'oid' } },
);

const validation = message(
  'CertificateValidationContext',
  {
    trusted_ca: file.optional(),
    match_typed_subject_alt_names: list(altName),
    verify_certificate_spki: list(text),
    trust_chain_verification: enumOf({ VERIFY_TRUST_CHAIN: 0, ACCEPT_UNTRUSTED: 1 }).optional(),
  },
  {
    ignored: 'watched_directory',
    refused: {
      checks:
        'verify_certificate_hash crl allow_expired_certificate max_verify_depth only_verify_leaf_cert_crl match_subject_alt_names',
      ocsp: 'require_signed_certificate_timestamp',
      plugin: 'custom_validator_config',
      secret: 'ca_certificate_provider_instance system_root_certs',
    },
  },
);

const version = enumOf({ TLS_AUTO: 0, TLSV1_0: 1, TLSV1_1: 2, TLSV1_2: 3, TLSV1_3: 4 });

const parameters = message(
  'TlsParameters',
  { tls_minimum_protocol_version: version.optional(), tls_maximum_protocol_version: version.optional() },
  { refused: { ciphers: 'cipher_suites ecdh_curves signature_algorithms compliance_policies' } },
);

const common = message(
  'CommonTlsContext',
  {
    tls_params: parameters.optional(),
    tls_certificates: list(certificate),
    validation_context: validation.optional(),
    alpn_protocols: list(text),
  },
  {
    ignored: 'key_log',
    refused: {
      secret:
        'tls_certificate_sds_secret_configs validation_context_sds_secret_config combined_validation_context tls_certificate_provider_instance',
      plugin: 'custom_handshaker custom_tls_certificate_selector',
    },
  },
);

const downstreamTls = message(
  'DownstreamTlsContext',
  { common_tls_context: common.optional(), require_client_certificate: flag.optional() },
  {
    ignored:
      'session_ticket_keys disable_stateless_session_resumption disable_stateful_session_resumption session_timeout full_scan_certs_on_sni_mismatch prefer_client_ciphers',
    refused: { sni: 'require_sni', secret: 'session_ticket_keys_sds_secret_config', ocsp: 'ocsp_staple_policy' },
  },
);

const upstreamTls = message(
  'UpstreamTlsContext',
  {
    common_tls_context: common.optional(),
    sni: text.optional(),
    auto_host_sni: flag.optional(),
    auto_sni_san_validation: flag.optional(),
  },
  { ignored: 'allow_renegotiation max_session_keys enforce_rsa_key_usage' },
);

const rawBuffer = emptyMessage('RawBuffer');
const rawType = 'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer';

const inner = any({
  [rawType]: rawBuffer,
  'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext': upstreamTls,
});

/** `envoy.config.core.v3.ProxyProtocolConfig` */
export const proxyHeader = message(
  'ProxyProtocolConfig',
  { version: enumOf({ V1: 0, V2: 1 }).optional() },
  { refused: { tlv: 'pass_through_tlvs added_tlvs' } },
);

/** The transport socket that sends a PROXY header before what another one sends. */
export const headerSocketType = 'envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport';

const headerSocket = message(
  'ProxyProtocolUpstreamTransport',
  {
    config: proxyHeader.optional(),
    transport_socket: message('TransportSocket', { name: filled, typed_config: inner.optional() }),
  },
  { refused: { tlv: 'tlv_as_shared_attributes', told: 'allow_unspecified_address' } },
);

const wrapped = any({
  [rawType]: rawBuffer,
  'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext': upstreamTls,
  [headerSocketType]: headerSocket,
});

/** The transport socket that passes what is shared to internal listeners, and uses the inner socket. */
export const internalSocketType = 'envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport';

const internalUpstream = message(
  'InternalUpstreamTransport',
  { transport_socket: message('TransportSocket', { name: filled, typed_config: wrapped.optional() }) },
  { ignored: 'passthrough_metadata' },
);

/** `envoy.config.core.v3.TransportSocket` of a listener. */
export const downstreamSocket = message('TransportSocket', {
  name: filled,
  typed_config: any({
    [rawType]: rawBuffer,
    'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext': downstreamTls,
  }).optional(),
});

/** `envoy.config.core.v3.TransportSocket` of a cluster. */
export const upstreamSocket = message('TransportSocket', {
  name: filled,
  typed_config: any({
    [rawType]: rawBuffer,
    'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext': upstreamTls,
    [internalSocketType]: internalUpstream,
    [headerSocketType]: headerSocket,
  }).optional(),
});

/** The TLS settings of a cluster in a file. */
export type UpstreamTlsContextMessage = z.infer<typeof upstreamTls>;
/** The TLS settings that listeners and clusters have in common. */
export type CommonTlsContextMessage = z.infer<typeof common>;
