import type * as z from 'zod';
import { bodyFormat } from '../body-format.ts';
import { perFilter } from './dynamic-forward-proxy.ts';
import { headerChanges } from './header-option.ts';
import { headerMatcher, regexMatcher } from '../matchers/text.ts';
import {
  duration,
  emptyMessage,
  enumOf,
  filled,
  flag,
  flagOf,
  list,
  message,
  must,
  text,
  uint,
  uint32,
} from '../proto.ts';
import { proxyHeader } from '../transport-socket.ts';

const regexRewrite = message('RegexMatchAndSubstitute', { pattern: regexMatcher, substitution: text.optional() });

const routeMatch = message(
  'RouteMatch',
  {
    prefix: text.optional(),
    path: text.optional(),
    safe_regex: regexMatcher.optional(),
    connect_matcher: emptyMessage('ConnectMatcher').optional(),
    headers: list(headerMatcher),
    case_sensitive: flagOf(true, 'case').optional(),
  },
  {
    refused: {
      match:
        'path_separated_prefix path_match_policy query_parameters cookies runtime_fraction grpc tls_context dynamic_metadata filter_state',
    },
  },
);

const connectConfig = message('ConnectConfig', {
  allow_post: flag.optional(),
  proxy_protocol_config: proxyHeader.optional(),
});

const routeUpgrade = message('UpgradeConfig', {
  upgrade_type: filled,
  enabled: flag.optional(),
  connect_config: connectConfig.optional(),
});

const maxStreamDuration = message(
  'MaxStreamDuration',
  { max_stream_duration: duration().optional() },
  { refused: { grpc: 'grpc_timeout_header_max grpc_timeout_header_offset' } },
);

const routeAction = message(
  'RouteAction',
  {
    cluster: filled.optional(),
    cluster_header: filled.optional(),
    cluster_not_found_response_code: enumOf({
      SERVICE_UNAVAILABLE: 0,
      NOT_FOUND: 1,
      INTERNAL_SERVER_ERROR: 2,
    }).optional(),
    timeout: duration().optional(),
    idle_timeout: duration().optional(),
    max_stream_duration: maxStreamDuration.optional(),
    upgrade_configs: list(routeUpgrade),
    prefix_rewrite: text.optional(),
    regex_rewrite: regexRewrite.optional(),
    host_rewrite_literal: text.optional(),
    host_rewrite_header: text.optional(),
    auto_host_rewrite: flag.optional(),
  },
  {
    ignored:
      'priority metadata_match internal_redirect_action max_internal_redirects rate_limits include_vh_rate_limits',
    refused: {
      weights: 'weighted_clusters',
      plugin: 'cluster_specifier_plugin inline_cluster_specifier_plugin',
      path: 'path_rewrite path_rewrite_policy',
      host: 'host_rewrite host_rewrite_path_regex',
      edit: 'append_x_forwarded_host',
      limit: 'flush_timeout',
      early: 'early_data_policy',
      retry: 'retry_policy retry_policy_typed_config internal_redirect_policy hedge_policy',
      mirror: 'request_mirror_policies',
      choice: 'hash_policy',
      answer: 'cors',
      grpc: 'max_grpc_timeout grpc_timeout_offset',
    },
  },
);

const body = message(
  'DataSource',
  { inline_string: text },
  { refused: { inline: 'filename inline_bytes environment_variable watched_directory' } },
);

const directResponse = message('DirectResponseAction', {
  status: uint(200, 599, 'a status from 200 to 599'),
  body: body.optional(),
  body_format: bodyFormat.optional(),
});

const redirect = message(
  'RedirectAction',
  {
    https_redirect: flag.optional(),
    scheme_redirect: text.optional(),
    host_redirect: text.optional(),
    port_redirect: uint(0, 65535, 'a port from 0 to 65535').optional(),
    path_redirect: text.optional(),
    prefix_rewrite: text.optional(),
    response_code: enumOf({
      MOVED_PERMANENTLY: 0,
      FOUND: 1,
      SEE_OTHER: 2,
      TEMPORARY_REDIRECT: 3,
      PERMANENT_REDIRECT: 4,
    }).optional(),
    strip_query: flag.optional(),
  },
  { refused: { answer: 'regex_rewrite' } },
);

const route = message(
  'Route',
  {
    name: text.optional(),
    match: routeMatch,
    route: routeAction.optional(),
    direct_response: directResponse.optional(),
    redirect: redirect.optional(),
    typed_per_filter_config: perFilter,
    ...headerChanges,
  },
  {
    ignored: 'metadata decorator tracing stat_prefix per_request_buffer_limit_bytes request_body_buffer_limit',
    refused: { answer: 'filter_action non_forwarding_action' },
  },
);

const domains = list(text).unwrap().min(1, must('a list of at least one domain'));

const virtualHost = message(
  'VirtualHost',
  {
    name: filled,
    domains,
    routes: list(route),
    require_tls: enumOf({ NONE: 0, EXTERNAL_ONLY: 1, ALL: 2 }, { EXTERNAL_ONLY: 'https', ALL: 'https' }).optional(),
    typed_per_filter_config: perFilter,
    ...headerChanges,
  },
  {
    ignored: 'virtual_clusters metadata per_request_buffer_limit_bytes request_body_buffer_limit rate_limits cors',
    refused: {
      order: 'matcher',
      edit: 'include_request_attempt_count include_attempt_count_in_response include_is_timeout_retry_header',
      retry: 'retry_policy retry_policy_typed_config hedge_policy',
      mirror: 'request_mirror_policies',
    },
  },
);

/** `envoy.config.route.v3.RouteConfiguration` */
export const routeConfiguration = message(
  'RouteConfiguration',
  {
    name: text.optional(),
    virtual_hosts: list(virtualHost),
    max_direct_response_body_size_bytes: uint32.optional(),
    ignore_port_in_host_matching: flag.optional(),
    most_specific_header_mutations_wins: flag.optional(),
    typed_per_filter_config: perFilter,
    ...headerChanges,
  },
  {
    // tunl always checks that clusters exist.
    ignored: 'validate_clusters metadata internal_only_headers',
    refused: {
      server: 'vhds',
      order: 'vhost_header',
      path: 'ignore_path_parameters_in_path_matching',
      plugin: 'cluster_specifier_plugins',
      mirror: 'request_mirror_policies',
    },
  },
);

/** A route configuration in a file. */
export type RouteConfigurationMessage = z.infer<typeof routeConfiguration>;
/** A route in a file. */
export type RouteMessage = z.infer<typeof route>;
/** The match of a route in a file. */
export type RouteMatchMessage = z.infer<typeof routeMatch>;
/** The `route` action of a route in a file. */
export type RouteActionMessage = z.infer<typeof routeAction>;
/** A redirect of a route in a file. */
export type RedirectMessage = z.infer<typeof redirect>;
