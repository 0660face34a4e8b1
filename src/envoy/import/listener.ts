import { isIP } from 'node:net';
import type { Path } from '../../chain/read/document.ts';
import type { Screen, Stage } from '../../chain/model/graph.ts';
import type { StageValues } from '../../syntax/stage-settings.ts';
import type { InternalAddress, ListenAddress } from '../../core/address.ts';
import { parseUnix } from '../../syntax/listen.ts';
import type { StateValue } from '../../syntax/format/state.ts';
import { quote } from '../../syntax/text.ts';
import type { AddressMessage } from '../schema/address.ts';
import { type FilterChainMessage, headerFilterType, type ListenerMessage } from '../schema/listener.ts';
import { connectionStateType } from '../schema/filter-state.ts';
import { connectionFilterType } from '../schema/matchers/rbac.ts';
import { readFilterState } from './filter-state.ts';
import { assertOne } from './one-of.ts';
import { readRules, type RulesContext } from './rbac/rules.ts';
import { readHttpManager } from './http/manager.ts';
import { type FilterContext, readTcpProxy } from './tcp-proxy.ts';
import { checkSocketOptions } from './sockets.ts';
import { readDownstreamTls } from './tls.ts';
import type { BootstrapDiagnostics } from './diagnostics.ts';

const addressKinds = ['socket_address', 'pipe', 'envoy_internal_address'] as const;

const managerType = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** The filter that looks for the server name in the first bytes of TLS. */
const inspectorType = 'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector';

/** Reads a listener as a stage. Returns undefined after adding a fault. */
export function readListener(
  words: ListenerMessage,
  path: Path,
  clusters: Pick<FilterContext, 'findCluster' | 'clusters'>,
  reading: BootstrapDiagnostics,
): Stage | undefined {
  const name = nameListener(words);
  const listen = reading.attempts.run([...path, 'address'], () => readListen(words, path, reading));
  const more = readMore(words, path, reading);
  checkSocketOptions(words.socket_options, [...path, 'socket_options'], reading);
  const chain = findChain(words, path, reading);
  if (!chain) return undefined;
  const tls = readDownstreamTls(chain.words, chain.path, reading);
  const listener = readListenerFilters(words, path, reading);
  const rules: RulesContext = {
    reading,
    isOfConnections: true,
    isInternal: listen?.kind === 'internal',
    hasTls: tls !== undefined,
    ...listener.facts,
  };
  const { filter, screens, state } = readFilters(chain, rules);
  if (!filter || !listen) return undefined;
  const listenerLogs = { words: words.access_log, path: [...path, 'access_log'] };
  const context: FilterContext = {
    path: filter.path,
    isInternal: listen.kind === 'internal',
    listen: [listen, ...more],
    state,
    ...clusters,
    listenerLogs,
    reading,
    rules,
  };
  const isManager = filter.words['@type'] === managerType;
  if (isManager && listenerLogs.words && listenerLogs.words.length > 0) {
    reading.add(
      listenerLogs.path,
      'access_log of a listener has an entry for each connection, and an HttpConnectionManager of tunl one for each request',
      'move it into the HttpConnectionManager',
    );
  }
  const own = listen.kind === 'internal' ? listen.name : nameStage(name, 'listener', reading);
  const addresses = [listen, ...more] as const;
  const shared = { name: own, listen: addresses, ...listener.values, ...(tls && { tls }) };
  const isScreened = screens.length > 0;
  return filter.words['@type'] === managerType
    ? {
        ...shared,
        ...readHttpManager(filter.words, addresses, context),
        ...(isScreened && { connectionScreens: screens }),
      }
    : { ...shared, ...readTcpProxy(filter.words, context), ...(isScreened && { screens }) };
}

/** Reads the filters that see connections before all others, in their order. */
function readListenerFilters(
  { listener_filters: filters = [] }: ListenerMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): { readonly values: StageValues; readonly facts: Pick<RulesContext, 'seesServerName' | 'isTold'> } {
  const types = filters.map(({ typed_config: { '@type': type } }) => type);
  const at = types.indexOf(headerFilterType);
  const second = types.indexOf(headerFilterType, at + 1);
  if (at >= 0 && second >= 0) {
    reading.add([...path, 'listener_filters', second], 'tunl reads one PROXY header', 'leave the second filter out');
  }
  const config = filters[at]?.typed_config;
  const isOptional = config?.['@type'] === headerFilterType && config.allow_requests_without_proxy_protocol === true;
  return {
    values: at < 0 ? {} : { acceptProxyProtocol: isOptional ? 'optional' : 'required' },
    // One before the header would find that, and no server name.
    facts: { seesServerName: types.lastIndexOf(inspectorType) > at, isTold: at >= 0 },
  };
}

/** Reads the addresses besides the first. */
function readMore(words: ListenerMessage, path: Path, reading: BootstrapDiagnostics): readonly ListenAddress[] {
  const { additional_addresses: more = [] } = words;
  if (more.length > 0 && isInternalListener(words)) {
    reading.add([...path, 'additional_addresses'], 'an internal listener has no addresses', 'leave them out');
  }
  return more.flatMap(({ address }, index) => {
    const at = [...path, 'additional_addresses', index, 'address'];
    if (address.envoy_internal_address)
      reading.add(at, 'a listener with addresses is none within the process', 'write socket_address or pipe');
    return reading.attempts.run(at, () => readSocket(address, at, reading)) ?? [];
  });
}

