/** Why a field of Envoy is not run, and what runs in its place. */
export interface Refusal {
  /** The reason, as the end of a sentence. */
  readonly why: string;
  /** The nearest thing that runs, as a request to the user. */
  readonly instead: string;
}

/** All reasons for which fields are refused, by the names that the schema uses for them. */
export const refusals = {
  server: {
    why: 'tunl takes no configuration from a server',
    instead: 'write what the server would tell into this file',
  },
  plugin: { why: 'it asks for code that is built into Envoy', instead: 'leave it out: tunl has its own way here' },
  tracing: { why: 'tunl sends no traces', instead: 'an access_log has the times and the outcome of each request' },
  messages: { why: 'tunl has one form for its own messages', instead: 'leave it out; an access_log takes a format' },
  pattern: { why: 'the syntax of patterns is always that of RE2', instead: 'leave it out' },
  secret: { why: 'tunl reads certificates and keys from files', instead: 'write the names of files: filename' },
  inline: { why: 'tunl reads such texts from this file', instead: 'write inline_string' },
  bytes: { why: 'tunl takes the values of fields as texts', instead: 'write value' },
  password: {
    why: 'tunl takes keys that need no password or device here',
    instead: 'write certificate_chain and private_key',
  },
  original: {
    why: 'Node cannot ask the system where a redirected connection wanted to go',
    instead: 'let clients ask by CONNECT, with a cluster of the type ORIGINAL_DST and use_http_header: true',
  },
  bound: {
    why: 'every listener opens its address',
    instead: 'for a listener inside the process write internal_listener: {}',
  },
  socket: { why: 'Node cannot set this on a socket', instead: 'leave it out; keep-alive and no-delay are always on' },
  udp: { why: 'tunl does not support UDP and HTTP/3', instead: 'the same over TCP runs: HTTP/1.1 and HTTP/2' },
  place: { why: 'tunl listens and dials by address and number alone', instead: 'write address and port_value' },
  mode: {
    why: 'tunl creates sockets with the permissions that the umask leaves',
    instead: 'set the umask, or protect the folder',
  },
  accept: {
    why: 'tunl cannot delay or skip the parts of a listener',
    instead: 'write the parts that all connections need',
  },
  chains: {
    why: 'a listener has one chain of filters, for all connections',
    instead: 'give each chain a listener of its own, without filter_chain_match',
  },
  header: {
    why: 'a listener reads the PROXY header, for all of its chains',
    instead: 'write the listener filter envoy.filters.listener.proxy_protocol',
  },
  told: {
    why: 'tunl reads addresses alone from a PROXY header, in both versions',
    instead: 'leave it out',
  },
  tlv: { why: 'a PROXY header of tunl has addresses only', instead: 'write version alone' },
  weights: { why: 'tunl does not split traffic by weight', instead: 'write cluster: its endpoints are taken in turn' },
  choice: {
    why: 'tunl takes endpoints in turn or by priority, and not by hash, metadata or health reports',
    instead: 'write lb_policy: ROUND_ROBIN, or give each endpoint a priority of its own',
  },
  jitter: {
    why: 'tunl ends connections after exactly their time',
    instead: 'write max_downstream_connection_duration alone',
  },
  identity: { why: 'tunl gives requests no ids and reads none', instead: 'leave it out; logs have %CONNECTION_ID%' },
  operator: { why: 'tunl has the operators of Envoy that need no extension', instead: 'write those alone' },
  limit: {
    why: 'tunl has no such limit for a request',
    instead: 'write timeout in the route, or stream_idle_timeout in the HttpConnectionManager',
  },
  lifetime: {
    why: 'tunl has no limit for how long this connection lives',
    instead: 'write max_stream_duration in the HttpConnectionManager, or max_downstream_connection_duration',
  },
  client: { why: 'tunl takes the peer of a connection for the client', instead: 'leave it out, or write false' },
  edit: {
    why: 'tunl does not write this field by itself',
    instead: 'write request_headers_to_add, response_headers_to_add, host_rewrite_literal or prefix_rewrite',
  },
  path: { why: 'tunl takes paths as they come', instead: 'write prefix, path or safe_regex in a route' },
  strict: { why: 'tunl always checks header fields strictly', instead: 'leave it out' },
  retry: { why: 'tunl sends each request once', instead: 'leave it out; max_connect_attempts of a TcpProxy runs' },
  mirror: { why: 'tunl sends each request to one cluster', instead: 'leave it out' },
  answer: {
    why: 'a route sends requests to a cluster, answers them with a fixed text or sends clients elsewhere',
    instead: 'write route, direct_response or redirect',
  },
  match: { why: 'tunl matches paths and header fields alone', instead: 'write prefix, path, safe_regex or headers' },
  order: { why: 'tunl tries domains and routes in their order', instead: 'write domains and routes' },
  text: { why: 'tunl compares texts', instead: 'write exact, prefix, suffix, contains or safe_regex' },
  host: { why: 'tunl takes a new host from the file or from one field', instead: 'write host_rewrite_literal' },
  grpc: { why: 'tunl reads no limits from requests', instead: 'write timeout' },
  requestId: { why: 'tunl gives each request an x-request-id where it has none', instead: 'leave it out' },
  dot: { why: 'tunl compares hosts as they come', instead: 'write domains with the dot too' },
  case: { why: 'tunl tells large letters from small ones', instead: 'write safe_regex with (?i) in front' },
  https: { why: 'tunl does not send clients to https by itself', instead: 'write a redirect in the routes' },
  dial: { why: 'tunl dials as soon as a client connects', instead: 'write IMMEDIATE' },
  early: { why: 'tunl sends requests after the handshake', instead: 'leave it out' },
  filters: {
    why: 'this place has no filters of its own, and every filter runs for all routes',
    instead: 'write filters in the list of the HttpConnectionManager or listener',
  },
  names: {
    why: 'tunl resolves the name that a request asks for, and keeps no clusters of its own',
    instead: 'write dns_cache_config',
  },
  settings: { why: 'tunl sends the settings of HTTP/2 that it needs', instead: 'leave it out' },
  version: { why: 'a cluster has its own version of HTTP', instead: 'write explicit_http_config' },
  servername: {
    why: 'tunl takes the name of a server from the cluster, or from the host of a request',
    instead: 'write sni in its transport_socket',
  },
  endpoints: {
    why: 'a cluster of tunl is a plain list of endpoints',
    instead: 'write lb_endpoints with an address each',
  },
  bind: {
    why: 'tunl dials from one address of this machine, and the system chooses the port',
    instead: 'write source_address with an address alone',
  },
  upstreamFilters: { why: 'tunl has no filters on the way to a cluster', instead: 'write them in the listener' },
  load: { why: 'tunl reports its load to no server', instead: 'leave it out; admin has statistics' },
  checks: {
    why: 'tunl checks certificates by their authorities, one name, or the hash of their key',
    instead: 'write trusted_ca with match_typed_subject_alt_names, or verify_certificate_spki',
  },
  ciphers: {
    why: 'tunl uses the ciphers and curves that Node allows in TLS',
    instead: 'leave it out, or set them for Node: --tls-cipher-list',
  },
  sni: { why: 'tunl accepts clients of TLS without a server name', instead: 'leave it out' },
  ocsp: { why: 'tunl staples no answers of OCSP', instead: 'leave it out' },
  admin: {
    why: 'the admin address of tunl answers all of its paths',
    instead: 'leave it out; keep the address on loopback',
  },
  judge: {
    why: 'tunl judges clients by addresses, certificates, ports, paths and fields alone',
    instead: 'write policies with header, url_path, destination_port, direct_remote_ip or authenticated',
  },
  expression: {
    why: 'tunl evaluates no expressions',
    instead: 'write permissions and principals',
  },
  stateText: { why: 'values of filter state are texts here', instead: 'write text_format_source' },
  stateTls: {
    why: 'tunl sets values once the handshake is over, if there is one',
    instead: 'write on_new_connection',
  },
  stateRoute: { why: 'values of filter state choose no route in tunl', instead: 'match the fields of the request' },
  late: { why: 'tunl closes what is denied at once', instead: 'leave it out' },
  log: {
    why: 'filters of logs know statuses, durations, flags and fields of requests',
    instead: 'write status_code_filter, duration_filter, response_flag_filter or header_filter',
  },
  streamLife: {
    why: 'a cluster of tunl has no limit for how long a request takes',
    instead: 'write max_stream_duration in the route or the HttpConnectionManager',
  },
  askOthers: {
    why: 'tunl asks no other server about a request',
    instead: 'write envoy.filters.http.rbac, which judges by addresses, certificates, paths and fields',
  },
  code: {
    why: 'tunl runs no code that a file brings',
    instead: 'write rbac, request_headers_to_add, direct_response or redirect',
  },
  login: {
    why: 'tunl checks no passwords and no tokens for an Envoy file',
    instead: 'write rbac with header or authenticated; a proxy of a chain file has users',
  },
  rate: { why: 'tunl limits no rates', instead: 'leave it out; a proxy of a chain file has max-tunnels' },
  change: {
    why: 'tunl changes fields by the routes',
    instead: 'write request_headers_to_add or response_headers_to_add there',
  },
  hello: {
    why: 'tunl dials no name of a TLS hello by itself',
    instead: 'write hostname: "%REQUESTED_SERVER_NAME%:443" in a tunneling_config, for a proxy that dials it',
  },
  source: {
    why: 'Node cannot dial from the address of a client',
    instead: 'write the transport socket envoy.transport_sockets.upstream_proxy_protocol, which tells it',
  },
  speech: { why: 'tunl carries bytes and reads no protocol in them', instead: 'write envoy.filters.network.tcp_proxy' },
  before: {
    why: 'a cluster of tunl is dialled without a proxy before it',
    instead: 'write tunneling_config in the TcpProxy with the proxy as its cluster, or a hop http:// in a chain file',
  },
  later: { why: 'tunl begins TLS with the first byte', instead: 'write envoy.transport_sockets.tls' },
  sentLog: {
    why: 'tunl sends its logs to no server',
    instead: 'write a FileAccessLog, StdoutAccessLog or StderrAccessLog',
  },
} as const satisfies Readonly<Record<string, Refusal>>;

/** The name of a reason. */
export type RefusalName = keyof typeof refusals;
