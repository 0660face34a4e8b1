import * as z from 'zod';
import { perRouteType, requestFilterPerRoute } from '../matchers/rbac.ts';
import { any, enumOf, filled, flag, message, must, text } from '../proto.ts';

/** The address families that are looked up for a name. */
export const lookupFamily = enumOf({ AUTO: 0, V4_ONLY: 1, V6_ONLY: 2, V4_PREFERRED: 3, ALL: 4 });

/** `envoy.extensions.common.dynamic_forward_proxy.v3.DnsCacheConfig`. tunl resolves names for each tunnel instead. */
const dnsCache = message(
  'DnsCacheConfig',
  { name: filled, dns_lookup_family: lookupFamily.optional() },
  {
    ignored:
      'dns_refresh_rate dns_min_refresh_rate host_ttl max_hosts dns_failure_refresh_rate dns_cache_circuit_breaker use_tcp_for_dns_lookups dns_resolution_config typed_dns_resolver_config preresolve_hostnames dns_query_timeout disable_dns_refresh_on_failure stale_host_eviction_delay',
    refused: { plugin: 'key_value_config' },
  },
);

/** The name of the cluster below `envoy.extensions`. */
export const dynamicClusterType = 'envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig';

/** A cluster that connects to the target of each request. */
export const dynamicCluster = message(
  'ClusterConfig',
  { dns_cache_config: dnsCache.optional(), allow_insecure_cluster_options: flag.optional() },
  { ignored: 'allow_coalesced_connections', refused: { names: 'sub_clusters_config' } },
);

/** The name of the filter below `envoy.extensions`. */
export const dynamicFilterType = 'envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig';

/** The filter that resolves the target of each request. */
export const dynamicFilter = message(
  'FilterConfig',
  { dns_cache_config: dnsCache.optional() },
  {
    ignored: 'save_upstream_address',
    refused: { names: 'sub_cluster_config', host: 'allow_dynamic_host_from_filter_state' },
  },
);

/** The name of its settings for a route. */
export const dynamicPerRouteType = 'envoy.extensions.filters.http.dynamic_forward_proxy.v3.PerRouteConfig';

const perRoute = message('PerRouteConfig', {
  host_rewrite_literal: text.optional(),
  host_rewrite_header: text.optional(),
});

/** The settings of routes for HTTP filters, by the names of the filters. */
export const perFilter = z
  .record(
    z.string(),
    any({ [dynamicPerRouteType]: perRoute, [perRouteType]: requestFilterPerRoute }),
    must('settings by the name of a filter'),
  )
  .optional();

/** The settings of a route for HTTP filters in a file. */
export type PerFilterMessage = NonNullable<z.infer<typeof perFilter>>;
