import type { CertFiles } from '../support/origin.ts';
import { type EnvoyPart, makeAddress, makeListener, startEnvoy, typed } from './envoy.ts';

/** The certificate that an Envoy of a mesh shows, and the peers that it trusts. */
export interface MeshIdentity extends CertFiles {
  readonly root: string;
  /** The beginning that the SPIFFE id of the other side must have. */
  readonly peerPrefix: string;
}

/** Starts Envoy as a waypoint ends tunnels: HBONE over mutual TLS 1.3; it dials the address in `:authority`. */
export function startHboneTerminator(identity: MeshIdentity): Promise<EnvoyPart> {
  const upgrade = {
    cluster: 'asked',
    timeout: '0s',
    upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: {} }],
  };
  const manager = {
    ...typed('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'front',
    codec_type: 'HTTP2',
    stream_idle_timeout: '0s',
    http2_protocol_options: { allow_connect: true, max_concurrent_streams: 100 },
    upgrade_configs: [{ upgrade_type: 'CONNECT' }],
    route_config: {
      virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { connect_matcher: {} }, route: upgrade }] }],
    },
    http_filters: [{ name: 'router', typed_config: typed('filters.http.router.v3.Router') }],
  };
  const cluster = {
    name: 'asked',
    type: 'ORIGINAL_DST',
    lb_policy: 'CLUSTER_PROVIDED',
    original_dst_lb_config: { use_http_header: true, http_header_name: ':authority' },
  };
  const secure = {
    name: 'tls',
    typed_config: {
      ...typed('transport_sockets.tls.v3.DownstreamTlsContext'),
      require_client_certificate: true,
      common_tls_context: makeTls(identity),
    },
  };
  return startEnvoy((port) => ({
    listeners: [makeListener(port, { filters: [{ name: 'http', typed_config: manager }], transport_socket: secure })],
    clusters: [cluster],
  }));
}

/** Starts Envoy as a sidecar opens tunnels: its connections go through HBONE to the target. */
export function startHboneEncapsulator(identity: MeshIdentity, hbonePort: number, target: string): Promise<EnvoyPart> {
  const tcpProxy = {
    ...typed('filters.network.tcp_proxy.v3.TcpProxy'),
    stat_prefix: 'front',
    cluster: 'hbone',
    tunneling_config: {
      hostname: target,
      headers_to_add: [{ header: { key: 'baggage', value: 'k8s.namespace.name=shop' } }],
    },
  };
  const cluster = {
    name: 'hbone',
    load_assignment: {
      cluster_name: 'hbone',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: makeAddress(hbonePort) } }] }],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        ...typed('upstreams.http.v3.HttpProtocolOptions'),
        // As many as ztunnel opens: Envoy opens its first streams before it knows the server's limit.
        explicit_http_config: { http2_protocol_options: { max_concurrent_streams: 100 } },
      },
    },
    transport_socket: {
      name: 'tls',
      typed_config: {
        ...typed('transport_sockets.tls.v3.UpstreamTlsContext'),
        common_tls_context: makeTls(identity),
      },
    },
  };
  return startEnvoy((port) => ({
    listeners: [makeListener(port, { filters: [{ name: 'tcp', typed_config: tcpProxy }] })],
    clusters: [cluster],
  }));
}

/** As istiod writes it for both directions. */
function makeTls({ cert, key, root, peerPrefix }: MeshIdentity): object {
  return {
    tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
    alpn_protocols: ['h2'],
    tls_certificates: [{ certificate_chain: { filename: cert }, private_key: { filename: key } }],
    validation_context: {
      trusted_ca: { filename: root },
      match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { prefix: peerPrefix } }],
    },
  };
}
