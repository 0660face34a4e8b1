import type { CertFiles } from '../support/origin.ts';
import {
  askedCluster,
  type EnvoyPart,
  makeCertificate,
  makeHttpCluster,
  makeHttpFilter,
  makeListener,
  makeServerTls,
  startEnvoy,
  typed,
} from './envoy.ts';

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
  const filter = makeHttpFilter('CONNECT', [{ match: { connect_matcher: {} }, route: upgrade }], {
    codec_type: 'HTTP2',
    http2_protocol_options: { allow_connect: true, max_concurrent_streams: 100 },
  });
  const secure = makeServerTls(makeTls(identity), { require_client_certificate: true });
  return startEnvoy((port) => ({
    listeners: [makeListener(port, { filters: [filter], transport_socket: secure })],
    clusters: [askedCluster],
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
    // As many as ztunnel opens: Envoy opens its first streams before it knows the server's limit.
    ...makeHttpCluster('hbone', hbonePort, { http2_protocol_options: { max_concurrent_streams: 100 } }),
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
    tls_certificates: [makeCertificate({ cert, key })],
    validation_context: {
      trusted_ca: { filename: root },
      match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { prefix: peerPrefix } }],
    },
  };
}
