import type { Path } from '../../chain/read/document.ts';
import { isChosenByName } from '../../chain/model/chosen.ts';
import type { ForwardStage, HopChoice, Limits, RouteOptions, Target, TargetChoice } from '../../chain/model/graph.ts';
import { wantHopAnswers, wantHopTrailers } from '../../chain/model/hop-answers.ts';
import { escapeVariables } from '../../chain/read/secrets.ts';
import { formatAddress, type InternalAddress, type ListenAddress, type TcpAddress } from '../../core/address.ts';
import { usageError } from '../../core/errors.ts';
import type { HeaderField, Hop } from '../../core/hop.ts';
import { isLoopback } from '../../core/ip.ts';
import { isSecretField } from '../../core/secret.ts';
import { parseAuthority } from '../../syntax/authority.ts';
import { listOperators, parseFormat } from '../../syntax/format/format.ts';
import { parseHeader } from '../../syntax/header.ts';
import { parseEarly, type StateValue } from '../../syntax/format/state.ts';
import { parseTarget } from '../../syntax/target.ts';
import { quote } from '../../syntax/text.ts';
import type { AccessLogMessage } from '../schema/access-log.ts';
import type { TcpProxyMessage, TunnelingConfigMessage } from '../schema/tcp-proxy.ts';
import { listEndpoints } from '../schema/cluster.ts';
import { findHopTerms, type HopTerms, termsOf } from '../schema/hop-terms.ts';
import { type Cluster, toRoute, usualLimits } from './cluster.ts';
import { joinState, keepShared } from './filter-state.ts';
import { readAccessLogs, readEarly, toStageLogs } from './access-log.ts';
import type { RulesContext } from './rbac/rules.ts';
import type { BootstrapDiagnostics } from './diagnostics.ts';

/** Envoy's default of `idle_timeout`, in milliseconds. */
const idleMs = 3_600_000;

/** The context for reading a filter: its position, and the clusters that it may use. */
export interface FilterContext {
  readonly path: Path;
  /** True for a filter of an internal listener. It needs no default idle limit, because the outer listener has one. */
  readonly isInternal: boolean;
  /** Where its connections arrive. */
  readonly listen: readonly (ListenAddress | InternalAddress)[];
  /** The names of all clusters of the file. */
  readonly clusters: readonly string[];
  readonly findCluster: (name: string, path: Path) => Cluster | undefined;
  /** The access logs of the listener. A TcpProxy has one entry in them for each tunnel. */
  readonly listenerLogs: { readonly words: AccessLogMessage | undefined; readonly path: Path };
  readonly reading: BootstrapDiagnostics;
  /** What the filters before this one give to connections. */
  readonly state: readonly StateValue[];
  /** What filters can judge clients by. */
  readonly rules: RulesContext;
}

/** Reads a TcpProxy as a forward stage, without the parts that belong to the listener. */
export function readTcpProxy(
  words: TcpProxyMessage,
  context: FilterContext,
): Omit<ForwardStage, 'name' | 'listen' | 'tls'> {
  const { path, isInternal, findCluster, reading, listenerLogs } = context;
  const { cluster: name, tunneling_config: tunneling, access_log_options: logging } = words;
  if (name === undefined) reading.add(path, 'cluster is missing');
  const cluster = name === undefined ? undefined : findCluster(name, [...path, 'cluster']);
  const places = cluster && readPlaces(cluster, [...path, 'cluster'], reading);
  const route = {
    ...(cluster ? toRoute(cluster, readLimits(words, isInternal)) : noRoute),
    ...readRetries(words, path, reading),
  };
  const state = keepShared(context.state, cluster ? [cluster.words] : [], path, reading);
  const common = {
    job: 'forward',
    ...joinState(state, path, reading),
    log: false,
    ...toStageLogs([
      ...readAccessLogs(words.access_log, [...path, 'access_log'], {
        reading,
        of: 'tcp',
        early: readEarly({
          asked: logging?.flush_access_log_on_start,
          opened: logging?.flush_access_log_on_connected ?? words.flush_access_log_on_connected,
        }),
        cluster: name,
      }),
      ...readAccessLogs(listenerLogs.words, listenerLogs.path, { reading, of: 'listener', cluster: name }),
    ]),
  } as const;
  if (!cluster || !places) return { ...common, to: { targets: [], balance: 'first' }, route };
  if (!tunneling) {
    if (cluster.peer !== undefined) {
      const message = `${cluster.name} has a SPIFFE id, which tunl verifies for HBONE alone`;
      reading.add(
        [...cluster.path, 'transport_socket'],
        message,
        'write a name of the type DNS, or a tunneling_config',
      );
    }
    return { ...common, to: places, route, ...(cluster.tls && { targetTls: cluster.tls }) };
  }
  const at = [...path, 'tunneling_config'];
  if (tunneling.propagate_response_headers !== true && wantHopAnswers(common.accessLogs))
    reading.notice(
      'warning',
      at,
      'access logs get the answer of the proxy; in Envoy, with propagate_response_headers only',
    );
  if (tunneling.propagate_response_trailers !== true && wantHopTrailers(common.accessLogs))
    reading.notice(
      'warning',
      at,
      'access logs get the trailers of the proxy; in Envoy, with propagate_response_trailers only',
    );
  const hostname = reading.attempts.run([...at, 'hostname'], () => readHostname(tunneling.hostname, context));
  const format = typeof hostname === 'string' ? hostname : undefined;
  const named = { state, ...(context.rules.isTold && { acceptProxyProtocol: 'required' }) };
  const isChosen = format !== undefined && isChosenByName({ targetFormat: format, ...named });
  const exposed = context.listen.filter((address) => !isLoopback(address)).map(formatAddress);
  if (isChosen && exposed.length > 0) {
    const message = `everybody who reaches ${exposed.join(' or ')} chooses where tunnels go, as in Envoy`;
    reading.notice('warning', [...at, 'hostname'], message);
  }
  return {
    ...common,
    to: { targets: typeof hostname === 'object' ? [hostname] : [], balance: 'first' },
    ...(format !== undefined && { targetFormat: format }),
    // Envoy has no access control here.
    ...(isChosen && { open: true }),
    route: { ...route, ...readHops(tunneling, places, cluster, at, reading) },
  };
}

