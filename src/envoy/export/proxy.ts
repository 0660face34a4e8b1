import type { ProxyStage } from '../../chain/model/graph.ts';
import { formatSeconds, typed } from './terms.ts';
import type { StageTrees } from './forward.ts';
import { toHttpListener, toTunnelRoute } from './http.ts';

/** Makes the listener and cluster of a proxy that dials requested targets, as a dynamic forward proxy of Envoy. */
export function toProxyTrees(stage: ProxyStage, cluster: string): StageTrees {
  const { name, route, accept, proxyProtocol } = stage;
  const cache = {
    dns_cache_config: { name, dns_lookup_family: route.family === undefined ? 'ALL' : `V${route.family}_ONLY` },
  };
  const tunnels = (post: boolean) =>
    toTunnelRoute({ kind: 'tunnels', upstream: cluster, post, ...(proxyProtocol && { proxyProtocol }) });
  const post = {
    match: { prefix: '/', headers: [{ name: ':method', string_match: { exact: 'POST' } }] },
    ...tunnels(true),
  };
  const routes = [{ match: { connect_matcher: {} }, ...tunnels(false) }, ...(accept.includes('post') ? [post] : [])];
  const hosts = { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] };
  const filter = {
    name: 'envoy.filters.http.dynamic_forward_proxy',
    typed_config: typed('filters.http.dynamic_forward_proxy.v3.FilterConfig', cache),
  };
  return {
    listener: toHttpListener(stage, 'auto', hosts, [filter]),
    clusters: [
      {
        name: cluster,
        lb_policy: 'CLUSTER_PROVIDED',
        cluster_type: {
          name: 'envoy.clusters.dynamic_forward_proxy',
          typed_config: typed('clusters.dynamic_forward_proxy.v3.ClusterConfig', cache),
        },
        connect_timeout: formatSeconds(route.limits.connectMs),
      },
    ],
  };
}
