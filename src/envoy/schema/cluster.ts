import * as z from 'zod';
import { address, socketAddress } from './address.ts';
import { dynamicCluster, dynamicClusterType, lookupFamily } from './http/dynamic-forward-proxy.ts';
import { any, duration, emptyMessage, enumOf, filled, flag, list, message, must, text, uint } from './proto.ts';
import { upstreamSocket } from './transport-socket.ts';

/** `envoy.config.core.v3.Http1ProtocolOptions` */
export const http1Options = emptyMessage(
  'Http1ProtocolOptions',
  'allow_absolute_url accept_http_10 default_host_for_http_10 header_key_format enable_trailers allow_chunked_length override_stream_error_on_invalid_http_message send_fully_qualified_url use_balsa_parser allow_custom_methods ignore_http_11_upgrade',
);

/** `envoy.config.core.v3.Http2ProtocolOptions` */
export const http2Options = message(
  'Http2ProtocolOptions',
  // tunl always understands plain and extended CONNECT. The upgrades decide whether it serves them.
  { allow_connect: flag.optional() },
  {
    ignored:
      'hpack_table_size max_concurrent_streams initial_stream_window_size initial_connection_window_size max_outbound_frames max_outbound_control_frames max_consecutive_inbound_frames_with_empty_payload max_inbound_priority_frames_per_stream max_inbound_window_update_frames_per_data_frame_sent stream_error_on_invalid_http_messaging override_stream_error_on_invalid_http_message connection_keepalive use_oghttp2_codec max_metadata_size enable_huffman_encoding allow_metadata max_header_field_size_kb',
    refused: { settings: 'custom_settings_parameters' },
  },
);

const explicitHttp = message(
  'ExplicitHttpConfig',
  { http_protocol_options: http1Options.optional(), http2_protocol_options: http2Options.optional() },
  { refused: { udp: 'http3_protocol_options' } },
);

const commonHttpIgnored = 'idle_timeout max_headers_count max_response_headers_kb headers_with_underscores_action';

/** They say how many connections there are, and how long each is used. */
const connectionUse = 'max_connection_duration max_requests_per_connection';

/** `envoy.config.core.v3.HttpProtocolOptions`, for both versions of HTTP. */
const commonHttpOptions = message(
  'HttpProtocolOptions',
  {},
  { ignored: commonHttpIgnored, missed: connectionUse, refused: { streamLife: 'max_stream_duration' } },
);

/** The options of a cluster that negotiates the version of HTTP with ALPN. */
const autoHttp = message(
  'AutoHttpConfig',
  { http_protocol_options: http1Options.optional(), http2_protocol_options: http2Options.optional() },
  { refused: { udp: 'http3_protocol_options alternate_protocols_cache_options' } },
);

/** Options for the names of servers. Only a dynamic forward proxy takes its names from requests, and it always does. */
const upstreamOptions = message(
  'UpstreamHttpProtocolOptions',
  { auto_sni: flag.optional(), auto_san_validation: flag.optional() },
  { refused: { servername: 'override_auto_sni_header' } },
);

const protocolOptions = message(
  'HttpProtocolOptions',
  {
    explicit_http_config: explicitHttp.optional(),
    auto_config: autoHttp.optional(),
    common_http_protocol_options: commonHttpOptions.optional(),
    upstream_http_protocol_options: upstreamOptions.optional(),
  },
  {
    refused: {
      version: 'use_downstream_protocol_config',
      upstreamFilters: 'http_filters',
      plugin: 'header_validation_config',
      retry: 'outlier_detection retry_policy',
      mirror: 'request_mirror_policies',
      choice: 'hash_policy',
    },
  },
);

const endpoint = message(
  'Endpoint',
  { address, hostname: text.optional() },
  { ignored: 'health_check_config', refused: { endpoints: 'additional_addresses' } },
);

const lbEndpoint = message(
  'LbEndpoint',
  { endpoint, load_balancing_weight: uint(1, 2 ** 32 - 1, 'a weight from 1').optional() },
  { ignored: 'metadata', refused: { endpoints: 'endpoint_name', choice: 'health_status' } },
);

const localityEndpoints = message(
  'LocalityLbEndpoints',
  { lb_endpoints: list(lbEndpoint), priority: uint(0, 128, 'a priority from 0 to 128').optional() },
  {
    ignored: 'locality proximity metadata',
    refused: {
      weights: 'load_balancing_weight',
      endpoints: 'load_balancer_endpoints',
      server: 'leds_cluster_locality_config',
    },
  },
);

const loadAssignment = message(
  'ClusterLoadAssignment',
  { cluster_name: filled, endpoints: list(localityEndpoints) },
  { refused: { endpoints: 'named_endpoints', choice: 'policy' } },
);