function readLimits(words: TcpProxyMessage, isInternal: boolean): Partial<Limits> {
  const { idle_timeout: idle = isInternal ? 0 : idleMs, max_downstream_connection_duration: lifetimeMs } = words;
  return { idleMs: idle, ...(lifetimeMs !== undefined && { lifetimeMs }) };
}

/** A placeholder for the route of a filter that is refused. */
const noRoute: RouteOptions = { hops: [], limits: usualLimits };

function readPlaces(cluster: Cluster, path: Path, reading: BootstrapDiagnostics): TargetChoice | undefined {
  const { to, name } = cluster;
  if (to && !('field' in to)) return to;
  const what =
    to || cluster.words.type === 'ORIGINAL_DST' ? 'takes its endpoints from HTTP requests' : 'has no endpoints';
  reading.add(path, `${name} ${what}: nothing can be sent there`, 'write load_assignment with endpoints');
  return undefined;
}

function readRetries(
  words: TcpProxyMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): Pick<RouteOptions, 'retries' | 'retryOn' | 'backOff'> {
  const { max_connect_attempts: attempts = 1, backoff_options: backOff } = words;
  const { base_interval: baseMs = 0, max_interval: maxMs = baseMs * 10 } = backOff ?? {};
  if (maxMs < baseMs) {
    reading.add([...path, 'backoff_options', 'max_interval'], 'max_interval is shorter than base_interval');
  }
  if (attempts === 1) return {};
  return { retries: attempts - 1, retryOn: 'any', ...(backOff && { backOff: { baseMs, maxMs } }) };
}

/** Reads the target of a tunnel, or the text with operators that names it for each connection. */
function readHostname(hostname: string, { rules, state }: FilterContext): TcpAddress | string {
  const operators = listOperators(hostname);
  if (operators.length === 0) return parseTarget(hostname.replaceAll('%%', '%'));
  if (operators.some(({ name }) => name === 'DYNAMIC_METADATA')) {
    const hint = 'set a value by the filter set_filter_state, and write %FILTER_STATE(NAME:PLAIN)%';
    throw usageError('%DYNAMIC_METADATA% has no value: tunl runs no filter that sets metadata', hint);
  }
  parseEarly(hostname, 'connection');
  if (isChosenByName({ targetFormat: hostname, state }) && !rules.seesServerName) {
    const hint = 'add the filter tls_inspector to listener_filters: without it Envoy too knows no server name';
    throw usageError('%REQUESTED_SERVER_NAME% has no value', hint);
  }
  return hostname;
}