/** Returns the name of a listener. An internal listener in the old format has its name in the address. */
export function nameListener({ name, address }: ListenerMessage): string | undefined {
  return address?.envoy_internal_address?.server_listener_name ?? (name === '' ? undefined : name);
}

function nameStage(name: string | undefined, kind: string, { names }: BootstrapDiagnostics): string {
  return name === undefined ? names.make(name, kind) : names.give(name, kind);
}

/** True for an internal listener, which only this process can reach. */
export function isInternalListener({ internal_listener: internal, address }: ListenerMessage): boolean {
  return internal !== undefined || address?.envoy_internal_address !== undefined;
}

function readListen(
  words: ListenerMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): ListenAddress | InternalAddress | undefined {
  const { address, internal_listener: internal } = words;
  const isOld = address?.envoy_internal_address !== undefined;
  if (internal && address && !isOld) {
    reading.add([...path, 'address'], 'an internal listener has no address', 'leave address or internal_listener out');
  }
  if (isInternalListener(words)) {
    if (address) assertOne([...path, 'address'], address, addressKinds, reading);
    const name = nameListener(words);
    if (name === undefined)
      reading.add(path, 'an internal listener needs a name', 'add name: clusters lead there by it');
    return { kind: 'internal', name: nameStage(name, 'internal', reading) };
  }
  if (address) return readSocket(address, [...path, 'address'], reading);
  reading.add(path, 'address is missing', 'for a listener inside the process write internal_listener: {}');
  return undefined;
}

/** Reads an address of the system to listen on. Returns undefined after adding a fault. */
export function readSocket(
  words: AddressMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): ListenAddress | undefined {
  assertOne(path, words, addressKinds, reading);
  const { socket_address: socket, pipe } = words;
  if (pipe) return parseUnix(`unix:${pipe.path}`);
  if (!socket) return undefined;
  const at = [...path, 'socket_address'];
  const { address: host, port_value: port } = socket;
  if (isIP(host) === 0)
    reading.add(
      [...at, 'address'],
      `${quote(host)} is not an IP address to listen on`,
      'write 0.0.0.0, :: or one of them',
    );
  if (port === undefined) reading.add(at, 'port_value is missing');
  // tunl writes * for one socket that accepts both address families.
  const isAll = host === '::' && socket.ipv4_compat === true;
  return { kind: 'tcp', host: isAll ? '*' : host.toLowerCase(), port: port ?? 0 };
}

interface Placed<T> {
  readonly words: T;
  readonly path: Path;
}

function findChain(
  words: ListenerMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): Placed<FilterChainMessage> | undefined {
  const { filter_chains: chains = [], default_filter_chain: other } = words;
  const [chain] = chains;
  if (!chain) {
    if (other) return { words: other, path: [...path, 'default_filter_chain'] };
    reading.add(path, 'filter_chains is missing');
    return undefined;
  }
  if (chains.length > 1) {
    reading.add(
      [...path, 'filter_chains', 1],
      'a listener of tunl has one chain of filters',
      'give each chain a listener of its own',
    );
  } else if (other) {
    reading.add(
      [...path, 'default_filter_chain'],
      'no connection would come here: filter_chains takes all of them',
      'leave one of the two out',
    );
  }
  return { words: chain, path: [...path, 'filter_chains', 0] };
}

type FilterMessage = NonNullable<FilterChainMessage['filters']>[number]['typed_config'];
/** A filter that takes connections. */
type LastFilterMessage = Exclude<
  FilterMessage,
  { readonly '@type': typeof connectionFilterType | typeof connectionStateType }
>;

interface ReadFilters {
  /** The filter that takes the connections; absent after adding a fault. */
  readonly filter?: Placed<LastFilterMessage>;
  readonly screens: readonly Screen[];
  readonly state: readonly StateValue[];
}

/** Reads the filters of a chain: those that let connections pass or give them values, and the one that takes them. */
function readFilters({ words, path }: Placed<FilterChainMessage>, rules: RulesContext): ReadFilters {
  const { filters = [] } = words;
  const { reading } = rules;
  const screens: Screen[] = [];
  const state: StateValue[] = [];
  for (const [index, { typed_config: config }] of filters.entries()) {
    const at = [...path, 'filters', index, 'typed_config'];
    if (config['@type'] === connectionStateType) {
      const valuesAt = [...at, 'on_new_connection'];
      state.push(...readFilterState(config.on_new_connection, valuesAt, 'connection', reading));
      continue;
    }
    if (config['@type'] !== connectionFilterType) {
      if (index + 1 < filters.length)
        reading.add(
          [...path, 'filters', index + 1],
          `nothing comes behind the ${index === 0 ? 'first filter' : 'filter before'}: it takes the connection`,
          'leave it out, or write it into a listener of its own',
        );
      return { filter: { words: config, path: at }, screens, state };
    }
    const screen = readRules(config.rules, [...at, 'rules'], rules);
    if (screen) screens.push(screen);
  }
  const what = filters.length === 0 ? 'filters is missing' : 'the filter that takes the connections is missing';
  reading.add(path, what, 'there are TcpProxy and HttpConnectionManager');
  return { screens, state };
}
