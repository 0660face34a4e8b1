import { expect, test } from 'vitest';
import { listFields } from '../../../src/envoy/schema/field-list.ts';

/** The fields that are said to run, by their message. A name that several messages have stands for all of them. */
const run = new Map<string, string[]>();
for (const section of listFields().split('\n## ').slice(1)) {
  const [name = ''] = section.split('\n', 1);
  const [, fields = ''] = /^- runs: (.*)$/m.exec(section) ?? [];
  run.set(name, [...(run.get(name) ?? []), ...fields.replaceAll('`', '').split(' ')]);
}

/** The messages and fields of files with TCP tunnels. */
test.each([
  ['Bootstrap', 'admin bootstrap_extensions static_resources'],
  ['Admin', 'address access_log'],
  ['TypedExtensionConfig', 'name typed_config'],
  ['InternalListener', 'buffer_size_kb'],
  ['StaticResources', 'listeners clusters'],
  ['Listener', 'name address internal_listener filter_chains'],
  ['SocketAddress', 'protocol address port_value'],
  ['EnvoyInternalAddress', 'server_listener_name endpoint_id'],
  ['FilterChain', 'filters transport_socket'],
  ['Filter', 'name typed_config'],
  ['TcpProxy', 'stat_prefix cluster tunneling_config max_connect_attempts backoff_options idle_timeout access_log'],
  ['TcpProxy', 'max_downstream_connection_duration upstream_connect_mode'],
  ['TunnelingConfig', 'hostname use_post post_path headers_to_add'],
  ['HeaderValueOption', 'header append append_action'],
  ['HttpConnectionManager', 'stat_prefix codec_type route_config http_filters http_protocol_options'],
  ['HttpConnectionManager', 'http2_protocol_options upgrade_configs stream_idle_timeout access_log'],
  ['HttpConnectionManager', 'strip_any_host_port strip_matching_host_port'],
  ['Http2ProtocolOptions', 'allow_connect'],
  ['RouteConfiguration', 'name virtual_hosts'],
  ['VirtualHost', 'name domains routes'],
  ['Route', 'match route direct_response'],
  ['RouteConfiguration', 'request_headers_to_add request_headers_to_remove most_specific_header_mutations_wins'],
  ['VirtualHost', 'request_headers_to_add response_headers_to_remove'],
  ['Route', 'response_headers_to_add request_headers_to_remove'],
  ['RouteMatch', 'prefix path connect_matcher headers'],
  ['HeaderMatcher', 'name string_match exact_match present_match invert_match'],
  ['RouteAction', 'cluster upgrade_configs timeout idle_timeout'],
  ['UpgradeConfig', 'upgrade_type enabled connect_config'],
  ['ConnectConfig', 'allow_post proxy_protocol_config'],
  ['DirectResponseAction', 'status body'],
  ['Cluster', 'name connect_timeout type dns_lookup_family lb_policy load_assignment original_dst_lb_config'],
  ['Cluster', 'typed_extension_protocol_options http_protocol_options http2_protocol_options transport_socket'],
  ['ClusterLoadAssignment', 'cluster_name endpoints'],
  ['OriginalDstLbConfig', 'use_http_header http_header_name'],
  ['ExplicitHttpConfig', 'http_protocol_options http2_protocol_options'],
  ['FileAccessLog', 'path log_format format json_format'],
])('of %s these run: %s', (message, fields) => {
  expect(run.get(message)).toEqual(expect.arrayContaining(fields.split(' ')));
});

test('no field is said to be treated in two ways', () => {
  for (const section of listFields().split('\n## ').slice(1)) {
    const fields = section.split('\n').filter((line) => line.startsWith('- ') && !/^- (?:types|values)/.test(line));
    const names = fields.flatMap((line) => line.match(/`[^`]+`/g) ?? []);
    expect(names).toEqual([...new Set(names)]);
  }
});
