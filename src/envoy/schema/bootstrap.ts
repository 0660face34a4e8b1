import type * as z from 'zod';
import { accessLogs } from './access-log.ts';
import { address } from './address.ts';
import { cluster } from './cluster.ts';
import { listener } from './listener.ts';
import { any, filled, list, message, text, uint } from './proto.ts';

const internalListener = message('InternalListener', {
  buffer_size_kb: uint(1, 8192, 'a number from 1 to 8192').optional(),
});

const extension = message('TypedExtensionConfig', {
  name: filled,
  typed_config: any({ 'envoy.extensions.bootstrap.internal_listener.v3.InternalListener': internalListener }),
});

const admin = message(
  'Admin',
  { address: address.optional(), access_log: accessLogs, access_log_path: text.optional() },
  { ignored: 'profile_path ignore_global_conn_limit', refused: { socket: 'socket_options', admin: 'allow_paths' } },
);

const staticResources = message(
  'StaticResources',
  { listeners: list(listener), clusters: list(cluster) },
  { refused: { secret: 'secrets' } },
);

/** `envoy.config.bootstrap.v3.Bootstrap` */
export const bootstrap = message(
  'Bootstrap',
  { static_resources: staticResources.optional(), admin: admin.optional(), bootstrap_extensions: list(extension) },
  {
    ignored:
      'node node_context_params layered_runtime flags_path cluster_manager stats_sinks deferred_stat_options stats_config stats_flush_interval stats_flush_on_admin watchdog watchdogs enable_dispatcher_stats header_prefix stats_server_version_override fatal_actions inline_headers perf_tracing_file_path memory_allocator_manager grpc_async_client_manager_config typed_dns_resolver_config dns_resolution_config use_tcp_for_dns_lookups',
    missed: 'overload_manager',
    refused: {
      server:
        'dynamic_resources hds_config default_config_source config_sources xds_delegate_extension xds_config_tracker_extension',
      tracing: 'tracing',
      plugin: 'default_socket_interface listener_manager',
      secret: 'certificate_provider_instances',
      messages: 'application_log_config',
      pattern: 'default_regex_engine',
    },
  },
);

/** The content of a bootstrap file. */
export type BootstrapMessage = z.infer<typeof bootstrap>;
