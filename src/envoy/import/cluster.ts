import { isIP } from 'node:net';
import type { Path } from '../../chain/read/document.ts';
import type { FieldChoice, Limits, RouteOptions, Target, TargetChoice } from '../../chain/model/graph.ts';
import type { TlsSettings } from '../../core/hop.ts';
import { parseHost, parsePort } from '../../syntax/authority.ts';
import { parseUnix } from '../../syntax/listen.ts';
import { defaultLimits } from '../../syntax/settings.ts';
import { asUsage, quote } from '../../syntax/text.ts';
import type { ClusterMessage, EndpointMessage, ServerNamesMessage } from '../schema/cluster.ts';
import type { HopVersion } from '../schema/hop-terms.ts';
import { assertOne } from './one-of.ts';
import type { BootstrapDiagnostics } from './diagnostics.ts';
import { readUpstreamHeader, readUpstreamTls } from './tls.ts';
import { readSource } from './sockets.ts';

/** A cluster with the settings that are the same for all filters and routes that use it. */
export interface Cluster {
  readonly name: string;
  readonly path: Path;
  readonly words: ClusterMessage;
  /** Its endpoints, or the field of the request that names one; undefined if it has neither. */
  readonly to: TargetChoice | FieldChoice | undefined;
  readonly version: HopVersion;
  readonly tls?: TlsSettings;
  /** The SPIFFE id that its endpoints must have; only for HBONE peers. */
  readonly peer?: string;
  readonly family?: 4 | 6;
  /** The address of this machine that connections come from. */
  readonly sourceAddress?: string;
  /** The PROXY header on each connection, before TLS. */
  readonly sendProxyProtocol?: 'v1' | 'v2';
  readonly connectMs: number;
}

const protocolOptions = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** Reads a cluster, independently of the filters and routes that use it. */
export function readCluster(words: ClusterMessage, path: Path, reading: BootstrapDiagnostics): Cluster {
  const { name, cluster_type: custom, dns_lookup_family: own } = words;
  const family = custom ? custom.typed_config.dns_cache_config?.dns_lookup_family : own;
  const cache = custom?.typed_config.dns_cache_config;
  if (cache) reading.addCache(cache, [...path, 'cluster_type', 'typed_config', 'dns_cache_config']);
  const security = readUpstreamTls(words, path, reading);
  const version = readVersion(words, path, reading);
  if (version === 'either' && !security) {
    reading.add(
      [...path, 'typed_extension_protocol_options'],
      'auto_config chooses the version in TLS, and this cluster has none',
      'write explicit_http_config',
    );
  }
  return {
    name,
    path,
    words,
    to: readEndpoints(words, path, reading),
    version,
    ...security,
    ...readSource(words, path, reading),
    ...readUpstreamHeader(words),
    ...((family === 'V4_ONLY' || family === 'V6_ONLY') && { family: family === 'V4_ONLY' ? 4 : 6 }),
    connectMs: words.connect_timeout ?? usualLimits.connectMs,
  };
}

/** The default limits for an Envoy file: Envoy's defaults, and tunl's for limits that Envoy does not have. */
export const usualLimits = defaultLimits('envoy');

/**
 * Makes the route to a cluster. The connect timeout of the cluster becomes the limit for TLS too.
 * @param own the limits of the filter that uses the cluster, in milliseconds
 */
export function toRoute(cluster: Cluster, own: Partial<Limits>): RouteOptions {
  const { connectMs, family, sourceAddress, sendProxyProtocol } = cluster;
  return {
    hops: [],
    limits: { ...usualLimits, connectMs, tlsMs: connectMs, ...own },
    ...(family && { family }),
    ...(sourceAddress !== undefined && { sourceAddress }),
    ...(sendProxyProtocol && { sendProxyProtocol }),
  };
}

function readVersion(words: ClusterMessage, path: Path, reading: BootstrapDiagnostics): Cluster['version'] {
  const {
    typed_extension_protocol_options: typed,
    http_protocol_options: http1,
    http2_protocol_options: http2,
  } = words;
  for (const key of Object.keys(typed ?? {})) {
    if (key === protocolOptions) continue;
    const at = [...path, 'typed_extension_protocol_options', key];
    reading.add(at, `unknown options ${quote(key)}`, `there are ${protocolOptions}`);
  }
  const options = typed?.[protocolOptions];
  if (!options) {
    const at = [...path, 'http2_protocol_options'];
    if (http1 && http2) reading.add(at, 'a cluster has one version of HTTP', 'leave one of the two out');
    return http2 ? 'http2' : 'http1';
  }
  const at = [...path, 'typed_extension_protocol_options', protocolOptions];
  assertOne(at, options, ['explicit_http_config', 'auto_config'], reading);
  assertServerNames(options.upstream_http_protocol_options, words, at, reading);
  const { explicit_http_config: explicit } = options;
  if (!explicit) return 'either';
  assertOne([...at, 'explicit_http_config'], explicit, ['http_protocol_options', 'http2_protocol_options'], reading);
  return explicit.http2_protocol_options ? 'http2' : 'http1';
}

