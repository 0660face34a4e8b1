import type * as z from 'zod';
import { accessLogs } from '../access-log.ts';
import { http1Options, http2Options } from '../cluster.ts';
import { requestState, requestStateType } from '../filter-state.ts';
import { dynamicFilter, dynamicFilterType } from './dynamic-forward-proxy.ts';
import { requestFilter, requestFilterType } from '../matchers/rbac.ts';
import { any, duration, emptyMessage, enumOf, filled, flag, flagOf, list, message, text } from '../proto.ts';
import { localReply } from './local-reply.ts';
import { routeConfiguration } from './route.ts';

const router = emptyMessage(
  'Router',
  'dynamic_stats start_child_span upstream_log upstream_log_options suppress_envoy_headers strict_check_headers respect_expected_rq_timeout suppress_grpc_request_failure_code_stats reject_connect_request_early_data',
);

const httpFilter = message(
  'HttpFilter',
  {
    name: filled,
    typed_config: any({
      'envoy.extensions.filters.http.router.v3.Router': router,
      [dynamicFilterType]: dynamicFilter,
      [requestFilterType]: requestFilter,
      [requestStateType]: requestState,
    }).optional(),
    is_optional: flag.optional(),
  },
  { refused: { server: 'config_discovery', accept: 'disabled' } },
);

const managerUpgrade = message(
  'UpgradeConfig',
  { upgrade_type: text.optional(), enabled: flag.optional() },
  { refused: { filters: 'filters' } },
);

const commonOptions = message(
  'HttpProtocolOptions',
  { max_stream_duration: duration().optional() },
  {
    ignored: 'idle_timeout max_headers_count max_response_headers_kb',
    missed: 'max_requests_per_connection',
    refused: { lifetime: 'max_connection_duration', strict: 'headers_with_underscores_action' },
  },
);

const logging = message(
  'HcmAccessLogOptions',
  {
    flush_access_log_on_new_request: flag.optional(),
    flush_log_on_tunnel_successfully_established: flag.optional(),
  },
  { ignored: 'access_log_flush_interval' },
);

/** `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager` */
export const httpConnectionManager = message(
  'HttpConnectionManager',
  {
    stat_prefix: filled,
    codec_type: enumOf({ AUTO: 0, HTTP1: 1, HTTP2: 2, HTTP3: 3 }, { HTTP3: 'udp' }).optional(),
    route_config: routeConfiguration.optional(),
    http_filters: list(httpFilter),
    http_protocol_options: http1Options.optional(),
    http2_protocol_options: http2Options.optional(),
    common_http_protocol_options: commonOptions.optional(),
    upgrade_configs: list(managerUpgrade),
    stream_idle_timeout: duration().optional(),
    access_log: accessLogs,
    access_log_options: logging.optional(),
    flush_access_log_on_new_request: flag.optional(),
    strip_any_host_port: flag.optional(),
    strip_matching_host_port: flag.optional(),
    use_remote_address: flagOf(false, 'client').optional(),
    generate_request_id: flagOf(true, 'requestId').optional(),
    normalize_path: flagOf(false, 'path').optional(),
    merge_slashes: flagOf(false, 'path').optional(),
    strip_trailing_host_dot: flagOf(false, 'dot').optional(),
    add_user_agent: flagOf(false, 'edit').optional(),
    local_reply_config: localReply.optional(),
  },
  {
    ignored:
      'server_name server_header_transformation drain_timeout delayed_close_timeout stream_flush_timeout tracing internal_address_config xff_num_trusted_hops skip_xff_append preserve_external_request_id always_set_request_id_in_response access_log_flush_interval proxy_100_continue stream_error_on_invalid_http_message represent_ipv4_remote_address_as_ipv4_mapped_ipv6 append_local_overload http1_safe_max_connection_duration append_x_forwarded_port add_proxy_protocol_connection_state',
    missed: 'request_headers_timeout max_request_headers_kb',
    refused: {
      server: 'rds scoped_routes',
      udp: 'http3_protocol_options',
      limit: 'request_timeout',
      plugin:
        'original_ip_detection_extensions early_header_mutation_extensions request_id_extension typed_header_validation_config',
      edit: 'via',
      client: 'forward_client_cert_details set_current_client_cert_details scheme_header_transformation',
      path: 'path_with_escaped_slashes_action path_normalization_options',
    },
  },
);

/** An HttpConnectionManager in a file. */
export type HttpConnectionManagerMessage = z.infer<typeof httpConnectionManager>;
