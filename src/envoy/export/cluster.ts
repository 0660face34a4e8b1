import { isIP } from 'node:net';
import type { Target } from '../../chain/model/graph.ts';
import { type Tree, formatSeconds, toAddress, typed } from './terms.ts';
import type { HopVersion } from '../schema/hop-terms.ts';

/** A place that a cluster leads to. */
export interface ClusterEndpoint {
  readonly address: Target;
  /** Tells it apart from others behind the same internal listener. */
  readonly id?: string;
}

/** What a cluster is written from. */
export interface ClusterPlan {
  readonly name: string;
  /** Places, or the field of the request that names the place. */
  readonly to: readonly ClusterEndpoint[] | { readonly field: string };
  /** Which of several places: each in turn, where it is absent. */
  readonly balance?: 'first' | 'round-robin';
  readonly connectMs: number;
  readonly family?: 4 | 6;
  /** What requests are written in; bytes go as they are without. `either`: as the server chooses in TLS. */
  readonly protocol?: HopVersion;
  readonly socket?: Tree;
}

/** Where connections or requests go. */
export function toCluster(plan: ClusterPlan): Tree {
  const { name, connectMs, protocol, socket } = plan;
  return {
    name,
    connect_timeout: formatSeconds(connectMs),
    ...toPlaces(plan),
    ...(protocol && { typed_extension_protocol_options: toProtocolOptions(protocol) }),
    ...(socket && { transport_socket: socket }),
  };
}

function toPlaces({ name, to, family, balance }: ClusterPlan): Tree {
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
      // One name is asked again for each connection; several are all kept.
      type: to.length === 1 ? 'LOGICAL_DNS' : 'STRICT_DNS',
      dns_lookup_family: family === undefined ? 'ALL' : `V${family}_ONLY`,
    }),
    // A lower rank is taken while none above it is known to be there.
    ...(isRanked && { health_checks: [healthCheck] }),
    load_assignment: {
      cluster_name: name,
      endpoints: isRanked
        ? endpoints.map((endpoint, priority) => ({ priority, lb_endpoints: [endpoint] }))
        : [{ lb_endpoints: endpoints }],
    },
  };
}

/** A connection every few seconds, also while nobody wants one. */
const healthCheck: Tree = {
  timeout: '5s',
  interval: '5s',
  no_traffic_interval: '5s',
  unhealthy_threshold: 1,
  healthy_threshold: 1,
  tcp_health_check: {},
};

/** True for a place that must be resolved. */
export function isName(address: Target): boolean {
  return address.kind === 'tcp' && isIP(address.host) === 0;
}

function toProtocolOptions(protocol: NonNullable<ClusterPlan['protocol']>): Tree {
  const chosen =
    protocol === 'either'
      ? { auto_config: { http_protocol_options: {}, http2_protocol_options: {} } }
      : { explicit_http_config: { [protocol === 'http1' ? 'http_protocol_options' : 'http2_protocol_options']: {} } };
  const message = 'upstreams.http.v3.HttpProtocolOptions';
  return { [`envoy.extensions.${message}`]: typed(message, chosen) };
}
