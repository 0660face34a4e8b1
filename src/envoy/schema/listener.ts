import type * as z from 'zod';
import { accessLogs } from './access-log.ts';
import { address } from './address.ts';
import { connectionState, connectionStateType } from './filter-state.ts';
import { httpConnectionManager } from './http/manager.ts';
import { connectionFilter, connectionFilterType } from './matchers/rbac.ts';
import { any, emptyMessage, enumOf, filled, flag, list, message, text, uint32 } from './proto.ts';
import { tcpProxy } from './tcp-proxy.ts';
import { downstreamSocket } from './transport-socket.ts';

const filter = message(
  'Filter',
  {
    name: filled,
    typed_config: any({
      'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy': tcpProxy,
      'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager': httpConnectionManager,
      [connectionFilterType]: connectionFilter,
      [connectionStateType]: connectionState,
    }),
  },
  { refused: { server: 'config_discovery' } },
);

/** The match of a filter chain. Only an empty match is supported, which accepts all connections. */
const chainMatch = message(
  'FilterChainMatch',
  {},
  {
    refused: {
      chains:
        'destination_port prefix_ranges address_suffix suffix_len direct_source_prefix_ranges source_type source_prefix_ranges source_ports server_names transport_protocol application_protocols',
    },
  },
);

/** The listener filter that reads the PROXY header before the first byte. */
export const headerFilterType = 'envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol';

/** Listener filters. Those that only inspect connections are ignored, because tunl inspects connections anyway. */
const listenerFilter = message(
  'ListenerFilter',
  {
    name: filled,
    typed_config: any({
      'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector': emptyMessage(
        'TlsInspector',
        'enable_ja3_fingerprinting enable_ja4_fingerprinting initial_read_buffer_size max_client_hello_size close_connection_on_client_hello_parsing_errors',
      ),
      'envoy.extensions.filters.listener.http_inspector.v3.HttpInspector': emptyMessage('HttpInspector'),
      [headerFilterType]: message(
        'ProxyProtocol',
        { allow_requests_without_proxy_protocol: flag.optional() },
        { ignored: 'stat_prefix', refused: { told: 'rules pass_through_tlvs disallowed_versions tlv_location' } },
      ),
    }),
  },
  { refused: { server: 'config_discovery', accept: 'filter_disabled' } },
);

const filterChain = message(
  'FilterChain',
  {
    filter_chain_match: chainMatch.optional(),
    filters: list(filter),
    transport_socket: downstreamSocket.optional(),
  },
  {
    ignored: 'name metadata transport_socket_connect_timeout',
    refused: { header: 'use_proxy_proto' },
  },
);

const additionalAddress = message(
  'AdditionalAddress',
  { address },
  { refused: { socket: 'socket_options tcp_keepalive' } },
);

/** `envoy.config.core.v3.SocketOption` */
const socketOption = message(
  'SocketOption',
  {
    level: uint32.optional(),
    name: uint32.optional(),
    int_value: uint32.optional(),
    buf_value: text.optional(),
    state: enumOf({ STATE_PREBIND: 0, STATE_BOUND: 1, STATE_LISTENING: 2 }).optional(),
  },
  { ignored: 'description', refused: { socket: 'type' } },
);

/** `envoy.config.listener.v3.Listener` */
export const listener = message(
  'Listener',
  {
    name: text.optional(),
    address: address.optional(),
    internal_listener: emptyMessage('InternalListenerConfig').optional(),
    filter_chains: list(filterChain),
    listener_filters: list(listenerFilter),
    default_filter_chain: filterChain.optional(),
    traffic_direction: enumOf({ UNSPECIFIED: 0, INBOUND: 1, OUTBOUND: 2 }).optional(),
    access_log: accessLogs,
    additional_addresses: list(additionalAddress),
    socket_options: list(socketOption),
  },
  {
    ignored:
      'stat_prefix per_connection_buffer_limit_bytes metadata drain_type enable_mptcp reuse_port enable_reuse_port tcp_backlog_size max_connections_to_accept_per_socket_event connection_balance_config ignore_global_conn_limit tcp_fast_open_queue_length tcp_keepalive listener_filters_timeout continue_on_listener_filters_timeout bypass_overload_manager',
    refused: {
      original: 'use_original_dst transparent freebind',
      bound: 'bind_to_port',
      udp: 'udp_listener_config',
      plugin: 'api_listener deprecated_v1',
      chains: 'filter_chain_matcher',
      server: 'fcds_config',
    },
  },
);

/** A listener in a file. */
export type ListenerMessage = z.infer<typeof listener>;
/** A filter chain of a listener in a file. */
export type FilterChainMessage = z.infer<typeof filterChain>;
/** A socket option in a file. */
export type SocketOptionMessage = z.infer<typeof socketOption>;
