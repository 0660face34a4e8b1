import { findFreePort } from '../processes.mjs';

/** Starts Envoy as a CONNECT proxy for both versions of HTTP. */
export async function startEnvoyProxy(bench, path) {
  const port = await findFreePort();
  return { port, children: [await startEnvoy(bench, path, [endTunnels({ port })])] };
}

/** Starts Envoy as a reverse proxy of HTTP/1.1 in front of a port. */
export async function startEnvoyReverse(bench, path, { originPort }) {
  const port = await findFreePort();
  const route = { match: { prefix: '/' }, route: { cluster: 'origin', timeout: '0s' } };
  const resources = {
    listener: makeListener(port, makeManager({ routes: [route] })),
    cluster: makeCluster('origin', { port: originPort }),
  };
  return { port, children: [await startEnvoy(bench, path, [resources])] };
}

/**
 * Starts Envoys in a row: the first takes connections and asks for the origin by CONNECT over HTTP/2, those between pass
 * that on, the last ends tunnels. `certs` puts TLS between them, `perSession` limits the tunnels in one session;
 * `together` runs all `hops` in one process.
 */
export async function startEnvoyRow(bench, path, { originPort, hops = 2, certs, perSession, together = false }) {
  const ports = [];
  while (ports.length < hops) ports.push(await findFreePort());
  const resources = ports.map((port, index) => {
    const next = ports[index + 1];
    if (next === undefined) return endTunnels({ port, certs, perSession });
    return index === 0
      ? beginTunnels({ port, next, originPort, certs, perSession })
      : passTunnels({ port, next, certs, perSession, index });
  });
  // From the far end on, so that each finds the next one listening.
  const groups = together ? [resources] : resources.map((one) => [one]).reverse();
  const children = [];
  for (const group of groups) children.push(await startEnvoy(bench, path, group));
  return { port: ports[0], children, ends: [children.at(-1), children[0]] };
}

async function startEnvoy(bench, path, resources) {
  const listeners = resources.map(({ listener }) => listener);
  const clusters = resources.map(({ cluster }) => cluster);
  // JSON is YAML.
  const config = bench.write('envoy.yaml', JSON.stringify({ static_resources: { listeners, clusters } }, null, 1));
  const args = ['--concurrency', '1', '--disable-hot-restart', '--log-level', 'error', '-c', config];
  return bench.startListening(path, args, listeners[0].address.socket_address.port_value);
}

function beginTunnels({ port, next, originPort, ...rest }) {
  const filter = {
    ...typed('filters.network.tcp_proxy.v3.TcpProxy'),
    stat_prefix: 'begin',
    cluster: 'begin',
    tunneling_config: { hostname: `127.0.0.1:${originPort}` },
  };
  return { listener: makeListener(port, filter), cluster: makeCluster('begin', { port: next, http2: true, ...rest }) };
}

function passTunnels({ port, next, index, ...rest }) {
  const name = `pass${index}`;
  const route = { match: { connect_matcher: {} }, route: { cluster: name, timeout: '0s' } };
  return {
    listener: makeListener(port, makeManager({ routes: [route], connect: true, ...rest }), rest.certs),
    cluster: makeCluster(name, { port: next, http2: true, ...rest }),
  };
}

function endTunnels({ port, certs, perSession }) {
  const upgrades = [{ upgrade_type: 'CONNECT', connect_config: {} }];
  const route = {
    match: { connect_matcher: {} },
    route: { cluster: 'asked', timeout: '0s', upgrade_configs: upgrades },
  };
  return {
    listener: makeListener(port, makeManager({ routes: [route], connect: true, perSession }), certs),
    cluster: {
      ...makeLimits('asked'),
      type: 'ORIGINAL_DST',
      lb_policy: 'CLUSTER_PROVIDED',
      original_dst_lb_config: { use_http_header: true, http_header_name: ':authority' },
    },
  };
}

function makeManager({ routes, connect = false, perSession }) {
  const streams = perSession === undefined ? {} : { max_concurrent_streams: perSession };
  return {
    ...typed('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'front',
    stream_idle_timeout: '0s',
    ...(connect && {
      http2_protocol_options: { allow_connect: true, ...streams },
      upgrade_configs: [{ upgrade_type: 'CONNECT' }],
    }),
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [{ name: 'router', typed_config: typed('filters.http.router.v3.Router') }],
  };
}

function makeListener(port, filter, certs) {
  const secure = certs && {
    transport_socket: {
      name: 'tls',
      typed_config: {
        ...typed('transport_sockets.tls.v3.DownstreamTlsContext'),
        common_tls_context: {
          alpn_protocols: ['h2'],
          tls_certificates: [{ certificate_chain: { filename: certs.cert }, private_key: { filename: certs.key } }],
        },
      },
    },
  };
  const filters = [{ name: 'only', typed_config: filter }];
  return { name: `at${port}`, address: makeAddress(port), filter_chains: [{ filters, ...secure }] };
}

function makeCluster(name, { port, http2 = false, certs, perSession }) {
  const streams = perSession === undefined ? {} : { max_concurrent_streams: perSession };
  const protocol = http2 ? { http2_protocol_options: streams } : { http_protocol_options: {} };
  const secure = certs && {
    transport_socket: {
      name: 'tls',
      typed_config: {
        ...typed('transport_sockets.tls.v3.UpstreamTlsContext'),
        sni: 'localhost',
        common_tls_context: { alpn_protocols: ['h2'], validation_context: { trusted_ca: { filename: certs.ca } } },
      },
    },
  };
  return {
    ...makeLimits(name),
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: makeAddress(port) } }] }],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        ...typed('upstreams.http.v3.HttpProtocolOptions'),
        explicit_http_config: protocol,
      },
    },
    ...secure,
  };
}

/** Its default limits would refuse most of a load. */
function makeLimits(name) {
  const most = 100_000;
  const thresholds = [{ max_connections: most, max_pending_requests: most, max_requests: most }];
  return { name, connect_timeout: '5s', circuit_breakers: { thresholds } };
}

function makeAddress(port) {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

/** Names one of Envoy's own messages. */
function typed(message) {
  return { '@type': `type.googleapis.com/envoy.extensions.${message}` };
}