/** Refuses server names from requests, which only a dynamic forward proxy has: its target is the host of the request. */
function assertServerNames(
  { auto_sni: sni = false, auto_san_validation: san = false }: ServerNamesMessage = {},
  { cluster_type: custom, transport_socket: socket }: ClusterMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): void {
  const at = [...path, 'upstream_http_protocol_options'];
  if (!custom && (sni || san)) {
    reading.add(
      at,
      'tunl sends and verifies the name of the cluster, not the host of a request',
      'write sni in transport_socket',
    );
  }
  if (!custom || (sni && san)) return;
  if (socket)
    reading.add(
      at,
      'tunl sends and verifies the host of the request here',
      'write auto_sni: true and auto_san_validation: true',
    );
  else if (custom.typed_config.allow_insecure_cluster_options !== true) {
    reading.add(
      path,
      'upstream_http_protocol_options is missing',
      'a dynamic forward proxy needs auto_sni: true and auto_san_validation: true in it',
    );
  }
}

function readEndpoints(words: ClusterMessage, path: Path, reading: BootstrapDiagnostics): Cluster['to'] {
  const { type = 'STATIC', load_assignment: assignment } = words;
  if (words.cluster_type || type === 'ORIGINAL_DST') assertOwnChoice(words, path, reading);
  if (words.cluster_type) return readDynamic(words, path, reading);
  if (type === 'ORIGINAL_DST') return readOriginalDst(words, path, reading);
  assertInTurn(words, path, reading);
  const groups = (assignment?.endpoints ?? []).map((group, index) => ({
    priority: group.priority ?? 0,
    endpoints: (group.lb_endpoints ?? []).map(({ endpoint, load_balancing_weight: weight = 1 }, at) => ({
      endpoint,
      weight,
      path: [...path, 'load_assignment', 'endpoints', index, 'lb_endpoints', at],
    })),
  }));
  const all = groups.toSorted((one, other) => one.priority - other.priority);
  const endpoints = all.flatMap((group) => group.endpoints);
  const odd = endpoints.find(({ weight }) => weight !== endpoints[0]?.weight);
  if (odd)
    reading.add(
      [...odd.path, 'load_balancing_weight'],
      'tunl does not support endpoints of different weight',
      'give all endpoints the same weight',
    );
  if (type === 'LOGICAL_DNS' && endpoints.length !== 1) {
    reading.add(
      [...path, 'load_assignment'],
      'a cluster of the type LOGICAL_DNS has exactly one endpoint',
      'write STRICT_DNS for more',
    );
  }
  const targets = endpoints.flatMap(
    ({ endpoint, path: at }) =>
      reading.attempts.run([...at, 'endpoint', 'address'], () => readTarget(endpoint, type, at, reading)) ?? [],
  );
  if (endpoints.length === 0) return undefined;
  return { targets, balance: findBalance(all, path, reading) };
}

/** Refuses ways to choose among endpoints that are not nearly the same as to take each in turn. */
function assertInTurn(
  { lb_policy: policy = 'ROUND_ROBIN', load_balancing_policy: typed }: ClusterMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): void {
  const at = [...path, 'lb_policy'];
  if (typed) {
    // Envoy takes the first policy that it knows, and lb_policy means nothing then.
    const [first] = typed.policies ?? [];
    const place = [...path, 'load_balancing_policy', 'policies'];
    if (!first) reading.add(place, 'policies has no policy', 'write RoundRobin, LeastRequest or Random');
    const name = first?.typed_extension_config.typed_config['@type'].split('.').at(-1) ?? 'RoundRobin';
    if (name !== 'RoundRobin') reading.notice('verbose', place, `${name}: each endpoint is taken in turn here`);
    return;
  }
  if (policy === 'CLUSTER_PROVIDED') {
    reading.add(at, 'CLUSTER_PROVIDED goes with the type ORIGINAL_DST only', 'write ROUND_ROBIN');
  } else if (policy === 'LOAD_BALANCING_POLICY_CONFIG') {
    reading.add(at, `${policy} needs load_balancing_policy`, 'write ROUND_ROBIN, or that field');
  } else if (policy !== 'ROUND_ROBIN') {
    reading.notice('verbose', at, `${policy}: each endpoint is taken in turn here`);
  }
}