const originalDst = message(
  'OriginalDstLbConfig',
  { use_http_header: flag.optional(), http_header_name: text.optional() },
  { refused: { endpoints: 'upstream_port_override metadata_key' } },
);

/** `envoy.config.core.v3.BindConfig` */
const bindConfig = message(
  'BindConfig',
  { source_address: socketAddress.optional() },
  {
    refused: {
      bind: 'freebind extra_source_addresses additional_source_addresses local_address_selector',
      socket: 'socket_options',
    },
  },
);

const keepAlive = message(
  'UpstreamConnectionOptions',
  {},
  { ignored: 'tcp_keepalive set_local_interface_name_on_upstream_connections happy_eyeballs_config' },
);

const optionsName = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

const customType = message('CustomClusterType', {
  name: filled,
  typed_config: any({ [dynamicClusterType]: dynamicCluster }),
});

const commonPolicy = 'slow_start_config locality_lb_config';

/** The policies that tunl runs: it takes each endpoint in turn. */
const policies = any({
  'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin': emptyMessage('RoundRobin', commonPolicy),
  'envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest': emptyMessage(
    'LeastRequest',
    `choice_count active_request_bias enable_full_scan selection_method ${commonPolicy}`,
  ),
  'envoy.extensions.load_balancing_policies.random.v3.Random': emptyMessage('Random', 'locality_lb_config'),
});

/** `envoy.config.cluster.v3.LoadBalancingPolicy` */
const loadBalancing = message('LoadBalancingPolicy', {
  policies: list(
    message('Policy', {
      typed_extension_config: message('TypedExtensionConfig', { name: filled, typed_config: policies }),
    }),
  ),
});

/** `envoy.config.cluster.v3.Cluster` */
export const cluster = message(
  'Cluster',
  {
    name: filled,
    type: enumOf({ STATIC: 0, STRICT_DNS: 1, LOGICAL_DNS: 2, EDS: 3, ORIGINAL_DST: 4 }, { EDS: 'server' }).optional(),
    connect_timeout: duration(1).optional(),
    lb_policy: enumOf(
      {
        ROUND_ROBIN: 0,
        LEAST_REQUEST: 1,
        RING_HASH: 2,
        RANDOM: 3,
        MAGLEV: 5,
        CLUSTER_PROVIDED: 6,
        LOAD_BALANCING_POLICY_CONFIG: 7,
      },
      { RING_HASH: 'choice', MAGLEV: 'choice' },
    ).optional(),
    load_balancing_policy: loadBalancing.optional(),
    load_assignment: loadAssignment.optional(),
    cluster_type: customType.optional(),
    dns_lookup_family: lookupFamily.optional(),
    original_dst_lb_config: originalDst.optional(),
    typed_extension_protocol_options: z
      .record(z.string(), any({ [optionsName]: protocolOptions }), must('options by name'))
      .optional(),
    http_protocol_options: http1Options.optional(),
    http2_protocol_options: http2Options.optional(),
    common_http_protocol_options: commonHttpOptions.optional(),
    upstream_connection_options: keepAlive.optional(),
    transport_socket: upstreamSocket.optional(),
    upstream_bind_config: bindConfig.optional(),
  },
  {
    ignored:
      'alt_stat_name per_connection_buffer_limit_bytes dns_refresh_rate dns_jitter dns_failure_refresh_rate respect_dns_ttl dns_resolvers use_tcp_for_dns_lookups dns_resolution_config typed_dns_resolver_config wait_for_warm_on_init cleanup_interval metadata common_lb_config round_robin_lb_config least_request_lb_config health_checks close_connections_on_host_health_failure ignore_health_on_host_removal track_timeout_budgets track_cluster_stats',
    missed:
      'circuit_breakers outlier_detection max_requests_per_connection preconnect_policy connection_pool_per_downstream_connection',
    refused: {
      server: 'eds_cluster_config',
      servername: 'upstream_http_protocol_options transport_socket_matches',
      choice: 'lb_subset_config ring_hash_lb_config maglev_lb_config',
      upstreamFilters: 'filters',
      plugin: 'upstream_config',
      load: 'lrs_server lrs_report_endpoint_metrics',
      version: 'protocol_selection',
    },
  },
);

/** A cluster in a file. */
export type ClusterMessage = z.infer<typeof cluster>;
/** The options for server names of a cluster in a file. */
export type ServerNamesMessage = z.infer<typeof upstreamOptions>;
/** An endpoint of a cluster in a file. */
export type EndpointMessage = z.infer<typeof endpoint>;

/** Lists the endpoints of a cluster, in the order of the file. */
export function listEndpoints({ load_assignment: assignment }: ClusterMessage): EndpointMessage[] {
  return (assignment?.endpoints ?? []).flatMap(({ lb_endpoints: each = [] }) => each.map(({ endpoint: one }) => one));
}
