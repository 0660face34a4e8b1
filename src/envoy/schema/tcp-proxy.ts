import type * as z from 'zod';
import { accessLogs } from './access-log.ts';
import { headerValueOption } from './http/header-option.ts';
import { duration, enumOf, filled, flag, list, message, text, uint } from './proto.ts';

const tunnelingConfig = message(
  'TunnelingConfig',
  {
    hostname: filled,
    use_post: flag.optional(),
    post_path: text.optional(),
    headers_to_add: list(headerValueOption),
    propagate_response_headers: flag.optional(),
    propagate_response_trailers: flag.optional(),
  },
  {
    refused: {
      plugin: 'request_id_extension',
      identity: 'request_id_header request_id_metadata_key',
      operator: 'formatters',
    },
  },
);

const logging = message(
  'TcpAccessLogOptions',
  { flush_access_log_on_connected: flag.optional(), flush_access_log_on_start: flag.optional() },
  { ignored: 'access_log_flush_interval' },
);

const backOff = message('BackoffStrategy', { base_interval: duration(1), max_interval: duration(1).optional() });

/** `envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy` */
export const tcpProxy = message(
  'TcpProxy',
  {
    stat_prefix: filled,
    cluster: text.optional(),
    tunneling_config: tunnelingConfig.optional(),
    max_connect_attempts: uint(1, 2 ** 32 - 1, 'a number from 1').optional(),
    backoff_options: backOff.optional(),
    idle_timeout: duration().optional(),
    max_downstream_connection_duration: duration(1).optional(),
    upstream_connect_mode: enumOf(
      {
        IMMEDIATE: 0,
        ON_DOWNSTREAM_DATA: 1,
        ON_DOWNSTREAM_TLS_HANDSHAKE: 2,
      },
      { ON_DOWNSTREAM_DATA: 'dial', ON_DOWNSTREAM_TLS_HANDSHAKE: 'dial' },
    ).optional(),
    access_log: accessLogs,
    access_log_options: logging.optional(),
    flush_access_log_on_connected: flag.optional(),
  },
  {
    // tunl always holds early data back, and writes no line while a tunnel is open.
    ignored: 'max_early_data_bytes access_log_flush_interval check_drain_close',
    refused: {
      weights: 'weighted_clusters',
      server: 'on_demand',
      choice: 'metadata_match hash_policy',
      jitter: 'max_downstream_connection_duration_jitter_percentage',
      tlv: 'proxy_protocol_tlvs proxy_protocol_tlv_merge_policy',
    },
  },
);

/** A TcpProxy in a file. */
export type TcpProxyMessage = z.infer<typeof tcpProxy>;
/** The tunnelling settings of a TcpProxy in a file. */
export type TunnelingConfigMessage = z.infer<typeof tunnelingConfig>;
