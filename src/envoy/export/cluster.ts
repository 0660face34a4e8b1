import { isIP } from 'node:net';
import type { FieldChoice, RouteOptions, Target } from '../../chain/model/graph.ts';
import { type Tree, formatSeconds, toAddress, typed } from './terms.ts';
import type { HopVersion } from '../schema/hop-terms.ts';

/** An endpoint of a cluster. */
export interface ClusterEndpoint {
  readonly address: Target;
  /** Distinguishes endpoints behind the same internal listener. */
  readonly id?: string;
}

/** The settings of a cluster to export. */
export interface ClusterPlan {
  readonly name: string;
  /** The endpoints, or the field of the request that names one. */
  readonly to: readonly ClusterEndpoint[] | FieldChoice;
  /** The choice between several endpoints. Default: each in turn. */
  readonly balance?: 'first' | 'round-robin';
  readonly connectMs: number;
  readonly family?: 4 | 6;
  /** The address that connections come from. */
  readonly source?: string;
  /** The PROXY header on each connection, before TLS. */
  readonly header?: 'v1' | 'v2';
  /** The HTTP version of requests; absent for plain bytes. `either`: the server chooses it with ALPN. */
  readonly protocol?: HopVersion;
  readonly socket?: Tree;
}

/** Makes the part of a plan that says how connections are opened. */
export function toDialPlan(route: RouteOptions): Pick<ClusterPlan, 'connectMs' | 'family' | 'source' | 'header'> {
  const { limits, family, sourceAddress, sendProxyProtocol } = route;
  return {
    connectMs: limits.connectMs,
    ...(family && { family }),
    ...(sourceAddress !== undefined && { source: sourceAddress }),
    ...(sendProxyProtocol && { header: sendProxyProtocol }),
  };
}

/** Makes a cluster for connections or requests. */
export function toCluster(plan: ClusterPlan): Tree {
  const { name, connectMs, protocol, to, source, header } = plan;
  const socket = header ? toHeaderSocket(header, plan.socket) : plan.socket;
  return {
    name,
    connect_timeout: formatSeconds(connectMs),
    ...toPlaces(plan),
    ...(source !== undefined && {
      upstream_bind_config: { source_address: { address: source, port_value: 0 } },
    }),
    ...(protocol && { typed_extension_protocol_options: toProtocolOptions(protocol, 'field' in to && to.names) }),
    ...(socket && { transport_socket: socket }),
  };
}

/** Makes the socket that sends a PROXY header before what another one sends. */
function toHeaderSocket(version: 'v1' | 'v2', inner: Tree = rawSocket): Tree {
  return {
    name: 'envoy.transport_sockets.upstream_proxy_protocol',
    typed_config: typed('transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport', {
      config: { version: version.toUpperCase() },
      transport_socket: inner,
    }),
  };
}

const rawSocket: Tree = {
  name: 'envoy.transport_sockets.raw_buffer',
  typed_config: typed('transport_sockets.raw_buffer.v3.RawBuffer'),
};

function toPlaces({ name, to, family, balance }: ClusterPlan): Tree {
  if ('field' in to && to.names) {
    return {
      lb_policy: 'CLUSTER_PROVIDED',
      cluster_type: {
        name: 'envoy.clusters.dynamic_forward_proxy',
        typed_config: typed('clusters.dynamic_forward_proxy.v3.ClusterConfig', toNameCache(family)),
      },
    };
  }
  if ('field' in to) {
    return {
      type: 'ORIGINAL_DST',
      lb_policy: 'CLUSTER_PROVIDED',
      original_dst_lb_config: { use_http_header: true, http_header_name: to.field },
    };
  }
  const endpoints = to.map(({ address, id }) => ({ endpoint: { address: toAddress(address, id) } }));
  const isRanked = balance === 'first' && to.length > 1;
  return {
    ...(to.some(({ address }) => isName(address)) && {
      // LOGICAL_DNS uses one address of a name per connection; STRICT_DNS keeps all of them and allows several names.
      type: to.length === 1 ? 'LOGICAL_DNS' : 'STRICT_DNS',
      dns_lookup_family: family === undefined ? 'ALL' : `V${family}_ONLY`,
    }),
    // Envoy falls back to a lower priority only if health checks fail for the higher ones.
    ...(isRanked && { health_checks: [healthCheck] }),
    load_assignment: {
      cluster_name: name,
      endpoints: isRanked
        ? endpoints.map((endpoint, priority) => ({ priority, lb_endpoints: [endpoint] }))
        : [{ lb_endpoints: endpoints }],
    },
  };
}

/**
 * Makes the cache of names of a dynamic forward proxy. A cluster finds in its cache what a filter with the same one has
 * looked up there, so there is one cache for each family.
 */
export function toNameCache(family: 4 | 6 | undefined): Tree {
  const [name, lookup] = family === undefined ? ['names', 'ALL'] : [`names-v${family}`, `V${family}_ONLY`];
  return { dns_cache_config: { name, dns_lookup_family: lookup } };
}

/** A health check that connects every few seconds, even without traffic. */
const healthCheck: Tree = {
  timeout: '5s',
  interval: '5s',
  no_traffic_interval: '5s',
  unhealthy_threshold: 1,
  healthy_threshold: 1,
  tcp_health_check: {},
};

/** True if the host of a target is a name that must be resolved. */
export function isName(address: Target): boolean {
  return address.kind === 'tcp' && isIP(address.host) === 0;
}

/** @param namesServers true to send and verify the host of each request as the name of the server */
function toProtocolOptions(protocol: HopVersion, namesServers = false): Tree {
  const chosen =
    protocol === 'either'
      ? { auto_config: { http_protocol_options: {}, http2_protocol_options: {} } }
      : { explicit_http_config: { [protocol === 'http1' ? 'http_protocol_options' : 'http2_protocol_options']: {} } };
  const names = namesServers && { upstream_http_protocol_options: { auto_sni: true, auto_san_validation: true } };
  const message = 'upstreams.http.v3.HttpProtocolOptions';
  return { [`envoy.extensions.${message}`]: typed(message, { ...chosen, ...names }) };
}
