/** Names and values of fields that Envoy's own examples of tunnels are made of, from the outside in. */
export const fieldsOfExamples: readonly string[] = `
  admin access_log_path access_log bootstrap_extensions buffer_size_kb
  static_resources listeners clusters name address socket_address protocol port_value
  internal_listener filter_chains filters typed_config stat_prefix cluster
  tunneling_config hostname use_post headers_to_add header key value
  codec_type route_config virtual_hosts domains routes http_filters
  http_protocol_options http2_protocol_options allow_connect upgrade_configs upgrade_type
  match prefix connect_matcher headers string_match exact route connect_config
  allow_post proxy_protocol_config direct_response status body inline_string
  connect_timeout type LOGICAL_DNS STRICT_DNS ORIGINAL_DST dns_lookup_family
  lb_policy ROUND_ROBIN CLUSTER_PROVIDED load_assignment cluster_name endpoints
  lb_endpoints endpoint envoy_internal_address server_listener_name endpoint_id
  original_dst_lb_config use_http_header http_header_name typed_extension_protocol_options
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions explicit_http_config
`
  .trim()
  .split(/\s+/);