/** Refuses policies for clusters whose requests name the endpoint. */
function assertOwnChoice({ load_balancing_policy: typed }: ClusterMessage, path: Path, reading: BootstrapDiagnostics) {
  if (!typed) return;
  const message = 'load_balancing_policy chooses among endpoints, and requests name the endpoint of this cluster';
  reading.add([...path, 'load_balancing_policy'], message, 'write lb_policy: CLUSTER_PROVIDED alone');
}

/** Finds the balance: the first that works for endpoints of different priorities, each in turn for equal priorities. */
function findBalance(
  groups: readonly { readonly priority: number; readonly endpoints: readonly unknown[] }[],
  path: Path,
  reading: BootstrapDiagnostics,
): TargetChoice['balance'] {
  const sizes = new Map<number, number>();
  for (const { priority, endpoints } of groups) sizes.set(priority, (sizes.get(priority) ?? 0) + endpoints.length);
  const used = [...sizes.values()].filter((size) => size > 0);
  if (used.length > 1 && used.some((size) => size > 1)) {
    reading.add(
      [...path, 'load_assignment', 'endpoints'],
      'tunl does not support priorities with several endpoints each',
      'give each endpoint a priority of its own, or all the same',
    );
  }
  return used.length === 1 && (used[0] ?? 0) > 1 ? 'round-robin' : 'first';
}

function readTarget(
  { address }: EndpointMessage,
  type: string,
  path: Path,
  reading: BootstrapDiagnostics,
): Target | undefined {
  const at = [...path, 'endpoint', 'address'];
  assertOne(at, address, ['socket_address', 'pipe', 'envoy_internal_address'], reading);
  const { socket_address: socket, pipe, envoy_internal_address: internal } = address;
  if (pipe) return parseUnix(`unix:${pipe.path}`);
  if (internal) return { kind: 'internal', name: reading.names.give(internal.server_listener_name, 'internal') };
  if (!socket) return undefined;
  const place = [...at, 'socket_address'];
  if (socket.port_value === undefined) reading.add(place, 'port_value is missing');
  if (type === 'STATIC' && isIP(socket.address) === 0) {
    reading.add(
      [...place, 'address'],
      `${quote(socket.address)} is not an IP address, and a cluster of the type STATIC has no others`,
      'write type: STRICT_DNS or LOGICAL_DNS for a name',
    );
    return undefined;
  }
  const host = isIP(socket.address) === 6 ? `[${socket.address}]` : socket.address;
  return {
    kind: 'tcp',
    host: asUsage(quote(socket.address), () => parseHost(host)),
    port: asUsage('port_value', () => parsePort(String(socket.port_value ?? 1))),
  };
}

/** Reads a cluster of a dynamic forward proxy, which connects to the requested targets. */
function readDynamic(
  { type, lb_policy: policy }: ClusterMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): Cluster['to'] {
  if (type !== undefined) reading.add([...path, 'type'], 'type does not go with cluster_type', 'leave one of them out');
  if (policy !== 'CLUSTER_PROVIDED') {
    reading.add(
      policy === undefined ? path : [...path, 'lb_policy'],
      'a dynamic forward proxy needs lb_policy: CLUSTER_PROVIDED',
    );
  }
  return { field: ':authority', names: true };
}

function readOriginalDst(words: ClusterMessage, path: Path, reading: BootstrapDiagnostics): Cluster['to'] {
  const { lb_policy: policy, load_assignment: assignment, original_dst_lb_config: config = {} } = words;
  if (policy !== 'CLUSTER_PROVIDED') {
    reading.add(
      policy === undefined ? path : [...path, 'lb_policy'],
      'a cluster of the type ORIGINAL_DST needs lb_policy: CLUSTER_PROVIDED',
    );
  }
  if (assignment)
    reading.add(
      [...path, 'load_assignment'],
      'a cluster of the type ORIGINAL_DST has no load_assignment',
      'leave it out, or write another type',
    );
  const { use_http_header: usesField = false, http_header_name: field = 'x-envoy-original-dst-host' } = config;
  if (usesField) return { field: field.toLowerCase() };
  if (config.http_header_name !== undefined) {
    reading.add(
      [...path, 'original_dst_lb_config', 'http_header_name'],
      'http_header_name needs use_http_header: true',
    );
  }
  return undefined;
}