function readHops(
  words: TunnelingConfigMessage,
  { targets, balance }: TargetChoice,
  cluster: Cluster,
  path: Path,
  reading: BootstrapDiagnostics,
): Pick<RouteOptions, 'hops' | 'entry' | 'hopBalance'> {
  const { use_post: post = false, post_path: postPath } = words;
  if (postPath !== undefined && postPath !== '' && !post)
    reading.add([...path, 'post_path'], 'post_path needs use_post: true');
  const { peer, version } = cluster;
  const fields = readHeaders(words.headers_to_add, [...path, 'headers_to_add'], reading);
  const tunnel = post ? 'post' : peer === undefined ? 'connect' : 'mesh';
  const scheme = findHopTerms({ tunnel, version, isSecured: cluster.tls !== undefined });
  if (scheme === undefined || (post && peer !== undefined)) {
    reading.add(
      path,
      `${cluster.name} has a SPIFFE id, and what goes there is CONNECT over HTTP/2`,
      'write http2_protocol_options, and no use_post',
    );
    return { hops: [] };
  }
  const { said, halfClose } = termsOf({ scheme });
  const hop: Omit<Hop, 'address'> = {
    scheme,
    ...(halfClose && { halfClose }),
    tls: cluster.tls ?? {},
    ...fields,
    settings: {
      ...(post && postPath !== undefined && postPath !== '' && postPath !== '/' && { path: postPath }),
      ...(peer !== undefined && { peer }),
      ...said,
    },
  };
  const choice = toChoice(hop, targets, cluster, reading);
  const [entry] = targets;
  return {
    hops: [choice],
    ...(entry?.kind === 'internal' && { entry }),
    ...(balance === 'round-robin' && { hopBalance: balance }),
  };
}

/** Reads the endpoints of a cluster as hops. Those behind an internal listener are distinguished by `endpoint_id`. */
function toChoice(
  hop: Omit<Hop, 'address'>,
  targets: readonly Target[],
  cluster: Cluster,
  reading: BootstrapDiagnostics,
): HopChoice {
  const [first] = targets;
  const path = [...cluster.path, 'load_assignment'];
  const ids = listEndpoints(cluster.words).map(({ address }) => address.envoy_internal_address?.endpoint_id);
  return targets.flatMap((target, index): HopChoice => {
    if (target.kind !== 'internal') return [{ ...hop, address: target }];
    if (first?.kind !== 'internal' || target.name !== first.name) {
      reading.add(
        path,
        'the way to proxies leads through one internal listener, or through none',
        'give each its own cluster',
      );
    }
    return [{ ...hop, address: toHopAddress(target, ids[index], termsOf(hop)) }];
  });
}

/**
 * Makes the address of a hop behind an internal listener. It is never dialled, but appears in messages, and its host is
 * by default the name to verify in the hop's certificate.
 */
function toHopAddress({ name }: InternalAddress, id: string | undefined, { port }: HopTerms): TcpAddress {
  try {
    if (id !== undefined) return parseAuthority(id);
  } catch {
    // Any text is a valid endpoint_id, not only an address.
  }
  return { kind: 'tcp', host: name.toLowerCase(), port };
}

type HeadersToAddMessage = TunnelingConfigMessage['headers_to_add'];

function readHeaders(
  words: HeadersToAddMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): Pick<Hop, 'headers' | 'formats'> {
  const fields: HeaderField[] = [];
  for (const [index, { header, append, append_action: action }] of (words ?? []).entries()) {
    const at = [...path, index, 'header'];
    const key = header.key.toLowerCase();
    if (key === 'host' || key.startsWith(':')) {
      reading.add([...at, 'key'], `${quote(header.key)} cannot be changed`, 'the target of the tunnel is hostname');
      continue;
    }
    const field = reading.attempts.run([...at, 'key'], () =>
      parseHeader(`${key}: ${header.value ?? ''}`, 'headers_to_add'),
    );
    if (!field || !reading.attempts.run([...at, 'value'], () => parseFormat(field[1]))) continue;
    const others = fields.filter(([name]) => name === key);
    const isThere = others.length > 0;
    if (action === 'ADD_IF_ABSENT' && isThere) continue;
    if (action === 'OVERWRITE_IF_EXISTS' && !isThere) continue;
    if (action === 'OVERWRITE_IF_EXISTS' || action === 'OVERWRITE_IF_EXISTS_OR_ADD' || append === false) {
      for (const other of others) fields.splice(fields.indexOf(other), 1);
    }
    fields.push(field);
  }
  const formats = fields.filter(([, value]) => value.includes('%'));
  const headers = fields.filter(([, value]) => !value.includes('%'));
  for (const field of fields) {
    const [name, value] = field;
    if (!isSecretField(name) && !value.startsWith('file:')) reading.sources.set(field, escapeVariables(value));
  }
  return { headers, ...(formats.length > 0 && { formats }) };
}
